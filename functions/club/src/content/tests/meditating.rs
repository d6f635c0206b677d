//! Meditations, and sessions of them.

use super::*;

const LIST: &str = "/api/v1/meditations";

async fn xp(library: &Library, seconds: u32, completed: bool) -> u64 {
    let reply = library.meditate("morning", seconds, completed, ANNA).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.body["xpAwarded"].as_u64().unwrap()
}

#[tokio::test]
async fn closed_meditations_have_no_recordings() {
    let library = Library::with_meditations().await;
    library.pass(1);
    for (tg_id, locked) in [(ANNA, false), (BORIS, true)] {
        let one = library.body(meditation(), &format!("{LIST}/night"), tg_id).await;
        let one = &one["meditation"];
        assert_eq!(one["isLocked"], locked);
        assert_eq!(one["audioUrl"].is_null(), locked);
        assert_eq!(one["audioSeries"].as_array().unwrap().is_empty(), locked);
        let list = library.body(meditations(), LIST, tg_id).await;
        let night = list["meditations"].as_array().unwrap();
        let night = night.iter().find(|found| found["id"] == "night").unwrap();
        assert_eq!((&night["isLocked"], night["audioUrl"].is_null()), (&json!(locked), locked));
    }
    let refused = library.meditate("night", 600, true, BORIS).await;
    assert_eq!(code(&refused), (403, "subscription_required".to_owned()));
    assert_eq!(library.meditate("morning", 600, true, BORIS).await.status, 200);
    assert_eq!(library.meditate("nothing", 600, true, ANNA).await.status, 404);
    assert_eq!(library.meditate("a.b", 600, true, ANNA).await.status, 404);
}

#[tokio::test]
async fn meditations_are_listed_by_category() {
    let library = Library::with_meditations().await;
    library.pass(1);
    let mut fields = a_meditation("Вечер", false);
    fields["category"] = json!("вечер");
    library.put("meditation", "evening", fields).await;
    let all = library.body(meditations(), LIST, BORIS).await;
    assert_eq!(ids(&all["meditations"]), ["evening", "morning", "night"]);
    let some = format!("{LIST}?category=%D0%B2%D0%B5%D1%87%D0%B5%D1%80");
    let some = library.body(meditations(), &some, BORIS).await;
    assert_eq!(ids(&some["meditations"]), ["evening"]);
    for id in ["nothing", "a.b", &"x".repeat(3_000)] {
        let reply = library.get(meditation(), &format!("{LIST}/{id}"), BORIS).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["error"]),
            (404, &json!("Meditation not found"))
        );
    }
}

#[tokio::test]
async fn the_best_session_of_a_day_counts_and_a_better_one_adds_the_difference() {
    let library = Library::with_meditations().await;
    for (seconds, completed, brings) in [
        (59, false, 0),
        (130, false, 10),
        (70, false, 0),
        (400, false, 15),
        (500, false, 0),
        (600, true, 25),
        (601, true, 0),
        (602, false, 0),
    ] {
        assert_eq!(xp(&library, seconds, completed).await, brings, "{seconds} {completed}");
    }
    let anna = library.member(ANNA).await;
    // `first_meditation` brings 50 beside.
    assert_eq!((anna.experience, anna.completed.meditations, anna.streak), (100, 1, 1));
    // The day after, in Moscow.
    library.pass(86_400);
    assert_eq!(xp(&library, 130, false).await, 10);
    assert_eq!(library.member(ANNA).await.streak, 1, "only what was completed counts");
    assert_eq!(xp(&library, 600, true).await, 40);
    assert_eq!(library.member(ANNA).await.streak, 2);
    // Another meditation has a best of its own.
    let other = library.meditate("night", 600, true, ANNA).await;
    assert_eq!(other.body["xpAwarded"], 50);
    library.check_invariants().await;
}

#[tokio::test]
async fn equal_calls_merge_while_they_keep_coming() {
    let library = Library::with_meditations().await;
    for _ in 0..4 {
        assert_eq!(xp(&library, 600, true).await, 50, "the same success");
        library.pass(40);
    }
    assert_eq!(library.count("MeditationSession").await, 1);
    library.pass(6);
    assert_eq!(xp(&library, 600, true).await, 0, "a session of its own");
    assert_eq!(library.count("MeditationSession").await, 2);
    library.check_invariants().await;
}

#[tokio::test]
async fn a_key_answers_the_same_again_and_stands_for_one_body() {
    let library = Library::with_meditations().await;
    let token = library.token(ANNA).await;
    let session = async |seconds: u32| {
        let body = json!({ "durationListened": seconds });
        let request = Request::post(&format!("{LIST}/morning/session"), body).token(&token);
        library.world.call(meditation_session(), request.header("idempotency-key", "one")).await
    };
    let first = session(120).await;
    assert_eq!((first.cost.requests, first.cost.items), (3, 6));
    library.pass(3_600);
    let again = session(120).await;
    assert_eq!((again.body, &again.headers["idempotency-replayed"]), (first.body, &json!("true")));
    assert_eq!(code(&session(180).await), (422, "idempotency_mismatch".to_owned()));
    assert_eq!(library.count("MeditationSession").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn different_sessions_at_once_are_all_kept_and_the_best_counts() {
    let library = Library::with_meditations().await;
    let token = library.token(ANNA).await;
    let instance = library.world.start(meditation_session()).await;
    let calls = (0..6).map(|n| {
        let body = json!({ "durationListened": 60 * n, "completed": n == 3 });
        Request::post(&format!("{LIST}/morning/session"), body).token(&token)
    });
    let replies = library.world.send_all(&instance, calls).await;
    let done = replies.iter().filter(|reply| reply.status == 200).count();
    assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status.as_u16())));
    assert_eq!(library.count("MeditationSession").await, done);
    let announced: u64 = replies.iter().filter_map(|reply| reply.body["xpAwarded"].as_u64()).sum();
    assert!(announced <= 50, "{announced}");
    library.check_invariants().await;
}

#[tokio::test]
async fn sessions_are_listed_newest_first_and_summed() {
    let library = Library::with_meditations().await;
    for (id, seconds, completed) in
        [("morning", 90, false), ("night", 600, true), ("morning", 30, false)]
    {
        library.meditate(id, seconds, completed, ANNA).await;
        library.pass(1);
    }
    let path = format!("{LIST}/history/list");
    let reply = library.get(meditation_history(), &path, ANNA).await;
    assert_eq!(reply.cost.requests, 2);
    let listened = |reply: &Reply| -> Vec<u64> {
        let history = reply.body["history"].as_array().unwrap();
        history.iter().map(|one| one["durationListened"].as_u64().unwrap()).collect()
    };
    assert_eq!(listened(&reply), [30, 600, 90]);
    let heard = json!({ "id": "night", "title": "Ночь", "duration": 600, "coverUrl": null });
    assert_eq!(reply.body["history"][1]["meditation"], heard);
    for (query, expected) in [
        ("?limit=1", vec![30]),
        ("?limit=1&offset=1", vec![600]),
        ("?offset=2", vec![90]),
        ("?limit=100000&offset=0", vec![30, 600, 90]),
        ("?offset=100000", vec![]),
    ] {
        let reply = library.get(meditation_history(), &format!("{path}{query}"), ANNA).await;
        assert_eq!(listened(&reply), expected, "{query}");
    }
    for query in ["?limit=0", "?limit=x", "?offset=-1", "?offset=x"] {
        let reply = library.get(meditation_history(), &format!("{path}{query}"), ANNA).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{query}");
    }
    let path = format!("{LIST}/stats/summary");
    let reply = library.get(meditation_stats(), &path, ANNA).await;
    let sums = json!({
        "totalSessions": 3, "completedSessions": 1, "totalDurationMinutes": 12,
        "averageDurationMinutes": 4,
    });
    assert_eq!((&reply.body["stats"], reply.cost.requests), (&sums, 1));
}

#[tokio::test]
async fn bad_input_is_refused() {
    let library = Library::with_meditations().await;
    for body in [
        json!({}),
        json!({ "durationListened": -1 }),
        json!({ "durationListened": 86_401 }),
        json!({ "durationListened": "60" }),
        json!({ "durationListened": 60, "completed": "yes" }),
    ] {
        let path = format!("{LIST}/morning/session");
        let reply = library.post(meditation_session(), &path, body.clone(), ANNA).await;
        assert_eq!(code(&reply), (400, "validation_failed".to_owned()), "{body}");
    }
    assert_eq!(library.count("MeditationSession").await, 0);
}
