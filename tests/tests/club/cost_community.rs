//! The price of the community: energies, ratings, experience, the shop and reports; rows of the
//! table of [`crate::cost`], with helpers for those of [`crate::cost_teams`],
//! [`crate::cost_shelves`] and [`crate::cost_office`].

use serde_json::{Value, json};
use tests::{Answer, Call, Member, Table, World, local};

use crate::stars::telegram;
use crate::{tag, unless};

/// The chat of a city.
const CITY_CHAT: i64 = -1_001_000_000_002;

/// A call of an administrator.
pub fn office(world: &World, method: &str, path: &str, body: &Value) -> Call {
    world.call(method, path).header("x-admin-secret", world.secret("ADMIN_SECRET")).json(body)
}

/// A read of an administrator.
pub fn looks(world: &World, path: &str) -> Call {
    world.get(path).header("x-admin-secret", world.secret("ADMIN_SECRET"))
}

/// The path that a row is called by, without what is the same of all.
fn short(path: &str) -> &str {
    path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/api/")).unwrap_or(path)
}

/// The path with `id` in the place of its parameter.
fn filled(template: &str, id: &str) -> String {
    match (template.split_once('{'), template.split_once('}')) {
        (Some((before, _)), Some((_, after))) => format!("{before}{id}{after}"),
        _ => format!("{template}{id}"),
    }
}

/// Adds a call that succeeds.
#[track_caller]
pub fn done(table: &mut Table, what: &str, answer: &Answer) -> Value {
    table.http(what, answer);
    answer.ok()
}

/// Adds a read three times: as it is asked first, again, and by who knows the answer.
pub async fn thrice(table: &mut Table, what: &str, ask: impl Fn() -> Call) {
    let first = ask().await;
    first.is(200);
    let again = ask().await;
    again.is(200);
    let same = unless(ask(), &tag(&first)).await;
    same.is(304);
    for answer in [&first, &again, &same] {
        let cost = table.http(&format!("{what}, {}", answer.must("x-cache")), answer);
        assert_eq!(cost.items, 0, "a read: {answer}");
    }
}

/// Adds reads of a member: paths as in the document of the API, each with its id or its query.
pub async fn reads(table: &mut Table, member: &Member, paths: &[(&str, &str)]) {
    for (template, id) in paths {
        thrice(table, short(template), || member.get(&filled(template, id))).await;
    }
}

/// Adds reads that nothing keeps, of an administrator.
pub async fn looked_at(table: &mut Table, world: &World, paths: &[(&str, &str)]) {
    for (template, id) in paths {
        let answer = looks(world, &filled(template, id)).await;
        done(table, short(template), &answer);
    }
}

/// A paid member of a city.
pub async fn settled(world: &World, tg_id: i64, city: &str) -> Member {
    let member = world.member(tg_id, "Анна").await;
    member.moves_to(city).await;
    let grant = json!({ "telegram_id": member.id(), "days": 30 });
    office(world, "POST", "/api/admin/grant-subscription", &grant).await.ok();
    member
}

/// The rows of the community's members.
pub async fn rows(table: &mut Table) {
    let world = local!(
        "RATE_API" => "10000/60", "RATE_PAYMENT" => "10000/60", "RATE_PUBLIC" => "10000/60"
    );
    let anna = settled(&world, 42, "Москва").await;
    energies(table, &world, &anna).await;
    ratings(table, &world, &anna).await;
    gamification(table, &world, &anna).await;
    shop(table, &world, &anna).await;
    reports(table, &world, &anna).await;
    hashtags(table, &world, &anna).await;
    expiry(table).await;
}

async fn energies(table: &mut Table, world: &World, anna: &Member) {
    let by_hand = json!({ "userId": anna.uuid, "amount": 900, "reason": "За помощь" });
    for path in ["award", "spend"] {
        let body = if path == "award" {
            by_hand.clone()
        } else {
            json!({ "userId": anna.uuid, "amount": 100, "reason": "Сувенир" })
        };
        let path = format!("/api/v1/energies/{path}");
        let ask = || office(world, "POST", &path, &body).key("cost");
        let first = ask().await;
        done(table, short(&path), &first);
        let cost = first.cost().unwrap();
        // One read looks the opaque id up; a Telegram id costs none.
        assert!(cost.requests <= 3 && cost.items <= 4, "{path}: {cost:?}");
        done(table, &format!("{}, the key again", short(&path)), &ask().await);
    }
    for (trigger, body) in [
        ("daily-login", json!({ "userId": anna.uuid })),
        ("lesson-view", json!({ "userId": anna.uuid, "lessonId": "sleep:day1" })),
        ("sunday-practice", json!({ "userId": anna.uuid, "practiceId": "one" })),
    ] {
        let path = format!("/api/v1/energies/triggers/{trigger}");
        done(table, short(&path), &office(world, "POST", &path, &body).await);
        let again = office(world, "POST", &path, &body).await;
        done(table, &format!("{}, again", short(&path)), &again);
    }
    reads(table, anna, &[("/api/v1/energies/weekly-progress", "")]).await;
}

async fn ratings(table: &mut Table, world: &World, anna: &Member) {
    world.publish().await;
    let all = [
        ("/api/v1/ratings/all-data", ""),
        ("/api/v1/ratings/user-position", ""),
        ("/api/v1/ratings/teams", ""),
        ("/api/v1/gamification/leaderboard", ""),
    ];
    reads(table, anna, &all).await;
    world.advance(60).await;
    let refresh = office(world, "POST", "/api/admin/ratings/refresh", &json!({})).await;
    done(table, "admin/ratings/refresh", &refresh);
    world.run("club-ratings-reconcile").await;
    table.job(world, "club-ratings-reconcile", "one member").await;
}

async fn gamification(table: &mut Table, world: &World, anna: &Member) {
    let add = |amount: i64| {
        let body = json!({ "userId": anna.uuid, "amount": amount, "reason": "Помощь" });
        office(world, "POST", "/api/v1/gamification/add-xp", &body)
    };
    done(table, "gamification/add-xp", &add(10).key("cost").await);
    done(table, "gamification/add-xp, the key again", &add(10).key("cost").await);
    done(table, "gamification/add-xp, unlocks level_5", &add(1_000).key("five").await);
    let all = [
        ("/api/v1/gamification/stats", ""),
        ("/api/v1/gamification/xp-history", ""),
        ("/api/v1/gamification/achievements", ""),
        ("/api/v1/users/{id}", anna.uuid.as_str()),
    ];
    reads(table, anna, &all).await;
}

async fn sells(world: &World, id: &str, change: Value) {
    let mut fields = json!({
        "title": "Тайна", "price": 10, "category": "secret", "itemType": "gift",
    });
    fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let path = format!("/api/admin/content/shop-item/{id}");
    office(world, "PUT", &path, &fields).await.ok();
}

async fn shop(table: &mut Table, world: &World, anna: &Member) {
    sells(world, "tea", json!({})).await;
    let raffle = json!({ "itemType": "raffle_ticket", "stock": 5, "perUserLimit": 3 });
    sells(world, "raffle", raffle).await;
    sells(world, "month", json!({ "itemType": "access", "metadata": { "days": 30 } })).await;
    let all = [
        ("/api/v1/shop/items", ""),
        ("/api/v1/shop/items/by-category", ""),
        ("/api/v1/shop/items/{id}", "tea"),
    ];
    reads(table, anna, &all).await;
    let mut bought = Value::Null;
    for (id, row) in [
        ("tea", "shop/purchase"),
        ("raffle", "shop/purchase, of a stock and with a ticket"),
        ("month", "shop/purchase, extends the subscription"),
    ] {
        let buy = || anna.post("/api/v1/shop/purchase", &json!({ "itemId": id }));
        let first = buy().key(id).await;
        let made = done(table, row, &first);
        let cost = first.cost().unwrap();
        assert!(cost.requests <= 2 && cost.items <= 8, "{id}: {cost:?}");
        done(table, &format!("{row}, the key again"), &buy().key(id).await);
        if id == "tea" {
            bought = made["purchase"]["id"].clone();
        }
    }
    let all = [
        ("/api/v1/shop/purchases", ""),
        ("/api/v1/shop/purchases/unused", ""),
        ("/api/v1/shop/stats", ""),
        ("/api/v1/shop/balance", ""),
        ("/api/v1/shop/purchased/{itemId}", "tea"),
    ];
    reads(table, anna, &all).await;
    let path = format!("/api/v1/shop/purchases/{}/use", bought.as_str().unwrap());
    let used = office(world, "POST", &path, &json!({})).await;
    done(table, "shop/purchases/{id}/use", &used);
    let path = "/api/admin/shop/items/raffle/draw";
    let wish = json!({ "winners": 1, "seed": "00".repeat(32) });
    let drawn = office(world, "POST", path, &wish).await;
    done(table, "admin/shop/items/{id}/draw, one ticket", &drawn);
    let again = office(world, "POST", path, &wish).await;
    done(table, "admin/shop/items/{id}/draw, again", &again);
}

async fn reports(table: &mut Table, world: &World, anna: &Member) {
    let content = json!({ "content": "За неделю: практика, эфир и встреча" });
    let submitted = anna.post("/api/reports/submit", &content).await;
    let made = done(table, "reports/submit", &submitted);
    let id = made["report"]["id"].as_str().unwrap();
    let all = [
        ("/api/reports/my", ""),
        ("/api/reports/user", ""),
        ("/api/reports/current", ""),
        ("/api/reports/{id}", id),
        ("/api/reports/stats/my", ""),
        ("/api/reports/stats", ""),
    ];
    reads(table, anna, &all).await;
    let week = || anna.get("/api/reports/week?weekNumber=4&year=2026");
    thrice(table, "reports/week", week).await;
    done(table, "reports/deadline", &anna.get("/api/reports/deadline").await);
    let all = [("/api/reports/week/{n}", "4?year=2026"), ("/api/reports/stats/global", "")];
    looked_at(table, world, &all).await;
    let gone = anna.call("DELETE", &format!("/api/reports/{id}")).await;
    done(table, "DELETE reports/{id}", &gone);
}

/// What a message in the chat of a city brings.
async fn hashtags(table: &mut Table, world: &World, anna: &Member) {
    let path = format!("/api/admin/city-chats/{CITY_CHAT}");
    let chat = office(world, "PUT", &path, &json!({ "city": "Москва" })).await;
    done(table, "admin/city-chats/{chat_id}", &chat);
    world.idle().await;
    for (n, (text, row)) in [
        ("без тега", "a message without a hashtag"),
        ("#инсайт", "one hashtag earns"),
        ("Были на #созвон, мой #инсайт", "two hashtags earn"),
        ("#челлендж", "one hashtag earns, another rule"),
        ("#челлендж", "a hashtag at its limit"),
    ]
    .into_iter()
    .enumerate()
    {
        let update = json!({ "update_id": 700_000 + n, "message": {
            "message_id": n + 1, "date": 1_768_910_400,
            "from": { "id": anna.id(), "is_bot": false, "first_name": "Анна" },
            "chat": { "id": CITY_CHAT, "type": "supergroup", "title": "Чат" },
            "caption": text,
            "photo": [{ "file_id": "x", "file_unique_id": "y", "width": 1, "height": 1 }],
        } });
        telegram(world, &update).await.is(200);
        world.idle().await;
        table.job(world, "club-bot-update", row).await;
    }
}

/// What nobody has spent in six months.
async fn expiry(table: &mut Table) {
    let world = local!();
    world.member(42, "Анна").await;
    let award = json!({ "userId": 42, "amount": 100, "reason": "За помощь" });
    office(&world, "POST", "/api/v1/energies/award", &award).await.ok();
    world.set_clock("2026-07-20T13:00:00Z").await;
    world.idle().await;
    world.run("club-energies-expire").await;
    table.job(&world, "club-energies-expire", "one entry").await;
    world.advance(60).await;
    world.run("club-energies-expire").await;
    table.job(&world, "club-energies-expire", "nothing to take").await;
}
