//! Totals, short pages, and what a public list says of orders that only the clock has ended.

use serde_json::{Value, json};
use tests::{World, job};

use crate::scene::{busy, ids, leap, rich, stop, takes};

async fn public(world: &World, query: &str) -> Value {
    world.get(&format!("/api/orders?{query}")).await.is(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_a_short_page_is_not_the_end() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let (mut alive, mut silent) = (Vec::new(), Vec::new());
    for n in 0..18 {
        let order = client.posts(&job(&format!("contact {n}"))).await;
        // Runs of three that nobody answers, between those that nobody takes.
        if n / 3 % 2 == 0 {
            takes(&executor, &order).await;
            silent.push(order);
        } else {
            alive.insert(0, order);
        }
        leap(&world, 1).await;
    }
    world.idle().await;
    stop(&world, "errands-orders-deadline").await;
    stop(&world, "errands-orders-sweep").await;
    leap(&world, 15 * 60).await;
    for limit in [1, 2, 3, 7, 100] {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let answer = world.get(&format!("/api/orders?limit={limit}{cursor}")).await;
            assert_eq!(answer.cost().unwrap().requests, 1, "{answer}");
            let page = answer.is(200).json();
            assert!(ids(&page).iter().all(|id| !silent.contains(id)), "{page}");
            found.extend(ids(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, alive, "{limit}");
    }
    world.heal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_totals_follow_every_commit() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let mut orders = Vec::new();
    for n in 0..6 {
        let mut body = job(&format!("contact {n}"));
        body["city"] = json!(if n < 4 { "Москва" } else { "Омск" });
        body["category"] = json!(if n % 2 == 0 { "Другое" } else { "Клининг" });
        orders.push(client.posts(&body).await);
    }
    world.advance(5).await;
    let totals = async || {
        let mut totals = Vec::new();
        for query in ["", "city=москва", "category=Другое", "city=Омск&category=Клининг"]
        {
            totals.push(public(&world, query).await["total"].as_i64().unwrap());
        }
        for status in ["completed", "expired"] {
            let list = public(&world, &format!("status={status}")).await;
            totals.push(list["total"].as_i64().unwrap());
        }
        totals
    };
    assert_eq!(totals().await, [6, 4, 3, 1, 0, 0]);
    client.delete(&format!("/api/orders/{}", orders[0])).await.is(204);
    takes(&executor, &orders[1]).await;
    client.act(&orders[1], "complete").await.is(200);
    takes(&executor, &orders[5]).await;
    client.act(&orders[5], "close").await.is(204);
    world.advance(5).await;
    assert_eq!(totals().await, [3, 2, 2, 0, 1, 0]);
    leap(&world, 60 * 60).await;
    world.advance(95).await;
    assert_eq!(totals().await, [0, 0, 0, 0, 1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_totals_are_never_below_what_is_shown() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    for n in 0..7 {
        let mut body = job(&format!("contact {n}"));
        body["city"] = json!(if n < 3 { "Москва" } else { "Омск" });
        client.posts(&body).await;
    }
    for query in ["", "mine=true&", "city=Омск&", "mine=true&city=Омск&"] {
        for (offset, limit) in [(0, 1), (0, 4), (2, 2), (3, 100), (50, 5)] {
            let path = format!("/api/orders?{query}offset={offset}&limit={limit}");
            let list = client.get(&path).await.is(200).json();
            let shown = ids(&list).len();
            let total = usize::try_from(list["total"].as_u64().unwrap()).unwrap();
            assert!(shown == 0 || total >= offset + shown, "{path}: {list}");
        }
    }
    let whole = client.get("/api/orders?mine=true&city=Омск").await.json();
    assert_eq!((ids(&whole).len(), &whole["total"]), (4, &json!(4)), "exact at the end");
    let part = client.get("/api/orders?mine=true&city=Омск&limit=2").await.json();
    assert_eq!(part["total"], 7, "else an upper bound");
    assert!(ids(&part).len() <= 2 && part["next_cursor"].is_string(), "{part}");
}
