//! What members do in the club and what administrators do for them, each of it once and looked at by
//! everybody: by members and by people whom the club has never seen.

use club::App;
use serde_json::{Value, json};
use shared::function::{Access, Endpoint, Function};

use super::scene::{BORIS, CHAT, CITY, FOR_LONG, VERA, bot_place, counting};
use crate::bench::Bench;
use crate::walks::ANNA;

/// What the paths of reads name.
struct Scene {
    team: String,
    report: String,
    boris: String,
}

/// Everything that goes on within some days.
pub async fn walk() -> Bench {
    let bench = counting(|options| options).await;
    bench.is_furnished().await;
    for id in [ANNA, BORIS, VERA] {
        bench.joins_the_club(id, FOR_LONG).await;
    }
    earns(&bench).await;
    let purchase = buys(&bench).await;
    learns(&bench).await;
    watches(&bench).await;
    let scene = Scene {
        team: meets(&bench).await,
        report: reports(&bench).await,
        boris: bench.member(BORIS).await["id"].as_str().expect("an id").to_owned(),
    };
    bench.advance(60).await;
    everybody_looks(&bench, &scene).await;
    let path = format!("/api/reports/{}", scene.report);
    bench.does(ANNA, "DELETE", &path, &Value::Null).await;
    bench.office("POST", &format!("/api/v1/shop/purchases/{purchase}/use"), &json!({})).await;
    let draw = "/api/admin/shop/items/raffle/draw";
    bench.office("POST", draw, &json!({ "winners": 1 })).await;
    parts(&bench, &scene.team).await;
    is_emptied(&bench).await;
    bench
}

/// Energies and experience that are given and taken by hand.
async fn earns(bench: &Bench) {
    let boris = bench.member(BORIS).await["id"].clone();
    for id in [json!(ANNA), boris] {
        let body = json!({
            "userId": id, "amount": 500, "reason": "x", "lessonId": "sleep:day1",
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
        for amount in [50, 100] {
            let gain = json!({ "userId": id, "amount": amount, "reason": "x" });
            bench.office("POST", "/api/v1/gamification/add-xp", &gain).await;
            bench.advance(1).await;
        }
    }
    let path = format!("/api/admin/city-chats/{CHAT}7");
    bench.office("PUT", &path, &json!({ "city": CITY })).await;
}

/// A gift and a ticket; the id of a purchase.
async fn buys(bench: &Bench) -> String {
    for item in ["tea", "raffle"] {
        let wish = json!({ "itemId": item });
        for _ in 0..2 {
            bench.does(ANNA, "POST", "/api/v1/shop/purchase", &wish).await;
        }
    }
    let own = bench.does(ANNA, "GET", "/api/v1/shop/purchases", &Value::Null).await;
    own["purchases"][0]["id"].as_str().expect("a purchase").to_owned()
}

/// What members learn is written down; so it is again, and of people whom nobody knows.
async fn learns(bench: &Bench) {
    for (path, body) in [
        ("courses/sleep/progress", json!({ "completedDay": 2 })),
        ("courses/sleep/favorite", json!({ "favorite": true })),
        ("content/progress/complete", json!({ "videoId": "posture", "watchTimeSeconds": 60 })),
        ("meditations/morning/session", json!({ "durationListened": 300, "completed": true })),
    ] {
        let path = format!("/api/v1/{path}");
        for _ in 0..2 {
            bench.does(ANNA, "POST", &path, &body).await;
            bench.advance(5).await;
        }
        let stranger = bench.as_member(8_001, "POST", &path, &body).await;
        assert!(stranger.status < 500, "{path}: {}", stranger.body);
    }
    strangers_try(bench).await;
}

/// Whatever changes something is asked for by somebody new, who says nothing.
async fn strangers_try(bench: &Bench) {
    let functions = club::functions();
    let endpoints = functions.iter().filter_map(|function| function.declaration().endpoint());
    let changes = |endpoint: &&Endpoint| {
        let of_members = matches!(endpoint.access, Access::Member | Access::MemberOrBody);
        of_members && endpoint.method != http::Method::GET
    };
    for (id, endpoint) in (8_101..).zip(endpoints.filter(changes)) {
        let launch = bench.launch(id);
        let path = endpoint.path.replace("{id}", "evening");
        let headers = [("authorization", launch.as_str())];
        let reply = bench.send(endpoint.method.as_str(), &path, &headers, &json!({})).await;
        assert!(reply.status < 500, "{path}: {}", reply.body);
    }
}

async fn watches(bench: &Bench) {
    let fields = json!({ "id": "soon", "title": "Скоро", "scheduledAt": "2026-02-07T18:00:00Z" });
    bench.office("POST", "/api/streams", &fields).await;
    let live = json!({ "status": "live" });
    bench.office("PATCH", "/api/streams/soon/status", &live).await;
    let online = json!({ "watchedOnline": false });
    bench.does(ANNA, "POST", "/api/streams/evening/attend", &online).await;
    let named = json!({ "streamId": "night" });
    bench.does(ANNA, "POST", "/api/streams/attendance", &named).await;
}

/// A team with Anna and Boris in it; its id.
async fn meets(bench: &Bench) -> String {
    let wish = json!({ "city": CITY, "tgChatId": CHAT, "leaderUserId": ANNA });
    let team = bench.founds(&wish).await;
    let place = json!({ "userId": BORIS, "role": "member" });
    bench.office("POST", &format!("/api/teams/{team}/join"), &place).await;
    let path = format!("/api/admin/leaders/{ANNA}");
    bench.office("PUT", &path, &json!({ "canLead": true })).await;
    team
}

/// Anna's report of the week; its id.
async fn reports(bench: &Bench) -> String {
    let text = json!({ "content": "За неделю: практика, эфир и встреча" });
    let made = bench.does(ANNA, "POST", "/api/reports/submit", &text).await;
    made["report"]["id"].as_str().expect("a report").to_owned()
}

/// Whatever can be looked at is looked at, by Anna and by somebody new, again and with validators
/// that are good and outdated. Decades are asked for by `POST`.
async fn everybody_looks(bench: &Bench, scene: &Scene) {
    let functions = club::functions();
    let endpoints = functions.iter().filter_map(|function| function.declaration().endpoint());
    let secret = bench.secret("ADMIN_SECRET");
    for (id, endpoint) in (7_001..).zip(endpoints) {
        let looks = endpoint.method == http::Method::GET || endpoint.path.contains("/decades/");
        if !looks || endpoint.access == Access::Webhook {
            continue;
        }
        let path = scene.path(endpoint.path);
        let credentials = match endpoint.access {
            Access::Admin => vec![("x-admin-secret", secret.clone())],
            _ => [id, ANNA].map(|id| ("authorization", bench.launch(id))).to_vec(),
        };
        let body = if endpoint.method == http::Method::GET { Value::Null } else { json!({}) };
        for (name, value) in &credentials {
            let mut tag = "\"outdated\"".to_owned();
            for _ in 0..3 {
                let headers = [(*name, value.as_str()), ("if-none-match", tag.as_str())];
                let reply = bench.send(endpoint.method.as_str(), &path, &headers, &body).await;
                assert!(reply.status < 500, "{path}: {}", reply.body);
                tag = reply.headers.get("etag").cloned().unwrap_or_default();
            }
        }
    }
}

impl Scene {
    /// A path of a route with what there is in this club.
    fn path(&self, route: &str) -> String {
        let [team, report, boris] = [&self.team, &self.report, &self.boris].map(String::as_str);
        let named = [
            ("/users/{id}", boris),
            ("/teams/{id}", team),
            ("/members/{id}", team),
            ("/reports/{id}", report),
            ("/week/{n}", "4?year=2026"),
            ("/items/{id}", if route.contains("/shop/") { "tea" } else { "voice" }),
            ("/purchased/{itemId}", "tea"),
            ("/courses/{id}", "sleep"),
            ("/content/{itemId}", "voice"),
            ("/sections/{id}", "one"),
            ("/videos/{id}", "posture"),
            ("/practices/{id}", "breath"),
            ("/meditations/{id}", "morning"),
            ("/streams/{id}", "evening"),
            ("/attempts/{id}", "att_none"),
            ("/user/{telegram_id}", "42"),
        ];
        let path = named.into_iter().fold(route.to_owned(), |path, (part, name)| {
            let known = part.split('{').next().unwrap_or_default();
            path.replace(part, &format!("{known}{name}"))
        });
        match route {
            "/api/reports/week" => format!("{path}?weekNumber=4&year=2026"),
            "/api/streams/attendance" => format!("{path}?streamId=evening"),
            _ => path,
        }
    }
}

/// The leader reports, the lead changes, somebody leaves, those who wait are given places; the bot leaves the chat, and
/// who was in a team that has ended looks for another.
async fn parts(bench: &Bench, team: &str) {
    // Leaders report on Fridays, and until Sunday.
    bench.pass(3 * 86_400).await;
    let green = json!({ "status": "green" });
    bench.does(ANNA, "POST", "/api/v1/decades/report", &green).await;
    let boris = json!({ "userId": BORIS });
    bench.office("POST", &format!("/api/teams/{team}/replace-leader"), &boris).await;
    bench.office("POST", "/api/teams/leave", &json!({ "userId": ANNA })).await;
    bench.does(ANNA, "POST", "/api/v1/decades/join", &json!({})).await;
    // There is no team in this city yet.
    bench.does(VERA, "PATCH", "/api/v1/users/me", &json!({ "city": "Тула" })).await;
    bench.advance(1).await;
    bench.office("POST", "/api/teams/distribute", &json!({})).await;
    // A run that has ended a team and died has left the places in it.
    let ended = |image: &mut Value| image["is_active"] = json!({ "BOOL": false });
    bench.tampers("Team", ended).await;
    for id in [ANNA, VERA] {
        bench.as_member(id, "POST", "/api/v1/decades/join", &json!({})).await;
    }
    bench.hears(&bot_place(1, "administrator", "left")).await;
}

/// All content is taken away again.
async fn is_emptied(bench: &Bench) {
    for path in [
        "timecode/early",
        "practice/breath",
        "video/posture",
        "section/one",
        "content-item/voice",
        "course-day/first",
        "course/sleep",
        "meditation/morning",
        "achievement/hundred",
        "achievement/streak_7",
        "shop-item/tea",
        "stream/evening",
    ] {
        bench.office("DELETE", &format!("/api/admin/content/{path}"), &Value::Null).await;
    }
}

/// What anybody may ask, with counters that are kept.
pub async fn is_counted() -> Bench {
    let bench = counting(|options| options.set("COUNTERS", "on")).await;
    let functions = club::functions();
    let endpoints = functions.iter().filter_map(|function| function.declaration().endpoint());
    for endpoint in endpoints.filter(|endpoint| endpoint.access == Access::Public) {
        let path = endpoint.path.replace("$default", "/nowhere");
        bench.send("GET", &path, &[], &Value::Null).await;
    }
    // Counters of environments that are not heard of any more are folded, and then deleted.
    for _ in 0..4 {
        bench.advance(1_800).await;
    }
    bench
}

/// May a caller of this function come with an expired token and have it renewed?
pub fn renews(function: &Function<App>) -> bool {
    let endpoint = function.declaration().endpoint();
    endpoint.is_some_and(|endpoint| {
        matches!(endpoint.access, Access::Member | Access::MemberOrBody | Access::Anyone)
    })
}
