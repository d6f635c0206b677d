//! Whose money comes back: by how an order ended and whether its client ever responded.

use std::sync::Arc;

use tests::{Person, job};

use super::{deadline, sweep};
use crate::scene::{amounts, brigade, busy, leap, refunds, taken, takes, told};

/// Every executor got the price back once, or never.
async fn came_back(executors: &[Person], order: &str, times: usize) {
    for executor in executors {
        assert_eq!(refunds(executor, order).await, times);
        let sum: i64 = amounts(executor).await.iter().sum();
        assert_eq!(sum, executor.rubles().await);
        assert_eq!(executor.me().await["active_orders"], 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_close_before_responding_refunds_everybody() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = taken(&client, "@ivan_123", &executors).await;
    client.act(&order, "close").await.is(204);
    came_back(&executors, &order, 1).await;
    leap(&world, 60 * 60).await;
    deadline(&world, &order).await;
    sweep(&world).await;
    came_back(&executors, &order, 1).await;
    for executor in &executors {
        assert_eq!(executor.rubles().await, 100);
        assert_eq!(executor.sees(&order).await["contact"], "@ivan_123");
        let refunded = "↩️ Клиент не ответил по заказу «Сантехника». Возвращено 2 ₽.";
        assert_eq!(told(executor).await, [refunded]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_close_after_responding_refunds_nobody() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = taken(&client, "@ivan_123", &executors).await;
    client.act(&order, "respond").await.is(200);
    client.act(&order, "close").await.is(204);
    leap(&world, 60 * 60).await;
    sweep(&world).await;
    came_back(&executors, &order, 0).await;
    for executor in &executors {
        assert_eq!(executor.rubles().await, 98);
        let closed = "🚪 Клиент закрыл заказ «Сантехника».";
        assert!(told(executor).await.contains(&closed.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_expiry_refunds_only_without_a_response() {
    for (responds, times) in [(false, 1), (true, 0)] {
        let world = busy!();
        let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
        let order = client.posts(&job("@ivan_123")).await;
        leap(&world, 50 * 60).await;
        for executor in &executors {
            takes(executor, &order).await;
        }
        if responds {
            client.act(&order, "respond").await.is(200);
        }
        leap(&world, 10 * 60).await;
        sweep(&world).await;
        assert_eq!(client.sees(&order).await["status"], "expired");
        came_back(&executors, &order, times).await;
        leap(&world, 60 * 60).await;
        deadline(&world, &order).await;
        came_back(&executors, &order, times).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_complete_never_refunds() {
    for responds in [false, true] {
        let world = busy!();
        let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
        let order = taken(&client, "@ivan_123", &executors).await;
        if responds {
            client.act(&order, "respond").await.is(200);
        }
        client.act(&order, "complete").await.is(200);
        leap(&world, 60 * 60).await;
        deadline(&world, &order).await;
        sweep(&world).await;
        came_back(&executors, &order, 0).await;
        assert_eq!(executors[0].rubles().await, 98);
        assert_eq!(client.sees(&order).await["status"], "completed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_timers_sweeps_and_the_client_together_refund_once() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    for round in 0..3 {
        let order: Arc<str> = taken(&client, &format!("contact {round}"), &executors).await.into();
        // At the last instant the client may close, or a millisecond later the clock has.
        let seconds = 15 * 60 - u64::from(round == 0);
        let clock = serde_json::json!({"advance_seconds": seconds, "catch_up": "last"});
        let mut running = vec![tokio::spawn({
            let world = world.clone();
            async move { _ = world.desk_post("clock", &clock).await }
        })];
        for _ in 0..5 {
            let (one, two) = (world.clone(), world.clone());
            let id = Arc::clone(&order);
            running.push(tokio::spawn(async move { _ = deadline(&one, &id).await }));
            running.push(tokio::spawn(async move { sweep(&two).await }));
        }
        let (client, id) = (client.clone(), Arc::clone(&order));
        running.push(tokio::spawn(async move {
            let answer = client.act(&id, "close").await;
            assert!(matches!(answer.status, 204 | 410), "{answer}");
        }));
        for one in running {
            one.await.unwrap();
        }
        world.advance(60).await;
        came_back(&executors, &order, 1).await;
    }
    for executor in &executors {
        assert_eq!(executor.rubles().await, 100);
    }
    assert_eq!(client.me().await["active_orders"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_counters_never_drift() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = taken(&client, "@ivan_123", &executors[..1]).await;
    leap(&world, 15 * 60).await;
    let late = executors[1].act(&order, "take").await;
    late.problem(410, "order_not_active");
    client.act(&order, "close").await.problem(410, "order_not_active");
    client.delete(&format!("/api/orders/{order}")).await.problem(403, "order_taken");
    let other = client.posts(&job("@ivan_123")).await;
    for _ in 0..2 {
        client.delete(&format!("/api/orders/{other}")).await.is(204);
    }
    for person in executors.iter().chain([&client]) {
        let me = person.me().await;
        assert_eq!(
            (me["active_orders"].as_i64(), me["completed_orders"].as_i64()),
            (Some(0), Some(0))
        );
    }
    let counted = client.get("/api/orders?mine=true&status=all").await.json();
    assert_eq!(counted["total"], 2, "{counted}");
}
