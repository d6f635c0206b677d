//! Stars: what Telegram tells the bot, as far as functions do anything for it.

use serde_json::{Value, json};

use crate::bench::Bench;
use crate::walks::ANNA;

async fn tells(bench: &Bench, update: &Value) {
    let secret = bench.secret("TELEGRAM_WEBHOOK_SECRET");
    let headers = [("x-telegram-bot-api-secret-token", secret.as_str())];
    let reply = bench.insist("POST", "/api/v1/bot/webhook", &headers, update).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    // Not so long that the checks would have given the attempt up.
    bench.advance(1).await;
}

fn message(update_id: i64, kind: &str, what: &Value) -> Value {
    json!({ "update_id": update_id, "message": {
        "message_id": 1, "date": 1_768_910_400, "chat": { "id": ANNA, "type": "private" },
        "from": { "id": ANNA, "is_bot": false, "first_name": "Анна" }, kind: what,
    }})
}

/// A query, a payment, its repetition, one that fits nothing, a refund, a command.
pub async fn walk(bench: &Bench) {
    bench.sign_in(ANNA).await;
    let wish = json!({
        "telegram_id": ANNA, "email": "anna@example.test", "offer_key": "monthly_rub_2000",
        "provider": "stars", "currency": "XTR",
    });
    let reply = bench.as_member(ANNA, "POST", "/api/payments/generate-link", &wish).await;
    let attempt = reply.body["attempt_id"].as_str().expect("an attempt").to_owned();
    let query = json!({ "update_id": 1, "pre_checkout_query": {
        "id": "1", "from": { "id": ANNA, "is_bot": false, "first_name": "Анна" },
        "currency": "XTR", "total_amount": 1_500, "invoice_payload": attempt,
    }});
    tells(bench, &query).await;
    let money = |payload: &str, charge: &str| {
        json!({
            "currency": "XTR", "total_amount": 1_500, "invoice_payload": payload,
            "telegram_payment_charge_id": charge, "provider_payment_charge_id": "",
            "is_recurring": true, "is_first_recurring": true,
        })
    };
    let ours = money(&attempt, "charge");
    for update_id in [2, 2, 3] {
        tells(bench, &message(update_id, "successful_payment", &ours)).await;
    }
    tells(bench, &message(4, "successful_payment", &money("x", "other"))).await;
    tells(bench, &message(5, "refunded_payment", &ours)).await;
    tells(bench, &message(6, "text", &json!("/start"))).await;
    bench.converge().await;
}
