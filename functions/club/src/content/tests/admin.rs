//! What administrators write.

use super::*;

#[tokio::test]
async fn what_is_written_is_answered_whole() {
    let library = Library::with_course().await;
    let written = library.put("course", "sleep", a_course("Сон")).await;
    let expected = json!({
        "id": "sleep", "title": "Сон", "description": "О сне", "category": "health",
        "coverUrl": null, "isPremium": false, "isLocked": false, "isFavorite": false,
        "sortOrder": 1, "keyNumber": null, "monthTheme": null, "progress": null,
    });
    assert_eq!(written, expected);
    let day = library.put("course-day", "sleep-1", a_day("sleep", 1, false)).await;
    assert_eq!((&day["id"], &day["isLocked"]), (&json!("sleep-1"), &json!(false)));
    assert_eq!(day["attachments"][0]["type"], "pdf");
    let found = library.body(course(), "/api/v1/courses/sleep", ANNA).await;
    assert_eq!(found["days"].as_array().unwrap().len(), 3, "writing a course keeps its days");
    library.check_invariants().await;
}

#[tokio::test]
async fn a_replacement_is_whole_but_keeps_when_it_began() {
    let library = Library::with_item().await;
    let before = library.body(item(), "/api/v1/content/items/voice", ANNA).await;
    library.pass(60);
    let fields = json!({ "type": "podcast", "title": "Речь", "monthProgram": true });
    library.put("content-item", "voice", fields).await;
    let after = library.body(item(), "/api/v1/content/items/voice", ANNA).await;
    let (before, after) = (&before["item"], &after["item"]);
    assert_eq!((&before["keyNumber"], &after["keyNumber"]), (&json!(3), &Value::Null));
    assert_eq!((&after["type"], &after["monthProgram"]), (&json!("podcast"), &json!(true)));
    assert_eq!(before["createdAt"], after["createdAt"]);
    assert_ne!(before["updatedAt"], after["updatedAt"]);
    let videos = library.body(item_videos(), "/api/v1/content/voice/videos", ANNA).await;
    assert_eq!(ids(&videos["videos"]), ["first", "second"], "it holds what it held");
}

#[tokio::test]
async fn days_move_within_their_course_alone() {
    let library = Library::with_course().await;
    library.put("course", "other", a_course("Другой")).await;
    let taken = library.written("course-day", "sleep-1", a_day("sleep", 2, false)).await;
    assert_eq!(taken.body["fields"][0]["name"], "dayNumber", "{}", taken.body);
    let moved = library.written("course-day", "sleep-1", a_day("other", 1, false)).await;
    assert_eq!(moved.body["fields"][0]["name"], "courseId", "{}", moved.body);
    let unknown = library.written("course-day", "new", a_day("nothing", 1, false)).await;
    assert_eq!(unknown.body["fields"][0]["name"], "courseId", "{}", unknown.body);
    library.put("course-day", "sleep-1", a_day("sleep", 7, false)).await;
    let found = library.body(course(), "/api/v1/courses/sleep", ANNA).await;
    assert_eq!(ids(&found["days"]), ["sleep-2", "sleep-3", "sleep-1"]);
    assert_eq!(library.count("CourseDay").await, 3);
    library.put("course-day", "new", a_day("sleep", 1, false)).await;
    library.check_invariants().await;
}

#[tokio::test]
async fn parts_stay_in_their_item() {
    let library = Library::with_item().await;
    library.put("content-item", "other", an_item("Другое")).await;
    let elsewhere = json!({ "contentItemId": "other", "title": "три" });
    library.put("section", "three", elsewhere.clone()).await;
    for (kind, id, fields) in [
        ("section", "one", elsewhere),
        ("video", "first", json!({ "contentSectionId": "three", "title": "x" })),
        ("practice", "breath", json!({ "contentItemId": "other", "content": "x" })),
        ("video", "new", json!({ "contentSectionId": "nothing", "title": "x" })),
        ("timecode", "new", json!({ "videoId": "nothing", "timeSeconds": 0, "title": "x" })),
        ("section", "new", json!({ "contentItemId": "nothing", "title": "x" })),
    ] {
        let reply = library.written(kind, id, fields).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{kind} {id}");
    }
    let fields = json!({ "contentSectionId": "two", "title": "Переехало" });
    library.put("video", "first", fields).await;
    let path = "/api/v1/content/sections/two/videos";
    let videos = library.body(section_videos(), path, ANNA).await;
    assert_eq!(ids(&videos["videos"]), ["first", "second"]);
    library.check_invariants().await;
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_again_is_no_error() {
    let library = Library::with_item().await;
    for _ in 0..2 {
        let gone = library.delete("video", "first").await;
        assert_eq!((gone.status.as_u16(), &gone.body["entity"]), (200, &Value::Null));
    }
    let one = library.get(video(), "/api/v1/content/videos/first", ANNA).await;
    assert_eq!(code(&one), (404, "not_found".to_owned()));
    library.delete("section", "two").await;
    let videos = library.body(item_videos(), "/api/v1/content/voice/videos", ANNA).await;
    assert_eq!(videos["videos"], json!([]), "nor is what stood in a section that is gone");
    library.delete("content-item", "voice").await;
    let sections = library.get(sections(), "/api/v1/content/voice/sections", ANNA).await;
    assert_eq!(sections.status, 404);
    let items = library.body(items(), "/api/v1/content/items", ANNA).await;
    assert_eq!(items["items"], json!([]));
    library.check_invariants().await;

    let library = Library::with_course().await;
    library.delete("course-day", "sleep-2").await;
    let found = library.body(course(), "/api/v1/courses/sleep", ANNA).await;
    assert_eq!(ids(&found["days"]), ["sleep-1", "sleep-3"]);
    library.delete("course", "sleep").await;
    let gone = library.get(course(), "/api/v1/courses/sleep", ANNA).await;
    assert_eq!(gone.body["error"], "Course not found");
    library.put("course", "sleep", a_course("Новый")).await;
    let found = library.body(course(), "/api/v1/courses/sleep", ANNA).await;
    assert_eq!(found["days"], json!([]), "days of an earlier course are none of this one");
}

#[tokio::test]
async fn every_field_is_checked_and_every_complaint_told() {
    let library = Library::with_item().await;
    let long = |n: usize| "я".repeat(n);
    let cases = [
        ("course", json!({}), vec!["title", "category"]),
        (
            "course",
            json!({
                "title": long(201), "category": "other", "coverUrl": "http://example.com",
                "isPremium": "perhaps", "sortOrder": -1, "keyNumber": 13, "monthTheme": 7,
                "description": long(2_001),
            }),
            vec![
                "title",
                "description",
                "category",
                "coverUrl",
                "isPremium",
                "sortOrder",
                "keyNumber",
                "monthTheme",
            ],
        ),
        (
            "course-day",
            json!({
                "courseId": "a b", "dayNumber": 61, "title": "", "lessonType": "dance",
                "audioUrl": "javascript:x", "attachments": [{ "title": "x", "url": "x" }],
                "content": long(20_001), "streamLink": "https://api.telegram.org/bot1:x/y",
            }),
            vec![
                "courseId",
                "dayNumber",
                "title",
                "content",
                "lessonType",
                "audioUrl",
                "attachments",
                "streamLink",
            ],
        ),
        (
            "meditation",
            json!({ "duration": 86_401, "audioSeries": "x" }),
            vec!["duration", "title", "audioSeries"],
        ),
        (
            "content-item",
            json!({ "type": "film", "title": "x", "programMonth": "2026-13" }),
            vec!["type", "programMonth"],
        ),
        ("section", json!({}), vec!["contentItemId", "title"]),
        (
            "video",
            json!({ "durationSeconds": 86_401, "pdfUrl": "x" }),
            vec!["contentSectionId", "title", "pdfUrl", "durationSeconds"],
        ),
        ("timecode", json!({}), vec!["timeSeconds", "videoId", "title"]),
        (
            "practice",
            json!({ "contentType": "rtf" }),
            vec!["contentItemId", "contentType", "content"],
        ),
    ];
    for (kind, fields, wrong) in cases {
        let reply = library.written(kind, "x", fields).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{kind}");
        let named = reply.body["fields"].as_array().unwrap();
        let named: Vec<_> = named.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(named, wrong, "{kind}");
    }
}

#[tokio::test]
async fn unknown_kinds_and_malformed_ids_are_not_found() {
    let library = Library::open().await;
    let long = "x".repeat(65);
    for (kind, id) in [("film", "x"), ("Course", "x"), ("course", "a.b"), ("course", long.as_str())]
    {
        let reply = library.written(kind, id, a_course("x")).await;
        assert_eq!(code(&reply), (404, "not_found".to_owned()), "{kind} {id}");
        assert_eq!(library.delete(kind, id).await.status, 404, "{kind} {id}");
    }
    let reply = library.written("course", "x", json!([1])).await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn the_kinds_of_other_capabilities_are_written_here_as_well() {
    let library = Library::open().await;
    let fields = json!({
        "title": "Первые шаги", "description": "Пять медитаций", "icon": "🌱", "xpReward": 10,
        "condition": { "type": "meditations_completed", "value": 5 },
    });
    library.put("achievement", "first_steps", fields).await;
    let fields = json!({
        "title": "Билет", "description": "Розыгрыш", "price": 50, "category": "elite",
        "itemType": "raffle_ticket",
    });
    library.put("shop-item", "ticket", fields).await;
    for (kind, id) in [("achievement", "first_steps"), ("shop-item", "ticket")] {
        let gone = library.delete(kind, id).await;
        assert_eq!(gone.status, 200, "{}", gone.body);
    }
}

#[tokio::test]
async fn a_writing_costs_one_read_and_one_transaction() {
    let library = Library::with_item().await;
    for (kind, id, fields, items) in [
        ("meditation", "m", a_meditation("Утро", false), 2),
        ("content-item", "voice", an_item("Голос"), 3),
        ("section", "one", json!({ "contentItemId": "voice", "title": "x" }), 3),
        ("video", "first", json!({ "contentSectionId": "one", "title": "x" }), 3),
    ] {
        let reply = library.written(kind, id, fields).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!((reply.cost.requests, reply.cost.items), (2, items), "{kind}");
    }
}
