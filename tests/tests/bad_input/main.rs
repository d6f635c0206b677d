//! Bad input: each a 4xx with a stable code, nothing written, and the system lives on.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand, like tests")]

use serde_json::{Value, json};
use tests::{Access, Answer, Call, MONTH, Member, ROUTES, Route, World, local};

/// A world where nothing is refused for being too often.
macro_rules! patient {
    () => {
        local!("RATE_AUTH" => "100000/60", "RATE_API" => "100000/60", "RATE_PAYMENT" => "100000/60",
            "RATE_WEBHOOK" => "100000/10", "RATE_PUBLIC" => "100000/60")
    };
}

mod around;

/// A refusal in the right shape that wrote nothing.
#[track_caller]
fn refused(answer: &Answer) -> Value {
    let problem = answer.refusal();
    assert!((400..500).contains(&answer.status), "{answer}");
    if let Some(cost) = answer.cost() {
        assert_eq!(cost.items, 0, "something was written: {answer}");
    }
    problem
}

/// Calls the route as someone who may.
fn call(route: &Route, member: &Member) -> Call {
    let world = &member.user.world;
    let call = world.call(route.method, route.path);
    match route.access {
        Access::Anyone => call,
        Access::Member => call.bearer(&member.token),
        Access::Provider => call.header("x-sandbox-secret", world.secret("SANDBOX_SECRET")),
        Access::Admin => call.header("x-admin-secret", world.secret("ADMIN_SECRET")),
        Access::Telegram => {
            let secret = world.secret("TELEGRAM_WEBHOOK_SECRET");
            call.header("x-telegram-bot-api-secret-token", secret)
        }
    }
}

fn with_bodies() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.body)
}

/// A member with an open attempt, and all that must stay as it is.
async fn settled(world: &World) -> (Member, Value) {
    let anna = world.member(42, "Анна").await;
    anna.moves_to("Казань").await;
    let attempt = anna.link(MONTH).await;
    let before = snapshot(&anna, &attempt).await;
    (anna, json!({"attempt": attempt, "everything": before}))
}

async fn snapshot(member: &Member, attempt: &str) -> Value {
    json!([member.everything().await, member.attempt(attempt).await, member.messages().await])
}

/// Nothing has changed, and the system does its work.
async fn lives_on(member: &Member, before: &Value) {
    let world = &member.user.world;
    let attempt = before["attempt"].as_str().unwrap();
    assert_eq!(snapshot(member, attempt).await, before["everything"]);
    world.pay(attempt, tests::Webhook::Delivered).await;
    assert_eq!(member.attempt_status(attempt).await, "paid");
    world.get("/health/ready").await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_over_64_kib_are_too_large() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    for route in with_bodies() {
        for size in [64 * 1024 + 1, 1_000_000] {
            let filler = "x".repeat(size);
            let body = json!({"firstName": "Аня", "filler": filler}).to_string();
            let answer = call(route, &anna).raw(body).await;
            let problem = answer.problem(413, "payload_too_large");
            assert!(problem["error"].is_string(), "{answer}");
            refused(&answer);
        }
        // Who has no credential may not learn more, nor cost more.
        let stranger = world.call(route.method, route.path).raw("x".repeat(70_000)).await;
        assert!(matches!(stranger.status, 401 | 413), "{stranger}");
    }
    let nearly = "x".repeat(60 * 1024);
    anna.patch(&json!({"firstName": "Анна", "ignored": nearly})).await.ok();
    lives_on(&anna, &before).await;
}

/// Refreshing may take a body it cannot read as one without a token, and what changes an entity may
/// pass over a field that it does not know and find no such entity.
fn reads_no_more(route: &Route, answer: &Answer) -> bool {
    let is_of = |part: &str, status: u16| route.path.contains(part) && answer.status == status;
    is_of("/auth/refresh", 401) || is_of("/x", 404)
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_bodies_are_parse_errors() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let nested = format!("{{\"settings\":{}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
    let bodies: [&[u8]; 14] = [
        b"{",
        b"{\"a\":",
        b"{'firstName':'x'}",
        b"{\"firstName\":\"a\0b\"}",
        b"\0",
        b"{\"firstName\":\"\xff\xfe\"}",
        b"\xff\xfe{\0}\0",
        b"{\"firstName\":\"\\ud800\"}",
        b"{} {}",
        b"nonsense",
        b"{\"firstName\":NaN}",
        b"a=1&b=2",
        deep.as_bytes(),
        nested.as_bytes(),
    ];
    for route in with_bodies() {
        for body in bodies {
            let answer = call(route, &anna).raw(body).await;
            let problem = refused(&answer);
            let code = problem["code"].as_str().unwrap();
            let known = ["parse_error", "validation_failed", "field_required"];
            let is_known = answer.status == 400 && known.contains(&code);
            assert!(is_known || reads_no_more(route, &answer), "{}: {answer}", route.path);
        }
        for body in ["[]", "null", "1", "\"x\"", "true"] {
            let answer = call(route, &anna).raw(body).await;
            refused(&answer);
            assert!(answer.status == 400 || reads_no_more(route, &answer), "{body}: {answer}");
        }
    }
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_given_twice_are_refused() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    let attempt = before["attempt"].as_str().unwrap();
    let names = r#"{"firstName":"Одна","firstName":"Другая"}"#;
    refused(&anna.call("PATCH", "/api/v1/users/me").raw(names).await);
    let id = anna.id();
    let wish = format!(
        r#"{{"telegram_id":{id},"telegram_id":43,"email":"a@example.com","offer_key":"{MONTH}"}}"#
    );
    refused(&anna.call("POST", "/api/payments/generate-link").raw(wish).await);
    let paid = format!(r#"{{"attempt_id":"{attempt}","event":"fail","event":"success"}}"#);
    let delivery = world.webhook(&json!({})).raw(paid).await;
    refused(&delivery);
    let login = world.call("POST", "/api/v1/auth/telegram");
    refused(&login.raw(r#"{"initData":"a","initData":"b"}"#).await);
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_types_are_named() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    let strange = [
        json!(1),
        json!(-1),
        json!(1.5),
        json!(true),
        json!([]),
        json!({}),
        json!(["x"]),
        json!({"x": 1}),
        json!(18_446_744_073_709_551_615_u64),
        json!("a\u{0}b"),
    ];
    for field in ["firstName", "lastName", "city", "languageCode"] {
        for value in &strange {
            let answer = anna.patch(&json!({field: value})).await;
            assert_eq!(refused(&answer)["code"], "validation_failed", "{field} {value}: {answer}");
        }
    }
    for value in &strange {
        let login = world.post("/api/v1/auth/telegram", &json!({"initData": value})).await;
        refused(&login);
        let refresh = world.post("/api/v1/auth/refresh", &json!({"refreshToken": value})).await;
        refused(&refresh);
        for field in ["telegram_id", "email", "offer_key", "currency", "recipient_id"] {
            let mut wish = anna.wish(MONTH);
            wish[field] = value.clone();
            let answer = anna.ask(&wish).await;
            // Some of them are right in their place.
            if answer.status != 200 {
                refused(&answer);
            }
        }
    }
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_content_type_is_read_as_json() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    for kind in ["text/plain", "application/json; charset=utf-8", "application/octet-stream"] {
        let answer = anna
            .call("PATCH", "/api/v1/users/me")
            .header("content-type", kind)
            .raw(r#"{"firstName":"Анна"}"#)
            .await;
        assert_eq!(answer.ok()["user"]["firstName"], "Анна", "{kind}");
    }
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_and_numbers_of_any_length_are_only_refused() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    for digits in ["12345678901234567890", "99999999999999999999999999999999999999999", "-0"] {
        let body =
            format!(r#"{{"telegram_id":{digits},"email":"a@example.com","offer_key":"{MONTH}"}}"#);
        let wish = anna.call("POST", "/api/payments/generate-link").raw(body).await;
        assert_eq!(refused(&wish)["code"], "bad_telegram_id", "{wish}");
        let since = anna.get("/api/v1/energies/history").header("if-modified-since", digits).await;
        since.is(200);
    }
    let huge = "1".repeat(10_000);
    let body = format!(r#"{{"firstName":{huge}}}"#);
    refused(&anna.call("PATCH", "/api/v1/users/me").raw(body).await);
    let exponent = anna.call("PATCH", "/api/v1/users/me").raw(r#"{"firstName":1e999999}"#).await;
    refused(&exponent);
    lives_on(&anna, &before).await;
}
