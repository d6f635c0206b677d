//! Stars: what Telegram tells the bot, as far as functions do anything for it, whatever dies: each of
//! the functions that take updates dies before, after, and with a lost answer at each of its calls.

use serde_json::{Map, Value, json};

use crate::bench::Bench;
use crate::invariants::{unsettled, violations};
use crate::points;
use crate::walks::ANNA;

/// Who takes updates.
const FUNCTIONS: [&str; 2] = ["club-bot-webhook", "club-bot-update"];

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

fn of<'a>(
    items: &'a [Map<String, Value>],
    kind: &'a str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    items.iter().filter(move |item| item.get("kind").and_then(Value::as_str) == Some(kind))
}

/// Everything that is wrong; empty when all is well.
async fn wrong(bench: &Bench) -> Vec<String> {
    let mut found = violations(bench).await;
    found.extend(unsettled(bench).await);
    let mut must = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    let items = bench.items().await;
    for attempt in of(&items, "Attempt") {
        must(attempt["status"] == "refunded", format!("the attempt is {}", attempt["status"]));
    }
    for (kind, count) in [("Attempt", 1), ("Payment", 1), ("Refund", 1), ("UnassignedPayment", 1)] {
        let there = of(&items, kind).count();
        must(there == count, format!("{kind}: {there}, not {count}"));
    }
    let member = bench.member(ANNA).await;
    must(
        member["energies"] == 0 && member["isPro"] == false,
        format!("what was given back is kept: {member}"),
    );
    let mut deltas: Vec<i64> =
        of(&items, "EnergyEntry").map(|entry| entry["delta"].as_i64().unwrap()).collect();
    deltas.sort_unstable();
    must(deltas == [-500, 500], format!("entries {deltas:?}"));
    let told = bench.messages(ANNA).await;
    for (line, count) in [("Оплата прошла", 1), ("Платёж возвращён", 1)]
    {
        let there = told.iter().filter(|text| text.contains(line)).count();
        must(there == count, format!("{line}: {there} messages, not {count}"));
    }
    let calls = bench.desk("GET", "telegram/messages", &Value::Null).await;
    let calls = calls["messages"].as_array().expect("calls");
    let ended = calls.iter().filter(|call| call["method"] == "editUserStarSubscription").count();
    must(ended >= 1, "the standing subscription goes on".to_owned());
    let asked = calls.iter().filter(|call| call["method"] == "answerPreCheckoutQuery");
    let admitted = asked.filter(|call| call["payload"]["ok"] == true).count();
    must(admitted >= 1, "the query was never answered with yes".to_owned());
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_have_one_effect_whatever_dies() {
    points::at_every_call("updates", &FUNCTIONS, walk, wrong).await;
}
