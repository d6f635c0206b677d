//! No secret reaches a log, a stored item or an answer; no contact or description a key, a log, a
//! message of a queue or a notice, whatever happens on the way.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};

use super::people::CLIENT;
use super::walks::{answered, invoices, pretended, unanswered};
use crate::bench::Bench;

/// What clients have written of how to find them and of what is to be done, as it may turn up.
const PRIVATE: [&str; 5] = ["anna_home", "anna_work", "000-00-01", "79000000001", "скрит розетка"];
/// Contacts as they are compared.
const CONTACT_KEYS: [&str; 3] = ["tg:anna", "tel:7900", "txt:viber"];

/// What functions have sent to queues.
type Sent = Arc<Mutex<Vec<String>>>;

async fn watched() -> (Bench, Sent) {
    let bench = Bench::of("errands", |options| options.set("LOG_LEVEL", "debug")).await;
    let sent = Sent::default();
    let messages = sent.clone();
    bench.stack.engine().tamper().with(move |_, operation, body| {
        if operation.starts_with("SendMessage") {
            messages.lock().unwrap().push(body.to_string());
        }
    });
    (bench, sent)
}

/// The values of an item by which it is found.
fn keys(item: &Map<String, Value>) -> String {
    let is_key = |name: &str| {
        matches!(name, "pk" | "sk" | "listed_at" | "filtered_at" | "feed_at" | "due_at")
            || name.ends_with("_pk")
    };
    let keys = item.iter().filter(|(name, _)| is_key(name)).map(|(_, value)| value.to_string());
    keys.collect::<Vec<_>>().join(" ").to_lowercase()
}

fn tells(text: &str, of: &[&str]) -> Option<String> {
    of.iter().find(|needle| text.contains(**needle)).map(|needle| (*needle).to_owned())
}

/// Refusals are where secrets slip out: what each of them answers.
async fn refusals(bench: &Bench) -> String {
    let launch = bench.launch(CLIENT);
    let forged = format!("{launch}0");
    let typed = ("content-type", "application/json");
    let mut answers = String::new();
    for (path, header, value) in [
        ("/api/users/me", "authorization", forged.as_str()),
        ("/api/users/me", "authorization", "tma garbage"),
        ("/api/telegram/webhook", "x-telegram-bot-api-secret-token", "guess"),
        ("/api/balance/webhook/crypto-bot", "crypto-pay-api-signature", "guess"),
        ("/api/orders?cursor=guess", "x-nothing", "x"),
    ] {
        let method = if path.ends_with("/me") || path.contains('?') { "GET" } else { "POST" };
        let body = if method == "GET" { Value::Null } else { json!({ "update_id": 1 }) };
        let reply = bench.send(method, path, &[typed, (header, value)], &body).await;
        answers += &format!("{:?} {}\n", reply.headers, reply.body);
    }
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_logged_sent_or_stored_tells_what_it_must_not() {
    let mut wrong = Vec::new();
    for walk in 0..4 {
        let (bench, sent) = watched().await;
        let launch = bench.launch(CLIENT);
        match walk {
            0 => answered(&bench).await,
            1 => unanswered(&bench).await,
            2 => invoices(&bench).await,
            _ => pretended(&bench).await,
        };
        bench.pass(3_600).await;
        let answers = refusals(&bench).await;
        let secrets: Vec<(String, String)> = bench
            .stack
            .secrets()
            .of("errands")
            .into_iter()
            .chain([("launch data".to_owned(), launch.rsplit("hash=").next().unwrap().to_owned())])
            .collect();
        assert!(secrets.len() > 4, "there are secrets to look for");
        let logs = bench.stack.logs(usize::MAX).join("\n");
        assert!(logs.contains("settled") || logs.contains("answered"), "there are logs to look at");
        let items = bench.items().await;
        let stored = serde_json::to_string(&items).unwrap();
        assert!(walk > 1 || tells(&stored, &PRIVATE).is_some(), "there are contacts to look for");
        let sent = sent.lock().unwrap().join("\n");
        assert!(!sent.is_empty(), "there are messages of queues to look at");
        let told = bench.desk("GET", "telegram/messages", &Value::Null).await;
        let told = told["messages"].as_array().unwrap().iter();
        let told: Vec<String> = told.map(|message| message["text"].to_string()).collect();
        let told = told.join("\n");
        let places = [("log", &logs), ("table", &stored), ("queue", &sent), ("answer", &answers)];
        for (name, secret) in &secrets {
            for (place, text) in places {
                if text.contains(secret.as_str()) {
                    wrong.push(format!("walk {walk}: the {name} is in the {place}"));
                }
            }
        }
        let keys: String = items.iter().map(|item| keys(item) + "\n").collect();
        for (place, text) in [("log", &logs), ("queue", &sent), ("notice", &told), ("key", &keys)] {
            let found = tells(text, &PRIVATE).or_else(|| tells(text, &CONTACT_KEYS));
            wrong.extend(found.map(|what| format!("walk {walk}: {what} is in a {place}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// An event that waits to be published tells no contact, nor what is to be done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_tells_no_contact() {
    let bench = Bench::errands().await;
    let seen = Sent::default();
    let events = seen.clone();
    bench.stack.engine().tamper().with(move |_, _, body| {
        let writes = body["TransactItems"].as_array();
        for write in writes.into_iter().flatten() {
            let text = write.to_string();
            // The order's own item has it all.
            if text.contains("\"order_id\"") && !text.contains("\"contact_kind\"") {
                events.lock().unwrap().push(text);
            }
        }
    });
    unanswered(&bench).await;
    let seen = seen.lock().unwrap();
    for kind in ["order_created", "order_taken", "order_ended"] {
        assert!(seen.iter().any(|text| text.contains(kind)), "{kind} was seen");
    }
    // Answers are stored under their callers' keys, contacts and all.
    let other = seen.iter().filter(|text| !text.contains("IDEM"));
    let told: Vec<_> = other.filter_map(|text| tells(text, &PRIVATE)).collect();
    assert_eq!(told, Vec::<String>::new());
}
