//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;

fn asked(library: &Library, function: &str) -> BTreeSet<String> {
    let calls = library.world.engine.calls().of(&format!("local-{function}"));
    let permissions = calls.into_iter().flat_map(|call| call.permissions);
    let on_table = permissions.map(|permission| {
        assert_eq!(permission.resource, "table/test-club", "{function}");
        permission.action.trim_start_matches("dynamodb:").to_owned()
    });
    on_table.collect()
}

fn allowed(actions: &[&str]) -> BTreeSet<String> {
    actions.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn readers_ask_for_exactly_this() {
    let library = Library::with_item().await;
    library.put("course", "sleep", a_course("Сон")).await;
    library.put("course-day", "sleep-1", a_day("sleep", 1, false)).await;
    library.put("meditation", "morning", a_meditation("Утро", false)).await;
    let (listed, found): (&[&str], &[&str]) =
        (&["BatchGetItem", "GetItem", "Query"], &["BatchGetItem", "GetItem"]);
    let own: &[&str] = &["GetItem", "Query"];
    let all: [(Made, &str, &[&str]); 17] = [
        (courses, "courses", listed),
        (favorite_courses, "courses/favorites/list", listed),
        (course, "courses/sleep", listed),
        (items, "content/items", listed),
        (item, "content/items/voice", found),
        (month_program, "content/month-program", listed),
        (sections, "content/voice/sections", listed),
        (section_videos, "content/sections/one/videos", listed),
        (item_videos, "content/voice/videos", listed),
        (video, "content/videos/first", listed),
        (practice, "content/practices/breath/content", listed),
        (watched, "content/progress", own),
        (watch_stats, "content/progress/stats", found),
        (meditations, "meditations", listed),
        (meditation, "meditations/morning", found),
        (meditation_history, "meditations/history/list", own),
        (meditation_stats, "meditations/stats/summary", found),
    ];
    for (function, path, expected) in all {
        let path = format!("/api/v1/{path}");
        library.body(function(), &path, ANNA).await;
        let name = function().declaration().name;
        assert_eq!(asked(&library, name), allowed(expected), "{name}");
    }
}

#[tokio::test]
async fn writers_ask_for_exactly_this() {
    let library = Library::with_item().await;
    library.put("course", "sleep", a_course("Сон")).await;
    library.put("course-day", "sleep-1", a_day("sleep", 1, false)).await;
    library.put("course-day", "sleep-1", a_day("sleep", 2, false)).await;
    library.put("meditation", "morning", a_meditation("Утро", false)).await;
    for _ in 0..2 {
        library.advance(json!({ "completedDay": 2 }), ANNA).await;
        library.watch("first", ANNA).await;
        library.meditate("morning", 60, true, ANNA).await;
        let path = "/api/v1/courses/sleep/favorite";
        library.post(course_favorite(), path, json!({}), ANNA).await;
    }
    for (kind, id) in [
        ("timecode", "early"),
        ("practice", "breath"),
        ("video", "first"),
        ("section", "one"),
        ("content-item", "voice"),
        ("course-day", "sleep-1"),
        ("course", "sleep"),
        ("meditation", "morning"),
        ("achievement", "streak_7"),
        ("shop-item", "x"),
        ("stream", "x"),
    ] {
        library.delete(kind, id).await;
    }
    let earns = ["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"];
    for name in ["club-courses-progress", "club-content-complete", "club-meditations-session"] {
        assert_eq!(asked(&library, name), allowed(&earns), "{name}");
    }
    let likes = ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked(&library, "club-courses-favorite"), allowed(&likes));
    let puts = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked(&library, "club-admin-content-put"), allowed(&puts));
    let deletes = ["DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked(&library, "club-admin-content-delete"), allowed(&deletes));
}
