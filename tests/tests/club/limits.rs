//! Rate limits: which calls count, by whom, and what the answer says (§2, §3.3).

use serde_json::json;
use tests::{Answer, InitData, MONTH, at_once, local};

/// A refusal of a limit with all its headers.
fn is_limited(answer: &Answer, limit: u32, now_ms: i64) {
    let problem = answer.problem(429, "too_many_requests");
    // The payment forms show `error`, so it is a sentence there.
    if !answer.call.contains("/api/payments/") {
        assert_eq!(problem["error"], "Too Many Requests");
    }
    assert_eq!(answer.must("x-ratelimit-limit"), limit.to_string());
    assert_eq!(answer.must("x-ratelimit-remaining"), "0");
    let reset: i64 = answer.must("x-ratelimit-reset").parse().unwrap();
    assert!((now_ms..=now_ms + 60_000).contains(&reset), "{answer}");
    let after: i64 = answer.must("retry-after").parse().unwrap();
    assert!((1..=60).contains(&after), "{answer}");
    let retry_at = problem["retryAfter"].as_i64().unwrap();
    assert!((now_ms + 1..=now_ms + 60_000).contains(&retry_at), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_the_sixth_login_waits() {
    let world = local!();
    let anna = world.user(42, "Анна");
    for _ in 0..5 {
        anna.login().await.ok();
    }
    let now_ms = world.now().await.as_millisecond();
    is_limited(&anna.login().await, 5, now_ms);
    world.user(43, "Борис").login().await.ok();
    world.advance(60).await;
    anna.login().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_logins_count_by_the_address_of_the_gateway() {
    let world = local!("RATE_TRUSTED_CIDRS" => "");
    let now = world.now().await.as_second();
    let forged = InitData::new(&json!({"id": 42, "first_name": "Анна"}), now).signed("1:other");
    let login = |n: usize| {
        world
            .post("/api/v1/auth/telegram", &json!({"initData": forged}))
            .header("x-forwarded-for", format!("203.0.113.{n}"))
            .header("x-real-ip", format!("203.0.113.{n}"))
            .header("forwarded", format!("for=203.0.113.{n}"))
    };
    for n in 0..5 {
        login(n).await.problem(401, "invalid_init_data");
    }
    let sixth = login(6).await;
    is_limited(&sixth, 5, world.now().await.as_millisecond());
    world.advance(60).await;
    login(7).await.problem(401, "invalid_init_data");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_deliveries_count_by_address_and_good_ones_never() {
    let world = local!("RATE_TRUSTED_CIDRS" => "");
    let anna = world.member(42, "Анна").await;
    let attempt = anna.link(MONTH).await;
    let body = json!({"attempt_id": attempt, "event": "success"});
    let good = at_once(40, |_| world.webhook(&body)).await;
    assert!(good.iter().all(|answer| answer.status == 200), "{good:?}");
    let bad = at_once(40, |_| world.post("/api/webhooks/sandbox/payment", &body)).await;
    let refused = bad.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(refused, 30, "RATE_WEBHOOK is 30 in 10 s");
    assert!(bad.iter().all(|answer| matches!(answer.status, 401 | 429)), "{bad:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_limited_exactly_by_subject() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let answers = at_once(40, |_| anna.ask(&anna.wish(MONTH))).await;
    let limited: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert_eq!(limited.len(), 30, "RATE_PAYMENT is 10 in 60 s");
    is_limited(limited[0], 10, world.now().await.as_millisecond());
    boris.link(MONTH).await;
    world.advance(60).await;
    anna.ask(&anna.wish(MONTH)).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_what_is_left() {
    let world = local!("RATE_PAYMENT" => "3/60");
    let anna = world.member(42, "Анна").await;
    for left in ["2", "1", "0"] {
        let answer = anna.ask(&anna.wish(MONTH)).await;
        answer.ok();
        assert_eq!(answer.must("x-ratelimit-limit"), "3");
        assert_eq!(answer.must("x-ratelimit-remaining"), left, "{answer}");
        assert!(answer.must("x-ratelimit-reset").parse::<i64>().is_ok());
    }
    is_limited(&anna.ask(&anna.wish(MONTH)).await, 3, world.now().await.as_millisecond());
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_are_limited_by_subject() {
    let world = local!("RATE_API" => "3/60");
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    for _ in 0..3 {
        let answer = anna.get("/api/v1/energies/balance").await;
        assert_eq!(answer.is(200).must("x-ratelimit-limit"), "3");
    }
    let fourth = anna.get("/api/v1/energies/balance").await;
    is_limited(&fourth, 3, world.now().await.as_millisecond());
    boris.get("/api/v1/energies/balance").await.is(200);
    world.advance(60).await;
    anna.get("/api/v1/energies/balance").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn public_lists_are_limited_by_address_or_subject() {
    let world = local!("RATE_PUBLIC" => "3/60", "RATE_TRUSTED_CIDRS" => "");
    let anna = world.member(42, "Анна").await;
    let path = "/api/v1/ratings/cities";
    for _ in 0..3 {
        world.get(path).await.is(200);
    }
    is_limited(&world.get(path).await, 3, world.now().await.as_millisecond());
    let forged = world.get(path).header("x-forwarded-for", "203.0.113.9").await;
    assert_eq!(forged.status, 429, "{forged}");
    anna.get(path).await.is(200);
}
