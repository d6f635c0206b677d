//! The root, health and the fallback over HTTP.

use http::Method;
use serde_json::json;

use super::{fallback, health, openapi, root};
use crate::testing::{Request, World};

#[tokio::test]
async fn the_root_says_what_this_is() {
    let world = World::new().await;
    let reply = world.call(root(), Request::get("/")).await;
    let body = json!({
        "service": "Срочные Услуги API", "version": env!("CARGO_PKG_VERSION"),
        "status": "operational", "docs": "/openapi.json",
    });
    assert_eq!((reply.status.as_u16(), reply.body, reply.cost.requests), (200, body, 0));
    assert_eq!(reply.headers["cache-control"], "public, max-age=60");
}

#[tokio::test]
async fn health_is_one_read() {
    let world = World::new().await;
    let reply = world.call(health(), Request::get("/health")).await;
    assert_eq!((reply.status.as_u16(), reply.body), (200, json!({ "status": "healthy" })));
    assert_eq!((reply.cost.requests, reply.cost.items), (1, 0));
    assert_eq!(reply.headers["cache-control"], "no-store");
    let nowhere = World::with(&[("TABLE_NAME", "no-such-table")]).await;
    let reply = nowhere.call(health(), Request::get("/health")).await;
    assert_eq!((reply.status.as_u16(), reply.body), (503, json!({ "status": "unhealthy" })));
}

#[tokio::test]
async fn the_document_is_the_committed_one() {
    let world = World::new().await;
    let reply = world.call(openapi(), Request::get("/openapi.json")).await;
    assert_eq!((reply.status.as_u16(), &reply.body["openapi"]), (200, &json!("3.1.0")));
}

#[tokio::test]
async fn what_no_route_takes_is_told_apart() {
    let world = World::new().await;
    let ask = |method, path: &str| world.call(fallback(), Request::new(method, path));
    let unknown = ask(Method::GET, "/api/nothing").await;
    assert_eq!(unknown.refusal(), (404, "not_found", "Not Found"));
    assert!(unknown.body["request_id"].is_string());
    let refused = ask(Method::POST, "/api/cities").await;
    assert_eq!(refused.refusal(), (405, "method_not_allowed", "Method Not Allowed"));
    assert_eq!(refused.headers["allow"], "GET, OPTIONS");
    let moved = ask(Method::GET, "/api/cities/?search=a").await;
    assert_eq!(
        (moved.status.as_u16(), &moved.headers["location"]),
        (308, &json!("/api/cities?search=a"))
    );
    assert_eq!(ask(Method::OPTIONS, "/api/cities").await.status, 204);
}
