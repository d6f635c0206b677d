//! Lists, their pages, their totals, their cursors, and what a page costs.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;
use shared::table::Write;

use super::list;
use crate::events::{Feed, FeedCounter};
use crate::orders::{CityKey, Order, OwnedOrder, Status, TakenOrder, order_key};
use crate::testing::{Person, Reply, Request, World};
use crate::users::user_key;

const CLIENT: i64 = 501;
const EXECUTOR: i64 = 777;
const CITIES: [&str; 3] = ["Москва", "Орёл", "Нью-Йорк"];
const CATEGORIES: [&str; 2] = ["Сантехника", "Другое"];

/// The order number `n`, made `n` seconds before now: `status`, not taken.
fn order(world: &World, n: i64, status: Status) -> Order {
    let city = CITIES[usize::try_from(n).unwrap() % CITIES.len()];
    let created_at = world.now() - jiff::SignedDuration::from_secs(n);
    let order = Order {
        id: format!("order-{n:06}"),
        client_id: CLIENT,
        category: CATEGORIES[usize::try_from(n).unwrap() % CATEGORIES.len()].to_owned(),
        description: "Течёт кран на кухне, нужен мастер".to_owned(),
        city: city.to_owned(),
        city_key: CityKey::of(city).into(),
        contact: "@secret_contact".to_owned(),
        contact_kind: "telegram".to_owned(),
        contact_key: format!("key-{n}"),
        created_at,
        expires_in_minutes: 60,
        status,
        taken_by: Vec::new(),
        response_deadline: None,
        customer_responded_at: None,
        end_at: created_at + jiff::SignedDuration::from_hours(1),
        review: None,
        version: 1,
    };
    Order { end_at: order.ends_at(), ..order }
}

/// Stores it as its creation does: the order, its client's row, the counters.
async fn post(world: &World, order: &Order) {
    world.put(order).await;
    world.put(&OwnedOrder::of(order)).await;
    for feed in Feed::of(order.status, &order.city_key, &order.category) {
        world
            .table()
            .write(FeedCounter::change(&feed, order.version.unsigned_abs() % 4, 1))
            .await
            .unwrap();
    }
    let counter = format!("own_{}", order.status.name());
    count(world, CLIENT, &counter).await;
}

async fn count(world: &World, user: i64, counter: &str) {
    world.table().write(Write::update("user", user_key(user)).add(counter, 1)).await.unwrap();
}

async fn list_as(world: &World, caller: Option<i64>, query: &[(&str, &str)]) -> Reply {
    let encoded: Vec<String> =
        query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    let request = Request::get(&format!("/api/orders?{}", encoded.join("&")));
    let request = match caller {
        Some(id) => request.by(&world.sign_in(&Person::new(id, "Анна"))),
        None => request,
    };
    world.call(list(), request).await
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn ids(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, 200, "{}", reply.body);
    let orders = reply.body["orders"].as_array().unwrap();
    orders.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

/// All pages of a list, and the total that each told.
async fn pages(
    world: &World,
    caller: Option<i64>,
    query: &[(&str, &str)],
) -> (Vec<String>, Vec<i64>) {
    let (mut found, mut totals, mut cursor) = (Vec::new(), Vec::new(), None::<String>);
    loop {
        let mut query = query.to_vec();
        query.push(("limit", "7"));
        if let Some(cursor) = &cursor {
            query.push(("cursor", cursor));
        }
        let reply = list_as(world, caller, &query).await;
        found.extend(ids(&reply));
        totals.push(reply.body["total"].as_i64().unwrap());
        cursor = reply.body["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return (found, totals);
        }
    }
}

#[tokio::test]
async fn a_crowd_is_given_a_page_of_the_last_second() {
    let world = World::new().await;
    for n in [5, 3_599] {
        post(&world, &order(&world, n, Status::Active)).await;
    }
    world.pass(Duration::from_millis(600));
    let instance = world.start(list()).await;
    let ask = async || world.send(&instance, Request::get("/api/orders")).await;
    let mut hot = ask().await;
    for _ in 0..1_000 {
        if hot.cost.requests == 0 {
            break;
        }
        hot = ask().await;
    }
    assert_eq!(hot.cost.requests, 0, "never hot");
    assert_eq!(ids(&hot), ["order-000005", "order-003599"]);
    world.pass(Duration::from_millis(400));
    assert_eq!(ids(&ask().await), ["order-000005"], "its hour is over now");
    post(&world, &order(&world, 1, Status::Active)).await;
    world.pass(Duration::from_millis(600));
    let fresh = ask().await;
    assert_eq!(fresh.cost.requests, 1, "a second later");
    assert_eq!(ids(&fresh), ["order-000001", "order-000005"]);
}

#[tokio::test]
async fn every_feed_pages_without_gap_or_repeat_at_one_request_a_page() {
    let world = World::new().await;
    let mut all = Vec::new();
    for n in 0..120 {
        let status = if n % 5 == 0 { Status::Completed } else { Status::Active };
        let order = order(&world, n, status);
        post(&world, &order).await;
        all.push(order);
    }
    for status in [Status::Active, Status::Completed, Status::Expired] {
        for city in [None, Some("москва"), Some(" ОРЕЛ "), Some("Тверь")] {
            for category in [None, Some(CATEGORIES[0]), Some("Такси")] {
                let mut query = vec![("status", status.name())];
                query.extend(city.map(|city| ("city", city)));
                query.extend(category.map(|category| ("category", category)));
                let key = city.map(|city| String::from(CityKey::of(city)));
                let expected: Vec<String> = all
                    .iter()
                    .filter(|order| order.status == status)
                    .filter(|order| key.as_ref().is_none_or(|key| *key == order.city_key))
                    .filter(|order| category.is_none_or(|category| category == order.category))
                    .map(|order| order.id.clone())
                    .collect();
                let (found, totals) = pages(&world, None, &query).await;
                assert_eq!(found, expected, "{query:?}");
                let total = i64::try_from(expected.len()).unwrap();
                assert!(totals.iter().all(|told| *told == total), "{query:?}: {totals:?}");
                let reply = list_as(&world, None, &query).await;
                let asked = u32::from(category != Some("Такси"));
                assert_eq!(reply.cost.requests, asked, "{query:?}");
            }
        }
    }
}

#[tokio::test]
async fn nobody_reads_a_contact_in_a_list() {
    let world = World::new().await;
    post(&world, &order(&world, 1, Status::Active)).await;
    for caller in [None, Some(EXECUTOR), Some(CLIENT)] {
        for query in [&[][..], &[("mine", "true")]] {
            let reply = list_as(&world, caller, query).await;
            assert!(!reply.body.to_string().contains("secret_contact"));
            assert!(reply.body["orders"][0]["contact"].is_null());
        }
    }
}

#[tokio::test]
async fn what_the_clock_has_ended_is_gone_at_that_instant() {
    let world = World::new().await;
    post(&world, &order(&world, 0, Status::Active)).await;
    world.pass(Duration::from_secs(3_600) - Duration::from_micros(1));
    let before = list_as(&world, None, &[]).await;
    assert_eq!(ids(&before).len(), 1);
    world.pass(Duration::from_micros(1));
    let tag = before.headers["etag"].as_str().unwrap();
    let again = world.call(list(), Request::get("/api/orders").header("if-none-match", tag)).await;
    assert_eq!((again.status.as_u16(), ids(&again).len()), (200, 0));
    assert!(again.body["next_cursor"].is_null());
}

#[tokio::test]
async fn the_same_page_is_not_sent_twice() {
    let world = World::new().await;
    post(&world, &order(&world, 0, Status::Active)).await;
    let first = list_as(&world, None, &[]).await;
    let tag = first.headers["etag"].as_str().unwrap();
    let again = world.call(list(), Request::get("/api/orders").header("if-none-match", tag)).await;
    assert_eq!(again.status, 304);
    assert_eq!(again.headers["vary"], first.headers["vary"]);
}

#[tokio::test]
async fn ones_own_lists_hold_what_they_should() {
    let world = World::new().await;
    let statuses = [
        Status::Active,
        Status::Expired,
        Status::Deleted,
        Status::ClosedNoResponse,
        Status::Completed,
    ];
    world.known(CLIENT, "Анна").await;
    world.known(EXECUTOR, "Анна").await;
    for n in 0..25 {
        let status = statuses[usize::try_from(n).unwrap() % 5];
        let mut order = order(&world, n, status);
        if n % 2 == 0 && status != Status::Deleted {
            let take = crate::testing::take(EXECUTOR, world.now());
            order.taken_by.push(take);
            world.put(&TakenOrder::of(&order, &take)).await;
            count(&world, EXECUTOR, &format!("taken_{}", status.name())).await;
        }
        post(&world, &order).await;
    }
    let own = async |caller, flag, status: Option<&str>| {
        let mut query = vec![(flag, "true")];
        query.extend(status.map(|status| ("status", status)));
        let (found, totals) = pages(&world, Some(caller), &query).await;
        let total = i64::try_from(found.len()).unwrap();
        assert!(totals.iter().all(|told| *told == total), "{query:?}: {totals:?}");
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(sorted, found, "newest first");
        found.len()
    };
    assert_eq!(own(CLIENT, "mine", None).await, 20);
    assert_eq!(own(CLIENT, "mine", Some("all")).await, 25);
    assert_eq!(own(EXECUTOR, "taken_by_me", None).await, 10);
    assert_eq!(own(EXECUTOR, "taken_by_me", Some("all")).await, 10);
    assert_eq!(own(EXECUTOR, "mine", None).await, 0);
    for status in statuses {
        assert_eq!(own(CLIENT, "mine", Some(status.name())).await, 5);
        let taken = own(EXECUTOR, "taken_by_me", Some(status.name())).await;
        assert_eq!(taken == 0, status == Status::Deleted);
    }
    let both = list_as(&world, Some(CLIENT), &[("mine", "1"), ("taken_by_me", "1")]).await;
    assert_eq!(ids(&both).len(), 0);
    // Without a caller the flags mean nothing.
    assert_eq!(ids(&list_as(&world, None, &[("mine", "true")]).await).len(), 5);
    let page = list_as(&world, Some(CLIENT), &[("mine", "true")]).await;
    assert_eq!(page.cost.requests, 2, "one Query, one batch read");
}

#[tokio::test]
async fn a_filter_of_ones_own_list_counts_exactly_once_the_list_ends() {
    let world = World::new().await;
    world.known(CLIENT, "Анна").await;
    for n in 0..20 {
        post(&world, &order(&world, n, Status::Active)).await;
    }
    let query = [("mine", "true"), ("category", CATEGORIES[0])];
    let (found, totals) = pages(&world, Some(CLIENT), &query).await;
    assert_eq!((found.len(), *totals.last().unwrap()), (10, 10));
    assert!(totals.iter().all(|total| (10..=20).contains(total)), "{totals:?}");
    let mut skipping = query.to_vec();
    skipping.extend([("offset", "8"), ("limit", "50")]);
    let rest = list_as(&world, Some(CLIENT), &skipping).await;
    assert_eq!((ids(&rest), &rest.body["total"]), (found[8..].to_vec(), &Value::from(10)));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new().await;
    for n in 0..9 {
        post(&world, &order(&world, n, Status::Active)).await;
    }
    let page = list_as(&world, None, &[("limit", "2")]).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    for (caller, query) in [
        (None, vec![("limit", "0")]),
        (None, vec![("limit", "101")]),
        (None, vec![("limit", "ten")]),
        (None, vec![("offset", "-1")]),
        (None, vec![("offset", "1001")]),
        (None, vec![("offset", "1180591620717411303424")]),
        (None, vec![("status", "foo")]),
        (None, vec![("mine", "perhaps")]),
        (None, vec![("cursor", "nonsense")]),
        (None, vec![("cursor", cursor), ("offset", "1")]),
        (None, vec![("cursor", cursor), ("city", "Москва")]),
        (None, vec![("cursor", cursor), ("status", "expired")]),
        (Some(EXECUTOR), vec![("cursor", cursor)]),
    ] {
        let reply = list_as(&world, caller, &query).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (422, &"validation_failed".into()),
            "{query:?}: {}",
            reply.body
        );
    }
    for silent in ["deleted", "closed_no_response", "all"] {
        assert_eq!(ids(&list_as(&world, None, &[("status", silent)]).await).len(), 9);
    }
    let coerced = list_as(&world, None, &[("limit", "3.0"), ("offset", "8")]).await;
    assert_eq!((ids(&coerced).len(), &coerced.body["total"]), (1, &Value::from(9)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// An offset and a limit show what the whole list shows there.
    #[test]
    fn offsets_agree_with_the_whole(offset in 0_usize..40, limit in 1_usize..40) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new().await;
            for n in 0..30 {
                post(&world, &order(&world, n, Status::Active)).await;
            }
            let (all, _) = pages(&world, None, &[]).await;
            let (o, l) = (offset.to_string(), limit.to_string());
            let reply = list_as(&world, None, &[("offset", &o), ("limit", &l)]).await;
            let end = all.len().min(offset + limit);
            assert_eq!(ids(&reply), all[offset.min(end)..end].to_vec());
            assert_eq!(reply.body["next_cursor"].is_null(), offset + limit >= all.len());
            // By the letter: never below the offset and what is shown.
            assert_eq!(reply.body["total"], 30.max(offset + end - offset.min(end)));
        });
    }
}

#[tokio::test]
async fn what_no_order_can_have_is_an_empty_page_without_a_request() {
    let world = World::new().await;
    post(&world, &order(&world, 1, Status::Active)).await;
    let long = "я".repeat(2_000);
    for query in [("category", long.as_str()), ("category", "Такси"), ("city", &long)] {
        for caller in [None, Some(EXECUTOR)] {
            let reply = list_as(&world, caller, &[query, ("mine", "true")]).await;
            assert_eq!((ids(&reply).len(), reply.cost.requests), (0, 0), "{query:?}");
        }
    }
    let both = [("mine", "true"), ("taken_by_me", "true"), ("offset", "7")];
    assert_eq!(list_as(&world, Some(EXECUTOR), &both).await.body["total"], 7);
    let beyond = list_as(&world, Some(EXECUTOR), &[("mine", "true"), ("offset", "9")]).await;
    assert_eq!((ids(&beyond).len(), &beyond.body["total"]), (0, &9.into()));
}

#[tokio::test]
async fn an_order_that_left_the_list_leaves_no_gap() {
    let world = World::new().await;
    for n in 0..9 {
        post(&world, &order(&world, n, Status::Active)).await;
    }
    let first = list_as(&world, None, &[("limit", "3")]).await;
    let cursor = first.body["next_cursor"].as_str().unwrap().to_owned();
    let gone = ids(&first)[2].clone();
    world.table().write(Write::delete("order", order_key(&gone))).await.unwrap();
    let second = list_as(&world, None, &[("limit", "3"), ("cursor", &cursor)]).await;
    assert_eq!(ids(&second), ["order-000003", "order-000004", "order-000005"]);
}
