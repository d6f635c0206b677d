//! The rules by themselves.

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::subscriptions::model::{is_same_day, is_to_close, reminded_of};
use crate::subscriptions::{Reminder, extended, shortened};

const GRACE: SignedDuration = SignedDuration::from_hours(24);

fn now() -> Instant {
    at("2026-02-01T06:00:00Z")
}

#[test]
fn days_stack() {
    let stacked = [
        (Some(now() + days(10)), 30, now() + days(40)),
        (Some(now() - days(5)), 30, now() + days(30)),
        (None, 30, now() + days(30)),
        (Some(now() + days(15)), 90, now() + days(105)),
    ];
    for (expires, bought, until) in stacked {
        assert_eq!(extended(expires, bought, now()), until);
    }
}

#[test]
fn the_guard_at_nine_in_moscow_closes_what_ended_before_nine_yesterday() {
    let ended = [
        ("2026-01-31T21:01:00Z", false), // today, 00:01
        ("2026-01-31T20:00:00Z", false), // yesterday, 23:00
        ("2026-01-31T05:59:00Z", true),  // yesterday, 08:59
        ("2026-01-31T06:00:00Z", true),  // yesterday, 09:00
        ("2026-01-31T06:00:00.001Z", false),
        ("2026-02-02T06:00:00Z", false),
    ];
    for (end, closed) in ended {
        assert_eq!(is_to_close(at(end), None, GRACE, now()), closed, "{end}");
        assert!(!is_to_close(at(end), Some(at(end)), GRACE, now()), "{end} for the second time");
        let before = Some(at(end) - days(30));
        assert_eq!(is_to_close(at(end), before, GRACE, now()), closed, "{end}");
    }
}

#[test]
fn reminders_go_by_the_day_in_moscow() {
    use Reminder::{InThreeDays, InTwoDays, Today, Tomorrow};
    let cases = [
        ("2026-01-31T20:59:59.999Z", None, None),
        ("2026-01-31T21:00:00Z", Some(Today), None), // today, 00:00
        ("2026-02-01T05:00:00Z", Some(Today), None),
        ("2026-02-01T20:59:59.999Z", Some(Today), None),
        ("2026-02-01T21:00:00Z", Some(Tomorrow), Some(Tomorrow)),
        ("2026-02-02T20:59:59.999Z", Some(Tomorrow), Some(Tomorrow)),
        ("2026-02-02T21:00:00Z", Some(InTwoDays), Some(InTwoDays)),
        ("2026-02-03T20:59:59.999Z", Some(InTwoDays), Some(InTwoDays)),
        ("2026-02-03T21:00:00Z", None, Some(InThreeDays)),
        ("2026-02-04T20:59:59.999Z", None, Some(InThreeDays)),
        ("2026-02-04T21:00:00Z", None, None),
    ];
    for (end, paid, gifted) in cases {
        assert_eq!(Reminder::due(at(end), false, now()), paid, "{end}");
        assert_eq!(Reminder::due(at(end), true, now()), gifted, "{end}");
    }
    let span = (at("2026-01-31T21:00:00Z"), at("2026-02-04T20:59:59.999Z"));
    assert_eq!(reminded_of(now()), span);
    assert_eq!(reminded_of(at("2026-01-31T21:00:00Z")), span);
    assert_eq!(reminded_of(at("2026-02-01T20:59:59.999Z")), span);
    assert!(is_same_day(span.0, now()) && !is_same_day(at("2026-01-31T20:59:59Z"), now()));
}

#[test]
fn a_kind_is_called_alike_in_keys_and_messages() {
    use Reminder::{InThreeDays, InTwoDays, Today, Tomorrow};
    for kind in [InThreeDays, InTwoDays, Tomorrow, Today] {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
    }
}

/// Any millisecond of years around now.
fn instant() -> impl Strategy<Value = Instant> {
    (-40_000_000_000_i64..40_000_000_000)
        .prop_map(|millis| now() + SignedDuration::from_millis(millis))
}

proptest! {
    #[test]
    fn runs_however_often_never_have_two_of_a_kind_for_an_end(
        end in instant(), gifted in any::<bool>(),
        mut runs in proptest::collection::vec(-130_i64..30, 1..60),
    ) {
        runs.sort_unstable();
        let mut told: Vec<(Reminder, Instant)> = Vec::new();
        for hours in runs {
            let run = end + SignedDuration::from_hours(hours);
            let Some(kind) = Reminder::due(end, gifted, run) else { continue };
            // One kind belongs to one day, so that its key is one, too.
            for (other, day) in &told {
                prop_assert_eq!(*other == kind, is_same_day(*day, run));
            }
            let never = if gifted { Reminder::Today } else { Reminder::InThreeDays };
            prop_assert_ne!(kind, never);
            told.push((kind, run));
        }
    }

    #[test]
    fn a_run_each_day_tells_three_times(start in instant(), ahead in 4_i64..40, gifted: bool) {
        use Reminder::{InThreeDays, InTwoDays, Today, Tomorrow};
        let end = start + SignedDuration::from_hours(24 * ahead);
        let kinds: Vec<_> = (0..=ahead)
            .filter_map(|day| Reminder::due(end, gifted, start + SignedDuration::from_hours(24 * day)))
            .collect();
        let expected = if gifted {
            [InThreeDays, InTwoDays, Tomorrow]
        } else {
            [InTwoDays, Tomorrow, Today]
        };
        prop_assert_eq!(kinds, expected);
    }

    #[test]
    fn whoever_is_reminded_is_in_the_span_that_is_read(end in instant(), run in instant(), gifted: bool) {
        let (first, last) = reminded_of(run);
        if Reminder::due(end, gifted, run).is_some() {
            prop_assert!(first <= end && end <= last);
        }
        prop_assert!(first <= run && last.since(first) == days(4) - SignedDuration::from_millis(1));
    }

    #[test]
    fn what_is_to_close_stays_so_until_it_is_closed_or_moved(
        end in instant(), run in instant(), later in 0_u32..1_000, bought in 1_u32..400,
    ) {
        let again = run + days(later);
        if is_to_close(end, None, GRACE, run) {
            prop_assert!(is_to_close(end, None, GRACE, again));
            prop_assert!(!is_to_close(end, Some(end), GRACE, again));
            let moved = extended(Some(end), bought, run);
            prop_assert!(!is_to_close(moved, Some(end), GRACE, run));
            prop_assert!(is_to_close(moved, Some(end), GRACE, moved + GRACE));
        } else {
            prop_assert!(run < end + GRACE);
        }
        // Nothing that takes days moves an end to where it was closed before.
        if end <= run {
            prop_assert_eq!(shortened(Some(end), bought, run), Some(end));
        }
    }
}
