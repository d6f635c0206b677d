//! The process dies at every call to the store; the same request, sent again, heals it.

use engine::{CrashMode, CrashPlan};

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

/// Kills a function at each of its calls, in each way, and sends the request again.
async fn dies(
    name: &str,
    prepared: impl AsyncFn() -> Library,
    call: impl AsyncFn(&Library) -> Reply,
    check: impl AsyncFn(&Library, &str),
) {
    for mode in MODES {
        for at in 0.. {
            let library = prepared().await;
            let caller = Some(format!("local-{name}"));
            library.world.engine.faults().crash(CrashPlan { caller, at, mode });
            let reply = call(&library).await;
            let crashed = library.world.engine.faults().crashed();
            library.world.engine.faults().clear();
            assert!(reply.status != 500, "{mode:?} at {at}: {}", reply.body);
            library.check_invariants().await;
            let again = call(&library).await;
            assert_eq!(again.status, 200, "{mode:?} at {at}: {}", again.body);
            library.check_invariants().await;
            check(&library, &format!("{mode:?} at {at}")).await;
            if !crashed {
                assert!(at >= 2, "nothing was killed");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_day_that_dies_anywhere_earns_once() {
    let call = async |library: &Library| library.advance(json!({ "completedDay": 1 }), ANNA).await;
    dies("club-courses-progress", Library::with_course, call, async |library, when| {
        let anna = library.member(ANNA).await;
        assert_eq!((anna.balance, anna.streak), (20, 1), "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_toggle_that_dies_anywhere_toggles_once() {
    let call = async |library: &Library| {
        let path = "/api/v1/courses/sleep/favorite";
        library.post(course_favorite(), path, json!({}), ANNA).await
    };
    dies("club-courses-favorite", Library::with_course, call, async |library, when| {
        let list = library.body(favorite_courses(), "/api/v1/courses/favorites/list", ANNA).await;
        assert_eq!(ids(&list["favorites"]), ["sleep"], "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_video_that_dies_anywhere_earns_once() {
    let call = async |library: &Library| library.watch("first", ANNA).await;
    dies("club-content-complete", Library::with_item, call, async |library, when| {
        let anna = library.member(ANNA).await;
        assert_eq!((anna.balance, anna.completed.videos), (20, 1), "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_session_that_dies_anywhere_counts_once() {
    let call = async |library: &Library| library.meditate("morning", 600, true, ANNA).await;
    dies("club-meditations-session", Library::with_meditations, call, async |library, when| {
        let anna = library.member(ANNA).await;
        // The meditation and its achievement.
        assert_eq!((anna.experience, anna.completed.meditations), (100, 1), "{when}");
        assert_eq!(library.count("MeditationSession").await, 1, "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_writing_that_dies_anywhere_is_whole() {
    let call = async |library: &Library| {
        library.written("course-day", "sleep-1", a_day("sleep", 9, false)).await
    };
    dies("club-admin-content-put", Library::with_course, call, async |library, when| {
        let found = library.body(course(), "/api/v1/courses/sleep", ANNA).await;
        assert_eq!(ids(&found["days"]), ["sleep-2", "sleep-3", "sleep-1"], "{when}");
        assert_eq!(library.count("CourseDay").await, 3, "{when}");
    })
    .await;
}

#[tokio::test]
async fn a_deletion_that_dies_anywhere_is_whole() {
    let call = async |library: &Library| library.delete("course-day", "sleep-1").await;
    dies("club-admin-content-delete", Library::with_course, call, async |library, when| {
        let found = library.body(course(), "/api/v1/courses/sleep", ANNA).await;
        assert_eq!(ids(&found["days"]), ["sleep-2", "sleep-3"], "{when}");
        let left = (library.count("CourseDay").await, library.count("Place").await);
        assert_eq!(left, (2, 2), "{when}");
    })
    .await;
}
