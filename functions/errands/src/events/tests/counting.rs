//! Counters of feeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::table::Entity as _;

use crate::events::{Event, Feed, FeedCounter, OrderFacts, moves, relay};
use crate::notify::tests::town::{Town, facts, order};
use crate::orders::{Category, Order, Status};

/// What may become of an order.
#[derive(Clone, Copy, Debug)]
enum Change {
    Moved(usize),
    Taken,
    Responded,
    Ended(Status),
}

fn changes() -> impl Strategy<Value = Vec<(usize, Change)>> {
    let status = prop_oneof![
        Just(Status::Expired),
        Just(Status::Deleted),
        Just(Status::Completed),
        Just(Status::ClosedNoResponse),
    ];
    let change = prop_oneof![
        3 => (0_usize..7).prop_map(Change::Moved),
        1 => Just(Change::Taken),
        1 => Just(Change::Responded),
        3 => status.prop_map(Change::Ended),
    ];
    proptest::collection::vec((0_usize..8, change), 0..60)
}

/// The event of a change that the order's life allows, and the order after it.
fn event(order: &Order, change: Change) -> Option<(Event, Order)> {
    let facts = |order: &Order| facts(order);
    match change {
        Change::Moved(n) if order.status == Status::Active => {
            let category = Category::ALL[n].name().to_owned();
            let after = Order { category, ..order.clone() };
            let event =
                Event::OrderMoved { order: facts(&after), from_category: order.category.clone() };
            Some((event, after))
        }
        Change::Taken => {
            let event = Event::OrderTaken { order: facts(order), response_deadline: None };
            Some((event, order.clone()))
        }
        Change::Responded => Some((Event::OrderResponded { order: facts(order) }, order.clone())),
        Change::Ended(to) => {
            let deleted = order.status == Status::Expired && to == Status::Deleted;
            if order.status != Status::Active && !deleted {
                return None;
            }
            let event = Event::OrderEnded {
                order: facts(order),
                from: order.status,
                to,
                by_clock: false,
                refunded: Vec::new(),
            };
            Some((event, Order { status: to, ..order.clone() }))
        }
        Change::Moved(_) => None,
    }
}

proptest! {
    #[test]
    fn moves_add_up_to_the_orders_of_each_feed(changes in changes()) {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let mut orders: Vec<_> = (0..8)
            .map(|n| Order { city_key: format!("город {}", n % 3), ..order(n, now) })
            .collect();
        let mut counters: BTreeMap<Feed, i64> = BTreeMap::new();
        let mut count = |event: &Event| {
            for moved in moves(event) {
                *counters.entry(moved.feed).or_default() += moved.by;
            }
        };
        for order in &orders {
            count(&Event::OrderCreated { order: facts(order) });
        }
        for (n, change) in changes {
            if let Some((event, after)) = event(&orders[n], change) {
                count(&event);
                orders[n] = after;
            }
        }
        let mut expected: BTreeMap<Feed, i64> = BTreeMap::new();
        for order in &orders {
            for feed in Feed::of(order.status, &order.city_key, &order.category) {
                *expected.entry(feed).or_default() += 1;
            }
        }
        counters.retain(|_, count| *count != 0);
        prop_assert_eq!(counters, expected);
    }
}

#[test]
fn feeds_are_the_partitions_that_orders_stand_in() {
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    for status in [Status::Active, Status::Expired, Status::Completed, Status::Deleted] {
        let order = Order { status, ..order(1, now) };
        let feeds = Feed::of(status, &order.city_key, &order.category);
        let expected: Vec<_> =
            feeds.iter().map(|feed| (feed.attribute(), feed.partition.clone())).collect();
        let is_feed = |name: &str| name.starts_with("feed_") && name.ends_with("_pk");
        let index: Vec<_> = order.index().into_iter().filter(|(name, _)| is_feed(name)).collect();
        assert_eq!(index, expected);
    }
}

/// The sum of each counter that is not 0.
async fn totals(town: &Town) -> BTreeMap<String, i64> {
    let mut totals = BTreeMap::new();
    for item in town.world.items("FeedCounter").await {
        let partition = item["feed"]["M"]["partition"]["S"].as_str().unwrap().to_owned();
        let index = item["feed"]["M"]["index"]["N"].as_str().unwrap();
        let count: i64 = item["count"]["N"].as_str().unwrap().parse().unwrap();
        assert_eq!(item["feed_at"]["S"].as_str().unwrap().len(), 2);
        assert_eq!(item[format!("feed_{index}_pk")]["S"], partition.as_str());
        *totals.entry(partition).or_default() += count;
    }
    totals.retain(|_, total| *total != 0);
    totals
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_event_is_counted_once_however_often_and_together_it_comes() {
    let town = Arc::new(Town::open().await);
    for n in 0..12 {
        let created = town.order(n).await;
        if n % 3 == 0 {
            let (event, after) = event(&created, Change::Ended(Status::Completed)).unwrap();
            town.put_with(&after, event).await;
        }
    }
    let told = town.changes().await.of("OutboxEvent");
    let instance = town.world.start(relay()).await;
    let mut calls = tokio::task::JoinSet::new();
    for record in told["Records"].as_array().unwrap().iter().cycle().take(16 * 5) {
        let event = json!({ "Records": [record] });
        let (town, instance) = (Arc::clone(&town), instance.clone());
        calls.spawn(async move { (town.world.run(&instance, &event).await.0.unwrap(), event) });
    }
    for (answer, event) in calls.join_all().await {
        // Whoever lost to the others too often comes again.
        if answer["batchItemFailures"] != json!([]) {
            town.tell(relay(), &event).await;
        }
    }
    let place = "нижний новгород";
    let expected = [
        ("active".to_owned(), 8),
        ("active##Клининг".to_owned(), 8),
        (format!("active#{place}"), 8),
        (format!("active#{place}#Клининг"), 8),
        ("completed".to_owned(), 4),
        ("completed##Клининг".to_owned(), 4),
        (format!("completed#{place}"), 4),
        (format!("completed#{place}#Клининг"), 4),
    ];
    assert_eq!(totals(&town).await, expected.clone().into_iter().collect());
    assert!(town.world.items("FeedCounter").await.len() > 8, "spread over shards");
    town.settle().await;
    assert_eq!(totals(&town).await, expected.into_iter().collect());
    assert_eq!(town.world.items("OutboxEvent").await.len(), 0);
}

#[tokio::test]
async fn one_query_of_a_feed_meets_its_counters_first() {
    use shared::table::Query;
    let town = Town::open().await;
    for n in 0..9 {
        town.order(n).await;
    }
    town.follow().await;
    let query = Query::global_index("feed_1", ("feed_1_pk", "active".to_owned()), "feed_at");
    let page = town.world.table().query(&query.descending().limit(12)).await.unwrap();
    let (counters, orders): (Vec<_>, Vec<_>) =
        page.items.iter().partition(|item| item.text("kind") == Some(FeedCounter::KIND));
    let total: i64 = counters.iter().map(|item| item.read::<FeedCounter>().unwrap().count).sum();
    assert_eq!((total, orders.len()), (9, page.items.len() - counters.len()));
    let first: Vec<_> = page.items.iter().take(counters.len()).collect();
    assert_eq!(first, counters);
}

#[test]
fn cities_and_categories_do_not_mix_their_counters() {
    let key = |feed: &Feed| FeedCounter::key_of(feed, 0).pk;
    let of = |city: &str, category: &str| Feed::of(Status::Active, city, category);
    let keys: Vec<_> = of("тула", "Другое").iter().chain(&of("", "Другое")).map(key).collect();
    let distinct: std::collections::BTreeSet<_> = keys.iter().collect();
    // The feeds `all` and `Другое` are the same for both.
    assert_eq!((keys.len(), distinct.len()), (8, 6));
    let facts: Value = serde_json::to_value(OrderFacts {
        order_id: "x".to_owned(),
        client_id: 1,
        category: String::new(),
        city: String::new(),
        city_key: String::new(),
        executors: Vec::new(),
    })
    .unwrap();
    assert!(facts.get("contact").is_none() && facts.get("description").is_none());
}
