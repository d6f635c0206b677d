//! What every answer of every route has: routes, methods, CORS, headers (§3.3, §17.1).

use serde_json::json;
use tests::{Answer, Call, ORIGIN, ROUTES, World, local};

/// Headers that a browser may send.
const REQUEST_HEADERS: [&str; 6] = [
    "content-type",
    "authorization",
    "x-request-id",
    "idempotency-key",
    "x-idempotency-key",
    "if-none-match",
];
/// Headers that a script may read.
const EXPOSED: [&str; 10] = [
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "etag",
    "x-cache",
    "x-cache-age",
    "x-access-token",
    "idempotency-replayed",
    "retry-after",
];

/// One call of each kind: answered, refused, unknown.
fn samples(world: &World) -> Vec<Call> {
    let mut calls: Vec<Call> =
        ROUTES.iter().map(|route| world.call(route.method, route.path)).collect();
    calls.push(world.get("/nowhere"));
    calls.push(world.call("DELETE", "/health"));
    calls.push(world.call("OPTIONS", "/api/v1/users/me"));
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_guarded_and_named() {
    let world = local!();
    for call in samples(&world) {
        let answer = call.await;
        assert_eq!(answer.must("x-content-type-options"), "nosniff", "{answer}");
        assert_eq!(answer.must("referrer-policy"), "no-referrer", "{answer}");
        let id = answer.must("x-request-id");
        assert!((1..=64).contains(&id.len()), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_is_kept_when_it_is_one() {
    let world = local!();
    let longest = "x".repeat(64);
    for id in ["a", "Trace_1-2", longest.as_str()] {
        for path in ["/health", "/nowhere", "/api/v1/users/me"] {
            let answer = world.get(path).header("x-request-id", id).await;
            assert_eq!(answer.must("x-request-id"), id, "{answer}");
        }
    }
    let long = "x".repeat(65);
    for id in ["", "a b", "a;b", "<script>", long.as_str()] {
        let answer = world.get("/health").header("x-request-id", id).await;
        assert_ne!(answer.must("x-request-id"), id, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_routes_are_not_found() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    for path in [
        "/api",
        "/api/v1",
        "/api/v1/users",
        "/api/v2/users/me",
        "/api/v1/ai/messages",
        "/api/v1/sessions/start",
        "/api/v1/referral/code",
        "/favicon.ico",
        "/.env",
        "/api/v1/users/me/extra",
        "/api/payments/attempts",
        "/health/deep",
        "/metrics2",
        "/api/v1/%2e%2e/%2e%2e/etc/passwd",
        "/%ff",
        "/api//v1/users/me",
        "/API/V1/USERS/ME",
    ] {
        let answer = anna.get(path).await;
        assert_eq!(answer.problem(404, "not_found")["error"], "Not Found", "{answer}");
    }
    for path in ["/api/webhooks/lava-payment-success", "/getcourse/payment", "/api/webhooks/none"] {
        world.post(path, &json!({})).await.problem(404, "not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_method_is_told_which_are_allowed() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    for route in ROUTES {
        let same = ROUTES.iter().filter(|other| other.covers(route.path));
        let known: Vec<String> = same.map(|other| other.method.to_ascii_lowercase()).collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if known.contains(&method.to_ascii_lowercase()) {
                continue;
            }
            let answer = anna.call(method, route.path).await;
            let problem = answer.problem(405, "method_not_allowed");
            assert_eq!(problem["error"], "Method Not Allowed", "{answer}");
            let allowed = answer.list("allow");
            assert!(known.iter().all(|method| allowed.contains(method)), "{answer}");
            assert!(!allowed.contains(&method.to_ascii_lowercase()), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_at_the_end_is_redirected() {
    let world = local!();
    for route in ROUTES {
        let answer = world.call(route.method, &format!("{}/?a=1&b=%20", route.path)).await;
        let location = answer.is(308).must("location");
        let wanted = format!("{}?a=1&b=%20", route.path);
        assert!(location.ends_with(&wanted), "{location} for {wanted}");
        assert!(!location.starts_with("//"), "{location}");
    }
    // Never a redirection to another host.
    for path in ["//example.com/", "//example.com/api/v1/users/me/", "/%2f%2fexample.com/"] {
        let answer = world.get(path).await;
        let location = answer.header("location").unwrap_or_default();
        assert!(!location.starts_with("//") && !location.starts_with("http"), "{answer}");
    }
}

fn cors(answer: &Answer) {
    assert_eq!(answer.must("access-control-allow-origin"), ORIGIN, "{answer}");
    assert_eq!(answer.must("access-control-allow-credentials"), "true", "{answer}");
    assert!(answer.list("vary").contains(&"origin".to_owned()), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_for_every_route() {
    let world = local!();
    for route in ROUTES {
        let preflight = |origin: &str| {
            world
                .call("OPTIONS", route.path)
                .header("origin", origin)
                .header("access-control-request-method", route.method)
                .header("access-control-request-headers", "authorization,content-type")
        };
        let answer = preflight(ORIGIN).await;
        assert!(matches!(answer.status, 200 | 204), "{answer}");
        cors(&answer);
        let methods = answer.list("access-control-allow-methods");
        assert!(methods.contains(&route.method.to_ascii_lowercase()), "{answer}");
        let headers = answer.list("access-control-allow-headers");
        for header in REQUEST_HEADERS {
            assert!(headers.contains(&header.to_owned()), "{header}: {answer}");
        }
        let foreign = preflight("https://evil.example.com").await;
        assert_eq!(foreign.header("access-control-allow-origin"), None, "{foreign}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_may_be_read_by_the_app_alone() {
    let world = local!();
    for call in samples(&world) {
        let answer = call.clone().header("origin", ORIGIN).await;
        cors(&answer);
        if answer.call.starts_with("OPTIONS") {
            continue;
        }
        let exposed = answer.list("access-control-expose-headers");
        for header in EXPOSED {
            assert!(exposed.contains(&header.to_owned()), "{header}: {answer}");
        }
        let foreign = call.header("origin", "https://evil.example.com").await;
        assert_eq!(foreign.header("access-control-allow-origin"), None, "{foreign}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_and_mutations_are_not_stored() {
    let world = local!();
    for call in samples(&world) {
        let answer = call.await;
        if answer.status >= 400 {
            assert_eq!(answer.must("cache-control"), "no-store", "{answer}");
        }
    }
    let anna = world.member(42, "Анна").await;
    let link = anna.ask(&anna.wish(tests::MONTH)).await;
    assert_eq!(link.must("cache-control"), "no-store", "{link}");
    for path in ["/api/payments/status"] {
        assert_eq!(anna.get(path).await.must("cache-control"), "no-store");
    }
}
