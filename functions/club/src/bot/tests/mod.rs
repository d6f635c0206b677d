//! Updates of the bot against the embedded engine. Payments in stars have their tests beside the
//! other payments.

mod chats;
mod gifts;
mod hours;
mod permissions;
mod private;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{update, webhook};
use crate::auth::Member;
use crate::gifts::{Bought, Gift, granted};
use crate::testing::{BotServer, Request, UPDATES, WEBHOOK_SECRET, World};

/// Somebody who writes to the bot. Ids take up to 52 bits.
const PERSON: i64 = (1 << 52) - 1;
/// Somebody else.
const STRANGER: i64 = 1_000_000_003;
/// Who gives.
const GIVER: i64 = 1_000_000_001;
/// A chat for members alone.
const CHAT: i64 = -1_001_234_567_890;

/// A world with a bot.
struct Desk {
    world: Arc<World>,
    bot: BotServer,
}

impl Desk {
    async fn open() -> Self {
        let bot = BotServer::start().await;
        let chats = format!("{CHAT},-1005");
        let settings =
            [("TELEGRAM_API_URL", bot.url.as_str()), ("PROTECTED_CHAT_IDS", chats.as_str())];
        Self { world: Arc::new(World::with(&settings).await), bot }
    }

    /// Telegram delivers an update, and what it asks for is done. Answers how many failed.
    async fn hear(&self, update_: &Value) -> usize {
        self.take(update_).await;
        self.world.deliver(update(), UPDATES).await.1
    }

    /// Telegram delivers an update.
    async fn take(&self, update: &Value) {
        let request = Request::post("/api/v1/bot/webhook", update.clone())
            .header("x-telegram-bot-api-secret-token", WEBHOOK_SECRET);
        let reply = self.world.call(webhook(), request).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": true })));
    }

    /// The outbox, by id, with what its rows say.
    async fn told(&self) -> Vec<(String, Value)> {
        let rows = self.world.items("Outbox").await;
        let text = |row: &Value, name: &str| row[name]["S"].as_str().unwrap().to_owned();
        rows.iter().map(|row| (text(row, "id"), row["payload"]["M"].clone())).collect()
    }

    /// The messages of a kind.
    async fn messages(&self, kind: &str) -> Vec<Value> {
        let told = self.told().await.into_iter().map(|(_, said)| said);
        told.filter(|said| said["message"]["S"] == kind).collect()
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    async fn member(&self, tg_id: i64) -> Option<Member> {
        crate::auth::find(self.world.table(), tg_id).await.unwrap()
    }

    /// A paid gift of thirty days, for somebody or for whoever has the link.
    async fn gift(&self, recipient: Option<i64>) -> Gift {
        let (attempt_id, payment_id) = ("att_01KG9JV9M0SAMPLEATTEMPT000", "sandbox#1");
        let bought = Bought { attempt_id, payment_id, giver: GIVER, recipient, days: 30 };
        let gift = Gift::new(bought, 365, self.world.now());
        self.world.table().transact(Vec::from(granted(&gift))).await.unwrap();
        gift
    }
}

fn person(id: i64) -> Value {
    json!({
        "id": id, "is_bot": false, "first_name": "Анна", "last_name": "Ли",
        "username": "anna", "language_code": "ru",
    })
}

fn message(update_id: i64, from: i64, more: &Value) -> Value {
    let mut message = json!({
        "message_id": 5, "date": 1_769_860_800, "from": person(from),
        "chat": { "id": from, "type": "private", "first_name": "Анна" },
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "update_id": update_id, "message": message })
}

fn says(update_id: i64, from: i64, text: &str) -> Value {
    message(update_id, from, &json!({ "text": text }))
}
