//! Updates that have had their effect.
//!
//! Telegram delivers an update at least once, and so does a queue. Whoever writes an update down
//! in the transaction of its effect has it once.

use serde::{Deserialize, Serialize};

use crate::clock::{Instant, days};
use crate::table::{Entity, Key, Write};

/// How long an update is remembered, in days: longer than Telegram repeats it and a queue keeps
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
    #[serde(with = "crate::clock::micros")]
    pub at: Instant,
}

impl TelegramUpdate {
    /// Where the update is.
    #[must_use]
    pub fn key_of(update_id: i64) -> Key {
        Key::new(format!("UPDATE#{update_id}"), "UPDATE")
    }

    /// The write that goes with the effect; refused under [`WRITE`] where it had it before.
    #[must_use]
    pub fn once(self) -> Write {
        Write::insert(WRITE, &self)
    }
}

impl Entity for TelegramUpdate {
    const KIND: &'static str = "TelegramUpdate";

    fn key(&self) -> Key {
        Self::key_of(self.update_id)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(KEPT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::testing;

    #[tokio::test]
    async fn an_update_has_its_effect_once() {
        let (table, at) = (testing::table().await, Instant::from_seconds(1_768_900_000));
        let update = TelegramUpdate { update_id: 7, at };
        let effect = |by: &str| {
            let key = Key::new("EFFECT", "EFFECT");
            vec![update.once(), Write::update("effect", key).set("by", by)]
        };
        table.transact(effect("one")).await.unwrap();
        let refusal = table.transact(effect("another")).await.unwrap_err().refusal().unwrap();
        assert!(refusal.is_only(WRITE));
        let effect = table.get_item(&Key::new("EFFECT", "EFFECT")).await.unwrap().unwrap();
        assert_eq!(effect.text("by"), Some("one"));
        let key = TelegramUpdate::key_of(7);
        assert_eq!(table.get::<TelegramUpdate>(&key).await.unwrap(), Some(update));
    }
}
