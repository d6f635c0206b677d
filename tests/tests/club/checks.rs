//! The delayed checks of a payment (§6.2, §6.5; acceptance 6 and 7).

use serde_json::{Value, json};
use tests::{MONTH, Webhook, World, local};

/// The queue's message of a check, as Lambda hands it to the function.
fn check(attempt: &str, n: u32) -> Value {
    json!({"Records": [{
        "messageId": "00000000-0000-4000-8000-000000000001",
        "receiptHandle": "x",
        "body": json!({"attempt_id": attempt, "n": n}).to_string(),
        "attributes": {
            "ApproximateReceiveCount": "1", "SentTimestamp": "1768910400000",
            "SenderId": "x", "ApproximateFirstReceiveTimestamp": "1768910400000",
        },
        "messageAttributes": {},
        "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:payment-checks",
        "awsRegion": "us-east-1",
    }]})
}

async fn success(world: &World, attempt: &str) {
    world.webhook(&json!({"attempt_id": attempt, "event": "success"})).await.ok();
    world.idle().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_a_lost_webhook_is_settled_after_thirty_seconds() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.pay(&attempt, Webhook::Lost).await;
    world.advance(29).await;
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
    assert_eq!(anna.balance().await, 0);
    world.advance(1).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    assert_eq!(anna.status().await["subscription_expires"], "2026-02-19T12:00:30.000Z");
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.messages().await.len(), 1);
    let before = anna.everything().await;
    for _ in 0..3 {
        success(&world, &attempt).await;
    }
    world.advance(600).await;
    assert_eq!(anna.everything().await, before);
    assert_eq!(anna.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_ten_checks_without_money_abandon_the_attempt() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    for n in 1..=9 {
        world.advance(30).await;
        let shown = anna.attempt(&attempt).await;
        assert_eq!((&shown["status"], &shown["checksDone"]), (&json!("pending"), &json!(n)));
    }
    world.advance(29).await;
    assert_eq!(anna.attempt(&attempt).await["checksDone"], 9);
    assert!(anna.messages().await.is_empty());
    world.advance(1).await;
    let shown = anna.attempt(&attempt).await;
    assert_eq!((&shown["status"], &shown["checksDone"]), (&json!("abandoned"), &json!(10)));
    assert_eq!(anna.messages().await.len(), 1, "payment_not_completed");
    world.advance(600).await;
    assert_eq!(anna.messages().await.len(), 1);
    assert_ne!(anna.link(MONTH).await, attempt, "an abandoned attempt is not open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a07_a_late_webhook_still_settles() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.advance(300).await;
    assert_eq!(anna.attempt_status(&attempt).await, "abandoned");
    world.advance(3_200).await;
    success(&world, &attempt).await;
    success(&world, &attempt).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    assert_eq!(anna.status().await["subscription_expires"], "2026-02-19T12:58:20.000Z");
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.messages().await.len(), 2, "not completed, then congratulated once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_checks_that_come_twice_or_early_or_too_late_change_nothing() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.advance(60).await;
    assert_eq!(anna.attempt(&attempt).await["checksDone"], 2);
    for n in [1, 2, 2, 5, 10, 11] {
        world.invoke("club-payments-check", &check(&attempt, n)).await;
    }
    world.idle().await;
    assert_eq!(anna.attempt(&attempt).await["checksDone"], 2);
    // The third before its time: done once or not at all, never twice.
    let again = check(&attempt, 3);
    for _ in 0..3 {
        world.invoke("club-payments-check", &again).await;
    }
    world.idle().await;
    let done = anna.attempt(&attempt).await["checksDone"].as_i64().unwrap();
    assert!((2..=3).contains(&done), "{done}");
    world.advance(240).await;
    assert_eq!(anna.attempt(&attempt).await["checksDone"], 10);
    assert_eq!(anna.attempt_status(&attempt).await, "abandoned");
    assert_eq!(anna.messages().await.len(), 1);
    world.invoke("club-payments-check", &check(&attempt, 10)).await;
    world.invoke("club-payments-check", &check("att_01KFD5J3Z0ABCDEFGHJKMNPQRS", 1)).await;
    world.idle().await;
    assert_eq!(anna.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_beside_the_webhook_is_one_payment() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.pay(&attempt, Webhook::Lost).await;
    let body = json!({"attempt_id": attempt, "event": "success"});
    let event = check(&attempt, 1);
    let (answers, _) = tokio::join!(
        tests::at_once(10, |_| world.webhook(&body)),
        world.invoke("club-payments-check", &event),
    );
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    world.advance(60).await;
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.status().await["subscription_expires"], "2026-02-19T12:00:00.000Z");
    assert_eq!(anna.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_provider_counts_as_unpaid() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.fault("provider", "error").await;
    world.advance(300).await;
    assert_eq!(anna.attempt_status(&attempt).await, "abandoned");
    assert_eq!(anna.messages().await.len(), 1);
    world.heal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_the_check_sees_ends_the_attempt() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.provider_says(&attempt, "failed").await;
    world.advance(30).await;
    assert_eq!(anna.attempt_status(&attempt).await, "failed");
    assert_eq!(anna.messages().await.len(), 1);
    assert_eq!(anna.balance().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sweep_asks_once_more_about_what_was_given_up() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.advance(300).await;
    assert_eq!(anna.attempt_status(&attempt).await, "abandoned");
    world.pay(&attempt, Webhook::Lost).await;
    // Asked at the age of 15 minutes, by a sweep every 15 minutes.
    world.advance(1_500).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.messages().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_interval_is_a_setting() {
    let world = local!("PAYMENT_CHECK_INTERVAL_S" => "5");
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.pay(&attempt, Webhook::Lost).await;
    world.advance(4).await;
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
    world.advance(1).await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_checked_apart() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let (hers, his) = (anna.link(MONTH).await, boris.link(MONTH).await);
    world.pay(&his, Webhook::Lost).await;
    world.advance(30).await;
    assert_eq!(boris.attempt_status(&his).await, "paid");
    assert_eq!(anna.attempt_status(&hers).await, "pending");
    assert_eq!((anna.balance().await, boris.balance().await), (0, 500));
    assert!(anna.messages().await.is_empty());
}
