//! Time. There is one clock per process, and rules never read it: they are given an [`Instant`].
//!
//! On the wire and in the table an instant is ISO-8601 in UTC with exactly three decimals, so
//! that instants compare as strings, which is how DynamoDB's conditions compare them.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time with millisecond precision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Timestamp);

impl Instant {
    /// The system's clock, cut to milliseconds.
    #[must_use]
    pub fn now() -> Self {
        Self::from_timestamp(Timestamp::now())
    }

    /// Cuts `timestamp` to milliseconds.
    #[must_use]
    pub fn from_timestamp(timestamp: Timestamp) -> Self {
        Self::from_millis(timestamp.as_millisecond())
    }

    /// From milliseconds since the Unix epoch; out of range becomes the nearest instant in range.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let bound = if millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_millisecond(millis).unwrap_or(bound))
    }

    /// From seconds since the Unix epoch; out of range becomes the nearest instant in range.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Whole seconds since the Unix epoch, rounded towards minus infinity.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.millis().div_euclid(1000)
    }

    /// The underlying timestamp.
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        self.0
    }

    /// This instant as a civil date and time at a fixed offset from UTC, in whole hours.
    #[must_use]
    pub fn at_offset(self, hours: i8) -> jiff::Zoned {
        self.0.to_zoned(TimeZone::fixed(Offset::constant(hours)))
    }

    /// How long after `earlier` this instant is; negative when it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> SignedDuration {
        self.0.duration_since(earlier.0)
    }
}

/// `days` whole days of 24 hours.
#[must_use]
pub fn days(days: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(days).saturating_mul(24))
}

impl Add<SignedDuration> for Instant {
    type Output = Self;

    fn add(self, duration: SignedDuration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.millis().saturating_add(millis))
    }
}

impl Sub<SignedDuration> for Instant {
    type Output = Self;

    fn sub(self, duration: SignedDuration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(self.millis().saturating_sub(millis))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.0)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Instant {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::from_timestamp)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What an invocation knows of time: the instant it began, by the one clock.
///
/// Everything an invocation decides, it decides as of that instant. Locally the instant comes
/// with the invocation (see [`crate::function`]); in the cloud it is the system's.
#[derive(Clone, Copy, Debug)]
pub struct Now(pub Instant);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_three_decimals_and_compares_as_text() {
        let early: Instant = "2026-01-20T09:06:40Z".parse().unwrap();
        let late = early + SignedDuration::from_millis(7);
        assert_eq!(early.to_string(), "2026-01-20T09:06:40.000Z");
        assert_eq!(late.to_string(), "2026-01-20T09:06:40.007Z");
        assert!(early.to_string() < late.to_string());
    }

    #[test]
    fn arithmetic_saturates_instead_of_overflowing() {
        let far = Instant::from_millis(i64::MAX);
        assert_eq!(far + days(u32::MAX), far);
        assert_eq!(Instant::from_seconds(i64::MIN), Instant::from_millis(i64::MIN));
    }

    #[test]
    fn seconds_round_down_before_the_epoch() {
        assert_eq!(Instant::from_millis(-1).seconds(), -1);
    }
}
