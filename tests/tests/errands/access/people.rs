//! First sight: the caller as launch data describes them.

use serde_json::json;
use tests::{InitData, at_once, errands};

use crate::scene::{described, fields};

const ME: [&str; 8] = [
    "active_orders",
    "balance",
    "completed_orders",
    "first_name",
    "id",
    "last_name",
    "rating",
    "username",
];

#[tokio::test(flavor = "multi_thread")]
async fn a01_a_new_user_is_what_launch_data_says() {
    let world = errands!();
    let anna = world.person(42, "Анна").await;
    let me = anna.me().await;
    assert_eq!(fields(&me), ME);
    assert_eq!(me["id"], anna.id());
    assert_eq!(me["first_name"], "Анна");
    for field in ["last_name", "username"] {
        assert!(me[field].is_null(), "{field}: {me}");
    }
    for field in ["completed_orders", "active_orders", "balance"] {
        assert_eq!(me[field], 0, "{field}: {me}");
    }
    assert!(me["rating"].is_number() && me["rating"].as_f64() == Some(0.0), "{me}");
    let profile = json!({
        "id": 43, "first_name": "Пётр", "last_name": "Иванов", "username": "petr_iv",
        "language_code": "ru",
    });
    let me = described(&world, &profile).await.me().await;
    assert_eq!(me["last_name"], "Иванов");
    assert_eq!(me["username"], "petr_iv");
    let settings = anna.get("/api/users/me/notification-settings").await.is(200).json();
    assert_eq!(settings, json!({"enabled": false, "frequency": 10}));
    let wishes = anna.get("/api/users/me/preferences").await.is(200).json();
    assert_eq!(wishes, json!({"categories": [], "cities": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_without_a_header_nobody_is_me() {
    let world = errands!();
    let answer = world.get("/api/users/me").await;
    answer.detail(401, "not_authenticated", "Not authenticated");
    assert_eq!(answer.must("www-authenticate"), "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_tma_and_bearer_are_the_same_in_any_case() {
    let world = errands!();
    let anna = world.person(42, "Анна").await;
    let me = anna.me().await;
    for scheme in ["Bearer", "bearer", "BEARER", "tma", "TMA", "Tma"] {
        let header = format!("{scheme} {}", anna.init_data);
        let answer = world.get("/api/users/me").header("authorization", header).await;
        assert_eq!(answer.is(200).json(), me, "{scheme}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_names_follow_launch_data_that_is_not_older() {
    let world = errands!();
    let anna = world.person(42, "Анна").await;
    assert_eq!(anna.me().await["first_name"], "Анна");
    world.advance(10).await;
    let renamed = json!({"id": 42, "first_name": "Аня", "last_name": "Ли", "username": "anya"});
    let later = described(&world, &renamed).await;
    let me = later.me().await;
    assert_eq!((&me["first_name"], &me["last_name"]), (&json!("Аня"), &json!("Ли")));
    assert_eq!(anna.me().await["first_name"], "Аня", "an older string renames nobody");
    world.advance(10).await;
    let bare = described(&world, &json!({"id": 42, "first_name": "Аня"})).await.me().await;
    assert!(bare["last_name"].is_null() && bare["username"].is_null(), "{bare}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_names_are_cut_to_64_code_points() {
    let world = errands!();
    let long = "Ж".repeat(200);
    let profile = json!({"id": 42, "first_name": long, "last_name": long, "username": "u"});
    let me = described(&world, &profile).await.me().await;
    for field in ["first_name", "last_name"] {
        assert_eq!(me[field].as_str().unwrap().chars().count(), 64, "{me}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_who_has_not_changed_costs_no_write() {
    let world = errands!();
    let anna = world.person(42, "Анна").await;
    anna.me().await;
    for path in ["/api/users/me", "/api/balance", "/api/users/me/preferences"] {
        let cost = anna.get(path).await.is(200).cost().unwrap();
        assert!(cost.items == 0 && cost.requests <= 2, "{path}: {cost:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_ids_are_as_large_as_javascript_holds() {
    let world = errands!();
    for id in [1_i64, 5_000_000_000, (1 << 53) - 1] {
        let me = described(&world, &json!({"id": id, "first_name": "Анна"})).await.me().await;
        assert_eq!(me["id"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a01_blank_values_are_signed_and_kept() {
    let world = errands!();
    let now_s = world.now().await.as_second();
    let profile = json!({"id": 42, "first_name": "Анна Мария", "last_name": ""});
    let data = InitData::new(&profile, now_s).with("start_param", "").with("signature", "s_-g");
    let signed = data.signed(world.bot_token());
    let me = world.get("/api/users/me").bearer(&signed).await.is(200).json();
    assert_eq!(me["first_name"], "Анна Мария");
    let plus = signed.replace("%20", "+");
    assert_ne!(plus, signed);
    world.get("/api/users/me").tma(&plus).await.is(200);
    let without = signed.replace("&signature=s_-g", "");
    assert_ne!(without, signed);
    world.get("/api/users/me").tma(&without).await.problem(401, "invalid_init_data");
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_first_calls_at_once_make_one_user() {
    let world = errands!();
    let anna = world.person(42, "Анна").await;
    let answers = at_once(20, |n| match n % 4 {
        0 => anna.get("/api/users/me"),
        1 => anna.get("/api/balance"),
        2 => anna.get("/api/users/me/preferences"),
        _ => anna.get("/api/orders?mine=true"),
    });
    for answer in answers.await {
        answer.is(200);
    }
    anna.recharges(7).await;
    let me = anna.me().await;
    assert_eq!((&me["balance"], &me["id"]), (&json!(7), &json!(anna.id())));
}
