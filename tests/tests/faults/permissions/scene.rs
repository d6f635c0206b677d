//! A club with everything in it that members look at, and those who run it.

use std::sync::atomic::{AtomicU32, Ordering};

use local::Options;
use serde_json::{Value, json};

use crate::bench::{Bench, Reply};
use crate::walks::ANNA;

pub const BORIS: i64 = 43;
pub const VERA: i64 = 44;
pub const CITY: &str = "Москва";
/// The chat of the first team.
pub const CHAT: i64 = -1_001_234_567_890;
/// Longer than any walk.
pub const FOR_LONG: u32 = 3_650;

/// Keys of idempotency: no two calls of administrators have one.
static KEYS: AtomicU32 = AtomicU32::new(0);

/// A bench whose limits count calls by address, too, though they are out of the way.
pub async fn counting(change: impl FnOnce(Options) -> Options) -> Bench {
    let all = |options: Options| {
        change(options.set("RATE_TRUSTED_CIDRS", "").set("RATE_ADMIN", "1000000/1"))
    };
    Bench::start_with(all).await
}

impl Bench {
    /// A call of an administrator, which is answered; the body of the answer.
    pub async fn office(&self, method: &str, path: &str, body: &Value) -> Value {
        let (secret, key) = (self.secret("ADMIN_SECRET"), KEYS.fetch_add(1, Ordering::Relaxed));
        let key = format!("key-{key}");
        let headers = [("x-admin-secret", secret.as_str()), ("idempotency-key", key.as_str())];
        let reply = self.insist(method, path, &headers, body).await;
        is_done(&reply, path)
    }

    /// A call of a member, which is answered; the body of the answer.
    pub async fn does(&self, id: i64, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.as_member(id, method, path, body).await;
        is_done(&reply, path)
    }

    /// Makes somebody a paid member of the city.
    pub async fn joins_the_club(&self, id: i64, days: u32) {
        self.does(id, "PATCH", "/api/v1/users/me", &json!({ "city": CITY })).await;
        let grant = json!({ "telegram_id": id, "days": days });
        self.office("POST", "/api/admin/grant-subscription", &grant).await;
    }

    /// Gives a member experience, which the ratings show.
    pub async fn learns(&self, id: i64, amount: u32) {
        let gain = json!({ "userId": id, "amount": amount, "reason": "За помощь" });
        self.office("POST", "/api/v1/gamification/add-xp", &gain).await;
        self.advance(1).await;
    }

    /// Makes a team of the city; its id.
    pub async fn founds(&self, body: &Value) -> String {
        let made = self.office("POST", "/api/teams", body).await;
        made["team"]["id"].as_str().expect("a team").to_owned()
    }

    /// Something that Telegram tells the bot, and what follows.
    pub async fn hears(&self, update: &Value) {
        let secret = self.secret("TELEGRAM_WEBHOOK_SECRET");
        let headers = [("x-telegram-bot-api-secret-token", secret.as_str())];
        let reply = self.insist("POST", "/api/v1/bot/webhook", &headers, update).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        self.advance(1).await;
    }

    /// Changes an item of this kind past every layer of the service.
    pub async fn tampers(&self, kind: &str, change: impl FnOnce(&mut Value)) {
        let mut images = self.images().await.into_iter();
        let mut found = images.find(|image| image["kind"]["S"] == kind).expect("such an item");
        change(&mut found);
        self.put(&found).await;
    }

    /// Writes all that members can look at: each kind of content once, a day that is moved.
    pub async fn is_furnished(&self) {
        let video = "https://video.example.com/1";
        let day =
            |number: u32| json!({ "courseId": "sleep", "dayNumber": number, "title": "День" });
        let ware = |kind: &str| json!({ "title": "Тайна", "price": 10, "category": "secret", "itemType": kind });
        let stream = || {
            json!({
                "title": "Вечер", "scheduledAt": "2026-01-10T18:00:00Z", "status": "completed",
                "videoUrl": video,
            })
        };
        let all = [
            ("course/sleep", json!({ "title": "Сон", "category": "health" })),
            ("course-day/first", day(1)),
            ("course-day/first", day(2)),
            ("content-item/voice", json!({ "type": "course", "title": "Голос" })),
            ("section/one", json!({ "contentItemId": "voice", "title": "Опора" })),
            (
                "video/posture",
                json!({ "contentSectionId": "one", "title": "Как встать", "videoUrl": video }),
            ),
            (
                "timecode/early",
                json!({ "videoId": "posture", "timeSeconds": 10, "title": "Раньше" }),
            ),
            ("practice/breath", json!({ "contentItemId": "voice", "content": "# Дыхание" })),
            ("meditation/morning", json!({ "title": "Утро", "duration": 300, "audioUrl": video })),
            (
                "achievement/hundred",
                json!({
                    "title": "Сто", "xpReward": 5,
                    "condition": { "type": "experience", "value": 100 },
                }),
            ),
            ("shop-item/tea", ware("gift")),
            ("shop-item/raffle", ware("raffle_ticket")),
            ("stream/evening", stream()),
            ("stream/night", stream()),
        ];
        for (path, fields) in all {
            self.office("PUT", &format!("/api/admin/content/{path}"), &fields).await;
        }
    }
}

/// The body of an answer that is no refusal: some of those come with 200.
fn is_done(reply: &Reply, path: &str) -> Value {
    let refused = reply.body["success"] == false;
    assert!(reply.status == 200 && !refused, "{path}: {} {}", reply.status, reply.body);
    reply.body.clone()
}

/// The bot's place in the chat of the first team has changed.
pub fn bot_place(update_id: i64, old: &str, new: &str) -> Value {
    let place = |status: &str| {
        let rules = status == "administrator";
        json!({
            "user": { "id": 7_000_000_001_i64, "is_bot": true, "first_name": "Клуб" },
            "status": status, "can_restrict_members": rules, "can_invite_users": rules,
        })
    };
    json!({ "update_id": update_id, "my_chat_member": {
        "chat": { "id": CHAT, "type": "supergroup", "title": "Десятка" },
        "from": { "id": ANNA, "is_bot": false, "first_name": "Анна" },
        "date": 1_768_910_400 + update_id, "old_chat_member": place(old),
        "new_chat_member": place(new),
    } })
}
