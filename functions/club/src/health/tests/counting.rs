//! Counters of answers, and what only a deployment changes.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::super::{cache_stats, fallback, metrics, openapi, root};
use crate::testing::{Reply, Request, World};
use crate::{energies, ratings};

const SECRET: &str = "test-admin-secret-0123456789abcdef01";

async fn counting() -> World {
    World::with(&[("COUNTERS", "on")]).await
}

async fn ask(world: &World, path: &str) -> Reply {
    let function = if path == "/metrics" { metrics() } else { cache_stats() };
    world.call(function, Request::get(path).header("x-admin-secret", SECRET)).await
}

fn count(reply: &Reply, route: &str, status: u16) -> u64 {
    let rows = reply.body["requests"].as_array().unwrap();
    let rows = rows.iter().filter(|row| row["route"] == route && row["status"] == status);
    rows.map(|row| row["count"].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn answers_are_counted_by_route_and_real_status_over_all_environments() {
    let world = counting().await;
    let path = "/api/v1/ratings/cities";
    let (one, two) = (world.start(ratings::cities()).await, world.start(ratings::cities()).await);
    for instance in [&one, &two] {
        for _ in 0..3 {
            world.send(instance, Request::get(path)).await;
        }
        world.send(instance, Request::get(&format!("{path}?limit=0"))).await;
    }
    world.call(fallback(), Request::get("/api/v1/nothing")).await;
    let early = ask(&world, "/metrics").await;
    assert_eq!(
        (count(&early, path, 200), count(&early, "$default", 404)),
        (2, 1),
        "{:?}",
        early.body
    );
    world.pass(Duration::from_secs(10));
    for instance in [&one, &two] {
        world.send(instance, Request::get(path)).await;
    }
    let late = ask(&world, "/metrics").await;
    assert_eq!((count(&late, path, 200), count(&late, path, 400)), (8, 2), "{:?}", late.body);
    assert!(late.body["since"].is_string());
    let stats = ask(&world, "/api/v1/cache/stats").await;
    let hot = &stats.body["byClass"]["hot"];
    assert_eq!((&hot["hits"], &hot["misses"], &hot["hits304"]), (&json!(6), &json!(2), &json!(0)));
    assert_eq!((&hot["hitRate"], &stats.body["hitRate"]), (&json!(0.75), &json!(0.75)));
    let classes: Vec<&String> = stats.body["byClass"].as_object().unwrap().keys().collect();
    assert_eq!(classes, ["hot", "public", "static", "user"]);
}

#[tokio::test]
async fn counting_costs_the_endpoint_nothing() {
    let world = counting().await;
    let member = world.member(7).await;
    let token = world.token(&member).await;
    let instance = world.start(energies::balance()).await;
    for _ in 0..2 {
        let balance = Request::get("/api/v1/energies/balance").token(&token);
        let reply = world.send(&instance, balance).await;
        assert_eq!((reply.status, reply.cost.requests, reply.cost.items), (StatusCode::OK, 1, 0));
        world.pass(Duration::from_secs(20));
    }
    let stats = ask(&world, "/api/v1/cache/stats").await.body;
    let user: &Value = &stats["byClass"]["user"];
    assert_eq!((&user["hits"], &user["misses"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn only_administrators_see_counters() {
    let world = counting().await;
    for secret in [None, Some(""), Some("wrong")] {
        for (function, path) in [(metrics(), "/metrics"), (cache_stats(), "/api/v1/cache/stats")] {
            let mut request = Request::get(path);
            if let Some(secret) = secret {
                request = request.header("x-admin-secret", secret);
            }
            let reply = world.call(function, request).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path} {secret:?}");
        }
    }
    let calls = world.engine.calls().of("local-club-metrics");
    assert!(
        calls.iter().all(|call| call.permissions.iter().all(|p| p.action.ends_with("UpdateItem")))
    );
}

#[tokio::test]
async fn what_only_a_deployment_changes_is_kept_for_an_hour() {
    let world = World::new().await;
    for (function, path) in [(root(), "/"), (openapi(), "/openapi.json")] {
        let instance = world.start(function).await;
        let first = world.send(&instance, Request::get(path)).await;
        assert_eq!((first.status, first.cost.requests), (StatusCode::OK, 0), "{path}");
        assert_eq!(first.headers["cache-control"], "public, max-age=3600");
        let etag = first.headers["etag"].as_str().unwrap();
        let hit = world.send(&instance, Request::get(path)).await;
        assert_eq!((&hit.headers["x-cache"], &hit.body), (&json!("HIT"), &first.body));
        let known = world.send(&instance, Request::get(path).header("if-none-match", etag)).await;
        assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    }
    let document = world.call(openapi(), Request::get("/openapi.json")).await.body;
    assert!(document["paths"]["/health"].is_object());
}
