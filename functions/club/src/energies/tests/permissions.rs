//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;
use crate::testing::allowed;

fn of(world: &World, function: &str) -> BTreeSet<(String, String)> {
    world.asked(function)
}

#[tokio::test]
async fn functions_of_administrators_ask_for_exactly_this() {
    let world = World::new().await;
    let member = world.member(ANNA).await;
    for id in [json!(ANNA), json!(member.id)] {
        let body = json!({
            "userId": id, "amount": 1, "reason": "x", "lessonId": "x", "practiceId": "x",
        });
        for (function, path) in [
            (award_by_hand(), "/api/v1/energies/award"),
            (spend_by_hand(), "/api/v1/energies/spend"),
            (daily_login(), "/api/v1/energies/triggers/daily-login"),
            (lesson_view(), "/api/v1/energies/triggers/lesson-view"),
            (sunday_practice(), "/api/v1/energies/triggers/sunday-practice"),
        ] {
            let request = asked(path, body.clone()).header("idempotency-key", "k");
            world.call(function, request).await;
        }
    }
    let path = format!("/api/admin/city-chats/{CITY_CHAT}");
    let request = asked(&path, json!({ "city": "Орёл" })).method(http::Method::PUT);
    world.call(set_city_chat(), request).await;
    // The limiter updates its bucket; the opaque id is found by one read.
    let moves = allowed(&["BatchGetItem", "GetItem", "PutItem", "UpdateItem"], &[]);
    for function in [
        "club-energies-award",
        "club-energies-spend",
        "club-energies-daily-login",
        "club-energies-lesson-view",
        "club-energies-sunday-practice",
    ] {
        assert_eq!(of(&world, function), moves, "{function}");
    }
    assert_eq!(
        of(&world, "club-admin-city-chat"),
        allowed(&["GetItem", "PutItem", "UpdateItem"], &[])
    );
}

#[tokio::test]
async fn functions_of_members_and_jobs_ask_for_exactly_this() {
    let world = World::new().await;
    let member = world.member(ANNA).await;
    let token = world.token(&member).await;
    for (function, path) in [
        (balance(), "/api/v1/energies/balance"),
        (history(), "/api/v1/energies/history"),
        (weekly_progress(), "/api/v1/energies/weekly-progress"),
    ] {
        let reply = world.call(function, Request::get(path).token(&token)).await;
        assert_eq!(reply.status, 200, "{path}");
    }
    // The session is read with GetItem; a first contact, which makes the member, puts too.
    assert_eq!(of(&world, "club-energies-balance"), allowed(&["GetItem"], &[]));
    assert_eq!(of(&world, "club-energies-history"), allowed(&["GetItem"], &["history"]));
    let progress = allowed(&["BatchGetItem", "GetItem"], &[]);
    assert_eq!(of(&world, "club-energies-progress"), progress);
    for (n, amount) in [(1, 50), (2, 70)] {
        store::award(world.table(), ANNA, &pay(n, amount), world.now()).await.unwrap();
    }
    store::spend(world.table(), ANNA, &refund(1, 60), world.now()).await.unwrap();
    world.pass(Duration::from_secs(181 * 86_400));
    assert_eq!(world.tick(expire()).await.unwrap()["expired"], 1);
    let job = ["BatchGetItem", "ConditionCheckItem", "PutItem", "UpdateItem"];
    assert_eq!(of(&world, "club-energies-expire"), allowed(&job, &["due"]));
}

#[tokio::test]
async fn messages_with_hashtags_ask_for_no_more_than_a_settlement_may() {
    let club = Club::open().await;
    club.posts(CITY_CHAT, 1, "#созвон #практика #инсайт", photo()).await;
    club.posts(TEAM_CHAT, 2, "#отчет", json!({})).await;
    assert_eq!(club.balance().await, 190);
    let moves = allowed(&["BatchGetItem", "GetItem", "PutItem", "UpdateItem"], &[]);
    assert_eq!(of(&club.world, "club-bot-update"), moves);
}
