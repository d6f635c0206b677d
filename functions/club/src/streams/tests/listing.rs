//! What members see.

use super::*;

/// How a function is declared.
type Made = fn() -> shared::function::Function<App>;

fn ids(reply: &Reply) -> Vec<&str> {
    let streams = reply.body["streams"].as_array().unwrap();
    streams.iter().map(|stream| stream["id"].as_str().unwrap()).collect()
}

async fn programme() -> Hall {
    let hall = Hall::open().await;
    hall.describe("old", json!({ "scheduledAt": "2026-01-01T18:00:00Z" })).await;
    hall.describe("new", json!({ "recordedAt": "2026-01-20T18:00:00Z", "scheduledAt": null }))
        .await;
    let at = |at: &str, status: &str| json!({ "scheduledAt": at, "status": status });
    hall.describe("soon", at("2026-01-31T18:00:00Z", "scheduled")).await;
    hall.describe("later", at("2026-02-07T18:00:00Z", "scheduled")).await;
    hall.describe("off", at("2026-02-01T18:00:00Z", "cancelled")).await;
    hall.describe("hidden", json!({ "isPublished": false })).await;
    hall
}

#[tokio::test]
async fn streams_stand_by_their_time() {
    let hall = programme().await;
    let all = hall.get(list(), "/api/streams").await;
    assert_eq!(ids(&all), ["later", "off", "soon", "new", "old"]);
    assert_eq!((&all.body["total"], all.cost.requests), (&json!(5), 2));
    assert_eq!(all.headers["cache-control"], "private, no-cache, max-age=1800");
    let second = hall.get(list(), "/api/streams?limit=2&page=2").await;
    assert_eq!((ids(&second), &second.body["total"]), (vec!["soon", "new"], &json!(5)));
    assert!(ids(&hall.get(list(), "/api/streams?limit=2&page=9").await).is_empty());
    assert_eq!(ids(&hall.get(list(), "/api/streams?upcoming=true").await), ["soon", "later"]);
    assert_eq!(ids(&hall.get(upcoming(), "/api/streams/upcoming").await), ["soon", "later"]);
    assert_eq!(ids(&hall.get(upcoming(), "/api/streams/upcoming?limit=1").await), ["soon"]);
    assert_eq!(hall.get(next(), "/api/streams/next").await.body["stream"]["id"], "soon");
    let live = json!({ "scheduledAt": "2026-02-20T18:00:00Z", "status": "live" });
    hall.describe("live", live).await;
    let coming = hall.get(upcoming(), "/api/streams/upcoming").await;
    assert_eq!(ids(&coming), ["live", "soon", "later"]);
    let one_of = hall.get(one(), "/api/streams/new").await.body["stream"].clone();
    assert_eq!(one_of["recordedAt"], "2026-01-20T18:00:00.000Z");
    assert_eq!(
        (&one_of["scheduledAt"], &one_of["streamUrl"]),
        (&one_of["recordedAt"], &json!(null))
    );
    for id in ["hidden", "none", "a%20b", &"x".repeat(65)] {
        let reply = hall.get(one(), &format!("/api/streams/{id}")).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["error"]),
            (404, &json!("Stream not found"))
        );
    }
    for bad in ["limit=0", "limit=x", "page=0", "upcoming=maybe"] {
        assert_eq!(hall.get(list(), &format!("/api/streams?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn recordings_are_for_those_who_have_paid() {
    let hall = programme().await;
    let url = json!("https://video.example.com/1");
    let shown = hall.get(one(), "/api/streams/old").await;
    let tag = shown.headers["etag"].as_str().unwrap().to_owned();
    let stream = &shown.body["stream"];
    assert_eq!((&stream["videoUrl"], &stream["recordingUrl"]), (&url, &url));
    // The time that was paid for ends without a write.
    hall.pass(10 * 86_400);
    let request = Request::get("/api/streams/old").token(&hall.token(MEMBER).await);
    let after = hall.world.call(one(), request.header("if-none-match", &tag)).await;
    let stream = &after.body["stream"];
    assert_eq!((&stream["videoUrl"], &stream["recordingUrl"]), (&json!(null), &json!(null)));
    let all = hall.get(list(), "/api/streams").await;
    assert!(all.body["streams"].as_array().unwrap().iter().all(|one| one["videoUrl"].is_null()));
}

#[tokio::test]
async fn what_is_to_come_changes_with_the_clock() {
    let cases: [(&str, Made); 3] = [
        ("/api/streams/next", next),
        ("/api/streams/upcoming", upcoming),
        ("/api/streams?upcoming=1", list),
    ];
    for (path, function) in cases {
        let hall = programme().await;
        let ask = async |tag: &str| {
            let request = Request::get(path).token(&hall.token(MEMBER).await);
            hall.world.call(function(), request.header("if-none-match", tag)).await
        };
        let first = ask("\"none\"").await;
        let tag = first.headers["etag"].as_str().unwrap();
        hall.pass(6 * 3_600 - 1);
        assert_eq!(ask(tag).await.status, 304, "{path}");
        hall.pass(1);
        assert_eq!(ask(tag).await.status, 200, "{path}");
    }
    let hall = programme().await;
    hall.pass(8 * 86_400);
    let none = hall.get(next(), "/api/streams/next").await;
    assert_eq!((none.status.as_u16(), &none.body["stream"]), (200, &json!(null)));
}

#[tokio::test]
async fn a_change_of_the_content_is_seen_at_once() {
    let hall = programme().await;
    let first = hall.get(list(), "/api/streams").await;
    let tag = first.headers["etag"].as_str().unwrap();
    let ask = async || {
        let request = Request::get("/api/streams").token(&hall.token(MEMBER).await);
        hall.world.call(list(), request.header("if-none-match", tag)).await
    };
    let known = ask().await;
    assert_eq!((known.status.as_u16(), known.cost.requests), (304, 1));
    hall.describe("old", json!({ "title": "Другой" })).await;
    assert_eq!(ask().await.status, 200);
}

/// A view leaves the content as it is, and lists tell how many there are.
#[tokio::test]
async fn a_view_is_seen_at_once() {
    let hall = Hall::open().await;
    hall.describe("one", json!({ "status": "live" })).await;
    let lists: [(Made, &str, &str); 3] = [
        (list, "/api/streams", "/streams/0"),
        (upcoming, "/api/streams/upcoming", "/streams/0"),
        (next, "/api/streams/next", "/stream"),
    ];
    let mut tags = Vec::new();
    for (function, path, _) in lists {
        let first = hall.get(function(), path).await;
        tags.push(first.headers["etag"].as_str().unwrap().to_owned());
    }
    assert_eq!(hall.watch(MEMBER, "one").await.status, 200);
    for ((function, path, place), tag) in lists.into_iter().zip(tags) {
        let request = Request::get(path).token(&hall.token(MEMBER).await);
        let after = hall.world.call(function(), request.header("if-none-match", &tag)).await;
        assert_eq!(after.status, 200, "{path}");
        assert_eq!(after.body.pointer(place).unwrap()["viewsCount"], 1, "{path}");
    }
}

#[tokio::test]
async fn members_see_what_they_have_watched() {
    let hall = programme().await;
    let own = async |path: &str| {
        let function = match path.split('?').next().unwrap() {
            "/api/streams/attendance/my" => mine(),
            "/api/streams/attendance/stats" => totals(),
            _ => of_one(),
        };
        hall.get(function, path).await
    };
    let path = "/api/streams/attendance?streamId=old";
    assert_eq!(own(path).await.body["attendance"], json!(null));
    hall.watch(MEMBER, "old").await;
    hall.pass(60);
    hall.watch(MEMBER, "new").await;
    assert_eq!(own(path).await.body["attendance"]["streamId"], "old");
    let all = own("/api/streams/attendance/my").await;
    let listed: Vec<_> = all.body["attendance"].as_array().unwrap().iter().collect();
    assert_eq!(
        listed.iter().map(|one| one["streamId"].as_str().unwrap()).collect::<Vec<_>>(),
        ["new", "old"]
    );
    assert_eq!(all.cost.requests, 2);
    let sums = own("/api/streams/attendance/stats").await.body["stats"].clone();
    assert_eq!(
        (&sums["total"], &sums["watchedOnline"], &sums["totalEnergies"]),
        (&json!(2), &json!(2), &json!(40))
    );
    assert_eq!(own("/api/streams/attendance").await.status, 400);
    assert_eq!(own("/api/streams/attendance?streamId=a%20b").await.status, 404);
}

#[tokio::test]
async fn what_is_seen_before_its_version_is_in_the_validator() {
    let hall = programme().await;
    let ask = async |path: &str, tag: &str| {
        let function = if path.contains('?') { of_one() } else { one() };
        let request = Request::get(path).token(&hall.token(MEMBER).await);
        hall.world.call(function, request.header("if-none-match", tag)).await
    };
    let (stream, own) = ("/api/streams/old", "/api/streams/attendance?streamId=old");
    let mut tags = Vec::new();
    for path in [stream, own] {
        let tag = ask(path, "\"none\"").await.headers["etag"].as_str().unwrap().to_owned();
        assert_eq!(ask(path, &tag).await.status, 304, "{path}");
        tags.push(tag);
    }
    let old = hall.stream("old").await;
    hall.world.put(&Stream { title: "Другой".to_owned(), ..old }).await;
    let member = hall.world.member_now(MEMBER).await;
    let attendance = StreamAttendance {
        id: format!("old:{}", member.id),
        stream_id: "old".to_owned(),
        tg_id: MEMBER,
        user_id: member.id,
        online: false,
        energies: 10,
        at: hall.world.now(),
        counted: false,
    };
    hall.world.put(&attendance).await;
    let changed = ask(stream, &tags[0]).await;
    assert_eq!(
        (changed.status.as_u16(), &changed.body["stream"]["title"]),
        (200, &json!("Другой"))
    );
    assert_eq!(ask(own, &tags[1]).await.body["attendance"]["streamId"], "old");
}
