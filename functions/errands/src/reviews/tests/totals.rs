//! How many reviews each list says that it has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engine::{CrashMode, CrashPlan};
use serde_json::{Value, json};
use shared::idempotency::Idempotency;
use shared::table::Entity as _;

use super::super::model::{RATINGS, Reason};
use super::super::submit::{Blame, Praise, complain, review};
use super::super::{Review, list};
use super::{CLIENT, EXECUTORS, order};
use crate::events::{Feed, relay, sweep};
use crate::notify::tests::town::Town;
use crate::orders::{Order, Status};
use crate::testing::{Person, Reply, Request};

/// Those who review.
const CLIENTS: [i64; 2] = [CLIENT, CLIENT + 1];
const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

/// What was said: by whom, of whom, and how many stars.
type Said = (i64, i64, i64);

async fn town() -> Town {
    let town = Town::open().await;
    for id in CLIENTS.into_iter().chain(EXECUTORS) {
        town.world.known(id, "Анна").await;
    }
    drop(town.changes().await);
    town
}

/// The `n`th review, a millisecond after the one before.
async fn say(town: &Town, n: usize) -> Said {
    let said =
        (CLIENTS[n % 2], EXECUTORS[n % 3], RATINGS.start() + i64::try_from(n * n % 5).unwrap());
    let (client, executor, rating) = said;
    let id = format!("order-{n:06}");
    let order = order(&id, Status::Completed, &[executor], town.world.now());
    town.world.put(&Order { client_id: client, ..order }).await;
    let client = town.world.user(client).await;
    let praise = Praise { order_id: id, executor_id: None, rating, comment: None };
    let (app, now) = (&town.world.app, town.world.now());
    review(app, &client, &praise, &Idempotency::none(), now).await.unwrap();
    town.world.pass(Duration::from_millis(1));
    said
}

async fn said(town: &Town, count: usize) -> Vec<Said> {
    let mut all = Vec::new();
    for n in 0..count {
        all.push(say(town, n).await);
    }
    all
}

/// The totals and the lengths of all pages of three of a list.
async fn pages(town: &Town, who: Option<i64>, query: &str) -> (Vec<i64>, Vec<usize>) {
    let (mut totals, mut lengths, mut more) = (Vec::new(), Vec::new(), String::new());
    loop {
        let request = Request::get(&format!("/api/reviews?limit=3{query}{more}"));
        let request = match who {
            Some(id) => request.by(&town.world.sign_in(&Person::new(id, "Анна"))),
            None => request,
        };
        let reply: Reply = town.world.call(list(), request).await;
        assert_eq!(reply.status, 200, "{query}{more}");
        assert!(reply.cost.requests <= 1, "{query}{more}");
        totals.push(reply.headers["x-total-count"].as_str().unwrap().parse().unwrap());
        lengths.push(reply.body.as_array().unwrap().len());
        town.world.pass(Duration::from_secs(1));
        let Some(cursor) = reply.headers.get("x-next-cursor") else { return (totals, lengths) };
        more = format!("&cursor={}", cursor.as_str().unwrap());
    }
}

#[tokio::test]
async fn every_page_of_every_list_knows_its_total() {
    let town = town().await;
    let all = said(&town, 23).await;
    town.follow().await;
    for (who, flag) in [(None, ""), (Some(EXECUTORS[1]), "&about_me=1"), (Some(CLIENT), "&by_me=1")]
    {
        for rating in std::iter::once(None).chain(RATINGS.map(Some)) {
            let stands = |(client, executor, stars): &&Said| {
                let whose = match flag {
                    "" => true,
                    "&about_me=1" => *executor == EXECUTORS[1],
                    _ => *client == CLIENT,
                };
                whose && rating.is_none_or(|rating| rating == *stars)
            };
            let count = all.iter().filter(stands).count();
            let filter = rating.map(|rating| format!("&rating={rating}")).unwrap_or_default();
            let (totals, lengths) = pages(&town, who, &format!("{flag}{filter}")).await;
            assert_eq!(lengths.iter().sum::<usize>(), count, "{flag}{filter}");
            let expected = i64::try_from(count).unwrap();
            assert!(totals.iter().all(|t| *t == expected), "{flag}{filter}: {totals:?}, {count}");
        }
    }
}

#[tokio::test]
async fn a_total_is_never_below_what_was_shown() {
    let town = town().await;
    said(&town, 14).await;
    // Nothing is counted yet but for those whom it is about.
    let shown = vec![4, 7, 10, 13, 14];
    assert_eq!(pages(&town, None, "").await.0, shown);
    assert_eq!(pages(&town, Some(CLIENT), "&by_me=1").await.0, [4, 7, 7]);
    assert_eq!(pages(&town, Some(EXECUTORS[0]), "&about_me=1").await.0, [5, 5]);
    town.follow().await;
    assert_eq!(pages(&town, None, "").await.0, [14; 5]);
    assert_eq!(pages(&town, Some(CLIENT), "&by_me=1").await.0, [7; 3]);
    let both = pages(&town, Some(CLIENT), "&by_me=1&about_me=1").await;
    assert_eq!(both, (vec![0], vec![0]));
}

/// What the counters come to: of each feed, and of each author by rating.
async fn counted(town: &Town) -> (BTreeMap<String, i64>, Vec<Vec<i64>>) {
    let mut feeds = BTreeMap::new();
    for item in town.world.items("FeedCounter").await {
        let partition = item["feed"]["M"]["partition"]["S"].as_str().unwrap().to_owned();
        let count: i64 = item["count"]["N"].as_str().unwrap().parse().unwrap();
        *feeds.entry(partition).or_default() += count;
    }
    let mut authors = Vec::new();
    for id in CLIENTS {
        let author = town.world.user(id).await;
        authors.push(RATINGS.map(|rating| author.given(Some(rating))).collect());
    }
    (feeds, authors)
}

/// What they have to come to.
fn expected(all: &[Said]) -> (BTreeMap<String, i64>, Vec<Vec<i64>>) {
    let mut feeds = BTreeMap::new();
    let mut authors = vec![vec![0; 5]; 2];
    for (client, _, rating) in all {
        for feed in [None, Some(*rating)].map(Feed::of_reviews) {
            *feeds.entry(feed.partition).or_default() += 1;
        }
        let author = CLIENTS.iter().position(|id| id == client).unwrap();
        authors[author][usize::try_from(rating - 1).unwrap()] += 1;
    }
    (feeds, authors)
}

/// Every review counts once, and none waits to be counted.
async fn assert_counted(town: &Town, all: &[Said], what: &str) {
    assert_eq!(counted(town).await, expected(all), "{what}");
    let ids = town.world.items("GivenId").await;
    assert_eq!(ids.len(), all.len(), "{what}");
    for id in ids {
        let left = ["event", "event_id", "due_pk", "due_at"].map(|name| id.get(name));
        assert_eq!((left, &id["kind_of"]["S"]), ([None; 4], &json!("Review")), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_review_is_counted_once_however_often_and_together_it_comes() {
    let town = Arc::new(town().await);
    let all = said(&town, 12).await;
    let told = town.changes().await.of("GivenId");
    let instance = town.world.start(relay()).await;
    let mut calls = tokio::task::JoinSet::new();
    for record in told["Records"].as_array().unwrap().iter().cycle().take(12 * 5) {
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
    assert_counted(&town, &all, "told five times").await;
    town.pass(31);
    assert_eq!(town.world.tick(sweep()).await.unwrap()["published"], 0);
}

/// A town with one review that is not counted, and what the stream tells of it.
async fn one() -> (Town, Vec<Said>, Value) {
    let town = town().await;
    let all = said(&town, 1).await;
    let told = town.changes().await.of("GivenId");
    (town, all, told)
}

#[tokio::test]
async fn a_relay_or_sweep_that_dies_at_any_call_is_taken_up() {
    for (function, swept) in [("errands-events-relay", false), ("errands-outbox-sweep", true)] {
        for mode in MODES {
            for at in 0.. {
                let (town, all, told) = one().await;
                let caller = Some(format!("local-{function}"));
                town.world.engine.faults().crash(CrashPlan { caller, at, mode });
                if swept {
                    town.pass(31);
                    drop(town.world.tick(sweep()).await);
                } else {
                    let instance = town.world.start(relay()).await;
                    drop(town.world.run(&instance, &told).await);
                }
                let died = town.world.engine.faults().crashed();
                town.world.engine.faults().clear();
                // The stream tells it again, or the sweep finds it.
                if at % 2 == 0 && !swept {
                    town.tell(relay(), &told).await;
                }
                town.pass(31);
                town.world.tick(sweep()).await.unwrap();
                assert_counted(&town, &all, &format!("{function} {mode:?} at {at}")).await;
                if !died {
                    assert!(at >= 1, "{function} makes {at} calls");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn what_the_stream_loses_is_found_by_the_sweep() {
    let (town, all, _) = one().await;
    town.pass(29);
    assert_eq!(town.world.tick(sweep()).await.unwrap()["published"], 0);
    town.pass(1);
    assert_eq!(town.world.tick(sweep()).await.unwrap()["published"], 1);
    assert_counted(&town, &all, "swept").await;
}

#[tokio::test]
async fn counting_a_review_costs_one_transaction() {
    let (town, _, told) = one().await;
    let instance = town.world.start(relay()).await;
    let cost = town.world.run(&instance, &told).await.1;
    // The mark, two counters and the author.
    assert_eq!((cost.requests, cost.items, cost.messages), (1, 4, 0));
    let off = town.changes().await.of("GivenId");
    assert_eq!(off["Records"].as_array().unwrap().len(), 1);
    assert_eq!(town.world.run(&instance, &off).await.1.requests, 0, "its own mark is no news");
    // Nothing follows from a complaint.
    let executor = town.world.user(EXECUTORS[0]).await;
    let order_id = "order-000000".to_owned();
    let blame = Blame { order_id, reason: Reason::Silent, comment: None };
    let (app, now) = (&town.world.app, town.world.now());
    complain(app, &executor, &blame, &Idempotency::none(), now).await.unwrap();
    let told = town.changes().await.of("GivenId");
    assert_eq!(told["Records"].as_array().unwrap().len(), 1);
    assert_eq!(town.world.run(&instance, &told).await.1.requests, 0);
}

#[tokio::test]
async fn the_counters_stand_in_the_feeds_of_reviews() {
    let town = town().await;
    said(&town, 1).await;
    let item = &town.world.items(Review::KIND).await[0];
    for feed in [None, Some(1)].map(Feed::of_reviews) {
        assert_eq!(item[feed.attribute()]["S"], feed.partition.as_str());
    }
    assert!(item.get("due_pk").is_none(), "taking the event off would write its indexes again");
}
