//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use http::Method;

use super::*;

const TABLE: &str = "table/test-club";
const REGISTRY: &str = "table/test-club/index/registry";

fn allowed(actions: &[&str], index: Option<&str>) -> BTreeSet<(String, String)> {
    let table = actions.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned()));
    let index = index.map(|index| ("dynamodb:Query".to_owned(), index.to_owned()));
    table.chain(index).collect()
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let hall = Hall::open().await;
    let fields = json!({ "id": "one", "title": "x", "scheduledAt": "2026-02-07T18:00:00Z" });
    let made = hall.administer(create(), Request::post("/api/streams", fields.clone())).await;
    assert_eq!(made.status, 200, "{}", made.body);
    hall.administer(create(), Request::post("/api/streams", fields)).await;
    let moved = Request::post("/api/streams/one/status", json!({ "status": "live" }));
    hall.administer(set_status(), moved.method(Method::PATCH)).await;
    for (function, path) in [
        (list(), "/api/streams"),
        (upcoming(), "/api/streams/upcoming"),
        (next(), "/api/streams/next"),
        (one(), "/api/streams/one"),
    ] {
        assert_eq!(hall.get(function, path).await.status, 200, "{path}");
    }
    assert_eq!(hall.watch(MEMBER, "one").await.status, 200);
    let named = Request::post("/api/streams/attendance", json!({ "streamId": "one" }));
    hall.world.call(attend_named(), named.token(&hall.token(MEMBER).await)).await;
    for (function, path) in [
        (mine(), "/api/streams/attendance/my"),
        (totals(), "/api/streams/attendance/stats"),
        (of_one(), "/api/streams/attendance?streamId=one"),
    ] {
        assert_eq!(hall.get(function, path).await.status, 200, "{path}");
    }
    for (function, path) in [
        (
            attendees("club-streams-attendees", "/api/streams/{id}/attendees"),
            "/api/streams/one/attendees",
        ),
        (
            attendees("club-streams-attendance", "/api/streams/{id}/attendance"),
            "/api/streams/one/attendance",
        ),
        (stats(), "/api/streams/one/stats"),
    ] {
        assert_eq!(hall.administer(function, Request::get(path)).await.status, 200, "{path}");
    }
    let asked = |function: &str| hall.world.asked(function);
    // Each with the read of the session, or the count of the administrator's calls. A first
    // contact, which makes the member, puts too; another stream of a member is put as the first is.
    let (read, listed) =
        (&["BatchGetItem", "GetItem"][..], &["BatchGetItem", "GetItem", "Query"][..]);
    let earn = &["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"][..];
    let watched = &["BatchGetItem", "GetItem", "UpdateItem"][..];
    for (function, actions, index) in [
        ("club-streams", listed, None),
        ("club-streams-upcoming", listed, None),
        ("club-streams-next", listed, None),
        ("club-streams-one", read, None),
        ("club-streams-attend", earn, None),
        ("club-streams-mine", &["GetItem", "Query"], None),
        ("club-streams-totals", &["GetItem", "Query"], None),
        ("club-streams-own", read, None),
        ("club-streams-attendees", watched, Some(REGISTRY)),
        ("club-streams-attendance", watched, Some(REGISTRY)),
        ("club-streams-stats", watched, Some(REGISTRY)),
        ("club-streams-create", &["BatchGetItem", "PutItem", "UpdateItem"], None),
        ("club-streams-status", &["GetItem", "UpdateItem"], None),
    ] {
        assert_eq!(asked(function), allowed(actions, index), "{function}");
    }
}
