//! Energies that are given by hand, by triggers and by hashtags, and their end (§5.4, §9, 18.5;
//! acceptance 15 and 16, properties 7, 16 and 17).

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use tests::{Answer, Call, Member, World, at_once, local};

use crate::DAY;
use crate::stars::telegram;

/// Numbers of updates and messages; each is new unless it is said otherwise.
static NUMBERS: AtomicI64 = AtomicI64::new(700_000);
/// The chat of a city.
const CITY_CHAT: i64 = -1_001_000_000_002;
/// The chat of a team.
const TEAM_CHAT: i64 = -1_001_000_000_003;
fn admin(world: &World, method: &str, path: &str, body: &Value) -> Call {
    world.call(method, path).header("x-admin-secret", world.secret("ADMIN_SECRET")).json(body)
}

async fn given(world: &World, path: &str, body: &Value) -> Answer {
    admin(world, "POST", &format!("/api/v1/energies/{path}"), body).await
}

/// The chat of a city is one.
async fn city_chat(world: &World, city: &str) {
    let path = format!("/api/admin/city-chats/{CITY_CHAT}");
    admin(world, "PUT", &path, &json!({ "city": city })).await.ok();
}

fn posted(chat: i64, author: i64, text: &str, has_photo: bool) -> Value {
    let n = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let mut message = json!({
        "message_id": n, "date": 1_768_910_400,
        "from": { "id": author, "is_bot": false, "first_name": "Анна" },
        "chat": { "id": chat, "type": "supergroup", "title": "Чат" },
    });
    if has_photo {
        message["caption"] = json!(text);
        message["photo"] =
            json!([{ "file_id": "x", "file_unique_id": "y", "width": 1, "height": 1 }]);
    } else {
        message["text"] = json!(text);
    }
    json!({ "update_id": n, "message": message })
}

async fn tell(world: &World, update: &Value) {
    telegram(world, update).await.is(200);
    world.idle().await;
}

async fn settle(world: &World) {
    for _ in 0..4 {
        world.advance(2).await;
        world.idle().await;
    }
}

/// A paid member of a city with a chat, on a Tuesday at noon.
async fn member_of_moscow(world: &World) -> Member {
    let anna = world.member(42, "Анна").await;
    anna.pays().await;
    anna.moves_to("Москва").await;
    city_chat(world, " москва ").await;
    settle(world).await;
    anna
}

/// Everything adds up, in what the member sees.
async fn adds_up(member: &Member) -> i64 {
    let (history, balance) = (member.history().await, member.balance().await);
    let sum = |field: &str| history.iter().filter_map(|entry| entry[field].as_i64()).sum::<i64>();
    assert_eq!((sum("delta"), sum("remaining")), (balance, balance), "{history:?}");
    balance
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_hashtags_earn_as_their_rules_say_and_once() {
    let world = local!();
    let anna = member_of_moscow(&world).await;
    let both = posted(CITY_CHAT, 42, "Были на #Созвон, мой #инсайт", true);
    tell(&world, &both).await;
    assert_eq!(adds_up(&anna).await, 500 + 140);
    // Delivered again, under another number, and edited.
    tell(&world, &both).await;
    let mut again = both.clone();
    again["update_id"] = json!(NUMBERS.fetch_add(1, Ordering::Relaxed));
    tell(&world, &again).await;
    again["edited_message"] = again["message"].take();
    again["update_id"] = json!(NUMBERS.fetch_add(1, Ordering::Relaxed));
    tell(&world, &again).await;
    assert_eq!(adds_up(&anna).await, 640);
    settle(&world).await;
    let reactions = world.bot_calls("setMessageReaction").await;
    assert_eq!(reactions.len(), 1, "{reactions:?}");
    assert_eq!(reactions[0]["payload"]["reaction"], json!([{ "type": "emoji", "emoji": "❤" }]));
    let told: Vec<String> =
        anna.messages().await.iter().map(|sent| sent["text"].to_string()).collect();
    assert!(told.iter().any(|text| text.contains("100 ⚡") && text.contains("600 ⚡")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("40 ⚡") && text.contains("640 ⚡")), "{told:?}");

    for _ in 0..3 {
        tell(&world, &posted(CITY_CHAT, 42, "#созвон #сторис", true)).await;
    }
    assert_eq!(adds_up(&anna).await, 1_540);
    tell(&world, &posted(CITY_CHAT, 42, "#созвон #сторис #челлендж", true)).await;
    assert_eq!(adds_up(&anna).await, 1_541);
    let progress = anna.get("/api/v1/energies/weekly-progress").await.ok();
    let used = |rule: &str| progress["progress"][rule]["used"].clone();
    for (rule, count) in
        [("sozvon", 1), ("combo", 3), ("insight", 1), ("challeng", 1), ("storis", 0)]
    {
        assert_eq!(used(rule), count, "{rule}: {progress}");
    }
    assert_eq!(progress["weekStartMsk"], "2026-01-18T21:00:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_practice_counts_on_saturday_in_moscow() {
    let world = local!();
    let anna = member_of_moscow(&world).await;
    tell(&world, &posted(CITY_CHAT, 42, "#практика", true)).await;
    assert_eq!(anna.balance().await, 500);
    // Friday, 23:30 UTC.
    world.set_clock("2026-01-23T23:30:00Z").await;
    let anna = world.member(42, "Анна").await;
    tell(&world, &posted(CITY_CHAT, 42, "#практика", true)).await;
    assert_eq!(adds_up(&anna).await, 550);
}

#[tokio::test(flavor = "multi_thread")]
async fn p07_hashtags_need_membership_of_the_chat() {
    let world = local!();
    let anna = member_of_moscow(&world).await;
    let (boris, vera) = (world.member(43, "Борис").await, world.member(44, "Вера").await);
    boris.pays().await;
    boris.moves_to("Тверь").await;
    vera.moves_to("Москва").await;
    for (n, member) in [(43, &boris), (44, &vera)] {
        let before = member.balance().await;
        tell(&world, &posted(CITY_CHAT, n, "#созвон #инсайт", true)).await;
        assert_eq!(member.balance().await, before);
    }
    tell(&world, &posted(-5, 42, "#созвон #отчет", true)).await;
    assert_eq!(anna.balance().await, 500);
    // Nobody gives themselves anything.
    let body = json!({ "userId": anna.uuid, "amount": 5, "reason": "x" });
    for path in ["award", "spend", "triggers/daily-login"] {
        anna.post(&format!("/api/v1/energies/{path}"), &body).await.problem(403, "admin_required");
    }
    assert_eq!(anna.balance().await, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn p16_one_key_is_one_entry_however_many_come_at_once() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let body = json!({ "userId": anna.uuid, "amount": 7, "reason": "За помощь" });
    let path = "/api/v1/energies/award";
    let answers = at_once(20, |_| admin(&world, "POST", path, &body).key("one")).await;
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 503)));
    assert_eq!((adds_up(&anna).await, anna.history().await.len()), (7, 1));
    let body = json!({ "userId": "42" });
    let trigger = "/api/v1/energies/triggers/daily-login";
    let answers = at_once(20, |_| admin(&world, "POST", trigger, &body)).await;
    let awarded =
        answers.iter().filter(|answer| answer.status == 200 && answer.json()["awarded"] == true);
    assert!(awarded.count() <= 1);
    assert_eq!((adds_up(&anna).await, anna.history().await.len()), (17, 2));
    let refused =
        given(&world, "spend", &json!({ "userId": 42, "amount": 18, "reason": "x" })).await;
    let problem = refused.problem(409, "insufficient_energies");
    assert_eq!(problem["error"], "Insufficient energy points");
    given(&world, "spend", &json!({ "userId": 42, "amount": 17, "reason": "x" })).await.ok();
    assert_eq!(adds_up(&anna).await, 0);
    given(&world, "award", &json!({ "userId": 4_242, "amount": 1, "reason": "x" })).await.is(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn p17_a_leaders_hashtags_count_twice_and_an_administrators_award_once() {
    let world = local!();
    let anna = member_of_moscow(&world).await;
    let team = json!({ "city": "Москва", "leaderUserId": anna.uuid, "tgChatId": TEAM_CHAT });
    admin(&world, "POST", "/api/teams", &team).await.ok();
    tell(&world, &posted(TEAM_CHAT, 42, "#отчёт", false)).await;
    tell(&world, &posted(TEAM_CHAT, 42, "#отчёт", false)).await;
    assert_eq!(adds_up(&anna).await, 600);
    let entry = &anna.history().await[0];
    let metadata = json!({
        "hashtag": "#отчёт", "chat_type": "decade", "leaderBonus": true, "originalAmount": 50,
        "multiplier": 2,
    });
    assert_eq!((&entry["amount"], &entry["metadata"]), (&json!(100), &metadata));
    settle(&world).await;
    let reactions = world.bot_calls("setMessageReaction").await;
    assert_eq!(reactions[0]["payload"]["reaction"], json!([{ "type": "emoji", "emoji": "⚡" }]));
    given(&world, "award", &json!({ "userId": 42, "amount": 10, "reason": "x" })).await.ok();
    assert_eq!(adds_up(&anna).await, 610);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_what_nobody_has_spent_expires_once() {
    let world = local!();
    world.member(42, "Анна").await;
    let hundred = json!({ "userId": 42, "amount": 100, "reason": "x" });
    given(&world, "award", &hundred).await.ok();
    given(&world, "spend", &hundred).await.ok();
    world.advance(DAY).await;
    given(&world, "award", &hundred).await.ok();
    // Six months after the 20th of January, by three o'clock.
    world.set_clock("2026-07-20T13:00:00Z").await;
    let anna = world.member(42, "Анна").await;
    for _ in 0..2 {
        world.run("club-energies-expire").await;
        assert_eq!(adds_up(&anna).await, 100);
    }
    world.advance(DAY).await;
    let anna = world.member(42, "Анна").await;
    for _ in 0..2 {
        world.run("club-energies-expire").await;
        assert_eq!(adds_up(&anna).await, 0);
    }
    let history = anna.history().await;
    let expired: Vec<&Value> = history
        .iter()
        .filter(|entry| entry["id"].as_str().unwrap().starts_with("expire:"))
        .collect();
    assert_eq!(expired.len(), 1, "{history:?}");
    assert_eq!(
        (&expired[0]["amount"], &expired[0]["reason"]),
        (&json!(-100), &json!("Сгорание энергий"))
    );
    let ended: Vec<&Value> = history.iter().filter(|entry| entry["isExpired"] == true).collect();
    assert_eq!(ended.len(), 1, "{history:?}");
    world.run("club-energies-audit").await;
}
