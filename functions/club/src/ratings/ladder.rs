//! Scores from the highest down, and exact ranks on them. No I/O.

use std::collections::BTreeMap;

/// Steps of one chunk: about 4 KB, one read unit.
const CHUNK: usize = 300;

/// How many members have each score.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ladder(BTreeMap<i64, u64>);

/// A part of a ladder by which the ranks of its scores can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// The highest score in it.
    pub(super) top: i64,
    /// Members with a higher one.
    pub(super) above: u64,
    /// Scores and how many have them, from the highest down.
    pub(super) steps: Vec<(i64, u64)>,
}

impl Ladder {
    /// Adds members with a score. Counts below 0 cannot be and count as none.
    pub(super) fn add(&mut self, score: i64, count: i64) {
        if let Ok(count) = u64::try_from(count)
            && count > 0
        {
            *self.0.entry(score).or_default() += count;
        }
    }

    /// All members.
    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The `count` highest scores, one for each member.
    pub(super) fn highest(&self, count: usize) -> Vec<i64> {
        let scores = self.0.iter().rev();
        let each = scores.flat_map(|(score, members)| {
            std::iter::repeat_n(*score, usize::try_from(*members).unwrap_or(count).min(count))
        });
        each.take(count).collect()
    }

    /// The ladder in chunks, from the highest down.
    pub(super) fn chunks(&self) -> Vec<Chunk> {
        let steps: Vec<_> = self.0.iter().rev().map(|(score, count)| (*score, *count)).collect();
        let mut above = 0;
        let chunk = |steps: &[(i64, u64)]| {
            let (top, _) = steps.first().copied()?;
            let chunk = Chunk { top, above, steps: steps.to_vec() };
            above += steps.iter().map(|(_, count)| count).sum::<u64>();
            Some(chunk)
        };
        steps.chunks(CHUNK).filter_map(chunk).collect()
    }
}

/// The highest score of the chunk that a score is in, of chunks from the highest down; `None`
/// above all of them.
pub(super) fn chunk_of(tops: &[i64], score: i64) -> Option<i64> {
    tops.iter().copied().take_while(|top| *top >= score).last()
}

impl Chunk {
    /// The rank of a score not above this chunk's highest and above the next chunk's.
    pub(super) fn rank(&self, score: i64) -> u64 {
        let higher = self.steps.iter().take_while(|(step, _)| *step > score);
        1 + self.above + higher.map(|(_, count)| count).sum::<u64>()
    }

    /// The steps as a text, which takes half of what a list of numbers would.
    pub(super) fn written(&self) -> String {
        let steps = self.steps.iter().map(|(score, count)| format!("{score}:{count}"));
        steps.collect::<Vec<_>>().join(" ")
    }

    /// Reads steps from a text; what is no step is left out.
    pub(super) fn read(text: &str) -> Vec<(i64, u64)> {
        let step = |step: &str| {
            let (score, count) = step.split_once(':')?;
            Some((score.parse().ok()?, count.parse().ok()?))
        };
        text.split(' ').filter_map(step).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_scores_share_a_rank() {
        let mut ladder = Ladder::default();
        for (score, count) in [(500, 2), (0, 3), (700, 1), (500, 1), (9, -1)] {
            ladder.add(score, count);
        }
        let chunks = ladder.chunks();
        assert_eq!((chunks.len(), ladder.total(), chunks[0].top), (1, 7, 700));
        let rank = |score| chunks[0].rank(score);
        assert_eq!([700, 600, 500, 499, 0].map(rank), [1, 2, 2, 5, 5]);
        assert_eq!(ladder.highest(3), [700, 500, 500]);
        assert_eq!(ladder.highest(100).len(), 7);
    }

    proptest! {
        #[test]
        fn a_rank_is_one_more_than_those_above(
            scores in proptest::collection::vec(0_i64..2_000, 0..2_000), asked in 0_i64..2_000,
        ) {
            let mut ladder = Ladder::default();
            for score in &scores {
                ladder.add(*score, 1);
            }
            let chunks = ladder.chunks();
            let tops: Vec<_> = chunks.iter().map(|chunk| chunk.top).collect();
            let top = chunk_of(&tops, asked);
            let chunk = chunks.iter().find(|chunk| Some(chunk.top) == top);
            let above = scores.iter().filter(|score| **score > asked).count();
            let expected = u64::try_from(above).unwrap() + 1;
            prop_assert_eq!(chunk.map_or(1, |chunk| chunk.rank(asked)), expected);
            for chunk in &chunks {
                prop_assert_eq!(&Chunk::read(&chunk.written()), &chunk.steps);
            }
        }
    }
}
