//! The outbox: what people are told, once.
//!
//! Whoever changes something that a person should hear of puts [`ask`] into the same transaction,
//! under a key that says what it is about. From there:
//!
//! ```text
//!           change stream           queue              Bot API
//! pending ───── relay ─────▶ hint ─────── deliver ───────┬─▶ sent
//!    ▲                        ▲                          ├─▶ refused      (403, chat not found;
//!    │       every 5 min      │                          │                 the fourth failure)
//!    ├──────── sweep ─────────┤                          ├─▶ unconfirmed  (nobody knows: never
//!    │                        │                          │                 sent again)
//!    └────────────────────────┴── delayed hint ◀─────────┘   (429: as told; failed: 1, 5, 15 s;
//!                                                             out of turn: when it is its turn)
//! ```
//!
//! What follows a payment or a gift is many rows: its transaction writes one that stands for them,
//! and they are written with the end of its delivery (`follow`). A row may also be done instead of
//! told: somebody is let in or out of a chat, a standing subscription is ended.
//!
//! A hint is worth nothing by itself: `deliver` claims the row and does what the row says. Two
//! hints of one row are harmless, and a lost one is found by the sweep.

mod follow;
mod jobs;
mod model;
mod pace;
mod perform;
#[cfg(test)]
mod tests;

use shared::clock::Instant;
use shared::function::Function;
use shared::problem::Result;
use shared::settings::{Environment, SettingError};
use shared::table::Write;

pub use follow::{end, end_later, end_no_more};
pub use jobs::{bot, deliver, relay, sweep};
pub use model::Message;

use crate::App;
use pace::Pace;

/// Settings of this capability.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the Bot API is.
    pub telegram_api_url: String,
    /// The chat of those who run the club, if there is one.
    pub admin_chat_id: Option<i64>,
    /// The chats that only paid members may be in.
    pub protected_chats: Vec<i64>,
    /// What this process may send.
    pace: Pace,
}

impl Settings {
    /// Reads `TELEGRAM_API_URL`, `ADMIN_CHAT_ID` and `PROTECTED_CHAT_IDS`: ids with commas between,
    /// 50 at most.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let url = environment.get("TELEGRAM_API_URL");
        let chat = match environment.parse("ADMIN_CHAT_ID", 0)? {
            0 => None,
            chat => Some(chat),
        };
        Ok(Self {
            telegram_api_url: url.unwrap_or(shared::telegram::api::PRODUCTION_URL).to_owned(),
            admin_chat_id: chat,
            protected_chats: chats(environment.get("PROTECTED_CHAT_IDS").unwrap_or_default())
                .ok_or_else(|| SettingError::Malformed("PROTECTED_CHAT_IDS".to_owned()))?,
            pace: Pace::default(),
        })
    }
}

/// The most protected chats: a row for each is written in one transaction.
const CHATS_MAX: usize = 50;

/// Reads ids of chats with commas between, each once; `None` of what is none, or of more than 50.
#[must_use]
pub fn chats(text: &str) -> Option<Vec<i64>> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut chats: Vec<i64> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    chats.sort_unstable();
    chats.dedup();
    (chats.len() <= CHATS_MAX && !chats.contains(&0)).then_some(chats)
}

/// The write that has `message` sent, for the transaction that wants it; refusal `outbox`: asked
/// for before under this id.
///
/// # Errors
/// A bug, when the message does not serialise.
pub fn ask(id: &str, message: &Message, now: Instant) -> Result<Write> {
    shared::outbox::ask(id, message, now)
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![relay(), deliver(), sweep()]
}
