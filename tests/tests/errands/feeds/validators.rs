//! Stored validators: good until something changes, the clock included.

use tests::{Answer, Call, Person, World, job};

use crate::scene::{busy, ids, leap, rich, stop, takes};

/// The call again, if the answer has changed since.
async fn again(call: Call, stored: &Answer) -> Answer {
    call.header("if-none-match", stored.must("etag")).await
}

/// The same lists for anonymous callers, a client and an executor.
fn lists(world: &World, client: &Person, executor: &Person, order: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for query in ["", "?city=Москва", "?category=Сантехника", "?city=Москва&category=Сантехника"]
    {
        calls.push(world.get(&format!("/api/orders{query}")));
    }
    calls.push(client.get("/api/orders"));
    calls.push(client.get("/api/orders?mine=true"));
    calls.push(client.get("/api/orders?mine=true&status=active"));
    calls.push(executor.get("/api/orders?taken_by_me=true"));
    calls.push(world.get(&format!("/api/orders/{order}")));
    calls.push(client.get(&format!("/api/orders/{order}")));
    calls.push(executor.get(&format!("/api/orders/{order}")));
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_a_list_is_new_as_soon_as_an_order_has_ended_by_the_clock() {
    for (answered, end) in [(true, 60 * 60), (false, 15 * 60)] {
        let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
        let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
        let order = client.posts(&job("@ivan_123")).await;
        takes(&executor, &order).await;
        if answered {
            client.act(&order, "respond").await.is(200);
        }
        leap(&world, 5).await;
        world.idle().await;
        stop(&world, "errands-orders-deadline").await;
        stop(&world, "errands-orders-sweep").await;
        let mut stored = Vec::new();
        for call in lists(&world, &client, &executor, &order) {
            stored.push(call.await.is(200).clone());
        }
        leap(&world, end - 6).await;
        for (call, stored) in lists(&world, &client, &executor, &order).into_iter().zip(&stored) {
            let same = again(call, stored).await;
            assert!(same.is(304).body.is_empty(), "{same}");
        }
        leap(&world, 1).await;
        for (call, stored) in lists(&world, &client, &executor, &order).into_iter().zip(&stored) {
            let changed = again(call, stored).await;
            assert!(matches!(changed.status, 200 | 404), "{changed}");
            assert_ne!(changed.body, stored.body, "{changed}");
            if changed.status == 404 {
                assert!(!answered, "closed orders are hidden: {changed}");
            }
        }
        world.heal().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_a_list_of_several_loses_the_one_that_ended() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let client = world.person(1, "Иван").await;
    client.posts(&job("@ivan_123")).await;
    leap(&world, 30 * 60).await;
    let second = client.posts(&job("@ivan_456")).await;
    leap(&world, 30 * 60 - 1).await;
    world.idle().await;
    let stored = world.get("/api/orders").await;
    assert_eq!(ids(&stored.json()).len(), 2);
    again(world.get("/api/orders"), &stored).await.is(304);
    leap(&world, 1).await;
    let fresh = again(world.get("/api/orders"), &stored).await;
    assert_eq!(ids(&fresh.is(200).json()), [second]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_my_own_writes_are_read_at_once() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    let paths = ["/api/users/me", "/api/orders?mine=true", &*format!("/api/orders/{order}")];
    let mut stored = Vec::new();
    for path in paths {
        stored.push(client.get(path).await.is(200).clone());
    }
    for (path, stored) in paths.iter().zip(&stored) {
        again(client.get(path), stored).await.is(304);
    }
    takes(&executor, &order).await;
    client.act(&order, "complete").await.is(200);
    for (path, stored) in paths.iter().zip(&stored) {
        let fresh = again(client.get(path), stored).await;
        assert_ne!(fresh.is(200).body, stored.body, "{path}");
    }
    for path in ["/api/balance", "/api/balance/transactions", "/api/orders?taken_by_me=true"] {
        let stored = executor.get(path).await.is(200).clone();
        again(executor.get(path), &stored).await.is(304);
        let next = client.posts(&job("@ivan_123")).await;
        takes(&executor, &next).await;
        again(executor.get(path), &stored).await.is(200);
        client.act(&next, "complete").await.is(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_validators_belong_to_their_viewer() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    takes(&executor, &order).await;
    let path = format!("/api/orders/{order}");
    let own = client.get(&path).await;
    let theirs = executor.get(&path).await;
    let public = world.get(&path).await;
    for (call, stored) in [
        (world.get(&path), &own),
        (executor.get(&path), &own),
        (client.get(&path), &public),
        (world.get(&path), &theirs),
    ] {
        again(call, stored).await.is(200);
    }
    for answer in [own, theirs, client.get("/api/users/me").await] {
        assert!(answer.list("vary").contains(&"authorization".to_owned()), "{answer}");
        assert!(answer.must("cache-control").contains("private"), "{answer}");
    }
}
