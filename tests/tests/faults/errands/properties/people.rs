//! P12, P13, P15: who calls, seen first and seen again, and what clients say of executors.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use super::super::invariants::{number, of};
use super::Verdict;
use super::town::{Answer, Ask, Town, at_once, must, seconds, tally};

/// Launch data of 2001.
const LONG_AGO: i64 = 1_000_000_000;

/// Credentials are as good as they are old, and what they say of a person is what is shown.
pub async fn credentials_age(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 10;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        let person = town.person();
        let now = town.now().as_second();
        let with = |launch: String, scheme: &str| {
            Ask::new("GET", "/api/users/me").header("authorization", format!("{scheme} {launch}"))
        };
        let name = format!("Имя{round}");
        let asks = vec![
            with(person.launch("Анна", LONG_AGO, &[]), "tma"),
            with(person.launch("Анна", LONG_AGO, &[("start_param", "")]), "Bearer"),
            with(person.launch("Анна", now - 86_401, &[]), "tma"),
            with(person.launch("Анна", now + 61, &[]), "tma"),
        ];
        for answer in at_once(&town, asks).await {
            let seen = (answer.status, answer.code(), answer.json()["detail"].clone());
            let detail = json!("Invalid Telegram initData: initData has expired");
            must(&mut found, "old", seen, (401, "init_data_expired".to_owned(), detail));
            let challenge = answer.header("www-authenticate").map(str::to_owned);
            must(&mut found, "challenge", challenge.as_deref(), Some("Bearer"));
        }
        let asks = vec![
            with(person.launch("Анна", now - 86_400, &[("start_param", "")]), "tma"),
            with(person.launch("Анна", now - 5, &[("start_param", "")]), "BEARER"),
            with(person.launch("Анна", now - 5, &[]), "Tma"),
        ];
        must(&mut found, "good", tally(&at_once(&town, asks).await).as_str(), "200×3");
        let named = |answer: &Answer| answer.json()["first_name"].clone();
        let renamed = town.insist(&with(person.launch(&name, now, &[]), "tma")).await;
        must(&mut found, "renamed", named(&renamed), json!(name));
        let older = town.insist(&with(person.launch("Старое", now - 60, &[]), "tma")).await;
        must(&mut found, "older data", named(&older), json!(name));
    }
    (ROUNDS, found)
}

/// Twenty first calls at once: all are answered, and there is one person.
pub async fn first_sight(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 15;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let person = town.person();
        let paths = ["/api/users/me", "/api/balance", "/api/users/me/preferences", "/api/orders"];
        let calls = (0..20).map(|n| {
            let (town, ask) = (town.clone(), person.ask("GET", paths[n % paths.len()]));
            tokio::spawn(async move { town.send(&ask).await })
        });
        let answers = join_all(calls.collect::<Vec<_>>()).await;
        let answers: Vec<Answer> = answers.into_iter().map(|a| a.expect("a call")).collect();
        must(&mut found, "first calls", tally(&answers).as_str(), "200×20");
        let items = town.bench.items().await;
        let same = of(&items, "User").filter(|user| number(user, "id") == person.id).count();
        must(&mut found, "records", same, 1);
        let me = person.me().await;
        let zeros = ["completed_orders", "active_orders", "rating", "balance"];
        must(&mut found, "zeros", zeros.map(|name| me[name].as_f64()), [Some(0.0); 4]);
        must(&mut found, "nulls", me["last_name"].clone(), Value::Null);
    }
    (ROUNDS, found)
}

/// One review of one executor for one order, however often it is sent.
pub async fn reviews(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 10;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let (client, executors) = (town.person(), town.people(2));
        let order = client.orders().await;
        for executor in &executors {
            executor.recharge(2).await;
            executor.act(&order, "take").await;
        }
        must(&mut found, "complete", client.act(&order, "complete").await.status, 200);
        for (executor, rating) in executors.iter().zip([4, 5]) {
            // So that there is a first one.
            town.jump(town.now() + seconds(1));
            let body = json!({
                "order_id": order, "executor_id": executor.id, "rating": rating, "comment": "Ок",
            });
            let asks = (0..10).map(|_| client.post("/api/reviews/client", &body)).collect();
            let answers = at_once(&town, asks).await;
            must(&mut found, "reviews", tally(&answers).as_str(), "200×1 409×9");
            for again in answers.iter().filter(|answer| answer.status == 409) {
                must(&mut found, "code", again.code().as_str(), "already_reviewed");
            }
            must(
                &mut found,
                "rating",
                executor.me().await["rating"].as_f64(),
                Some(f64::from(rating)),
            );
        }
        let said = client.get(format!("/api/reviews/check?order_id={order}")).await;
        must(&mut found, "check", said.status, 200);
        let said = said.json();
        let seen = (said["submitted"].clone(), said["type"].clone());
        must(&mut found, "check", seen, (json!(true), json!("review")));
        let mut ids: Vec<_> = said["executor_ids"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_i64)
            .collect();
        ids.sort_unstable();
        must(&mut found, "executors", ids, executors.iter().map(|e| e.id).collect());
        let body = json!({ "order_id": order, "complaint": "Не отвечал" });
        let asks = (0..10).map(|_| executors[0].post("/api/reviews/executor", &body)).collect();
        let answers = at_once(&town, asks).await;
        must(&mut found, "complaints", tally(&answers).as_str(), "200×1 409×9");
        must(&mut found, "first review", client.sees(&order).await["rating"].clone(), json!(4));
    }
    (ROUNDS, found)
}
