//! What goes on in a community, with the patience of real clients: each walk comes to the same
//! however often somebody had to try again.

use serde_json::{Value, json};

use crate::bench::{Bench, Reply};
use crate::permissions::scene::{BORIS, CHAT, CITY, FOR_LONG, VERA, bot_place};
use crate::walks::ANNA;

/// One more who waits for a team.
const GLEB: i64 = 45;
/// The chat of the city.
const CITY_CHAT: i64 = -1_001_234_567_897;
const DAY: u64 = 86_400;
/// How often somebody asks again whom another run keeps waiting.
const WAITS: usize = 8;

impl Bench {
    /// A call of a member that may have had its effect before it is heard: then it is refused.
    async fn wishes(&self, id: i64, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.as_member(id, method, path, body).await;
        assert!(matches!(reply.status, 200 | 409), "{path}: {}", reply.body);
        reply.body
    }

    /// A call of an administrator that may have had its effect, or finds another run at work.
    pub async fn orders(&self, path: &str, body: &Value) -> Reply {
        let secret = self.secret("ADMIN_SECRET");
        let headers = [("x-admin-secret", secret.as_str())];
        for _ in 0..WAITS {
            let reply = self.insist("POST", path, &headers, body).await;
            if reply.body["code"] != "lease_held" {
                assert!(matches!(reply.status, 200 | 202 | 409), "{path}: {}", reply.body);
                return reply;
            }
            self.advance(60).await;
        }
        panic!("{path}: another run never ends");
    }
}

/// Somebody writes in a group.
pub fn post(update_id: i64, chat: i64, from: i64, text: &str) -> Value {
    json!({ "update_id": update_id, "message": {
        "message_id": update_id, "date": 1_768_910_400, "text": text,
        "chat": { "id": chat, "type": "supergroup", "title": "Чат" },
        "from": { "id": from, "is_bot": false, "first_name": "Анна" },
    } })
}

/// Energies and experience come by hand, by triggers and by hashtags, and some go.
pub async fn energies(bench: &Bench) {
    bench.joins_the_club(ANNA, FOR_LONG).await;
    let path = format!("/api/admin/city-chats/{CITY_CHAT}");
    bench.office("PUT", &path, &json!({ "city": CITY })).await;
    let body = json!({
        "userId": ANNA, "amount": 120, "reason": "За помощь", "lessonId": "webinar",
        "practiceId": "breath",
    });
    for what in [
        "award",
        "spend",
        "triggers/daily-login",
        "triggers/lesson-view",
        "triggers/sunday-practice",
        "award",
    ] {
        bench.office("POST", &format!("/api/v1/energies/{what}"), &body).await;
    }
    bench.office("POST", "/api/v1/gamification/add-xp", &body).await;
    for (update_id, text) in
        [(11, "#инсайт утро"), (12, "#инсайт #челлендж"), (12, "#инсайт #челлендж")]
    {
        bench.hears(&post(update_id, CITY_CHAT, ANNA, text)).await;
    }
}

/// Something that Telegram tells, once more if whoever took it has died.
async fn hears_in_the_end(bench: &Bench, update: &Value) {
    bench.hears(update).await;
    bench.advance(300).await;
}

/// Teams are founded, filled, led by another, reported on, left and ended.
pub async fn teams(bench: &Bench) {
    for id in [ANNA, BORIS, VERA, GLEB] {
        bench.joins_the_club(id, FOR_LONG).await;
        bench.advance(1).await;
    }
    let path = format!("/api/admin/leaders/{ANNA}");
    bench.office("PUT", &path, &json!({ "canLead": true })).await;
    hears_in_the_end(bench, &bot_place(1, "left", "administrator")).await;
    let own = bench.does(ANNA, "GET", "/api/teams/my", &Value::Null).await;
    let team = own["team"]["id"].as_str().expect("a team").to_owned();
    let boris = json!({ "userId": BORIS });
    bench.office("POST", &format!("/api/teams/{team}/join"), &boris).await;
    bench.wishes(VERA, "POST", "/api/v1/decades/join", &json!({})).await;
    bench.founds(&json!({ "city": CITY, "maxMembers": 2 })).await;
    bench.orders("/api/teams/distribute", &json!({})).await;
    bench.office("POST", &format!("/api/teams/{team}/replace-leader"), &boris).await;
    bench.orders("/api/teams/leave", &json!({ "userId": VERA })).await;
    bench.wishes(BORIS, "POST", "/api/v1/decades/report", &json!({ "status": "green" })).await;
    hears_in_the_end(bench, &post(13, CHAT, BORIS, "#отчёт за день")).await;
    bench.office("PUT", &path, &json!({ "canLead": false })).await;
    hears_in_the_end(bench, &bot_place(2, "administrator", "left")).await;
}

/// Things are put into the shop, bought, handed over, drawn and taken away.
pub async fn shop(bench: &Bench) {
    let ware = |kind: &str| {
        let more = json!({ "days": 10 });
        json!({
            "title": "Тайна", "price": 10, "category": "secret", "itemType": kind, "stock": 3,
            "perUserLimit": 2, "metadata": more,
        })
    };
    for (item, kind) in [("tea", "gift"), ("raffle", "raffle_ticket"), ("month", "access")] {
        let path = format!("/api/admin/content/shop-item/{item}");
        bench.office("PUT", &path, &ware(kind)).await;
    }
    bench.joins_the_club(ANNA, 30).await;
    let award = json!({ "userId": ANNA, "amount": 500, "reason": "За помощь" });
    bench.office("POST", "/api/v1/energies/award", &award).await;
    for item in ["tea", "raffle", "month"] {
        // Without a key: who asks again within 45 seconds is answered the same.
        let wish = json!({ "itemId": item, "expectedPrice": 10 });
        bench.does(ANNA, "POST", "/api/v1/shop/purchase", &wish).await;
    }
    let own = bench.does(ANNA, "GET", "/api/v1/shop/purchases", &Value::Null).await;
    let purchase = own["purchases"][0]["id"].as_str().expect("a purchase");
    bench.office("POST", &format!("/api/v1/shop/purchases/{purchase}/use"), &json!({})).await;
    let draw = "/api/admin/shop/items/raffle/draw";
    bench.office("POST", draw, &json!({ "winners": 1 })).await;
    bench.office("DELETE", "/api/admin/content/shop-item/tea", &Value::Null).await;
}

/// Somebody learns, watches and reports.
pub async fn learning(bench: &Bench) {
    let video = "https://video.example.com/1";
    let stream = json!({
        "title": "Вечер", "scheduledAt": "2026-01-10T18:00:00Z", "status": "completed",
        "videoUrl": video,
    });
    for (path, fields) in [
        ("course/sleep", json!({ "title": "Сон", "category": "health" })),
        ("course-day/first", json!({ "courseId": "sleep", "dayNumber": 1, "title": "День" })),
        ("content-item/voice", json!({ "type": "course", "title": "Голос" })),
        ("section/one", json!({ "contentItemId": "voice", "title": "Опора" })),
        ("video/posture", json!({ "contentSectionId": "one", "title": "Как", "videoUrl": video })),
        ("meditation/morning", json!({ "title": "Утро", "duration": 300, "audioUrl": video })),
        ("stream/evening", stream.clone()),
        ("stream/night", stream),
    ] {
        bench.office("PUT", &format!("/api/admin/content/{path}"), &fields).await;
    }
    bench.joins_the_club(ANNA, FOR_LONG).await;
    for (path, body) in [
        ("/api/v1/courses/sleep/progress", json!({ "completedDay": 1 })),
        ("/api/v1/courses/sleep/favorite", json!({ "favorite": true })),
        (
            "/api/v1/content/progress/complete",
            json!({ "videoId": "posture", "watchTimeSeconds": 60 }),
        ),
        (
            "/api/v1/meditations/morning/session",
            json!({ "durationListened": 300, "completed": true }),
        ),
        ("/api/streams/evening/attend", json!({ "watchedOnline": false })),
        ("/api/streams/attendance", json!({ "streamId": "night" })),
        // A second word: who was told of a view that was not counted counts it now.
        ("/api/streams/evening/attend", json!({ "watchedOnline": false })),
        ("/api/streams/attendance", json!({ "streamId": "night" })),
    ] {
        bench.does(ANNA, "POST", path, &body).await;
    }
    let report = json!({ "content": "За неделю: практика, эфир и встреча" });
    for taken_back in [true, false] {
        bench.wishes(ANNA, "POST", "/api/reports/submit", &report).await;
        let own = bench.does(ANNA, "GET", "/api/reports/current", &Value::Null).await;
        let id = own["report"]["id"].as_str().expect("a report");
        if taken_back {
            bench.does(ANNA, "DELETE", &format!("/api/reports/{id}"), &Value::Null).await;
        }
    }
    let live = json!({ "id": "soon", "title": "Скоро", "scheduledAt": "2026-02-07T18:00:00Z" });
    bench.office("POST", "/api/streams", &live).await;
    bench.office("PATCH", "/api/streams/soon/status", &json!({ "status": "live" })).await;
    bench.office("DELETE", "/api/admin/content/course-day/first", &Value::Null).await;
}

/// Months go by: subscriptions are reminded of and end, places in teams are missed, energies
/// expire, ratings are published and made right.
pub async fn months(bench: &Bench) {
    for (id, days) in [(ANNA, FOR_LONG), (BORIS, 30), (VERA, FOR_LONG)] {
        bench.joins_the_club(id, days).await;
        let award = json!({ "userId": id, "amount": 100, "reason": "За помощь" });
        bench.office("POST", "/api/v1/energies/award", &award).await;
    }
    let team = bench.founds(&json!({ "city": CITY, "leaderUserId": ANNA })).await;
    for id in [BORIS, VERA] {
        let place = json!({ "userId": id });
        bench.office("POST", &format!("/api/teams/{team}/join"), &place).await;
    }
    for days in [28, 1, 1, 2] {
        bench.pass(days * DAY).await;
    }
    bench.orders("/api/admin/jobs/team_inactive_cleanup", &Value::Null).await;
    // A run that died leaves its work to the next.
    for days in [150, 1] {
        bench.pass(days * DAY).await;
    }
    let vera = json!({ "telegram_id": VERA });
    bench.office("POST", "/api/admin/revoke-subscription", &vera).await;
    drifts(bench).await;
    bench.orders("/api/admin/jobs/ratings_reconcile", &Value::Null).await;
    bench.orders("/api/admin/ratings/refresh", &Value::Null).await;
    bench.pass(DAY).await;
}

/// A total that is nobody's doing.
async fn drifts(bench: &Bench) {
    let more = |image: &mut Value| image["energies"] = json!({ "N": "7777" });
    bench.tampers("CityTotal", more).await;
}
