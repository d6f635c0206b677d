//! P4, P5, P7, P9: of two things that exclude each other one happens, and everything that counts
//! it follows.

use std::sync::Arc;

use engine::{Fault, FaultKind, Target};
use futures::future::join_all;
use serde_json::{Value, json};

use super::Verdict;
use super::town::{Ask, Person, Town, at_once, must, seconds, tally};

/// A take and a deletion at once: one of them, never both.
pub async fn take_against_delete(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 30;
    let mut found = Vec::new();
    let mut taken = 0;
    for round in 0..ROUNDS {
        let (client, executor) = (town.person(), town.person());
        executor.recharge(2).await;
        let order = client.orders().await;
        let take = executor.acting(&order, "take");
        let delete = client.ask("DELETE", format!("/api/orders/{order}"));
        // Who is sent first changes from round to round.
        let answers = if round % 2 == 0 {
            at_once(&town, vec![take, delete]).await
        } else {
            let mut answers = at_once(&town, vec![delete, take]).await;
            answers.reverse();
            answers
        };
        let seen = client.sees(&order).await;
        let takes = seen["taken_by"].as_array().map_or(0, Vec::len);
        let state = (seen["status"].as_str().unwrap_or_default().to_owned(), takes);
        let codes: Vec<_> = answers.iter().map(|answer| (answer.status, answer.code())).collect();
        match codes[0].0 {
            200 => {
                taken += 1;
                must(&mut found, "delete", codes[1].clone(), (403, "order_taken".into()));
                must(&mut found, "order", state, ("active".into(), 1));
                must(&mut found, "balance", executor.balance().await, 0);
            }
            _ => {
                must(&mut found, "take", codes[0].clone(), (410, "order_not_active".into()));
                must(&mut found, "delete", codes[1].0, 204);
                must(&mut found, "order", state, ("deleted".into(), 0));
                must(&mut found, "balance", executor.balance().await, 2);
            }
        }
    }
    // Both happen; were it always the same one, nothing would have met.
    println!("  P4: of {ROUNDS} orders {taken} were taken and {} deleted", ROUNDS - taken);
    (ROUNDS, found)
}

async fn counters(person: &Person) -> (i64, i64) {
    let me = person.me().await;
    let of = |name: &str| me[name].as_i64().unwrap_or(-1);
    (of("active_orders"), of("completed_orders"))
}

/// Six completions at once are one.
pub async fn atomic_complete(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 10;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        let (client, executors) = (town.person(), town.people(1 + round % 3));
        let order = client.orders().await;
        for executor in &executors {
            executor.recharge(2).await;
            executor.act(&order, "take").await;
        }
        let asks = (0..6).map(|_| client.acting(&order, "complete")).collect();
        let answers = at_once(&town, asks).await;
        must(&mut found, "completions", tally(&answers).as_str(), "200×1 410×5");
        for person in executors.iter().chain([&client]) {
            must(&mut found, "counters", counters(person).await, (0, 1));
        }
        for executor in &executors {
            must(&mut found, "balance", executor.balance().await, 0);
        }
    }
    (ROUNDS, found)
}

/// Ten ways to write one contact: five of a username, five of a telephone number.
fn spellings(round: usize) -> Vec<String> {
    let (name, digits) = (format!("Ivan_{round:03}x"), format!("9{round:03}123456"));
    if round.is_multiple_of(2) {
        let (lower, upper) = (name.to_lowercase(), name.to_uppercase());
        [
            format!("@{name}"),
            lower.clone(),
            format!("https://t.me/{upper}"),
            format!(" t.me/{lower} "),
            format!("http://T.ME/{name}"),
            format!("@{upper}"),
            format!("HTTPS://t.me/{lower}"),
            upper,
            format!("\u{a0}@{lower}\n"),
            name,
        ]
        .into()
    } else {
        let (a, b, c) = (&digits[..3], &digits[3..6], &digits[6..]);
        [
            format!("+7{digits}"),
            format!("8{digits}"),
            format!("7{digits}"),
            digits.clone(),
            format!("+7 ({a}) {b}-{c}"),
            format!("8 {a} {b} {c}"),
            format!("8-{a}-{b}-{c}"),
            format!("+7.{a}.{b}.{c}"),
            format!("({a}){b}{c}"),
            format!(" 8\u{a0}({a})\u{a0}{b}{c} "),
        ]
        .into()
    }
}

/// Keeps the timers from doing anything, as if they had all stopped.
pub fn stop_timers(town: &Town) {
    for function in ["errands-orders-sweep", "errands-orders-deadline"] {
        let fault = Fault::new(Target::Dynamodb, FaultKind::FailBefore);
        town.bench.stack.engine().faults().inject(fault.caller(&format!("local-{function}")));
    }
}

/// One contact has one active order, however it is written; and is free as soon as that has ended,
/// before any timer ran.
pub async fn contact_uniqueness(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 10;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        let people = town.people(10);
        let spelled = spellings(round);
        let asks: Vec<Ask> = people
            .iter()
            .zip(&spelled)
            .map(|(person, contact)| person.post("/api/orders", &person.job(contact)))
            .collect();
        let answers = at_once(&town, asks).await;
        must(&mut found, "orders", tally(&answers).as_str(), "201×1 409×9");
        let Some(first) = answers.iter().position(|answer| answer.status == 201) else { continue };
        for busy in answers.iter().filter(|answer| answer.status != 201) {
            must(&mut found, "code", busy.code().as_str(), "contact_busy");
        }
        let order = answers[first].json()["id"].as_str().unwrap_or_default().to_owned();
        let other = town.person();
        let own = other.orders().await;
        let put = |contact: &str| {
            let ask = other.ask("PUT", format!("/api/orders/{own}"));
            ask.json(&json!({ "contact": contact }))
        };
        let puts = at_once(&town, spelled.iter().take(4).map(|s| put(s)).collect()).await;
        must(&mut found, "changes", tally(&puts).as_str(), "409×4");
        end(&town, &people[first], &order, round % 5, &mut found).await;
        // Who asks first gets it, by posting or by changing: somebody does at once.
        let asks = spelled
            .iter()
            .zip(&people)
            .map(|(contact, person)| person.post("/api/orders", &person.job(contact)));
        let answers = at_once(&town, asks.chain([put(&spelled[0])]).collect()).await;
        let got = answers.iter().filter(|answer| matches!(answer.status, 200 | 201)).count();
        let late = answers.last().is_some_and(|put| put.status == 410);
        must(&mut found, "free again", got, 1);
        if answers.iter().any(|answer| !matches!(answer.status, 200 | 201 | 409)) && !late {
            found.push(format!("free again: {}", tally(&answers)));
        }
        town.bench.stack.engine().faults().clear();
    }
    (ROUNDS, found)
}

/// Ends an order in one of five ways, two of them by the clock alone.
async fn end(town: &Arc<Town>, client: &Person, order: &str, way: usize, found: &mut Vec<String>) {
    let executor = town.person();
    executor.recharge(2).await;
    let ended = match way {
        0 => town.insist(&client.ask("DELETE", format!("/api/orders/{order}"))).await,
        1 => {
            executor.act(order, "take").await;
            client.act(order, "complete").await
        }
        2 => {
            executor.act(order, "take").await;
            client.act(order, "close").await
        }
        _ => {
            stop_timers(town);
            let taken = way == 3;
            if taken {
                executor.act(order, "take").await;
            }
            town.jump(town.now() + seconds(if taken { 900 } else { 3_600 }));
            return;
        }
    };
    must(found, "end", matches!(ended.status, 200 | 204), true);
}

/// Deleting twice, taking what has expired, closing while the clock closes: everything is counted
/// once.
pub async fn counters_do_not_drift(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 6;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let (client, executor, rival) = (town.person(), town.person(), town.person());
        executor.recharge(10).await;
        rival.recharge(10).await;
        let ids = join_all((0..4).map(|_| client.orders())).await;
        let [deleted, left, closed, done] = <[String; 4]>::try_from(ids).expect("four");
        for order in [&closed, &done] {
            must(&mut found, "take", executor.act(order, "take").await.status, 200);
        }
        let path = format!("/api/orders/{deleted}");
        let deletions = (0..4).map(|_| client.ask("DELETE", path.clone())).collect();
        let answers = at_once(&town, deletions).await;
        must(&mut found, "deletions", tally(&answers).as_str(), "204×4");
        must(&mut found, "counters", counters(&client).await, (3, 0));
        // To the instant at which the clock closes two of them.
        town.jump(town.now() + seconds(900));
        let sweeps: Vec<_> = (0..3)
            .map(|_| {
                let town = town.clone();
                tokio::spawn(async move { town.sweep("errands-orders-sweep").await })
            })
            .collect();
        let asks = vec![
            client.acting(&closed, "close"),
            client.acting(&closed, "close"),
            client.acting(&done, "complete"),
            rival.acting(&closed, "take"),
            rival.acting(&done, "take"),
        ];
        let answers = at_once(&town, asks).await;
        must(&mut found, "too late", tally(&answers).as_str(), "410×5");
        for sweep in join_all(sweeps).await {
            sweep.expect("a sweep ends");
        }
        town.jump(town.now() + seconds(3_600 - 900));
        let takes = (0..4).map(|_| rival.acting(&left, "take")).collect();
        let answers = at_once(&town, takes).await;
        must(&mut found, "expired", tally(&answers).as_str(), "410×4");
        town.bench.advance(90).await;
        for person in [&client, &executor, &rival] {
            must(&mut found, "counters at rest", counters(person).await, (0, 0));
        }
        let totals = totals(&client).await;
        must(&mut found, "own orders", totals, [0, 1, 2, 1]);
        must(&mut found, "money", executor.balance().await, 10);
    }
    (ROUNDS, found)
}

/// What the lists of the person's own orders say they hold: active, expired, closed, deleted.
async fn totals(person: &Person) -> [i64; 4] {
    let mut totals = [0; 4];
    let statuses = ["active", "expired", "closed_no_response", "deleted"];
    for (total, status) in totals.iter_mut().zip(statuses) {
        let page = person.get(format!("/api/orders?mine=true&status={status}")).await.json();
        *total = page["total"].as_i64().unwrap_or(-1);
        let shown = page["orders"].as_array().map_or(0, Vec::len);
        if i64::try_from(shown) != Ok(*total) || page["next_cursor"] != Value::Null {
            *total = -2;
        }
    }
    totals
}
