//! The relay and the sweep.

use std::collections::BTreeSet;

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use serde_json::{Value, json};
use shared::clock::Instant;
use shared::table::{Entity as _, Write};

use crate::events::{Event, carry, emit, relay, sweep};
use crate::notify::tests::town::{CLIENT, Town, facts, order};
use crate::orders::{Order, OwnedOrder, Status};

const EXECUTORS: [i64; 3] = [4_300_000_011, 4_300_000_012, 4_300_000_013];
const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

/// An order that so many have taken.
fn taken(n: u32, takes: usize, now: Instant) -> Order {
    let take = |executor_id: &i64| crate::testing::take(*executor_id, now);
    Order { taken_by: EXECUTORS.iter().take(takes).map(take).collect(), ..order(n, now) }
}

fn end(order: &Order, to: Status, by_clock: bool, refunded: u32) -> Event {
    let refunded = order.taken_by.iter().filter(|_| refunded > 0).map(|_| refunded).collect();
    Event::OrderEnded { order: facts(order), from: Status::Active, to, by_clock, refunded }
}

/// Commits an event by itself.
async fn commit(town: &Town, event: Event) {
    let write = emit(event, town.world.now()).unwrap();
    town.world.table().transact(vec![write]).await.unwrap();
}

/// The same by the client's row of the order, which changes with it.
async fn carried(town: &Town, order: &Order, event: &Event) {
    let before = OwnedOrder::of(order);
    town.world.put(&before).await;
    drop(town.changes().await);
    let write = Write::update("owned", before.key()).set("status", "closed_no_response");
    let write = carry(write, event, town.world.now());
    town.world.table().transact(vec![write]).await.unwrap();
}

/// Commits the end of an order that two have taken, and answers what the stream tells of it.
async fn ended(town: &Town, is_carried: bool) -> Value {
    drop(town.changes().await);
    let order = taken(1, 2, town.world.now());
    let event = end(&order, Status::ClosedNoResponse, true, 200);
    if is_carried {
        carried(town, &order, &event).await;
        return town.changes().await.of("OwnedOrder");
    }
    commit(town, event).await;
    town.changes().await.of("OutboxEvent")
}

/// The ids of all notices.
async fn notices(town: &Town) -> BTreeSet<String> {
    let id = |item: &Value| item["id"]["S"].as_str().unwrap().to_owned();
    town.world.items("Notice").await.iter().map(id).collect()
}

fn set<const N: usize>(ids: [&str; N]) -> BTreeSet<String> {
    ids.into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn participants_are_told_of_what_concerns_them() {
    let [a, b] = [EXECUTORS[0], EXECUTORS[1]];
    let id = "order-000001";
    let both = |kind: &str| vec![format!("{kind}:{a}:{id}"), format!("{kind}:{b}:{id}")];
    let client = |kind: &str| vec![format!("{kind}:{CLIENT}:{id}")];
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    let order = taken(1, 2, now);
    let late = Event::PaymentLate { user_id: a, payment_id: 42, kopecks: 10_000 };
    let taken = Event::OrderTaken { order: facts(&order), response_deadline: None };
    let moved =
        Event::OrderMoved { order: facts(&order), from_category: "Другое".to_owned() };
    let closed = Status::ClosedNoResponse;
    let table = [
        (Event::OrderCreated { order: facts(&order) }, vec![]),
        (moved, vec![]),
        (taken, vec![format!("order_taken:{CLIENT}:{id}:2")]),
        (Event::OrderResponded { order: facts(&order) }, both("order_responded")),
        (end(&order, Status::Completed, false, 0), both("order_completed")),
        (end(&order, closed, false, 0), both("order_closed")),
        (end(&order, closed, false, 200), both("order_refunded")),
        (
            end(&order, closed, true, 200),
            [both("order_refunded"), client("order_auto_closed")].concat(),
        ),
        (end(&order, Status::Expired, true, 200), both("order_refunded")),
        (end(&order, Status::Expired, true, 0), vec![]),
        (end(&order, Status::Deleted, false, 0), vec![]),
        (Event::Reviewed { client_id: CLIENT, rating: 5 }, vec![]),
        (late, vec![format!("payment_late:{a}:42")]),
    ];
    for (event, expected) in table {
        let told = crate::events::notices::notices(&event, now);
        let told: Vec<_> = told.into_iter().map(|notice| notice.id).collect();
        assert_eq!(told, expected, "{event:?}");
    }
}

#[tokio::test]
async fn texts_reach_client_and_executors() {
    let town = Town::open().await;
    for id in EXECUTORS {
        town.world.known(id, "Иван").await;
    }
    let order = taken(1, 1, town.world.now());
    let deadline = "2026-11-22T12:15:00Z".parse().ok();
    let event = Event::OrderTaken { order: facts(&order), response_deadline: deadline };
    commit(&town, event).await;
    town.run(2).await;
    assert_eq!(
        town.bot.texts(CLIENT),
        ["🔧 Исполнитель взял ваш заказ «Клининг» (1 из 3).\n\
          Ответьте ему до 15:15 МСК, иначе заказ закроется."]
    );
    let order = taken(1, 3, town.world.now());
    commit(&town, end(&order, Status::ClosedNoResponse, true, 200)).await;
    town.run(2).await;
    for id in EXECUTORS {
        let text = "↩️ Клиент не ответил по заказу «Клининг». Возвращено 2 ₽.";
        assert_eq!(town.bot.texts(id), [text]);
    }
    assert_eq!(
        town.bot.texts(CLIENT)[1],
        "⏱ Заказ «Клининг» закрыт: вы не ответили исполнителю за 15 минут."
    );
    // Nothing of it shows the contact or the description.
    for sent in town.bot.sent() {
        assert!(!sent.text.contains("ivan_") && !sent.text.contains("окна"));
    }
}

#[tokio::test]
async fn a_first_take_starts_the_timer_of_its_response() {
    let town = Town::open().await;
    let now = town.world.now();
    let order = taken(1, 1, now);
    let deadline = Some(now + jiff::SignedDuration::from_mins(15));
    commit(&town, Event::OrderTaken { order: facts(&order), response_deadline: deadline }).await;
    commit(&town, Event::OrderTaken { order: facts(&order), response_deadline: None }).await;
    town.follow().await;
    assert_eq!(town.world.depth("deadlines"), 1);
    let visible = || town.world.engine.queues().receive("deadlines", 10, None).unwrap();
    town.pass(899);
    assert!(visible().is_empty());
    town.pass(1);
    assert_eq!(visible()[0].body, r#"{"order_id":"order-000001","v":1}"#);
    // Told of late, it waits for what is left.
    let deadline = Some(town.world.now() + jiff::SignedDuration::from_secs(10));
    commit(&town, Event::OrderTaken { order: facts(&order), response_deadline: deadline }).await;
    town.follow().await;
    town.pass(10);
    assert_eq!(visible().len(), 1);
}

#[tokio::test]
async fn events_of_one_order_may_come_in_any_sequence() {
    let permutations = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [3, 0, 2, 1]];
    let mut outcomes = BTreeSet::new();
    for permutation in permutations {
        let town = Town::open().await;
        let order = taken(1, 1, town.world.now());
        town.world.put(&Order { status: Status::Completed, ..order.clone() }).await;
        let events = [
            Event::OrderCreated { order: facts(&order) },
            Event::OrderTaken { order: facts(&order), response_deadline: None },
            Event::OrderResponded { order: facts(&order) },
            end(&order, Status::Completed, false, 0),
        ];
        for index in permutation {
            commit(&town, events[index].clone()).await;
            town.follow().await;
        }
        town.settle().await;
        let mut counters = std::collections::BTreeMap::<String, i64>::new();
        for item in town.world.items("FeedCounter").await {
            let pk = item["feed"]["M"]["partition"]["S"].as_str().unwrap().to_owned();
            *counters.entry(pk).or_default() +=
                item["count"]["N"].as_str().unwrap().parse::<i64>().unwrap();
        }
        outcomes.insert(format!("{counters:?} {:?}", notices(&town).await));
    }
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    let outcome = outcomes.first().unwrap();
    assert!(outcome.contains(r#""active": 0"#) && outcome.contains(r#""completed": 1"#));
}

/// What is left of an event, whatever happened on the way.
async fn assert_followed(town: &Town, what: &str) {
    let expected = set([
        &format!("order_refunded:{}:order-000001", EXECUTORS[0]),
        &format!("order_refunded:{}:order-000001", EXECUTORS[1]),
        &format!("order_auto_closed:{CLIENT}:order-000001"),
    ]);
    assert_eq!(notices(town).await, expected, "{what}");
    let mut total = 0;
    for item in town.world.items("FeedCounter").await {
        assert_eq!(item["count"]["N"], "-1", "{what}: {item}");
        total += 1;
    }
    assert_eq!((total, town.world.items("OutboxEvent").await.len()), (4, 0), "{what}");
    for row in town.world.items("OwnedOrder").await {
        let left = ["event", "event_id", "due_pk", "due_at"].map(|name| row.get(name));
        assert_eq!(
            (left, &row["status"]["S"]),
            ([None; 4], &json!("closed_no_response")),
            "{what}"
        );
    }
    let texts: Vec<_> = [EXECUTORS[0], EXECUTORS[1], CLIENT].map(|id| town.bot.texts(id)).to_vec();
    assert!(texts.iter().all(|texts| texts.len() == 1), "{what}: {texts:?}");
}

#[tokio::test]
async fn a_relay_or_sweep_that_dies_anywhere_is_taken_up() {
    let jobs = [("errands-events-relay", false), ("errands-outbox-sweep", true)];
    for ((function, swept), is_carried) in
        jobs.into_iter().flat_map(|job| [(job, false), (job, true)])
    {
        for mode in MODES {
            for at in 0.. {
                let town = Town::open().await;
                for id in EXECUTORS {
                    town.world.known(id, "Иван").await;
                }
                let told = ended(&town, is_carried).await;
                let caller = Some(format!("local-{function}"));
                town.world.engine.faults().crash(CrashPlan { caller, at, mode });
                town.pass(if swept { 31 } else { 0 });
                let died = if swept {
                    drop(town.world.tick(sweep()).await);
                    town.world.engine.faults().crashed()
                } else {
                    let instance = town.world.start(relay()).await;
                    let answer = town.world.run(&instance, &told).await.0.unwrap();
                    assert_eq!(told["Records"].as_array().unwrap().len(), 1);
                    let died = town.world.engine.faults().crashed();
                    let fine = answer["batchItemFailures"] == json!([]);
                    // A process that died after its last call had done everything.
                    assert!(fine != died || mode == CrashMode::After, "{answer}");
                    died
                };
                town.world.engine.faults().clear();
                // The stream tells it again, or the sweep finds it.
                if at % 2 == 0 && !swept {
                    town.tell(relay(), &told).await;
                }
                town.pass(31);
                town.world.tick(sweep()).await.unwrap();
                town.run(2).await;
                assert_followed(&town, &format!("{function} {mode:?} at {at}")).await;
                if !died {
                    assert!(at >= 5, "{function} makes {at} calls");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_or_queue_that_fails_once_changes_nothing_for_good() {
    let targets = [Target::Dynamodb, Target::Sqs];
    for (target, is_carried) in targets.into_iter().flat_map(|to| [(to, false), (to, true)]) {
        for kind in [FaultKind::Error, FaultKind::LostAnswer, FaultKind::Throttle] {
            for nth in 0..6 {
                let town = Town::open().await;
                for id in EXECUTORS {
                    town.world.known(id, "Иван").await;
                }
                let told = ended(&town, is_carried).await;
                let fault = Fault::new(target, kind)
                    .when(When::Calls(vec![nth, nth + 1, nth + 2]))
                    .caller("local-errands-events-relay");
                town.world.engine.faults().inject(fault);
                let instance = town.world.start(relay()).await;
                town.world.run(&instance, &told).await.0.unwrap();
                town.world.engine.faults().clear();
                town.tell(relay(), &told).await;
                town.run(2).await;
                assert_followed(&town, &format!("{target:?} {kind:?} at {nth}")).await;
            }
        }
    }
}

#[tokio::test]
async fn the_sweep_publishes_what_is_half_a_minute_old() {
    let town = Town::open().await;
    for n in 0..230 {
        commit(&town, Event::OrderCreated { order: facts(&order(n, town.world.now())) }).await;
    }
    // One that nobody can read does not keep the others.
    let write = Write::update("broken", shared::table::Key::new("EVENT#x", "EVENT"))
        .set("kind", "OutboxEvent")
        .set("due_pk", "EVENT#0")
        .set("due_at", town.world.now());
    town.world.table().write(write).await.unwrap();
    town.pass(29);
    let swept = town.world.tick(sweep()).await.unwrap();
    let nothing = json!({ "published": 0, "failed": 0, "notices": 0, "complete": true });
    assert_eq!(swept, nothing);
    town.pass(1);
    let swept = town.world.tick(sweep()).await.unwrap();
    assert_eq!(swept, json!({ "published": 230, "failed": 1, "notices": 0, "complete": true }));
    assert_eq!(town.world.depth("fanout"), 230);
    assert_eq!(town.world.tick(sweep()).await.unwrap()["published"], 0);
}

#[tokio::test]
async fn an_event_costs_a_transaction_its_notices_and_a_deletion() {
    let town = Town::open().await;
    drop(town.changes().await);
    let order = taken(1, 2, town.world.now());
    commit(&town, end(&order, Status::Completed, false, 0)).await;
    let told = town.changes().await.of("OutboxEvent");
    let instance = town.world.start(relay()).await;
    let cost = town.world.run(&instance, &told).await.1;
    // The mark and eight counters; two notices; the row.
    assert_eq!((cost.requests, cost.items, cost.messages), (4, 9 + 2 + 1, 2));
}

#[tokio::test]
async fn a_carried_event_costs_its_notices_and_a_transaction() {
    let town = Town::open().await;
    let told = ended(&town, true).await;
    let instance = town.world.start(relay()).await;
    let cost = town.world.run(&instance, &told).await.1;
    // Three notices; the row and four counters.
    assert_eq!((cost.requests, cost.items, cost.messages), (4, 3 + 5, 3));
    // Told again, it asks for the notices anew, in vain.
    let again = town.world.run(&instance, &told).await;
    assert_eq!(again.0.unwrap()["batchItemFailures"], json!([]));
    // Taking it off is a change of the row, too, and of no concern.
    let off = town.changes().await.of("OwnedOrder");
    assert_eq!(off["Records"].as_array().unwrap().len(), 1);
    assert_eq!(town.world.run(&instance, &off).await.1.requests, 0);
}

#[tokio::test]
async fn an_order_that_is_deleted_before_its_end_was_published_moves_counters_by_both() {
    let town = Town::open().await;
    let order = order(1, town.world.now());
    town.post(&order).await;
    town.settle().await;
    let expired = end(&order, Status::Expired, true, 0);
    carried(&town, &order, &expired).await;
    let (from, to) = (Status::Expired, Status::Deleted);
    let deleted =
        Event::OrderEnded { order: facts(&order), from, to, by_clock: false, refunded: Vec::new() };
    commit(&town, deleted).await;
    town.pass(31);
    let swept = town.world.tick(sweep()).await.unwrap();
    assert_eq!((&swept["published"], &swept["failed"]), (&json!(2), &json!(0)));
    let mut sums = std::collections::BTreeMap::<String, i64>::new();
    for item in town.world.items("FeedCounter").await {
        let of = item["feed"]["M"]["partition"]["S"].as_str().unwrap().to_owned();
        *sums.entry(of).or_default() +=
            item["count"]["N"].as_str().unwrap().parse::<i64>().unwrap();
    }
    assert_eq!((sums.len(), sums.values().all(|sum| *sum == 0)), (8, true), "{sums:?}");
}
