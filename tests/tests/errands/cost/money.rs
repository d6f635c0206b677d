//! What money costs.

use serde_json::json;
use tests::{Table, Webhook};

use super::{Town, reads, unless, writes};
use crate::payments::{Crypto, Stars, says};

pub(super) async fn money(table: &mut Table, town: &Town) {
    let payer = &town.executors[0];
    let more = payer.post("/api/balance/recharge", &json!({"amount": 10})).await;
    writes(table.http("errands-balance-recharge", &more), 1, 3);
    let keyed = payer.post("/api/balance/recharge", &json!({"amount": 10})).key("cost").await;
    table.http("errands-balance-recharge (with a key)", &keyed);
    let again = payer.post("/api/balance/recharge", &json!({"amount": 10})).key("cost").await;
    reads(table.http("errands-balance-recharge (the key again)", &again), 1);
    reads(table.http("errands-balance", &payer.get("/api/balance").await), 1);
    let page = payer.get("/api/balance/transactions").await;
    reads(table.http("errands-balance-transactions", &page), 1);
    let same = unless(payer.get("/api/balance/transactions"), &page).await;
    reads(table.http("errands-balance-transactions", &same), 1);
}

pub(super) async fn paying(table: &mut Table, town: &Town) {
    let payer = &town.executors[0];
    let wish = json!({"amount": 100, "provider": "sandbox"});
    let made = payer.post("/api/balance/create-invoice", &wish).await;
    let cost = table.http("errands-payments-create (sandbox)", &made);
    assert!(cost.requests <= 2 && cost.items <= 3, "{cost:?}");
    let payment = made.json()["payment_id"].as_i64().unwrap();
    let path = format!("/api/balance/payment/{payment}/status");
    reads(table.http("errands-payments-status (pending)", &payer.get(&path).await), 1);
    town.world.advance(30).await;
    town.job(table, "errands-payments-check", "unpaid").await;
    let paid = payer.post(&format!("/api/sandbox/payments/{payment}/pay"), &json!({})).await;
    table.http("errands-payments-sandbox-pay", &paid);
    reads(table.http("errands-payments-status (paid)", &payer.get(&path).await), 2);
    town.world.advance(30).await;
    reads(town.job(table, "errands-payments-check", "already paid").await, 1);
    let lost = payer.invoice(100, "sandbox").await;
    town.world.pay(&lost.to_string(), Webhook::Lost).await;
    town.world.advance(30).await;
    town.job(table, "errands-payments-check", "settles").await;
    // Made half a minute past the full one, it expires between sweeps.
    town.world.advance(30).await;
    payer.invoice(100, "sandbox").await;
    town.world.advance(30 * 60 + 30).await;
    town.job(table, "errands-payments-sweep", "one expires").await;
    town.world.advance(60).await;
    town.job(table, "errands-payments-sweep", "nothing due").await;
    for what in ["with a key", "the key again"] {
        let made = payer.post("/api/balance/create-invoice", &wish).key("cost").await;
        table.http(&format!("errands-payments-create ({what})"), &made);
    }
}

pub(super) async fn providers(table: &mut Table, town: &Town) {
    let payer = &town.executors[0];
    let mut ids = Vec::new();
    for provider in ["crypto_bot", "telegram_stars"] {
        let wish = json!({"amount": 100, "provider": provider});
        let made = payer.post("/api/balance/create-invoice", &wish).await;
        table.http(&format!("errands-payments-create ({provider})"), &made);
        ids.push(made.json()["payment_id"].as_i64().unwrap());
    }
    let crypto = Crypto::of(&town.world, ids[0]).await;
    table.http("errands-payments-crypto-bot (settles)", &crypto.paid().await);
    table.http("errands-payments-crypto-bot (again)", &crypto.paid().await);
    let ignored = crypto.told(&json!({"update_id": 9, "update_type": "other"})).await;
    reads(table.http("errands-payments-crypto-bot (ignored)", &ignored), 0);
    let stars = Stars::of(payer, ids[1]).await;
    let checkout = stars.checks_out().await;
    reads(table.http("errands-telegram-webhook (pre-checkout)", &checkout), 1);
    table.http("errands-telegram-webhook (paid)", &stars.paid("charge").await);
    table.http("errands-telegram-webhook (refunded)", &stars.refunded("charge").await);
    table.http("errands-telegram-webhook (of no interest)", &says(payer, "привет").await);
}
