//! Experience, levels, streaks and achievements, and members as others see them (§5.1, §5.4, §12,
//! 18.4; properties 7, 20 and 28).

use serde_json::{Value, json};
use tests::{Call, Member, World, at_once, local};

use crate::{DAY, tag, unless};

const STATS: &str = "/api/v1/gamification/stats";
const XP: &str = "/api/v1/gamification/xp-history";
const ACHIEVEMENTS: &str = "/api/v1/gamification/achievements";
const ADD: &str = "/api/v1/gamification/add-xp";

fn admin(world: &World, method: &str, path: &str, body: &Value) -> Call {
    world.call(method, path).header("x-admin-secret", world.secret("ADMIN_SECRET")).json(body)
}

fn add(world: &World, member: &Member, amount: i64) -> Call {
    let body = json!({"userId": member.uuid, "amount": amount, "reason": "Помощь"});
    admin(world, "POST", ADD, &body)
}

async fn stats(member: &Member) -> Value {
    member.get(STATS).await.ok()["stats"].clone()
}

async fn unlocked(member: &Member) -> Vec<String> {
    let lists = member.get(ACHIEVEMENTS).await.ok()["achievements"].clone();
    let codes = lists["unlocked"].as_array().unwrap().iter();
    codes.map(|one| one["code"].as_str().unwrap().to_owned()).collect()
}

/// A meditation that everybody may hear.
async fn meditation(world: &World, id: &str) {
    let fields = json!({
        "title": "Утро", "duration": 600, "category": "утро", "isPremium": false,
        "audioUrl": "https://cdn.example.com/morning.mp3",
    });
    let path = format!("/api/admin/content/meditation/{id}");
    admin(world, "PUT", &path, &fields).await.ok();
}

async fn listens(member: &Member, id: &str) -> Value {
    let body = json!({"durationListened": 600, "completed": true});
    member.post(&format!("/api/v1/meditations/{id}/session"), &body).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn p20_three_days_of_meditations_are_a_streak_of_three() {
    let world = local!();
    meditation(&world, "morning").await;
    let mut anna = world.member(42, "Анна").await;
    for day in 1..=3 {
        assert_eq!(listens(&anna, "morning").await["xpAwarded"], 50);
        assert_eq!(stats(&anna).await["streak"], day);
        world.advance(DAY).await;
        anna = anna.user.sign_in().await;
        assert_eq!(stats(&anna).await["streak"], day, "signing in touches no streak");
    }
    // Three sessions, and the first meditation.
    assert_eq!(stats(&anna).await["experience"], 200);
    assert_eq!(unlocked(&anna).await, ["first_meditation"]);
    world.advance(DAY).await;
    let anna = anna.user.sign_in().await;
    listens(&anna, "morning").await;
    assert_eq!(stats(&anna).await["streak"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn p20_every_seeded_achievement_unlocks() {
    let world = local!("RATE_AUTH" => "1000/1");
    meditation(&world, "morning").await;
    let fields = json!({"title": "Курс", "category": "mindset", "isPremium": false});
    admin(&world, "PUT", "/api/admin/content/course/start", &fields).await.ok();
    let day = json!({"courseId": "start", "dayNumber": 1, "title": "Первый день"});
    admin(&world, "PUT", "/api/admin/content/course-day/start-1", &day).await.ok();
    let mut anna = world.member(42, "Анна").await;
    for _ in 0..50 {
        listens(&anna, "morning").await;
        world.advance(DAY).await;
        anna = anna.user.sign_in().await;
    }
    let done = json!({"currentDay": 1, "completedDay": 1});
    anna.post("/api/v1/courses/start/progress", &done).await.ok();
    for n in 0..10 {
        add(&world, &anna, 1_000).key(&format!("k{n}")).await.ok();
    }
    let mut all = unlocked(&anna).await;
    all.sort();
    let mut seeded = [
        "first_meditation",
        "streak_7",
        "streak_30",
        "first_course",
        "level_5",
        "level_10",
        "meditations_10",
        "meditations_50",
    ];
    seeded.sort_unstable();
    assert_eq!(all, seeded);
    let lists = anna.get(ACHIEVEMENTS).await.ok()["achievements"].clone();
    assert_eq!((&lists["total"], &lists["unlockedCount"]), (&json!(8), &json!(8)));
    let own = anna.get(&format!("{XP}?days=90")).await.ok();
    assert_eq!(own["total"], stats(&anna).await["experience"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn p07_members_give_themselves_no_experience() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let body = json!({"userId": anna.uuid, "amount": 1_000, "reason": "x"});
    anna.post(ADD, &body).await.problem(403, "admin_required");
    world.post(ADD, &body).await.problem(403, "admin_required");
    assert_eq!(stats(&anna).await["experience"], 0);
    let old = tag(&anna.get(STATS).await);
    let first = add(&world, &anna, 100).key("one").await;
    let given = json!({"success": true, "newExperience": 100, "newLevel": 2, "leveledUp": true});
    assert_eq!(first.ok(), given);
    let again = add(&world, &anna, 100).key("one").await;
    assert_eq!((again.ok(), again.must("idempotency-replayed")), (given, "true"));
    add(&world, &anna, 101).key("one").await.problem(422, "idempotency_mismatch");
    let fresh = unless(anna.get(STATS), &old).await.ok();
    let shown = json!({
        "level": 2, "experience": 100, "streak": 0, "currentLevelXP": 100, "nextLevelXP": 250,
        "progressToNextLevel": 0, "xpNeededForNextLevel": 150, "progressPercent": 0,
    });
    for (field, value) in shown.as_object().unwrap() {
        assert_eq!(&fresh["stats"][field], value, "{field}");
    }
    let history = anna.get(XP).await.ok();
    assert_eq!((&history["total"], &history["byDay"]["2026-01-20"]), (&json!(100), &json!(100)));
    let answers = at_once(10, |_| add(&world, &anna, 7).key("many")).await;
    assert!(answers.iter().all(|answer| [200, 503].contains(&answer.status)), "{answers:?}");
    add(&world, &anna, 7).key("many").await.ok();
    assert_eq!(stats(&anna).await["experience"], 107);
}

#[tokio::test(flavor = "multi_thread")]
async fn p07_a_session_brings_experience_once_for_its_meditation_and_day() {
    let world = local!();
    meditation(&world, "morning").await;
    let anna = world.member(42, "Анна").await;
    assert_eq!(listens(&anna, "morning").await["xpAwarded"], 50);
    world.advance(60).await;
    assert_eq!(listens(&anna, "morning").await["xpAwarded"], 0);
    // 50 of the session and 50 of the first meditation.
    assert_eq!(stats(&anna).await["experience"], 100);
    assert_eq!(anna.get(XP).await.ok()["history"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_write_achievements() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let old = tag(&anna.get(ACHIEVEMENTS).await);
    let path = "/api/admin/content/achievement/hundred";
    let fields = json!({
        "title": "Сто", "xpReward": 5, "condition": {"type": "experience", "value": 100},
    });
    assert_eq!(admin(&world, "PUT", path, &fields).await.ok()["entity"]["code"], "hundred");
    let fresh = unless(anna.get(ACHIEVEMENTS), &old).await.ok();
    assert_eq!(fresh["achievements"]["total"], 9);
    add(&world, &anna, 100).await.ok();
    assert_eq!(
        (unlocked(&anna).await, &stats(&anna).await["experience"]),
        (vec!["hundred".to_owned()], &json!(105))
    );
    for bad in
        [json!(null), json!({"type": "streak", "value": 0}), json!({"type": "x", "value": 1})]
    {
        let fields = json!({"title": "x", "xpReward": 5, "condition": bad});
        let refused = admin(&world, "PUT", path, &fields).await.problem(400, "validation_failed");
        assert!(
            refused["fields"][0]["name"].as_str().unwrap().starts_with("condition"),
            "{refused}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_members_are_shown_to_members_and_nobody_has_another_id() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    boris.moves_to("Казань").await;
    let user = anna.get(&format!("/api/v1/users/{}", boris.uuid)).await.ok()["user"].clone();
    let fields: Vec<_> = user.as_object().unwrap().keys().map(String::as_str).collect();
    let mut shown = ["id", "username", "firstName", "photoUrl", "level", "streak", "createdAt"];
    shown.sort_unstable();
    let mut fields = fields;
    fields.sort_unstable();
    assert_eq!(fields, shown);
    assert_eq!((&user["id"], &user["firstName"]), (&json!(boris.uuid), &json!("Борис")));
    let long = "x".repeat(2_000);
    for id in ["43", "x", "%D1%8F", "0198c0de-0000-7000-8000-000000000042", &long] {
        let gone = anna.get(&format!("/api/v1/users/{id}")).await.problem(404, "not_found");
        assert_eq!(gone["error"], "User not found");
    }
    anna.get("/api/v1/users/%FF").await.problem(404, "not_found");
    world.get(&format!("/api/v1/users/{}", boris.uuid)).await.problem(401, "unauthorized");
}
