//! `POST /api/payments/generate-link` and what the payer sees of the attempt (§5.2, §6.1).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Answer, GIFT, MONTH, Member, World, at_once, local};

use crate::DAY;

fn attempt_of(answer: &Answer) -> String {
    answer.ok()["attempt_id"].as_str().unwrap().to_owned()
}

fn set(mut wish: Value, field: &str, value: Value) -> Value {
    wish[field] = value;
    wish
}

fn unset(mut wish: Value, field: &str) -> Value {
    wish.as_object_mut().unwrap().remove(field);
    wish
}

/// Pays a month, then lets it run out so many days ago.
async fn expired(world: &World, id: i64, days: u64) -> Member {
    let member = world.member(id, "Анна").await;
    member.pays().await;
    world.advance((30 + days) * DAY).await;
    member.user.sign_in().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_comes_with_a_pending_attempt() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let answer = anna.ask(&anna.wish(MONTH)).await;
    let body = answer.ok();
    let attempt = attempt_of(&answer);
    assert!(attempt.starts_with("att_") && attempt.len() == 30, "{attempt}");
    assert!(body["payment_url"].as_str().unwrap().starts_with("http"), "{body}");
    assert!(body["invoice_id"].is_string(), "{body}");
    assert_eq!((&body["provider"], &body["reused"]), (&json!("sandbox"), &json!(false)));
    assert_eq!((&body["amount"], &body["currency"]), (&json!("2000.00"), &json!("RUB")));
    let shown = anna.attempt(&attempt).await;
    let wanted = json!({
        "id": attempt, "status": "pending", "purpose": "self", "offer_key": MONTH,
        "amount": "2000.00", "currency": "RUB", "provider": "sandbox", "checksDone": 0,
        "createdAt": "2026-01-20T12:00:00.000Z",
    });
    assert_eq!(shown, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_attempt_is_answered_again() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let first = anna.ask(&anna.wish(MONTH)).await;
    let again = anna.ask(&anna.wish(MONTH)).await;
    assert_eq!(attempt_of(&again), attempt_of(&first));
    assert_eq!(again.ok()["reused"], true);
    assert_eq!(again.ok()["payment_url"], first.ok()["payment_url"]);
    assert_ne!(boris.link(MONTH).await, attempt_of(&first));
    let gift = set(anna.wish(GIFT), "recipient_id", json!(77));
    assert_ne!(attempt_of(&anna.ask(&gift).await), attempt_of(&first));
    world.pay(&attempt_of(&first), tests::Webhook::Delivered).await;
    assert_ne!(anna.link(MONTH).await, attempt_of(&first), "a paid attempt is not open");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replayed_and_fits_one_body() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let wish = anna.wish(MONTH);
    let first = anna.ask(&wish).key("k-1").await;
    assert_eq!(first.header("idempotency-replayed"), None, "{first}");
    let again = anna.ask(&wish).key("k-1").await;
    assert_eq!(again.must("idempotency-replayed"), "true");
    assert_eq!(attempt_of(&again), attempt_of(&first));
    let alias = anna.ask(&wish).header("x-idempotency-key", "k-1").await;
    assert_eq!(alias.must("idempotency-replayed"), "true");
    assert_eq!(alias.ok(), again.ok());
    let other = set(wish.clone(), "email", json!("else@example.com"));
    anna.ask(&other).key("k-1").await.problem(422, "idempotency_mismatch");
    let foreign = boris.ask(&boris.wish(MONTH)).key("k-1").await;
    assert_ne!(attempt_of(&foreign), attempt_of(&first));
    world.pay(&attempt_of(&first), tests::Webhook::Delivered).await;
    let later = anna.ask(&wish).key("k-1").await;
    assert_eq!(later.ok()["payment_url"], first.ok()["payment_url"]);
    assert_eq!(attempt_of(&later), attempt_of(&first), "the same link also when paid");
    let long = "k".repeat(256);
    for key in ["", "with space", "ключ", "a;b", long.as_str()] {
        let answer = anna.ask(&wish).key(key).await;
        answer.problem(400, "validation_failed");
    }
    let longest = "k".repeat(255);
    anna.ask(&wish).key(&longest).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_the_first_answer_word_for_word() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let first = anna.ask(&anna.wish(MONTH)).key("k-1").await;
    let again = anna.ask(&anna.wish(MONTH)).key("k-1").await;
    assert_eq!(again.ok(), first.ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seeded_offer_is_sold_for_roubles_and_stars() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let ask = |currency: &str| anna.ask(&set(anna.wish(MONTH), "currency", json!(currency)));
    for currency in ["USD", "EUR"] {
        ask(currency).await.problem(400, "currency_not_offered");
    }
    for (currency, amount) in [("RUB", "2000.00"), ("XTR", "1500")] {
        assert_eq!(ask(currency).await.ok()["amount"], amount);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_burnt_by_a_failure() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let wrong = anna.wish("no_such_offer");
    anna.ask(&wrong).key("k-1").await.problem(404, "offer_unknown");
    anna.ask(&anna.wish(MONTH)).key("k-1").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_calls_make_one_attempt() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let anna = world.member(42, "Анна").await;
    for key in [None, Some("same")] {
        let call = |_| {
            let call = anna.ask(&anna.wish(MONTH));
            key.map_or(call.clone(), |key| call.key(key))
        };
        let answers = at_once(10, call).await;
        let mut attempts = BTreeSet::new();
        for answer in &answers {
            if answer.status == 503 {
                answer.problem(503, "conflict_retry");
                assert!(answer.must("retry-after").parse::<u32>().unwrap() >= 1, "{answer}");
            } else {
                attempts.insert(attempt_of(answer));
            }
        }
        assert_eq!(attempts.len(), 1, "{key:?}: {attempts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_creates_nothing() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let probe = set(anna.wish(MONTH), "email", json!("42@check.local"));
    let answer = anna.ask(&probe).await;
    let body = answer.ok();
    assert_eq!(body["active_subscription"], false, "{answer}");
    assert!(body.get("attempt_id").is_none_or(Value::is_null), "{answer}");
    assert!(body.get("payment_url").is_none_or(Value::is_null), "{answer}");
    if let Some(cost) = answer.cost() {
        assert_eq!(cost.items, 0, "{answer}");
    }
    assert_eq!(anna.ask(&anna.wish(MONTH)).await.ok()["reused"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gift_goes_to_whom_the_form_names() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let named = set(anna.wish(GIFT), "email", json!("77_giftclub@mail.ru"));
    let attempt = attempt_of(&anna.ask(&named).await);
    assert_eq!(anna.attempt(&attempt).await["purpose"], "gift");
    let same = set(anna.wish(GIFT), "recipient_id", json!(77));
    assert_eq!(attempt_of(&anna.ask(&same).await), attempt, "the same recipient");
    let other = set(anna.wish(GIFT), "recipient_id", json!("78"));
    assert_ne!(attempt_of(&anna.ask(&other).await), attempt);
    let own = set(anna.wish(GIFT), "recipient_id", json!(42));
    anna.ask(&own).await.problem(400, "gift_self");
    let own = set(anna.wish(GIFT), "email", json!("42_giftclub@mail.ru"));
    anna.ask(&own).await.problem(400, "gift_self");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_wishes_are_refused_and_change_nothing() {
    let world = local!("RATE_PAYMENT" => "1000/60");
    let anna = world.member(42, "Анна").await;
    let before = anna.everything().await;
    let wish = || anna.wish(MONTH);
    for field in ["telegram_id", "email", "offer_key"] {
        let body = anna.ask(&unset(wish(), field)).await.problem(400, "field_required");
        assert_eq!(body["error"], "Обязательные поля: telegram_id, email, offer_key");
    }
    for id in [json!("abc"), json!("12x"), json!(1.5), json!(-1), json!("12345678901234567890")] {
        let body = anna.ask(&set(wish(), "telegram_id", id)).await.problem(400, "bad_telegram_id");
        assert_eq!(body["error"], "Некорректный telegram_id");
    }
    for id in [json!(43), json!("43")] {
        anna.ask(&set(wish(), "telegram_id", id)).await.problem(403, "subject_mismatch");
    }
    let cases = [
        ("offer_key", json!("no_such_offer"), 404, "offer_unknown"),
        ("offer_key", json!("x".repeat(65)), 400, "validation_failed"),
        ("offer_key", json!(7), 400, "validation_failed"),
        ("email", json!("nobody"), 400, "validation_failed"),
        ("email", json!("a@b@c"), 400, "validation_failed"),
        ("email", json!("@"), 400, "validation_failed"),
        ("email", json!(format!("{}@example.com", "x".repeat(250))), 400, "validation_failed"),
        ("email", json!(["a@b"]), 400, "validation_failed"),
        ("email", json!("a\u{0}@example.com"), 400, "validation_failed"),
        ("name", json!("x".repeat(256)), 400, "validation_failed"),
        ("utm_source", json!("x".repeat(256)), 400, "validation_failed"),
    ];
    for (field, value, status, code) in cases {
        let body = anna.ask(&set(wish(), field, value.clone())).await.problem(status, code);
        let russian = body["error"].as_str().unwrap().chars().any(|c| ('а'..='я').contains(&c));
        assert!(russian, "the forms show `error`: {field} {value}: {body}");
    }
    assert_eq!(anna.everything().await, before);
    anna.ask(&set(wish(), "telegram_id", json!("42"))).await.ok();
    anna.ask(&set(wish(), "provider", json!("unheard_of"))).await.ok();
    let roubles = anna.ask(&set(wish(), "currency", json!("ABC"))).await.ok();
    assert_eq!(roubles["currency"], "RUB");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_let_the_subscription_lapse_waits() {
    let world = local!();
    let anna = expired(&world, 42, 6).await;
    let attempt = anna.link(MONTH).await;
    assert_eq!(anna.attempt_status(&attempt).await, "pending");
    world.advance(2 * DAY).await;
    let anna = anna.user.sign_in().await;
    let body = anna.ask(&anna.wish(MONTH)).await.problem(403, "cooldown_active");
    // Paid until 2026-02-19; 90 days later.
    assert_eq!(body["unlock_date"], "20.05.2026");
    assert_eq!(body["error"], "cooldown_active");
    let status = anna.status().await;
    assert_eq!((&status["blocked"], &status["unlock_date"]), (&json!(true), &json!("20.05.2026")));
    let gift = set(anna.wish(GIFT), "recipient_id", json!(77));
    anna.ask(&gift).await.ok();
    world.advance(83 * DAY).await;
    let anna = anna.user.sign_in().await;
    anna.ask(&anna.wish(MONTH)).await.ok();
    assert_eq!(anna.status().await["blocked"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_is_its_payers_alone() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let attempt = anna.link(MONTH).await;
    let path = format!("/api/payments/attempts/{attempt}");
    anna.get(&path).await.is(200);
    let foreign = boris.get(&path).await;
    let unknown = boris.get("/api/payments/attempts/att_01KFD5J3Z0ABCDEFGHJKMNPQRS").await;
    foreign.problem(404, "not_found");
    unknown.problem(404, "not_found");
    let what = |answer: &Answer| {
        let mut body = answer.json();
        for own in ["requestId", "request_id", "instance"] {
            body.as_object_mut().unwrap().remove(own);
        }
        body
    };
    assert_eq!(what(&foreign), what(&unknown), "no hint that it exists");
    world.get(&path).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_newcomer_creates_nothing() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let status = anna.status().await;
    assert_eq!((&status["isPro"], &status["active_subscription"]), (&json!(false), &json!(false)));
    for field in ["expires_at", "subscription_expires", "unlock_date"] {
        assert!(status.get(field).is_some_and(Value::is_null), "{field}: {status}");
    }
    assert_eq!((&status["auto_renewal"], &status["blocked"]), (&json!(false), &json!(false)));
    assert!(status.get("provider").is_some(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_fails_leaves_room_for_another_try() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    world.fault("provider", "error").await;
    let failed = anna.ask(&anna.wish(MONTH)).key("k-1").await.problem(502, "provider_error");
    assert_eq!(failed["error"], "Не удалось создать ссылку на оплату. Попробуйте ещё раз.");
    world.heal().await;
    let retried = anna.ask(&anna.wish(MONTH)).key("k-1").await;
    assert_eq!(anna.attempt_status(&attempt_of(&retried)).await, "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_down_says_when_to_retry() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    world.fault("dynamodb", "throttle").await;
    let answer = anna.ask(&anna.wish(MONTH)).await;
    answer.problem(503, "conflict_retry");
    assert!(answer.header("retry-after").is_some(), "{answer}");
    world.heal().await;
    anna.ask(&anna.wish(MONTH)).await.ok();
}
