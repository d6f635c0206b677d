//! Chance that can be repeated: `splitmix64` of a seed.

/// A die of one's own.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The die number `of` of a seed.
    pub fn new(seed: u64, of: u64) -> Self {
        let mut dice = Self(seed ^ of.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        dice
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, count: usize) -> usize {
        let count = u64::try_from(count.max(1)).unwrap();
        usize::try_from(self.next() % count).unwrap()
    }

    pub fn number(&mut self, least: i64, most: i64) -> i64 {
        least + i64::try_from(self.below(usize::try_from(most - least + 1).unwrap())).unwrap()
    }

    /// True in so many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One of a table, each as often as the number beside it says, compared with the others.
    pub fn drawn<T: Copy>(&mut self, table: &[(T, usize)]) -> T {
        let mut left = self.below(table.iter().map(|(_, weight)| weight).sum());
        for (what, weight) in table {
            if left < *weight {
                return *what;
            }
            left -= weight;
        }
        table[0].0
    }
}
