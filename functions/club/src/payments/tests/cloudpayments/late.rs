//! A subscription whose id is told after its first payment was settled without it.

use shared::clock::days;

use super::*;
use crate::payments::contracts::RecurringContract;

const BACK: &str = "TransactionId=9&PaymentTransactionId=1&Amount=2000.00&OperationType=Refund";

/// A shop with a payment that named no subscription, and how it is told once it does.
async fn nameless() -> (Shop, CloudServer, String) {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &paid(1, &id)).await;
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, shop.count("RecurringContract").await), (false, 0));
    (shop, cloud, id)
}

fn named(id: &str) -> String {
    paid(1, id) + "&SubscriptionId=sc_1"
}

impl Shop {
    /// The subscriptions that there are, and whether they go on.
    async fn contracts(&self) -> Vec<(String, String, bool)> {
        let contracts: Vec<RecurringContract> = self.read("RecurringContract").await;
        contracts.into_iter().map(|one| (one.contract_id, one.newest, one.live)).collect()
    }
}

#[tokio::test]
async fn a_subscription_that_is_told_after_its_payment_renews_from_then_on() {
    let (shop, _cloud, id) = nameless().await;
    let before = shop.payer().await;
    let again = shop.send("pay", notice("pay", &paid(1, &id))).await.cost;
    shop.tell("pay", &named(&id)).await;
    let told = shop.send("pay", notice("pay", &named(&id))).await;
    assert_eq!((told.cost.requests, told.cost.items), (again.requests, 0), "known");
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.balance), (true, before.balance));
    assert_eq!(payer.subscription_expires, before.subscription_expires);
    assert_eq!(payer.contract.unwrap().contract_id, "sc_1");
    assert_eq!(shop.contracts().await, [("sc_1".to_owned(), "1".to_owned(), true)]);
    let payments: Vec<Payment> = shop.read("Payment").await;
    assert_eq!((payments.len(), payments[0].contract.as_deref()), (1, Some("sc_1")));
    assert_eq!(shop.attempt(&id).await.contract.as_deref(), Some("sc_1"));
    // It is renewed by its name alone, and a full refund of its newest payment ends it.
    shop.tell("pay", &renewed(2, "sc_1")).await;
    assert_eq!(shop.payer().await.subscription_expires, Some(shop.world.now() + days(60)));
    assert_eq!(shop.count("UnassignedPayment").await, 0);
    shop.tell("refund", &BACK.replace("PaymentTransactionId=1", "PaymentTransactionId=2")).await;
    assert!(!shop.payer().await.auto_renewal);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_subscription_that_is_told_after_its_money_went_back_is_to_end() {
    let (shop, _cloud, id) = nameless().await;
    shop.tell("refund", BACK).await;
    assert_eq!(shop.status(&id).await, Status::Refunded);
    for _ in 0..2 {
        shop.tell("pay", &named(&id)).await;
    }
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.balance), (false, 0));
    assert_eq!(shop.contracts().await, [("sc_1".to_owned(), "1".to_owned(), true)]);
    assert_eq!(shop.messages("end_contract").await, 1);
    // Money that comes before it has ended counts, and asks for the end once more.
    shop.tell("pay", &renewed(2, "sc_1")).await;
    shop.perform_all().await;
    assert!(!shop.payer().await.auto_renewal);
    assert_eq!((shop.payer().await.balance, shop.messages("end_contract").await), (500, 2));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_subscription_that_was_over_before_it_was_told_renews_nothing() {
    let (shop, _cloud, id) = nameless().await;
    let until = shop.payer().await.subscription_expires;
    shop.tell("recurrent", "Id=sc_1&Status=Cancelled").await;
    for _ in 0..2 {
        shop.tell("pay", &named(&id)).await;
    }
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.subscription_expires), (false, until));
    assert_eq!(shop.contracts().await, [("sc_1".to_owned(), "1".to_owned(), false)]);
    assert!(shop.attempt(&id).await.contract_over);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_subscription_that_is_told_late_and_often_is_one() {
    let (shop, _cloud, id) = nameless().await;
    let webhook = shop.world.start(pay()).await;
    let words = (0..20).map(|_| notice("pay", &named(&id)));
    shop.world.send_all(&webhook, words).await;
    shop.tell("pay", &named(&id)).await;
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.balance, shop.contracts().await.len()), (true, 500, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_subscription_that_is_told_late_gives_way_to_one_that_was_begun_meanwhile() {
    let (shop, cloud, id) = nameless().await;
    for subscription in ["sc_1", "sc_2"] {
        cloud.books().subscriptions.insert(subscription.to_owned(), "Active".to_owned());
    }
    let other = shop.cloud_linked().await;
    shop.tell("pay", &(paid(2, &other) + "&SubscriptionId=sc_2")).await;
    for _ in 0..2 {
        shop.tell("pay", &named(&id)).await;
    }
    assert_eq!(shop.messages("end_contract").await, 1);
    shop.perform_all().await;
    let payer = shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.balance), (true, 1_000));
    assert_eq!(payer.contract.unwrap().contract_id, "sc_2");
    let live: Vec<_> = shop.contracts().await.into_iter().filter(|one| one.2).collect();
    assert_eq!(cloud.books().subscriptions["sc_1"], "Cancelled");
    assert_eq!(live, [("sc_2".to_owned(), "2".to_owned(), true)]);
    shop.check_invariants().await;
}
