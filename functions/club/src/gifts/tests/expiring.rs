//! The daily end of gifts.

use engine::{Fault, FaultKind, Target};
use shared::lease::Lease;

use super::*;
use crate::admin;
use crate::gifts::GiftStatus;
use crate::testing::ADMIN_JOBS;

#[tokio::test]
async fn what_is_over_expires_once_and_its_giver_is_told_once() {
    let party = Party::begin().await;
    let (_, over) = party.give(None).await;
    let (_, used) = party.give(None).await;
    party.activate(RECIPIENT, &used).await;
    party.pass(1);
    let (_, later) = party.give(None).await;
    party.pass(365 * DAY - 2);
    assert_eq!(party.run().await["expired"], 0);
    party.pass(1);
    for expired in [1, 0, 0] {
        let ran = party.run().await;
        let expected =
            json!({ "lease_held": false, "expired": expired, "failed": 0, "complete": true });
        assert_eq!(ran, expected);
    }
    // Fifty minutes late is another gift later, and no message more for the first.
    party.pass(50 * 60);
    assert_eq!(party.run().await["expired"], 1);
    let status = async |gift: &Gift| party.gift(&gift.token).await.status;
    assert_eq!(
        (status(&over).await, status(&later).await),
        (GiftStatus::Expired, GiftStatus::Expired)
    );
    assert_eq!(status(&used).await, GiftStatus::Activated);
    assert_eq!(party.messages("gift_expired").await, 2);
    assert_eq!(party.refused(STRANGER, &over).await, (410, "gift_expired".to_owned()));
    party.check_invariants().await;
}

#[tokio::test]
async fn more_than_a_page_expires_in_one_run() {
    let party = Party::begin().await;
    let (_, first) = party.give(None).await;
    for _ in 0..450 {
        let bought = crate::gifts::Bought {
            attempt_id: &first.attempt_id,
            payment_id: &first.payment_id,
            giver: GIVER,
            recipient: None,
            days: 30,
        };
        let gift = Gift::new(bought, 365, party.world.now());
        let writes = crate::gifts::granted(&gift).into_iter().collect();
        party.world.table().transact(writes).await.unwrap();
    }
    party.pass(365 * DAY);
    assert_eq!(party.run().await["expired"], 451);
    assert_eq!(party.messages("gift_expired").await, 451);
    let shown = party.list(GIVER).await.body["gifts"].as_array().unwrap().len();
    assert_eq!(shown, 200);
}

#[tokio::test]
async fn another_run_keeps_this_one_from_its_work() {
    let party = Party::begin().await;
    let (_, gift) = party.give(None).await;
    party.pass(365 * DAY);
    let now = party.world.now();
    let held = Lease::acquire(
        party.world.table(),
        "gift_expiry",
        now,
        now + jiff::SignedDuration::from_secs(60),
    );
    let held = held.await.unwrap();
    let ran = party.run().await;
    assert_eq!((&ran["lease_held"], &ran["expired"]), (&json!(true), &json!(0)));
    assert_eq!(party.gift(&gift.token).await.status, GiftStatus::Paid);
    held.release(party.world.table(), now).await.unwrap();
    assert_eq!(party.run().await["expired"], 1);
}

#[tokio::test]
async fn what_could_not_be_ended_is_ended_by_a_run_that_follows() {
    let party = Party::begin().await;
    let (_, over) = party.give(None).await;
    party.pass(366 * DAY);
    let fault = Fault::new(Target::Dynamodb, FaultKind::Conflict);
    party.world.engine.faults().inject(fault.operation("TransactWriteItems"));
    let ran = party.run().await;
    party.world.engine.faults().clear();
    assert_eq!((&ran["failed"], &ran["complete"]), (&json!(1), &json!(false)));
    party.pass(60);
    assert_eq!(party.world.deliver(admin::go_on(), ADMIN_JOBS).await, (1, 0));
    assert_eq!(party.gift(&over.token).await.status, GiftStatus::Expired);
    assert_eq!(party.world.depth(ADMIN_JOBS), 0);
    party.check_invariants().await;
}
