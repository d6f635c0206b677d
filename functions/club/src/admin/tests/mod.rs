//! Administration against the embedded engine.

mod access;
mod assigning;
mod crashes;
mod handing_over;
mod offers;
mod people;
mod periods;
mod permissions;
mod refunding;
mod runs;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Instant;
use shared::function::Function;

use super::*;
use crate::auth::Member;
use crate::payments::{link, sandbox_webhook};
use crate::testing::{Reply, Request, SANDBOX_SECRET, World};

/// The member of these tests.
const ANNA: i64 = 1_000_000_001;
/// The secret of these worlds' administrators.
const SECRET: &str = "test-admin-secret-0123456789abcdef01";

/// A world with a member and an administrator.
struct Office {
    world: Arc<World>,
    /// The payment of a test that is prepared in one place and looked at in another.
    payment: Mutex<String>,
}

impl Office {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let world = World::with(settings).await;
        world.member(ANNA).await;
        Self { world: Arc::new(world), payment: Mutex::default() }
    }

    fn request(path: &str, body: Value) -> Request {
        Request::post(path, body).header("x-admin-secret", SECRET)
    }

    async fn post(&self, function: Function<App>, path: &str, body: Value) -> Reply {
        self.world.call(function, Self::request(path, body)).await
    }

    /// The same with an idempotency key.
    async fn keyed(&self, function: Function<App>, path: &str, body: Value, key: &str) -> Reply {
        let request = Self::request(path, body).header("idempotency-key", key);
        self.world.call(function, request).await
    }

    async fn get(&self, function: Function<App>, path: &str) -> Reply {
        self.world.call(function, Request::get(path).header("x-admin-secret", SECRET)).await
    }

    /// Gets a link of an offer; the attempt's id.
    async fn linked(&self, offer: &str) -> String {
        let token = self.world.token(&self.anna().await).await;
        let body = json!({
            "telegram_id": ANNA, "email": "anna@example.com", "offer_key": offer,
            "provider": "sandbox",
        });
        let request = Request::post("/api/payments/generate-link", body).token(&token);
        let reply = self.world.call(link(), request).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["attempt_id"].as_str().unwrap().to_owned()
    }

    /// Pays a link; the payment's id.
    async fn paid(&self) -> String {
        let attempt = self.linked("monthly_rub_2000").await;
        self.told(json!({ "attempt_id": attempt, "event": "success" })).await;
        format!("sandbox:sbx_{attempt}")
    }

    /// The provider's webhook.
    async fn told(&self, body: Value) {
        let request = Request::post("/api/webhooks/sandbox/payment", body);
        let request = request.header("x-sandbox-secret", SANDBOX_SECRET);
        let reply = self.world.call(sandbox_webhook(), request).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }

    /// Money that names no attempt.
    async fn stray(&self, external_id: &str) {
        self.told(json!({
            "attempt_id": "att_unknown", "event": "success", "external_id": external_id,
            "amount": "1999.00", "currency": "RUB",
        }))
        .await;
    }

    async fn anna(&self) -> Member {
        self.world.member_now(ANNA).await
    }

    async fn expires(&self) -> Option<Instant> {
        self.anna().await.subscription_expires
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    /// The outbox, by message.
    async fn messages(&self, message: &str) -> usize {
        let outbox = self.world.items("Outbox").await;
        let is = |item: &&Value| item["payload"]["M"]["message"]["S"] == message;
        outbox.iter().filter(is).count()
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// What must hold at any instant: balances equal their entries, and what the provider has given
    /// back it has given back once for each wish.
    async fn check_invariants(&self) {
        let anna = self.anna().await;
        let number = |value: &Value| value["N"].as_str().unwrap().parse::<i64>().unwrap();
        let entries = self.world.items("EnergyEntry").await;
        let sum: i64 = entries.iter().map(|entry| number(&entry["delta"])).sum();
        assert_eq!(anna.balance, sum);
        assert_eq!(self.count("Payment").await, self.count_of_attempts("paid").await);
        let mut ids: Vec<_> =
            self.world.provider.refunds().into_iter().map(|refund| refund.refund_id).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all, "the provider was asked twice for one refund");
    }

    async fn count_of_attempts(&self, status: &str) -> usize {
        let attempts = self.world.items("Attempt").await;
        let paid = |item: &&Value| {
            item["status"]["S"] == status || (status == "paid" && item["status"]["S"] == "refunded")
        };
        attempts.iter().filter(paid).count()
    }
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default().to_owned())
}
