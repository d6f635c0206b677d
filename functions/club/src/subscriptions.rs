//! How long subscriptions last, whatever gave or took their days.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::table::{Entity, Key};

use crate::auth::member_key;

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

/// One step in the life of a member's subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionEvent {
    /// Whose.
    pub tg_id: i64,
    /// What made it, such as a payment's id.
    pub cause: String,
    /// `payment`, `gift` or `refund`.
    pub event: String,
    /// Until when it lasted before.
    pub from: Option<Instant>,
    /// Until when it lasts now.
    pub until: Instant,
    /// When.
    pub at: Instant,
}

impl Entity for SubscriptionEvent {
    const KIND: &'static str = "SubscriptionEvent";

    fn key(&self) -> Key {
        Key::new(member_key(self.tg_id).pk, format!("SUBSCRIPTION#{}#{}", self.event, self.cause))
    }
}
