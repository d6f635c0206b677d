//! Payments against the embedded engine and a world outside that speaks over HTTP.

mod checks;
mod crashes;
mod crypto;
mod deliveries;
mod hostile;
mod invoices;
mod outside;
mod permissions;
mod reconciling;
mod rules;
mod sabotage;
mod sandbox;
mod stars;

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::table::{Entity, Item, Key};

use super::model::{Payment, Status};
use super::{check, create, crypto_bot, reconcile, status, sweep, telegram_webhook};
use crate::money::{Entry, Kind};
use crate::testing::{Person, Reply, Request, World};
use crate::users::User;
use outside::{Mood, Server};

/// The payer of these tests.
const PAYER: i64 = 5_000_000_001;
/// The queue of delayed checks.
const CHECKS: &str = "payment-checks";
const TOKEN: &str = "10000:AAErrandsSandboxToken-0123456789abcdef";
const WEBHOOK_SECRET: &str = "test-webhook-secret-0123456789abcdef";

/// A world with one user who is about to pay.
struct Till {
    world: Arc<World>,
    crypto: Server,
    bot: Server,
    sandbox: Server,
}

impl Till {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let (crypto, bot) = (Server::crypto_bot().await, Server::bot_api().await);
        let sandbox = Server::sandbox().await;
        let mut all = vec![
            ("CRYPTO_PAY_NETWORK", "test"),
            ("CRYPTO_PAY_API_URL", &crypto.url),
            ("CRYPTO_PAY_TOKEN", TOKEN),
            ("TELEGRAM_WEBHOOK_SECRET", WEBHOOK_SECRET),
            ("TELEGRAM_API_URL", &bot.url),
            ("SANDBOX_PROVIDER_URL", &sandbox.url),
            ("STARS_ENABLED", "true"),
        ];
        all.extend_from_slice(settings);
        let world = Arc::new(World::with(&all).await);
        Self { world, crypto, bot, sandbox }
    }

    fn by(&self, id: i64, request: Request) -> Request {
        request.by(&self.world.sign_in(&Person::new(id, "Анна")))
    }

    fn wish(&self, body: Value) -> Request {
        self.by(PAYER, Request::post("/api/balance/create-invoice", body))
    }

    async fn ask(&self, body: Value) -> Reply {
        self.world.call(create(), self.wish(body)).await
    }

    /// Makes an invoice of 100 rubles and answers the payment's id.
    async fn invoiced(&self, provider: &str) -> i64 {
        let reply = self.ask(json!({ "amount": 100, "provider": provider })).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["payment_id"].as_i64().unwrap()
    }

    async fn payment(&self, id: i64) -> Payment {
        super::store::find(self.world.table(), id).await.unwrap().unwrap()
    }

    async fn stands(&self, id: i64) -> Status {
        self.payment(id).await.status
    }

    /// The payment as its payer sees it.
    async fn shown(&self, id: i64) -> Reply {
        let path = format!("/api/balance/payment/{id}/status");
        self.world.call(status(), self.by(PAYER, Request::get(&path))).await
    }

    /// The payer's balance in kopecks.
    async fn balance(&self) -> i64 {
        self.world.user(PAYER).await.balance
    }

    /// Crypto Bot's word that the invoice of this reference was paid.
    fn paid(&self, reference: &str) -> Value {
        self.crypto.change("payload", &json!(reference), |invoice| {
            invoice["status"] = json!("paid");
            invoice["paid_asset"] = json!("USDT");
            invoice["paid_at"] = json!("2026-11-22T12:01:00.000Z");
        });
        let books = self.crypto.books();
        let invoice = books.rows.iter().find(|row| row["payload"] == reference).unwrap();
        json!({
            "update_id": 1, "update_type": "invoice_paid",
            "request_date": "2026-11-22T12:01:00Z", "payload": invoice,
        })
    }

    async fn deliver(&self, body: &Value) -> Reply {
        self.world.call(crypto_bot(), delivery(&body.to_string())).await
    }

    /// Pays by Crypto Bot and says so.
    async fn pay(&self, id: i64) -> Reply {
        let word = self.paid(&format!("er1.{id}"));
        self.deliver(&word).await
    }

    async fn update(&self, update: Value) -> Reply {
        self.world.call(telegram_webhook(), told(update)).await
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    async fn sweep(&self) -> Value {
        self.world.tick(sweep()).await.unwrap()
    }

    async fn reconcile(&self) -> Value {
        self.world.tick(reconcile()).await.unwrap()
    }

    async fn check(&self) -> (usize, usize) {
        self.world.deliver(check(), CHECKS).await
    }

    /// What must hold at any instant, whatever happened.
    async fn check_invariants(&self) {
        let entries: Vec<Entry> = self.read("LedgerEntry").await;
        let payments: Vec<Payment> = self.read("Payment").await;
        for user in self.read::<User>("User").await {
            let own = || entries.iter().filter(|entry| entry.user_id == user.id);
            let sum: i64 = own().map(|entry| entry.amount).sum();
            assert_eq!((user.balance, user.balance >= 0), (sum, true));
            assert_eq!(user.balance, user.earned_total - user.consumed_total);
            // Each entry follows on one other.
            let mut balances: Vec<i64> = own().map(|entry| entry.balance_after).collect();
            let mut before: Vec<i64> =
                own().map(|entry| entry.balance_after - entry.amount).collect();
            balances.push(0);
            before.push(user.balance);
            balances.sort_unstable();
            before.sort_unstable();
            assert_eq!(balances, before);
        }
        for payment in &payments {
            let cause = payment.id.to_string();
            let credits = entries
                .iter()
                .filter(|entry| entry.entry == Kind::Recharge && entry.cause == cause)
                .inspect(|entry| assert_eq!(entry.amount, payment.kopecks.0))
                .count();
            assert_eq!(credits, usize::from(payment.status == Status::Paid), "{payment:?}");
            assert_eq!(payment.paid_at.is_some(), payment.status == Status::Paid);
            assert_eq!(payment.look_at.is_some(), payment.status.is_open(), "{payment:?}");
        }
        for item in self.world.items("Payment").await {
            assert_eq!(item.get("due_pk").is_some(), item.get("look_at").is_some(), "{item}");
        }
        let receipts = self.count("ProviderReceipt").await;
        let paid = payments.iter().filter(|payment| payment.status == Status::Paid).count();
        assert_eq!(receipts, paid);
    }

    async fn read<E: Entity>(&self, kind: &str) -> Vec<E> {
        let mut found = Vec::new();
        for item in self.world.items(kind).await {
            let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
            let item: Option<Item> = self.world.item(&Key::new(text("pk"), text("sk"))).await;
            found.push(item.unwrap().read().unwrap());
        }
        found
    }
}

/// The hex digits of a body's signature by the holder of `token`.
fn signature(token: &str, body: &str) -> String {
    let key = Sha256::digest(token.as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn delivery(body: &str) -> Request {
    Request::post("/api/balance/webhook/crypto-bot", Value::Null)
        .body(body)
        .header("crypto-pay-api-signature", &signature(TOKEN, body))
}

fn told(update: Value) -> Request {
    Request::post("/api/telegram/webhook", update)
        .header("x-telegram-bot-api-secret-token", WEBHOOK_SECRET)
}
