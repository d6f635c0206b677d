//! Who hears of a new order, and how often.

use std::sync::Arc;

use serde_json::json;

use super::town::{CITY, Town, facts, offer, order};
use crate::events::{self, Event};
use crate::notify::{State, digest, fanout};
use crate::orders::{Order, Status};

const ANNA: i64 = 4_300_000_101;
const BORIS: i64 = 4_300_000_102;

#[tokio::test]
async fn those_who_match_hear_of_it_and_nobody_else() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    let others = ["author", "deaf", "blocked", "category", "city", "nothing"];
    for (id, what) in (BORIS..).zip(others) {
        town.subscriber(id).await;
        town.change(id, |user| match what {
            "deaf" => user.notifications = false,
            "blocked" => user.bot_blocked = true,
            "category" => user.categories = vec!["Электрика".to_owned()],
            "city" => user.cities = vec!["Новгород".to_owned()],
            "nothing" => user.categories.clear(),
            _ => {}
        })
        .await;
    }
    town.subscriber(BORIS + 20).await;
    town.change(BORIS + 20, |user| user.cities = vec![" нижний  НОВГОРОД ".to_owned()]).await;
    town.follow().await;
    town.post(&Order { client_id: BORIS, ..order(1, town.world.now()) }).await;
    town.run(2).await;
    let mut chats: Vec<_> = town.bot.sent().iter().map(|sent| sent.chat).collect();
    chats.sort_unstable();
    assert_eq!(chats, [ANNA, BORIS + 20]);
    assert_eq!(town.bot.texts(ANNA), [offer(1)]);
}

#[tokio::test]
async fn a_removed_subscription_never_sends_even_while_the_index_holds_it() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    town.subscriber(BORIS).await;
    // The index has not followed this.
    town.change(ANNA, |user| user.cities.clear()).await;
    let changes = town.changes().await;
    town.order(1).await;
    town.follow().await;
    // Matched, and unwanted before it is sent.
    town.world.deliver(fanout(), "fanout").await;
    town.change(BORIS, |user| user.notifications = false).await;
    town.settle().await;
    assert_eq!(town.bot.sent(), []);
    assert_eq!(town.notice(&format!("new_order:{BORIS}:order-000001")).await.state, State::Skipped);
    town.tell(crate::notify::index(), &changes.of("User")).await;
    assert_eq!(town.world.items("Subscription").await.len(), 0);
}

#[tokio::test]
async fn the_index_follows_the_settings_whatever_the_order_it_is_told_in() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    town.change(ANNA, |user| user.cities = vec!["Тула".to_owned(), CITY.to_owned()]).await;
    let first = town.changes().await;
    town.change(ANNA, |user| user.categories.push("Другое".to_owned())).await;
    town.change(ANNA, |user| user.cities = vec!["Тула".to_owned()]).await;
    let second = town.changes().await;
    let rows = || async {
        let rows = town.world.items("Subscription").await;
        rows.iter().map(|row| row["pk"]["S"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for changes in [&second, &first, &second, &first, &first] {
        town.tell(crate::notify::index(), &changes.of("User")).await;
    }
    assert_eq!(rows().await, ["SUB#тула#Другое", "SUB#тула#Клининг"]);
    // A change of something else costs nothing.
    town.change(ANNA, |user| user.balance = 500).await;
    let instance = town.world.start(crate::notify::index()).await;
    let event = town.changes().await.of("User");
    let (answer, cost) = town.world.run(&instance, &event).await;
    assert_eq!((answer.unwrap()["batchItemFailures"].clone(), cost.requests), (json!([]), 0));
    town.change(ANNA, |user| user.bot_blocked = true).await;
    town.follow().await;
    assert_eq!(rows().await, [""; 0]);
}

#[tokio::test]
async fn the_most_that_settings_may_hold_fits_into_the_index() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    town.change(ANNA, |user| {
        user.categories = crate::orders::Category::ALL.map(|c| c.name().to_owned()).to_vec();
        user.cities = (0..20).map(|n| format!("Город {n}")).collect();
    })
    .await;
    town.follow().await;
    assert_eq!(town.world.items("Subscription").await.len(), 140);
}

#[tokio::test]
async fn every_page_reaches_everybody_once_however_often_it_comes() {
    let town = Town::open().await;
    let people = ANNA..ANNA + 120;
    for id in people.clone() {
        town.subscriber(id).await;
    }
    town.order(1).await;
    town.follow().await;
    let queues = town.world.engine.queues();
    for step in [2, 0, 1, 0, 0, 1] {
        let hint = json!({ "order_id": "order-000001", "step": step, "v": 1 });
        queues.send("fanout", &hint.to_string(), None).unwrap();
    }
    town.run(8).await;
    let mut chats: Vec<_> = town.bot.sent().iter().map(|sent| sent.chat).collect();
    chats.sort_unstable();
    assert_eq!(chats, people.collect::<Vec<_>>());
    assert_eq!(town.world.items("OutboxEvent").await.len(), 0);
}

#[tokio::test]
async fn a_fan_out_whose_hint_was_lost_is_carried_on_by_the_sweep() {
    let town = Town::open().await;
    let people = ANNA..ANNA + 120;
    for id in people.clone() {
        town.subscriber(id).await;
    }
    town.order(1).await;
    town.follow().await;
    for step in 0..3 {
        town.world.engine.queues().purge("fanout").unwrap();
        town.pass(29);
        assert_eq!(town.world.tick(events::sweep()).await.unwrap()["published"], 0, "{step}");
        town.pass(1);
        assert_eq!(town.world.tick(events::sweep()).await.unwrap()["published"], 1, "{step}");
        // A hint of before, which was not lost after all.
        let late = json!({ "order_id": "order-000001", "step": step, "v": 1 });
        town.world.engine.queues().send("fanout", &late.to_string(), None).unwrap();
        assert_eq!(town.world.deliver(fanout(), "fanout").await, (2, 0), "{step}");
    }
    town.run(8).await;
    let mut chats: Vec<_> = town.bot.sent().iter().map(|sent| sent.chat).collect();
    chats.sort_unstable();
    assert_eq!(chats, people.collect::<Vec<_>>());
    assert_eq!(town.world.items("OutboxEvent").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn pages_of_many_orders_at_once_lose_and_repeat_nothing() {
    let town = Arc::new(Town::open().await);
    for id in [ANNA, BORIS] {
        town.subscriber(id).await;
    }
    for n in 1..=6 {
        town.post(&order(n, town.world.now())).await;
    }
    let instance = town.world.start(fanout()).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in (1..=6).cycle().take(30) {
        let (town, instance) = (Arc::clone(&town), instance.clone());
        calls.spawn(async move {
            let body = json!({ "order_id": format!("order-{n:06}"), "v": 1 }).to_string();
            let event = json!({ "Records": [{
                "messageId": "1", "body": body, "attributes": {},
                "messageAttributes": {}, "eventSource": "aws:sqs",
            }] });
            town.world.run(&instance, &event).await.0.unwrap()
        });
    }
    for answer in calls.join_all().await {
        // Whoever was outrun too often comes again.
        for _ in answer["batchItemFailures"].as_array().unwrap() {
            for n in 1..=6 {
                let body = json!({ "order_id": format!("order-{n:06}"), "v": 1 }).to_string();
                town.world.engine.queues().send("fanout", &body, None).unwrap();
            }
        }
    }
    town.run(2).await;
    town.pass(600);
    town.run(2).await;
    for id in [ANNA, BORIS] {
        let texts = town.bot.texts(id);
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[1].starts_with("🔔 Новых заказов: 5\n"));
        for n in 1..=6 {
            let link = format!("order_order-{n:06}");
            let times = texts.iter().filter(|text| text.contains(&link)).count();
            assert_eq!(times, 1, "{n}: {texts:?}");
        }
    }
}

#[tokio::test]
async fn what_has_ended_is_offered_to_nobody() {
    let town = Town::open().await;
    town.subscriber(ANNA).await;
    // Before the fan-out.
    let ended = town.order(1).await;
    town.world.put(&Order { status: Status::Completed, ..ended }).await;
    town.settle().await;
    // Between the fan-out and the sending, by the clock alone.
    let minutes = jiff::SignedDuration::from_mins(59);
    town.post(&order(2, town.world.now() - minutes)).await;
    town.follow().await;
    town.world.deliver(fanout(), "fanout").await;
    town.pass(60);
    town.settle().await;
    assert_eq!(town.bot.sent(), []);
    assert_eq!(town.notice(&format!("new_order:{ANNA}:order-000002")).await.state, State::Skipped);
}

#[tokio::test]
async fn hints_that_cannot_be_read_fail_alone() {
    let town = Town::open().await;
    for queue in ["fanout", "digests", "notices"] {
        for body in ["x", "{}", r#"{"order_id":"x","user_id":1,"notice_id":"a:1:b","v":2}"#] {
            town.world.engine.queues().send(queue, body, None).unwrap();
        }
        // Of nothing that exists.
        let body = r#"{"order_id":"x","user_id":1,"notice_id":"digest:1:2","v":1}"#;
        town.world.engine.queues().send(queue, body, None).unwrap();
    }
    assert_eq!(town.world.deliver(fanout(), "fanout").await, (4, 3));
    assert_eq!(town.world.deliver(digest(), "digests").await, (4, 3));
    assert_eq!(town.world.deliver(crate::notify::send(), "notices").await, (4, 3));
}

#[tokio::test]
async fn a_page_costs_a_query_a_read_and_one_write_for_each_who_hears() {
    let town = Town::open().await;
    for id in ANNA..ANNA + 20 {
        town.subscriber(id).await;
    }
    town.post(&order(1, town.world.now())).await;
    let instance = town.world.start(fanout()).await;
    let event = json!({ "Records": [{
        "messageId": "1", "body": r#"{"order_id":"order-000001","v":1}"#, "attributes": {},
        "messageAttributes": {}, "eventSource": "aws:sqs",
    }] });
    let cost = town.world.run(&instance, &event).await.1;
    // The order with its event, the page, the batch; a state and a notice for each; the event.
    assert_eq!((cost.requests, cost.items, cost.messages), (3 + 20 + 1, 40 + 1, 20));
    let again = town.world.run(&instance, &event).await.1;
    assert_eq!((again.requests, again.items), (1, 0));
}

#[tokio::test]
async fn an_order_is_offered_when_it_is_made_and_not_when_it_is_edited() {
    let town = Town::open().await;
    for (id, category) in [(ANNA, "Клининг"), (BORIS, "Электрика")] {
        town.subscriber(id).await;
        town.change(id, |user| user.categories = vec![category.to_owned()]).await;
    }
    town.follow().await;
    let made = town.order(1).await;
    town.run(1).await;
    let moved = Order { category: "Электрика".to_owned(), ..made.clone() };
    let event = Event::OrderMoved { order: facts(&moved), from_category: made.category };
    town.put_with(&moved, event).await;
    town.run(5).await;
    town.pass(900);
    town.run(1).await;
    assert_eq!((town.bot.texts(ANNA), town.bot.texts(BORIS)), (vec![offer(1)], Vec::new()));

    // Edited before anybody was told: offered as it is by then, to whom that concerns.
    let made = town.order(2).await;
    let moved = Order { category: "Электрика".to_owned(), ..made.clone() };
    let event = Event::OrderMoved { order: facts(&moved), from_category: made.category };
    town.put_with(&moved, event).await;
    town.run(5).await;
    let told = town.bot.texts(BORIS);
    assert!(told.len() == 1 && told[0].contains("«Электрика»"), "{told:?}");
    assert_eq!(town.bot.texts(ANNA), [offer(1)]);
}
