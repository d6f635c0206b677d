//! The club's calendar: days and weeks of Moscow, UTC+3 all year.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::{Date, ISOWeekDate, Weekday};
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

/// When the day of `now` began in Moscow.
#[must_use]
pub fn day_start(now: Instant) -> Instant {
    let of_day = now.seconds().saturating_add(i64::from(MOSCOW) * 3_600).rem_euclid(DAY_S);
    Instant::from_seconds(now.seconds() - of_day)
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

    /// Its place among all weeks: the week after it has the next one, over New Year, too. `None`
    /// for the 53rd week of a year that has 52.
    #[must_use]
    pub fn ordinal(self) -> Option<i64> {
        let monday = ISOWeekDate::new(self.year, self.number, Weekday::Monday).ok()?.date();
        let since = monday.duration_since(Date::constant(1970, 1, 5));
        Some(since.as_secs().div_euclid(7 * DAY_S))
    }
}

impl fmt::Display for Week {
    /// As `2026-W05`: in the order of time when sorted as texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-W{:02}", self.year, self.number)
    }
}

/// When the week of `now` began: Monday, 00:00 in Moscow.
#[must_use]
pub fn week_start(now: Instant) -> Instant {
    let days = i64::from(date(now).weekday().to_monday_zero_offset());
    Instant::from_seconds(day_start(now).seconds() - days * DAY_S)
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

    #[test]
    fn weeks_follow_each_other_over_new_year() {
        let week = |year, number| Week { year, number };
        let ordinal = |year, number| week(year, number).ordinal().unwrap();
        assert_eq!(ordinal(2026, 53) + 1, ordinal(2027, 1));
        assert_eq!(ordinal(2025, 52) + 1, ordinal(2026, 1));
        assert_eq!(ordinal(2026, 11) + 1, ordinal(2026, 12));
        assert_eq!((ordinal(1970, 2), week(2025, 53).ordinal()), (0, None));
        assert_eq!(week(2026, 5).to_string(), "2026-W05");
    }

    #[test]
    fn every_monday_begins_the_next_week() {
        let mut now = at("2023-12-27T12:00:00Z");
        let mut last = Week::of(now).ordinal().unwrap();
        for _ in 0..260 {
            now = Instant::from_seconds(week_start(now).seconds() + 7 * DAY_S);
            assert_eq!(day_start(now), now);
            let next = Week::of(now).ordinal().unwrap();
            assert_eq!(next, last + 1, "{now}");
            last = next;
        }
    }
}
