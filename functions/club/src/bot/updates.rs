//! Updates of the bot that have had their effect.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::table::{Entity, Key, Write};

/// How long an update is remembered, in days: longer than Telegram repeats it and the queue keeps
/// it, its dead letters included.
const KEPT: u32 = 30;
/// The name of the write that refuses a second effect.
pub const WRITE: &str = "update";

/// An update of the bot, written with its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelegramUpdate {
    /// Telegram's id of it.
    pub update_id: i64,
    /// When it had its effect.
    pub at: Instant,
}

impl TelegramUpdate {
    /// The write that goes with the effect; refused under [`WRITE`] where it had it before.
    #[must_use]
    pub fn once(self) -> Write {
        Write::insert(WRITE, &self)
    }
}

impl Entity for TelegramUpdate {
    const KIND: &'static str = "TelegramUpdate";

    fn key(&self) -> Key {
        Key::new(format!("UPDATE#{}", self.update_id), "UPDATE")
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(KEPT))
    }
}
