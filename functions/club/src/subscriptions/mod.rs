//! The life of a subscription, whatever gave or took its days.
//!
//! ```text
//!            days given: max(now, end) + days
//!          ┌──────────────────┬─────────────────────┐
//!          ▼                  │                     │
//!        active ───────────▶ grace ─────────────▶ closed
//!  3, 2, 1, 0 days    end         24 hours: the first run of the guard
//!  left: reminders                since then, once for each end
//! ```
//!
//! *Active* gives all, *grace* keeps chats and the place in a team, *closed* takes them: one
//! transaction marks the end as closed and asks the outbox for what follows, and it holds only
//! for the end that was seen, so that a member who pays in between is left alone.
//!
//! Both jobs find members in the index `due`, under the end of their subscription, where
//! [`set_expiry`] puts them and the guard takes them out: no run looks at anybody whose time has
//! not come.

mod chats;
mod jobs;
mod model;
mod store;
#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use shared::function::Function;
use shared::settings::{Environment, SettingError};

pub use chats::{follows, is_paid, kick};
pub use jobs::{guard, remind};
pub use model::{Reminder, extended, shortened};
pub use store::{SubscriptionEvent, due, set_expiry};

use crate::App;

/// Terms of subscriptions.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long chats and team are kept after the end.
    pub grace: SignedDuration,
}

impl Settings {
    /// Reads `EXPIRY_GRACE_H`.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let grace_h = environment.parse("EXPIRY_GRACE_H", 24_u32)?;
        Ok(Self { grace: SignedDuration::from_hours(i64::from(grace_h)) })
    }
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![guard(), remind()]
}
