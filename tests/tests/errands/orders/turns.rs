//! Respond, complete, close: guard by guard.

use serde_json::{Value, json};
use tests::job;

use crate::scene::{NO_ORDER, brigade, busy, leap, rich, taken};

const ACTIONS: [&str; 3] = ["respond", "complete", "close"];
const GONE: &str = "Order is no longer active";

#[tokio::test(flavor = "multi_thread")]
async fn a07_responding_twice_is_told() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = taken(&client, "@ivan_123", &executors[..1]).await;
    let responded = client.act(&order, "respond").await.is(200).json();
    assert_eq!(responded["status"], "active");
    assert!(responded["customer_responded_at"].is_string());
    assert_eq!(responded["contact"], "@ivan_123");
    let again = client.act(&order, "respond").await;
    again.detail(409, "already_responded", "Already responded");
    assert_eq!(client.sees(&order).await, responded);
    assert_eq!(executors[1].act(&order, "take").await.is(200).json()["executor_count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_only_the_client_turns_an_order() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let stranger = world.person(3, "Чужой").await;
    let order = taken(&client, "@ivan_123", &executors).await;
    let before = client.sees(&order).await;
    for person in [&executors[0], &stranger] {
        for (action, text) in [
            ("respond", "Only the order client can respond"),
            ("complete", "Only the order client can complete it"),
            ("close", "Only the order client can close it"),
        ] {
            person.act(&order, action).await.detail(403, "not_order_client", text);
        }
    }
    assert_eq!(client.sees(&order).await, before);
    client.act(&order, "complete").await.is(200);
    for action in ACTIONS {
        executors[0].act(&order, action).await.problem(403, "not_order_client");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_an_order_ends_once() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    for ending in ["complete", "close"] {
        let order = taken(&client, "@ivan_123", &executors).await;
        client.act(&order, "respond").await.is(200);
        let ended = client.act(&order, ending).await;
        if ending == "complete" {
            let body: Value = ended.is(200).json();
            assert_eq!(
                (&body["status"], &body["contact"]),
                (&json!("completed"), &json!("@ivan_123"))
            );
        } else {
            assert!(ended.is(204).body.is_empty());
        }
        for action in ACTIONS {
            client.act(&order, action).await.detail(410, "order_not_active", GONE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_without_takes_there_is_nothing_to_turn() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    for action in ACTIONS {
        let answer = client.act(&order, action).await;
        answer.detail(409, "no_takes", "No executor has taken this order yet");
    }
    leap(&world, 60 * 60).await;
    for action in ACTIONS {
        client.act(&order, action).await.detail(410, "order_not_active", GONE);
        let unknown = client.act(NO_ORDER, action).await;
        unknown.detail(404, "order_not_found", "Order not found");
    }
    let deleted = client.posts(&job("@ivan_123")).await;
    client.delete(&format!("/api/orders/{deleted}")).await.is(204);
    for action in ACTIONS {
        client.act(&deleted, action).await.detail(410, "order_not_active", GONE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_responding_first_is_not_required_and_counters_follow() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = taken(&client, "@ivan_123", std::slice::from_ref(&executor)).await;
    for person in [&client, &executor] {
        let me = person.me().await;
        assert_eq!((&me["active_orders"], &me["completed_orders"]), (&json!(1), &json!(0)));
    }
    client.act(&order, "complete").await.is(200);
    for person in [&client, &executor] {
        let me = person.me().await;
        assert_eq!((&me["active_orders"], &me["completed_orders"]), (&json!(0), &json!(1)));
    }
    assert!(client.sees(&order).await["customer_responded_at"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_a_responded_order_lives_to_its_hour() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = taken(&client, "@ivan_123", &executors[..1]).await;
    client.act(&order, "respond").await.is(200);
    leap(&world, 59 * 60).await;
    assert_eq!(client.sees(&order).await["status"], "active");
    executors[1].act(&order, "take").await.is(200);
    let seen = client.sees(&order).await;
    assert!(seen["response_deadline_at"].is_null(), "{seen}");
    leap(&world, 60).await;
    assert_eq!(client.sees(&order).await["status"], "expired");
}
