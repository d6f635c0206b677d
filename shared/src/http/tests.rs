//! The choke point through the door that Lambda uses: event JSON in, answer JSON out.

use axum::extract::State;
use axum::routing::{get, post};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::cache::CacheClass;
use crate::clock::{Instant, Now};
use crate::function::{Access, Function, Instance, Platform, Service};
use crate::idempotency::{Idempotency, Outcome, WRITE, replayed};
use crate::limit::LimitClass;
use crate::problem::Problem;
use crate::settings::{Environment, SettingError};
use crate::table::{Key, Write, testing};
use crate::telegram::{BotToken, sign};

const TOKEN: &str = "1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL";
const NOW: &str = "2026-01-20T09:06:40.000Z";

#[derive(Clone)]
struct Demo(Platform);

impl Service for Demo {
    async fn start(platform: Platform) -> Result<Self, SettingError> {
        Ok(Self(platform))
    }

    fn platform(&self) -> &Platform {
        &self.0
    }
}

#[derive(Deserialize)]
struct Order {
    amount: u32,
}

async fn echo(subject: Subject, Now(now): Now) -> Answer {
    success(json!({ "id": subject.telegram_id, "now": now }))
}

async fn order(
    State(app): State<Demo>,
    Now(now): Now,
    key: Idempotency,
    Json(order): Json<Order>,
) -> Answer {
    if order.amount == 13 {
        panic!("a bug");
    }
    let body = json!({ "success": true, "amount": order.amount }).to_string();
    let saving = key.saving(http::StatusCode::OK, &body, now);
    let mut writes: Vec<_> = saving.into_iter().collect();
    writes.push(Write::update("orders", Key::new("ORDERS", "COUNT")).add("n", 1));
    match app.0.table.transact(writes).await {
        Ok(()) => Ok(json(body.into())),
        Err(error) => match key.replay_item(error.refusal()?.old(WRITE), now)? {
            Some(Outcome::Answer { status, body }) => replayed(status, body),
            _ => Err(Problem::bug("no answer")),
        },
    }
}

fn echo_function() -> Function<Demo> {
    Function::<Demo>::get("demo-echo", "/echo")
        .limited(LimitClass::Api)
        .cached(CacheClass::User)
        .handled_by(get(echo))
}

fn order_function() -> Function<Demo> {
    Function::<Demo>::post("demo-order", "/orders/{id}")
        .limited(LimitClass::Payment)
        .russian_errors()
        .handled_by(post(order))
}

async fn started(function: Function<Demo>, more: &[(&str, &str)]) -> Instance<Demo> {
    let (aws, engine) = testing::engine();
    testing::table_in(&aws).await;
    std::mem::forget(engine);
    let mut variables: Vec<(String, String)> = Vec::new();
    for (name, value) in [
        ("STAGE", "test"),
        ("SERVICE", "demo"),
        ("TABLE_NAME", "test-table"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("TELEGRAM_BOT_TOKEN", TOKEN),
        ("JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("ADMIN_SECRET", "0123456789abcdef0123456789abcdef"),
        ("CORS_ORIGIN", "https://app.example.test"),
    ]
    .into_iter()
    .chain(more.iter().copied())
    {
        variables.push((name.to_owned(), value.to_owned()));
    }
    let environment: Environment = variables.into_iter().collect();
    function.start(environment, aws).await.unwrap()
}

struct Reply {
    status: u64,
    headers: Value,
    cookies: Vec<String>,
    body: Value,
}

async fn send(
    function: &Instance<Demo>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Reply {
    let mut all = json!({ "host": "api.example.test" });
    for (name, value) in headers {
        all[name.to_lowercase()] = json!(value);
    }
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": all, "body": body, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "0", "apiId": "demo", "domainName": "api.example.test", "stage": "$default",
            "requestId": "r", "routeKey": "$default", "time": "", "timeEpoch": 0,
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "" },
        },
    });
    let context = json!({
        "client": { "installation_id": "", "app_title": "", "app_version_name": "", "app_version_code": "", "app_package_name": "" },
        "custom": { "now": NOW }, "env": {},
    });
    let mut runtime = HeaderMap::new();
    runtime.insert("lambda-runtime-aws-request-id", "r".parse().unwrap());
    runtime.insert("lambda-runtime-deadline-ms", "0".parse().unwrap());
    runtime.insert("lambda-runtime-client-context", context.to_string().parse().unwrap());
    let invoked = function.invoke(event.to_string().as_bytes(), &runtime).await;
    let answer: Value = serde_json::from_slice(&invoked.result.unwrap()).unwrap();
    let body = answer["body"].as_str().unwrap_or_default();
    Reply {
        status: answer["statusCode"].as_u64().unwrap(),
        headers: answer["headers"].clone(),
        cookies: serde_json::from_value(answer["cookies"].clone()).unwrap_or_default(),
        body: serde_json::from_str(body).unwrap_or_default(),
    }
}

fn launch_data(id: i64) -> String {
    let seconds = NOW.parse::<Instant>().unwrap().seconds().to_string();
    let user = json!({ "id": id, "first_name": "Анна" }).to_string();
    let token = BotToken::parse(TOKEN).unwrap();
    format!("tma {}", sign(&[("auth_date", &seconds), ("user", &user)], &token))
}

#[tokio::test]
async fn every_answer_carries_what_all_answers_carry() {
    let function = started(echo_function(), &[]).await;
    let launch = launch_data(42);
    let headers = [
        ("authorization", launch.as_str()),
        ("x-request-id", "abc-1"),
        ("origin", "https://app.example.test"),
    ];
    let reply = send(&function, "GET", "/echo", &headers, "").await;
    assert_eq!(
        (reply.status, &reply.body["id"], &reply.body["now"]),
        (200, &json!(42), &json!(NOW))
    );
    for (name, value) in [
        ("x-request-id", "abc-1"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("access-control-allow-origin", "https://app.example.test"),
        ("access-control-allow-credentials", "true"),
        ("cache-control", "no-store"),
        ("vary", "Origin"),
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-remaining", "99"),
    ] {
        assert_eq!(reply.headers[name], value, "{name}");
    }
    let foreign = [("authorization", launch.as_str()), ("origin", "https://evil.example.test")];
    let reply = send(&function, "GET", "/echo", &foreign, "").await;
    assert!(reply.headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn bad_credentials_are_told_apart() {
    let function = started(echo_function(), &[]).await;
    for (header, code) in [
        (None, "unauthorized"),
        (Some("Basic abc"), "unauthorized"),
        (Some("Bearer "), "unauthorized"),
        (Some("Bearer a.b.c"), "unauthorized"),
        (Some("tma auth_date=1&hash=00"), "invalid_init_data"),
    ] {
        let headers: Vec<_> = header.iter().map(|value| ("authorization", *value)).collect();
        let reply = send(&function, "GET", "/echo", &headers, "").await;
        assert_eq!((reply.status, reply.body["code"].as_str()), (401, Some(code)), "{header:?}");
        assert_eq!(reply.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn an_expired_token_beside_a_good_cookie_is_renewed() {
    let function = started(echo_function(), &[]).await;
    let sessions = &function.platform.identity().unwrap().sessions;
    let now: Instant = NOW.parse().unwrap();
    let (write, tokens) =
        sessions.open("id", 42, now - jiff::SignedDuration::from_hours(2)).unwrap();
    function.platform.table.write(write).await.unwrap();
    let bearer = format!("Bearer {}", tokens.access_token);
    let alone = send(&function, "GET", "/echo", &[("authorization", &bearer)], "").await;
    assert_eq!(alone.body["code"], "token_expired");
    let cookie = format!("refresh_token={}", tokens.refresh_token);
    let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
    let renewed = send(&function, "GET", "/echo", &headers, "").await;
    assert_eq!(renewed.status, 200);
    let token = renewed.headers["x-access-token"].as_str().unwrap();
    assert_eq!(renewed.cookies.len(), 2);
    let cookie = format!("auth_token={token}");
    let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
    let served = send(&function, "GET", "/echo", &headers, "").await;
    assert_eq!((served.status, served.cookies.len()), (200, 0));
    assert!(served.headers.get("x-access-token").is_none());
}

#[tokio::test]
async fn a_handler_that_clears_the_cookies_has_the_last_word() {
    async fn leave(_: Subject) -> Answer {
        let mut response = success(json!({}))?;
        crate::session::Clear { secure: true }.write(response.headers_mut());
        Ok(response)
    }
    let function = Function::<Demo>::post("demo-leave", "/leave")
        .limited(LimitClass::Api)
        .handled_by(post(leave));
    let function = started(function, &[]).await;
    let sessions = &function.platform.identity().unwrap().sessions;
    let then = NOW.parse::<Instant>().unwrap() - jiff::SignedDuration::from_hours(2);
    let (write, tokens) = sessions.open("id", 42, then).unwrap();
    function.platform.table.write(write).await.unwrap();
    let bearer = format!("Bearer {}", tokens.access_token);
    let cookie = format!("refresh_token={}", tokens.refresh_token);
    let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
    let left = send(&function, "POST", "/leave", &headers, "").await;
    assert_eq!((left.status, left.cookies.len()), (200, 2));
    assert!(left.cookies.iter().all(|cookie| cookie.contains("Max-Age=0")), "{:?}", left.cookies);
    assert!(left.headers.get("x-access-token").is_none());
}

#[tokio::test]
async fn an_expired_token_stays_expired_beside_a_bad_cookie() {
    let function = started(echo_function(), &[]).await;
    let sessions = &function.platform.identity().unwrap().sessions;
    let then = NOW.parse::<Instant>().unwrap() - jiff::SignedDuration::from_hours(2);
    let mut opened = Vec::new();
    for (member, id) in [("id", 42), ("id", 42), ("other", 43)] {
        let (write, tokens) = sessions.open(member, id, then).unwrap();
        function.platform.table.write(write).await.unwrap();
        opened.push(tokens);
    }
    let bearer = format!("Bearer {}", opened[0].access_token);
    let reused = opened[1].refresh_token.clone();
    let mut newest = reused.clone();
    for _ in 0..3 {
        newest = sessions.rotate(&newest, None, then).await.unwrap().refresh_token;
    }
    // The reuse revokes its family, so that the newest is no good either.
    for cookie in ["x", &opened[2].refresh_token, &reused, &newest] {
        let cookie = format!("refresh_token={cookie}");
        let headers = [("authorization", bearer.as_str()), ("cookie", cookie.as_str())];
        let reply = send(&function, "GET", "/echo", &headers, "").await;
        assert_eq!((reply.status, &reply.body["code"]), (401, &json!("token_expired")));
        assert!(reply.cookies.is_empty());
    }
    assert!(sessions.rotate(&newest, None, then).await.is_err());
}

#[tokio::test]
async fn a_cookie_alone_changes_nothing_from_a_foreign_page() {
    let function = started(order_function(), &[]).await;
    let sessions = &function.platform.identity().unwrap().sessions;
    let (write, tokens) = sessions.open("id", 42, NOW.parse().unwrap()).unwrap();
    function.platform.table.write(write).await.unwrap();
    let cookie = format!("auth_token={}", tokens.access_token);
    let order = |origin: &'static str| {
        let headers = [("cookie", cookie.clone()), ("origin", origin.to_owned())];
        let function = &function;
        async move {
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            send(function, "POST", "/orders/1", &headers, "{\"amount\":1}").await
        }
    };
    assert_eq!(order("https://evil.example.test").await.body["code"], "origin_refused");
    assert_eq!(order("https://app.example.test").await.status, 200);
}

#[tokio::test]
async fn panics_large_bodies_and_bad_json_are_problems() {
    let function = started(order_function(), &[]).await;
    let launch = launch_data(42);
    let headers = [("authorization", launch.as_str())];
    let large = format!("{{\"amount\":1,\"x\":\"{}\"}}", "x".repeat(64 * 1024));
    for (body, status, code) in [
        ("{\"amount\":13}", 500, "internal"),
        ("{", 400, "parse_error"),
        ("{\"amount\":\"1\"}", 400, "validation_failed"),
        ("{\"amount\":1,\"amount\":2}", 400, "validation_failed"),
        ("{\"amount\":1,\"name\":\"\\u0000\"}", 400, "validation_failed"),
        (large.as_str(), 413, "payload_too_large"),
    ] {
        let reply = send(&function, "POST", "/orders/1", &headers, body).await;
        assert_eq!((reply.status, reply.body["code"].as_str()), (status, Some(code)));
        assert_eq!(reply.body["error"], reply.body["message"], "this route shows the sentence");
        assert!(!reply.body.to_string().contains("a bug"));
    }
    let nul = send(&function, "POST", "/orders/%00", &headers, "{\"amount\":1}").await;
    assert_eq!(nul.status, 400);
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer() {
    let function = started(order_function(), &[]).await;
    let launch = launch_data(42);
    let headers = [("authorization", launch.as_str()), ("idempotency-key", "k-1")];
    let first = send(&function, "POST", "/orders/1", &headers, "{\"amount\":7}").await;
    let again = send(&function, "POST", "/orders/1", &headers, "{\"amount\":7}").await;
    assert_eq!((first.status, &first.body), (200, &again.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = send(&function, "POST", "/orders/1", &headers, "{\"amount\":8}").await;
    assert_eq!((other.status, other.body["code"].as_str()), (422, Some("idempotency_mismatch")));
    let elsewhere = send(&function, "POST", "/orders/2", &headers, "{\"amount\":8}").await;
    assert_eq!(elsewhere.status, 200);
    let bad = [("authorization", launch.as_str()), ("idempotency-key", "a b")];
    assert_eq!(send(&function, "POST", "/orders/1", &bad, "{\"amount\":7}").await.status, 400);
}

#[tokio::test]
async fn the_eleventh_payment_call_of_a_minute_is_refused() {
    let function = started(order_function(), &[]).await;
    let launch = launch_data(42);
    let headers = [("authorization", launch.as_str())];
    for left in (0..10).rev() {
        let reply = send(&function, "POST", "/orders/1", &headers, "{\"amount\":1}").await;
        assert_eq!(reply.headers["x-ratelimit-remaining"], left.to_string());
    }
    let reply = send(&function, "POST", "/orders/1", &headers, "{\"amount\":1}").await;
    assert_eq!((reply.status, reply.body["code"].as_str()), (429, Some("too_many_requests")));
    assert_eq!(reply.headers["retry-after"], "6");
    assert!(reply.body["retryAfter"].as_i64().unwrap() > 1_768_900_000_000);
    let other = launch_data(43);
    let other = [("authorization", other.as_str())];
    assert_eq!(send(&function, "POST", "/orders/1", &other, "{\"amount\":1}").await.status, 200);
}

#[tokio::test]
async fn a_missing_secret_or_a_sandbox_in_production_keeps_a_function_from_starting() {
    let start = |more: &'static [(&'static str, &'static str)]| async move {
        let (aws, _engine) = testing::engine();
        let variables =
            [("SERVICE", "demo"), ("TABLE_NAME", "t"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")];
        let all = variables.iter().chain(more).map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        echo_function().start(all.collect(), aws).await.err().map(|error| error.to_string())
    };
    let secrets_missing = start(&[("STAGE", "test")]).await.unwrap();
    assert!(secrets_missing.contains("JWT_SECRET"), "{secrets_missing}");
    let sandbox = start(&[("STAGE", "prod"), ("SANDBOX_PROVIDER_URL", "http://127.0.0.1:1")]).await;
    assert!(sandbox.unwrap().contains("SANDBOX_PROVIDER_URL"));
    assert!(start(&[]).await.unwrap().contains("STAGE"));
}

#[test]
fn access_decides_which_secrets_are_read() {
    let admin = Function::<Demo>::get("a", "/a").access(Access::Admin).handled_by(get(echo));
    assert_eq!(admin.declaration().secrets(), ["ADMIN_SECRET"]);
    assert_eq!(echo_function().declaration().secrets(), ["JWT_SECRET", "TELEGRAM_BOT_TOKEN"]);
}
