//! What providers tell the service, written from their descriptions and not from its code.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::{Call, Person, World, hex, hmac};

/// Numbers of updates; each is new unless it is said otherwise.
static UPDATES: AtomicI64 = AtomicI64::new(500_000);

/// A number that no update had before.
pub fn update_id() -> i64 {
    UPDATES.fetch_add(1, Ordering::Relaxed)
}

/// The signature of a body by the holder of Crypto Bot's token.
pub fn signature(token: &str, body: &[u8]) -> String {
    hex(&hmac(&Sha256::digest(token.as_bytes()), body))
}

/// A delivery of Crypto Bot, signed by the service's own token.
pub fn crypto_webhook(world: &World, body: &[u8]) -> Call {
    let signature = signature(world.secret("CRYPTO_PAY_TOKEN"), body);
    world
        .call("POST", "/api/balance/webhook/crypto-bot")
        .header("crypto-pay-api-signature", signature)
        .raw(body)
}

/// An update of Telegram's.
pub fn telegram(world: &World, update: &Value) -> Call {
    world
        .post("/api/telegram/webhook", update)
        .header("x-telegram-bot-api-secret-token", world.secret("TELEGRAM_WEBHOOK_SECRET"))
}

/// An invoice at Crypto Bot.
pub struct Crypto {
    world: World,
    /// As Crypto Bot shows it.
    pub invoice: Value,
}

impl Crypto {
    /// The invoice of a payment.
    pub async fn of(world: &World, payment: i64) -> Self {
        let all = Self::all(world).await;
        let reference = format!("er1.{payment}");
        let found = all.iter().find(|invoice| invoice["payload"] == reference.as_str());
        let invoice = found.unwrap_or_else(|| panic!("{reference}: {all:?}")).clone();
        Self { world: world.clone(), invoice }
    }

    /// All invoices.
    pub async fn all(world: &World) -> Vec<Value> {
        let listed = world.crypto_pay("getInvoices", &json!({"count": 1000})).await;
        listed["result"]["items"].as_array().unwrap().clone()
    }

    /// What Crypto Bot says when it is paid, with other fields where they are given.
    pub fn update(&self, other: &Value) -> Value {
        let mut invoice = self.invoice.clone();
        let paid = json!({"status": "paid", "paid_asset": "USDT", "paid_amount": "1.2"});
        for fields in [&paid, other] {
            for (name, value) in fields.as_object().unwrap() {
                invoice[name] = value.clone();
            }
        }
        json!({
            "update_id": update_id(),
            "update_type": "invoice_paid",
            "request_date": "2026-01-20T12:00:00Z",
            "payload": invoice,
        })
    }

    /// A delivery that it is paid, as it should be.
    pub fn paid(&self) -> Call {
        self.told(&self.update(&json!({})))
    }

    /// A delivery with this body, signed as it should be.
    pub fn told(&self, body: &Value) -> Call {
        crypto_webhook(&self.world, body.to_string().as_bytes())
    }
}

/// An invoice in stars.
pub struct Stars {
    world: World,
    payer: i64,
    /// As the bot asked for it.
    pub invoice: Value,
}

impl Stars {
    /// The invoice of a payment of this payer.
    pub async fn of(payer: &Person, payment: i64) -> Self {
        let world = payer.user.world.clone();
        let reference = format!("er1.{payment}");
        let links = world.bot_calls("createInvoiceLink").await;
        let found = links.iter().find(|call| call["payload"]["payload"] == reference.as_str());
        let invoice = found.unwrap_or_else(|| panic!("{reference}: {links:?}"))["payload"].clone();
        Self { world, payer: payer.id(), invoice }
    }

    /// What it costs.
    pub fn stars(&self) -> i64 {
        self.invoice["prices"][0]["amount"].as_i64().unwrap()
    }

    /// The payer is about to pay: a query of this id, with other fields where they are given.
    pub fn query(&self, id: &str, other: &Value) -> Value {
        let mut query = json!({
            "id": id,
            "from": {"id": self.payer, "is_bot": false, "first_name": ""},
            "currency": "XTR",
            "total_amount": self.stars(),
            "invoice_payload": self.invoice["payload"],
        });
        for (name, value) in other.as_object().unwrap() {
            query[name] = value.clone();
        }
        json!({"update_id": update_id(), "pre_checkout_query": query})
    }

    /// The payer is about to pay.
    pub fn checks_out(&self) -> Call {
        telegram(&self.world, &self.query("checkout", &json!({})))
    }

    fn money(&self, kind: &str, charge: &str) -> Value {
        json!({
            "update_id": update_id(),
            "message": {
                "message_id": 7,
                "date": 1_768_910_400,
                "chat": {"id": self.payer, "type": "private", "first_name": ""},
                "from": {"id": self.payer, "is_bot": false, "first_name": ""},
                kind: {
                    "currency": "XTR",
                    "total_amount": self.stars(),
                    "invoice_payload": self.invoice["payload"],
                    "telegram_payment_charge_id": charge,
                    "provider_payment_charge_id": "",
                },
            },
        })
    }

    /// The update that the payer has paid by this charge.
    pub fn payment(&self, charge: &str) -> Value {
        self.money("successful_payment", charge)
    }

    /// The update that this charge was given back.
    pub fn refund(&self, charge: &str) -> Value {
        self.money("refunded_payment", charge)
    }

    /// The payer has paid by this charge.
    pub fn paid(&self, charge: &str) -> Call {
        telegram(&self.world, &self.payment(charge))
    }

    /// This charge was given back.
    pub fn refunded(&self, charge: &str) -> Call {
        telegram(&self.world, &self.refund(charge))
    }
}

/// Somebody writes to the bot.
pub fn says(person: &Person, text: &str) -> Call {
    let update = json!({
        "update_id": update_id(),
        "message": {
            "message_id": 8,
            "date": 1_768_910_400,
            "chat": {"id": person.id(), "type": "private", "first_name": ""},
            "from": {"id": person.id(), "is_bot": false, "first_name": ""},
            "text": text,
        },
    });
    telegram(&person.user.world, &update)
}

/// The published signature of the contract's example.
#[test]
fn the_published_vector_is_signed_alike() {
    let body = concat!(
        r#"{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-22T00:51:47Z","#,
        r#""payload":{"invoice_id":4294967297,"status":"paid","currency_type":"fiat","#,
        r#""fiat":"RUB","amount":"100","paid_asset":"USDT","payload":"er1.42"}}"#
    );
    let wanted = "4b419bc589e0c6ebf423d591b41486acdeb80a88d12a85b5ded397f726ff2a3a";
    assert_eq!(body.len(), 224);
    assert_eq!(signature("10000:AAErrandsSandboxToken", body.as_bytes()), wanted);
}
