//! What has waited for a cool-down comes as one digest.

use std::sync::Arc;

use serde_json::json;

use super::town::{Town, digest_of, offer, order};
use crate::notify::{digest, digest_sweep, fanout};
use crate::orders::{Order, Status};

const ANNA: i64 = 4_300_000_101;

#[tokio::test]
async fn four_orders_within_one_cool_down_are_one_message_and_one_digest() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    for n in 1..=4 {
        town.order(n).await;
        town.run(2).await;
    }
    assert_eq!(town.bot.texts(ANNA), [offer(1)]);
    // Ten minutes after the first message.
    town.pass(600 - 4 * 2 - 1);
    town.settle().await;
    assert_eq!(town.bot.texts(ANNA).len(), 1);
    town.run(2).await;
    assert_eq!(town.bot.texts(ANNA), [offer(1), digest_of(&[2, 3, 4])]);
    town.pass(20 * 60);
    town.run(2).await;
    assert_eq!(town.bot.sent().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn digests_that_fall_due_while_orders_come_lose_and_repeat_nothing() {
    let town = Arc::new(Town::open().await);
    town.subscriber(ANNA).await;
    let started = [town.world.start(fanout()).await, town.world.start(digest()).await];
    for round in 0..12 {
        let orders = [3 * round, 3 * round + 1, 3 * round + 2];
        for n in orders {
            town.post(&order(n, town.world.now())).await;
        }
        let hints = orders.map(|n| json!({ "order_id": format!("order-{n:06}"), "v": 1 }));
        let flush = json!({ "user_id": ANNA, "v": 1 });
        let mut calls = tokio::task::JoinSet::new();
        for (instance, body) in hints.iter().map(|hint| (&started[0], hint)).chain([
            (&started[1], &flush),
            (&started[1], &flush),
            (&started[0], &hints[0]),
        ]) {
            let (town, instance, body) = (Arc::clone(&town), instance.clone(), body.to_string());
            calls.spawn(async move {
                let event = json!({ "Records": [{
                    "messageId": "1", "body": body, "attributes": {},
                    "messageAttributes": {}, "eventSource": "aws:sqs",
                }] });
                // Whoever is outrun too often comes again.
                while town.world.run(&instance, &event).await.0.unwrap()["batchItemFailures"]
                    != json!([])
                {}
            });
        }
        calls.join_all().await;
        town.run(2).await;
        town.pass(300);
    }
    town.pass(600);
    town.run(2).await;
    let texts = town.bot.texts(ANNA);
    for n in 0..36 {
        let link = format!("order_order-{n:06}");
        let times: usize = texts.iter().map(|text| text.matches(&link).count()).sum();
        assert_eq!(times, 1, "{n}: {texts:?}");
    }
}

#[tokio::test]
async fn a_digest_holds_what_is_open_when_it_is_sent() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    let mut orders = Vec::new();
    for n in 1..=4 {
        orders.push(town.order(n).await);
        town.settle().await;
    }
    for ended in &orders[1..3] {
        town.world.put(&Order { status: Status::Deleted, ..ended.clone() }).await;
    }
    town.pass(600);
    town.run(2).await;
    assert_eq!(town.bot.texts(ANNA), [offer(1), offer(4)]);
    // All that waited has ended: nothing is sent, and the next order waits for nothing.
    town.pass(10);
    let waits = town.order(5).await;
    town.settle().await;
    town.world.put(&Order { status: Status::Completed, ..waits }).await;
    town.pass(600);
    town.run(2).await;
    town.order(6).await;
    town.run(2).await;
    assert_eq!(town.bot.texts(ANNA)[2..], [offer(6)]);
}

#[tokio::test]
async fn the_cool_down_follows_the_settings() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    for n in 1..=3 {
        town.order(n).await;
        town.settle().await;
    }
    town.change(ANNA, |user| user.frequency = Some(5)).await;
    town.settle().await;
    town.pass(299);
    town.settle().await;
    assert_eq!(town.bot.texts(ANNA).len(), 1);
    town.run(2).await;
    assert_eq!(town.bot.texts(ANNA), [offer(1), digest_of(&[2, 3])]);
    town.change(ANNA, |user| user.frequency = Some(15)).await;
    for n in 4..=5 {
        town.order(n).await;
        town.settle().await;
    }
    town.pass(890);
    town.settle().await;
    assert_eq!(town.bot.texts(ANNA).len(), 2);
    // Whoever switches off waits for nothing, and for nothing later.
    town.change(ANNA, |user| user.notifications = false).await;
    town.settle().await;
    town.change(ANNA, |user| user.notifications = true).await;
    town.run(60).await;
    assert_eq!(town.bot.texts(ANNA).len(), 2);
    town.order(6).await;
    town.run(2).await;
    assert_eq!(town.bot.texts(ANNA)[2..], [offer(6)]);
}

#[tokio::test]
async fn a_lost_hint_of_a_digest_is_found_by_the_sweep() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    for n in 1..=3 {
        town.order(n).await;
        town.settle().await;
    }
    town.world.engine.queues().purge("digests").unwrap();
    town.pass(659);
    let found = town.world.tick(digest_sweep()).await.unwrap();
    assert_eq!(found, json!({ "found": 0, "failed": 0, "complete": true }));
    town.pass(1);
    for expected in [1, 0] {
        assert_eq!(town.world.tick(digest_sweep()).await.unwrap()["found"], expected);
    }
    town.run(2).await;
    assert_eq!(town.bot.texts(ANNA), [offer(1), digest_of(&[2, 3])]);
}
