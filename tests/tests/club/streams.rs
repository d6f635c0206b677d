//! Streams (§5.6; properties 7, 22 and 28).

use serde_json::{Value, json};
use tests::{Call, World, at_once, local};

use crate::{DAY, tag, unless};

async fn describe(world: &World, id: &str, change: Value) {
    let mut fields = json!({
        "title": "Вечер", "scheduledAt": "2026-01-10T18:00:00Z", "status": "completed",
        "videoUrl": "https://video.example.com/1",
    });
    fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    admin(world, "PUT", &format!("/api/admin/content/stream/{id}")).json(&fields).await.ok();
}

fn admin(world: &World, method: &str, path: &str) -> Call {
    world.call(method, path).header("x-admin-secret", world.secret("ADMIN_SECRET"))
}

#[tokio::test(flavor = "multi_thread")]
async fn p7_a_stream_earns_once_what_was_announced() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    describe(&world, "one", json!({})).await;
    let watch = || anna.post("/api/streams/one/attend", &json!({"watchedOnline": false}));
    watch().await.problem(403, "subscription_required");
    anna.pays().await;
    let shown = anna.get("/api/streams/one").await.ok();
    let answers = at_once(10, |_| watch()).await;
    let earned: i64 = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|answer| answer.ok()["energiesEarned"].as_i64().unwrap())
        .sum();
    assert_eq!((json!(earned), anna.balance().await), (shown["stream"]["epReward"].clone(), 520));
    let named = anna.post("/api/streams/attendance", &json!({"streamId": "one"})).await.ok();
    assert_eq!((&named["alreadyWatched"], &named["energiesEarned"]), (&json!(true), &json!(0)));
    let history = anna.history().await;
    assert_eq!((&history[0]["kind"], &history[0]["amount"]), (&json!("stream"), &json!(20)));
    let seen = admin(&world, "GET", "/api/streams/one/stats").await.ok();
    assert_eq!(seen["viewsCount"], 1);
    let seen = admin(&world, "GET", "/api/streams/one/attendees").await.ok();
    assert_eq!(seen["attendees"][0]["userId"], anna.uuid.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn p22_recordings_are_hidden_when_the_subscription_ends() {
    let world = local!("ACCESS_TTL_S" => "31536000");
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    describe(&world, "one", json!({})).await;
    let ask = || anna.get("/api/streams/one");
    let first = ask().await;
    assert_eq!(first.ok()["stream"]["videoUrl"], "https://video.example.com/1");
    assert_eq!(unless(ask(), &tag(&first)).await.status, 304);
    world.advance(30 * DAY).await;
    let after = unless(ask(), &tag(&first)).await;
    assert_eq!(after.ok()["stream"]["videoUrl"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn p22_an_administrator_s_change_is_seen_at_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let made = admin(&world, "POST", "/api/streams");
    let fields = json!({"title": "Скоро", "scheduledAt": "2027-01-10T18:00:00Z"});
    let made = made.json(&fields).await.ok();
    let id = made["stream"]["id"].as_str().unwrap().to_owned();
    let ask = || anna.get("/api/streams");
    let first = ask().await;
    let moved = admin(&world, "PATCH", &format!("/api/streams/{id}/status"));
    moved.json(&json!({"status": "live"})).await.ok();
    let after = unless(ask(), &tag(&first)).await.ok();
    let streams = after["streams"].as_array().unwrap();
    assert!(streams.iter().any(|one| one["id"] == id.as_str() && one["status"] == "live"));
    assert_eq!(anna.get("/api/streams/next").await.ok()["stream"]["id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_malformed_ids_are_of_nothing() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    for id in ["%20", "a%2Fb", "%D1%8F", &"x".repeat(300)] {
        anna.get(&format!("/api/streams/{id}")).await.problem(404, "not_found");
        let watched = anna.post(&format!("/api/streams/{id}/attend"), &json!({}));
        watched.await.problem(404, "not_found");
        let seen = admin(&world, "GET", &format!("/api/streams/{id}/stats"));
        seen.await.problem(404, "not_found");
        let moved = admin(&world, "PATCH", &format!("/api/streams/{id}/status"));
        moved.json(&json!({"status": "live"})).await.problem(404, "not_found");
    }
}
