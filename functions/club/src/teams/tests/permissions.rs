//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = "table/test-club";

fn allowed(table: &[&str], indexes: &[&str]) -> BTreeSet<(String, String)> {
    let table = table.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned()));
    let indexes =
        indexes.iter().map(|name| ("dynamodb:Query".to_owned(), format!("{TABLE}/index/{name}")));
    table.chain(indexes).collect()
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let club = Club::open().await;
    let team = club.made(json!({ "city": CITY, "tgChatId": CHAT, "maxMembers": 4 })).await;
    club.paid(1).await;
    club.paid(2).await;
    // A leader by the opaque id, whom nobody knows: it is looked up.
    let unknown = json!({ "city": CITY, "leaderUserId": club.member(1).await.id });
    assert_eq!(club.office(create(), "/api/teams", unknown).await.body["code"], "not_found");
    let put = json!({ "userId": 2, "role": "leader" });
    club.office(join(), &format!("/api/teams/{}/join", team.id), put).await;
    club.joins(1).await;
    let name = json!({ "userId": 1 });
    club.office(replace_leader(), &format!("/api/teams/{}/replace-leader", team.id), name.clone())
        .await;
    let told =
        club.by(1, Request::post("/api/v1/decades/report", json!({ "status": "green" }))).await;
    club.call(report(), told).await;
    for (function, path) in [
        (decade_my(), "/api/v1/decades/my"),
        (cities(), "/api/v1/decades/cities"),
        (can_create(), "/api/v1/decades/can-create"),
        (report_status(), "/api/v1/decades/report-status"),
    ] {
        let request = club.by(1, Request::post(path, json!({}))).await;
        assert_eq!(club.call(function, request).await.status, 200, "{path}");
    }
    let (one_path, members_path) =
        (format!("/api/teams/{}", team.id), format!("/api/teams/{}/members", team.id));
    for (function, path) in [
        (my(), "/api/teams/my"),
        (list(), "/api/teams"),
        (stats(), "/api/teams/stats"),
        (one(), one_path.as_str()),
        (members(), members_path.as_str()),
    ] {
        let request = club.by(1, Request::get(path)).await;
        assert_eq!(club.call(function, request).await.status, 200, "{path}");
    }
    let admin_path = format!("/api/v1/decades/admin/members/{}", team.id);
    for (function, path) in [
        (admin_all(), "/api/v1/decades/admin/all"),
        (admin_stats(), "/api/v1/decades/admin/stats"),
        (admin_reports(), "/api/v1/decades/admin/reports"),
        (admin_members(), admin_path.as_str()),
    ] {
        let request = Request::get(path).header("x-admin-secret", ADMIN);
        assert_eq!(club.call(function, request).await.status, 200, "{path}");
    }
    let allow_path = Request::post("/api/admin/leaders/1", json!({ "canLead": true }));
    club.call(allow(), allow_path.method(Method::PUT).header("x-admin-secret", ADMIN)).await;
    club.office(leave(), "/api/teams/leave", name).await;
    club.distributes().await;
    for tg_id in 10..14 {
        club.paid(tg_id).await;
    }
    club.distributes().await;
    club.pass(40 * 86_400);
    for member in [1, 2] {
        let paid = Some(club.now() + days(9));
        club.world.put(&Member { subscription_expires: paid, ..club.member(member).await }).await;
    }
    club.bot.books().gone = vec![2];
    club.world.tick(sync()).await.unwrap();
    club.world.tick(cleanup()).await.unwrap();
    let asked = |function: &str| -> BTreeSet<(String, String)> {
        let calls = club.world.engine.calls().of(&format!("local-{function}"));
        let permissions = calls.into_iter().flat_map(|call| call.permissions);
        permissions.map(|permission| (permission.action, permission.resource)).collect()
    };
    let (get, batch, put) = ("GetItem", "BatchGetItem", "PutItem");
    let (update, delete, query, check) =
        ("UpdateItem", "DeleteItem", "Query", "ConditionCheckItem");
    let expected: [(&str, Vec<&str>, Vec<&str>); 23] = [
        ("club-teams-my", vec![get, batch], vec![]),
        ("club-teams-list", vec![get, batch], vec!["rank"]),
        ("club-teams-stats", vec![get, batch], vec!["rank"]),
        ("club-teams-one", vec![get, batch, query], vec![]),
        ("club-teams-members", vec![get, batch, query], vec![]),
        ("club-teams-create", vec![get, batch, put, update], vec![]),
        ("club-teams-join", vec![get, batch, put, update], vec![]),
        ("club-teams-leave", vec![get, update, delete], vec![]),
        ("club-teams-replace-leader", vec![get, batch, update], vec![]),
        ("club-teams-distribute", vec![get, batch, put, update, check], vec!["rank", "payer"]),
        ("club-decades-my", vec![get, batch, update], vec![]),
        ("club-decades-cities", vec![get, update], vec!["rank"]),
        ("club-decades-join", vec![get, put, update], vec!["rank"]),
        ("club-decades-can-create", vec![get, update], vec![]),
        ("club-decades-report", vec![get, batch, put, update], vec![]),
        ("club-decades-report-status", vec![get, update], vec![]),
        ("club-decades-admin-all", vec![update], vec!["rank"]),
        ("club-decades-admin-stats", vec![query, update], vec!["rank"]),
        ("club-decades-admin-reports", vec![query, update], vec![]),
        ("club-decades-admin-members", vec![get, batch, query, update], vec![]),
        ("club-admin-leader", vec![update], vec![]),
        // A run that has no time left also puts down where it stopped.
        ("club-teams-sync", vec![get, update, delete, query, check], vec!["rank"]),
        ("club-teams-cleanup", vec![get, put, update, delete, query, check], vec!["rank"]),
    ];
    let wrong: Vec<_> = expected
        .iter()
        .filter(|(function, table, indexes)| asked(function) != allowed(table, indexes))
        .map(|(function, ..)| (*function, asked(function)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
