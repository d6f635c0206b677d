//! The courses as members see them.

use super::*;

const LIST: &str = "/api/v1/courses";

#[tokio::test]
async fn courses_stand_in_their_order_and_by_category() {
    let library = Library::open().await;
    for (id, order, category) in [("b", 2, "health"), ("old", 1, "esoteric"), ("new", 1, "health")]
    {
        let fields = json!({ "title": id, "category": category, "sortOrder": order });
        library.put("course", id, fields).await;
        library.pass(1);
    }
    let all = library.body(courses(), LIST, BORIS).await;
    assert_eq!(ids(&all["courses"]), ["new", "old", "b"]);
    for (query, expected) in [
        ("?category=health", vec!["new", "b"]),
        ("?category=esoteric", vec!["old"]),
        ("?category=", vec!["new", "old", "b"]),
        ("?category=other", vec![]),
    ] {
        let some = library.body(courses(), &format!("{LIST}{query}"), BORIS).await;
        assert_eq!(ids(&some["courses"]), expected, "{query}");
    }
}

#[tokio::test]
async fn a_closed_course_has_no_days() {
    let library = Library::with_course().await;
    let mut fields = a_course("Сон");
    fields["isPremium"] = json!(true);
    library.put("course", "sleep", fields).await;
    for (tg_id, locked, days) in [(ANNA, false, 3), (BORIS, true, 0)] {
        let one = library.body(course(), &format!("{LIST}/sleep"), tg_id).await;
        assert_eq!(one["course"]["isLocked"], locked);
        assert_eq!(one["days"].as_array().unwrap().len(), days);
        let list = library.body(courses(), LIST, tg_id).await;
        assert_eq!(list["courses"][0]["isLocked"], locked);
    }
    let body = json!({ "completedDay": 1 });
    let refused = library.advance(body.clone(), BORIS).await;
    assert_eq!(code(&refused), (403, "subscription_required".to_owned()));
    assert_eq!(refused.body["error"], "Subscription required");
    assert_eq!(library.advance(body, ANNA).await.status, 200);
    assert_eq!(library.member(BORIS).await.balance, 0);
}

#[tokio::test]
async fn a_closed_day_has_neither_texts_nor_media() {
    let library = Library::with_course().await;
    let one = library.body(course(), &format!("{LIST}/sleep"), BORIS).await;
    let day = &one["days"][2];
    let shown = json!({
        "id": "sleep-3", "courseId": "sleep", "dayNumber": 3, "title": "День 3", "content": null,
        "lessonType": "audio", "audioUrl": null, "videoUrl": null, "rutubeUrl": null,
        "pdfUrl": null, "attachments": [], "welcomeContent": null, "courseInfo": null,
        "meditationGuide": null, "additionalContent": null, "giftContent": null,
        "streamLink": null, "isPremium": true, "isLocked": true,
    });
    assert_eq!(*day, shown);
    assert_eq!(
        (&one["days"][0]["content"], &one["days"][0]["isLocked"]),
        (&json!("Текст"), &json!(false))
    );
    let paid = library.body(course(), &format!("{LIST}/sleep"), ANNA).await;
    assert_eq!(paid["days"][2]["content"], "Текст");
    let refused = library.advance(json!({ "completedDay": 3 }), BORIS).await;
    assert_eq!(code(&refused), (403, "subscription_required".to_owned()));
}

#[tokio::test]
async fn ids_of_nothing_are_not_found() {
    let library = Library::open().await;
    for id in ["nothing", "a.b", "%D1%8F", &"x".repeat(3_000)] {
        let path = format!("{LIST}/{id}");
        let reply = library.get(course(), &path, ANNA).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["error"]),
            (404, &json!("Course not found"))
        );
        let body = json!({ "completedDay": 1 });
        let reply = library.post(course_progress(), &format!("{path}/progress"), body, ANNA).await;
        assert_eq!(reply.status, 404);
        let reply =
            library.post(course_favorite(), &format!("{path}/favorite"), json!({}), ANNA).await;
        assert_eq!(reply.status, 404);
    }
}

#[tokio::test]
async fn an_answer_is_known_until_somebody_changes_it() {
    let library = Library::with_course().await;
    let token = library.token(BORIS).await;
    let one = library.world.start(course()).await;
    let list = library.world.start(courses()).await;
    let get = async |instance, path: &str, tag: Option<&str>| {
        let request = Request::get(path).token(&token);
        let request = tag.map_or(request.clone(), |tag| request.header("if-none-match", tag));
        library.world.send(instance, request).await
    };
    for (instance, path, requests) in [(&list, LIST, 3), (&one, "/api/v1/courses/sleep", 2)] {
        let miss = get(instance, path, None).await;
        assert_eq!((&miss.headers["x-cache"], miss.cost.requests), (&json!("MISS"), requests));
        assert_eq!(miss.headers["cache-control"], "private, no-cache, max-age=60");
        let hit = get(instance, path, None).await;
        assert_eq!((&hit.headers["x-cache"], hit.cost.requests), (&json!("HIT"), 1));
        assert_eq!(hit.body, miss.body);
        let tag = miss.headers["etag"].as_str().unwrap();
        let same = get(instance, path, Some(tag)).await;
        assert_eq!((same.status.as_u16(), same.cost.requests), (304, 1));
        // By an administrator, by the member, by the clock.
        library.put("course", "sleep", a_course(path)).await;
        let changed = get(instance, path, Some(tag)).await;
        assert_eq!(changed.status, 200);
        let tag = changed.headers["etag"].as_str().unwrap();
        library.advance(json!({ "currentDay": 2 }), BORIS).await;
        let changed = get(instance, path, Some(tag)).await;
        assert_eq!(changed.status, 200);
        assert!(changed.body.to_string().contains("\"currentDay\":2"));
    }
    // Another member's answer is another one.
    let foreign = library.get(courses(), LIST, ANNA).await;
    assert_eq!(foreign.body["courses"][0]["progress"], Value::Null);
}

#[tokio::test]
async fn the_end_of_a_subscription_closes_without_a_write() {
    let library = Library::with_course().await;
    let token = library.token(ANNA).await;
    let instance = library.world.start(course()).await;
    let get = async || {
        let request = Request::get("/api/v1/courses/sleep").token(&token);
        library.world.send(&instance, request).await.body["days"][2]["content"].clone()
    };
    assert_eq!(get().await, "Текст");
    library.pass(300 * 86_400);
    assert_eq!(get().await, Value::Null);
}

#[tokio::test]
async fn a_validator_tells_what_was_read_beside_the_versions() {
    use crate::content::model::{Course, Meditation};
    use crate::content::own::{CourseProgress, Tally};
    use crate::content::shelf::ContentItem;

    let library = Library::with_course().await;
    library.put("content-item", "voice", an_item("Голос")).await;
    library.put("meditation", "night", a_meditation("Ночь", false)).await;
    library.advance(json!({ "completedDay": 1 }), ANNA).await;
    let shown: [(Made, &str); 5] = [
        (course, "/api/v1/courses/sleep"),
        (meditation, "/api/v1/meditations/night"),
        (item, "/api/v1/content/items/voice"),
        (meditation_stats, "/api/v1/meditations/stats/summary"),
        (watch_stats, "/api/v1/content/progress/stats"),
    ];
    let etags = async || {
        let mut etags = Vec::new();
        for (function, path) in shown {
            let reply = library.get(function(), path, ANNA).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.body);
            etags.push(reply.headers["etag"].clone());
        }
        etags
    };
    let first = etags().await;
    assert_eq!(etags().await, first);
    // The rows change, and the versions that are read in the same batch are still the old ones.
    let (table, world) = (library.world.table(), &library.world);
    let own: CourseProgress =
        table.get(&CourseProgress::key_of(ANNA, "sleep")).await.unwrap().unwrap();
    world.put(&own.liked(true)).await;
    let found: Meditation = table.get(&Meditation::key_of("night")).await.unwrap().unwrap();
    world.put(&Meditation { title: "День".to_owned(), ..found }).await;
    let found: ContentItem = table.get(&ContentItem::key_of("voice")).await.unwrap().unwrap();
    world.put(&ContentItem { title: "Слух".to_owned(), ..found }).await;
    world.put(&Tally { tg_id: ANNA, sessions: 1, videos: 1, ..Tally::default() }).await;
    let second = etags().await;
    for ((one, other), (_, path)) in first.iter().zip(&second).zip(shown) {
        assert_ne!(one, other, "{path}");
    }
    let found: Course = table.get(&Course::key_of("sleep")).await.unwrap().unwrap();
    world.put(&Course { version: found.version + 1, ..found }).await;
    let third = etags().await;
    assert_ne!(third[0], second[0]);
    assert_eq!(third[1..], second[1..]);
}
