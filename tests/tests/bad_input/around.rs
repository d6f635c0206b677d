//! What stands around a body: paths, queries, headers and methods; and what providers deliver.

use serde_json::{Value, json};
use tests::{MONTH, local};

use crate::{lives_on, refused, settled};

#[tokio::test(flavor = "multi_thread")]
async fn strange_deliveries_change_nothing() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    let attempt = before["attempt"].as_str().unwrap();
    let right = || json!({"attempt_id": attempt, "event": "success"});
    for (field, value) in [
        ("event", json!("paid")),
        ("event", json!(1)),
        ("event", Value::Null),
        ("attempt_id", json!(1)),
        ("attempt_id", json!([attempt])),
        ("external_id", json!(1.5)),
        ("external_id", json!("a\u{0}b")),
        ("external_id", json!("x".repeat(5_000))),
        ("amount", json!("two thousand")),
        ("amount", json!("2000.001")),
        ("amount", json!("-2000.00")),
        ("amount", json!("1e3")),
        ("amount", json!("99999999999999999999999999.00")),
        ("amount", json!({})),
        ("currency", json!("RUBLES")),
        ("currency", json!(643)),
    ] {
        let mut body = right();
        body[field] = value.clone();
        let answer = world.webhook(&body).await;
        // What contradicts the attempt may be put aside instead of refused.
        if answer.status != 200 {
            refused(&answer);
        }
        assert_eq!(anna.attempt_status(attempt).await, "pending", "{field} {value}: {answer}");
    }
    refused(&world.webhook(&json!({})).await);
    refused(&world.webhook(&json!({"attempt_id": attempt})).await);
    for state in [json!("refunded?"), json!(1), Value::Null, json!("PAID")] {
        let path = format!("/api/payments/sandbox/{attempt}/state");
        let secret = world.secret("SANDBOX_SECRET").to_owned();
        let call = world.post(&path, &json!({"state": state})).header("x-sandbox-secret", secret);
        refused(&call.await);
    }
    world.idle().await;
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_ids_are_not_found() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    let attempt = before["attempt"].as_str().unwrap();
    let long = "A".repeat(2_000);
    let ids = [
        "x",
        "att_",
        "att_x",
        "0",
        "-1",
        "12345678901234567890",
        "null",
        "undefined",
        "%00",
        "att_%00",
        "%ff",
        "%2e%2e",
        "..%2f..%2fetc",
        "att_01KFD5J3Z0ABCDEFGHJKMNPQR",
        "att_01KFD5J3Z0ABCDEFGHJKMNPQRSS",
        "att_ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "%20",
        "'%20or%201=1",
        "att_%D0%90",
        long.as_str(),
    ];
    let mut wrong = Vec::new();
    for id in ids.into_iter().chain([attempt.to_lowercase().as_str()]) {
        let answer = anna.get(&format!("/api/payments/attempts/{id}")).await;
        let state = world
            .post(&format!("/api/payments/sandbox/{id}/state"), &json!({"state": "paid"}))
            .header("x-sandbox-secret", world.secret("SANDBOX_SECRET"))
            .await;
        for answer in [answer, state] {
            refused(&answer);
            // NUL is refused wherever it stands, before anything is looked up.
            if answer.status != 404 && !(id.contains("%00") && answer.status == 400) {
                wrong.push(answer.to_string());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_queries_are_refused_or_ignored() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    let history = "/api/v1/energies/history";
    for query in [
        "limit=0",
        "limit=-1",
        "limit=abc",
        "limit=1.5",
        "limit=%00",
        "limit=1%00",
        "limit=1_0",
        "limit=--1",
        "limit=0x10",
        "cursor=x",
        "cursor=%00",
        "cursor=%ff%fe",
        "limit=%ff",
        "cursor=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        let answer = anna.get(&format!("{history}?{query}")).await;
        assert_eq!(refused(&answer)["code"], "validation_failed", "{query}: {answer}");
    }
    let long = format!("cursor={}", "A".repeat(6_000));
    refused(&anna.get(&format!("{history}?{long}")).await);
    for query in ["limit=1000000", "unknown=1", "a&b&c", "=", "%00=1", "%ff", "&&&"] {
        let answer = anna.get(&format!("{history}?{query}")).await;
        if answer.status != 200 {
            refused(&answer);
        }
    }
    for query in ["limit=1000000", "unknown=1"] {
        anna.get(&format!("{history}?{query}")).await.is(200);
    }
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_headers_are_refused_or_ignored() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    let strange: [&[u8]; 6] = [b"\xff\xfe", b"a,b", b"\"", b"%00", &[b'x'; 4_000], b"{}"];
    let names = [
        "if-none-match",
        "origin",
        "x-request-id",
        "cookie",
        "x-forwarded-for",
        "accept",
        "user-agent",
        "accept-language",
        "content-type",
        "x-init-data",
        "x-sandbox-secret",
    ];
    for name in names {
        for value in strange {
            for path in ["/api/v1/energies/balance", "/api/v1/ratings/cities", "/health"] {
                let answer = anna.get(path).header(name, value).await;
                if answer.status != 200 {
                    refused(&answer);
                }
            }
        }
    }
    for value in strange {
        let answer = anna.ask(&anna.wish(MONTH)).header("idempotency-key", value).await;
        if value != b"{}" {
            assert_eq!(refused(&answer)["code"], "validation_failed", "{answer}");
        }
        let stranger = world.get("/api/v1/users/me").header("authorization", value).await;
        assert_eq!(stranger.status, 401, "{stranger}");
        refused(&stranger);
        let cookie = world.get("/api/v1/users/me").header("cookie", value).await;
        assert_eq!(cookie.status, 401, "{cookie}");
        refused(&cookie);
    }
    lives_on(&anna, &before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_methods_are_refused() {
    let world = patient!();
    let (anna, before) = settled(&world).await;
    for method in ["PUT", "DELETE", "TRACE", "BREW", "PROPFIND"] {
        for path in ["/api/v1/users/me", "/api/payments/generate-link", "/health", "/nowhere"] {
            let answer = anna.call(method, path).await;
            refused(&answer);
            assert!(matches!(answer.status, 404 | 405), "{answer}");
        }
    }
    lives_on(&anna, &before).await;
}
