//! Courses, content and meditations (§5.6, §5.7, §12; acceptance 25, properties 7, 16, 20, 22, 28).

use serde_json::{Value, json};
use tests::{Answer, Call, Member, World, at_once, local};

use crate::{DAY, tag, unless};

const COMPLETE: &str = "/api/v1/content/progress/complete";
const COURSES: &str = "/api/v1/courses";

fn put(world: &World, kind: &str, id: &str, fields: &Value) -> Call {
    let path = format!("/api/admin/content/{kind}/{id}");
    world.call("PUT", &path).header("x-admin-secret", world.secret("ADMIN_SECRET")).json(fields)
}

async fn write(world: &World, kind: &str, id: &str, fields: Value) {
    put(world, kind, id, &fields).await.ok();
}

/// A course of two days, an item with a video, a meditation.
async fn furnished(world: &World) {
    write(world, "course", "sleep", json!({ "title": "Сон", "category": "health" })).await;
    for number in [1, 2] {
        let fields = json!({
            "courseId": "sleep", "dayNumber": number, "title": format!("День {number}"),
            "content": "Текст дня", "videoUrl": "https://video.example.com/day",
        });
        write(world, "course-day", &format!("day-{number}"), fields).await;
    }
    write(world, "content-item", "voice", json!({ "type": "course", "title": "Голос" })).await;
    write(world, "section", "one", json!({ "contentItemId": "voice", "title": "Опора" })).await;
    let video = json!({
        "contentSectionId": "one", "title": "Как встать",
        "videoUrl": "https://video.example.com/posture",
    });
    write(world, "video", "posture", video).await;
    let meditation = json!({
        "title": "Утро", "duration": 300, "audioUrl": "https://audio.example.com/morning",
    });
    write(world, "meditation", "morning", meditation).await;
}

async fn watches(member: &Member) -> Answer {
    member.post(COMPLETE, &json!({ "videoId": "posture", "watchTimeSeconds": 60 })).send().await
}

fn meditates(member: &Member, seconds: u32, completed: bool) -> Call {
    let body = json!({ "durationListened": seconds, "completed": completed });
    member.post("/api/v1/meditations/morning/session", &body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_what_is_not_published_is_not_there() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    furnished(&world).await;
    let hidden = json!({ "type": "course", "title": "Голос", "isPublished": false });
    let paths = [
        "/api/v1/content/items/voice",
        "/api/v1/content/voice/sections",
        "/api/v1/content/voice/videos",
        "/api/v1/content/sections/one/videos",
        "/api/v1/content/videos/posture",
    ];
    for path in paths {
        anna.get(path).await.ok();
    }
    write(&world, "content-item", "voice", hidden).await;
    for path in paths {
        anna.get(path).await.problem(404, "not_found");
    }
    assert_eq!(anna.get("/api/v1/content/items").await.ok()["items"], json!([]));
    watches(&anna).await.problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_premium_is_locked_for_who_has_not_paid() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    anna.pays().await;
    furnished(&world).await;
    let premium = json!({ "title": "Сон", "category": "health", "isPremium": true });
    write(&world, "course", "sleep", premium).await;
    let open = anna.get("/api/v1/courses/sleep").await.ok();
    assert_eq!(
        (&open["course"]["isLocked"], open["days"].as_array().unwrap().len()),
        (&json!(false), 2)
    );
    let closed = boris.get("/api/v1/courses/sleep").await;
    assert_eq!(
        (&closed.ok()["course"]["isLocked"], &closed.ok()["days"]),
        (&json!(true), &json!([]))
    );
    assert!(!closed.text().contains("Текст дня") && !closed.text().contains("video.example.com"));
    let day = json!({ "completedDay": 1 });
    boris.post("/api/v1/courses/sleep/progress", &day).await.problem(403, "subscription_required");
    for path in [
        "/api/v1/content/voice/videos",
        "/api/v1/content/sections/one/videos",
        "/api/v1/content/videos/posture",
    ] {
        let refused = boris.get(path).await;
        assert_eq!(refused.problem(403, "subscription_required")["error"], "Subscription required");
    }
    watches(&boris).await.problem(403, "subscription_required");
    assert_eq!(boris.balance().await, 0);
    let secret = json!({
        "title": "Утро", "duration": 300, "isPremium": true,
        "audioUrl": "https://audio.example.com/morning",
    });
    write(&world, "meditation", "morning", secret).await;
    let closed = boris.get("/api/v1/meditations/morning").await;
    assert_eq!(closed.ok()["meditation"]["audioUrl"], Value::Null);
    assert!(!closed.text().contains("audio.example.com"));
    meditates(&boris, 300, true).await.problem(403, "subscription_required");
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_a_video_completed_three_times_earns_20_0_0() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    furnished(&world).await;
    let before = anna.balance().await;
    let mut earned = Vec::new();
    for _ in 0..3 {
        earned.push(watches(&anna).await.ok()["energiesEarned"].as_i64().unwrap());
        world.advance(60).await;
    }
    assert_eq!(earned, [20, 0, 0]);
    assert_eq!(anna.balance().await, before + 20);
    let newest = anna.history().await[0].clone();
    assert_eq!((&newest["kind"], &newest["amount"]), (&json!("video"), &json!(20)));
    assert_eq!(newest["reason"], "Просмотр видео: Как встать");
}

#[tokio::test(flavor = "multi_thread")]
async fn a25_an_administrator_s_change_is_seen_at_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    furnished(&world).await;
    let first = anna.get(COURSES).await;
    let before = tag(&first);
    unless(anna.get(COURSES), &before).await.is(304);
    write(&world, "course", "sleep", json!({ "title": "Крепкий сон", "category": "health" })).await;
    let second = unless(anna.get(COURSES), &before).await;
    assert_eq!(second.ok()["courses"][0]["title"], "Крепкий сон");
    assert_ne!(tag(&second), before);
    let gone = world.call("DELETE", "/api/admin/content/course/sleep");
    gone.header("x-admin-secret", world.secret("ADMIN_SECRET")).await.ok();
    assert_eq!(unless(anna.get(COURSES), &tag(&second)).await.ok()["courses"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn p07_what_is_announced_is_credited_and_repeats_give_nothing() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    furnished(&world).await;
    let day = json!({ "completedDay": 1 });
    let mut announced = 0;
    for expected in [20, 0, 0] {
        let answer = anna.post("/api/v1/courses/sleep/progress", &day).await.ok();
        assert_eq!(answer["energiesEarned"], expected);
        assert_eq!(answer["progress"]["completedDays"], json!([1]));
        announced += answer["energiesEarned"].as_i64().unwrap();
    }
    let history = anna.history().await;
    assert_eq!((anna.balance().await, history.len()), (announced, 1));
    for (seconds, completed, xp) in [(120, false, 10), (300, true, 40), (301, true, 0)] {
        assert_eq!(meditates(&anna, seconds, completed).await.ok()["xpAwarded"], xp);
    }
    // Beside the 50 of the meditation, 50 for the first of all.
    assert_eq!(anna.me().await["experience"], 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn p16_twenty_completions_at_once_are_one_entry() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    furnished(&world).await;
    let before = anna.history().await.len();
    let body = json!({ "videoId": "posture" });
    let answers = at_once(20, |_| anna.post(COMPLETE, &body)).await;
    let earned = |answer: &&Answer| answer.status == 200 && answer.ok()["energiesEarned"] == 20;
    assert_eq!(answers.iter().filter(earned).count(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.problem(503, "conflict_retry");
    }
    assert_eq!(anna.history().await.len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p20_three_days_of_meditations_are_a_streak_of_three() {
    let world = local!();
    let mut anna = world.member(42, "Анна").await;
    furnished(&world).await;
    for streak in 1..=3 {
        assert_eq!(meditates(&anna, 300, true).await.ok()["xpAwarded"], 50);
        assert_eq!(anna.me().await["streak"], streak);
        world.advance(DAY).await;
        anna = anna.user.sign_in().await;
    }
    assert_eq!(anna.me().await["streak"], 3, "signing in changes nothing");
    world.advance(DAY).await;
    let anna = anna.user.sign_in().await;
    meditates(&anna, 300, true).await.ok();
    assert_eq!(anna.me().await["streak"], 1, "after a day without");
}

#[tokio::test(flavor = "multi_thread")]
async fn p22_no_answer_crosses_subjects() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    furnished(&world).await;
    let like = json!({ "favorite": true });
    anna.post("/api/v1/courses/sleep/favorite", &like).await.ok();
    for _ in 0..3 {
        for (member, expected) in [(&anna, 1), (&boris, 0)] {
            let favorites = member.get("/api/v1/courses/favorites/list").await.ok();
            assert_eq!(favorites["favorites"].as_array().unwrap().len(), expected);
            let course = member.get("/api/v1/courses/sleep").await.ok();
            assert_eq!(course["course"]["isFavorite"], expected == 1);
        }
    }
    let foreign = format!("/api/v1/content/progress?userId={}", boris.uuid);
    anna.get(&foreign).await.problem(403, "subject_mismatch");
    // What was not there is there as soon as it is written.
    let path = "/api/v1/meditations/evening";
    anna.get(path).await.problem(404, "not_found");
    write(&world, "meditation", "evening", json!({ "title": "Вечер", "duration": 60 })).await;
    anna.get(path).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_malformed_ids_are_not_found() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    for id in ["a.b", "%20", "%D1%8F", "nothing", &"x".repeat(2_500)] {
        for path in [
            format!("/api/v1/courses/{id}"),
            format!("/api/v1/content/items/{id}"),
            format!("/api/v1/content/{id}/sections"),
            format!("/api/v1/content/{id}/videos"),
            format!("/api/v1/content/sections/{id}/videos"),
            format!("/api/v1/content/videos/{id}"),
            format!("/api/v1/content/practices/{id}/content"),
            format!("/api/v1/meditations/{id}"),
        ] {
            anna.get(&path).await.problem(404, "not_found");
        }
        for (path, body) in [
            (format!("/api/v1/courses/{id}/progress"), json!({ "completedDay": 1 })),
            (format!("/api/v1/courses/{id}/favorite"), json!({})),
            (format!("/api/v1/meditations/{id}/session"), json!({ "durationListened": 60 })),
        ] {
            anna.post(&path, &body).await.problem(404, "not_found");
        }
        if id != "nothing" {
            let fields = json!({ "title": "x", "category": "health" });
            put(&world, "course", id, &fields).await.problem(404, "not_found");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn toggles_of_a_favourite_merge_for_two_seconds() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    furnished(&world).await;
    let toggle = async || {
        let path = "/api/v1/courses/sleep/favorite";
        anna.post(path, &json!({})).await.ok()["isFavorite"].clone()
    };
    assert_eq!(toggle().await, true);
    world.advance(1).await;
    assert_eq!(toggle().await, true);
    world.advance(2).await;
    assert_eq!(toggle().await, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn static_segments_win_over_ids() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    for (path, field) in [
        ("/api/v1/courses/favorites/list", "favorites"),
        ("/api/v1/content/month-program", "items"),
        ("/api/v1/content/progress", "progress"),
        ("/api/v1/content/progress/stats", "stats"),
        ("/api/v1/meditations/history/list", "history"),
        ("/api/v1/meditations/stats/summary", "stats"),
    ] {
        assert!(!anna.get(path).await.ok()[field].is_null(), "{path}");
    }
}
