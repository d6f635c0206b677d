//! P11 and P14: who sees what.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use super::Verdict;
use super::town::{Answer, Ask, Person, Town, at_once, must};

/// What only those who paid may read of an order, and where it stands.
struct Secret {
    order: String,
    contact: String,
    client: Person,
    executor: Person,
}

/// An order with a contact of each kind, taken by one and reviewed.
async fn secret(town: &Arc<Town>, number: usize) -> Secret {
    let (client, executor) = (town.person(), town.person());
    executor.recharge(10).await;
    let contact = match number % 3 {
        0 => format!("@secret_{number}_{}", client.id),
        1 => format!("+7 955 {:07}", client.id % 10_000_000),
        _ => format!("Viber тайна-{number}-{}", client.id),
    };
    let made = client.posts("/api/orders", &client.job(&contact)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let order = made.json()["id"].as_str().expect("an id").to_owned();
    let take = executor.acting(&order, "take").key("a-key");
    let taken = town.insist(&take).await;
    assert_eq!(taken.json()["contact"], contact.as_str());
    Secret { order, contact, client, executor }
}

/// What anybody may ask, with or without credentials.
fn open_asks(order: &str) -> Vec<Ask> {
    let lists = ["", "?status=all", "?status=completed", "?status=expired", "?limit=1&offset=0"];
    let lists = lists.map(|query| format!("/api/orders{query}"));
    let scopes = [
        "?category=%D0%A1%D0%B0%D0%BD%D1%82%D0%B5%D1%85%D0%BD%D0%B8%D0%BA%D0%B0",
        "?city=%D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0",
        "?mine=true&status=all",
        "?taken_by_me=true&status=all",
    ];
    let scopes = scopes.map(|query| format!("/api/orders{query}"));
    let rest = ["/", "/health", "/openapi.json", "/api/cities", "/api/reviews", "/nowhere"];
    let rest = rest.map(str::to_owned);
    let paths = lists.into_iter().chain(scopes).chain(rest);
    let own = [format!("/api/orders/{order}"), format!("/api/orders/{order}/")];
    paths.chain(own).map(|path| Ask::new("GET", path)).collect()
}

/// What a stranger may ask besides: everything there is.
fn strange_asks(stranger: &Person, secret: &Secret) -> Vec<Ask> {
    let order = &secret.order;
    let mut asks: Vec<Ask> = open_asks(order);
    for ask in &mut asks {
        ask.headers = stranger.ask("GET", "").headers;
    }
    let acts = ["take", "respond", "complete", "close"];
    asks.extend(acts.map(|act| stranger.acting(order, act)));
    // The very key under which somebody else was answered.
    asks.push(stranger.acting(order, "take").key("a-key"));
    asks.push(stranger.ask("DELETE", format!("/api/orders/{order}")));
    let change = json!({ "contact": secret.contact, "description": "x" });
    asks.push(stranger.ask("PUT", format!("/api/orders/{order}")).json(&change));
    asks.push(stranger.ask("PUT", format!("/api/orders/{order}")).json(&json!({})));
    let review = json!({ "order_id": order, "rating": 5, "executor_id": secret.executor.id });
    asks.push(stranger.post("/api/reviews/client", &review));
    let complaint = json!({ "order_id": order, "complaint": "Другое" });
    asks.push(stranger.post("/api/reviews/executor", &complaint));
    let own = [
        "/api/users/me",
        "/api/users/me/preferences",
        "/api/users/me/notification-settings",
        "/api/balance",
        "/api/balance/transactions",
        "/api/reviews?mine=true",
        "/api/reviews?by_me=true",
        "/api/balance/payment/1/status",
    ];
    asks.extend(own.map(|path| stranger.ask("GET", path)));
    asks.push(stranger.ask("GET", format!("/api/reviews/check?order_id={order}")));
    asks
}

fn told(found: &mut Vec<String>, who: &str, contact: &str, asks: &[Ask], answers: &[Answer]) {
    for (ask, answer) in asks.iter().zip(answers) {
        let shown = format!("{:?} {}", answer.headers, answer.text);
        let digits: String = contact.chars().filter(char::is_ascii_digit).collect();
        let plain = contact.trim_start_matches('@');
        let told = shown.contains(plain) || (contact.starts_with('+') && shown.contains(&digits));
        if told {
            found.push(format!("{who}: {} {} tells {contact}: {shown}", ask.method, ask.path));
        }
    }
}

/// Nobody reads a contact who has not paid: not in any answer of any endpoint, while others buy it,
/// and in whatever way the order ends.
pub async fn pay_to_reveal(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 9;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        let secret = secret(&town, round).await;
        let (poor, buyer) = (town.person(), town.person());
        buyer.recharge(2).await;
        let mut strange = strange_asks(&poor, &secret);
        // Refused, as long as the contact has an active order.
        strange.push(poor.post("/api/orders", &poor.job(&secret.contact)));
        let open = open_asks(&secret.order);
        // One more buys it at the same time.
        let (strange_told, open_told, bought) = tokio::join!(
            at_once(&town, strange.clone()),
            at_once(&town, open.clone()),
            at_once(&town, vec![buyer.acting(&secret.order, "take")]),
        );
        must(&mut found, "bought", bought[0].json()["contact"].clone(), json!(secret.contact));
        told(&mut found, "a stranger", &secret.contact, &strange, &strange_told);
        told(&mut found, "anybody", &secret.contact, &open, &open_told);
        match round % 4 {
            0 => _ = secret.client.act(&secret.order, "complete").await,
            1 => _ = secret.client.act(&secret.order, "close").await,
            2 => town.bench.advance(16 * 60).await,
            _ => {
                secret.client.act(&secret.order, "respond").await;
                town.bench.advance(61 * 60).await;
            }
        }
        let review = json!({ "order_id": secret.order, "rating": 4, "comment": "Спасибо" });
        secret.client.posts("/api/reviews/client", &review).await;
        let open = open_asks(&secret.order);
        let strange = strange_asks(&poor, &secret);
        let answers = at_once(&town, strange.clone()).await;
        told(&mut found, "a stranger, later", &secret.contact, &strange, &answers);
        told(
            &mut found,
            "anybody, later",
            &secret.contact,
            &open,
            &at_once(&town, open.clone()).await,
        );
        lists_and_notices(&town, &secret, &mut found).await;
        for person in [&secret.client, &secret.executor, &buyer] {
            let seen = person.sees(&secret.order).await["contact"].clone();
            must(&mut found, "to whom it belongs", seen, json!(secret.contact));
        }
    }
    (ROUNDS, found)
}

/// Lists tell it to nobody, and no notice does.
async fn lists_and_notices(town: &Arc<Town>, secret: &Secret, found: &mut Vec<String>) {
    for person in [&secret.client, &secret.executor] {
        let lists = ["mine=true&status=all", "taken_by_me=true", "status=completed"];
        let asks: Vec<_> =
            lists.iter().map(|query| person.ask("GET", format!("/api/orders?{query}"))).collect();
        let answers = at_once(town, asks.clone()).await;
        told(found, "a list", &secret.contact, &asks, &answers);
        for message in town.bench.messages(person.id).await {
            let plain = secret.contact.trim_start_matches('@');
            if message.contains(plain) || message.contains("Течёт кран") {
                found.push(format!("a notice tells {plain}: {message}"));
            }
        }
    }
}

/// What has been closed or deleted is nothing to strangers, and executors are nobody to each other.
pub async fn hidden_orders(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 10;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let (client, executors, stranger) = (town.person(), town.people(3), town.person());
        let ids = join_all((0..3).map(|_| client.orders())).await;
        let [open, closed, deleted] = <[String; 3]>::try_from(ids).expect("three");
        let mut takes = Vec::new();
        for executor in &executors {
            executor.recharge(10).await;
            takes.extend([&open, &closed].map(|order| executor.acting(order, "take")));
        }
        at_once(&town, takes).await;
        let ends = vec![
            client.acting(&closed, "close"),
            client.ask("DELETE", format!("/api/orders/{deleted}")),
        ];
        at_once(&town, ends).await;
        for order in [&closed, &deleted] {
            let path = format!("/api/orders/{order}");
            let asks = vec![stranger.ask("GET", path.clone()), Ask::new("GET", path)];
            for answer in at_once(&town, asks).await {
                let seen = (answer.status, answer.code());
                must(&mut found, "hidden", seen, (404, "order_not_found".to_owned()));
            }
        }
        must(&mut found, "deleted, to others", executors[0].sees(&deleted).await, Value::Null);
        must(&mut found, "own", client.sees(&deleted).await["status"].clone(), json!("deleted"));
        let everybody = executors.iter().chain([&client, &stranger]);
        for (person, order) in everybody.flat_map(|p| [(p, &open), (p, &closed)]) {
            let seen = person.sees(order).await;
            if person.id == stranger.id && order == &closed {
                continue;
            }
            let shown: Vec<_> = seen["taken_by"].as_array().into_iter().flatten().collect();
            let ids = shown.iter().filter_map(|take| take["executor_id"].as_i64());
            let known: Vec<i64> = ids.filter(|id| *id != 0).collect();
            let due = match person.id {
                id if id == client.id => 3,
                id if id == stranger.id => 0,
                id => usize::from(known == [id]),
            };
            let (takes, is_executor) = (shown.len(), due == 1);
            must(&mut found, "takes", takes, 3);
            must(&mut found, "known executors", known.len(), due);
            let executor = executors.iter().any(|executor| executor.id == person.id);
            must(&mut found, "an executor knows itself", is_executor, executor);
        }
    }
    (ROUNDS, found)
}
