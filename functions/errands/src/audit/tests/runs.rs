//! Runs of the audit.

use std::sync::Arc;

use serde_json::json;
use shared::lease::Lease;

use super::{EXECUTOR, sound, spoil};
use crate::audit::audit;
use crate::notify::tests::town::{Town, order};

#[tokio::test]
async fn a_run_reports_what_it_has_seen() {
    let town = sound().await;
    spoil(&town, EXECUTOR, "balance", 1).await;
    let report = town.world.tick(audit()).await.unwrap();
    assert_eq!((&report["users"], &report["orders"]), (&json!(2), &json!(4)));
    let subject = format!("user {EXECUTOR}");
    assert_eq!(
        report["violations"],
        json!([
            { "invariant": "I1", "subject": subject },
            { "invariant": "I8", "subject": subject },
        ])
    );
    assert_eq!((&report["complete"], &report["lease_held"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn one_run_at_a_time() {
    let town = sound().await;
    let now = town.world.now();
    let until = now + jiff::SignedDuration::from_secs(60);
    let lease = Lease::acquire(town.world.table(), "errands_audit", now, until).await.unwrap();
    let report = town.world.tick(audit()).await.unwrap();
    assert_eq!((&report["lease_held"], &report["users"]), (&json!(true), &json!(0)));
    lease.release(town.world.table(), now).await.unwrap();
    assert_eq!(town.world.tick(audit()).await.unwrap()["users"], 2);
}

#[tokio::test]
async fn a_run_without_time_goes_on_from_its_place() {
    let town = Town::open().await;
    for id in 1..=250 {
        town.world.known(id, "Иван").await;
    }
    let lease = Lease::acquire(town.world.table(), "test", town.world.now(), town.world.now());
    let lease = lease.await.unwrap();
    let (mut users, mut runs) = (0, 0);
    loop {
        let budget = std::time::Duration::ZERO;
        let report = crate::audit::jobs::resumed(&town.world.app, &lease, budget).await.unwrap();
        users += report.users;
        runs += 1;
        if report.complete {
            break;
        }
        assert!(runs < 100 && report.corrections.is_empty());
    }
    // Eight partitions of users, of orders and of payments.
    assert_eq!((users, runs), (251, 24));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_changes_while_being_read_is_not_accused() {
    let town = Arc::new(sound().await);
    let writer = tokio::spawn({
        let town = Arc::clone(&town);
        async move {
            for n in 100..160 {
                let order = order(n, town.world.now());
                let owned = crate::orders::OwnedOrder::of(&order);
                let lock = crate::orders::ContactLock::of(&order);
                let counters =
                    shared::table::Write::update("client", crate::users::user_key(order.client_id))
                        .add("active_orders", 1)
                        .add("own_active", 1);
                let writes = vec![
                    shared::table::Write::insert("order", &order),
                    shared::table::Write::insert("owned", &owned),
                    shared::table::Write::insert("lock", &lock),
                    counters,
                ];
                town.world.table().transact(writes).await.unwrap();
            }
        }
    });
    while !writer.is_finished() {
        let report = crate::audit::check(&town.world.app).await.unwrap();
        assert_eq!(report.violations, []);
    }
    writer.await.unwrap();
    let report = crate::audit::check(&town.world.app).await.unwrap();
    assert_eq!((report.orders, report.violations.len()), (64, 0));
}
