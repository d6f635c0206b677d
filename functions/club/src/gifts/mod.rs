//! Gifts: paid periods that somebody else activates by a secret token.
//!
//! ```text
//!   money came            activated by its recipient
//!  ───────────▶ paid ───────────────────────────────▶ activated
//!                │ 365 days over: expired ──────┐
//!                │                              │ given back in full
//!                └── given back in full ────────┴──▶ revoked
//! ```
//!
//! The settlement of a gift's payment makes it; the giver gets the link, neither days nor energies.
//! *Activation* is one transaction: the gift, the recipient with more days and energies, the energy
//! entry, the subscription's event and a notice to the giver. The gift's state is its condition,
//! so that of any number of activations one takes effect; whoever made it gets the same answer
//! however often it is asked for again. A gift is over at `valid_until` by the clock of whoever
//! asks; the job that writes this down and tells the giver may come late.
//!
//! The token is the secret of those who have the link and no part of any log, id or message key:
//! a gift's public name is its `id`. Every gift is kept twice, written together: under its token,
//! where a change of state is decided, and among its giver's rows, newest last, so that one
//! consistent query answers a giver's list.

mod activation;
mod api;
mod jobs;
mod model;
mod store;
#[cfg(test)]
mod tests;

use shared::function::Function;
use shared::settings::{Environment, SettingError};

pub use activation::{Activated, Answered, Recipient, activate as activate_for};
pub use api::{activate, is_token, my};
pub use jobs::expire;
pub use model::{Activation, Bought, Gift, GiftStatus};
pub use store::{find, given, granted, revoked, untouched};

use crate::App;
use crate::energies::GIFT_AWARD;

/// Terms of gifts.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a gift can be activated, in days.
    pub ttl_days: u32,
    /// Energies that come with an activation.
    pub award: u32,
}

impl Settings {
    /// Reads `GIFT_TTL_DAYS` and `GIFT_AWARD`.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            ttl_days: environment.parse("GIFT_TTL_DAYS", 365)?,
            award: environment.parse("GIFT_AWARD", GIFT_AWARD)?,
        })
    }
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![activate(), my(), expire()]
}
