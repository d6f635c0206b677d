//! How members go through courses, and which they like.

use super::*;

#[tokio::test]
async fn a_day_earns_once() {
    let library = Library::with_course().await;
    let first = library.advance(json!({ "completedDay": 1 }), ANNA).await;
    assert_eq!(first.body["energiesEarned"], 20, "{}", first.body);
    assert_eq!((first.cost.requests, first.cost.items), (3, 3), "no achievement, no streak of 7");
    let progress = json!({
        "currentDay": 1, "completedDays": [1], "lastAccessedAt": library.world.now(),
    });
    assert_eq!(first.body["progress"], progress);
    for _ in 0..2 {
        let again = library.advance(json!({ "completedDay": 1 }), ANNA).await;
        assert_eq!(
            (&again.body["energiesEarned"], &again.body["progress"]),
            (&json!(0), &progress)
        );
        assert_eq!((again.cost.requests, again.cost.items), (2, 2));
    }
    let entries = library.world.items("EnergyEntry").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["key"]["S"], "lesson:sleep:day1");
    assert_eq!(entries[0]["reason"]["S"], "Просмотр урока: День 1");
    library.check_invariants().await;
}

#[tokio::test]
async fn the_last_day_finishes_the_course_once() {
    let library = Library::with_course().await;
    for day in [3, 1, 2, 2, 1] {
        library.advance(json!({ "completedDay": day }), ANNA).await;
    }
    let anna = library.member(ANNA).await;
    assert_eq!((anna.completed.courses, anna.balance, anna.streak), (1, 60, 1));
    // `first_course` brings 200, which reaches `level`s, but none that is rewarded.
    assert_eq!(anna.experience, 200);
    library.put("course-day", "sleep-4", a_day("sleep", 4, false)).await;
    library.advance(json!({ "completedDay": 4 }), ANNA).await;
    let anna = library.member(ANNA).await;
    assert_eq!((anna.completed.courses, anna.balance, anna.experience), (1, 80, 200));
    let list = library.body(courses(), "/api/v1/courses", ANNA).await;
    assert_eq!(list["courses"][0]["progress"]["completedDays"], json!([1, 2, 3, 4]));
    library.check_invariants().await;
}

#[tokio::test]
async fn a_course_whose_missing_days_were_deleted_is_finished_by_an_old_day() {
    let library = Library::with_course().await;
    library.advance(json!({ "completedDay": 1 }), ANNA).await;
    for day in ["sleep-2", "sleep-3"] {
        assert_eq!(library.delete("course-day", day).await.status, 200);
    }
    for _ in 0..3 {
        let reply = library.advance(json!({ "completedDay": 1 }), ANNA).await;
        assert_eq!((reply.status.as_u16(), &reply.body["energiesEarned"]), (200, &json!(0)));
        let anna = library.member(ANNA).await;
        assert_eq!((anna.completed.courses, anna.balance, anna.experience), (1, 20, 200));
    }
    library.check_invariants().await;
}

#[tokio::test]
async fn three_days_of_lessons_are_a_streak_of_three() {
    let library = Library::with_course().await;
    for (day, streak) in [(1, 1), (2, 2), (3, 3)] {
        library.advance(json!({ "completedDay": day }), ANNA).await;
        assert_eq!(library.member(ANNA).await.streak, streak);
        library.pass(86_400);
    }
}

#[tokio::test]
async fn days_that_there_are_not_are_refused() {
    let library = Library::with_course().await;
    for (body, error) in [
        (json!({ "currentDay": 0 }), "Invalid currentDay"),
        (json!({ "currentDay": 4 }), "Invalid currentDay"),
        (json!({ "completedDay": -1 }), "Invalid completedDay"),
        (json!({ "completedDay": 4_294_967_297_i64 }), "Invalid completedDay"),
    ] {
        let reply = library.advance(body, ANNA).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()));
        assert_eq!(reply.body["error"], error);
    }
    assert_eq!(library.advance(json!({ "currentDay": "one" }), ANNA).await.status, 400);
    let moved = library.advance(json!({ "currentDay": 2 }), ANNA).await;
    assert_eq!(moved.body["progress"]["currentDay"], 2);
    assert_eq!((library.count("EnergyEntry").await, library.member(ANNA).await.streak), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_completions_of_a_day_at_once_are_one() {
    let library = Library::with_course().await;
    let token = library.token(ANNA).await;
    let instance = library.world.start(course_progress()).await;
    let body = json!({ "completedDay": 1 });
    let call = Request::post("/api/v1/courses/sleep/progress", body).token(&token);
    let replies = library.world.send_all(&instance, std::iter::repeat_n(call, 20)).await;
    let earned = replies.iter().filter(|reply| reply.body["energiesEarned"] == 20).count();
    assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status.as_u16())));
    assert_eq!((earned, library.count("EnergyEntry").await), (1, 1));
    library.check_invariants().await;
}

#[tokio::test]
async fn energies_that_an_administrator_gave_before_are_not_given_again() {
    let library = Library::with_course().await;
    let award = crate::energies::Award::lesson("sleep", 1, None);
    let table = library.world.table();
    crate::energies::award(table, ANNA, &award, library.world.now()).await.unwrap();
    let reply = library.advance(json!({ "completedDay": 1 }), ANNA).await;
    assert_eq!((reply.status.as_u16(), &reply.body["energiesEarned"]), (200, &json!(0)));
    assert_eq!(reply.body["progress"]["completedDays"], json!([1]));
    assert_eq!(library.member(ANNA).await.balance, 20);
    library.check_invariants().await;
}

#[tokio::test]
async fn favourites_are_set_or_toggled() {
    let library = Library::with_course().await;
    let like = async |body: Value| {
        let path = "/api/v1/courses/sleep/favorite";
        let reply = library.post(course_favorite(), path, body, BORIS).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply
    };
    let first = like(json!({})).await;
    assert_eq!(first.body["isFavorite"], true);
    assert_eq!((first.cost.requests, first.cost.items), (2, 3));
    assert!(first.body["message"].is_string());
    let list = library.body(favorite_courses(), "/api/v1/courses/favorites/list", BORIS).await;
    assert_eq!(ids(&list["favorites"]), ["sleep"]);
    assert_eq!(list["favorites"][0]["isFavorite"], true);
    assert_eq!(list["favorites"][0]["progress"], Value::Null, "to like is no progress");
    // Within two seconds, and each begins them anew.
    for _ in 0..3 {
        library.pass(1);
        assert_eq!(like(json!({})).await.body["isFavorite"], true);
    }
    library.pass(2);
    assert_eq!(like(json!({})).await.body["isFavorite"], false);
    for (wish, n) in [(true, 0), (true, 1), (false, 2), (true, 3)] {
        let reply = like(json!({ "favorite": wish })).await;
        assert_eq!(reply.body["isFavorite"], wish, "{n}");
    }
    let others = library.body(favorite_courses(), "/api/v1/courses/favorites/list", ANNA).await;
    assert_eq!(others["favorites"], json!([]));
    library.check_invariants().await;
}

#[tokio::test]
async fn a_toggle_under_a_key_is_one_for_each_key() {
    let library = Library::with_course().await;
    let token = library.token(BORIS).await;
    let toggle = async |key: &str| {
        let request = Request::post("/api/v1/courses/sleep/favorite", json!({})).token(&token);
        library.world.call(course_favorite(), request.header("idempotency-key", key)).await
    };
    assert_eq!(toggle("one").await.body["isFavorite"], true);
    assert_eq!(toggle("two").await.body["isFavorite"], false);
    library.pass(60);
    let again = toggle("one").await;
    assert_eq!(again.body["isFavorite"], true);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(toggle("three").await.body["isFavorite"], true);
}

#[tokio::test]
async fn what_was_done_stays_when_it_becomes_a_favourite() {
    let library = Library::with_course().await;
    library.advance(json!({ "completedDay": 1 }), ANNA).await;
    let body = json!({ "favorite": true });
    library.post(course_favorite(), "/api/v1/courses/sleep/favorite", body, ANNA).await;
    library.advance(json!({ "completedDay": 2 }), ANNA).await;
    let one = library.body(course(), "/api/v1/courses/sleep", ANNA).await;
    assert_eq!(one["course"]["isFavorite"], true);
    assert_eq!(one["course"]["progress"]["completedDays"], json!([1, 2]));
}
