//! The audit dies at every call to the store; the next one does all that it would have done.

use engine::{CrashMode, CrashPlan};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::spoil;
use crate::audit::audit;
use crate::events::{Feed, FeedCounter};
use crate::notify::tests::town::{CLIENT, Town};
use crate::orders::Status;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];
const AUDIT: &str = "local-errands-audit";

/// A town with one order, a feed that says too much, and a client who has too much.
async fn town() -> (Town, Feed) {
    let town = Town::open().await;
    let order = town.order(1).await;
    town.follow().await;
    town.world.put(&crate::orders::OwnedOrder::of(&order)).await;
    town.world.put(&crate::orders::ContactLock::of(&order)).await;
    town.change(CLIENT, |user| {
        user.active_orders = 1;
        user.own_active = 1;
    })
    .await;
    spoil(&town, CLIENT, "balance", 1).await;
    let feed = Feed::of(Status::Active, &order.city_key, &order.category).pop().unwrap();
    town.world.table().write(FeedCounter::change(&feed, 2, 7)).await.unwrap();
    (town, feed)
}

async fn said(town: &Town, feed: &Feed) -> i64 {
    let rows = town.world.table().batch(&FeedCounter::keys(feed)).await.unwrap();
    rows.iter().map(|item| item.read::<FeedCounter>().unwrap().count).sum()
}

/// Everything that an audit may not touch.
async fn untouched(town: &Town) -> Vec<Value> {
    let mut all = Vec::new();
    for kind in ["User", "Order", "OwnedOrder", "ContactLock", "LedgerEntry", "Payment"] {
        all.extend(town.world.items(kind).await);
    }
    all
}

async fn dies(at: u64, mode: CrashMode) {
    let (town, feed) = town().await;
    let before = untouched(&town).await;
    let faults = town.world.engine.faults();
    faults.crash(CrashPlan { caller: Some(AUDIT.to_owned()), at, mode });
    let _ = town.world.tick(audit()).await;
    assert!(faults.crashed(), "{mode:?} at {at}");
    faults.clear();
    // Wrong as before or right, and nothing between.
    assert!([1, 8].contains(&said(&town, &feed).await), "{mode:?} at {at}");
    // Whoever died holds the work until its time would have been over.
    town.pass(60);
    let report = town.world.tick(audit()).await.unwrap();
    let what = format!("{mode:?} at {at}: {report}");
    assert_eq!(
        (&report["complete"], &report["lease_held"]),
        (&json!(true), &json!(false)),
        "{what}"
    );
    let subject = format!("user {CLIENT}");
    let violations =
        ["I1", "I8"].map(|invariant| json!({ "invariant": invariant, "subject": subject }));
    assert_eq!(report["violations"], json!(violations), "{what}");
    assert_eq!((said(&town, &feed).await, &before), (1, &untouched(&town).await), "{what}");
}

#[tokio::test]
async fn an_audit_that_dies_anywhere_is_made_up_for_by_the_next() {
    let (town, feed) = town().await;
    town.world.engine.faults().reset_counts();
    let report = town.world.tick(audit()).await.unwrap();
    assert_eq!(report["corrections"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(said(&town, &feed).await, 1);
    let calls = town.world.engine.faults().seen(Some(AUDIT));
    assert!(calls >= 30, "{calls}");
    // At once, as most of it is waiting between two readings.
    let mut running = JoinSet::new();
    for at in 0..calls {
        for mode in MODES {
            running.spawn(dies(at, mode));
        }
    }
    running.join_all().await;
}
