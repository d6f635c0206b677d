//! What members have watched.

use super::*;

const PROGRESS: &str = "/api/v1/content/progress";

#[tokio::test]
async fn a_video_completed_three_times_earns_once() {
    let library = Library::with_item().await;
    let mut earned = Vec::new();
    for _ in 0..3 {
        let reply = library.watch("first", ANNA).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        earned.push((reply.body["energiesEarned"].as_u64().unwrap(), reply.cost.requests));
        let progress = &reply.body["progress"];
        assert_eq!((&progress["videoId"], &progress["watched"]), (&json!("first"), &json!(true)));
        assert_eq!(
            (&progress["energiesEarned"], &progress["watchTimeSeconds"]),
            (&json!(20), &json!(600))
        );
        assert_eq!(progress["userId"], library.member(ANNA).await.id);
        library.pass(60);
    }
    assert_eq!(earned, [(20, 5), (0, 1), (0, 1)]);
    let entries = library.world.items("EnergyEntry").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["reason"]["S"], "Просмотр видео: Видео first");
    let anna = library.member(ANNA).await;
    assert_eq!((anna.balance, anna.completed.videos, anna.streak), (20, 1, 1));
    library.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_completions_at_once_are_one_entry() {
    let library = Library::with_item().await;
    let token = library.token(ANNA).await;
    let instance = library.world.start(complete()).await;
    let body = json!({ "videoId": "first" });
    let call = Request::post("/api/v1/content/progress/complete", body).token(&token);
    let replies = library.world.send_all(&instance, std::iter::repeat_n(call, 20)).await;
    let earned = replies.iter().filter(|reply| reply.body["energiesEarned"] == 20).count();
    assert!(replies.iter().all(|reply| [200, 503].contains(&reply.status.as_u16())));
    assert_eq!((earned, library.count("EnergyEntry").await), (1, 1));
    assert_eq!(library.member(ANNA).await.balance, 20);
    library.check_invariants().await;
}

#[tokio::test]
async fn a_leader_s_videos_earn_twice_and_say_so() {
    let library = Library::with_item().await;
    let anna = library.member(ANNA).await;
    library.world.put(&Member { is_team_leader: true, ..anna }).await;
    let reply = library.watch("first", ANNA).await;
    assert_eq!(reply.body["energiesEarned"], 40);
    assert_eq!(reply.body["progress"]["energiesEarned"], 40);
    let stats = library.body(watch_stats(), &format!("{PROGRESS}/stats"), ANNA).await;
    assert_eq!(stats["stats"]["totalEnergies"], 40);
    library.check_invariants().await;
}

#[tokio::test]
async fn a_video_of_a_deleted_section_earns_nothing() {
    let library = Library::with_item().await;
    assert_eq!(library.delete("section", "one").await.status, 200);
    let reply = library.watch("first", ANNA).await;
    assert_eq!(code(&reply), (404, "not_found".to_owned()), "{}", reply.body);
    assert_eq!((library.count("WatchedVideo").await, library.member(ANNA).await.balance), (0, 0));
    assert_eq!(library.watch("second", ANNA).await.body["energiesEarned"], 20);
}

#[tokio::test]
async fn sums_are_kept() {
    let library = Library::with_item().await;
    for video in ["first", "second", "first"] {
        library.watch(video, ANNA).await;
        library.pass(1);
    }
    let reply = library.get(watch_stats(), &format!("{PROGRESS}/stats"), ANNA).await;
    let sums = json!({ "totalWatched": 2, "totalEnergies": 40, "totalWatchTime": 1200 });
    assert_eq!((&reply.body["stats"], reply.cost.requests), (&sums, 1));
    let reply = library.get(watched(), PROGRESS, ANNA).await;
    let shown = reply.body["progress"].as_array().unwrap();
    let shown: Vec<_> = shown.iter().map(|one| one["videoId"].as_str().unwrap()).collect();
    assert_eq!((shown, reply.cost.requests), (vec!["second", "first"], 2));
    let none = library.body(watch_stats(), &format!("{PROGRESS}/stats"), BORIS).await;
    let sums = json!({ "totalWatched": 0, "totalEnergies": 0, "totalWatchTime": 0 });
    assert_eq!(none["stats"], sums);
}

#[tokio::test]
async fn nobody_reads_another_s_progress() {
    let library = Library::with_item().await;
    let (anna, boris) = (library.member(ANNA).await, library.member(BORIS).await);
    let all: [(Made, String); 2] =
        [(watched, PROGRESS.to_owned()), (watch_stats, format!("{PROGRESS}/stats"))];
    for (function, path) in all {
        for id in [anna.id.clone(), ANNA.to_string(), String::new()] {
            let path = format!("{path}?userId={id}");
            assert_eq!(library.get(function(), &path, ANNA).await.status, 200);
        }
        for id in [boris.id.clone(), BORIS.to_string(), "x".to_owned()] {
            let path = format!("{path}?userId={id}");
            let reply = library.get(function(), &path, ANNA).await;
            assert_eq!(code(&reply), (403, "subject_mismatch".to_owned()), "{path}");
        }
    }
}

#[tokio::test]
async fn bad_input_is_refused() {
    let library = Library::with_item().await;
    let path = "/api/v1/content/progress/complete";
    for (body, status) in [
        (json!({}), 400),
        (json!({ "videoId": 7 }), 400),
        (json!({ "videoId": "first", "watchTimeSeconds": -1 }), 400),
        (json!({ "videoId": "first", "watchTimeSeconds": 86_401 }), 400),
        (json!({ "videoId": "first", "watchTimeSeconds": "1" }), 400),
        (json!({ "videoId": "nothing" }), 404),
        (json!({ "videoId": "" }), 404),
        (json!({ "videoId": "я".repeat(2_000) }), 404),
        (json!({ "videoId": "first", "watchTimeSeconds": 86_400 }), 200),
    ] {
        let reply = library.post(complete(), path, body.clone(), ANNA).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {}", reply.body);
    }
}
