//! P1, P2, P3, P6, P8: money is spent once, given back once, and comes from nowhere but outside.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::{Value, json};

use super::Verdict;
use super::town::{Ask, Person, Town, at_once, must, seconds, tally};

/// Ten takes at once of ten orders, with money for one.
pub async fn no_double_spend(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 10;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let (client, executor) = (town.person(), town.person());
        executor.recharge(2).await;
        let orders = join_all((0..10).map(|_| client.orders())).await;
        let takes = orders.iter().map(|order| executor.acting(order, "take")).collect();
        let answers = at_once(&town, takes).await;
        must(&mut found, "takes", tally(&answers).as_str(), "200×1 402×9");
        for poor in answers.iter().filter(|answer| answer.status == 402) {
            let detail = poor.json()["detail"].clone();
            must(&mut found, "detail", detail, json!("Insufficient balance. Need 2₽"));
        }
        must(&mut found, "balance", executor.balance().await, 0);
        must(&mut found, "lines", executor.lines("order_take").await.len(), 1);
    }
    (ROUNDS, found)
}

/// Twenty top-ups at once, then twenty orders at once, of one person.
pub async fn no_lost_update(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 5;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let person = town.person();
        let top_up = json!({ "amount": 10 });
        let keyed = |n: i32| person.post("/api/balance/recharge", &top_up).key(&format!("k{n}"));
        let answers = at_once(&town, (0..20).map(keyed).collect()).await;
        must(&mut found, "top-ups", tally(&answers).as_str(), "200×20");
        must(&mut found, "balance", person.balance().await, 200);
        let lines = person.lines("recharge").await;
        let mut after: Vec<_> =
            lines.iter().filter_map(|line| line["balance_after"].as_i64()).collect();
        after.reverse();
        must(&mut found, "balances after", after, (1..=20).map(|n| n * 10).collect());
        let orders = (0..20).map(|n| {
            let job = person.job(&person.contact());
            person.post("/api/orders", &job).key(&format!("o{n}"))
        });
        let answers = at_once(&town, orders.collect()).await;
        must(&mut found, "orders", tally(&answers).as_str(), "201×20");
        must(&mut found, "active", person.me().await["active_orders"].clone(), json!(20));
    }
    (ROUNDS, found)
}

/// Three executors of an order that its client does not answer.
async fn taken_by_three(town: &Arc<Town>) -> (Person, Vec<Person>, String) {
    let (client, executors) = (town.person(), town.people(3));
    let order = client.orders().await;
    join_all(executors.iter().map(|executor| executor.recharge(2))).await;
    let takes = executors.iter().map(|executor| executor.acting(&order, "take")).collect();
    let answers = at_once(town, takes).await;
    assert_eq!(tally(&answers), "200×3");
    (client, executors, order)
}

/// The deadline's hint five times, the sweep five times and the client's own closing, at the
/// deadline to the instant, together with what the stack itself does then.
pub async fn exactly_once_refund(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 8;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        let (client, executors, order) = taken_by_three(&town).await;
        let mut running = Vec::new();
        // The client wins where the clock has not come yet.
        if round % 2 == 0 {
            town.jump(town.now() + seconds(900));
        }
        for _ in 0..5 {
            let (timer, hinted, id) = (town.clone(), town.clone(), order.clone());
            running.push(tokio::spawn(async move { hinted.hint_deadline(&id).await }));
            running.push(tokio::spawn(async move { timer.sweep("errands-orders-sweep").await }));
        }
        let closing = at_once(&town, vec![client.acting(&order, "close")]).await;
        for job in join_all(running).await {
            job.expect("a job ends");
        }
        let expected = if round % 2 == 0 { "410×1" } else { "204×1" };
        must(&mut found, "close", tally(&closing).as_str(), expected);
        town.bench.advance(1_000).await;
        let mut refunds = Vec::new();
        for executor in &executors {
            must(&mut found, "balance", executor.balance().await, 2);
            refunds.extend(executor.lines("refund").await);
        }
        must(&mut found, "refunds", refunds.len(), 3);
        let status = client.sees(&order).await["status"].clone();
        must(&mut found, "status", status, json!("closed_no_response"));
    }
    (ROUNDS, found)
}

/// Outside the sandbox nobody tops up by saying so.
pub async fn no_free_money(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 10;
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let person = town.person();
        let mut asks: Vec<Ask> = (0..5)
            .map(|n| person.post("/api/balance/recharge", &json!({ "amount": 100 + n })))
            .collect();
        asks.push(person.post("/api/sandbox/payments/1/pay", &json!({})));
        asks.push(asks[0].clone().key("again"));
        asks.push(asks[0].clone().key("again"));
        let answers = at_once(&town, asks).await;
        must(&mut found, "top-ups", tally(&answers).as_str(), "403×8");
        for answer in &answers {
            must(&mut found, "code", answer.code().as_str(), "sandbox_only");
        }
        must(&mut found, "balance", person.balance().await, 0);
        let wish = json!({ "amount": 100, "provider": "sandbox" });
        let invoice = town.send(&person.post("/api/balance/create-invoice", &wish)).await;
        must(&mut found, "invoice", invoice.code().as_str(), "payments_not_configured");
        must(&mut found, "lines", person.lines("recharge").await.len(), 0);
    }
    (ROUNDS, found)
}

/// How an order ends, and whether its executors get their money back then.
const ENDS: [(&str, bool, bool); 6] = [
    ("closed", false, true),
    ("closed", true, false),
    ("left", false, true),
    ("left", true, false),
    ("completed", false, false),
    ("completed", true, false),
];

/// Every way an order ends, with and without a response; all of them at the same time.
pub async fn the_client_cannot_burn_money(town: Arc<Town>) -> Verdict {
    const ROUNDS: usize = 6;
    let mut found = Vec::new();
    for round in 0..ROUNDS {
        let scenes = join_all(ENDS.iter().map(|_| taken_by_three(&town))).await;
        let answered = scenes.iter().zip(ENDS).filter(|(_, (_, responds, _))| *responds);
        let asks = answered.map(|((client, _, order), _)| client.acting(order, "respond"));
        let answers = at_once(&town, asks.collect()).await;
        must(&mut found, "responses", tally(&answers).as_str(), "200×3");
        let asks =
            scenes.iter().zip(ENDS).filter_map(|((client, _, order), (end, ..))| match end {
                "closed" => Some(client.acting(order, "close")),
                "completed" => Some(client.acting(order, "complete")),
                _ => None,
            });
        let answers = at_once(&town, asks.collect()).await;
        must(&mut found, "ends", tally(&answers).as_str(), "200×2 204×2");
        // Half of the rounds by the timers, half by a sweep that comes long after the end.
        let minutes = if round % 2 == 0 { 61 } else { 240 };
        town.bench.advance(60 * minutes).await;
        for ((client, executors, order), (end, responds, back)) in scenes.iter().zip(ENDS) {
            let what = format!("{end}, responded: {responds}");
            for executor in executors {
                let (rubles, lines) = (executor.balance().await, executor.lines("refund").await);
                must(&mut found, &what, (rubles, lines.len()), if back { (2, 1) } else { (0, 0) });
            }
            let status = client.sees(order).await["status"].clone();
            let due = match (end, responds) {
                ("completed", _) => "completed",
                ("left", true) => "expired",
                _ => "closed_no_response",
            };
            must(&mut found, &what, status, Value::from(due));
        }
    }
    late_takes(&town, &mut found).await;
    (ROUNDS + 1, found)
}

/// Takes that the order's own hour ends before the client had to respond.
async fn late_takes(town: &Arc<Town>, found: &mut Vec<String>) {
    let (client, executors) = (town.person(), town.people(3));
    let order = client.orders().await;
    join_all(executors.iter().map(|executor| executor.recharge(2))).await;
    town.bench.advance(50 * 60).await;
    let takes = executors.iter().map(|executor| executor.acting(&order, "take")).collect();
    must(found, "late takes", tally(&at_once(town, takes).await).as_str(), "200×3");
    town.bench.advance(11 * 60).await;
    for executor in &executors {
        must(found, "expired", executor.balance().await, 2);
    }
    must(found, "status", client.sees(&order).await["status"].clone(), json!("expired"));
}
