//! Gifts whatever dies: one is activated, one is taken back from its recipient, one ends. Each of
//! the functions that change them dies before, after, and with a lost answer at each of its calls.

use serde_json::{Map, Value, json};

use crate::bench::Bench;
use crate::points;

const GIVER: i64 = 42;
const RECIPIENT: i64 = 43;
const DAY: u64 = 86_400;
/// Who changes gifts.
const FUNCTIONS: [&str; 3] =
    ["club-gifts-activate", "club-gifts-expire", "club-payments-sandbox-webhook"];

fn of<'a>(
    items: &'a [Map<String, Value>],
    kind: &'a str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    items.iter().filter(move |item| item.get("kind").and_then(Value::as_str) == Some(kind))
}

async fn provider_tells(bench: &Bench, body: &Value) {
    let secret = bench.secret("SANDBOX_SECRET");
    let headers = [("x-sandbox-secret", secret.as_str())];
    let reply = bench.insist("POST", "/api/webhooks/sandbox/payment", &headers, body).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
}

/// Pays a gift; its attempt.
async fn gives(bench: &Bench) -> String {
    let body = json!({
        "telegram_id": GIVER, "email": "anna@example.test", "offer_key": "gift_rub_2000",
        "provider": "sandbox",
    });
    let reply = bench.as_member(GIVER, "POST", "/api/payments/generate-link", &body).await;
    let attempt = reply.body["attempt_id"].as_str().expect("an attempt").to_owned();
    provider_tells(bench, &json!({ "attempt_id": attempt, "event": "success" })).await;
    attempt
}

async fn given(bench: &Bench) -> Vec<Value> {
    let reply = bench.as_member(GIVER, "GET", "/api/v1/gifts/my", &Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body["gifts"].as_array().expect("gifts").clone()
}

/// Three gifts: one kept, one taken back by half once it was activated, one that nobody wants.
pub async fn walk(bench: &Bench) {
    for id in [GIVER, RECIPIENT] {
        bench.sign_in(id).await;
    }
    let mut attempts = Vec::new();
    for _ in 0..3 {
        attempts.push(gives(bench).await);
        bench.advance(1).await;
    }
    // Newest first: the one that nobody wants is the first.
    for gift in &given(bench).await[1..] {
        let link = gift["deepLink"].as_str().expect("a link");
        let token = link.split_once("start=gift_").expect("a token").1;
        let body = json!({ "token": token });
        let reply = bench.as_member(RECIPIENT, "POST", "/api/v1/gifts/activate", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    let half = json!({
        "attempt_id": attempts[0], "event": "refund", "refund_id": "half", "amount": "1000.00",
    });
    for _ in 0..2 {
        provider_tells(bench, &half).await;
    }
    bench.converge().await;
    // A run that died leaves its work to the next.
    for days in [365, 1, 1] {
        bench.pass(days * DAY).await;
    }
    bench.converge().await;
}

/// Everything that is wrong; empty when all is well.
async fn wrong(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let mut found = Vec::new();
    let mut must = |holds: bool, what: String| {
        if !holds {
            found.push(what);
        }
    };
    let (mut used, mut over) = (0, 0);
    for gift in of(&items, "Gift") {
        let copy = of(&items, "GivenGift").find(|copy| copy["id"] == gift["id"]);
        let same = |name: &str| copy.is_some_and(|copy| copy.get(name) == gift.get(name));
        must(same("status") && same("activation") && same("token"), format!("two gifts: {gift:?}"));
        must(!gift.contains_key("due_pk"), format!("still due: {gift:?}"));
        used += usize::from(gift["status"] == "activated");
        over += usize::from(gift["status"] == "expired");
    }
    must((used, over) == (2, 1), format!("{used} gifts activated, {over} expired"));
    let member = of(&items, "Member").find(|member| member["tg_id"] == RECIPIENT);
    let member = member.expect("the recipient");
    let entries = of(&items, "EnergyEntry").filter(|entry| entry["pk"] == member["pk"]);
    let mut deltas: Vec<i64> = entries.map(|entry| entry["delta"].as_i64().unwrap()).collect();
    deltas.sort_unstable();
    // Two awards, a half of one taken back with its gift, and what was left expired within the year.
    must(deltas == [-500, -250, -250, 500, 500], format!("entries {deltas:?}"));
    must(member["balance"] == 0, format!("balance {}", member["balance"]));
    let begun = member["first_purchase_at"].as_str().unwrap_or_default();
    let begun: jiff::Timestamp = begun.parse().expect("an instant");
    let until = member["subscription_expires"].as_str().unwrap_or_default();
    let until: jiff::Timestamp = until.parse().expect("an instant");
    let held = until.duration_since(begun).as_hours();
    must(held == 45 * 24, format!("{held} hours of two gifts less a half"));
    must(of(&items, "Refund").count() == 1, "not one refund".to_owned());
    let told = bench.messages(GIVER).await;
    let lines = [("start=gift_", 3), ("подарок активирован", 2), ("не активировали", 1)];
    for (line, expected) in lines {
        let count = told.iter().filter(|text| text.contains(line)).count();
        must(count == expected, format!("{line}: {count} messages"));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gifts_are_activated_taken_back_and_ended_once_whatever_dies() {
    points::at_every_call("gifts", &FUNCTIONS, walk, wrong).await;
}
