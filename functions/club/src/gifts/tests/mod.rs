//! Gifts against the embedded engine.

mod activating;
mod crashes;
mod expiring;
mod listing;
mod permissions;
mod refunds;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Gift, activate, expire, my};
use crate::auth::Member;
use crate::payments::{link, sandbox_webhook};
use crate::testing::{Reply, Request, SANDBOX_SECRET, World};

/// Who gives in these tests.
const GIVER: i64 = 1_000_000_001;
/// Who gets the gift. Ids take up to 52 bits.
const RECIPIENT: i64 = (1 << 52) - 1;
/// Somebody else.
const STRANGER: i64 = 1_000_000_003;
/// Seconds of a day.
const DAY: u64 = 86_400;

/// A world with a giver, a recipient and a stranger.
struct Party {
    world: Arc<World>,
}

impl Party {
    async fn begin() -> Self {
        let world = Arc::new(World::new().await);
        for tg_id in [GIVER, RECIPIENT, STRANGER] {
            world.member(tg_id).await;
        }
        Self { world }
    }

    async fn token(&self, tg_id: i64) -> String {
        self.world.token(&self.member(tg_id).await).await
    }

    /// The giver pays a gift, for somebody or for whoever has the link; the attempt and the gift.
    async fn give(&self, recipient: Option<i64>) -> (String, Gift) {
        let body = json!({
            "telegram_id": GIVER, "email": "giver@example.com", "offer_key": "gift_rub_2000",
            "recipient_id": recipient,
        });
        let request = Request::post("/api/payments/generate-link", body);
        let linked = self.world.call(link(), request.token(&self.token(GIVER).await)).await;
        assert_eq!(linked.status, 200, "{}", linked.body);
        let attempt = linked.body["attempt_id"].as_str().unwrap().to_owned();
        let paid = self.provider(json!({ "attempt_id": attempt, "event": "success" })).await;
        assert_eq!(paid.status, 200, "{}", paid.body);
        let gifts = self.gifts().await;
        let gift = gifts.into_iter().find(|gift| gift.attempt_id == attempt).unwrap();
        (attempt, gift)
    }

    async fn provider(&self, body: Value) -> Reply {
        let request = Request::post("/api/webhooks/sandbox/payment", body);
        let request = request.header("x-sandbox-secret", SANDBOX_SECRET);
        self.world.call(sandbox_webhook(), request).await
    }

    async fn refund(&self, attempt: &str, refund_id: &str, amount: Option<&str>) -> Reply {
        let body = json!({
            "attempt_id": attempt, "event": "refund", "refund_id": refund_id, "amount": amount,
        });
        self.provider(body).await
    }

    async fn wish(&self, tg_id: i64, token: &str) -> Request {
        let request = Request::post("/api/v1/gifts/activate", json!({ "token": token }));
        request.token(&self.token(tg_id).await)
    }

    async fn activate(&self, tg_id: i64, gift: &Gift) -> Reply {
        let wish = self.wish(tg_id, &gift.token).await;
        self.world.call(activate(), wish).await
    }

    async fn refused(&self, tg_id: i64, gift: &Gift) -> (u16, String) {
        let reply = self.activate(tg_id, gift).await;
        (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default().to_owned())
    }

    async fn list(&self, tg_id: i64) -> Reply {
        let request = Request::get("/api/v1/gifts/my").token(&self.token(tg_id).await);
        self.world.call(my(), request).await
    }

    async fn run(&self) -> Value {
        self.world.tick(expire()).await.unwrap()
    }

    async fn member(&self, tg_id: i64) -> Member {
        self.world.member_now(tg_id).await
    }

    async fn gift(&self, token: &str) -> Gift {
        super::find(self.world.table(), token).await.unwrap().unwrap()
    }

    async fn gifts(&self) -> Vec<Gift> {
        let mut found = Vec::new();
        for item in self.world.items("Gift").await {
            let pk = item["pk"]["S"].as_str().unwrap();
            found.push(self.gift(pk.trim_start_matches("GIFT#")).await);
        }
        found
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    /// The outbox, by message: what was asked for, and what a row stands for that nobody has
    /// performed yet.
    async fn messages(&self, message: &str) -> usize {
        let outbox = self.world.items("Outbox").await;
        let says = |item: &Value, what: &str| item["payload"]["M"]["message"]["S"] == what;
        let is = |item: &&Value| {
            says(item, message)
                || message == "gift_activated"
                    && says(item, "gift_taken")
                    && item["state"]["S"] == "pending"
        };
        outbox.iter().filter(is).count()
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// What must hold at any instant: both rows of a gift agree, what is activated gave once, what
    /// is not gave nothing, and only what is paid is due.
    async fn check_invariants(&self) {
        let copies = self.world.items("GivenGift").await;
        let rows = self.world.items("Gift").await;
        assert_eq!(copies.len(), rows.len());
        for row in &rows {
            let copy = copies.iter().find(|copy| copy["id"] == row["id"]).unwrap();
            for name in ["token", "giver", "status", "activation", "valid_until", "recipient"] {
                assert_eq!(copy[name], row[name], "{name}");
            }
            assert_eq!(row["due_pk"].is_object(), row["status"]["S"] == "paid", "{row}");
        }
        let entries = self.world.items("EnergyEntry").await;
        let gifts = self.gifts().await;
        let given = gifts.iter().filter(|gift| gift.activation.is_some()).count();
        let of_gifts = entries.iter().filter(|e| e["energy_kind"]["S"] == "gift").count();
        assert_eq!((of_gifts, self.messages("gift_activated").await), (given, given));
        for tg_id in [GIVER, RECIPIENT, STRANGER] {
            let member = self.member(tg_id).await;
            let id = tg_id.to_string();
            let own = entries.iter().filter(|e| e["tg_id"]["N"] == id.as_str());
            let sum: i64 =
                own.map(|e| e["delta"]["N"].as_str().unwrap().parse::<i64>().unwrap()).sum();
            assert_eq!(member.balance, sum);
        }
    }
}
