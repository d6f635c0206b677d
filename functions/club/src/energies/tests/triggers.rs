//! What other services say that a member has done.

use super::*;

const LOGIN: &str = "/api/v1/energies/triggers/daily-login";
const LESSON: &str = "/api/v1/energies/triggers/lesson-view";
const PRACTICE: &str = "/api/v1/energies/triggers/sunday-practice";

#[tokio::test]
async fn a_day_begins_in_moscow_and_earns_once() {
    let world = World::new().await;
    world.member(ANNA).await;
    let login = async || post(&world, daily_login(), LOGIN, json!({ "userId": ANNA })).await;
    let given = login().await;
    assert_eq!(given.body, json!({ "success": true, "awarded": true, "amount": 10 }));
    assert_eq!((given.cost.requests, given.cost.items), (2, 2));
    let again = login().await;
    let expected = json!({
        "success": true, "awarded": false, "amount": 0, "message": "Already awarded today",
    });
    assert_eq!((again.body, again.cost.requests, again.cost.items), (expected, 1, 0));
    // Noon, and nine in the evening of UTC.
    world.pass(Duration::from_secs(9 * 3_600 - 1));
    assert_eq!(login().await.body["awarded"], false);
    world.pass(Duration::from_secs(1));
    assert_eq!(login().await.body["awarded"], true);
    let (_, entries) = holds(&world, ANNA).await;
    let keys: Vec<_> = entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["login:2026-01-31", "login:2026-02-01"]);
    assert_eq!(entries[0].reason, "Ежедневный вход");
}

#[tokio::test]
async fn a_lesson_earns_once_whoever_tells_of_it() {
    let world = World::new().await;
    let member = world.member(ANNA).await;
    world.put(&Member { is_team_leader: true, ..member }).await;
    let seen = |id: &str| json!({ "userId": ANNA, "lessonId": id, "lessonTitle": "Начало" });
    let given = post(&world, lesson_view(), LESSON, seen("c1:day3")).await;
    assert_eq!((&given.body["awarded"], &given.body["amount"]), (&json!(true), &json!(40)));
    assert_eq!(post(&world, lesson_view(), LESSON, seen("c1:day3")).await.body["amount"], 0);
    let course = Award::lesson("c1", 3, None);
    assert!(!store::award(world.table(), ANNA, &course, world.now()).await.unwrap().awarded);
    let (_, entries) = holds(&world, ANNA).await;
    assert_eq!(entries[0].reason, "Просмотр урока: Начало");
    assert_eq!(entries[0].metadata["originalAmount"], 20);
}

#[tokio::test]
async fn a_practice_earns_once() {
    let world = World::new().await;
    world.member(ANNA).await;
    let done = |id: Value| json!({ "userId": ANNA, "practiceId": id });
    for (id, awarded) in [(json!("p1"), true), (json!("p1"), false), (json!(2), true)] {
        let reply = post(&world, sunday_practice(), PRACTICE, done(id)).await;
        assert_eq!(reply.body["awarded"], awarded);
        assert_eq!(reply.body["amount"], if awarded { 50 } else { 0 });
    }
    assert_eq!(holds(&world, ANNA).await.0.balance, 100);
}

#[tokio::test]
async fn what_does_not_read_is_refused() {
    let world = World::new().await;
    world.member(ANNA).await;
    let long = "x".repeat(129);
    for (function, path, body) in [
        (daily_login(), LOGIN, json!({})),
        (daily_login(), LOGIN, json!({ "userId": [] })),
        (lesson_view(), LESSON, json!({ "userId": ANNA })),
        (lesson_view(), LESSON, json!({ "userId": ANNA, "lessonId": "" })),
        (lesson_view(), LESSON, json!({ "userId": ANNA, "lessonId": long })),
        (lesson_view(), LESSON, json!({ "userId": ANNA, "lessonId": "x", "lessonTitle": 7 })),
        (sunday_practice(), PRACTICE, json!({ "userId": ANNA, "practiceId": {} })),
    ] {
        let refused = post(&world, function, path, body.clone()).await;
        assert_eq!(code(&refused), (400, "validation_failed".to_owned()), "{body}");
    }
    for (function, path, body) in [
        (daily_login(), LOGIN, json!({ "userId": 5 })),
        (lesson_view(), LESSON, json!({ "userId": "x", "lessonId": "x" })),
        (sunday_practice(), PRACTICE, json!({ "userId": 5, "practiceId": "x" })),
    ] {
        assert_eq!(post(&world, function, path, body).await.status, 404);
    }
}
