//! The club's calendar: days and weeks of Moscow, UTC+3 all year.

use jiff::SignedDuration;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;

/// Hours by which Moscow is ahead of UTC.
const MOSCOW: i8 = 3;
const DAY_S: i64 = 86_400;

/// A day of Moscow, as `2026-01-31`.
#[must_use]
pub fn moscow_day(now: Instant) -> String {
    date(now).to_string()
}

/// The day before the one that `now` is in, as [`moscow_day`].
#[must_use]
pub fn moscow_yesterday(now: Instant) -> String {
    moscow_day(now - SignedDuration::from_secs(DAY_S))
}

/// Is it Saturday or Sunday in Moscow?
#[must_use]
pub fn is_weekend(now: Instant) -> bool {
    date(now).weekday().to_monday_zero_offset() >= 5
}

fn date(now: Instant) -> Date {
    now.at_offset(MOSCOW).date()
}

/// An ISO week of Moscow's calendar, with the ISO year that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Week {
    /// ISO year.
    pub year: i16,
    /// 1 to 53.
    pub number: i8,
}

impl Week {
    /// The week that `now` is in.
    #[must_use]
    pub fn of(now: Instant) -> Self {
        let week = date(now).iso_week_date();
        Self { year: week.year(), number: week.week() }
    }
}

/// When the week of `now` began: Monday, 00:00 in Moscow.
#[must_use]
pub fn week_start(now: Instant) -> Instant {
    let local = now.at_offset(MOSCOW);
    let days = i64::from(local.date().weekday().to_monday_zero_offset());
    let of_day = now.seconds().saturating_add(i64::from(MOSCOW) * 3_600).rem_euclid(DAY_S);
    Instant::from_seconds(now.seconds() - of_day - days * DAY_S)
}

/// When the week of `now` ends: its last millisecond, Sunday 23:59:59.999 in Moscow.
#[must_use]
pub fn week_deadline(now: Instant) -> Instant {
    let next = Instant::from_seconds(week_start(now).seconds() + 7 * DAY_S);
    next - SignedDuration::from_millis(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_of_moscow_begins_at_nine_in_the_evening() {
        assert_eq!(moscow_day(at("2026-03-15T20:59:59Z")), "2026-03-15");
        assert_eq!(moscow_day(at("2026-03-15T21:00:00Z")), "2026-03-16");
        assert_eq!(moscow_yesterday(at("2026-03-15T21:00:00Z")), "2026-03-15");
        assert_eq!(moscow_yesterday(at("2026-12-31T21:00:00Z")), "2026-12-31");
        assert!(!is_weekend(at("2026-03-13T20:59:59Z")) && is_weekend(at("2026-03-13T21:00:00Z")));
        assert!(is_weekend(at("2026-03-15T20:59:59Z")) && !is_weekend(at("2026-03-15T21:00:00Z")));
    }

    #[test]
    fn weeks_begin_on_mondays_in_moscow() {
        for (instant, start) in [
            ("2026-03-15T20:59:59Z", "2026-03-08T21:00:00Z"),
            ("2026-03-15T21:00:00Z", "2026-03-15T21:00:00Z"),
            ("2026-03-16T12:00:00Z", "2026-03-15T21:00:00Z"),
        ] {
            assert_eq!(week_start(at(instant)), at(start), "{instant}");
        }
    }

    #[test]
    fn weeks_end_with_their_last_millisecond() {
        for (instant, deadline) in [
            ("2026-03-15T20:59:59Z", "2026-03-15T20:59:59.999Z"),
            ("2026-03-15T21:00:00Z", "2026-03-22T20:59:59.999Z"),
        ] {
            assert_eq!(week_deadline(at(instant)), at(deadline), "{instant}");
        }
    }

    #[test]
    fn weeks_are_iso_weeks_with_their_iso_year() {
        for (instant, year, number) in [
            ("2026-01-03T00:00:00Z", 2026, 1),
            ("2026-01-03T00:00:01Z", 2026, 1),
            ("2026-01-04T20:59:59Z", 2026, 1),
            ("2026-01-04T21:00:00Z", 2026, 2),
            ("2026-03-16T12:00:00Z", 2026, 12),
            ("2026-12-31T12:00:00Z", 2026, 53),
            ("2027-01-03T20:59:59Z", 2026, 53),
            ("2027-01-03T21:00:00Z", 2027, 1),
        ] {
            assert_eq!(Week::of(at(instant)), Week { year, number }, "{instant}");
        }
    }
}
