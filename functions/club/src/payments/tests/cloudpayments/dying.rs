//! A notification's function dies at every call to the store; told again, it has one effect.

use engine::{CrashMode, CrashPlan};
use shared::clock::days;

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

/// A shop where a subscription was paid once, and once more where `twice` is true.
async fn subscribed(twice: bool) -> (Shop, CloudServer, String) {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    if twice {
        shop.tell("pay", &renewed(2, "sc_1")).await;
    }
    (shop, cloud, id)
}

/// Has `kind` die at every call that it makes for `body`, each in a shop of its own, tells it
/// again, and looks at what came of it.
async fn dies(kind: &str, twice: bool, body: &str, look: impl AsyncFn(&Shop)) {
    let caller = format!("local-club-cloudpayments-{kind}");
    let (shop, _cloud, _) = subscribed(twice).await;
    shop.world.engine.faults().reset_counts();
    shop.tell(kind, body).await;
    let calls = shop.world.engine.faults().seen(Some(&caller));
    assert!(calls > 1, "{kind}: {calls}");
    look(&shop).await;
    for at in 0..calls {
        for mode in MODES {
            let (shop, _cloud, _) = subscribed(twice).await;
            let plan = CrashPlan { caller: Some(caller.clone()), at, mode };
            shop.world.engine.faults().crash(plan);
            let path = format!("{kind} dies at {at}, {mode:?}");
            let reply = shop.send(kind, notice(kind, body)).await;
            shop.world.engine.faults().clear();
            shop.check_invariants().await;
            // Never taken without being stored.
            if reply.status == 200 {
                look(&shop).await;
            }
            for _ in 0..2 {
                assert_eq!(shop.code(kind, body).await, 0, "{path}");
                look(&shop).await;
            }
            shop.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_renewal_that_dies_anywhere_renews_once() {
    dies("pay", false, &renewed(2, "sc_1"), async |shop| {
        let payer = shop.payer().await;
        assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(60)));
        assert_eq!((payer.balance, shop.count("Payment").await), (1_000, 2));
    })
    .await;
}

#[tokio::test]
async fn a_refund_that_dies_anywhere_reverses_once() {
    let body = "TransactionId=9&PaymentTransactionId=1&Amount=1000.00";
    dies("refund", true, body, async |shop| {
        let payer = shop.payer().await;
        assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(45)));
        assert_eq!((payer.balance, shop.count("Refund").await), (750, 1));
    })
    .await;
}

#[tokio::test]
async fn an_end_that_dies_anywhere_ends_once_and_keeps_the_paid_time() {
    dies("recurrent", false, "Id=sc_1&Status=Rejected", async |shop| {
        let payer = shop.payer().await;
        assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(30)));
        assert_eq!((payer.balance, payer.auto_renewal), (500, false));
        let ended = shop.world.items("SubscriptionEvent").await;
        let ended = ended.iter().filter(|event| event["event"]["S"] == "contract_ended").count();
        assert_eq!(ended, 1);
    })
    .await;
}
