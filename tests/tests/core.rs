//! What holds for any target: the local stack, the real binaries, a deployed system. Needs neither
//! a clock to move nor faults to inject, and uses people nobody has met before.
#![expect(clippy::indexing_slicing, reason = "helpers of tests fail where they stand, like tests")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{GIFT, MONTH, Member, Webhook, World, at_once};

/// Waits until the attempt has this status.
async fn until_status(member: &Member, attempt: &str, status: &str) {
    let world = &member.user.world;
    let reached = async || (member.attempt_status(attempt).await == status).then_some(());
    world.until(status, reached).await;
}

/// Waits until the bot has written so many messages.
async fn until_messages(member: &Member, count: usize) -> Vec<Value> {
    let world = &member.user.world;
    let written = async || {
        let messages = member.messages().await;
        (messages.len() >= count).then_some(messages)
    };
    world.until("the bot's messages", written).await
}

/// One payment has had its whole effect, once.
async fn has_paid_once(member: &Member, attempt: &str) {
    let shown = member.attempt(attempt).await;
    assert_eq!(shown["status"], "paid");
    let status = member.status().await;
    assert_eq!(status["isPro"], true, "{status}");
    assert_eq!(member.balance().await, 500);
    let amounts: Vec<Value> =
        member.history().await.iter().map(|entry| entry["amount"].clone()).collect();
    assert_eq!(amounts, [json!(500)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_answers_without_a_credential() {
    let world = World::any().await;
    let health = world.get("/health").await.is(200).json();
    assert_eq!(health["status"], "ok");
    assert!(health["timestamp"].is_string() && health["uptime"].is_number(), "{health}");
    let live = world.get("/health/live").await.is(200).json();
    assert_eq!(live["status"], "alive");
    assert!(live["timestamp"].is_string(), "{live}");
    let ready = world.get("/health/ready").await.is(200).json();
    assert_eq!(ready["status"], "ready");
    for check in ["database", "queue", "scheduler_queue_size"] {
        assert!(!ready["checks"][check].is_null(), "{check}: {ready}");
    }
    assert!(ready["checks"]["scheduler_queue_size"].is_u64(), "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_or_not_allowed_is_refused() {
    let world = World::any().await;
    world.get("/nowhere").await.problem(404, "not_found");
    let wrong = world.call("DELETE", "/api/v1/auth/telegram").await;
    wrong.problem(405, "method_not_allowed");
    assert!(wrong.list("allow").contains(&"post".to_owned()), "{wrong}");
    let slash = world.get("/api/v1/users/me/").await;
    assert!(slash.is(308).must("location").ends_with("/api/v1/users/me"), "{slash}");
    world.get("/api/v1/energies/balance").await.problem(401, "unauthorized");
    let bad = json!({"attempt_id": "att_01KFD5J3Z0ABCDEFGHJKMNPQRS", "event": "success"});
    world
        .post("/api/webhooks/sandbox/payment", &bad)
        .header("x-sandbox-secret", "wrong")
        .await
        .problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_first_logins_create_one_member() {
    let world = World::any().await;
    let user = world.user(100, "Анна");
    let init_data = user.init_data().await;
    let body = json!({"initData": init_data});
    let answers = at_once(4, |_| world.post("/api/v1/auth/telegram", &body)).await;
    let ids: BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.ok()["user"]["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_can_be_read_and_changed() {
    let world = World::any().await;
    let anna = world.member(110, "Анна").await;
    assert_eq!(anna.me().await["telegramId"], anna.id());
    let changed = anna.patch(&json!({"firstName": "Аня", "city": "Казань"})).await.ok();
    assert_eq!(changed["user"]["firstName"], "Аня");
    let me = anna.me().await;
    assert_eq!((&me["firstName"], &me["city"]), (&json!("Аня"), &json!("Казань")));
    assert_eq!((&me["isPro"], &me["energies"]), (&json!(false), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_rotates_and_logout_revokes() {
    let world = World::any().await;
    let anna = world.member(120, "Анна").await;
    let body = json!({"refreshToken": anna.refresh});
    let rotated = world.post("/api/v1/auth/refresh", &body).await.ok();
    assert_ne!(rotated["refreshToken"], json!(anna.refresh));
    let token = rotated["accessToken"].as_str().unwrap();
    world.get("/api/v1/auth/me").bearer(token).await.is(200);
    world.call("POST", "/api/v1/auth/logout").bearer(token).await.ok();
    world.get("/api/v1/auth/me").bearer(token).await.problem(401, "token_revoked");
    let last = json!({"refreshToken": rotated["refreshToken"]});
    world.post("/api/v1/auth/refresh", &last).await.is(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_made_once_and_seen_by_its_payer_alone() {
    let world = World::any().await;
    let (anna, boris) = (world.member(130, "Анна").await, world.member(131, "Борис").await);
    let wish = anna.wish(MONTH);
    let first = anna.ask(&wish).key("walk-1").await.ok();
    let attempt = first["attempt_id"].as_str().unwrap();
    let again = anna.ask(&wish).key("walk-1").await;
    assert_eq!(again.ok()["attempt_id"], attempt);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(anna.ask(&wish).await.ok()["attempt_id"], attempt);
    anna.ask(&anna.wish(GIFT)).key("walk-1").await.problem(422, "idempotency_mismatch");
    assert_eq!(anna.attempt(attempt).await["status"], "pending");
    boris.get(&format!("/api/payments/attempts/{attempt}")).await.problem(404, "not_found");
    boris.ask(&wish).await.problem(403, "subject_mismatch");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_parallel_links_are_one_attempt() {
    let world = World::any().await;
    let anna = world.member(135, "Анна").await;
    let answers = at_once(10, |_| anna.ask(&anna.wish(MONTH))).await;
    let mut attempts = BTreeSet::new();
    for answer in &answers {
        if answer.status == 503 {
            assert!(answer.header("retry-after").is_some(), "{answer}");
        } else {
            attempts.insert(answer.ok()["attempt_id"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(attempts.len(), 1, "{attempts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_settles_once_however_often_it_comes() {
    let world = World::any().await;
    let anna = world.member(140, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.pay(&attempt, Webhook::Times(3)).await;
    until_status(&anna, &attempt, "paid").await;
    has_paid_once(&anna, &attempt).await;
    until_messages(&anna, 1).await;
    let before = anna.everything().await;
    let late = json!({"attempt_id": attempt, "event": "success"});
    let answers = at_once(10, |_| world.webhook(&late)).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(anna.everything().await, before);
    assert_eq!(anna.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_webhook_is_settled_by_a_delayed_check() {
    let world = World::any().await;
    let boris = world.member(150, "Борис").await;
    let attempt = boris.link(MONTH).await;
    world.pay(&attempt, Webhook::Lost).await;
    if world.has_desk() {
        assert_eq!(boris.attempt_status(&attempt).await, "pending");
        world.advance(30).await;
    }
    until_status(&boris, &attempt, "paid").await;
    has_paid_once(&boris, &attempt).await;
    until_messages(&boris, 1).await;
    world.webhook(&json!({"attempt_id": attempt, "event": "success"})).await.ok();
    has_paid_once(&boris, &attempt).await;
    assert_eq!(boris.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_not_sent_twice() {
    let world = World::any().await;
    let anna = world.member(160, "Анна").await;
    let first = anna.get("/api/v1/energies/balance").await;
    assert_eq!(first.ok()["balance"], 0);
    let tag = first.must("etag").to_owned();
    let same = anna.get("/api/v1/energies/balance").header("if-none-match", &tag).await;
    assert!(same.is(304).body.is_empty(), "{same}");
    let attempt = anna.pays().await;
    until_status(&anna, &attempt, "paid").await;
    let changed = anna.get("/api/v1/energies/balance").header("if-none-match", &tag).await;
    assert_eq!(changed.ok()["balance"], 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn ratings_of_cities_are_public_and_validated() {
    let world = World::any().await;
    let first = world.get("/api/v1/ratings/cities").await;
    assert!(first.ok()["ratings"].is_array(), "{first}");
    let tag = first.must("etag").to_owned();
    let same = world.get("/api/v1/ratings/cities").header("if-none-match", &tag).await;
    same.is(304);
    let anna = world.member(170, "Анна").await;
    let personal = anna.get("/api/v1/ratings/personal").await.ok();
    assert_eq!(personal["user"]["telegramId"], anna.id(), "{personal}");
}
