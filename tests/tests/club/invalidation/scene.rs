//! The people of the matrix and what there is in their club before its first row.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use tests::{Call, Member, World};

use crate::cost_community::office;

/// Who looks. Anna and Boris are of one team, Vera is of another city's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Anna,
    Boris,
    Vera,
    /// Without a credential.
    Nobody,
}

impl Who {
    pub const ALL: [Self; 4] = [Self::Anna, Self::Boris, Self::Vera, Self::Nobody];
}

/// A team that somebody who looks is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Team {
    /// Anna's and Boris's.
    First,
    /// Vera's.
    Second,
}

/// The world and its people; Dora is in no team, and Gleb, whom no row needs, leads the first.
pub struct Scene {
    pub world: World,
    people: Mutex<BTreeMap<i64, Member>>,
    teams: [String; 2],
    reports: BTreeMap<Who, String>,
    /// Ids that one row leaves to a later one.
    notes: Mutex<BTreeMap<&'static str, String>>,
}

impl Scene {
    fn person(&self, tg_id: i64) -> Member {
        self.people.lock().unwrap()[&tg_id].clone()
    }

    pub fn anna(&self) -> Member {
        self.person(42)
    }

    pub fn boris(&self) -> Member {
        self.person(43)
    }

    pub fn vera(&self) -> Member {
        self.person(44)
    }

    pub fn dora(&self) -> Member {
        self.person(46)
    }

    /// Who looks; nobody has no member.
    pub fn member(&self, who: Who) -> Option<Member> {
        match who {
            Who::Anna => Some(self.anna()),
            Who::Boris => Some(self.boris()),
            Who::Vera => Some(self.vera()),
            Who::Nobody => None,
        }
    }

    /// Everybody signs in anew: a sign-in lasts for thirty days.
    pub async fn signs_in(&self) {
        for tg_id in 42..=46 {
            let again = self.person(tg_id).user.sign_in().await;
            self.people.lock().unwrap().insert(tg_id, again);
        }
    }

    pub fn team_of(&self, who: Who) -> &str {
        let [first, second] = &self.teams;
        if who == Who::Vera { second } else { first }
    }

    pub fn report_of(&self, who: Who) -> &str {
        self.reports.get(&who).map_or("none", String::as_str)
    }

    /// Keeps an id for a later row.
    pub fn note(&self, name: &'static str, id: impl Into<String>) {
        self.notes.lock().unwrap().insert(name, id.into());
    }

    /// An id that an earlier row has kept.
    pub fn noted(&self, name: &str) -> String {
        let notes = self.notes.lock().unwrap();
        notes.get(name).unwrap_or_else(|| panic!("no row has kept {name}")).clone()
    }

    /// A call of an administrator.
    pub fn office(&self, method: &str, path: &str, body: &Value) -> Call {
        office(&self.world, method, path, body)
    }

    /// Writes an entity of the content.
    pub async fn writes(&self, kind: &str, id: &str, fields: Value) {
        self.office("PUT", &format!("/api/admin/content/{kind}/{id}"), &fields).await.ok();
    }

    /// Takes one away.
    pub async fn deletes(&self, kind: &str, id: &str) {
        let path = format!("/api/admin/content/{kind}/{id}");
        self.office("DELETE", &path, &json!({})).await.ok();
    }

    /// Writes what the shop sells.
    pub async fn sells(&self, id: &str, change: Value) {
        let mut fields = json!({
            "title": "Чай", "price": 10, "category": "secret", "itemType": "gift",
        });
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.writes("shop-item", id, fields).await;
    }

    /// Buys one of them; the purchase's id.
    pub async fn buys(&self, member: &Member, id: &str, key: &str) -> String {
        let bought = member.post("/api/v1/shop/purchase", &json!({ "itemId": id })).key(key).await;
        bought.ok()["purchase"]["id"].as_str().unwrap().to_owned()
    }

    /// Gives a member so many days.
    pub async fn grants(&self, tg_id: i64, days: u32) {
        let body = json!({ "telegram_id": tg_id, "days": days });
        self.office("POST", "/api/admin/grant-subscription", &body).await.ok();
    }

    /// Puts a member into a team.
    pub async fn puts(&self, team: &str, tg_id: i64, role: &str) {
        let body = json!({ "userId": tg_id, "role": role });
        self.office("POST", &format!("/api/teams/{team}/join"), &body).await.ok();
    }

    /// Tells the bot something, and waits until it was heard.
    pub async fn tells(&self, update: &Value) {
        let body = json!({ "service": "club", "update": update });
        self.world.desk_post("telegram/updates", &body).await;
        self.world.idle().await;
    }

    /// The club with its people, teams, content and goods, and its ratings published.
    pub async fn new(world: World) -> Self {
        let mut people = BTreeMap::new();
        for (tg_id, name, city) in [
            (42, "Анна", "Казань"),
            (43, "Борис", "Казань"),
            (44, "Вера", "Тула"),
            (45, "Глеб", "Казань"),
            (46, "Дора", "Казань"),
        ] {
            let member = world.member(tg_id, name).await;
            member.moves_to(city).await;
            people.insert(tg_id, member);
        }
        let mut scene = Self {
            world,
            people: Mutex::new(people),
            teams: [String::new(), String::new()],
            reports: BTreeMap::new(),
            notes: Mutex::default(),
        };
        scene.furnish().await;
        scene.settle().await;
        scene.world.publish().await;
        scene
    }

    async fn settle(&mut self) {
        for tg_id in 42..=46 {
            self.grants(tg_id, 3_650).await;
            let award = json!({ "userId": tg_id, "amount": 1_000, "reason": "За помощь" });
            self.office("POST", "/api/v1/energies/award", &award).await.ok();
        }
        let [first, second] = [self.founds("Казань").await, self.founds("Тула").await];
        for (team, tg_id, role) in [
            (&first, 45, "leader"),
            (&first, 42, "member"),
            (&first, 43, "member"),
            (&second, 44, "member"),
        ] {
            self.puts(team, tg_id, role).await;
        }
        self.teams = [first, second];
        for who in [Who::Anna, Who::Boris, Who::Vera] {
            let member = self.member(who).unwrap();
            let content = json!({ "content": "За неделю: практика, эфир и встреча" });
            let written = member.post("/api/reports/submit", &content).await.ok();
            self.reports.insert(who, written["report"]["id"].as_str().unwrap().to_owned());
            self.buys(&member, "tea", "first").await;
        }
    }

    /// Makes a team without a leader; its id.
    pub async fn founds(&self, city: &str) -> String {
        let made = self.office("POST", "/api/teams", &json!({ "city": city })).await;
        made.ok()["team"]["id"].as_str().unwrap().to_owned()
    }

    async fn furnish(&self) {
        for (id, change) in [
            ("tea", json!({})),
            ("cake", json!({ "stock": 10 })),
            ("lot", json!({ "itemType": "raffle_ticket" })),
            ("month", json!({ "itemType": "access", "metadata": { "days": 30 } })),
            ("old", json!({})),
        ] {
            self.sells(id, change).await;
        }
        for (kind, id, fields) in content() {
            self.writes(kind, id, fields).await;
        }
    }
}

/// One of each kind, and another of those that a row deletes.
fn content() -> Vec<(&'static str, &'static str, Value)> {
    let video = "https://video.example.com/posture";
    let audio = "https://audio.example.com/morning";
    let past = json!({
        "title": "Вечер", "scheduledAt": "2026-01-10T18:00:00Z", "status": "completed",
        "videoUrl": "https://video.example.com/1",
    });
    let day = |course: &str| json!({ "courseId": course, "dayNumber": 1, "title": "День" });
    let time = |at: u32| json!({ "videoId": "posture", "timeSeconds": at, "title": "Начало" });
    let meditation = json!({ "title": "Утро", "duration": 300, "audioUrl": audio });
    vec![
        ("course", "sleep", json!({ "title": "Сон", "category": "health" })),
        ("course", "walk", json!({ "title": "Шаг", "category": "health" })),
        ("course-day", "sleep-1", day("sleep")),
        ("course-day", "walk-1", day("walk")),
        ("content-item", "voice", json!({ "type": "course", "title": "Голос" })),
        ("section", "one", json!({ "contentItemId": "voice", "title": "Опора" })),
        (
            "video",
            "posture",
            json!({ "contentSectionId": "one", "title": "Как встать", "videoUrl": video }),
        ),
        ("timecode", "start", time(0)),
        ("timecode", "end", time(60)),
        (
            "practice",
            "breath",
            json!({ "contentItemId": "voice", "contentType": "markdown", "content": "Вдох" }),
        ),
        ("meditation", "morning", meditation.clone()),
        ("meditation", "evening", meditation),
        ("stream", "one", past.clone()),
        ("stream", "two", past),
    ]
}
