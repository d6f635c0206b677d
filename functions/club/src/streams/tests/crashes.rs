//! The process dies at every call to the store; what comes after heals it.

use engine::{CrashMode, CrashPlan};
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::tamper::drop_entries;

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

#[tokio::test]
async fn an_attendance_that_dies_anywhere_earns_once_and_is_counted() {
    let mut struck = 0;
    for at in 0..7 {
        for mode in MODES {
            let hall = Hall::open().await;
            hall.describe("one", json!({})).await;
            let wish = hall.wish(MEMBER, "one").await;
            let caller = Some("local-club-streams-attend".to_owned());
            hall.world.engine.faults().crash(CrashPlan { caller, at, mode });
            let reply = hall.world.call(attend(), wish.clone()).await;
            hall.world.engine.faults().clear();
            struck += usize::from(reply.status != 200);
            hall.check_invariants().await;
            let again = hall.world.call(attend(), wish).await;
            assert_eq!(again.status, 200, "{mode:?} at {at}: {}", again.body);
            assert_eq!(again.body["attendance"]["energiesEarned"], 20);
            assert_eq!(hall.world.member_now(MEMBER).await.balance, 20);
            assert_eq!(hall.stream("one").await.views, 1, "{mode:?} at {at}");
            hall.check_invariants().await;
        }
    }
    assert!(struck >= 6, "{struck}");
}

/// Watches a stream with the entry number `nth` of each transaction gone. Answers whether anything
/// was noticed, and how many entries the largest transaction had.
async fn played(nth: usize) -> (bool, usize) {
    let hall = Hall::open().await;
    hall.describe("one", json!({})).await;
    let entries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&entries);
    hall.world.engine.tamper().with(move |_, operation, body| {
        let items = body["TransactItems"].as_array().map_or(0, Vec::len);
        seen.fetch_max(items, Ordering::Relaxed);
        let place = AtomicUsize::new(0);
        drop_entries(operation, body, |_| place.fetch_add(1, Ordering::Relaxed) == nth);
    });
    let played = tokio::spawn(async move {
        assert_eq!(hall.watch(MEMBER, "one").await.status, 200);
        hall.world.engine.tamper().stop();
        hall.check_invariants().await;
        assert_eq!(hall.world.member_now(MEMBER).await.streak, 1);
        assert_eq!(hall.count("StreamAttendance").await, 1);
        assert_eq!(hall.stream("one").await.views, 1);
    });
    (played.await.is_err(), entries.load(Ordering::Relaxed))
}

#[tokio::test]
async fn no_entry_of_any_transaction_can_be_left_out() {
    assert_eq!(played(usize::MAX).await, (false, 3));
    for nth in 0..3 {
        assert!(played(nth).await.0, "without {nth}");
    }
}
