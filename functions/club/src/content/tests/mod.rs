//! Content against the embedded engine.

mod admin;
mod courses;
mod crashes;
mod items;
mod learning;
mod meditating;
mod newcomer;
mod permissions;
mod rules;
mod watching;

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use shared::clock::days;
use shared::function::Function;
use shared::table::Key;

use super::*;
use crate::auth::Member;
use crate::testing::{Reply, Request, World};

/// What makes a function.
type Made = fn() -> Function<App>;

/// Who has paid.
const ANNA: i64 = 1_000_000_001;
/// Who has not.
const BORIS: i64 = 1_000_000_002;
/// The secret of these worlds' administrators.
const SECRET: &str = "test-admin-secret-0123456789abcdef01";

/// A world with a paid member, an unpaid one, and an administrator.
struct Library {
    world: Arc<World>,
}

impl Library {
    async fn open() -> Self {
        let world = Arc::new(World::new().await);
        let anna = Member::new(ANNA, None, None, world.now());
        let until = Some(world.now() + days(300));
        world.put(&Member { subscription_expires: until, ..anna }).await;
        world.member(BORIS).await;
        Self { world }
    }

    /// The same with a course of three days, the last for paid members only.
    async fn with_course() -> Self {
        let library = Self::open().await;
        library.put("course", "sleep", a_course("Сон")).await;
        for number in 1..=3 {
            let id = format!("sleep-{number}");
            library.put("course-day", &id, a_day("sleep", number, number == 3)).await;
        }
        library
    }

    /// The same with an item of two sections with a video each, a timecode and a practice.
    async fn with_item() -> Self {
        let library = Self::open().await;
        library.put("content-item", "voice", an_item("Голос")).await;
        for (section, video, order) in [("two", "second", 2), ("one", "first", 1)] {
            let fields = json!({
                "contentItemId": "voice", "title": section, "orderIndex": order,
            });
            library.put("section", section, fields).await;
            let fields = json!({
                "contentSectionId": section, "title": format!("Видео {video}"),
                "videoUrl": format!("https://video.example.com/{video}"), "durationSeconds": 600,
            });
            library.put("video", video, fields).await;
        }
        for (id, time) in [("late", 90), ("early", 10)] {
            let fields = json!({ "videoId": "first", "timeSeconds": time, "title": id });
            library.put("timecode", id, fields).await;
        }
        let fields = json!({ "contentItemId": "voice", "content": "# Дыхание" });
        library.put("practice", "breath", fields).await;
        library
    }

    /// The same with a meditation for everybody and one for paid members.
    async fn with_meditations() -> Self {
        let library = Self::open().await;
        library.put("meditation", "morning", a_meditation("Утро", false)).await;
        library.put("meditation", "night", a_meditation("Ночь", true)).await;
        library
    }

    async fn written(&self, kind: &str, id: &str, fields: Value) -> Reply {
        let request = Request::post(&format!("/api/admin/content/{kind}/{id}"), fields);
        let request = request.method(Method::PUT).header("x-admin-secret", SECRET);
        self.world.call(put_content(), request).await
    }

    /// Writes something that is as it should be.
    async fn put(&self, kind: &str, id: &str, fields: Value) -> Value {
        let reply = self.written(kind, id, fields).await;
        assert_eq!(reply.status, 200, "{kind} {id}: {}", reply.body);
        reply.body["entity"].clone()
    }

    async fn delete(&self, kind: &str, id: &str) -> Reply {
        let request = Request::get(&format!("/api/admin/content/{kind}/{id}"));
        let request = request.method(Method::DELETE).header("x-admin-secret", SECRET);
        self.world.call(delete_content(), request).await
    }

    async fn get(&self, function: Function<App>, path: &str, tg_id: i64) -> Reply {
        let request = Request::get(path).token(&self.token(tg_id).await);
        self.world.call(function, request).await
    }

    /// The body of an answer that is as it should be.
    async fn body(&self, function: Function<App>, path: &str, tg_id: i64) -> Value {
        let reply = self.get(function, path, tg_id).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.body
    }

    async fn post(&self, function: Function<App>, path: &str, body: Value, tg_id: i64) -> Reply {
        let request = Request::post(path, body).token(&self.token(tg_id).await);
        self.world.call(function, request).await
    }

    async fn advance(&self, body: Value, tg_id: i64) -> Reply {
        self.post(course_progress(), "/api/v1/courses/sleep/progress", body, tg_id).await
    }

    async fn watch(&self, video: &str, tg_id: i64) -> Reply {
        let body = json!({ "videoId": video, "watchTimeSeconds": 600 });
        self.post(complete(), "/api/v1/content/progress/complete", body, tg_id).await
    }

    async fn meditate(&self, id: &str, seconds: u32, completed: bool, tg_id: i64) -> Reply {
        let path = format!("/api/v1/meditations/{id}/session");
        let body = json!({ "durationListened": seconds, "completed": completed });
        self.post(meditation_session(), &path, body, tg_id).await
    }

    async fn token(&self, tg_id: i64) -> String {
        self.world.token(&self.member(tg_id).await).await
    }

    async fn member(&self, tg_id: i64) -> Member {
        self.world.member_now(tg_id).await
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// What must hold at any instant: balances and experience equal their entries, sums equal what
    /// they are of, and places lead to what they are of.
    async fn check_invariants(&self) {
        let number = |value: &Value| -> i64 { value["N"].as_str().unwrap().parse().unwrap() };
        for tg_id in [ANNA, BORIS] {
            let member = self.member(tg_id).await;
            let own = |items: Vec<Value>| -> Vec<Value> {
                let id = tg_id.to_string();
                items.into_iter().filter(|item| item["tg_id"]["N"] == id.as_str()).collect()
            };
            let sum = |items: &[Value], name: &str| -> i64 {
                items.iter().map(|item| number(&item[name])).sum()
            };
            let entries = own(self.world.items("EnergyEntry").await);
            assert_eq!(member.balance, sum(&entries, "delta"));
            let xp = own(self.world.items("XpEntry").await);
            assert_eq!(i64::from(member.experience), sum(&xp, "amount"));
            let watched = own(self.world.items("WatchedVideo").await);
            let sessions = own(self.world.items("MeditationSession").await);
            assert_eq!(watched.len(), usize::try_from(member.completed.videos).unwrap());
            let tally = own(self.world.items("ContentTally").await).pop().unwrap_or_default();
            let kept = |name: &str| tally[name]["N"].as_str().map_or(0, |n| n.parse().unwrap());
            assert_eq!(kept("videos"), i64::try_from(watched.len()).unwrap());
            assert_eq!(kept("video_energies"), sum(&watched, "energies"));
            assert_eq!(kept("video_seconds"), sum(&watched, "seconds"));
            assert_eq!(kept("sessions"), i64::try_from(sessions.len()).unwrap());
            assert_eq!(kept("session_seconds"), sum(&sessions, "seconds"));
        }
        for place in self.world.items("Place").await {
            let text = |name: &str| place[name]["S"].as_str().unwrap().to_owned();
            let found = self.world.item(&Key::new(text("shelf"), text("row"))).await;
            assert!(found.is_some(), "{place}");
        }
    }
}

fn a_course(title: &str) -> Value {
    json!({ "title": title, "category": "health", "sortOrder": 1, "description": "О сне" })
}

fn a_day(course: &str, number: u32, is_premium: bool) -> Value {
    json!({
        "courseId": course, "dayNumber": number, "title": format!("День {number}"),
        "content": "Текст", "lessonType": "audio", "isPremium": is_premium,
        "audioUrl": "https://audio.example.com/1", "videoUrl": "https://video.example.com/1",
        "rutubeUrl": "https://rutube.example.com/1", "pdfUrl": "https://pdf.example.com/1",
        "attachments": [{ "title": "Лист", "url": "https://pdf.example.com/2", "type": "pdf" }],
        "welcomeContent": "Привет", "courseInfo": "О курсе", "meditationGuide": "Сядьте",
        "additionalContent": "Ещё", "giftContent": "Подарок",
        "streamLink": "https://stream.example.com/1",
    })
}

fn an_item(title: &str) -> Value {
    json!({ "type": "course", "title": title, "keyNumber": 3 })
}

fn a_meditation(title: &str, is_premium: bool) -> Value {
    json!({
        "title": title, "duration": 600, "category": "день", "isPremium": is_premium,
        "audioUrl": "https://audio.example.com/m",
        "audioSeries": [{ "title": "Часть 1", "url": "https://audio.example.com/1" }],
    })
}

fn code(reply: &Reply) -> (u16, String) {
    (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default().to_owned())
}

/// What `ids` of these entities are.
fn ids(entities: &Value) -> Vec<&str> {
    entities.as_array().unwrap().iter().map(|entity| entity["id"].as_str().unwrap()).collect()
}
