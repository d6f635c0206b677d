//! What the invariants are worth: with any entry of any transaction gone they do not hold, and what
//! was decided on an order as it is not any more is refused.

use std::sync::atomic::{AtomicUsize, Ordering};

use engine::tamper::drop_entries;
use tokio::task::JoinSet;

use super::super::settle::{End, end};
use super::super::store::{Committed, ORDER};
use super::crashes::{CASES, Case, Scene, What};
use super::*;

/// Plays a case with the entry number `nth` of each transaction gone. Answers whether anything was
/// noticed, and how many entries the largest transaction had.
async fn played(case: Case, nth: usize) -> (bool, usize) {
    let scene = Scene::of(case).await;
    let entries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&entries);
    scene.market.world.engine.tamper().with(move |_, operation, body| {
        let items = body["TransactItems"].as_array().map_or(0, Vec::len);
        seen.fetch_max(items, Ordering::Relaxed);
        let place = AtomicUsize::new(0);
        drop_entries(operation, body, |_| place.fetch_add(1, Ordering::Relaxed) == nth);
    });
    let played = tokio::spawn(async move {
        scene.run(case).await;
        scene.market.world.engine.tamper().stop();
        scene.check(case).await;
    });
    (played.await.is_err(), entries.load(Ordering::Relaxed))
}

#[tokio::test]
async fn no_entry_of_any_transaction_can_be_left_out() {
    let mut running = JoinSet::new();
    for case in CASES {
        let (noticed, entries) = played(case, usize::MAX).await;
        assert!(!noticed && (2..=14).contains(&entries), "{case:?}: {entries}");
        for nth in 0..entries {
            // An edit's event moves counters of feeds, which are not of this capability.
            let is_moved = matches!(case.what, What::Update) && nth + 1 == entries;
            running.spawn(async move {
                assert!(is_moved || played(case, nth).await.0, "{case:?} without {nth}");
            });
        }
    }
    running.join_all().await;
}

#[tokio::test]
async fn what_was_decided_on_another_version_is_refused() {
    let market = Market::of(3, 2).await;
    let id = market.post().await;
    market.take_all(&id, 2).await;
    let seen = market.order(&id).await;
    let late = async |how| match end(market.app(), &seen, how, None, market.now()).await.unwrap() {
        Committed::Refused(refusal) => refusal.has(ORDER),
        Committed::Yes | Committed::Outrun => false,
    };
    market.take(&id, EXECUTOR + 2).await;
    for how in [End::Completed, End::Closed, End::ByClock(Status::ClosedNoResponse)] {
        assert!(late(how).await, "{how:?} after a take");
    }
    market.act(&id, Act::Respond).await;
    assert!(late(End::Closed).await, "a refund after a response");
    market.act(&id, Act::Complete).await;
    assert!(late(End::Completed).await, "a completion after a completion");
    market.check_invariants().await;
}
