//! Sums, streaks and the window, without a store.

use std::collections::BTreeSet;

use proptest::prelude::*;
use shared::clock::Instant;

use super::super::model::{Mark, Streaks, Sums, Verdict, WeeklyReport, hours_left, streaks};
use super::*;
use crate::calendar::Week;

fn week(year: i16, number: i8) -> Week {
    Week { year, number }
}

#[test]
fn a_streak_of_weeks_goes_on_over_new_year() {
    let weeks = [week(2026, 52), week(2026, 53), week(2027, 1), week(2027, 2)];
    let four = Streaks { current: 4, longest: 4 };
    assert_eq!(streaks(weeks, week(2027, 2)), four);
    // This week's report may still come.
    assert_eq!(streaks(weeks, week(2027, 3)), four);
    assert_eq!(streaks(weeks, week(2027, 4)), Streaks { current: 0, longest: 4 });
    // 2025 has 52 weeks.
    let weeks = [week(2025, 51), week(2025, 52), week(2026, 1)];
    assert_eq!(streaks(weeks, week(2026, 1)).current, 3);
}

#[test]
fn a_gap_ends_a_streak() {
    let weeks = [1, 2, 3, 5, 6].map(|number| week(2026, number));
    assert_eq!(streaks(weeks, week(2026, 6)), Streaks { current: 2, longest: 3 });
    assert_eq!(streaks([], week(2026, 6)), Streaks::default());
}

#[test]
fn hours_are_whole_and_end_with_the_week() {
    for (now, hours) in [
        ("2026-03-15T21:00:00Z", 167),
        ("2026-03-22T19:59:59.999Z", 1),
        ("2026-03-22T20:00:00Z", 0),
        ("2026-03-22T20:59:59.9995Z", 0),
    ] {
        assert_eq!(hours_left(now.parse().unwrap()), hours, "{now}");
    }
}

#[test]
fn an_average_is_rounded_half_up() {
    let mut sums = Sums::default();
    assert_eq!(sums.average_words(), 0);
    for (words, average) in [(1, 1), (2, 2), (1, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 0)]
    {
        sums.add(100, words);
        assert_eq!(sums.average_words(), average, "{sums:?}");
    }
    assert_eq!((sums.reports, sums.energies), (9, 900));
}

#[test]
fn a_report_can_be_taken_back_for_a_day() {
    let now: Instant = "2026-01-31T12:00:00Z".parse().unwrap();
    let member = Member::new(1, None, None, now);
    let mark = Mark::of(&WeeklyReport::new(&member, "a b", now));
    assert_eq!(mark.judge(1, now + days(1)), Verdict::Delete);
    let late = now + days(1) + jiff::SignedDuration::from_millis(1);
    assert_eq!((mark.judge(1, late), mark.judge(2, now)), (Verdict::Late, Verdict::Foreign));
    let gone = Mark { deleted_at: Some(now), ..mark };
    assert_eq!((gone.judge(1, late), gone.is_standing(1)), (Verdict::Before, false));
}

#[test]
fn only_ulids_are_ids() {
    assert!(Mark::key_of("01KG9JV9M0SAMP0EREP0RT0000").is_some());
    let long = "0".repeat(3_000);
    for bad in ["", "x", "01KG9JV9M0SAMP0EREP0RT000", "01KG9JV9M0SAMP0EREP0RT000#", "отчёт", &long]
    {
        assert!(Mark::key_of(bad).is_none(), "{bad}");
    }
}

proptest! {
    /// Against a set of numbers.
    #[test]
    fn streaks_are_runs_of_neighbours(
        picked in proptest::collection::btree_set(0_u32..120, 0..80), later in 0_u32..4,
    ) {
        let begin: Instant = "2025-11-05T12:00:00Z".parse().unwrap();
        let at = |n: u32| Week::of(begin + days(7 * n));
        let today = picked.last().copied().unwrap_or(0) + later;
        let run = |from: u32| (0..=from).rev().take_while(|n| picked.contains(n)).count();
        let longest = picked.iter().map(|n| run(*n)).max().unwrap_or(0);
        let current = match (picked.contains(&today), today) {
            (true, _) => run(today),
            (false, 0) => 0,
            (false, _) => run(today - 1),
        };
        let weeks: BTreeSet<Week> = picked.iter().map(|n| at(*n)).collect();
        let found = streaks(weeks.into_iter().rev(), at(today));
        let number = |run: usize| u32::try_from(run).unwrap();
        prop_assert_eq!(found, Streaks { current: number(current), longest: number(longest) });
    }
}
