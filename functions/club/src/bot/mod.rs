//! The bot: what Telegram tells it.
//!
//! ```text
//!             pre_checkout_query ──▶ answered at once: the last veto before money moves
//!  webhook ──┤
//!             anything else ──▶ queue telegram-updates ──▶ its effect, once
//! ```
//!
//! The webhook acknowledges what the queue has taken and nothing else, and waits for nobody but for
//! the veto. The consumer writes an update down in the transaction of its effect, so that it has it
//! once however often it is delivered; what it cannot read or do ends among the dead letters, alone.
//!
//! In private it answers commands, opens gifts by their links and hears the keyword of the
//! onboarding; in the protected chats it turns away who has no paid subscription. What is edited
//! in a group may earn by a hashtag what it has not earned yet, and has no effect else.
//!
//! Some chats have hours: a schedule opens and closes posting there.

mod chats;
mod hours;
mod jobs;
mod private;
#[cfg(test)]
mod tests;
mod webhook;

use std::time::Duration;

use shared::function::{Function, Platform};
use shared::settings::{Environment, SettingError, Stage};
pub use shared::telegram::taken::WRITE;

pub use chats::turn_away;
pub use hours::hours;
pub use jobs::update;
pub use webhook::webhook;

use crate::{App, outbox};

/// Settings of this capability.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long after a pre-checkout query its answer leaves at the latest.
    pub checkout_budget: Duration,
    /// Whom payers may write to, if anybody.
    pub support: Option<String>,
    /// The chats that have hours.
    pub hours: Vec<i64>,
    /// How they keep Sundays.
    pub sundays: Sundays,
}

/// How chats that have hours keep Sundays, by UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sundays {
    /// As any other day.
    Open,
    /// Closed until Monday morning.
    Closed,
}

impl std::str::FromStr for Sundays {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "" | "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err(()),
        }
    }
}

/// The secret by which Telegram shows that an update is its own.
const SECRET: &str = "TELEGRAM_WEBHOOK_SECRET";
/// The least length of that secret in production, in bytes.
const SECRET_MIN: usize = 32;

impl Settings {
    /// Reads `PRE_CHECKOUT_BUDGET_MS`, `PAYMENT_SUPPORT_CONTACT`, `CHAT_HOURS_IDS`, ids with commas
    /// between, 50 at most, and `CHAT_HOURS_SUNDAYS`, `open` or `closed`.
    ///
    /// # Errors
    /// When one is malformed; in production, when the webhook has no secret or one too short.
    pub fn from_platform(platform: &Platform) -> Result<Self, SettingError> {
        let environment: &Environment = &platform.environment;
        if platform.stage == Stage::Prod && platform.function == webhook::NAME {
            let secret = platform.secret_if_set(SECRET);
            let secret = secret.ok_or_else(|| SettingError::Missing(SECRET.to_owned()))?;
            if secret.expose().len() < SECRET_MIN {
                return Err(SettingError::TooShort(SECRET.to_owned(), SECRET_MIN));
            }
        }
        let budget_ms = environment.parse("PRE_CHECKOUT_BUDGET_MS", 5_000_u64)?;
        let support = environment.get("PAYMENT_SUPPORT_CONTACT").map(str::trim);
        Ok(Self {
            checkout_budget: Duration::from_millis(budget_ms),
            support: support.filter(|contact| !contact.is_empty()).map(str::to_owned),
            hours: outbox::chats(environment.get("CHAT_HOURS_IDS").unwrap_or_default())
                .ok_or_else(|| SettingError::Malformed("CHAT_HOURS_IDS".to_owned()))?,
            sundays: environment.parse("CHAT_HOURS_SUNDAYS", Sundays::Open)?,
        })
    }
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![webhook(), update(), hours()]
}
