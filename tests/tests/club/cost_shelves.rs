//! The price of courses, content, meditations and streams; rows of the table of [`crate::cost`].

use serde_json::{Value, json};
use tests::{Member, Table, World, local};

use crate::cost_community::{done, looked_at, office, reads, settled};

/// The rows of what administrators write and members watch.
pub async fn rows(table: &mut Table) {
    let world = local!("RATE_API" => "10000/60", "RATE_PUBLIC" => "10000/60");
    let anna = settled(&world, 42, "Москва").await;
    furnish(table, &world).await;
    views(table, &anna).await;
    learning(table, &anna).await;
    streams(table, &world, &anna).await;
    let gone = office(&world, "DELETE", "/api/admin/content/course/sleep", &json!({})).await;
    done(table, "DELETE admin/content/{kind}/{id}, a course", &gone);
}

/// One of each kind; a course is written again, as it is published.
async fn furnish(table: &mut Table, world: &World) {
    let audio = "https://audio.example.com/morning";
    let video = "https://video.example.com/posture";
    let hidden = json!({ "type": "course", "title": "Голос", "isPublished": false });
    let kinds: [(&str, &str, Value); 11] = [
        ("course", "sleep", json!({ "title": "Сон", "category": "health" })),
        ("course", "sleep", json!({ "title": "Крепкий сон", "category": "health" })),
        ("course-day", "day", json!({ "courseId": "sleep", "dayNumber": 1, "title": "День" })),
        ("content-item", "voice", hidden),
        ("content-item", "voice", json!({ "type": "course", "title": "Голос" })),
        ("section", "one", json!({ "contentItemId": "voice", "title": "Опора" })),
        (
            "video",
            "posture",
            json!({ "contentSectionId": "one", "title": "Как встать", "videoUrl": video }),
        ),
        ("timecode", "start", json!({ "videoId": "posture", "timeSeconds": 0, "title": "Начало" })),
        (
            "practice",
            "breath",
            json!({ "contentItemId": "voice", "contentType": "markdown", "content": "Вдох" }),
        ),
        ("meditation", "morning", json!({ "title": "Утро", "duration": 300, "audioUrl": audio })),
        (
            "achievement",
            "hundred",
            json!({
                "title": "Сто", "xpReward": 5, "condition": { "type": "experience", "value": 999 },
            }),
        ),
    ];
    let mut before = ("", "");
    for (kind, id, fields) in kinds {
        let path = format!("/api/admin/content/{kind}/{id}");
        let written = office(world, "PUT", &path, &fields).await;
        let again = if before == (kind, id) { ", again" } else { "" };
        done(table, &format!("PUT admin/content/{{kind}}/{{id}}, {kind}{again}"), &written);
        before = (kind, id);
    }
}

async fn views(table: &mut Table, anna: &Member) {
    let all = [
        ("/api/v1/courses", ""),
        ("/api/v1/courses/{id}", "sleep"),
        ("/api/v1/courses/favorites/list", ""),
        ("/api/v1/content/items", ""),
        ("/api/v1/content/items/{id}", "voice"),
        ("/api/v1/content/month-program", ""),
        ("/api/v1/content/{itemId}/sections", "voice"),
        ("/api/v1/content/{itemId}/videos", "voice"),
        ("/api/v1/content/sections/{id}/videos", "one"),
        ("/api/v1/content/videos/{id}", "posture"),
        ("/api/v1/content/practices/{id}/content", "breath"),
        ("/api/v1/meditations", ""),
        ("/api/v1/meditations/{id}", "morning"),
    ];
    reads(table, anna, &all).await;
}

async fn learning(table: &mut Table, anna: &Member) {
    let session = "/api/v1/meditations/morning/session";
    for (row, path, body) in [
        ("courses/{id}/progress", "/api/v1/courses/sleep/progress", json!({ "completedDay": 1 })),
        ("courses/{id}/favorite", "/api/v1/courses/sleep/favorite", json!({ "favorite": true })),
        (
            "content/progress/complete",
            "/api/v1/content/progress/complete",
            json!({ "videoId": "posture", "watchTimeSeconds": 60 }),
        ),
        (
            "meditations/{id}/session",
            session,
            json!({ "durationListened": 300, "completed": true }),
        ),
    ] {
        done(table, row, &anna.post(path, &body).await);
        done(table, &format!("{row}, again"), &anna.post(path, &body).await);
    }
    let all = [
        ("/api/v1/content/progress", ""),
        ("/api/v1/content/progress/stats", ""),
        ("/api/v1/meditations/history/list", ""),
        ("/api/v1/meditations/stats/summary", ""),
    ];
    reads(table, anna, &all).await;
}

async fn streams(table: &mut Table, world: &World, anna: &Member) {
    let fields = json!({ "title": "Скоро", "scheduledAt": "2026-02-10T18:00:00Z" });
    let made = office(world, "POST", "/api/streams", &fields).await;
    let made = done(table, "POST streams", &made);
    let id = made["stream"]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/streams/{id}/status");
    let moved = office(world, "PATCH", &path, &json!({ "status": "live" })).await;
    done(table, "streams/{id}/status", &moved);
    let recorded = json!({
        "title": "Вечер", "scheduledAt": "2026-01-10T18:00:00Z", "status": "completed",
        "videoUrl": "https://video.example.com/1",
    });
    let path = "/api/admin/content/stream/one";
    done(
        table,
        "PUT admin/content/{kind}/{id}, stream",
        &office(world, "PUT", path, &recorded).await,
    );
    let all = [
        ("/api/streams", ""),
        ("/api/streams/upcoming", ""),
        ("/api/streams/next", ""),
        ("/api/streams/{id}", "one"),
    ];
    reads(table, anna, &all).await;
    let watched = json!({ "watchedOnline": false });
    let attend = || anna.post("/api/streams/one/attend", &watched);
    done(table, "streams/{id}/attend", &attend().await);
    done(table, "streams/{id}/attend, again", &attend().await);
    let named = anna.post("/api/streams/attendance", &json!({ "streamId": id })).await;
    done(table, "POST streams/attendance", &named);
    let all = [
        ("/api/streams/attendance", "?streamId=one"),
        ("/api/streams/attendance/my", ""),
        ("/api/streams/attendance/stats", ""),
    ];
    reads(table, anna, &all).await;
    let all = [
        ("/api/streams/{id}/attendees", "one"),
        ("/api/streams/{id}/attendance", "one"),
        ("/api/streams/{id}/stats", "one"),
    ];
    looked_at(table, world, &all).await;
}
