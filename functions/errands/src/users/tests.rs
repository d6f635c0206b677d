//! Users over HTTP.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::{me, notifications, preferences, save_notifications, save_preferences};
use crate::testing::{Person, Request, World};

const ID: i64 = 7_000_000_001;
const ME: &str = "/api/users/me";
const PREFERENCES: &str = "/api/users/me/preferences";
const SETTINGS: &str = "/api/users/me/notification-settings";

fn anna() -> Person {
    Person::new(ID, "Анна").with("username", "anna")
}

async fn seen(world: &World, person: &Person) -> Value {
    let request = Request::get(ME).by(&world.sign_in(person));
    let reply = world.call(me(), request).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.body
}

#[tokio::test]
async fn a_new_user_has_their_names_and_zeros() {
    let world = World::new().await;
    let body = seen(&world, &anna()).await;
    let expected = json!({
        "id": ID, "first_name": "Анна", "last_name": null, "username": "anna",
        "completed_orders": 0, "active_orders": 0, "rating": 0, "balance": 0,
    });
    assert_eq!(body, expected);
    let user = world.user(ID).await;
    assert!(!user.notifications && !user.bot_blocked && user.frequency.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_first_calls_at_once_make_one_user() {
    let world = Arc::new(World::new().await);
    let instance = world.start(me()).await;
    let request = Request::get(ME).by(&world.sign_in(&anna()));
    for reply in world.send_all(&instance, vec![request; 20]).await {
        assert_eq!((reply.status, &reply.body["first_name"]), (StatusCode::OK, &json!("Анна")));
    }
    assert_eq!(world.items("User").await.len(), 1);
}

#[tokio::test]
async fn a_call_costs_the_function_nothing_and_a_known_user_no_write() {
    let world = World::new().await;
    seen(&world, &anna()).await;
    world.pass(Duration::from_secs(60));
    let before = world.items("User").await;
    let reply = world.call(me(), Request::get(ME).by(&world.sign_in(&anna()))).await;
    assert_eq!((reply.cost.requests, reply.cost.items), (0, 0));
    assert_eq!(world.items("User").await, before);
}

#[tokio::test]
async fn newer_names_are_shown_and_older_ones_are_not() {
    let world = World::new().await;
    let old = world.sign_in(&anna());
    seen(&world, &anna()).await;
    world.pass(Duration::from_secs(60));
    let renamed = Person::new(ID, &"я".repeat(65)).with("last_name", "Иванова");
    let body = seen(&world, &renamed).await;
    let names = (&body["first_name"], &body["last_name"], &body["username"]);
    assert_eq!(names, (&json!("я".repeat(64)), &json!("Иванова"), &Value::Null));
    let stale = world.call(me(), Request::get(ME).by(&old)).await;
    assert_eq!(stale.body["last_name"], "Иванова");
    assert_eq!(world.user(ID).await.username, None);
}

#[tokio::test]
async fn who_does_not_say_who_they_are_is_told_so() {
    let world = World::new().await;
    let ask = |authorization: &str| {
        let request = match authorization {
            "" => Request::get(ME),
            authorization => Request::get(ME).by(authorization),
        };
        world.call(me(), request)
    };
    let stale = crate::testing::signed(
        &anna(),
        world.now() - jiff::SignedDuration::from_secs(86_401),
        crate::testing::BOT_TOKEN,
    );
    let early = crate::testing::signed(
        &anna(),
        world.now() + jiff::SignedDuration::from_secs(61),
        crate::testing::BOT_TOKEN,
    );
    let invalid = |why: &str| format!("Invalid Telegram initData: {why}");
    for (authorization, code, detail) in [
        (String::new(), "not_authenticated", "Not authenticated".to_owned()),
        ("tma ".to_owned(), "not_authenticated", "Not authenticated".to_owned()),
        (
            "Basic YTpi".to_owned(),
            "unsupported_auth_scheme",
            "Invalid authentication credentials".to_owned(),
        ),
        (
            "Bearer mock_init_data_for_development".to_owned(),
            "invalid_init_data",
            invalid("Missing hash in initData"),
        ),
        (
            "tma user=%7B%22id%22%3A1%7D&auth_date=1&hash=abc".to_owned(),
            "invalid_init_data",
            invalid("Invalid hash - data integrity check failed"),
        ),
        (
            "TMA a=1&a=2&hash=abc".to_owned(),
            "invalid_init_data",
            invalid("Duplicate field in initData"),
        ),
        (format!("tma {stale}"), "init_data_expired", invalid("initData has expired")),
        (format!("bearer {early}"), "init_data_expired", invalid("initData has expired")),
    ] {
        let reply = ask(&authorization).await;
        assert_eq!(reply.refusal(), (401, code, detail.as_str()), "{authorization}");
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
    }
    let good = ask(&world.sign_in(&anna()).replace("tma ", "Bearer ")).await;
    assert_eq!(good.status, 200);
}

#[tokio::test]
async fn an_id_is_any_integer_that_javascript_holds() {
    let world = World::new().await;
    for id in [1, 1 << 52, (1 << 53) - 1] {
        assert_eq!(seen(&world, &Person::new(id, "Анна")).await["id"], id);
        assert_eq!(world.user(id).await.id, id);
    }
    for id in [json!(1_i64 << 53), json!(u64::MAX), json!(0), json!(-1), json!(1.5), json!("7")] {
        let by = world.sign_in(&anna().with("id", id.clone()));
        let reply = world.call(me(), Request::get(ME).by(&by)).await;
        let refusal = (401, "invalid_init_data", "Invalid user ID in initData");
        assert_eq!(reply.refusal(), refusal, "{id}");
    }
    assert_eq!(world.items("User").await.len(), 3);
}

#[tokio::test]
async fn a_profile_that_was_sent_is_not_sent_again() {
    let world = World::new().await;
    let by = world.sign_in(&anna());
    let first = world.call(me(), Request::get(ME).by(&by)).await;
    let tag = first.headers["etag"].as_str().unwrap().to_owned();
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    assert!(first.headers["vary"].as_str().unwrap().contains("Authorization"));
    let again = || Request::get(ME).by(&by).header("if-none-match", &tag);
    assert_eq!(world.call(me(), again()).await.status, 304);
    let mut user = world.user(ID).await;
    (user.rating_sum, user.rating_count, user.balance) = (13, 3, 9_900);
    world.put(&user).await;
    let changed = world.call(me(), again()).await;
    assert_eq!(changed.status, 200);
    assert_eq!((&changed.body["rating"], &changed.body["balance"]), (&json!(4.33), &json!(99)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wishes_saved_at_once_are_all_kept() {
    for _ in 0..10 {
        let world = Arc::new(World::new().await);
        let by = world.sign_in(&anna());
        let (one, other) =
            (world.start(save_preferences()).await, world.start(save_notifications()).await);
        let body = json!({ "categories": ["Клининг"], "cities": ["Орёл", "орел"] });
        let first = [Request::put(PREFERENCES, body).by(&by)];
        let second = [Request::put(SETTINGS, json!({ "enabled": true, "frequency": 15 })).by(&by)];
        let (first, second) =
            tokio::join!(world.send_all(&one, first), world.send_all(&other, second));
        for reply in [first, second].concat() {
            assert_eq!((reply.status.as_u16(), reply.body), (200, json!({ "success": true })));
        }
        let wishes = world.call(preferences(), Request::get(PREFERENCES).by(&by)).await;
        assert_eq!(wishes.body, json!({ "categories": ["Клининг"], "cities": ["Орёл"] }));
        let settings = world.call(notifications(), Request::get(SETTINGS).by(&by)).await;
        assert_eq!(settings.body, json!({ "enabled": true, "frequency": 15 }));
    }
}

#[tokio::test]
async fn what_is_absent_empties_lists_and_leaves_settings() {
    let world = World::new().await;
    let by = world.sign_in(&anna());
    let settings = || world.call(notifications(), Request::get(SETTINGS).by(&by));
    assert_eq!(settings().await.body, json!({ "enabled": false, "frequency": 10 }));
    let tell = |body| world.call(save_notifications(), Request::put(SETTINGS, body).by(&by));
    let mut user = world.user(ID).await;
    user.bot_blocked = true;
    world.put(&user).await;
    tell(json!({ "frequency": 5 })).await;
    assert!(world.user(ID).await.bot_blocked);
    tell(json!({ "enabled": true, "frequency": null })).await;
    assert!(!world.user(ID).await.bot_blocked);
    assert_eq!(settings().await.body, json!({ "enabled": true, "frequency": 5 }));
    let idle = tell(json!({})).await;
    assert_eq!((idle.status.as_u16(), idle.cost.requests), (200, 0));
    let prefer = |body| world.call(save_preferences(), Request::put(PREFERENCES, body).by(&by));
    assert_eq!(prefer(json!({ "cities": ["Омск"] })).await.cost.items, 1);
    assert_eq!(prefer(json!({})).await.status, 200);
    assert!(world.user(ID).await.cities.is_empty());
    let refused = prefer(json!({ "categories": null, "cities": ["О"] })).await;
    assert_eq!(
        refused.refusal(),
        (
            422,
            "validation_failed",
            "categories: must be a list of texts; cities: must be 2 to 100 characters long"
        )
    );
    assert_eq!(refused.body["errors"][1]["field"], "cities");
    let unread = world
        .call(save_preferences(), Request::put(PREFERENCES, json!({})).by(&by).body("{"))
        .await;
    assert_eq!(unread.refusal(), (422, "invalid_json", "Request body is not valid JSON"));
}

#[tokio::test]
async fn a_save_that_meets_conflicts_or_dies_can_be_done_again() {
    use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
    let caller = "local-errands-users-notifications-save";
    let body = || json!({ "enabled": true, "frequency": 7 });
    for at in 0..4 {
        for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
            let world = World::new().await;
            let request = Request::put(SETTINGS, body()).by(&world.sign_in(&anna()));
            let plan = CrashPlan { caller: Some(caller.to_owned()), at, mode };
            world.engine.faults().crash(plan);
            let first = world.call(save_notifications(), request.clone()).await;
            assert!([200, 503].contains(&first.status.as_u16()), "{mode:?} at {at}");
            world.engine.faults().clear();
            assert_eq!(world.call(save_notifications(), request).await.status, 200);
            let user = world.user(ID).await;
            assert_eq!((user.notifications, user.frequency), (true, Some(7)));
        }
    }
    // The user's orders commit meanwhile: the table refuses a plain write for the moment.
    let world = World::new().await;
    seen(&world, &anna()).await;
    let conflict = Fault::new(Target::Dynamodb, FaultKind::Conflict).operation("UpdateItem");
    let conflict = conflict.when(When::Calls(vec![1, 2])).caller(caller);
    world.engine.faults().inject(conflict);
    let request = Request::put(SETTINGS, body()).by(&world.sign_in(&anna()));
    assert_eq!(world.call(save_notifications(), request).await.status, 200);
}

#[tokio::test]
async fn a_name_that_cannot_be_kept_stops_nobody() {
    use engine::{Fault, FaultKind, Target};
    let world = World::new().await;
    seen(&world, &anna()).await;
    let fault = Fault::new(Target::Dynamodb, FaultKind::Error).operation("UpdateItem");
    world.engine.faults().inject(fault);
    let renamed = Person::new(ID, "Аня");
    assert_eq!(seen(&world, &renamed).await["first_name"], "Аня");
    assert_eq!(world.user(ID).await.first_name, "Анна");
    world.engine.faults().clear();
    seen(&world, &renamed).await;
    assert_eq!(world.user(ID).await.first_name, "Аня");
}
