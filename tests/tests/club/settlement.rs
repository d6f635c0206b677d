//! A success of the provider and its one effect (§6.2, §6.3), in whatever shape it arrives.

use serde_json::{Value, json};
use tests::{GIFT, MONTH, Member, Webhook, at_once, local};

fn success(attempt: &str) -> Value {
    json!({"attempt_id": attempt, "event": "success"})
}

async fn expires(member: &Member) -> Value {
    member.status().await["subscription_expires"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_fifty_parallel_deliveries_are_one_payment() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    let body = success(&attempt);
    let answers = at_once(50, |_| world.webhook(&body)).await;
    for answer in &answers {
        assert_eq!(answer.ok()["success"], true);
    }
    world.idle().await;
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
    let status = anna.status().await;
    assert_eq!((&status["isPro"], &status["active_subscription"]), (&json!(true), &json!(true)));
    assert_eq!(status["subscription_expires"], "2026-02-19T12:00:00.000Z");
    assert_eq!(status["expires_at"], "2026-02-19T12:00:00.000Z");
    assert_eq!(anna.me().await["isPro"], true);
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.history().await.len(), 1);
    assert_eq!(anna.messages().await.len(), 1);
    let before = anna.everything().await;
    let late = at_once(10, |_| world.webhook(&body)).await;
    assert!(late.iter().all(|answer| answer.status == 200), "{late:?}");
    world.advance(600).await;
    assert_eq!(anna.everything().await, before);
    assert_eq!(anna.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn periods_add_up() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    world.advance(1_000).await;
    anna.pays().await;
    assert_eq!(expires(&anna).await, "2026-03-21T12:00:00.000Z");
    assert_eq!(anna.balance().await, 1000);
    assert_eq!(anna.messages().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_period_begins_anew() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    world.advance(35 * crate::DAY).await;
    let anna = anna.user.sign_in().await;
    assert_eq!(anna.me().await["isPro"], false);
    anna.pays().await;
    // 2026-02-24T12:00 and 30 days.
    assert_eq!(expires(&anna).await, "2026-03-26T12:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_terms_are_put_aside() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    let before = anna.everything().await;
    for (n, terms) in [
        json!({"amount": "1999.99", "currency": "RUB"}),
        json!({"amount": "2000.01", "currency": "RUB"}),
        json!({"amount": "2000.00", "currency": "USD"}),
        json!({"amount": "0.01", "currency": "RUB"}),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = success(&attempt);
        body["external_id"] = json!(format!("wrong-{n}"));
        body["amount"] = terms["amount"].clone();
        body["currency"] = terms["currency"].clone();
        world.webhook(&body).await.ok();
    }
    world.idle().await;
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
    assert_eq!(anna.everything().await, before);
    assert!(anna.messages().await.is_empty());
    let mut right = success(&attempt);
    right["amount"] = json!("2000.00");
    right["currency"] = json!("RUB");
    right["external_id"] = json!("right");
    world.webhook(&right).await.ok();
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.attempt_status(&attempt).await, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_an_unknown_attempt_is_kept_aside() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let before = anna.everything().await;
    let mut body = success("att_01KFD5J3Z0ABCDEFGHJKMNPQRS");
    body["external_id"] = json!("stray");
    world.webhook(&body).await.ok();
    world.webhook(&body).await.ok();
    assert_eq!(anna.everything().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_without_the_secret_changes_nothing() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    let before = anna.everything().await;
    let body = success(&attempt);
    let path = "/api/webhooks/sandbox/payment";
    let own = world.secret("SANDBOX_SECRET").to_owned();
    world.post(path, &body).await.problem(401, "unauthorized");
    for wrong in ["", "x", &own[1..], &format!("{own}x"), &own.to_uppercase()] {
        let answer = world.post(path, &body).header("x-sandbox-secret", wrong).await;
        answer.problem(401, "unauthorized");
        let state = world
            .post(&format!("/api/payments/sandbox/{attempt}/state"), &json!({"state": "paid"}))
            .header("x-sandbox-secret", wrong)
            .await;
        state.problem(401, "unauthorized");
    }
    let other = world.secret("ADMIN_SECRET").to_owned();
    world.post(path, &body).header("x-admin-secret", other).await.problem(401, "unauthorized");
    anna.post(path, &body).await.problem(401, "unauthorized");
    world.advance(60).await;
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
    assert_eq!(anna.everything().await, before);
    assert!(anna.messages().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_ends_the_attempt_and_a_success_mends_it() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    let fail = json!({"attempt_id": attempt, "event": "fail"});
    world.webhook(&fail).await.ok();
    world.webhook(&fail).await.ok();
    assert_eq!(anna.attempt_status(&attempt).await, "failed");
    assert_eq!(anna.messages().await.len(), 1, "payment_not_completed");
    assert_eq!(anna.me().await["isPro"], false);
    world.advance(3_600).await;
    world.pay(&attempt, Webhook::Delivered).await;
    assert_eq!(anna.user.sign_in().await.attempt_status(&attempt).await, "paid");
    let anna = anna.user.sign_in().await;
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.messages().await.len(), 2);
    world.webhook(&fail).await.ok();
    assert_eq!(anna.attempt_status(&attempt).await, "paid", "a failure never leaves paid");
    assert_eq!(anna.messages().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_payment_of_a_paid_attempt_is_a_renewal() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.pays().await;
    let mut second = success(&attempt);
    second["external_id"] = json!("second");
    let answers = at_once(10, |_| world.webhook(&second)).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert_eq!(expires(&anna).await, "2026-03-21T12:00:00.000Z");
    assert_eq!(anna.balance().await, 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_giver_of_a_gift_gets_neither_days_nor_energies() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let mut wish = anna.wish(GIFT);
    wish["recipient_id"] = json!(77);
    let body = anna.ask(&wish).await.ok();
    let attempt = body["attempt_id"].as_str().unwrap();
    world.pay(attempt, Webhook::Times(3)).await;
    assert_eq!(anna.attempt_status(attempt).await, "paid");
    assert_eq!((anna.balance().await, &anna.me().await["isPro"]), (0, &json!(false)));
    assert!(anna.history().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_takes_back_what_its_payment_gave() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let first = anna.pays().await;
    anna.pays().await;
    let refund = json!({"attempt_id": first, "event": "refund"});
    for _ in 0..3 {
        world.webhook(&refund).await.ok();
    }
    assert_eq!(anna.attempt_status(&first).await, "refunded");
    assert_eq!(expires(&anna).await, "2026-02-19T12:00:00.000Z");
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.history().await[0]["amount"], -500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_could_not_be_stored_is_not_acknowledged() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.fault("dynamodb", "throttle").await;
    world.webhook(&success(&attempt)).await.problem(503, "conflict_retry");
    world.heal().await;
    world.webhook(&success(&attempt)).await.ok();
    assert_eq!(anna.balance().await, 500);
    assert_eq!(anna.messages().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn telegram_out_of_order_delays_the_message_alone() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    world.fault("telegram", "error").await;
    world.webhook(&success(&attempt)).await.ok();
    assert_eq!(anna.balance().await, 500);
    world.heal().await;
    world.advance(900).await;
    assert_eq!(anna.messages().await.len(), 1);
}
