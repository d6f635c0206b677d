//! The choke point through the door that Lambda uses: event JSON in, answer JSON out.

mod sessions;
mod wire;

use axum::extract::State;
use axum::routing::{any, get, post};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::cache::{CacheClass, Conditional};
use crate::clock::{Instant, Now};
use crate::function::{Access, Function, Instance, Platform, Service};
use crate::idempotency::Idempotency;
use crate::limit::{Counts, Kept, LimitClass};
use crate::problem::{FieldError, Problem};
use crate::retry::Round;
use crate::settings::{Environment, SettingError};
use crate::table::{Key, Write, testing};
use crate::telegram::{BotToken, InitDataError, sign};

const TOKEN: &str = "1000000001:SYNTHETIC-TEST-TOKEN-NOT-REAL";
const NOW: &str = "2026-01-20T09:06:40.000Z";

const API: LimitClass = LimitClass {
    name: "API",
    tokens: 100,
    seconds: 60,
    counts: Counts::Calls,
    kept: Kept::ByMethod,
    fails_closed: false,
};
const PAYMENT: LimitClass =
    LimitClass { name: "PAYMENT", tokens: 10, kept: Kept::Exact, fails_closed: true, ..API };
const ANON: LimitClass = LimitClass { name: "ANON", tokens: 3, counts: Counts::Addresses, ..API };

static WIRE: Wire = Wire {
    dress: plain,
    body_max: 1024,
    webhook_body_max: 4096,
    json_only: true,
    refuses_nul: true,
    keys: KeyRules {
        takes: |byte| byte.is_ascii_graphic(),
        says: "must be visible",
        scope: KeyScope::Path,
    },
    exposed_headers: "X-Total-Count",
    launch_data: LaunchSettings {
        max_age: "LAUNCH_AGE_S",
        future_skew: "LAUNCH_SKEW_S",
        user_id_max: 4_503_599_627_370_495,
    },
    limits: &[API, PAYMENT, ANON],
    problem_schema: || json!({ "type": "object" }),
    success_schema: |schema| schema,
};

/// As most services would: every failure of ours is one and the same to callers.
fn plain(problem: &Problem, request_id: &str) -> Dressed {
    let status = match problem.is_ours() {
        true => StatusCode::SERVICE_UNAVAILABLE,
        false => problem.status(),
    };
    let messages: Vec<_> = problem.fields().iter().map(FieldError::message).collect();
    let mut body = problem.extra().clone();
    body.insert("code".to_owned(), problem.code().into());
    body.insert("detail".to_owned(), problem.message().into());
    body.insert("complaints".to_owned(), messages.into());
    body.insert("request_id".to_owned(), request_id.into());
    if let Some(error) = problem.cause::<InitDataError>() {
        body.insert("why".to_owned(), error.to_string().into());
    }
    let dressed = Dressed::new(status, body);
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            dressed.with_header(http::header::RETRY_AFTER, HeaderValue::from_static("5"))
        }
        _ => dressed,
    }
}

/// In capitals.
fn loud(problem: &Problem, _: &str) -> Dressed {
    Dressed::new(problem.status(), json!({ "code": problem.code().to_uppercase() }))
}

#[derive(Clone)]
struct Demo(Platform);

impl Service for Demo {
    const WIRE: &'static Wire = &WIRE;

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
    ok(&json!({ "id": subject.telegram_id, "now": now }))
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
    let answer = json!({ "success": true, "amount": order.amount });
    let effect = vec![Write::update("orders", Key::new("ORDERS", "COUNT")).add("n", 1)];
    match key.commit(&app.0.table, &answer, effect, now).await? {
        Round::Done(response) => Ok(response),
        Round::Stale => Err(Problem::bug("no answer")),
    }
}

fn echo_function() -> Function<Demo> {
    Function::<Demo>::get("demo-echo", "/echo").limited(API).handled_by(get(echo))
}

fn order_function() -> Function<Demo> {
    Function::<Demo>::post("demo-order", "/orders/{id}").limited(PAYMENT).handled_by(post(order))
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
async fn panics_large_bodies_and_bad_json_are_problems() {
    let function = started(order_function(), &[]).await;
    let launch = launch_data(42);
    let headers = [("authorization", launch.as_str())];
    let large = format!("{{\"amount\":1,\"x\":\"{}\"}}", "x".repeat(1024));
    for (body, status, code) in [
        ("{\"amount\":13}", 503, "internal"),
        ("{", 400, "parse_error"),
        ("{\"amount\":\"1\"}", 400, "validation_failed"),
        ("{\"amount\":1,\"amount\":2}", 400, "validation_failed"),
        ("{\"amount\":1,\"name\":\"\\u0000\"}", 400, "validation_failed"),
        (large.as_str(), 413, "payload_too_large"),
    ] {
        let reply = send(&function, "POST", "/orders/1", &headers, body).await;
        assert_eq!((reply.status, reply.body["code"].as_str()), (status, Some(code)));
        assert_eq!(reply.headers["content-type"], "application/problem+json");
        assert_eq!(reply.headers.get("retry-after").is_some(), status == 503);
        assert_eq!(reply.headers["x-request-id"], reply.body["request_id"]);
        assert!(!reply.body.to_string().contains("a bug"));
    }
    let nul = send(&function, "POST", "/orders/%00", &headers, "{\"amount\":1}").await;
    assert_eq!(nul.status, 400);
}

#[tokio::test]
async fn a_path_that_resolves_to_another_is_a_problem_too() {
    let function = started(order_function(), &[]).await;
    let launch = launch_data(42);
    let headers = [("authorization", launch.as_str())];
    for path in ["/orders/%2e%2e", "/orders/..", "/orders/."] {
        let reply = send(&function, "POST", path, &headers, "{\"amount\":1}").await;
        assert_eq!((reply.status, reply.body["code"].as_str()), (404, Some("not_found")), "{path}");
    }
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

#[tokio::test]
async fn administrators_are_known_by_their_secret_alone() {
    let admin = || {
        let function = Function::<Demo>::get("demo-admin", "/admin").access(Access::Admin);
        function.handled_by(get(async || ""))
    };
    let secret = "0123456789abcdef0123456789abcdef";
    let set = started(admin(), &[]).await;
    let unset = started(admin(), &[("ADMIN_SECRET", "")]).await;
    let launch = launch_data(42);
    for (function, header, status) in [
        (&set, None, 403),
        (&set, Some(""), 403),
        (&set, Some(&secret[1..]), 403),
        (&set, Some(secret), 200),
        (&unset, None, 403),
        (&unset, Some(""), 403),
        (&unset, Some(secret), 403),
    ] {
        let mut headers = vec![("authorization", launch.as_str())];
        headers.extend(header.map(|guess| ("x-admin-secret", guess)));
        let reply = send(function, "GET", "/admin", &headers, "").await;
        assert_eq!(reply.status, status, "{header:?}");
        assert!(status == 200 || reply.body["code"] == "admin_required", "{}", reply.body);
    }
    let (aws, _engine) = testing::engine();
    let prod = [
        ("STAGE", "prod"),
        ("SERVICE", "demo"),
        ("TABLE_NAME", "t"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ];
    let prod = prod.into_iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let refused = admin().start(prod, aws).await.err().map(|error| error.to_string());
    assert_eq!(refused.as_deref(), Some("setting ADMIN_SECRET is missing"));
}

#[test]
fn access_decides_which_secrets_are_read() {
    let admin = Function::<Demo>::get("a", "/a").access(Access::Admin).handled_by(get(echo));
    assert_eq!(admin.declaration().secrets(), ["ADMIN_SECRET"]);
    assert_eq!(echo_function().declaration().secrets(), ["JWT_SECRET", "TELEGRAM_BOT_TOKEN"]);
}
