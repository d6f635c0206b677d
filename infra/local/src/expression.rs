//! Schedule expressions: `rate(n unit)` and `cron(minute hour day month weekday year)`, in UTC.
//!
//! A rate fires at whole multiples of its interval since the epoch rather than since its
//! creation, so that when a job runs does not depend on when the stack was started.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// When a schedule fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Every so many seconds.
    Rate(i64),
    /// At the minutes that match all fields.
    Cron(Box<Cron>),
}

/// The fields of a cron expression, each as the sorted numbers it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Vec<i16>,
    hours: Vec<i16>,
    /// `None`: any day of the month (`*` or `?`).
    days: Option<Vec<i16>>,
    last_day: bool,
    months: Vec<i16>,
    /// `None`: any; 1 = Sunday to 7 = Saturday.
    weekdays: Option<Vec<i16>>,
    years: Vec<i16>,
}

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// A cron expression that does not fire within so many days never does, as far as this goes.
const HORIZON_DAYS: i32 = 366 * 8;

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        if let Some(rate) = inner("rate") {
            return parse_rate(rate).ok_or_else(|| format!("{text} is not a rate"));
        }
        let cron = inner("cron").ok_or_else(|| format!("{text} is neither rate(…) nor cron(…)"))?;
        Ok(Self::Cron(Box::new(Cron::parse(cron).map_err(|what| format!("{text}: {what}"))?)))
    }

    /// The first instant after `after` at which it fires.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(seconds) => {
                let turn = after.as_second().div_euclid(*seconds).checked_add(1)?;
                Timestamp::from_second(turn.checked_mul(*seconds)?).ok()
            }
            Self::Cron(cron) => cron.next(after),
        }
    }

    /// The last instant at or before `until` at which it fires.
    #[must_use]
    pub fn last(&self, until: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Rate(seconds) => {
                let turn = until.as_second().div_euclid(*seconds);
                Timestamp::from_second(turn.checked_mul(*seconds)?).ok()
            }
            Self::Cron(cron) => cron.last(until),
        }
    }
}

fn parse_rate(text: &str) -> Option<Expression> {
    let (count, unit) = text.split_once(' ')?;
    let seconds = match unit.trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    let count: i64 = count.parse().ok().filter(|count| *count > 0)?;
    Some(Expression::Rate(count.checked_mul(seconds)?))
}

impl Cron {
    fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday, year] = fields.as_slice() else {
            return Err("needs six fields".to_owned());
        };
        let any = |field: &str| matches!(field, "*" | "?");
        if !any(day) && !any(weekday) {
            return Err("day of month and day of week exclude each other".to_owned());
        }
        let last_day = *day == "L";
        let days = if any(day) || last_day { None } else { Some(field(day, 1, 31, &[])?) };
        let weekdays = if any(weekday) { None } else { Some(field(weekday, 1, 7, &WEEKDAYS)?) };
        Ok(Self {
            minutes: field(minute, 0, 59, &[])?,
            hours: field(hour, 0, 23, &[])?,
            days,
            last_day,
            months: field(month, 1, 12, &MONTHS)?,
            weekdays,
            years: field(year, 1970, 2199, &[])?,
        })
    }

    fn on(&self, date: Date) -> bool {
        let weekday = i16::from(date.weekday().to_sunday_one_offset());
        self.years.contains(&date.year())
            && self.months.contains(&i16::from(date.month()))
            && self.days.as_ref().is_none_or(|days| days.contains(&i16::from(date.day())))
            && (!self.last_day || date.day() == date.days_in_month())
            && self.weekdays.as_ref().is_none_or(|days| days.contains(&weekday))
    }

    /// The times of one day, in order, as instants.
    fn times(&self, date: Date) -> impl DoubleEndedIterator<Item = Timestamp> {
        let hours = self.hours.iter();
        hours.flat_map(move |hour| {
            self.minutes.iter().filter_map(move |minute| {
                let (hour, minute) = (i8::try_from(*hour).ok()?, i8::try_from(*minute).ok()?);
                TimeZone::UTC.to_timestamp(date.at(hour, minute, 0, 0)).ok()
            })
        })
    }

    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let mut date = civil(after).date();
        for _ in 0..HORIZON_DAYS {
            if self.on(date)
                && let Some(found) = self.times(date).find(|time| *time > after)
            {
                return Some(found);
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn last(&self, until: Timestamp) -> Option<Timestamp> {
        let mut date = civil(until).date();
        for _ in 0..HORIZON_DAYS {
            if self.on(date)
                && let Some(found) = self.times(date).rev().find(|time| *time <= until)
            {
                return Some(found);
            }
            date = date.checked_sub(1.day()).ok()?;
        }
        None
    }
}

fn civil(timestamp: Timestamp) -> DateTime {
    timestamp.to_zoned(TimeZone::UTC).datetime()
}

/// `*`, `?`, or a list of `a`, `a-b`, `a/step`, `a-b/step`, `*/step`; names where there are any.
fn field(text: &str, low: i16, high: i16, names: &[&str]) -> Result<Vec<i16>, String> {
    let bad = || format!("'{text}' is not a list of {low} to {high}");
    let number = |part: &str| {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(part));
        let named = named.and_then(|at| i16::try_from(at).ok()?.checked_add(1));
        named.or_else(|| part.parse().ok()).filter(|n| (low..=high).contains(n)).ok_or_else(bad)
    };
    let mut allowed = Vec::new();
    for part in text.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: usize = step.parse().ok().filter(|step| *step > 0).ok_or_else(bad)?;
        let (from, to) = match range {
            "*" | "?" => (low, high),
            _ => match range.split_once('-') {
                Some((from, to)) => (number(from)?, number(to)?),
                None if part.contains('/') => (number(range)?, high),
                None => (number(range)?, number(range)?),
            },
        };
        if from > to {
            return Err(bad());
        }
        allowed.extend((from..=to).step_by(step));
    }
    allowed.sort_unstable();
    allowed.dedup();
    Ok(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_rate_fires_at_multiples_of_its_interval() {
        let rate = Expression::parse("rate(15 minutes)").unwrap();
        assert_eq!(rate.next(at("2026-01-31T12:00:00Z")), Some(at("2026-01-31T12:15:00Z")));
        assert_eq!(rate.next(at("2026-01-31T12:14:59.9Z")), Some(at("2026-01-31T12:15:00Z")));
        assert_eq!(rate.last(at("2026-01-31T12:29:00Z")), Some(at("2026-01-31T12:15:00Z")));
        assert_eq!(rate.last(at("2026-01-31T12:15:00Z")), Some(at("2026-01-31T12:15:00Z")));
    }

    #[test]
    fn cron_finds_the_next_and_the_last_time() {
        for (text, after, next, last) in [
            (
                "cron(5 * * * ? *)",
                "2026-01-31T12:05:00Z",
                "2026-01-31T13:05:00Z",
                "2026-01-31T12:05:00Z",
            ),
            (
                "cron(0 3 * * ? *)",
                "2026-02-28T04:00:00Z",
                "2026-03-01T03:00:00Z",
                "2026-02-28T03:00:00Z",
            ),
            (
                "cron(30 1 29 2 ? *)",
                "2026-01-01T00:00:00Z",
                "2028-02-29T01:30:00Z",
                "2024-02-29T01:30:00Z",
            ),
            (
                "cron(0 0 L * ? *)",
                "2026-02-01T00:00:00Z",
                "2026-02-28T00:00:00Z",
                "2026-01-31T00:00:00Z",
            ),
            (
                "cron(0/20 8-9 ? * MON-FRI *)",
                "2026-01-30T09:40:00Z",
                "2026-02-02T08:00:00Z",
                "2026-01-30T09:40:00Z",
            ),
            (
                "cron(0 12 1 JAN,JUL ? 2027)",
                "2026-01-01T00:00:00Z",
                "2027-01-01T12:00:00Z",
                "2026-01-01T00:00:00Z",
            ),
        ] {
            let cron = Expression::parse(text).unwrap();
            assert_eq!(cron.next(at(after)), Some(at(next)), "{text}");
            if text.contains("2027") {
                assert_eq!(cron.last(at(after)), None);
            } else {
                assert_eq!(cron.last(at(after)), Some(at(last)), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "rate(0 minutes)",
            "rate(5)",
            "every hour",
            "cron(* * * * *)",
            "cron(61 * * * ? *)",
            "cron(* * 1 * 2 *)",
            "cron(5-1 * * * ? *)",
            "cron(0 0 31W * ? *)",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
    }
}
