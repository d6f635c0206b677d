//! Time. There is one clock per process, and rules never read it: they are given an [`Instant`].
//!
//! On the wire and in the table an instant is ISO-8601 in UTC with a fixed number of decimals, so
//! that instants compare as strings, which is how DynamoDB's conditions compare them: three, or
//! six where [`micros`] writes them. One attribute has one form: instants of different widths do
//! not compare.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time with microsecond precision. Written with three decimals, it is cut to
/// milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Timestamp);

impl Instant {
    /// The system's clock, cut to microseconds.
    #[must_use]
    pub fn now() -> Self {
        Self::from_timestamp(Timestamp::now())
    }

    /// Cuts `timestamp` to microseconds.
    #[must_use]
    pub fn from_timestamp(timestamp: Timestamp) -> Self {
        Self::from_micros(timestamp.as_microsecond())
    }

    fn from_micros(micros: i64) -> Self {
        let bound = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_microsecond(micros).unwrap_or(bound))
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

    /// Milliseconds since the Unix epoch, rounded towards it.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// This instant with six decimals, as [`micros`] writes it.
    #[must_use]
    pub fn micros(self) -> String {
        format!("{:.6}", self.0)
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
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.as_microsecond().saturating_add(micros))
    }
}

impl Sub<SignedDuration> for Instant {
    type Output = Self;

    fn sub(self, duration: SignedDuration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.as_microsecond().saturating_sub(micros))
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

/// Instants with six decimals, for fields marked `#[serde(with = "shared::clock::micros")]`. What
/// is compared with such an attribute is bound as [`Instant::micros`].
pub mod micros {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Instant;

    /// Writes the instant.
    ///
    /// # Errors
    /// What the serializer fails with.
    pub fn serialize<S: Serializer>(instant: &Instant, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&instant.micros())
    }

    /// Reads an instant of any number of decimals.
    ///
    /// # Errors
    /// When it is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Instant, D::Error> {
        Instant::deserialize(deserializer)
    }

    /// The same for instants that may be absent: `#[serde(default, with =
    /// "shared::clock::micros::option")]`.
    pub mod option {
        use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

        use super::Instant;

        /// Writes the instant, or none.
        ///
        /// # Errors
        /// What the serializer fails with.
        pub fn serialize<S: Serializer>(
            instant: &Option<Instant>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            instant.map(Instant::micros).serialize(serializer)
        }

        /// Reads an instant, or none.
        ///
        /// # Errors
        /// When it is something else.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Instant>, D::Error> {
            Option::<Instant>::deserialize(deserializer)
        }
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
    fn microseconds_are_carried_and_cut_where_three_decimals_are_written() {
        let instant: Instant = "2026-11-22T00:51:47.8458269Z".parse().unwrap();
        assert_eq!(instant.micros(), "2026-11-22T00:51:47.845826Z");
        assert_eq!(instant.to_string(), "2026-11-22T00:51:47.845Z");
        assert_eq!((instant + days(1)).micros(), "2026-11-23T00:51:47.845826Z");
        assert_eq!(Instant::from_seconds(0).micros(), "1970-01-01T00:00:00.000000Z");
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Row {
            #[serde(with = "micros")]
            at: Instant,
            #[serde(default, with = "micros::option")]
            until: Option<Instant>,
        }
        let row = Row { at: instant, until: Some(instant) };
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(
            json,
            r#"{"at":"2026-11-22T00:51:47.845826Z","until":"2026-11-22T00:51:47.845826Z"}"#
        );
        assert_eq!(serde_json::from_str::<Row>(&json).unwrap(), row);
        let bare = Row { at: instant, until: None };
        assert_eq!(
            serde_json::from_str::<Row>(r#"{"at":"2026-11-22T00:51:47.845826Z"}"#).unwrap(),
            bare
        );
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
