//! Callers at once: no double spend, no lost update, one winner.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{at_once, job};

use crate::scene::{brigade, busy, count, rich, taken, told};

#[tokio::test(flavor = "multi_thread")]
async fn a06_two_rubles_buy_one_contact() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    executor.recharges(2).await;
    let mut orders = Vec::new();
    for n in 0..10 {
        orders.push(client.posts(&job(&format!("contact {n}"))).await);
    }
    let answers = at_once(10, |n| executor.act(&orders[n], "take")).await;
    assert_eq!((count(&answers, 200), count(&answers, 402)), (1, 9), "{answers:?}");
    assert_eq!(executor.rubles().await, 0);
    let ledger = executor.ledger().await;
    assert_eq!(ledger.iter().filter(|entry| entry["type"] == "order_take").count(), 1);
    assert_eq!(executor.me().await["active_orders"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_recharges_at_once_all_count() {
    let world = busy!();
    let anna = world.person(42, "Анна").await;
    let wish = json!({"amount": 10});
    for answer in at_once(20, |_| anna.post("/api/balance/recharge", &wish)).await {
        answer.ok();
    }
    assert_eq!(anna.rubles().await, 200);
    let ledger = anna.ledger().await;
    assert_eq!(ledger.len(), 20);
    let after: Vec<i64> =
        ledger.iter().rev().map(|entry| entry["balance_after"].as_i64().unwrap()).collect();
    let distinct: BTreeSet<i64> = after.iter().copied().collect();
    assert_eq!(
        distinct.into_iter().collect::<Vec<_>>(),
        (1..=20).map(|n| n * 10).collect::<Vec<_>>()
    );
    assert_eq!(ledger[0]["balance_after"], 200, "the newest entry holds the balance");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_creates_at_once_all_count() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let jobs: Vec<_> = (0..20).map(|n| job(&format!("contact {n}"))).collect();
    for answer in at_once(20, |n| client.post("/api/orders", &jobs[n])).await {
        answer.is(201);
    }
    assert_eq!(client.me().await["active_orders"], 20);
    let list = client.get("/api/orders?mine=true").await.json();
    assert_eq!((&list["total"], list["orders"].as_array().unwrap().len()), (&json!(20), 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_a_deleted_order_was_never_taken() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let mut took = 0;
    for round in 0..30 {
        let order = client.posts(&job(&format!("contact {round}"))).await;
        let path = format!("/api/orders/{order}");
        let answers = at_once(2, |n| match (n + round) % 2 {
            0 => executor.act(&order, "take"),
            _ => client.delete(&path),
        });
        let mut answers = answers.await;
        answers.sort_by_key(|answer| answer.call.starts_with("DELETE"));
        let seen = client.sees(&order).await;
        let takes = seen["taken_by"].as_array().unwrap().len();
        if answers[1].status == 204 {
            answers[0].detail(410, "order_not_active", "Order is no longer active");
            assert_eq!((&seen["status"], takes), (&json!("deleted"), 0));
        } else {
            answers[0].is(200);
            answers[1].problem(403, "order_taken");
            assert_eq!((&seen["status"], takes), (&json!("active"), 1));
            took += 2;
        }
    }
    assert_eq!(executor.rubles().await, 100 - took);
    assert_eq!(client.me().await["active_orders"], took / 2);
    assert_eq!(executor.me().await["active_orders"], took / 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_of_six_completes_one_counts() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    for round in 1..4 {
        let order = taken(&client, "@ivan_123", &executors).await;
        let answers = at_once(6, |_| client.act(&order, "complete")).await;
        assert_eq!((count(&answers, 200), count(&answers, 410)), (1, 5), "{answers:?}");
        for person in executors.iter().chain([&client]) {
            let me = person.me().await;
            assert_eq!(me["completed_orders"], round, "{me}");
            assert_eq!(me["active_orders"], 0, "{me}");
        }
    }
    world.advance(10).await;
    let finished = told(&executors[0]).await;
    assert_eq!(finished.iter().filter(|text| text.starts_with('🏁')).count(), 3, "{finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_equal_takes_at_once_are_charged_once() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    let answers = at_once(10, |_| executor.act(&order, "take")).await;
    assert_eq!(count(&answers, 200), 10, "{answers:?}");
    assert_eq!(executor.rubles().await, 98);
    assert_eq!(executor.ledger().await.len(), 2);
    assert_eq!(client.sees(&order).await["taken_by"].as_array().unwrap().len(), 1);
}
