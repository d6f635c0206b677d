//! The world around: Telegram, whose members write hashtags, come, go and repeat themselves; the
//! provider, who tells of payments late, never or often; and Lambda, which hands out records again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::board::{Board, recent};
use super::{CITY_CHATS, Storm, team_chat, witness};
use crate::storm::asks::Ask;
use crate::storm::dice::Dice;

/// Between two things that happen outside.
const PAUSE: Duration = Duration::from_millis(10);
const WORDS: [&str; 12] = [
    "#отчёт",
    "#дз за день",
    "#отчет #инсайт",
    "#практика",
    "#инсайт",
    "#инсайт #челлендж",
    "#созвон",
    "#сторис",
    "#созвон #сторис",
    "#созвон #инсайт",
    "#челлендж",
    "доброе утро",
];

/// Things happen outside until the storm is over.
pub async fn happen(storm: Arc<Storm>) {
    let mut dice = Dice::new(storm.seed, 2_000_000);
    while !storm.is_over() {
        match dice.below(20) {
            0..=8 => writes(&storm, &mut dice).await,
            9..=10 => repeats(&storm, &mut dice).await,
            11..=14 => pays(&storm, &mut dice).await,
            15 => comes_or_goes(&storm, &mut dice).await,
            16 => bot_comes_or_goes(&storm, &mut dice).await,
            17 => speaks(&storm, &mut dice).await,
            18 => refuses(&storm, &mut dice).await,
            _ => {
                if let Some(note) = storm.reader.replay(storm.bench(), &mut dice).await {
                    storm.note(note);
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn person(id: i64) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": "Анна", "language_code": "ru" })
}

fn group(chat: i64) -> Value {
    json!({ "id": chat, "type": "supergroup", "title": "Чат" })
}

/// An update of a number that no other has.
async fn tells(storm: &Storm, mut update: Value) {
    update["update_id"] = (1_000_000_000 + storm.fresh()).into();
    Board::learn(&mut storm.board().updates, update.to_string());
    deliver(storm, &update).await;
}

/// Somebody writes in a chat, perhaps what earns something; perhaps twice, or with another word.
async fn writes(storm: &Storm, dice: &mut Dice) {
    let n = dice.below(storm.people.len());
    let from = storm.people[n];
    let chat = match dice.below(10) {
        0..=4 => storm.place.homes[n],
        5 => dice.pick(&CITY_CHATS).0,
        _ => team_chat(dice),
    };
    let id = 1_000_000_000 + storm.fresh();
    let now = storm.bench().stack.clock().now().as_second();
    let mut message = json!({
        "message_id": id, "date": now - dice.number(0, 7_200), "chat": group(chat),
        "from": person(from),
    });
    let words = *dice.pick(&WORDS);
    if dice.chance(60) {
        message["caption"] = words.into();
        message["photo"] =
            json!([{ "file_id": "p", "file_unique_id": "u", "width": 1, "height": 1 }]);
    } else {
        message["text"] = words.into();
    }
    tells(storm, json!({ "message": message })).await;
    if dice.chance(20) {
        tells(storm, json!({ "message": message })).await;
    }
    if dice.chance(20) {
        message["edit_date"] = now.into();
        tells(storm, json!({ "edited_message": message })).await;
    }
}

/// What Telegram has told before it tells again.
async fn repeats(storm: &Storm, dice: &mut Dice) {
    let update = recent(&storm.board().updates, dice).cloned();
    let Some(update) = update else { return };
    deliver(storm, &serde_json::from_str(&update).unwrap()).await;
}

/// Somebody pays at the provider, who says so never, once or several times, and takes some back.
async fn pays(storm: &Storm, dice: &mut Dice) {
    let attempt = recent(&storm.board().attempts, dice).cloned();
    let Some((_, attempt)) = attempt else { return };
    let secret = storm.bench().secret("SANDBOX_SECRET");
    let post = |path: &str, body: Value| {
        Ask::new("POST", path).json(&body).header("x-sandbox-secret", secret.clone())
    };
    let word = match dice.below(10) {
        0..=5 => json!({ "attempt_id": attempt, "event": "success" }),
        6 => json!({ "attempt_id": attempt, "event": "fail" }),
        7 => {
            json!({ "attempt_id": attempt, "event": "refund", "refund_id": "half", "amount": "1000.00" })
        }
        _ => {
            let state = *dice.pick(&["paid", "unpaid", "failed"]);
            let path = format!("/api/payments/sandbox/{attempt}/state");
            storm.tell(&post(&path, json!({ "state": state })), &[200, 404, 502]).await;
            return;
        }
    };
    for _ in 0..=dice.below(3) {
        let ask = post("/api/webhooks/sandbox/payment", word.clone());
        storm.tell(&ask, &[200, 404]).await;
    }
}

/// Somebody comes into the chat of a team, or goes.
async fn comes_or_goes(storm: &Storm, dice: &mut Dice) {
    let user = person(*dice.pick(&storm.people));
    let statuses = if dice.chance(60) { ["left", "member"] } else { ["member", "left"] };
    let [old, new] = statuses.map(|status| json!({ "user": user, "status": status }));
    let change = json!({
        "chat": group(team_chat(dice)), "from": user, "old_chat_member": old,
        "new_chat_member": new, "date": storm.bench().stack.clock().now().as_second(),
    });
    tells(storm, json!({ "chat_member": change })).await;
}

/// Somebody brings the bot into a chat, or takes it out.
async fn bot_comes_or_goes(storm: &Storm, dice: &mut Dice) {
    let place = |status: &str| {
        let rules = status == "administrator";
        json!({
            "user": { "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Клуб" },
            "status": status, "can_restrict_members": rules, "can_invite_users": rules,
        })
    };
    let statuses =
        if dice.chance(70) { ["left", "administrator"] } else { ["administrator", "left"] };
    let [old, new] = statuses.map(place);
    let change = json!({
        "chat": group(team_chat(dice)), "from": person(*dice.pick(&storm.people)),
        "old_chat_member": old, "new_chat_member": new,
        "date": storm.bench().stack.clock().now().as_second(),
    });
    tells(storm, json!({ "my_chat_member": change })).await;
}

/// Somebody writes to the bot.
async fn speaks(storm: &Storm, dice: &mut Dice) {
    let from = *dice.pick(&storm.people);
    let token = recent(&storm.board().tokens, dice).cloned();
    let gift = token.map(|token| format!("/start gift_{token}"));
    let said = ["/start", "успех", "мой успех", "/paysupport"];
    let text = gift.filter(|_| dice.chance(40)).unwrap_or_else(|| (*dice.pick(&said)).to_owned());
    let message = json!({
        "message_id": 1_000_000_000 + storm.fresh(), "text": text, "from": person(from),
        "date": storm.bench().stack.clock().now().as_second(),
        "chat": { "id": from, "type": "private", "first_name": "Анна" },
    });
    tells(storm, json!({ "message": message })).await;
}

/// Telegram refuses the next message to somebody.
async fn refuses(storm: &Storm, dice: &mut Dice) {
    let person = *dice.pick(&storm.people);
    let rule = match dice.below(3) {
        0 => json!({ "chat_id": person, "status": 403, "times": 1 }),
        1 => json!({ "chat_id": person, "status": 429, "retry_after": 7, "times": 2 }),
        _ => json!({ "chat_id": person, "status": 500, "times": 2 }),
    };
    storm.bench().desk("POST", "sandbox/telegram/rules", &rule).await;
}

async fn deliver(storm: &Storm, update: &Value) {
    let secret = storm.bench().secret("TELEGRAM_WEBHOOK_SECRET");
    let ask = Ask::new("POST", "/api/v1/bot/webhook").json(update);
    let ask = ask.header("x-telegram-bot-api-secret-token", secret);
    // What could not be kept is brought again, as Telegram does.
    for _ in 0..3 {
        if storm.tell(&ask, &[200, 500]).await == Some(200) {
            return;
        }
    }
}

impl Storm {
    /// One request from outside; its status, where there is an answer.
    async fn tell(&self, ask: &Ask, statuses: &[u16]) -> Option<u16> {
        self.operations.fetch_add(1, Ordering::Relaxed);
        let answer = self.place.wire.try_send(ask).await.ok();
        let body = ask.body.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        let said = answer.as_ref().map(|answer| answer.status);
        self.note(format!("outside: {} {body} -> {said:?}", ask.path));
        let answer = answer?;
        witness::hears(self, ask, statuses, &answer);
        Some(answer.status)
    }
}
