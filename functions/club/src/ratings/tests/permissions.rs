//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use shared::table::Write;

use super::super::model::CityTotal;
use super::*;
use crate::testing::allowed;

const TABLE: &str = "table/test-club";

fn asked(world: &World, function: &str) -> BTreeSet<(String, String)> {
    world.asked(function)
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let world = World::new().await;
    found_team(&world, "a", true).await;
    let stays = Member {
        team_id: Some("a".to_owned()),
        experience: 60,
        ..paid(&world, 1, 10, Some("Омск"))
    };
    let leaves = Member {
        subscription_expires: Some(world.now() + SignedDuration::from_mins(30)),
        experience: 10,
        ..paid(&world, 2, 20, Some("Омск"))
    };
    join(&world, &[stays.clone(), leaves.clone()]).await;
    let more = Member { version: 2, experience: 110, ..stays };
    join(&world, std::slice::from_ref(&more)).await;
    world.pass(Duration::from_secs(3_600));
    world.tick(publish()).await.unwrap();
    let token = world.token(&more).await;
    let member = |path: &str| Request::get(path).token(&token);
    world.call(cities(), Request::get("/api/v1/ratings/cities")).await;
    world.call(teams(), Request::get("/api/v1/ratings/teams")).await;
    world.call(leaderboard(), member("/api/v1/gamification/leaderboard")).await;
    world.call(personal(), member("/api/v1/ratings/personal")).await;
    world.call(user_position(), member("/api/v1/ratings/user-position")).await;
    world.call(all_data(), member("/api/v1/ratings/all-data")).await;
    let wrong = Write::update("total", CityTotal::key_of("омск")).add("energies", 1);
    world.table().write(wrong).await.unwrap();
    world.put(&Member { version: 3, experience: 160, ..more.clone() }).await;
    let run = world.tick(reconcile()).await.unwrap();
    assert_eq!((&run["repaired"], &run["late"]), (&json!(1), &json!(1)), "{run}");

    let aggregate = ["DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked(&world, "club-ratings-aggregate"), allowed(&aggregate, &[]));
    let publish = [
        "BatchGetItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "UpdateItem",
    ];
    assert_eq!(asked(&world, "club-ratings-publish"), allowed(&publish, &["due", "rank"]));
    assert_eq!(asked(&world, "club-ratings-reconcile"), allowed(&publish, &["registry"]));
    for function in ["club-ratings-cities", "club-ratings-teams"] {
        assert_eq!(asked(&world, function), allowed(&["GetItem"], &[]), "{function}");
    }
    // The session of the caller beside the list.
    assert_eq!(asked(&world, "club-gamification-leaderboard"), allowed(&["GetItem"], &[]));
    let own = ["BatchGetItem", "GetItem"];
    for function in ["club-ratings-personal", "club-ratings-user-position"] {
        assert_eq!(asked(&world, function), allowed(&own, &[]), "{function}");
    }
    let all = ["BatchGetItem", "GetItem", "Query"];
    let mut all = allowed(&all, &[]);
    all.retain(|(action, _)| action != "dynamodb:Query");
    all.insert(("dynamodb:Query".to_owned(), format!("{TABLE}/index/history")));
    assert_eq!(asked(&world, "club-ratings-all-data"), all);
}
