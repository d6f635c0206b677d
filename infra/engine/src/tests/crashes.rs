//! Crash points: the caller dies at its n-th call and stays dead.

use super::*;
use crate::{CrashMode, CrashPlan, QueueSpec};

/// A function of three calls: two writes and a message. Answers how many of them came through.
async fn work(engine: &Engine) -> u32 {
    let tables = dynamodb(engine, CALLER);
    let mut done = 0;
    for pk in ["first", "second"] {
        let put = tables.put_item().table_name("club").item("pk", s(pk)).item("sk", s("a"));
        done += u32::from(put.send().await.is_ok());
    }
    let send = sqs(engine, CALLER).send_message().queue_url("work").message_body("third");
    done + u32::from(send.send().await.is_ok())
}

/// The effects that are there: the two items and the message.
async fn effects(engine: &Engine) -> [bool; 3] {
    let reader = dynamodb(engine, "reader");
    let message = engine.queues().depths().unwrap()[0].visible > 0;
    [
        exists(&reader, "club", "first", "a").await,
        exists(&reader, "club", "second", "a").await,
        message,
    ]
}

async fn prepared() -> Engine {
    let (engine, _) = memory();
    create_table(&dynamodb(&engine, "setup"), "club").await;
    engine.queues().create(&QueueSpec::new("work")).unwrap();
    engine
}

#[tokio::test]
async fn a_harness_counts_the_calls_and_then_kills_at_each() {
    let engine = prepared().await;
    engine.faults().reset_counts();
    assert_eq!(work(&engine).await, 3);
    let calls = engine.faults().seen(Some(CALLER));
    assert_eq!((calls, engine.faults().seen(None)), (3, 3));

    for at in 0..calls {
        for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
            let engine = prepared().await;
            let caller = Some(CALLER.to_owned());
            engine.faults().crash(CrashPlan { caller, at, mode });
            let answered = u64::from(work(&engine).await);
            assert!(engine.faults().crashed());
            let (effective, expected) = match mode {
                CrashMode::Before => (at, at),
                CrashMode::After => (at + 1, at + 1),
                CrashMode::LostAnswer => (at + 1, at),
            };
            assert_eq!(answered, expected, "{mode:?} at {at}");
            let there = effects(&engine).await;
            assert_eq!(there, [0, 1, 2].map(|call| call < effective), "{mode:?} at {at}");

            engine.faults().clear();
            assert_eq!(work(&engine).await, 3);
            assert_eq!(effects(&engine).await, [true; 3]);
        }
    }
}

#[tokio::test]
async fn a_plan_for_everybody_spares_the_rust_side() {
    let engine = prepared().await;
    engine.faults().crash(CrashPlan { caller: None, at: 0, mode: CrashMode::Before });
    assert_eq!(work(&engine).await, 0);
    engine.queues().send("work", "from the desk", None).unwrap();
    engine.sweep_ttl().await.unwrap();
    engine.faults().clear();
    assert_eq!(effects(&engine).await, [false, false, true]);
}

#[tokio::test]
async fn the_sdk_does_not_retry_for_the_dead() {
    let engine = prepared().await;
    let config = dynamodb(&engine, CALLER).config().to_builder();
    let retries = aws_sdk_dynamodb::config::retry::RetryConfig::standard();
    let client = aws_sdk_dynamodb::Client::from_conf(config.retry_config(retries).build());
    engine.faults().reset_counts();
    engine.faults().crash(CrashPlan { caller: None, at: 0, mode: CrashMode::LostAnswer });
    client.list_tables().send().await.unwrap_err();
    assert_eq!(engine.faults().seen(None), 1);
}
