use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use crate::{CatchUp, Move};

fn bodies(event: &Value) -> Vec<&str> {
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["body"].as_str().unwrap()).collect()
}

fn keys(event: &Value) -> Vec<&str> {
    let records = event["Records"].as_array().unwrap();
    records.iter().map(|record| record["dynamodb"]["Keys"]["pk"]["S"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_failed_message_comes_back_alone_and_ends_among_the_dead() {
    let world = World::start(|event, _| {
        let records = event["Records"].as_array().unwrap().iter();
        let failed = records.filter(|record| record["body"] == "poison");
        let failed: Vec<Value> =
            failed.map(|record| json!({ "itemIdentifier": record["messageId"] })).collect();
        Ok(json!({ "batchItemFailures": failed }))
    })
    .await;
    let queues = world.stack.engine().queues();
    for body in ["a", "poison", "b"] {
        queues.send("test-jobs", body, Some(Duration::from_secs(30))).unwrap();
    }
    world.idle().await;
    assert!(world.seen("demo-job").is_empty());
    world.advance(29).await;
    assert!(world.seen("demo-job").is_empty());
    world.advance(1).await;
    let seen = world.seen("demo-job");
    assert_eq!(seen.len(), 1);
    assert_eq!(bodies(&seen[0].1), ["a", "poison", "b"]);
    assert_eq!(seen[0].1["Records"][0]["attributes"]["ApproximateReceiveCount"], "1");
    world.advance(300).await;
    let seen = world.seen("demo-job");
    assert_eq!(seen.len(), 2);
    assert_eq!(bodies(&seen[1].1), ["poison"]);
    assert_eq!(seen[1].0, "2026-01-31T12:01:30.000Z");
    let jobs = world.get("/_local/queues").await["queues"].clone();
    let jobs = jobs.as_array().unwrap().iter().find(|q| q["name"] == "test-jobs").unwrap().clone();
    assert_eq!((&jobs["depth"], &jobs["dead_letters"]), (&json!(0), &json!(1)));
    world.stack.stop().await;
}

#[tokio::test]
async fn what_falls_due_runs_in_order_and_chains_are_followed() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let queues = world.stack.engine().queues();
    for (body, delay) in [("late", 800), ("early", 100), ("later", 900)] {
        queues.send("test-jobs", body, Some(Duration::from_secs(delay))).unwrap();
    }
    world.advance(900).await;
    let seen = world.seen.lock().unwrap().clone();
    let order: Vec<(&str, &str)> =
        seen.iter().map(|(name, now, _)| (name.as_str(), &now[14..19])).collect();
    assert_eq!(order[..2], [("demo-job", "01:40"), ("demo-job", "13:20")]);
    let mut at_the_end = order[2..].to_vec();
    at_the_end.sort_unstable();
    assert_eq!(at_the_end, [("demo-job", "15:00"), ("demo-tick", "15:00")]);
    world.stack.stop().await;
}

#[tokio::test]
async fn schedules_catch_up_with_all_or_with_the_last() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let times = |world: &World| -> Vec<String> {
        let seen = world.seen("demo-tick");
        seen.iter()
            .map(|(now, event)| {
                assert_eq!(event["time"], now.as_str());
                now[11..16].to_owned()
            })
            .collect()
    };
    world.advance(3600).await;
    assert_eq!(times(&world), ["12:15", "12:30", "12:45", "13:00"]);
    world.advance(4000).await;
    assert_eq!(times(&world)[4..], ["14:00"]);
    let change =
        Move { advance_seconds: Some(7200), catch_up: Some(CatchUp::All), ..Move::default() };
    world.stack.move_clock(change).await.unwrap();
    assert_eq!(times(&world).len(), 5 + 8);
    let change =
        Move { advance_seconds: Some(1800), catch_up: Some(CatchUp::Last), ..Move::default() };
    world.stack.move_clock(change).await.unwrap();
    assert_eq!(times(&world).len(), 14);
    world.stack.stop().await;
}

#[tokio::test]
async fn a_failed_schedule_is_tried_again_and_given_up() {
    let world = World::start(|_, _| Err("no".to_owned())).await;
    world.advance(900).await;
    assert_eq!(world.seen("demo-tick").len(), 1);
    world.advance(60).await;
    let seen = world.seen("demo-tick");
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].1["time"], seen[1].1["time"]);
    let dead = world.dead();
    assert_eq!(dead[0]["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(dead[0]["requestPayload"]["time"], "2026-01-31T12:15:00.000Z");
    world.stack.stop().await;
}

#[tokio::test]
async fn a_stream_is_read_in_order_and_filtered() {
    let world = World::start(|_, _| Ok(json!({ "batchItemFailures": [] }))).await;
    for key in ["a", "-hidden", "b", "c", "d", "e"] {
        world.put(json!({ "pk": { "S": key } })).await;
    }
    world.idle().await;
    let seen = world.seen("demo-changes");
    let delivered: Vec<&str> = seen.iter().flat_map(|(_, event)| keys(event)).collect();
    assert_eq!(delivered, ["a", "b", "c", "d", "e"]);
    assert_eq!(seen[0].1["Records"][0]["eventName"], "INSERT");
    world.put(json!({ "pk": { "S": "a" }, "n": { "N": "1" } })).await;
    world.idle().await;
    let last = world.seen("demo-changes").pop().unwrap().1;
    assert_eq!(last["Records"][0]["eventName"], "MODIFY");
    assert_eq!(last["Records"][0]["dynamodb"]["NewImage"]["n"]["N"], "1");
    world.stack.stop().await;
}

#[tokio::test]
async fn a_poison_record_is_isolated_and_given_up_while_the_others_pass() {
    let world = World::start(|event, _| {
        if event["Records"][0].get("dynamodb").is_none() {
            return Ok(json!(null));
        }
        if keys(event).contains(&"poison") { Err("poison".to_owned()) } else { Ok(json!(null)) }
    })
    .await;
    // Written in one go, so that they come in one batch.
    for key in ["a", "poison", "b", "c"] {
        world.put(json!({ "pk": { "S": key } })).await;
    }
    world.advance(60).await;
    let seen = world.seen("demo-changes");
    let passed: Vec<&str> = seen
        .iter()
        .map(|(_, event)| keys(event))
        .filter(|keys| !keys.contains(&"poison"))
        .flatten()
        .collect();
    assert_eq!(passed, ["a", "b", "c"]);
    let alone = seen.iter().filter(|(_, event)| keys(event) == ["poison"]).count();
    assert_eq!(alone, 3, "once and two retries");
    let dead = world.dead();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["DDBStreamBatchInfo"]["batchSize"], 1);
    assert_eq!(dead[0]["requestContext"]["condition"], "RetryAttemptsExhausted");
    world.stack.stop().await;
}

#[tokio::test]
async fn a_reported_failure_is_the_place_to_go_on_from() {
    let failed_once = std::sync::atomic::AtomicBool::new(false);
    let world = World::start(move |event, _| {
        let records = event["Records"].as_array().unwrap();
        let b = records.iter().find(|record| record["dynamodb"]["Keys"]["pk"]["S"] == "b");
        let sequence = b.map(|record| record["dynamodb"]["SequenceNumber"].clone());
        match sequence {
            Some(sequence) if !failed_once.swap(true, std::sync::atomic::Ordering::SeqCst) => {
                Ok(json!({ "batchItemFailures": [{ "itemIdentifier": sequence }] }))
            }
            _ => Ok(json!(null)),
        }
    })
    .await;
    for key in ["a", "b", "c"] {
        world.put(json!({ "pk": { "S": key } })).await;
    }
    world.advance(10).await;
    let seen = world.seen("demo-changes");
    let all: Vec<&str> = seen.iter().flat_map(|(_, event)| keys(event)).collect();
    assert_eq!(all.iter().filter(|key| **key == "a").count(), 1, "{all:?}");
    assert_eq!(
        all.iter().filter(|key| **key == "c").count()
            + all.iter().filter(|key| **key == "b").count(),
        all.len() - 1
    );
    assert_eq!(all.last(), Some(&"c"));
    world.stack.stop().await;
}

#[tokio::test]
async fn items_expire_by_the_clock() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    let expires = "2026-01-31T12:10:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    world.put(json!({ "pk": { "S": "a" }, "expires_at_s": { "N": expires.to_string() } })).await;
    world.advance(500).await;
    let removed = |world: &World| {
        let seen = world.seen("demo-changes");
        seen.iter().any(|(_, event)| event["Records"][0]["eventName"] == "REMOVE")
    };
    assert!(!removed(&world));
    world.advance(500).await;
    assert!(removed(&world));
    world.stack.stop().await;
}

#[tokio::test]
async fn a_stack_at_rest_notices_what_is_written_and_sent() {
    let world = World::start(|_, _| Ok(json!(null))).await;
    world.idle().await;
    world.put(json!({ "pk": { "S": "a" } })).await;
    world.stack.engine().queues().send("test-jobs", "b", None).unwrap();
    // Nobody asks for rest here, which would make it look by itself.
    let noticed = async {
        while world.seen("demo-changes").is_empty() || world.seen("demo-job").is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), noticed).await.unwrap();
    world.stack.stop().await;
}
