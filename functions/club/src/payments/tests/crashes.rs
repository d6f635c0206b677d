//! The process dies at every call to a store, or the store fails it; what comes after heals it.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use shared::clock::days;

use super::*;
use crate::payments::{check, sweep};
use crate::testing::CHECKS;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

/// How many calls `work` makes as `function`.
async fn calls(shop: &Shop, function: &str, work: impl Future<Output = Reply>) -> u64 {
    shop.world.engine.faults().reset_counts();
    assert_eq!(work.await.status, 200);
    shop.world.engine.faults().seen(Some(&format!("local-{function}")))
}

#[tokio::test]
async fn a_settlement_that_dies_anywhere_settles_once() {
    let function = "club-payments-sandbox-webhook";
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let calls = calls(&shop, function, shop.succeed(&id)).await;
    assert_eq!(calls, 2);
    for at in 0..calls {
        for mode in MODES {
            let shop = Shop::open().await;
            let id = shop.linked().await;
            shop.world.engine.faults().crash(plan(function, at, mode));
            let reply = shop.succeed(&id).await;
            shop.world.engine.faults().clear();
            shop.check_invariants().await;
            // Never acknowledged without being stored.
            let stored = shop.count("Payment").await;
            assert!(reply.status != 200 || stored == 1, "{mode:?} at {at}");
            assert_eq!(shop.succeed(&id).await.status, 200);
            let payer = shop.payer().await;
            assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(30)));
            assert_eq!((payer.balance, shop.messages("congratulation").await), (500, 1));
            shop.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_link_that_dies_anywhere_leaves_at_most_one_open_attempt() {
    let function = "club-payments-link";
    let keyed = |shop: &Shop| shop.request(monthly()).header("idempotency-key", "one");
    let shop = Shop::open().await;
    let calls = calls(&shop, function, shop.world.call(link(), keyed(&shop))).await;
    for at in 0..calls {
        for mode in MODES {
            let shop = Shop::open().await;
            shop.world.engine.faults().crash(plan(function, at, mode));
            shop.world.call(link(), keyed(&shop)).await;
            shop.world.engine.faults().clear();
            shop.check_invariants().await;
            // Clients come again, with the same key: at once, and after the provider's time.
            let at_once = shop.world.call(link(), keyed(&shop)).await;
            assert!([200, 503].contains(&at_once.status.as_u16()), "{mode:?} at {at}");
            shop.pass(8);
            let later = shop.world.call(link(), keyed(&shop)).await;
            assert_eq!(later.status, 200, "{mode:?} at {at}: {}", later.body);
            shop.check_invariants().await;
            assert_eq!(shop.count("OpenAttempt").await, 1);
            // Whatever hints were lost, the money is seen.
            let id = later.body["attempt_id"].as_str().unwrap();
            shop.world.provider.change(id, |invoice| invoice.state = "paid".to_owned());
            shop.world.engine.queues().purge(CHECKS).unwrap();
            shop.pass(150);
            shop.world.tick(sweep()).await.unwrap();
            shop.world.deliver(check(), CHECKS).await;
            assert_eq!(shop.status(id).await, Status::Paid, "{mode:?} at {at}");
        }
    }
}

#[tokio::test]
async fn a_check_that_dies_anywhere_is_made_once() {
    for at in 0..3 {
        for mode in MODES {
            let shop = Shop::open().await;
            let id = shop.linked().await;
            shop.pass(30);
            shop.world.engine.faults().crash(plan("club-payments-check", at, mode));
            shop.world.deliver(check(), CHECKS).await;
            shop.world.engine.faults().clear();
            // Redelivered, or found by the sweep.
            for _ in 0..4 {
                shop.pass(60);
                shop.world.tick(sweep()).await.unwrap();
                shop.world.deliver(check(), CHECKS).await;
            }
            let attempt = shop.attempt(&id).await;
            assert!((2..=6).contains(&attempt.checks_done), "{mode:?} at {at}: {attempt:?}");
            shop.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_any_call_once_changes_nothing_for_good() {
    let kinds = [
        FaultKind::Throttle,
        FaultKind::Conflict,
        FaultKind::FailBefore,
        FaultKind::LostAnswer,
        FaultKind::Error,
    ];
    for kind in kinds {
        for nth in 0..4 {
            let shop = Shop::open().await;
            let fault = |function: &str| {
                Fault::new(Target::Dynamodb, kind)
                    .when(When::Calls(vec![nth]))
                    .caller(&format!("local-{function}"))
            };
            shop.world.engine.faults().inject(fault("club-payments-link"));
            // The session may be what cannot be read; the caller comes again.
            let mut reply = shop.ask(monthly()).await;
            if reply.status != 200 {
                assert_eq!(reply.status, 503, "{kind:?} at {nth}: {}", reply.body);
                shop.pass(8);
                reply = shop.ask(monthly()).await;
            }
            assert_eq!(reply.status, 200, "{kind:?} at {nth}: {}", reply.body);
            let id = reply.body["attempt_id"].as_str().unwrap();
            shop.check_invariants().await;
            shop.world.engine.faults().inject(fault("club-payments-sandbox-webhook"));
            while shop.succeed(id).await.status != 200 {
                shop.check_invariants().await;
            }
            assert_eq!((shop.payer().await.balance, shop.count("Payment").await), (500, 1));
            shop.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn conflicts_that_never_end_are_told_to_come_again() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let fault = Fault::new(Target::Dynamodb, FaultKind::Conflict).operation("TransactWriteItems");
    shop.world.engine.faults().inject(fault);
    let reply = shop.succeed(&id).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (503, &json!("conflict_retry")));
    shop.world.engine.faults().clear();
    assert_eq!(shop.succeed(&id).await.status, 200);
    shop.check_invariants().await;
}
