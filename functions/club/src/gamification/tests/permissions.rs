//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;
use crate::testing::allowed;

fn asked(club: &Club, function: &str) -> BTreeSet<(String, String)> {
    club.world.asked(function)
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let club = Club::open().await;
    for _ in 0..2 {
        club.world.call(add_xp(), club.grant(1, "k")).await;
    }
    let uuid = json!({ "userId": club.anna().await.id, "amount": 1, "reason": "x" });
    let request = Request::post("/api/v1/gamification/add-xp", uuid);
    club.world.call(add_xp(), request.header("x-admin-secret", SECRET)).await;
    club.get(stats(), "/api/v1/gamification/stats").await;
    club.get(xp_history(), "/api/v1/gamification/xp-history").await;
    club.get(list(), "/api/v1/gamification/achievements").await;
    // A first contact, which makes the member, puts too.
    let own = |rest: &[&str], indexes: &[&str]| allowed(&[&["GetItem"], rest].concat(), indexes);
    assert_eq!(asked(&club, "club-gamification-stats"), own(&[], &[]));
    assert_eq!(asked(&club, "club-gamification-xp-history"), own(&[], &["history"]));
    let list = own(&["BatchGetItem", "Query"], &[]);
    assert_eq!(asked(&club, "club-gamification-achievements"), list);
    let grant = own(&["BatchGetItem", "PutItem", "Query", "UpdateItem"], &[]);
    assert_eq!(asked(&club, "club-gamification-add-xp"), grant);
}
