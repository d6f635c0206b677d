//! A subscription that is over before its first payment was told.

use engine::{CrashMode, CrashPlan};
use shared::clock::days;

use super::*;
use crate::payments::contracts::RecurringContract;
use crate::payments::{check as check_attempt, reconcile};
use crate::testing::CHECKS;

const OVER: &str = "Id=sc_1&Status=Cancelled";

/// A subscription that is over, whose paid time stays.
async fn look(shop: &Shop, path: &str) {
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    let contracts: Vec<_> = contracts.iter().map(|one| (&*one.contract_id, one.live)).collect();
    assert_eq!(contracts, [("sc_1", false)], "{path}");
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.balance), (false, 500), "{path}");
    assert!(payer.subscription_expires.unwrap() > shop.world.now() + days(29), "{path}");
}

#[tokio::test]
async fn an_end_that_is_told_before_the_first_payment_is_kept_for_it() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    for _ in 0..2 {
        shop.tell("recurrent", OVER).await;
    }
    assert_eq!((shop.status(&id).await, shop.count("EarlyEnd").await), (Status::Pending, 1));
    for _ in 0..2 {
        shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
        look(&shop, "told").await;
    }
    assert!(shop.attempt(&id).await.contract_over);
    // What follows the payment finds nothing more to do, and neither does the end told anew.
    let ends = shop.count("SubscriptionEvent").await;
    shop.perform_all().await;
    shop.tell("recurrent", OVER).await;
    look(&shop, "performed").await;
    assert_eq!(shop.count("SubscriptionEvent").await, ends);
    shop.check_invariants().await;
}

#[tokio::test]
async fn the_end_of_another_subscription_ends_nothing() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("recurrent", "Id=sc_2&Status=Cancelled").await;
    shop.tell("recurrent", "Id=sc_1&Status=Active").await;
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    shop.perform_all().await;
    assert!(shop.payer().await.auto_renewal);
}

/// Money that no word told of is found by a check, or in the books.
#[tokio::test]
async fn an_early_end_holds_by_whatever_way_the_money_is_found() {
    for by_check in [true, false] {
        let (shop, cloud) = till(&[]).await;
        let id = shop.cloud_linked().await;
        shop.tell("recurrent", OVER).await;
        cloud.books().add(&json!({
            "InvoiceId": id, "AccountId": PAYER.to_string(), "SubscriptionId": "sc_1",
        }));
        if by_check {
            shop.pass(30);
            assert_eq!(shop.world.deliver(check_attempt(), CHECKS).await, (1, 0));
        } else {
            assert_eq!(shop.world.tick(reconcile()).await.unwrap()["settled"], 1);
        }
        look(&shop, &format!("by check: {by_check}")).await;
    }
}

#[tokio::test]
async fn an_early_end_holds_wherever_the_word_of_the_payment_dies() {
    for mode in [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer] {
        for at in 0.. {
            let (shop, _cloud) = till(&[]).await;
            let id = shop.cloud_linked().await;
            shop.tell("recurrent", OVER).await;
            let word = paid(1, &id) + "&SubscriptionId=sc_1";
            let caller = Some("local-club-cloudpayments-pay".to_owned());
            shop.world.engine.faults().crash(CrashPlan { caller, at, mode });
            shop.send("pay", notice("pay", &word)).await;
            let crashed = shop.world.engine.faults().crashed();
            shop.world.engine.faults().clear();
            shop.tell("pay", &word).await;
            shop.perform_all().await;
            look(&shop, &format!("{mode:?} at {at}")).await;
            shop.check_invariants().await;
            if !crashed {
                assert!(at >= 3, "nothing was killed");
                break;
            }
        }
    }
}
