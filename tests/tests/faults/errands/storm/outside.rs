//! The world around: providers who tell of payments late, never or ten times; Telegram, which
//! repeats itself; and Lambda, which hands out records of a stream again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::properties::town::{Answer, Ask};
use super::board::Paying;
use super::{Storm, witness};
use crate::storm::dice::Dice;

/// Between two things that happen outside.
const PAUSE: Duration = Duration::from_millis(30);

/// Things happen outside until the storm is over.
pub async fn happen(storm: Arc<Storm>) {
    let mut dice = Dice::new(storm.seed, 2_000_000);
    while !storm.is_over() {
        match dice.below(20) {
            0..=9 => pay(&storm, &mut dice).await,
            10..=12 => repeat(&storm, &mut dice).await,
            13 => forge(&storm, &mut dice).await,
            14 => veto(&storm, &mut dice).await,
            15 => block(&storm, &mut dice).await,
            16 => rule(&storm, &mut dice).await,
            _ => replay(&storm, &mut dice).await,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Somebody pays at a provider, who says so never, once or several times.
async fn pay(storm: &Storm, dice: &mut Dice) {
    let Some(payment) = storm.board().payment(dice) else { return };
    let refunded = payment.provider == "telegram_stars" && payment.word.is_some();
    let outcome = if refunded && dice.chance(30) { "refunded" } else { "paid" };
    let deliveries = dice.below(4);
    let asked = json!({
        "outcome": outcome, "service": "errands", "webhook": deliveries > 0,
        "deliveries": deliveries.max(1), "user_id": payment.owner,
    });
    storm.note(format!("{} is {outcome}, told {deliveries} times", payment.id));
    // An invoice whose making failed is none.
    let Some(done) = storm.place.try_desk(&format!("payments/{}", payment.id), &asked).await else {
        return;
    };
    for delivery in done["deliveries"].as_array().into_iter().flatten() {
        storm.operations.fetch_add(1, Ordering::Relaxed);
        if !matches!(delivery["status"].as_i64(), Some(200 | 204 | 503 | 409 | 404)) {
            storm.finding(format!("webhook of payment {}: {delivery}", payment.id));
        }
    }
    let invoice = &done["invoice"];
    let word = invoice["invoice_id"].as_str().unwrap_or_default().to_owned();
    let mut board = storm.board();
    if let Some(known) = board.payments.iter_mut().rev().find(|known| known.id == payment.id) {
        known.word = Some(word);
    }
}

/// Crypto Bot's word of a paid invoice.
fn word(payment: &Paying, invoice: &str, rubles: i64) -> Value {
    json!({
        "update_id": 1, "update_type": "invoice_paid", "request_date": "2026-01-20T12:00:30Z",
        "payload": {
            "invoice_id": invoice.parse::<i64>().unwrap_or(1), "status": "paid",
            "currency_type": "fiat", "fiat": "RUB", "amount": rubles.to_string(),
            "paid_asset": "USDT", "payload": format!("er1.{}", payment.id),
        },
    })
}

/// Words that were said before come again: any of them, in any order.
async fn repeat(storm: &Storm, dice: &mut Dice) {
    let ask = {
        let board = storm.board();
        if dice.chance(50) {
            let told = |p: &&Paying| p.provider == "crypto_bot" && p.word.is_some();
            let told: Vec<_> = board.payments.iter().filter(told).cloned().collect();
            if told.is_empty() {
                return;
            }
            let payment = dice.pick(&told);
            let invoice = payment.word.clone().unwrap_or_default();
            storm.place.crypto(&word(payment, &invoice, payment.rubles).to_string())
        } else {
            if board.updates.is_empty() {
                return;
            }
            let update: Value = serde_json::from_str(dice.pick::<String>(&board.updates)).unwrap();
            storm.place.update(&update)
        }
    };
    deliver(storm, &ask).await;
}

/// A word that nobody said, or that does not agree.
async fn forge(storm: &Storm, dice: &mut Dice) {
    let Some(payment) = storm.board().payment(dice) else { return };
    let body = word(&payment, "4294967200", payment.rubles + 1).to_string();
    let ask = match dice.chance(50) {
        true => storm.place.crypto_signed(&body, "10000:nobody"),
        false => storm.place.crypto(&body),
    };
    deliver(storm, &ask).await;
}

/// Telegram asks whether a payment in stars may go on.
async fn veto(storm: &Storm, dice: &mut Dice) {
    let Some(payment) = storm.board().payment(dice) else { return };
    let update = json!({
        "update_id": 1_000_000_000 + storm.fresh(),
        "pre_checkout_query": {
            "id": storm.fresh().to_string(), "currency": "XTR", "total_amount": payment.rubles,
            "invoice_payload": format!("er1.{}", payment.id),
            "from": { "id": payment.owner, "is_bot": false, "first_name": "" },
        },
    });
    deliver(storm, &storm.place.update(&update)).await;
}

/// Somebody blocks the bot, or lets it speak again, or asks it something.
async fn block(storm: &Storm, dice: &mut Dice) {
    let person = storm.people[dice.below(storm.people.len())];
    let user = json!({ "id": person, "is_bot": false, "first_name": "" });
    let chat = json!({ "id": person, "type": "private", "first_name": "" });
    let bot = json!({ "id": 7_000_000_002_i64, "is_bot": true, "first_name": "errands" });
    let id = 1_000_000_000 + storm.fresh();
    let date = storm.place.now().as_second();
    let update = match dice.below(3) {
        0 => json!({
            "update_id": id,
            "message": {
                "message_id": id, "date": date, "chat": chat, "from": user, "text": "/paysupport",
            },
        }),
        way => {
            let statuses = if way == 1 { ["member", "kicked"] } else { ["kicked", "member"] };
            let [old, new] = statuses.map(|status| json!({ "user": bot, "status": status }));
            json!({
                "update_id": id,
                "my_chat_member": {
                    "chat": chat, "from": user, "date": date, "old_chat_member": old,
                    "new_chat_member": new,
                },
            })
        }
    };
    storm.board().updates.push(update.to_string());
    deliver(storm, &storm.place.update(&update)).await;
}

/// Telegram refuses the next message to somebody.
async fn rule(storm: &Storm, dice: &mut Dice) {
    let person = storm.people[dice.below(storm.people.len())];
    let rule = match dice.below(3) {
        0 => json!({ "chat_id": person, "status": 403, "times": 1 }),
        1 => json!({ "chat_id": person, "status": 429, "retry_after": 7, "times": 2 }),
        _ => json!({ "chat_id": person, "status": 500, "times": 2 }),
    };
    storm.place.desk("sandbox/telegram/rules", &rule).await;
}

async fn deliver(storm: &Storm, ask: &Ask) {
    storm.operations.fetch_add(1, Ordering::Relaxed);
    let body = ask.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let answer: Option<Answer> = storm.place.try_send(ask).await.ok();
    let said = answer.as_ref().map(|answer| answer.status);
    storm.note(format!("outside: {} {body} -> {said:?}", ask.path));
    let Some(answer) = answer else { return };
    let mut wrong = witness::shape(&answer);
    if !matches!(answer.status, 200 | 503) {
        wrong.push("a refusal");
    }
    for wrong in wrong {
        storm.finding(format!("{} {body}: {wrong}: {} {}", ask.path, answer.status, answer.text));
    }
}

/// Some records of the stream are handed to their readers once more, in another order.
async fn replay(storm: &Storm, dice: &mut Dice) {
    if let Some(note) = storm.reader.replay(storm.bench(), dice).await {
        storm.note(note);
    }
}
