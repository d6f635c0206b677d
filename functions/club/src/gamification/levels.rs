//! Levels 1 to 15 by experience. No I/O.

/// The experience that each level begins with.
const LEVELS: [u32; 15] = [
    0, 100, 250, 500, 1000, 2000, 3500, 5500, 8000, 12_000, 17_000, 23_000, 30_000, 40_000, 50_000,
];
/// What comes after the last level begins with, though nobody gets there.
const BEYOND: u32 = 65_000;

/// The level of so much experience.
#[must_use]
pub fn level(experience: u32) -> u32 {
    let reached = LEVELS.iter().take_while(|needed| **needed <= experience).count();
    u32::try_from(reached).unwrap_or(u32::MAX)
}

/// Where somebody stands between two levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The level.
    pub level: u32,
    /// The experience that it begins with.
    pub current: u32,
    /// The experience that the next one begins with.
    pub next: u32,
    /// Experience since this level began.
    pub progress: u32,
    /// The same in hundredths of what this level takes, rounded, 100 at most.
    pub percent: u32,
}

/// Where so much experience stands.
#[must_use]
pub fn standing(experience: u32) -> Standing {
    let current = LEVELS.iter().rfind(|needed| **needed <= experience);
    let next = LEVELS.iter().find(|needed| **needed > experience);
    let (current, next) = (*current.unwrap_or(&0), *next.unwrap_or(&BEYOND));
    let progress = experience.saturating_sub(current);
    let (done, all) = (u64::from(progress), u64::from(next.saturating_sub(current).max(1)));
    let percent = (done * 200 + all) / (all * 2);
    Standing {
        level: level(experience),
        current,
        next,
        progress,
        percent: u32::try_from(percent).map_or(100, |percent| percent.min(100)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels() {
        for (experience, expected) in
            [(0, 1), (99, 1), (100, 2), (249, 2), (250, 3), (999, 4), (1000, 5), (11_999, 9)]
        {
            assert_eq!(level(experience), expected);
        }
        for (experience, expected) in
            [(12_000, 10), (49_999, 14), (50_000, 15), (1_000_000, 15), (u32::MAX, 15)]
        {
            assert_eq!(level(experience), expected);
        }
    }

    #[test]
    fn the_next_level_is_a_hundred_away_at_first_and_beyond_the_last_at_last() {
        for (experience, next) in [(0, 100), (40_000, 50_000), (49_999, 50_000), (50_000, 65_000)] {
            assert_eq!(standing(experience).next, next, "{experience}");
        }
        let middle = Standing { level: 3, current: 250, next: 500, progress: 31, percent: 12 };
        assert_eq!(standing(281), middle);
        // 12.4 and 12.8 of a hundred.
        assert_eq!((standing(281).percent, standing(282).percent), (12, 13));
        let far = standing(u32::MAX);
        assert_eq!((far.level, far.current, far.percent), (15, 50_000, 100));
    }

    proptest! {
        #[test]
        fn standings_hold_together(experience: u32) {
            let found = standing(experience);
            prop_assert!(found.current <= experience && found.current < found.next);
            prop_assert_eq!(found.progress, experience - found.current);
            prop_assert_eq!(level(found.current), found.level);
            prop_assert!(found.percent <= 100);
            if found.level < 15 {
                prop_assert!(experience < found.next);
                prop_assert_eq!(level(found.next), found.level + 1);
                prop_assert_eq!(level(found.next - 1), found.level);
            }
        }

        #[test]
        fn more_experience_is_never_a_lower_level(one: u32, other: u32) {
            let (less, more) = (one.min(other), one.max(other));
            prop_assert!(level(less) <= level(more));
        }
    }
}
