//! The process dies at every call to the store; what comes after heals it.

use engine::{CrashMode, CrashPlan};
use shared::clock::days;

use super::*;
use crate::gifts::GiftStatus;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

#[tokio::test]
async fn an_activation_that_dies_anywhere_happens_once() {
    let function = "club-gifts-activate";
    for key in [None, Some("one")] {
        let wish = async |party: &Party, gift: &Gift| {
            let wish = party.wish(RECIPIENT, &gift.token).await;
            key.map_or(wish.clone(), |key| wish.header("idempotency-key", key))
        };
        let mut struck = 0;
        for at in 0..4 {
            for mode in MODES {
                let party = Party::begin().await;
                let (_, gift) = party.give(None).await;
                let wish = wish(&party, &gift).await;
                party.world.engine.faults().crash(plan(function, at, mode));
                let reply = party.world.call(activate(), wish.clone()).await;
                party.world.engine.faults().clear();
                party.check_invariants().await;
                struck += usize::from(reply.status != 200);
                let again = party.world.call(activate(), wish).await;
                assert_eq!(again.status, 200, "{mode:?} at {at}: {}", again.body);
                let member = party.member(RECIPIENT).await;
                let until = Some(party.world.now() + days(30));
                assert_eq!((member.subscription_expires, member.balance), (until, 500));
                party.check_invariants().await;
            }
        }
        assert!(struck >= 6, "{struck}");
    }
}

#[tokio::test]
async fn an_end_that_dies_anywhere_comes_once() {
    let function = "club-gifts-expire";
    let party = Party::begin().await;
    party.give(None).await;
    party.pass(365 * DAY);
    party.world.engine.faults().reset_counts();
    party.run().await;
    let calls = party.world.engine.faults().seen(Some(&format!("local-{function}")));
    assert!(calls >= 8, "{calls}");
    for at in 0..calls {
        for mode in MODES {
            let party = Party::begin().await;
            let (_, gift) = party.give(None).await;
            party.pass(365 * DAY);
            party.world.engine.faults().crash(plan(function, at, mode));
            let _ = party.world.tick(expire()).await;
            party.world.engine.faults().clear();
            party.check_invariants().await;
            // The lease of a run that died ends by itself.
            party.pass(120);
            let ran = party.run().await;
            assert_eq!((&ran["lease_held"], &ran["failed"]), (&json!(false), &json!(0)));
            assert_eq!(party.gift(&gift.token).await.status, GiftStatus::Expired);
            assert_eq!(party.messages("gift_expired").await, 1, "{mode:?} at {at}");
            party.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_refund_of_an_activated_gift_that_dies_anywhere_takes_once() {
    for at in 0..5 {
        for mode in MODES {
            let party = Party::begin().await;
            let (attempt, gift) = party.give(None).await;
            party.activate(RECIPIENT, &gift).await;
            party.world.engine.faults().crash(plan("club-payments-sandbox-webhook", at, mode));
            party.refund(&attempt, "half", Some("1000.00")).await;
            party.world.engine.faults().clear();
            party.check_invariants().await;
            assert_eq!(party.refund(&attempt, "half", Some("1000.00")).await.status, 200);
            let member = party.member(RECIPIENT).await;
            let until = Some(party.world.now() + days(15));
            assert_eq!((member.subscription_expires, member.balance), (until, 250));
            party.check_invariants().await;
        }
    }
}
