//! The process dies at every call to a store, or the store fails it: LavaTop delivers again.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target};
use shared::clock::days;

use super::*;

const FUNCTION: &str = "club-lavatop-payment";
const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

impl Lava {
    /// Delivers each of these with a crash, and again without.
    async fn survive(&self, words: &[Value], at: u64, mode: CrashMode) {
        for word in words {
            let faults = self.shop.world.engine.faults();
            let caller = Some(format!("local-{FUNCTION}"));
            faults.crash(CrashPlan { caller, at, mode });
            self.tell(word.clone()).await;
            faults.clear();
            self.shop.check_invariants().await;
        }
        for word in words {
            assert_eq!(self.tell(word.clone()).await.status, 200, "{mode:?} at {at}");
        }
    }
}

fn cancelled(purchase: &str) -> Value {
    json!({ "eventType": CANCELLED, "contractId": purchase })
}

#[tokio::test]
async fn a_subscription_that_dies_anywhere_is_the_same_in_the_end() {
    for at in 0..5 {
        for mode in MODES {
            let lava = Lava::open().await;
            let (id, purchase) = lava.linked().await;
            lava.server.pay(&purchase);
            let next = lava.server.renew(&purchase);
            let words = [
                lava.server.word(PAID, &purchase),
                lava.server.word(RENEWED, &next),
                cancelled(&purchase),
            ];
            lava.survive(&words, at, mode).await;
            let payer = lava.shop.payer().await;
            let until = lava.shop.world.now() + days(60);
            assert_eq!(payer.subscription_expires, Some(until), "{mode:?} at {at}");
            assert_eq!((payer.balance, payer.auto_renewal), (1_000, false), "{mode:?} at {at}");
            assert_eq!(lava.shop.status(&id).await, Status::Paid);
        }
    }
}

/// The end came first, and the word of the first payment dies at every step.
#[tokio::test]
async fn an_early_end_holds_whatever_dies() {
    for at in 0..6 {
        for mode in MODES {
            let lava = Lava::open().await;
            let (_, purchase) = lava.linked().await;
            lava.server.pay(&purchase);
            let words = [cancelled(&purchase), lava.server.word(PAID, &purchase)];
            lava.survive(&words, at, mode).await;
            lava.shop.perform_all().await;
            let payer = lava.shop.payer().await;
            assert_eq!((payer.balance, payer.auto_renewal), (500, false), "{mode:?} at {at}");
        }
    }
}

/// Never acknowledged without being stored.
#[tokio::test]
async fn while_the_store_is_down_every_word_is_to_come_again() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    let next = lava.server.renew(&purchase);
    let paid = lava.server.word(PAID, &purchase);
    let words = [
        paid.clone(),
        but(paid.clone(), json!({ "amount": 1 })),
        but(paid.clone(), json!({ "clientUtm": null, "contractId": "nobody" })),
        lava.server.word(FAILED, &purchase),
        lava.server.word(UNRENEWED, &next),
        lava.server.word(RENEWED, &next),
        cancelled(&purchase),
    ];
    let faults = lava.shop.world.engine.faults();
    let down = Fault::new(Target::Dynamodb, FaultKind::Error);
    faults.inject(down.caller(&format!("local-{FUNCTION}")));
    for word in &words {
        let reply = lava.tell(word.clone()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (503, &json!("conflict_retry")));
    }
    faults.clear();
    assert_eq!(
        (lava.shop.count("Payment").await, lava.shop.count("UnassignedPayment").await),
        (0, 0)
    );
    assert_eq!(lava.tell(paid).await.status, 200);
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
}
