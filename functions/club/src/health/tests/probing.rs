//! What the probe finds, and how often it tells.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{CrashMode, CrashPlan, QueueSpec};
use serde_json::{Value, json};

use super::super::probe::probe;
use crate::testing::{BotMood, BotServer, Request, World};

const PROBE: &str = "local-club-health-probe";

/// A world whose bot answers about its webhook.
async fn world(webhook: Value) -> (World, BotServer) {
    let bot = BotServer::start().await;
    says(&bot, webhook);
    (World::with(&[("TELEGRAM_API_URL", &bot.url)]).await, bot)
}

fn says(bot: &BotServer, webhook: Value) {
    bot.feel(BotMood::Refusing(200, json!({ "ok": true, "result": webhook })));
}

fn fine() -> Value {
    json!({ "url": "https://club.example.com", "pending_update_count": 100 })
}

fn fill(world: &World, queue: &str, count: usize) {
    for _ in 0..count {
        world.engine.queues().send(queue, "{}", None).unwrap();
    }
}

async fn run(world: &World) -> Value {
    world.tick(probe()).await.unwrap()
}

#[tokio::test]
async fn nothing_is_told_while_all_is_well() {
    let (world, _bot) = world(fine()).await;
    fill(&world, crate::testing::CHECKS, 1_000);
    let run = run(&world).await;
    assert_eq!(run, json!({ "lease_held": false, "wrong": [], "alerted": false }));
    assert!(world.items("Outbox").await.is_empty());
}

#[tokio::test]
async fn more_than_a_thousand_messages_are_told_of_once_in_five_minutes() {
    let (world, _bot) = world(fine()).await;
    fill(&world, crate::testing::CHECKS, 1_001);
    let first = run(&world).await;
    assert_eq!((first["wrong"].as_array().unwrap().len(), &first["alerted"]), (1, &json!(true)));
    assert!(first["wrong"][0].as_str().unwrap().contains("1001"), "{first}");
    for _ in 0..3 {
        world.pass(Duration::from_secs(60));
        assert_eq!(run(&world).await["alerted"], false, "within five minutes");
    }
    assert_eq!(world.items("Outbox").await.len(), 1);
    world.pass(Duration::from_secs(300));
    assert_eq!(run(&world).await["alerted"], true);
    assert_eq!(world.items("Outbox").await.len(), 2);
}

#[tokio::test]
async fn a_dead_letter_is_told_of() {
    let bot = BotServer::start().await;
    says(&bot, fine());
    let world = World::with(&[("TELEGRAM_API_URL", &bot.url)]).await;
    world.engine.queues().create(&QueueSpec::new("outbox-dead")).unwrap();
    let url = world.engine.queues().url("outbox-dead");
    let instance = world.start_with(probe(), &[("OUTBOX_DLQ_URL", &url)]).await.unwrap();
    let event = json!({ "version": "0", "time": world.now(), "detail": {} });
    assert_eq!(world.run(&instance, &event).await.0.unwrap()["wrong"], json!([]));
    fill(&world, "outbox-dead", 1);
    let found = world.run(&instance, &event).await.0.unwrap();
    assert_eq!((found["wrong"].as_array().unwrap().len(), &found["alerted"]), (1, &json!(true)));
}

#[tokio::test]
async fn jobs_that_wait_or_have_failed_for_good_are_told_of() {
    let (world, _bot) = world(fine()).await;
    world.engine.queues().create(&QueueSpec::new("admin-jobs-dead")).unwrap();
    let url = world.engine.queues().url("admin-jobs-dead");
    let instance = world.start_with(probe(), &[("ADMIN_JOBS_DLQ_URL", &url)]).await.unwrap();
    let event = json!({ "version": "0", "time": world.now(), "detail": {} });
    fill(&world, "admin-jobs-dead", 1);
    let found = world.run(&instance, &event).await.0.unwrap();
    assert_eq!(found["wrong"].as_array().unwrap().len(), 1, "{found}");
    fill(&world, crate::testing::ADMIN_JOBS, 1_001);
    let found = world.run(&instance, &event).await.0.unwrap();
    assert_eq!(found["wrong"].as_array().unwrap().len(), 2, "{found}");
}

#[tokio::test]
async fn telegrams_failures_are_news_for_ten_minutes() {
    let (world, bot) = world(fine()).await;
    let now = world.now().seconds();
    let failed = |ago: i64, pending: i64| {
        json!({ "url": "u", "pending_update_count": pending, "last_error_date": now - ago,
                "last_error_message": "Connection refused" })
    };
    for (webhook, findings) in [(failed(600, 0), 0), (failed(599, 0), 1), (failed(0, 101), 2)] {
        says(&bot, webhook.clone());
        let run = run(&world).await;
        assert_eq!(run["wrong"].as_array().unwrap().len(), findings, "{webhook}");
    }
    bot.feel(BotMood::refusing(502, "Bad Gateway"));
    assert_eq!(run(&world).await["wrong"], json!([]), "nobody knows");
}

#[tokio::test]
async fn a_probe_that_dies_tells_at_most_once() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        let (world, _bot) = world(fine()).await;
        fill(&world, crate::testing::CHECKS, 1_001);
        for at in 0.. {
            world.engine.faults().crash(CrashPlan { caller: Some(PROBE.to_owned()), at, mode });
            let _ = world.tick(probe()).await;
            let crashed = world.engine.faults().crashed();
            world.engine.faults().clear();
            // The lease of who died ends with its time.
            world.pass(Duration::from_secs(60));
            run(&world).await;
            let keys: BTreeSet<String> =
                world.items("Outbox").await.iter().map(|row| row["pk"].to_string()).collect();
            let spans = (world.now().seconds() - 1_769_860_800).div_euclid(300) + 1;
            assert!(i64::try_from(keys.len()).unwrap() <= spans, "{mode:?} {at}: {keys:?}");
            assert!(!keys.is_empty());
            if !crashed {
                assert!(at > 3, "{at}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_probe_asks_for_exactly_this() {
    let (world, _bot) = world(fine()).await;
    fill(&world, crate::testing::CHECKS, 1_001);
    let settings = [("COUNTERS", "on")];
    let instance = world.start_with(super::super::live(), &settings).await.unwrap();
    world.send(&instance, Request::get("/health/live")).await;
    world.pass(Duration::from_secs(3_600));
    for _ in 0..2 {
        run(&world).await;
    }
    assert_eq!(world.items("Counters").await.len(), 0);
    assert_eq!(world.items("CountersTotal").await.len(), 1);
    let calls = world.engine.calls().of(PROBE).into_iter().flat_map(|call| call.permissions);
    let asked: BTreeSet<(String, String)> = calls.map(|p| (p.action, p.resource)).collect();
    let table = |action: &str| (format!("dynamodb:{action}"), "table/test-club".to_owned());
    let mut expected: BTreeSet<_> =
        ["ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"]
            .map(table)
            .into();
    for queue in ["payment-checks", "telegram-updates", "outbox", "onboarding", "admin-jobs"] {
        expected.insert(("sqs:GetQueueAttributes".to_owned(), format!("queue/{queue}")));
    }
    assert_eq!(asked, expected);
}
