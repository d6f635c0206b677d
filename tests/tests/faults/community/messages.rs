//! What the bot has said, against what was to be said.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::Value;

use crate::bench::Bench;
use crate::invariants::{number, of, text};

/// Rows of the outbox that end in one message to their member.
const TOLD: [&str; 13] = [
    "congratulation",
    "payment_not_completed",
    "gift_link",
    "gift_activated",
    "gift_expired",
    "refunded",
    "welcome",
    "pay_support",
    "gift_received",
    "answer",
    "onboarding",
    "access_closed",
    "renewal_reminder",
];

/// Rows that are older are not kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 89);

/// To each member as many messages as rows say that they were sent, and no more than those and the
/// ones of which nobody knows; of each answer no more than was to be said.
pub async fn unlike(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let since = (bench.stack.clock().now() - KEPT).to_string();
    let mut rows: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    let mut answers: BTreeMap<(i64, &str), usize> = BTreeMap::new();
    for row in of(&items, "Outbox") {
        let payload = &row["payload"];
        let told = TOLD.contains(&payload["message"].as_str().unwrap_or_default());
        if !told || text(row, "created_at") < since.as_str() {
            continue;
        }
        let tg_id = payload["tg_id"].as_i64().unwrap_or_default();
        let counts = rows.entry(tg_id).or_default();
        match text(row, "state") {
            "sent" => counts.0 += 1,
            "unconfirmed" => counts.1 += 1,
            _ => {}
        }
        if let Some(text) = payload["text"].as_str() {
            *answers.entry((tg_id, text)).or_default() += 1;
        }
    }
    let sent = bench.desk("GET", "telegram/messages", &Value::Null).await;
    let mut said: BTreeMap<i64, usize> = BTreeMap::new();
    let mut texts: BTreeMap<(i64, &str), usize> = BTreeMap::new();
    for message in sent["messages"].as_array().expect("messages") {
        let chat = message["chat_id"].as_i64().unwrap_or_default();
        let at = message["at"].as_str().unwrap_or_default();
        if at < since.as_str() {
            continue;
        }
        if chat > 0 && message["method"].as_str().is_some_and(|method| method.starts_with("send")) {
            *said.entry(chat).or_default() += 1;
            *texts.entry((chat, message["text"].as_str().unwrap_or_default())).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    for member in of(&items, "Member") {
        let tg_id = number(member, "tg_id");
        let (certain, perhaps) = rows.remove(&tg_id).unwrap_or_default();
        let said = said.remove(&tg_id).unwrap_or_default();
        if said < certain || said > certain + perhaps {
            found
                .push(format!("{tg_id} was told {said} messages: {certain} and perhaps {perhaps}"));
        }
    }
    for ((tg_id, text), times) in texts {
        if answers.get(&(tg_id, text)).is_some_and(|due| times > *due) {
            found.push(format!("{tg_id} was told {times} times: {text}"));
        }
    }
    found
}
