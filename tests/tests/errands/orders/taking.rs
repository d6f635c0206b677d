//! A take: its price, its guards, once per executor, three per order.

use serde_json::json;
use tests::{at_once, job};

use crate::scene::{NO_ORDER, amounts, brigade, busy, completed, count, leap, rich, takes};

#[tokio::test(flavor = "multi_thread")]
async fn a05_the_vector_of_a_take() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    let took = executor.act(&order, "take").await.is(200).json();
    let wanted = json!({
        "success": true, "contact": "@ivan_123", "executor_count": 1, "new_balance": 98,
    });
    assert_eq!(took, wanted);
    let entry = &executor.ledger().await[0];
    assert_eq!((&entry["type"], &entry["amount"]), (&json!("order_take"), &json!(-2)));
    assert_eq!((&entry["order_id"], &entry["balance_after"]), (&json!(order), &json!(98)));
    assert_eq!(entry["description"], format!("Took order {order}"));
    assert!(entry["payment_method"].is_null(), "{entry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_repeats_are_free_whatever_the_status() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let first = &executors[0];
    for ending in ["active", "complete", "close", "expiry", "silence"] {
        let order = client.posts(&job("@ivan_123")).await;
        if ending == "expiry" {
            leap(&world, 50 * 60).await;
        }
        let took = takes(first, &order).await;
        for _ in 0..3 {
            assert_eq!(first.act(&order, "take").await.is(200).json(), took);
        }
        takes(&executors[1], &order).await;
        match ending {
            "complete" => _ = client.act(&order, "complete").await.is(200),
            "close" => _ = client.act(&order, "close").await.is(204),
            "expiry" => leap(&world, 10 * 60).await,
            "silence" => leap(&world, 15 * 60).await,
            _ => {}
        }
        world.idle().await;
        let before = first.ledger().await;
        let again = first.act(&order, "take").await.is(200).json();
        assert_eq!((&again["contact"], &again["success"]), (&json!("@ivan_123"), &json!(true)));
        assert_eq!(again["executor_count"], 2, "{ending}");
        assert_eq!(again["new_balance"], first.rubles().await, "{ending}");
        assert_eq!(first.ledger().await, before, "{ending}");
        if ending == "active" {
            client.act(&order, "complete").await.is(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_who_cannot_pay_is_told_the_price() {
    let world = busy!();
    let (client, poor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    let order = client.posts(&job("@ivan_123")).await;
    let text = "Insufficient balance. Need 2₽";
    poor.act(&order, "take").await.detail(402, "insufficient_balance", text);
    poor.recharges(1).await;
    poor.act(&order, "take").await.detail(402, "insufficient_balance", text);
    poor.recharges(1).await;
    assert_eq!(takes(&poor, &order).await["new_balance"], 0);
    let next = client.posts(&job("@ivan_456")).await;
    poor.act(&next, "take").await.detail(402, "insufficient_balance", text);
    assert_eq!(amounts(&poor).await, [1, 1, -2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_guards_are_asked_in_their_order() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let poor = world.person(2, "Пётр").await;
    let unknown = poor.act(NO_ORDER, "take").await;
    unknown.detail(404, "order_not_found", "Order not found");
    let order = client.posts(&job("@ivan_123")).await;
    let own = "Cannot take your own order";
    client.act(&order, "take").await.detail(403, "own_order", own);
    for executor in &executors {
        takes(executor, &order).await;
    }
    client.act(&order, "take").await.detail(403, "own_order", own);
    poor.act(&order, "take").await.detail(409, "executor_limit", "Maximum 3 executors reached");
    client.act(&order, "respond").await.is(200);
    leap(&world, 60 * 60).await;
    for person in [&client, &poor] {
        let answer = person.act(&order, "take").await;
        answer.detail(410, "order_expired", "Order has expired");
    }
    let done = completed(&client, "@ivan_456", &executors[..1]).await;
    let gone = client.posts(&job("@ivan_789")).await;
    client.delete(&format!("/api/orders/{gone}")).await.is(204);
    for order in [&done, &gone] {
        for person in [&client, &poor] {
            let answer = person.act(order, "take").await;
            answer.detail(410, "order_not_active", "Order is no longer active");
        }
    }
    assert_eq!(amounts(&poor).await, Vec::<i64>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_of_five_at_once_three_win_and_three_pay() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let mut executors = Vec::new();
    for id in 11..16 {
        executors.push(rich(&world, id).await);
    }
    for round in 0..5 {
        let order = client.posts(&job(&format!("@ivan_round_{round}"))).await;
        let answers = at_once(5, |n| executors[n].act(&order, "take")).await;
        assert_eq!((count(&answers, 200), count(&answers, 409)), (3, 2), "{answers:?}");
        let mut paid = 0;
        for (executor, answer) in executors.iter().zip(&answers) {
            let ledger = executor.ledger().await;
            let of_order =
                ledger.iter().filter(|entry| entry["order_id"] == order.as_str()).count();
            assert_eq!(of_order, usize::from(answer.status == 200), "{answer}");
            paid += of_order;
            if answer.status == 409 {
                answer.detail(409, "executor_limit", "Maximum 3 executors reached");
            }
        }
        assert_eq!(paid, 3);
        assert_eq!(client.sees(&order).await["taken_by"].as_array().unwrap().len(), 3);
        client.act(&order, "complete").await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_texts_follow_the_settings() {
    let world = busy!("MAX_EXECUTORS_PER_ORDER" => "1", "TAKE_PRICE_KOPECKS" => "500");
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let poor = world.person(2, "Пётр").await;
    let order = client.posts(&job("@ivan_123")).await;
    let text = "Insufficient balance. Need 5₽";
    poor.act(&order, "take").await.detail(402, "insufficient_balance", text);
    assert_eq!(takes(&executors[0], &order).await["new_balance"], 95);
    let late = executors[1].act(&order, "take").await;
    late.detail(409, "executor_limit", "Maximum 1 executors reached");
}
