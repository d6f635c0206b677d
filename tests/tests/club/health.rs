//! Live and ready reports (§5.7).

use tests::{MONTH, local};

#[tokio::test(flavor = "multi_thread")]
async fn reports_have_the_shape_of_the_contract() {
    let world = local!();
    let health = world.get("/health").await.is(200).json();
    assert_eq!(
        (health["status"].as_str(), health["timestamp"].as_str()),
        (Some("ok"), Some("2026-01-20T12:00:00.000Z"),)
    );
    assert!(health["uptime"].is_number(), "{health}");
    let live = world.get("/health/live").await.is(200).json();
    assert_eq!(
        (live["status"].as_str(), live["timestamp"].as_str()),
        (Some("alive"), Some("2026-01-20T12:00:00.000Z"),)
    );
    let ready = world.get("/health/ready").await;
    assert_eq!(ready.must("cache-control"), "no-store");
    let ready = ready.is(200).json();
    assert_eq!(ready["status"], "ready");
    assert!(ready["timestamp"].is_string() && ready["uptime"].is_number(), "{ready}");
    assert!(ready["checks"].get("database").is_some(), "{ready}");
    assert!(ready["checks"].get("queue").is_some(), "{ready}");
    assert_eq!(ready["checks"]["scheduler_queue_size"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_depth_of_the_queue_is_the_real_one() {
    let world = local!();
    for id in 1..=3 {
        world.member(id, "Анна").await.link(MONTH).await;
    }
    let ready = world.get("/health/ready").await.is(200).json();
    assert_eq!(ready["checks"]["scheduler_queue_size"], 3, "{ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_ready_without_the_store_and_alive_all_the_same() {
    let world = local!();
    world.fault("dynamodb", "error").await;
    world.get("/health/ready").await.problem(503, "not_ready");
    world.get("/health/live").await.is(200);
    world.get("/health").await.is(200);
    world.heal().await;
    world.get("/health/ready").await.is(200);
    world.fault("sqs", "error").await;
    world.get("/health/ready").await.problem(503, "not_ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn p26_what_was_answered_is_counted_by_its_real_status() {
    let world = local!();
    let metrics = async || {
        let call = world.get("/metrics").header("x-admin-secret", world.secret("ADMIN_SECRET"));
        call.await.ok()["requests"].as_array().cloned().unwrap_or_default()
    };
    let count = |rows: &[serde_json::Value], route: &str, status: u16| -> u64 {
        let rows = rows.iter().filter(|row| row["route"] == route && row["status"] == status);
        rows.filter_map(|row| row["count"].as_u64()).sum()
    };
    let path = "/api/v1/ratings/cities";
    let (mut last, mut sent) = (0, 0);
    for _ in 0..3 {
        for _ in 0..4 {
            world.get(path).await.is(200);
            world.get("/api/v1/nothing").await.is(404);
            sent += 1;
        }
        world.advance(10).await;
        world.get(path).await.is(200);
        world.get("/api/v1/nothing").await.is(404);
        sent += 1;
        let rows = metrics().await;
        let now = count(&rows, path, 200);
        assert!(now >= last && now <= sent, "{last} {now} {sent}");
        assert_eq!(
            (now, count(&rows, "$default", 404)),
            (sent, sent),
            "complete after ten seconds"
        );
        last = now;
    }
    world.get("/metrics").await.problem(403, "admin_required");
    world.get("/api/v1/cache/stats").await.problem(403, "admin_required");
    let call = world.get("/api/v1/cache/stats");
    let stats = call.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    assert_eq!(stats["byClass"]["hot"]["misses"], 1, "{stats}");
}
