//! TTL, streams and what survives a restart.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::{Call, QueueSpec, Reply, Service};

async fn streams(engine: &Engine, operation: &str, body: Value) -> Value {
    let reply = engine
        .call(Call {
            service: Service::DynamodbStreams,
            operation: operation.into(),
            body: body.to_string().into(),
            caller: "poller".into(),
        })
        .await;
    let Reply::Answer(answer) = reply else { panic!("{reply:?}") };
    assert_eq!(answer.status, 200, "{answer:?}");
    serde_json::from_slice(&answer.body).unwrap()
}

/// All records of a table's stream, oldest first.
async fn records(engine: &Engine, table: &str) -> Vec<Value> {
    let listed = streams(engine, "ListStreams", json!({ "TableName": table })).await;
    let arn = &listed["Streams"][0]["StreamArn"];
    let described = streams(engine, "DescribeStream", json!({ "StreamArn": arn })).await;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let from = json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON" });
    let iterator = streams(engine, "GetShardIterator", from).await;
    let got = json!({ "ShardIterator": iterator["ShardIterator"] });
    let got = streams(engine, "GetRecords", got).await;
    got["Records"].as_array().unwrap().clone()
}

async fn sweeps_by_its_clock(engine: Engine, clock: Clock) {
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    let in_an_hour = clock.now().as_second() + 3_600;
    let item = client.put_item().table_name("club").item("pk", s("session")).item("sk", s("a"));
    item.item("expires_at_s", n(in_an_hour)).send().await.unwrap();
    put(&client, "club", "stays", "a").await;
    assert_eq!(engine.sweep_ttl().await.unwrap(), 0);
    clock.advance(Duration::from_secs(3_601));
    assert_eq!(engine.sweep_ttl().await.unwrap(), 1);
    assert!(!exists(&client, "club", "session", "a").await);
    assert!(exists(&client, "club", "stays", "a").await);

    let records = records(&engine, "club").await;
    let names: Vec<_> = records.iter().map(|record| record["eventName"].clone()).collect();
    assert_eq!(names, ["INSERT", "INSERT", "REMOVE"]);
    assert_eq!(records[2]["userIdentity"]["principalId"], "dynamodb.amazonaws.com");
    assert_eq!(records[2]["dynamodb"]["OldImage"]["pk"]["S"], "session");
    let created = records[2]["dynamodb"]["ApproximateCreationDateTime"].as_f64().unwrap();
    assert_eq!(format!("{created:.0}"), clock.now().as_second().to_string());
}

#[tokio::test]
async fn a_sweep_takes_all_that_is_due_and_nothing_else() {
    let (engine, clock) = memory();
    let client = dynamodb(&engine, CALLER);
    for table in ["club", "errands"] {
        create_table(&client, table).await;
        for number in 0..3 * crate::ttl::PAGE {
            let at = clock.now().as_second() - i64::from(number % 2 == 0);
            let item = client.put_item().table_name(table).item("pk", s(&format!("{number}")));
            item.item("sk", s("a")).item("expires_at_s", n(at)).send().await.unwrap();
        }
    }
    let each = (3 * crate::ttl::PAGE).div_ceil(2);
    assert_eq!(engine.sweep_ttl().await.unwrap(), 2 * each);
    assert_eq!(engine.sweep_ttl().await.unwrap(), 0);
    assert!(!exists(&client, "errands", "0", "a").await);
    assert!(exists(&client, "errands", "1", "a").await);
}

#[tokio::test]
async fn ttl_and_streams_follow_the_clock_in_memory() {
    let (engine, clock) = memory();
    sweeps_by_its_clock(engine, clock).await;
}

#[tokio::test]
async fn ttl_and_streams_follow_the_clock_in_files() {
    let (folder, clock) = (Folder::new(), clock());
    sweeps_by_its_clock(Engine::open(folder.path(), clock.clone()).unwrap(), clock).await;
}

#[tokio::test]
async fn everything_is_still_there_after_a_restart() {
    let (folder, clock) = (Folder::new(), clock());
    let engine = Engine::open(folder.path(), clock.clone()).unwrap();
    let client = dynamodb(&engine, CALLER);
    create_table(&client, "club").await;
    put(&client, "club", "member", "a").await;
    let queues = engine.queues();
    queues.create(&QueueSpec::new("dead")).unwrap();
    queues.create(&QueueSpec::new("work").visibility_s(60).redrive("dead", 2)).unwrap();
    queues.send("work", "in flight", None).unwrap();
    assert_eq!(queues.receive("work", 10, None).unwrap()[0].receives, 1);
    queues.send("work", "delayed", Some(Duration::from_secs(30))).unwrap();
    queues.send("work", "visible", None).unwrap();
    let before = queues.depths().unwrap();
    drop((client, engine));

    let engine = Engine::open(folder.path(), clock.clone()).unwrap();
    let queues = engine.queues();
    assert_eq!(queues.depths().unwrap(), before);
    assert_eq!(queues.next_due().unwrap(), Some(clock.now() + Duration::from_secs(30)));
    assert!(exists(&dynamodb(&engine, CALLER), "club", "member", "a").await);
    assert_eq!(records(&engine, "club").await.len(), 1);
    clock.advance(Duration::from_secs(60));
    let received = queues.receive("work", 10, None).unwrap();
    let seen: Vec<_> = received.iter().map(|m| (m.body.as_str(), m.receives)).collect();
    assert_eq!(seen, [("visible", 1), ("delayed", 1), ("in flight", 2)]);
}

/// Sends until it is killed, printing what was acknowledged. Run by the test below in a process
/// of its own.
#[test]
#[ignore = "the child of a_killed_process_has_lost_nothing_it_acknowledged"]
fn sends_until_killed() {
    let folder = std::env::var("ENGINE_TEST_FOLDER").unwrap();
    let engine = Engine::open(Path::new(&folder), clock()).unwrap();
    engine.queues().create(&QueueSpec::new("work")).unwrap();
    for number in 0u32.. {
        engine.queues().send("work", &number.to_string(), None).unwrap();
        println!("acknowledged {number}");
    }
}

#[test]
fn a_killed_process_has_lost_nothing_it_acknowledged() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["tests::times::sends_until_killed", "--exact", "--ignored", "--nocapture"])
        .env("ENGINE_TEST_FOLDER", folder.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("acknowledged 200")));
    child.kill().unwrap();
    child.wait().unwrap();
    let acknowledged = lines.filter(|line| line.starts_with("acknowledged")).count() + 201;

    let engine = Engine::open(folder.path(), clock()).unwrap();
    let depth = engine.queues().depths().unwrap().remove(0);
    let visible = usize::try_from(depth.visible).unwrap();
    assert!(visible >= acknowledged, "{visible} of {acknowledged}");
}
