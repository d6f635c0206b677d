//! `PATCH /api/v1/users/me`: what may be changed, and how often (§1 `city_key`, §5.1, §17.8).

use serde_json::{Value, json};
use tests::local;

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_changed_one_by_one() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let body = json!({
        "firstName": "Аня", "lastName": "Иванова", "city": "Казань", "languageCode": "en",
        "settings": {"theme": "dark"}, "energies": 1_000_000, "isPro": true, "telegramId": 43,
        "unknown": [1, 2],
    });
    let user = anna.patch(&body).await.ok()["user"].clone();
    let mut names: Vec<&str> = user.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["city", "firstName", "id", "languageCode", "lastName", "settings"]);
    let me = anna.me().await;
    assert_eq!((&me["firstName"], &me["lastName"]), (&json!("Аня"), &json!("Иванова")));
    assert_eq!((&me["city"], &me["languageCode"]), (&json!("Казань"), &json!("en")));
    assert_eq!((&me["energies"], &me["isPro"]), (&json!(0), &json!(false)));
    assert_eq!(me["telegramId"], 42);
    let one = anna.patch(&json!({"lastName": ""})).await.ok();
    assert_eq!(one["user"]["firstName"], "Аня");
    anna.patch(&json!({})).await.ok();
    assert_eq!(anna.me().await["city"], "Казань");
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_merged() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    anna.patch(&json!({"settings": {"push": true, "theme": "dark"}})).await.ok();
    let merged = anna.patch(&json!({"settings": {"theme": "light", "size": 3}})).await.ok();
    let wanted = json!({"push": true, "theme": "light", "size": 3});
    assert_eq!(merged["user"]["settings"], wanted);
    assert_eq!(anna.me().await["settings"], wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_fields_are_kept() {
    let world = local!();
    let anna = world.member(42, "Анна").await;
    let before = anna.everything().await;
    let long = |count: usize| "я".repeat(count);
    let refused = [
        ("firstName", json!("")),
        ("firstName", json!(long(65))),
        ("firstName", json!(1)),
        ("lastName", json!(long(65))),
        ("lastName", json!(["x"])),
        ("city", json!("")),
        ("city", json!("   ")),
        ("city", json!(long(81))),
        ("city", json!("Москва 1")),
        ("city", json!("Москва<b>")),
        ("city", json!("Моск\nва")),
        ("city", json!({"name": "Москва"})),
        ("languageCode", json!("r")),
        ("languageCode", json!("abcdefghi")),
        ("settings", json!([])),
        ("settings", json!("dark")),
        ("settings", json!({"x": "y".repeat(4_096)})),
    ];
    for (field, value) in refused {
        let answer = anna.patch(&json!({field: value})).await;
        let problem = answer.problem(400, "validation_failed");
        let fields = problem["fields"].as_array().cloned().unwrap_or_default();
        assert!(fields.iter().any(|one| one["name"] == field), "{field} {value}: {answer}");
        assert!(fields.iter().all(|one| one["reason"].is_string()), "{answer}");
    }
    for field in ["firstName", "lastName", "city", "languageCode"] {
        let answer = anna.patch(&json!({field: "Мос\u{0}ква"})).await;
        answer.problem(400, "validation_failed");
    }
    assert_eq!(anna.everything().await, before);
    for (field, value) in [
        ("firstName", long(64)),
        ("lastName", long(64)),
        ("city", "Ростов-на-Дону (центр)".to_owned()),
        ("languageCode", "ru".to_owned()),
    ] {
        anna.patch(&json!({field: value})).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_city_keeps_its_display_name() {
    let world = local!();
    let first = world.member(42, "Анна").await;
    first.moves_to("Орёл").await;
    for (id, spelled) in [(43, "ОРЕЛ"), (44, "  орёл "), (45, "Орел")] {
        let member = world.member(id, "Борис").await;
        let shown = member.patch(&json!({"city": spelled})).await.ok();
        assert_eq!(shown["user"]["city"], "Орёл", "{spelled:?}");
        assert_eq!(member.me().await["city"], "Орёл");
    }
    let boris = world.member(46, "Борис").await;
    boris.moves_to("Нижний   Новгород").await;
    let other = world.member(47, "Вера").await;
    let shown = other.patch(&json!({"city": "нижний новгород"})).await.ok();
    assert_eq!(shown["user"]["city"], boris.me().await["city"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_city_changes_three_times_a_day_in_moscow() {
    let world = local!("CLOCK" => "2026-01-20T20:00:00Z");
    let anna = world.member(42, "Анна").await;
    for city in ["Казань", "Москва", "Самара"] {
        anna.moves_to(city).await;
    }
    let fourth = anna.patch(&json!({"city": "Тула", "firstName": "Аня"})).await;
    fourth.problem(429, "city_change_limit");
    let me = anna.me().await;
    assert_eq!((&me["city"], &me["firstName"]), (&json!("Самара"), &json!("Анна")));
    anna.patch(&json!({"firstName": "Аня"})).await.ok();
    world.advance(3_599).await;
    anna.patch(&json!({"city": "Тула"})).await.problem(429, "city_change_limit");
    world.advance(1).await;
    let anna = anna.user.sign_in().await;
    anna.moves_to("Тула").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_seen_at_once_by_its_owner_alone() {
    let world = local!();
    let (anna, boris) = (world.member(42, "Анна").await, world.member(43, "Борис").await);
    let first = anna.get("/api/v1/users/me").await;
    let tag = crate::tag(&first);
    crate::unless(anna.get("/api/v1/users/me"), &tag).await.is(304);
    let other = crate::unless(boris.get("/api/v1/users/me"), &tag).await;
    assert_eq!(other.ok()["user"]["telegramId"], 43);
    anna.patch(&json!({"firstName": "Аня"})).await.ok();
    let changed = crate::unless(anna.get("/api/v1/users/me"), &tag).await;
    assert_eq!(changed.ok()["user"]["firstName"], "Аня");
    assert_eq!(boris.me().await["firstName"], "Борис");
    let same: Value = anna.get("/api/v1/auth/me").await.ok()["user"].clone();
    assert_eq!(same, anna.me().await);
}
