//! Amounts of money. Kopecks inside, whole rubles on the wire, no fractions of either.

use serde::{Deserialize, Serialize};

/// Kopecks in a ruble.
const PER_RUBLE: i64 = 100;

/// An amount in kopecks.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Kopecks(pub i64);

impl Kopecks {
    /// So many rubles; the most that can be said beyond that.
    #[must_use]
    pub const fn of_rubles(rubles: i64) -> Self {
        Self(rubles.saturating_mul(PER_RUBLE))
    }

    /// Whole rubles, as the wire has them. What is less than a ruble is not shown.
    #[must_use]
    pub const fn rubles(self) -> i64 {
        self.0 / PER_RUBLE
    }

    /// How many stars cost at least this, at so many kopecks for each.
    #[must_use]
    pub const fn in_stars(self, kopecks_per_star: i64) -> i64 {
        let rate = if kopecks_per_star < 1 { 1 } else { kopecks_per_star };
        let whole = self.0 / rate;
        if self.0 % rate > 0 { whole.saturating_add(1) } else { whole }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rubles_are_whole() {
        assert_eq!(Kopecks::of_rubles(100), Kopecks(10_000));
        assert_eq!((Kopecks(299).rubles(), Kopecks(-200).rubles()), (2, -2));
        assert_eq!(Kopecks::of_rubles(i64::MAX), Kopecks(i64::MAX));
    }

    #[test]
    fn stars_are_rounded_up() {
        for (rubles, stars) in [(1, 1), (2, 2), (6, 5), (100, 84), (12_000, 10_000)] {
            assert_eq!(Kopecks::of_rubles(rubles).in_stars(120), stars, "{rubles}");
        }
    }

    proptest! {
        #[test]
        fn stars_are_the_fewest_that_suffice(kopecks in 1_i64..1_000_000_000, rate in 1_i64..10_000) {
            let stars = Kopecks(kopecks).in_stars(rate);
            prop_assert!(stars * rate >= kopecks && (stars - 1) * rate < kopecks);
        }
    }
}
