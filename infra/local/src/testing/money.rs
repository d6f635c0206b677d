use std::collections::BTreeMap;

use http::HeaderName;
use serde_json::{Value, json};
use shared::outbound::Outbound;

use super::body_of;
use crate::Alone;

/// Sandboxes alone, whose service takes no calls.
struct Sandbox {
    alone: Alone,
    http: Outbound,
}

impl Sandbox {
    async fn start() -> Self {
        let nowhere = BTreeMap::from([("errands".to_owned(), "http://127.0.0.1:9".to_owned())]);
        let alone = Alone::start(0, nowhere, false).await.unwrap();
        Self { alone, http: Outbound::new() }
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}/_local/{path}", self.alone.base_url);
        body_of(&self.http.post(&url).json(body).send().await.unwrap())
    }

    async fn crypto(&self, method: &str, token: &str, body: &Value) -> Value {
        let path = format!("{}/_local/sandbox/crypto-pay/api/{method}", self.alone.base_url);
        let header = HeaderName::from_static("crypto-pay-api-token");
        body_of(&self.http.post(&path).header(header, token).json(body).send().await.unwrap())
    }
}

const TOKEN: &str = "local-errands-crypto-pay-token-secret-0000000000000000";

#[tokio::test]
async fn crypto_pay_makes_lists_and_ends_invoices() {
    let sandbox = Sandbox::start().await;
    let wanted = |id: u32| {
        json!({
            "currency_type": "fiat", "fiat": "RUB", "amount": "100", "description": "x",
            "payload": format!("er1.{id}"), "expires_in": 1800,
        })
    };
    let refused = sandbox.crypto("createInvoice", "guess", &wanted(1)).await;
    assert_eq!((&refused["ok"], &refused["error"]["code"]), (&json!(false), &json!(401)));
    let made = sandbox.crypto("createInvoice", TOKEN, &wanted(1)).await["result"].clone();
    assert_eq!((&made["status"], &made["amount"]), (&json!("active"), &json!("100")));
    assert!(made["bot_invoice_url"].as_str().unwrap().ends_with("/_local/pay/errands/1"));
    sandbox.crypto("createInvoice", TOKEN, &wanted(2)).await;
    let paid = sandbox.post("payments/1", &json!({ "outcome": "paid", "deliveries": 2 })).await;
    assert_eq!(paid["deliveries"].as_array().unwrap().len(), 2);
    let list = sandbox.crypto("getInvoices", TOKEN, &json!({ "status": "paid" })).await;
    let items = list["result"]["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!((&items[0]["payload"], &items[0]["paid_asset"]), (&json!("er1.1"), &json!("USDT")));
    let ids = json!({ "invoice_ids": made["invoice_id"].to_string(), "count": 1 });
    let list = sandbox.crypto("getInvoices", TOKEN, &ids).await;
    assert_eq!(list["result"]["items"][0]["invoice_id"], made["invoice_id"]);
    let all = sandbox.crypto("getInvoices", TOKEN, &json!({ "offset": 0, "count": 100 })).await;
    assert_eq!(all["result"]["items"].as_array().unwrap().len(), 2);
    sandbox.alone.stop().await;
}

#[tokio::test]
async fn stars_are_booked_once_and_told_as_updates() {
    let sandbox = Sandbox::start().await;
    let bot = "sandbox/telegram/bot7000000002:local-errands";
    let wanted = json!({
        "title": "t", "description": "d", "payload": "er1.7", "currency": "XTR",
        "prices": [{ "label": "x", "amount": 84 }],
    });
    let link = sandbox.post(&format!("{bot}/createInvoiceLink"), &wanted).await;
    assert!(link["result"].as_str().unwrap().starts_with("https://t.me/$local"));
    for _ in 0..2 {
        let paid = json!({ "outcome": "paid", "user_id": 42, "webhook": false });
        let paid = sandbox.post("payments/7", &paid).await;
        assert_eq!(paid["invoice"]["via"], "telegram_stars");
    }
    let told = sandbox.post("payments/7", &json!({ "outcome": "refunded" })).await;
    assert_eq!(told["deliveries"].as_array().unwrap().len(), 1);
    let listed = sandbox.post(&format!("{bot}/getStarTransactions"), &json!({})).await;
    let listed = listed["result"]["transactions"].as_array().unwrap().clone();
    assert_eq!(listed.len(), 2);
    assert_eq!((&listed[0]["id"], &listed[0]["amount"]), (&json!("stx_7"), &json!(84)));
    assert_eq!(listed[0]["source"]["invoice_payload"], "er1.7");
    assert_eq!(listed[1]["receiver"]["type"], "user");
    let rest = sandbox.post(&format!("{bot}/getStarTransactions"), &json!({ "offset": 1 })).await;
    assert_eq!(rest["result"]["transactions"].as_array().unwrap().len(), 1);
    sandbox.alone.stop().await;
}

#[tokio::test]
async fn a_subscription_in_stars_is_renewed_by_charges_of_its_own() {
    let sandbox = Sandbox::start().await;
    let bot = "sandbox/telegram/bot7000000002:local-errands";
    let link = async |payload: &str, period: Value| {
        let wanted = json!({
            "title": "t", "description": "d", "payload": payload, "currency": "XTR",
            "prices": [{ "label": "x", "amount": 1500 }], "subscription_period": period,
        });
        sandbox.post(&format!("{bot}/createInvoiceLink"), &wanted).await
    };
    link("er1.8", json!(2_592_000)).await;
    link("er1.9", Value::Null).await;
    let outcome = |outcome: &str| json!({ "outcome": outcome, "webhook": false });
    let refused = sandbox.post("payments/8", &outcome("renewed")).await;
    assert!(refused["error"].is_string(), "{refused}");
    for id in ["8", "9"] {
        sandbox.post(&format!("payments/{id}"), &outcome("paid")).await;
    }
    let once = sandbox.post("payments/9", &outcome("renewed")).await;
    assert!(once["error"].is_string(), "{once}");
    for charge in ["stx_8_1", "stx_8_2"] {
        let renewed = sandbox.post("payments/8", &outcome("renewed")).await;
        assert_eq!(renewed["invoice"]["external_id"], charge);
    }
    let listed = sandbox.post(&format!("{bot}/getStarTransactions"), &json!({})).await;
    let listed = listed["result"]["transactions"].as_array().unwrap().clone();
    let seen = listed.iter().map(|one| (&one["id"], &one["source"]["subscription_period"]));
    let (period, none) = (json!(2_592_000), Value::Null);
    let ids = ["stx_8", "stx_9", "stx_8_1", "stx_8_2"].map(Value::from);
    let expected = ids.iter().zip([&period, &none, &period, &period]);
    assert_eq!(seen.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    sandbox.alone.stop().await;
}
