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
    let id = club.report(ANNA).await;
    club.submits(ANNA, "x").await;
    let my = |name, path| (list(name, path), path.to_owned());
    let sums = |name, path| (stats(name, path), path.to_owned());
    for (function, path) in [
        my("club-reports-my", "/api/reports/my"),
        my("club-reports-user", "/api/reports/user"),
        sums("club-reports-stats-my", "/api/reports/stats/my"),
        sums("club-reports-stats", "/api/reports/stats"),
        (current(), "/api/reports/current".to_owned()),
        (week(), "/api/reports/week?weekNumber=5".to_owned()),
        (one(), format!("/api/reports/{id}")),
        (deadline(), "/api/reports/deadline".to_owned()),
    ] {
        assert_eq!(club.get(function, &path).await.status, 200, "{path}");
    }
    club.asks(of_week(), "/api/reports/week/5").await;
    club.asks(global_stats(), "/api/reports/stats/global").await;
    club.deletes(ANNA, &id).await;
    // A first contact, which makes the member, puts too.
    let own = |rest: &[&str]| allowed(&[&["GetItem"], rest].concat(), &[]);
    for name in
        ["club-reports-my", "club-reports-user", "club-reports-stats-my", "club-reports-stats"]
    {
        assert_eq!(asked(&club, name), own(&["Query"]), "{name}");
    }
    for name in ["club-reports-current", "club-reports-week", "club-reports-one"] {
        assert_eq!(asked(&club, name), own(&["BatchGetItem"]), "{name}");
    }
    assert_eq!(asked(&club, "club-reports-deadline"), own(&[]));
    let submits = own(&["BatchGetItem", "PutItem", "UpdateItem"]);
    assert_eq!(asked(&club, "club-reports-submit"), submits);
    let deletes = own(&["BatchGetItem", "DeleteItem", "PutItem", "UpdateItem"]);
    assert_eq!(asked(&club, "club-reports-delete"), deletes);
    let lists = allowed(&["BatchGetItem", "UpdateItem"], &["rank"]);
    assert_eq!(asked(&club, "club-reports-of-week"), lists);
    let sums = allowed(&["UpdateItem"], &["rank"]);
    assert_eq!(asked(&club, "club-reports-stats-global"), sums);
}
