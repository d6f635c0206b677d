//! Callers and bodies that nobody expected.

use serde_json::{Value, json};
use tests::InitData;

use super::routes;
use crate::scene::{NO_ORDER, busy, rich};

#[tokio::test(flavor = "multi_thread")]
async fn a23_strange_profiles_fail_nothing() {
    let world = busy!();
    let now_s = world.now().await.as_second();
    let names = [
        Value::Null,
        json!(5),
        json!([]),
        json!({}),
        json!(""),
        json!("a\u{0}b"),
        json!("\u{202e}Анна"),
        json!("👩‍🔧".repeat(100)),
        json!("x".repeat(3_000)),
        json!(true),
    ];
    for (n, name) in (100..).zip(&names) {
        for field in ["first_name", "last_name", "username", "language_code"] {
            let mut user = json!({"id": n, "first_name": "Анна"});
            user[field] = name.clone();
            let data = InitData::new(&user, now_s).signed(world.bot_token());
            let answer = world.get("/api/users/me").bearer(&data).await;
            assert!(matches!(answer.status, 200 | 401), "{field} {name}: {answer}");
            if answer.status == 200 {
                assert!(answer.json()["first_name"].is_string(), "{answer}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_bodies_where_none_is_taken_fail_nothing() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    for route in routes(&world).await.iter().filter(|route| !route.body) {
        for body in [&b"{\"a\":"[..], b"[]", b"null", b"\xff\xfe", b"{}"] {
            let call = anna.call(&route.method, &route.path()).raw(body);
            let answer = call.await;
            if answer.status >= 400 {
                assert!(answer.status < 500, "{answer}");
                answer.refusal();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_long_addresses_and_many_headers_are_only_refused() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    for path in [
        format!("/api/orders?category={}", "ж".repeat(1_500)),
        format!("/api/orders?{}", "a=1&".repeat(1_000)),
        format!("/api/orders?city={}", "%20".repeat(2_000)),
        format!("/api/{}", "a/".repeat(1_000)),
        format!("/api/reviews/check?order_id={}", "A".repeat(6_000)),
    ] {
        let answer = anna.get(&path).await;
        if answer.status >= 400 {
            assert!(answer.status < 500, "{answer}");
            answer.refusal();
        }
    }
    let mut call = anna.get("/api/users/me");
    for n in 0..60 {
        call = call.header(&format!("x-noise-{n}"), "x".repeat(50));
    }
    call.await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_numbers_are_read_alike_everywhere() {
    let world = busy!();
    let anna = rich(&world, 42).await;
    for rating in ["\"x\"", "1e2", "5.5", "1e400", "-0.5", "123456789012345678901234567890"] {
        let body = format!("{{\"order_id\":\"{NO_ORDER}\",\"rating\":{rating}}}");
        let answer = anna.call("POST", "/api/reviews/client").raw(body).await;
        assert_eq!(answer.status, 422, "{rating}: {answer}");
        answer.refusal();
    }
    for rating in ["5", "\"5\"", "5.0", "\" 5 \""] {
        let body = format!("{{\"order_id\":\"{NO_ORDER}\",\"rating\":{rating}}}");
        let answer = anna.call("POST", "/api/reviews/client").raw(body).await;
        answer.problem(404, "review_order_not_found");
    }
}
