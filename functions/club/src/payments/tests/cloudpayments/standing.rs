//! What moves no money: failures, cancelled payments, and where subscriptions stand.

use shared::clock::days;

use super::*;
use crate::payments::contracts::RecurringContract;

/// A shop with a subscription that was paid once.
async fn subscribed() -> (Shop, CloudServer, String) {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    (shop, cloud, id)
}

impl Shop {
    async fn subscription(&self) -> RecurringContract {
        let contracts: Vec<RecurringContract> = self.read("RecurringContract").await;
        contracts.into_iter().next().unwrap()
    }
}

#[tokio::test]
async fn a_failed_payment_leaves_the_order_payable() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let failed = |code: u32| {
        paid(1, &id).replace("Status=Completed", "Reason=InsufficientFunds")
            + &format!("&ReasonCode={code}")
    };
    for code in [5051, 5005] {
        shop.tell("fail", &failed(code)).await;
        let attempt = shop.attempt(&id).await;
        let reason = format!("declined: InsufficientFunds ({code})");
        assert_eq!((attempt.status, attempt.reason), (Status::Pending, Some(reason)));
    }
    assert_eq!(shop.count("Outbox").await, 0, "nobody is told");
    assert_eq!(shop.code("check", &paid(2, &id)).await, 0);
    shop.tell("pay", &paid(2, &id)).await;
    shop.tell("fail", &failed(5051)).await;
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    // Of an attempt that nobody knows there is nothing to keep.
    shop.tell("fail", &paid(3, "att_01KFD5J3Z0ABCDEFGHJKMNPQRS")).await;
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_renewal_that_fails_or_is_late_is_an_event_and_nothing_else() {
    let (shop, _cloud, id) = subscribed().await;
    let before = (shop.payer().await, shop.subscription().await, shop.attempt(&id).await);
    for _ in 0..2 {
        let failed = renewed(2, "sc_1").replace("Status=Completed", "Reason=System");
        shop.tell("fail", &failed).await;
        shop.tell("recurrent", "Id=sc_1&Status=PastDue&FailedTransactionsNumber=1").await;
    }
    shop.tell("recurrent", "Id=sc_1&Status=PastDue&FailedTransactionsNumber=2").await;
    shop.tell("cancel", &format!("TransactionId=5&Amount=2000.00&InvoiceId={id}")).await;
    for quiet in ["Id=sc_1&Status=Active", "Id=sc_1", "Id=sc_2&Status=PastDue", "Status=PastDue"] {
        shop.tell("recurrent", quiet).await;
    }
    let after = (shop.payer().await, shop.subscription().await, shop.attempt(&id).await);
    assert_eq!(before, after);
    for (event, number) in
        [("renewal_failed", 1), ("renewal_past_due", 2), ("payment_cancelled", 1)]
    {
        assert_eq!(shop.events(event).await, number, "{event}");
    }
    assert_eq!(shop.messages("admin_alert").await, 0);
}

#[tokio::test]
async fn a_subscription_that_is_over_keeps_the_paid_time() {
    for status in ["Cancelled", "Rejected", "Expired"] {
        let (shop, _cloud, id) = subscribed().await;
        let expires = shop.payer().await.subscription_expires;
        assert_eq!(expires, Some(shop.world.now() + days(30)));
        for _ in 0..2 {
            shop.tell("recurrent", &format!("Id=sc_1&Status={status}&AccountId={PAYER}")).await;
            let payer = shop.payer().await;
            assert_eq!((payer.subscription_expires, payer.auto_renewal), (expires, false));
            assert!(!shop.subscription().await.live);
        }
        assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
        shop.check_invariants().await;
    }
    let (shop, _cloud) = till(&[]).await;
    shop.tell("recurrent", "Id=sc_unknown&Status=Cancelled").await;
    assert_eq!(shop.count("RecurringContract").await, 0);
}

#[tokio::test]
async fn a_subscription_that_the_first_payment_did_not_name_begins_with_the_next() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &paid(1, &id)).await;
    assert!(!shop.payer().await.auto_renewal);
    let next = paid(2, &id) + "&SubscriptionId=sc_1";
    let other = next.replace(&format!("AccountId={PAYER}"), "AccountId=43");
    assert_ne!(shop.code("check", &other).await, 0, "another's account");
    assert_ne!(shop.code("check", &next.replace("2000.00", "1.00")).await, 0, "another sum");
    assert_ne!(shop.code("check", &paid(2, &id)).await, 0, "paid before");
    assert_eq!(shop.code("check", &next).await, 0);
    shop.tell("pay", &next).await;
    let payer = shop.payer().await;
    assert!(payer.auto_renewal && shop.subscription().await.contract_id == "sc_1");
    assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(60)));
    shop.check_invariants().await;
}
