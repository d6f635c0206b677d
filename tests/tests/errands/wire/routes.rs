//! Unknown routes, other methods, slashes at the end, headers of every answer.

use tests::{ORIGIN, errands};

use super::routes;

#[tokio::test(flavor = "multi_thread")]
async fn a23_another_method_is_told_which_are_allowed() {
    let world = errands!();
    let routes = routes(&world).await;
    for route in &routes {
        let same = routes.iter().filter(|other| other.template == route.template);
        let known: Vec<String> = same.map(|other| other.method.to_ascii_lowercase()).collect();
        for method in ["get", "post", "put", "patch", "delete", "trace", "brew"] {
            if known.iter().any(|own| own == method) {
                continue;
            }
            let answer = world.call(&method.to_ascii_uppercase(), &route.path()).await;
            answer.detail(405, "method_not_allowed", "Method Not Allowed");
            let allowed = answer.list("allow");
            assert!(known.iter().all(|own| allowed.contains(own)), "{answer}");
            assert!(!allowed.iter().any(|other| other == method), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_a_slash_at_the_end_is_redirected() {
    let world = errands!();
    for route in routes(&world).await {
        if route.template == "/" {
            continue;
        }
        let answer = world.call(&route.method, &format!("{}/?a=1&b=%20", route.path())).await;
        let location = answer.is(308).must("location");
        let wanted = format!("{}?a=1&b=%20", route.path());
        assert!(location.ends_with(&wanted) && !location.starts_with("//"), "{location}");
    }
    for path in ["//example.com/", "//example.com/api/orders/", "/%2f%2fexample.com/"] {
        let answer = world.get(path).await;
        let location = answer.header("location").unwrap_or_default();
        assert!(!location.starts_with("//") && !location.starts_with("http"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_unknown_routes_are_not_found() {
    let world = errands!();
    let anna = world.person(42, "Анна").await;
    for path in [
        "/api",
        "/api/users",
        "/api/orders/AAAAAAAAAAAA/renew",
        "/api/orders/AAAAAAAAAAAA/take/again",
        "/api/reviews/1",
        "/api/v1/orders",
        "/orders",
        "/API/ORDERS",
        "/api//orders",
        "/favicon.ico",
        "/.env",
        "/api/%2e%2e/etc/passwd",
        "/%ff",
    ] {
        anna.get(path).await.detail(404, "not_found", "Not Found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_every_answer_names_its_request() {
    let world = errands!();
    for route in routes(&world).await {
        let answer = route.call(&world).header("x-request-id", "trace-1").await;
        assert_eq!(answer.must("x-request-id"), "trace-1", "{answer}");
        assert_eq!(answer.must("x-content-type-options"), "nosniff", "{answer}");
        if answer.status >= 400 {
            let problem = answer.refusal();
            assert_eq!(problem["request_id"], "trace-1", "{answer}");
            assert_eq!(answer.must("cache-control"), "no-store", "{answer}");
        }
    }
    let unknown = world.get("/nowhere").await;
    assert_eq!(unknown.refusal()["request_id"], unknown.must("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_a_preflight_is_answered_for_every_route() {
    let world = errands!();
    for route in routes(&world).await {
        let answer = world
            .call("OPTIONS", &route.path())
            .header("origin", ORIGIN)
            .header("access-control-request-method", &route.method)
            .header("access-control-request-headers", "authorization,content-type")
            .await;
        assert!(matches!(answer.status, 200 | 204), "{answer}");
        assert_eq!(answer.must("access-control-allow-origin"), ORIGIN, "{answer}");
        let methods = answer.list("access-control-allow-methods");
        assert!(methods.contains(&route.method.to_ascii_lowercase()), "{answer}");
        let headers = answer.list("access-control-allow-headers");
        for header in ["authorization", "content-type", "idempotency-key", "if-none-match"] {
            assert!(headers.iter().any(|own| own == header), "{header}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_scripts_may_read_what_pages_are_made_of() {
    let world = errands!();
    for path in ["/api/reviews", "/api/orders", "/api/users/me", "/nowhere"] {
        let answer = world.get(path).header("origin", ORIGIN).await;
        assert_eq!(answer.must("access-control-allow-origin"), ORIGIN, "{answer}");
        let exposed = answer.list("access-control-expose-headers");
        for header in ["link", "x-next-cursor", "x-total-count", "etag", "retry-after"] {
            assert!(exposed.iter().any(|own| own == header), "{header}: {answer}");
        }
        let foreign = world.get(path).header("origin", "https://evil.example.com").await;
        assert_eq!(foreign.header("access-control-allow-origin"), None, "{foreign}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_too_many_requests_are_told_when_to_come_again() {
    let world = errands!("RATE_SETTINGS" => "3/60");
    let (anna, boris) = (world.person(42, "Анна").await, world.person(43, "Борис").await);
    let path = "/api/users/me/notification-settings";
    let save = |person: &tests::Person| person.put(path, &serde_json::json!({"frequency": 7}));
    for _ in 0..3 {
        save(&anna).await.is(200);
    }
    let refused = save(&anna).await;
    refused.detail(429, "rate_limited", "Too many requests. Try again later");
    let after: i64 = refused.must("retry-after").parse().unwrap();
    assert!((1..=60).contains(&after), "{refused}");
    save(&boris).await.is(200);
    world.advance(60).await;
    save(&anna.again().await).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a23_a_failing_store_is_a_problem_that_passes() {
    let world = errands!();
    let anna = world.person(42, "Анна").await;
    anna.me().await;
    world.fault("dynamodb", "error").await;
    for path in ["/api/users/me", "/api/orders", "/api/orders/AAAAAAAAAAAA", "/api/reviews"] {
        let answer = anna.get(path).await;
        answer.detail(503, "unavailable", "Service is temporarily unavailable");
        assert!(answer.must("retry-after").parse::<u32>().is_ok(), "{answer}");
    }
    let sick = world.get("/health").await;
    assert_eq!(sick.is(503).json(), serde_json::json!({"status": "unhealthy"}));
    world.heal().await;
    assert_eq!(world.get("/health").await.is(200).json()["status"], "healthy");
    anna.me().await;
}
