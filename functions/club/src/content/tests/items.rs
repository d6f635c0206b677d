//! Items of content, and what they hold.

use super::*;

#[tokio::test]
async fn items_are_listed_in_their_order_and_as_asked() {
    let library = Library::open().await;
    for (id, fields) in [
        ("a", json!({ "type": "course", "title": "a", "orderIndex": 2, "keyNumber": 1 })),
        ("b", json!({ "type": "podcast", "title": "b", "orderIndex": 1, "keyNumber": 2 })),
        (
            "c",
            json!({
                "type": "practice", "title": "c", "orderIndex": 3, "monthProgram": true,
                "programMonth": "2026-01",
            }),
        ),
        (
            "d",
            json!({
                "type": "practice", "title": "d", "orderIndex": 4, "monthProgram": true,
                "programMonth": "2026-02",
            }),
        ),
        ("hidden", json!({ "type": "course", "title": "x", "isPublished": false })),
    ] {
        library.put("content-item", id, fields).await;
    }
    for (query, expected) in [
        ("", vec!["b", "a", "c", "d"]),
        ("?type=practice", vec!["c", "d"]),
        ("?keyNumber=1", vec!["a"]),
        ("?monthProgram=false", vec!["b", "a"]),
        ("?month=2026-02", vec!["d"]),
        ("?type=practice&month=2026-01&keyNumber=", vec!["c"]),
    ] {
        let path = format!("/api/v1/content/items{query}");
        let found = library.body(items(), &path, BORIS).await;
        assert_eq!(ids(&found["items"]), expected, "{query}");
    }
    for query in ["?type=film", "?keyNumber=x", "?monthProgram=1", "?month=2026-1"] {
        let path = format!("/api/v1/content/items{query}");
        let reply = library.get(items(), &path, BORIS).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn the_programme_is_of_moscow_s_month() {
    let library = Library::open().await;
    for month in ["2026-01", "2026-02"] {
        let fields = json!({
            "type": "course", "title": month, "monthProgram": true, "programMonth": month,
        });
        library.put("content-item", month, fields).await;
    }
    let elsewhere = json!({ "type": "course", "title": "x", "programMonth": "2026-01" });
    library.put("content-item", "no-programme", elsewhere).await;
    let token = library.token(BORIS).await;
    let instance = library.world.start(month_program()).await;
    let now = async |query: &str| {
        let path = format!("/api/v1/content/month-program{query}");
        let reply = library.world.send(&instance, Request::get(&path).token(&token)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        ids(&reply.body["items"]).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(now("").await, ["2026-01"]);
    assert_eq!(now("?month=2026-02").await, ["2026-02"]);
    // 21:00 UTC is midnight in Moscow, of the first of February; nothing was written.
    library.pass(9 * 3_600);
    assert_eq!(now("").await, ["2026-02"]);
}

#[tokio::test]
async fn what_an_item_holds_stands_in_its_order() {
    let library = Library::with_item().await;
    let body = library.body(sections(), "/api/v1/content/voice/sections", BORIS).await;
    assert_eq!(ids(&body["sections"]), ["one", "two"]);
    let body = library.body(item_videos(), "/api/v1/content/voice/videos", ANNA).await;
    assert_eq!(ids(&body["videos"]), ["first", "second"]);
    let path = "/api/v1/content/sections/two/videos";
    let body = library.body(section_videos(), path, ANNA).await;
    assert_eq!(ids(&body["videos"]), ["second"]);
    let body = library.body(video(), "/api/v1/content/videos/first", ANNA).await;
    assert_eq!(body["video"]["videoUrl"], "https://video.example.com/first");
    assert_eq!(body["video"]["contentItemId"], "voice");
    assert_eq!(ids(&body["timecodes"]), ["early", "late"]);
    for id in ["breath", "voice"] {
        let path = format!("/api/v1/content/practices/{id}/content");
        let body = library.body(practice(), &path, ANNA).await;
        assert_eq!(
            (&body["practice"]["id"], &body["practice"]["content"]),
            (&json!("breath"), &json!("# Дыхание"))
        );
        assert_eq!(body["practice"]["contentType"], "markdown");
    }
}

/// Every route below an item, as of the item `voice`.
fn routes() -> [(Made, &'static str, bool); 6] {
    [
        (item, "/api/v1/content/items/voice", false),
        (sections, "/api/v1/content/voice/sections", false),
        (item_videos, "/api/v1/content/voice/videos", true),
        (section_videos, "/api/v1/content/sections/one/videos", true),
        (video, "/api/v1/content/videos/first", true),
        (practice, "/api/v1/content/practices/breath/content", true),
    ]
}

#[tokio::test]
async fn videos_and_practices_are_for_paid_members() {
    let library = Library::with_item().await;
    for (function, path, paid) in routes() {
        let reply = library.get(function(), path, BORIS).await;
        match paid {
            true => assert_eq!(code(&reply), (403, "subscription_required".to_owned()), "{path}"),
            false => assert_eq!(reply.status, 200, "{path}"),
        }
        assert_eq!(library.get(function(), path, ANNA).await.status, 200, "{path}");
    }
    let refused = library.watch("first", BORIS).await;
    assert_eq!(code(&refused), (403, "subscription_required".to_owned()));
}

#[tokio::test]
async fn what_is_not_published_is_not_there() {
    let library = Library::with_item().await;
    let mut fields = an_item("Голос");
    fields["isPublished"] = json!(false);
    library.put("content-item", "voice", fields).await;
    for (function, path, _) in routes() {
        let reply = library.get(function(), path, ANNA).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{path}");
    }
    let all = library.body(items(), "/api/v1/content/items", ANNA).await;
    assert_eq!(all["items"], json!([]));
    assert_eq!(library.watch("first", ANNA).await.status, 404);
    assert_eq!(library.member(ANNA).await.balance, 0);
    // Nothing of that was kept: published, it is there at once.
    library.put("content-item", "voice", an_item("Голос")).await;
    for (function, path, _) in routes() {
        assert_eq!(library.get(function(), path, ANNA).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn malformed_ids_are_not_found() {
    let library = Library::with_item().await;
    for id in ["a.b", "%20", "nothing", &"x".repeat(3_000)] {
        let all: [(Made, String); 6] = [
            (item, format!("/api/v1/content/items/{id}")),
            (sections, format!("/api/v1/content/{id}/sections")),
            (item_videos, format!("/api/v1/content/{id}/videos")),
            (section_videos, format!("/api/v1/content/sections/{id}/videos")),
            (video, format!("/api/v1/content/videos/{id}")),
            (practice, format!("/api/v1/content/practices/{id}/content")),
        ];
        for (function, path) in all {
            let reply = library.get(function(), &path, ANNA).await;
            assert_eq!(code(&reply), (404, "not_found".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn an_answer_costs_a_read_and_a_query_and_is_known_for_a_read() {
    let library = Library::with_item().await;
    let token = library.token(ANNA).await;
    let all: [(Made, &str, u32); 8] = [
        (items, "/api/v1/content/items", 1),
        (item, "/api/v1/content/items/voice", 0),
        (month_program, "/api/v1/content/month-program", 1),
        (sections, "/api/v1/content/voice/sections", 1),
        (item_videos, "/api/v1/content/voice/videos", 1),
        (section_videos, "/api/v1/content/sections/one/videos", 1),
        (video, "/api/v1/content/videos/first", 1),
        (practice, "/api/v1/content/practices/breath/content", 1),
    ];
    for (function, path, queries) in all {
        let instance = library.world.start(function()).await;
        let get = async || library.world.send(&instance, Request::get(path).token(&token)).await;
        let miss = get().await;
        assert_eq!(miss.headers["cache-control"], "private, no-cache, max-age=1800", "{path}");
        assert_eq!((miss.cost.requests, miss.cost.items), (1 + queries, 0), "{path}");
        let hit = get().await;
        assert_eq!((&hit.headers["x-cache"], hit.cost.requests), (&json!("HIT"), 1), "{path}");
        library.put("content-item", "other", an_item("Другое")).await;
        assert_eq!(get().await.headers["x-cache"], "MISS", "{path}");
    }
}
