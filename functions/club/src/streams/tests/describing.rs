//! What administrators do.

use http::Method;

use super::*;

#[tokio::test]
async fn a_stream_is_made_once_and_moved() {
    let hall = Hall::open().await;
    let fields = json!({ "title": "Вечер", "scheduledAt": "2026-02-07T18:00:00Z", "host": "Анна" });
    let make = || Request::post("/api/streams", fields.clone());
    let first = hall.administer(create(), make()).await;
    assert_eq!(first.status, 200, "{}", first.body);
    assert_eq!(first.body["stream"], first.body["entity"]);
    let id = first.body["stream"]["id"].as_str().unwrap();
    assert_eq!(
        (&first.body["stream"]["status"], &first.body["stream"]["host"]),
        (&json!("scheduled"), &json!("Анна"))
    );
    hall.pass(40);
    assert_eq!(hall.administer(create(), make()).await.body, first.body);
    hall.pass(40);
    assert_eq!(hall.administer(create(), make()).await.body, first.body);
    assert_eq!(hall.count("Stream").await, 1);
    let path = format!("/api/streams/{id}/status");
    let status =
        |status: &str| Request::post(&path, json!({ "status": status })).method(Method::PATCH);
    let before = hall.get(list(), "/api/streams").await.headers["etag"].clone();
    for _ in 0..2 {
        let moved = hall.administer(set_status(), status("live")).await;
        assert_eq!((moved.status.as_u16(), &moved.body["stream"]["status"]), (200, &json!("live")));
    }
    assert_ne!(hall.get(list(), "/api/streams").await.headers["etag"], before);
    assert_eq!(hall.get(next(), "/api/streams/next").await.body["stream"]["id"], id);
    assert_eq!(hall.administer(set_status(), status("over")).await.status, 400);
    let other = Request::post("/api/streams/none/status", json!({ "status": "live" }));
    assert_eq!(hall.administer(set_status(), other.method(Method::PATCH)).await.status, 404);
    let named = json!({ "id": "a b", "title": "x", "scheduledAt": "2026-02-07T18:00:00Z" });
    let named = hall.administer(create(), Request::post("/api/streams", named)).await;
    assert_eq!(named.status, 400);
}

#[tokio::test]
async fn replacing_a_stream_keeps_its_views() {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    hall.watch(MEMBER, "one").await;
    let made = hall.stream("one").await.created_at;
    hall.pass(60);
    hall.describe("one", json!({ "title": "Другой", "videoUrl": null })).await;
    let stream = hall.stream("one").await;
    assert_eq!((stream.views, stream.created_at, stream.video_url), (1, made, None));
    let table = hall.world.table();
    table.transact(crate::streams::deleting("stream", "one")).await.unwrap();
    assert_eq!(hall.get(one(), "/api/streams/one").await.status, 404);
    let gone = table.transact(crate::streams::deleting("stream", "none")).await;
    assert!(gone.unwrap_err().refusal().unwrap().has("stream"));
    assert!(crate::streams::deleting("course", "one").is_empty());
}

#[test]
fn fields_are_checked_one_by_one() {
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    let wrong = |fields: Value| -> Vec<String> {
        let problem = replacing("stream", "one", &fields, now).unwrap_err();
        problem.fields().iter().map(|field| field.name.to_string()).collect()
    };
    assert_eq!(wrong(json!({})), ["title", "scheduledAt"]);
    for (name, value) in [
        ("scheduledAt", json!("tomorrow")),
        ("duration", json!(-1)),
        ("status", json!("over")),
        ("isPublished", json!("maybe")),
        ("metadata", json!([])),
        ("metadata", json!({ "n": 1e300 })),
        ("videoUrl", json!(7)),
    ] {
        let mut fields = json!({ "title": "t", "scheduledAt": "2026-01-31T12:00:00Z" });
        fields[name] = value.clone();
        assert_eq!(wrong(fields), [name], "{value}");
    }
}

#[tokio::test]
async fn administrators_see_who_has_watched() {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    hall.describe("two", json!({})).await;
    for tg_id in 2..5 {
        hall.member(tg_id).await;
        hall.watch(tg_id, "one").await;
    }
    hall.watch(MEMBER, "two").await;
    for name in ["attendees", "attendance"] {
        let path = format!("/api/streams/one/{name}");
        let function = || match name {
            "attendees" => attendees("club-streams-attendees", "/api/streams/{id}/attendees"),
            _ => attendees("club-streams-attendance", "/api/streams/{id}/attendance"),
        };
        let seen = hall.administer(function(), Request::get(&path)).await;
        assert_eq!((&seen.body["total"], seen.cost.requests), (&json!(3), 3), "{}", seen.body);
        assert_eq!(seen.body["attendees"].as_array().unwrap().len(), 3);
        let few = hall.administer(function(), Request::get(&format!("{path}?limit=2"))).await;
        assert_eq!(few.body["attendees"].as_array().unwrap().len(), 2);
        let open = hall.world.call(function(), Request::get(&path)).await;
        assert_eq!((open.status.as_u16(), &open.body["code"]), (403, &json!("admin_required")));
    }
    let seen = hall.administer(stats(), Request::get("/api/streams/one/stats")).await;
    assert_eq!((&seen.body["viewsCount"], &seen.body["stats"]["total"]), (&json!(3), &json!(3)));
    assert_eq!(seen.body["stats"]["totalEnergies"], 60);
    let none = hall.administer(stats(), Request::get("/api/streams/none/stats")).await;
    assert_eq!(none.status, 404);
}
