//! Who sees an order, and what of it.

use serde_json::{Value, json};
use tests::{Person, World, job};

use crate::scene::{brigade, busy, completed, ids, leap, taken, takes};

const SECRET: &str = "Позвоните мне: пароль Ромашка";

/// A job with a contact that is found wherever it shows.
fn secret_job() -> Value {
    job(SECRET)
}

/// Every address that may answer with orders, for this one.
fn places(order: &str) -> Vec<String> {
    let mut places = vec![
        format!("/api/orders/{order}"),
        format!("/api/reviews/check?order_id={order}"),
        "/api/orders?city=Москва&category=Сантехника".to_owned(),
        "/api/orders?city=Москва".to_owned(),
        "/api/orders?category=Сантехника".to_owned(),
    ];
    for status in ["active", "expired", "completed", "closed_no_response", "deleted", "all"] {
        places.push(format!("/api/orders?status={status}"));
    }
    for path in [
        "/api/reviews",
        "/api/reviews?by_me=true",
        "/api/users/me",
        "/api/balance/transactions",
        "/api/orders?mine=true",
        "/api/orders?taken_by_me=true",
    ] {
        places.push(path.to_owned());
    }
    places
}

/// No place and no attempt shows the contact to anonymous callers or to this stranger.
async fn is_hidden(world: &World, stranger: &Person, order: &str) {
    for place in places(order) {
        for answer in [world.get(&place).await, stranger.get(&place).await] {
            assert!(!answer.text().contains("Ромашка"), "{answer}");
        }
    }
    for action in ["take", "respond", "complete", "close"] {
        let answer = stranger.act(order, action).await;
        assert!(!answer.text().contains("Ромашка") && answer.status >= 400, "{answer}");
    }
    let path = format!("/api/orders/{order}");
    let edit = json!({"contact": "@stranger_1"});
    for answer in [stranger.put(&path, &edit).await, stranger.delete(&path).await] {
        answer.detail(404, "order_not_found", "Order not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_a_new_order_is_found_by_everybody_without_its_contact() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let made = client.post("/api/orders", &secret_job()).await.is(201).json();
    assert_eq!((&made["contact"], &made["contact_kind"]), (&json!(SECRET), &json!("other")));
    let order = made["id"].as_str().unwrap();
    assert!(order.len() == 12, "{order}");
    let mut expected = made.clone();
    expected["contact"] = Value::Null;
    expected["contact_kind"] = Value::Null;
    for list in [
        world.get("/api/orders").await.is(200).json(),
        client.get("/api/orders").await.is(200).json(),
        client.get("/api/orders?mine=true").await.is(200).json(),
    ] {
        assert_eq!(list["orders"], json!([expected]));
    }
    assert_eq!(client.sees(order).await, made);
    let anonymous = world.get(&format!("/api/orders/{order}")).await.is(200).json();
    assert_eq!(anonymous, expected);
    let stranger = world.person(3, "Чужой").await;
    assert_eq!(stranger.sees(order).await, expected);
    is_hidden(&world, &stranger, order).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_executors_see_the_contact_also_after_the_end() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let stranger = world.person(3, "Чужой").await;
    for ending in ["complete", "close", "expiry", "silence"] {
        let order = client.posts(&secret_job()).await;
        if ending == "expiry" {
            leap(&world, 50 * 60).await;
        }
        for executor in &executors {
            let took = takes(executor, &order).await;
            assert_eq!(took["contact"], SECRET);
        }
        match ending {
            "complete" => _ = client.act(&order, "complete").await.is(200),
            "close" => _ = client.act(&order, "close").await.is(204),
            "expiry" => leap(&world, 10 * 60).await,
            _ => leap(&world, 15 * 60).await,
        }
        world.idle().await;
        for person in executors.iter().chain([&client]) {
            let seen = person.sees(&order).await;
            assert_eq!(seen["contact"], SECRET, "{ending}: {seen}");
            assert_eq!(seen["contact_kind"], "other", "{ending}: {seen}");
            assert_ne!(seen["status"], "active", "{ending}: {seen}");
            for flag in ["mine", "taken_by_me"] {
                let list = person.get(&format!("/api/orders?{flag}=true&status=all")).await;
                assert!(!list.text().contains("Ромашка"), "{list}");
            }
        }
        is_hidden(&world, &stranger, &order).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_ids_of_other_executors_are_0() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = taken(&client, "@ivan_123", &executors).await;
    let shown = |order: &Value| -> Vec<i64> {
        let takes = order["taken_by"].as_array().unwrap().iter();
        takes.map(|take| take["executor_id"].as_i64().unwrap()).collect()
    };
    let all: Vec<i64> = executors.iter().map(Person::id).collect();
    assert_eq!(shown(&client.sees(&order).await), all);
    for (index, executor) in executors.iter().enumerate() {
        let mut own = vec![0; 3];
        own[index] = executor.id();
        assert_eq!(shown(&executor.sees(&order).await), own);
        let list = executor.get("/api/orders?taken_by_me=true").await.json();
        assert_eq!(shown(&list["orders"][0]), own);
    }
    let anonymous = world.get(&format!("/api/orders/{order}")).await.json();
    assert_eq!(shown(&anonymous), [0, 0, 0]);
    let public = world.get("/api/orders").await.json();
    assert_eq!(shown(&public["orders"][0]), [0, 0, 0]);
    assert!(!public.to_string().contains("client_id"), "{public}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_closed_and_deleted_orders_are_unknown_to_strangers() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let stranger = world.person(3, "Чужой").await;
    let closed = taken(&client, "@ivan_closed", &executors).await;
    client.act(&closed, "close").await.is(204);
    let silent = taken(&client, "@ivan_silent", &executors).await;
    let deleted = client.posts(&job("@ivan_deleted")).await;
    client.delete(&format!("/api/orders/{deleted}")).await.is(204);
    world.advance(15 * 60).await;
    for order in [&closed, &silent] {
        for person in executors.iter().chain([&client]) {
            assert_eq!(person.sees(order).await["status"], "closed_no_response");
        }
    }
    assert_eq!(client.sees(&deleted).await["status"], "deleted");
    executors[0].get(&format!("/api/orders/{deleted}")).await.problem(404, "order_not_found");
    for order in [&closed, &silent, &deleted] {
        let path = format!("/api/orders/{order}");
        for answer in [world.get(&path).await, stranger.get(&path).await] {
            answer.detail(404, "order_not_found", "Order not found");
        }
        let take = stranger.act(order, "take").await;
        take.detail(410, "order_not_active", "Order is no longer active");
        for list in ["all", "deleted", "closed_no_response", "expired", "completed"] {
            let list = world.get(&format!("/api/orders?status={list}")).await.json();
            assert!(!ids(&list).contains(order), "{list}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_ended_orders_that_stay_public_are_seen_by_everybody() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let done = completed(&client, "@ivan_done", &executors[..1]).await;
    let old = client.posts(&job("@ivan_old")).await;
    world.advance(60 * 60).await;
    for (order, status) in [(&done, "completed"), (&old, "expired")] {
        let seen = world.get(&format!("/api/orders/{order}")).await.is(200).json();
        assert_eq!((&seen["status"], &seen["contact"]), (&json!(status), &json!(null)));
        let list = world.get(&format!("/api/orders?status={status}")).await.json();
        assert_eq!(ids(&list), [order.as_str()]);
        assert_eq!(list["total"], 1, "{list}");
    }
}
