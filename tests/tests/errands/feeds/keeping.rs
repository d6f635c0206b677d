//! How long an answer may be kept, and lists that a crowd asks for.

use tests::job;

use crate::scene::{busy, ids, jump, rich, takes};

#[tokio::test(flavor = "multi_thread")]
async fn a26_every_answer_says_how_it_may_be_kept() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    takes(&executor, &order).await;
    let of_order = format!("/api/orders/{order}");
    let check = format!("/api/reviews/check?order_id={order}");
    for (path, kept) in [
        ("/", "public"),
        ("/api/cities", "public"),
        ("/api/orders", "private"),
        ("/api/orders?mine=true", "private"),
        (of_order.as_str(), "private"),
        ("/api/reviews", "private"),
        ("/api/users/me", "private"),
        ("/api/users/me/preferences", "private"),
        ("/api/users/me/notification-settings", "private"),
        ("/api/balance", "private"),
        ("/api/balance/transactions", "private"),
        ("/health", "no-store"),
        (check.as_str(), "no-store"),
    ] {
        let answer = client.get(path).await;
        let said = answer.is(200).must("cache-control").to_owned();
        assert!(said.contains(kept), "{path}: {said}");
        if kept == "private" {
            assert!(said.contains("no-cache"), "{path}: {said}");
            assert!(answer.list("vary").contains(&"authorization".to_owned()), "{answer}");
        }
        if kept != "no-store" {
            let tag = answer.must("etag").to_owned();
            for sent in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".into()] {
                let same = client.get(path).header("if-none-match", &sent).await;
                assert!(same.is(304).body.is_empty(), "{path} {sent}: {same}");
            }
            client.get(path).header("if-none-match", "\"other\"").await.is(200);
        }
    }
    let root = world.get("/").await;
    assert!(root.must("cache-control").contains("max-age=60"), "{root}");
    for answer in [
        client.act(&order, "respond").await,
        client.act(&order, "respond").await,
        client.get("/api/orders/x").await,
    ] {
        assert_eq!(answer.must("cache-control"), "no-store", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a26_a_list_that_a_crowd_asks_for_ends_with_the_clock() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    jump(&world, "2026-01-20T13:00:29.600Z").await;
    world.idle().await;
    for path in ["/api/orders", "/api/orders?city=Москва", "/api/orders?category=Сантехника"]
    {
        let mut stored = world.get(path).await;
        for _ in 0..40 {
            stored = world.get(path).await;
            assert_eq!(ids(&stored.is(200).json()), [order.as_str()]);
        }
        let tag = stored.must("etag").to_owned();
        world.get(path).header("if-none-match", &tag).await.is(304);
    }
    let crowd = world.get("/api/orders").await.must("etag").to_owned();
    jump(&world, "2026-01-20T13:00:30Z").await;
    for path in ["/api/orders", "/api/orders?city=Москва", "/api/orders?category=Сантехника"]
    {
        let list = world.get(path).header("if-none-match", &crowd).await;
        assert_eq!(ids(&list.is(200).json()).len(), 0, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_a_crowd_sees_a_change_within_two_seconds() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    for _ in 0..40 {
        world.get("/api/orders").await.is(200);
    }
    takes(&executor, &order).await;
    client.act(&order, "complete").await.is(200);
    let next = client.posts(&job("@ivan_123")).await;
    world.advance(2).await;
    let list = world.get("/api/orders").await.is(200).json();
    assert_eq!(ids(&list), [next.as_str()]);
    let own = client.get("/api/orders?mine=true").await.is(200).json();
    assert!(ids(&own).contains(&next), "{own}");
}
