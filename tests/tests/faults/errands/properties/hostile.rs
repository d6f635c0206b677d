//! P16: what nobody sends by mistake is refused, and breaks nothing.

use std::sync::Arc;

use serde_json::json;

use super::Verdict;
use super::town::{Ask, Person, Town, at_once, must};

/// A body beyond any limit.
const TEN_MB: usize = 10 << 20;
/// 2^70 and 2^40.
const HUGE: &str = "1180591620717411303424";
const LARGE: &str = "1099511627776";

/// Each with the status it must get.
fn asks(town: &Town, person: &Person, order: &str) -> Vec<(u16, Ask)> {
    let job = |field: &str, value: &str| {
        let mut job = person.job("@never_used");
        job[field] = value.into();
        person.post("/api/orders", &job)
    };
    let payment = |id: &str| person.ask("GET", format!("/api/balance/payment/{id}/status"));
    let long = "x".repeat(51);
    let mut asks = vec![
        (422, job("description", "Двадцать букв и ноль\u{0} посреди текста")),
        (422, job("contact", "@ivan\u{0}ivan")),
        (422, job("city", "Моск\u{1b}ва")),
        (422, job("category", "Сантехника\u{0}")),
        (413, person.ask("POST", "/api/orders").raw(vec![b'x'; TEN_MB])),
        (413, person.ask("POST", "/api/orders").raw(vec![b' '; 20_000])),
        (413, town.crypto(&"x".repeat(70_000))),
        (422, person.ask("GET", format!("/api/orders?offset={HUGE}"))),
        (422, person.ask("GET", format!("/api/orders?limit={HUGE}"))),
        (422, person.ask("GET", "/api/orders?cursor=%00%FF")),
        (422, person.ask("GET", "/api/orders?status=foo")),
        (404, payment(LARGE)),
        (404, payment(HUGE)),
        (422, payment("x")),
        (422, person.post("/api/balance/recharge", &json!({ "amount": 5, "method": long }))),
        (422, person.post("/api/balance/recharge", &json!({ "amount": 1e30 }))),
        (422, person.ask("POST", "/api/orders").raw("{\"category\":")),
        (422, person.ask("POST", "/api/orders").raw(vec![0xff, 0xfe, 0x00])),
        (422, person.ask("POST", "/api/orders").raw("[".repeat(16_000))),
        (404, person.ask("GET", "/api/orders/%00%01..%2f")),
        (404, person.ask("GET", format!("/api/orders/{}", "a".repeat(2_000)))),
        (404, person.acting(&"я".repeat(12), "take")),
        (405, person.ask("PATCH", format!("/api/orders/{order}"))),
        (308, person.ask("GET", "/api/orders/")),
        (200, town.crypto("not json")),
        (200, town.crypto("\u{0}")),
        (422, town.update(&json!("not an update"))),
        (401, Ask::new("POST", "/api/telegram/webhook").json(&json!({ "update_id": 1 }))),
    ];
    let garbage = ["tma", "tma ", "Bearer x", "Basic eDp5", "tma hash=1&hash=2", "tma %00%ff"];
    asks.extend(
        garbage.map(|value| (401, Ask::new("GET", "/api/users/me").header("authorization", value))),
    );
    let xml = Ask { headers: person.ask("POST", "").headers, ..Ask::new("POST", "/api/orders") };
    let mut xml = xml.raw("<order/>");
    xml.headers.retain(|(name, _)| *name != "content-type");
    asks.push((415, xml.header("content-type", "application/xml")));
    asks
}

/// All of them at once, among which good people go on.
pub async fn hostile_input(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 5;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let (person, good) = (town.person(), town.person());
        let order = person.orders().await;
        let (statuses, hostile): (Vec<_>, Vec<_>) =
            asks(&town, &person, &order).into_iter().unzip();
        let (answers, ()) = tokio::join!(at_once(&town, hostile.clone()), async {
            good.recharge(2).await;
            must(&mut found, "a good one", good.act(&order, "take").await.status, 200);
        });
        for ((ask, status), answer) in hostile.iter().zip(statuses).zip(&answers) {
            let path: String = ask.path.chars().take(60).collect();
            let what = format!("{} {path} {}", ask.method, answer.text);
            must(&mut found, &what, answer.status, status);
            // What is too large for the gateway never gets to the service.
            let by_gateway = ask.body.as_ref().is_some_and(|body| body.len() == TEN_MB);
            if answer.status >= 400 && !by_gateway {
                let body = answer.json();
                let texts = ["detail", "code", "request_id"].map(|name| body[name].is_string());
                must(&mut found, &what, texts, [true; 3]);
            }
            if answer.status == 405 {
                must(&mut found, "Allow", answer.header("allow").is_some(), true);
            }
        }
        let active = person.me().await["active_orders"].clone();
        must(&mut found, "orders", active, json!(1));
    }
    (ROUNDS, found)
}
