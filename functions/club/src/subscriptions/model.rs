//! How long subscriptions last, and what follows from it. No I/O.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};

/// Until when a subscription lasts after `bought` more days.
#[must_use]
pub fn extended(expires: Option<Instant>, bought: u32, now: Instant) -> Instant {
    expires.map_or(now, |expires| expires.max(now)) + days(bought)
}

/// Until when a subscription lasts after `taken` days were taken back. What has ended stays ended,
/// and nothing ends in the past by it.
#[must_use]
pub fn shortened(expires: Option<Instant>, taken: u32, now: Instant) -> Option<Instant> {
    let expires = expires?;
    Some(if expires <= now { expires } else { now.max(expires - days(taken)) })
}

/// Is a subscription that lasted until `expires` to be closed by a run at `run`? Each of its ends
/// is closed once: `closed` is the last one that was.
#[must_use]
pub fn is_to_close(
    expires: Instant,
    closed: Option<Instant>,
    grace: SignedDuration,
    run: Instant,
) -> bool {
    expires <= run - grace && closed != Some(expires)
}

/// How far off the end of a subscription is when its member is reminded, in days of Moscow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// The third day from today; only of what came as a gift.
    InThreeDays,
    /// The day after tomorrow.
    InTwoDays,
    /// Tomorrow.
    Tomorrow,
    /// Today, and not of what came as a gift.
    Today,
}

impl Reminder {
    /// What a member is reminded of at `now`, if of anything.
    #[must_use]
    pub fn due(expires: Instant, gifted: bool, now: Instant) -> Option<Self> {
        match (moscow_days(expires) - moscow_days(now), gifted) {
            (3, true) => Some(Self::InThreeDays),
            (2, _) => Some(Self::InTwoDays),
            (1, _) => Some(Self::Tomorrow),
            (0, false) => Some(Self::Today),
            _ => None,
        }
    }

    /// How it is called in the key of its message.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InThreeDays => "in_three_days",
            Self::InTwoDays => "in_two_days",
            Self::Tomorrow => "tomorrow",
            Self::Today => "today",
        }
    }
}

/// The first and the last millisecond at which a subscription can end that somebody is reminded
/// of at `now`.
#[must_use]
pub fn reminded_of(now: Instant) -> (Instant, Instant) {
    let first = moscow_midnight(moscow_days(now));
    (first, first + days(4) - SignedDuration::from_millis(1))
}

/// Are these instants of one day of Moscow?
#[must_use]
pub fn is_same_day(one: Instant, other: Instant) -> bool {
    moscow_days(one) == moscow_days(other)
}

/// Moscow is three hours ahead all year.
const MOSCOW: SignedDuration = SignedDuration::from_hours(3);
const DAY_MS: i64 = 86_400_000;

/// Days of Moscow since 1 January 1970.
fn moscow_days(at: Instant) -> i64 {
    (at + MOSCOW).millis().div_euclid(DAY_MS)
}

fn moscow_midnight(days: i64) -> Instant {
    Instant::from_millis(days.saturating_mul(DAY_MS)) - MOSCOW
}
