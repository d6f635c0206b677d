//! What people, Telegram and providers do, with the patience of real clients.

use serde_json::{Value, json};

use crate::bench::{Bench, Reply};

/// Posts the jobs.
pub(super) const CLIENT: i64 = 101;
/// Take them.
pub(super) const EXECUTORS: [i64; 2] = [202, 203];
/// Wants to hear of every job.
pub(super) const SUBSCRIBER: i64 = 304;
/// How often Telegram and providers deliver again.
const DELIVERIES: usize = 8;

/// A job: its city, category and contact.
pub(super) struct Job {
    pub(super) category: &'static str,
    pub(super) contact: &'static str,
}

impl Bench {
    /// A call with a key, as clients make those that must not happen twice.
    pub(super) async fn once(&self, id: i64, path: &str, key: &str, body: &Value) -> Reply {
        let launch = self.launch(id);
        let headers = [("authorization", launch.as_str()), ("idempotency-key", key)];
        let reply = self.insist("POST", path, &with_type(&headers), body).await;
        assert!(reply.status < 300, "POST {path}: {} {}", reply.status, reply.body);
        reply
    }

    /// A call that may be repeated as it is.
    pub(super) async fn again(&self, id: i64, method: &str, path: &str, body: &Value) -> Reply {
        let launch = self.launch(id);
        let headers = [("authorization", launch.as_str())];
        let reply = self.insist(method, path, &with_type(&headers), body).await;
        assert!(reply.status < 300, "{method} {path}: {} {}", reply.status, reply.body);
        reply
    }

    /// Wants to hear of electricians and cleaners in Moscow.
    pub(super) async fn subscribe(&self, id: i64) {
        let wishes = json!({ "categories": ["Электрика", "Клининг"], "cities": ["Москва"] });
        self.again(id, "PUT", "/api/users/me/preferences", &wishes).await;
        let settings = json!({ "enabled": true, "frequency": 10 });
        self.again(id, "PUT", "/api/users/me/notification-settings", &settings).await;
    }

    pub(super) async fn recharge(&self, id: i64, rubles: i64, key: &str) {
        let body = json!({ "amount": rubles, "method": "card" });
        self.once(id, "/api/balance/recharge", key, &body).await;
    }

    /// Posts a job and answers its id.
    pub(super) async fn post(&self, job: &Job, key: &str) -> String {
        let body = json!({
            "category": job.category, "city": "Москва", "contact": job.contact,
            "description": "Искрит розетка на кухне, нужен мастер в течение часа",
        });
        let reply = self.once(CLIENT, "/api/orders", key, &body).await;
        reply.body["id"].as_str().expect("an order").to_owned()
    }

    /// Takes an order; again at no cost.
    pub(super) async fn take(&self, executor: i64, order: &str) {
        let path = format!("/api/orders/{order}/take");
        let reply = self.again(executor, "POST", &path, &Value::Null).await;
        assert!(reply.body["contact"].is_string(), "{}", reply.body);
    }

    /// What the client does to an order: `respond`, `complete`, `close`.
    pub(super) async fn act(&self, order: &str, act: &str) {
        let path = format!("/api/orders/{order}/{act}");
        self.once(CLIENT, &path, &format!("{act}-{order}"), &Value::Null).await;
    }

    /// Asks for an invoice and answers the payment.
    pub(super) async fn invoice(&self, payer: i64, rubles: i64, provider: &str) -> i64 {
        let key = format!("invoice-{payer}-{rubles}");
        let body = json!({ "amount": rubles, "provider": provider });
        let reply = self.once(payer, "/api/balance/create-invoice", &key, &body).await;
        assert!(reply.body["pay_url"].as_str().is_some_and(|url| !url.is_empty()));
        reply.body["payment_id"].as_i64().expect("a payment")
    }

    /// Somebody pays at the provider, which may tell of it.
    pub(super) async fn pays(&self, payer: i64, payment: i64, told: bool) {
        let body = json!({
            "outcome": "paid", "webhook": told, "deliveries": 2, "user_id": payer,
            "external_id": format!("charge{payment}"),
        });
        for _ in 0..DELIVERIES {
            let killed = self.killed();
            let answer = self.desk("POST", &format!("payments/{payment}"), &body).await;
            let deliveries = answer["deliveries"].as_array().expect("deliveries");
            let taken = deliveries.iter().all(|one| one["status"] == 200 || one["status"] == 204);
            if taken && self.killed() == killed {
                return;
            }
        }
        panic!("the payment {payment} is never taken");
    }

    /// Telegram brings an update, the same again until it is taken, and then once more.
    pub(super) async fn update(&self, update: &Value) {
        let mut taken = 0;
        for _ in 0..DELIVERIES {
            let killed = self.killed();
            let answer = self.desk("POST", "telegram/updates", &json!({ "update": update })).await;
            if answer["status"] == 200 && self.killed() == killed {
                taken += 1;
            }
            if taken == 2 {
                return;
            }
        }
        panic!("never taken: {update}");
    }
}

/// Existing clients name the type of every body, also where there is none.
fn with_type<'a>(headers: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().copied().chain([("content-type", "application/json")]).collect()
}

/// An update that says something of stars: `successful_payment` or `refunded_payment`.
pub(super) fn stars(number: i64, payer: i64, kind: &str, payment: i64, stars: i64) -> Value {
    let of = json!({
        "currency": "XTR", "total_amount": stars, "invoice_payload": format!("er1.{payment}"),
        "telegram_payment_charge_id": format!("charge{payment}"), "provider_payment_charge_id": "",
    });
    let mut message = from(number, payer);
    message[kind] = of;
    json!({ "update_id": number, "message": message })
}

/// A message that somebody wrote to the bot, without what it says.
pub(super) fn from(number: i64, id: i64) -> Value {
    json!({
        "message_id": number, "date": 1_768_900_000,
        "chat": { "id": id, "type": "private", "first_name": "Анна" },
        "from": { "id": id, "is_bot": false, "first_name": "Анна" },
    })
}
