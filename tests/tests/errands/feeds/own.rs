//! What is mine and what I have taken.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::{Person, World, job};

use crate::scene::{brigade, busy, ids, leap, takes};

/// One order of each fate, by its name; each a minute after the other.
async fn fates(
    world: &World,
    client: &Person,
    executors: &[Person],
) -> BTreeMap<&'static str, String> {
    let mut orders = BTreeMap::new();
    for fate in ["expired", "deleted", "completed", "closed_no_response", "silent", "active"] {
        let order = client.posts(&job(&format!("contact {fate}"))).await;
        orders.insert(fate, order.clone());
        match fate {
            "expired" => leap(world, 3600).await,
            "deleted" => _ = client.delete(&format!("/api/orders/{order}")).await.is(204),
            "silent" => {
                takes(&executors[0], &order).await;
                leap(world, 15 * 60).await;
            }
            _ => _ = takes(&executors[0], &order).await,
        }
        match fate {
            "completed" => _ = client.act(&order, "complete").await.is(200),
            "closed_no_response" => _ = client.act(&order, "close").await.is(204),
            _ => {}
        }
        leap(world, 60).await;
    }
    world.idle().await;
    orders
}

async fn list(person: &Person, query: &str) -> Value {
    person.get(&format!("/api/orders?{query}")).await.is(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_mine_is_all_but_the_deleted_newest_first() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let orders = fates(&world, &client, &executors).await;
    let named =
        |fates: &[&str]| -> Vec<String> { fates.iter().map(|fate| orders[fate].clone()).collect() };
    let mine = list(&client, "mine=true").await;
    let shown = ["active", "silent", "closed_no_response", "completed", "expired"];
    assert_eq!(ids(&mine), named(&shown));
    assert_eq!((&mine["total"], &mine["next_cursor"]), (&json!(5), &json!(null)), "{mine}");
    let all = list(&client, "mine=true&status=all").await;
    let shown = ["active", "silent", "closed_no_response", "completed", "deleted", "expired"];
    assert_eq!(ids(&all), named(&shown));
    assert_eq!(all["total"], 6, "{all}");
    for (status, fates) in [
        ("active", &["active"][..]),
        ("expired", &["expired"]),
        ("deleted", &["deleted"]),
        ("completed", &["completed"]),
        ("closed_no_response", &["silent", "closed_no_response"]),
    ] {
        let some = list(&client, &format!("mine=true&status={status}")).await;
        assert_eq!(ids(&some), named(fates), "{status}");
        assert_eq!(some["total"], fates.len(), "{some}");
        for order in some["orders"].as_array().unwrap() {
            assert_eq!(order["status"], status, "{order}");
        }
    }
    assert_eq!(list(&executors[0], "mine=true").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_what_i_have_taken_is_listed_alike() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let orders = fates(&world, &client, &executors).await;
    let named =
        |fates: &[&str]| -> Vec<String> { fates.iter().map(|fate| orders[fate].clone()).collect() };
    let shown = ["active", "silent", "closed_no_response", "completed"];
    for query in ["taken_by_me=true", "taken_by_me=true&status=all"] {
        let taken = list(&executors[0], query).await;
        assert_eq!(ids(&taken), named(&shown), "{query}");
        assert_eq!(taken["total"], 4, "{taken}");
    }
    for (status, fates) in [
        ("active", &["active"][..]),
        ("completed", &["completed"]),
        ("closed_no_response", &["silent", "closed_no_response"]),
        ("expired", &[]),
    ] {
        let some = list(&executors[0], &format!("taken_by_me=true&status={status}")).await;
        assert_eq!((ids(&some), &some["total"]), (named(fates), &json!(fates.len())), "{status}");
    }
    assert_eq!(list(&executors[1], "taken_by_me=true").await["total"], 0);
    assert_eq!(list(&client, "taken_by_me=true").await["total"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_my_own_change_is_seen_at_once() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    for n in 0..10 {
        let order = client.posts(&job(&format!("contact {n}"))).await;
        assert_eq!(ids(&list(&client, "mine=true").await)[0], order);
        takes(&executors[0], &order).await;
        assert_eq!(ids(&list(&executors[0], "taken_by_me=true").await)[0], order);
        client.act(&order, "complete").await.is(200);
        let done = list(&client, "mine=true&status=completed").await;
        assert_eq!((done["total"].as_i64(), ids(&done)[0] == order), (Some(n + 1), true), "{done}");
        assert_eq!(list(&client, "mine=true&status=active").await["total"], 0);
        world.advance(1).await;
    }
}

/// All pages of a list by cursor; each is one query and at most one batch.
async fn walked(person: &Person, query: &str, limit: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = person.get(&format!("/api/orders?{query}&limit={limit}{cursor}")).await;
        let page = answer.is(200).json();
        let cost = answer.cost().unwrap();
        assert!(cost.requests <= 2 && cost.items == 0, "{query}: {cost:?}");
        found.extend(ids(&page));
        assert!(page["total"].as_i64() >= i64::try_from(ids(&page).len()).ok(), "{page}");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_own_lists_page_without_gap_or_repeat() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let mut orders = Vec::new();
    for n in 0..40 {
        let mut body = job(&format!("contact {n}"));
        body["city"] = json!(if n % 2 == 0 { "Москва" } else { "Омск" });
        let order = client.posts(&body).await;
        takes(&executors[0], &order).await;
        if n % 3 == 0 {
            client.act(&order, "complete").await.is(200);
        }
        orders.insert(0, order);
        world.advance(1).await;
    }
    for limit in [7, 100] {
        assert_eq!(walked(&client, "mine=true", limit).await, orders);
        assert_eq!(walked(&executors[0], "taken_by_me=true", limit).await, orders);
        let some = |wanted: &dyn Fn(usize) -> bool| -> Vec<String> {
            (0..40).rev().filter(|n| wanted(*n)).map(|n| orders[39 - n].clone()).collect()
        };
        let done = some(&|n| n % 3 == 0);
        assert_eq!(walked(&client, "mine=true&status=completed", limit).await, done);
        let omsk = some(&|n| n % 2 == 1);
        assert_eq!(walked(&client, "mine=true&city=омск", limit).await, omsk);
        assert_eq!(walked(&executors[0], "taken_by_me=true&city=ОМСК", limit).await, omsk);
    }
    for offset in [0, 10, 39, 40, 100] {
        let page = list(&client, &format!("mine=true&offset={offset}&limit=5")).await;
        let wanted: Vec<_> = orders.iter().skip(offset).take(5).cloned().collect();
        assert_eq!(ids(&page), wanted, "{offset}");
    }
    let page = client.get("/api/orders?mine=true&limit=5").await.json();
    let cursor = page["next_cursor"].as_str().unwrap();
    let foreign = executors[0].get(&format!("/api/orders?mine=true&cursor={cursor}")).await;
    assert_eq!(foreign.is(422).refusal()["detail"], "Invalid cursor");
}
