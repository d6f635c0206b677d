//! Thousands of orders, page by page.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Person, World, at_once, job};

use crate::scene::{busy, ids};

/// Posted at once, at one instant.
const AT_ONCE: usize = 250;
const CITIES: [&str; 4] = ["Москва", "Орёл", "Ростов-на-Дону", "Нижний Новгород"];
const CATEGORIES: [&str; 3] = ["Сантехника", "Сборка/установка", "Другое"];

struct Posted {
    id: String,
    city: usize,
    category: usize,
    /// When: batches follow each other.
    batch: usize,
}

async fn crowd(world: &World) -> Vec<Person> {
    let mut people = Vec::new();
    for id in 1..21 {
        people.push(world.person(id, "Иван").await);
    }
    people
}

/// Posts so many orders, a second between batches.
async fn post_all(world: &World, orders: usize) -> Vec<Posted> {
    let people = crowd(world).await;
    let mut posted = Vec::new();
    for batch in 0..orders / AT_ONCE {
        let body = |n: usize| {
            let number = batch * AT_ONCE + n;
            let mut body = job(&format!("contact {number}"));
            body["city"] = json!(CITIES[number % CITIES.len()]);
            body["category"] = json!(CATEGORIES[number / 7 % CATEGORIES.len()]);
            body
        };
        let answers =
            at_once(AT_ONCE, |n| people[n % people.len()].post("/api/orders", &body(n))).await;
        for (n, answer) in answers.iter().enumerate() {
            let order = answer.is(201).json();
            let number = batch * AT_ONCE + n;
            posted.push(Posted {
                id: order["id"].as_str().unwrap().to_owned(),
                city: number % CITIES.len(),
                category: number / 7 % CATEGORIES.len(),
                batch,
            });
        }
        world.advance(1).await;
    }
    world.idle().await;
    posted
}

/// What a page says of its place: the instant, then the id.
fn place(order: &Value) -> (String, String) {
    let text = |name: &str| order[name].as_str().unwrap().to_owned();
    (text("created_at"), text("id"))
}

/// Walks a list to its end: one query each time, always downwards.
async fn walk(world: &World, filter: &str, limit: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (mut cursor, mut last) = (String::new(), None);
    loop {
        let answer = world.get(&format!("/api/orders?limit={limit}{filter}{cursor}")).await;
        let page = answer.is(200).json();
        let cost = answer.cost().unwrap();
        assert_eq!((cost.requests, cost.items), (1, 0), "{filter}: {cost:?}");
        for order in page["orders"].as_array().unwrap() {
            let here = place(order);
            assert!(last.is_none_or(|last| last > here), "{here:?} is out of order");
            last = Some(here);
            assert!(order["contact"].is_null());
        }
        let before = found.len();
        let shown = ids(&page);
        found.extend(shown.iter().cloned());
        assert_eq!(found.len(), before + shown.len(), "a repeat: {filter}");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Every filter shows each of its orders once, whatever the size of a page.
async fn all_are_found_once(orders: usize) {
    let world = busy!("ACTIVE_ORDERS_PER_CLIENT_MAX" => "100000");
    let posted = post_all(&world, orders).await;
    let of = |wanted: &dyn Fn(&Posted) -> bool| -> BTreeSet<String> {
        posted.iter().filter(|order| wanted(order)).map(|order| order.id.clone()).collect()
    };
    assert_eq!(walk(&world, "", 100).await, of(&|_| true));
    for (city, name) in CITIES.iter().enumerate() {
        let filter = format!("&city={}", name.to_uppercase());
        assert_eq!(walk(&world, &filter, 100).await, of(&|order| order.city == city));
    }
    for (category, name) in CATEGORIES.iter().enumerate() {
        let filter = format!("&category={name}");
        assert_eq!(walk(&world, &filter, 100).await, of(&|order| order.category == category));
        let filter = format!("&category={name}&city={}", CITIES[category]);
        let both = of(&|order| order.category == category && order.city == category);
        assert_eq!(walk(&world, &filter, 33).await, both);
    }
    let total = world.get("/api/orders?limit=1").await.json()["total"].clone();
    assert_eq!(total, orders);
    let newest = world.get("/api/orders?limit=100").await.json();
    let last_batch = of(&|order| order.batch == orders / AT_ONCE - 1);
    assert!(ids(&newest).iter().all(|id| last_batch.contains(id)));
    let deep = world.get(&format!("/api/orders?limit=100&offset={}", orders - 30)).await;
    assert_eq!(deep.status, if orders > 1_030 { 422 } else { 200 }, "{deep}");
    if deep.status == 200 {
        assert_eq!(ids(&deep.json()).len(), 30);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a13_every_filter_pages_without_gap_or_repeat() {
    all_are_found_once(750).await;
}

/// As many as the acceptance list names; `cargo test -p tests --test errands -- --ignored a13`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute of two cores"]
async fn a13_five_thousand_orders_page_alike() {
    all_are_found_once(5_000).await;
}
