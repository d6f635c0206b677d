//! Money that came.

use shared::clock::days;

use super::*;
use crate::payments::contracts::RecurringContract;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_deliveries_at_once_are_one_payment() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let webhook = shop.world.start(pay()).await;
    let body = paid(1, &id);
    let replies = shop.world.send_all(&webhook, (0..50).map(|_| notice("pay", &body))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.body["code"] == 0));
    let payer = shop.payer().await;
    assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(30)));
    assert_eq!((payer.balance, payer.earned_total), (500, 500));
    for (kind, number) in [("Payment", 1), ("EnergyEntry", 1), ("SubscriptionEvent", 1)] {
        assert_eq!(shop.count(kind).await, number, "{kind}");
    }
    assert_eq!(shop.messages("congratulation").await, 1);
    let payments: Vec<Payment> = shop.read("Payment").await;
    assert_eq!(
        (payments[0].external_id.as_str(), payments[0].provider.name()),
        ("1", "cloudpayments")
    );
    shop.check_invariants().await;
}

#[tokio::test]
async fn money_may_come_before_our_own_write_and_after_we_gave_up() {
    for status in [Status::Created, Status::Failed, Status::Abandoned] {
        let (shop, _cloud) = till(&[]).await;
        let id = shop.cloud_linked().await;
        let attempt = shop.attempt(&id).await;
        if !status.is_open() {
            shop.world.table().write(crate::payments::store::freed(&attempt)).await.unwrap();
        }
        shop.world.put(&Attempt { status, url: None, invoice_id: None, ..attempt }).await;
        for _ in 0..2 {
            shop.tell("pay", &paid(1, &id)).await;
        }
        assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
        shop.check_invariants().await;
    }
}

#[tokio::test]
async fn what_is_not_money_of_a_payer_settles_nothing() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    for (from, to) in [
        ("Status=Completed", "Status=Authorized"),
        ("Status=Completed", "Status=Declined"),
        ("Status=Completed", "Status="),
        ("OperationType=Payment", "OperationType=CardPayout"),
        ("OperationType=Payment", "OperationType=Refund"),
    ] {
        shop.tell("pay", &paid(1, &id).replace(from, to)).await;
    }
    assert_eq!(
        (shop.status(&id).await, shop.count("UnassignedPayment").await),
        (Status::Pending, 0)
    );
    shop.tell("pay", &paid(1, &id)).await;
    assert_eq!(shop.status(&id).await, Status::Paid);
    shop.check_invariants().await;
}

#[tokio::test]
async fn money_that_disagrees_is_put_aside() {
    let other = "att_01KFD5J3Z0ABCDEFGHJKMNPQRS";
    for (from, to, reason) in [
        ("Amount=2000.00", "Amount=1999.99", "other_sum"),
        ("Amount=2000.00", "Amount=2000.01", "other_sum"),
        ("Amount=2000.00", "Amount=", "other_sum"),
        ("Currency=RUB", "Currency=USD", "other_sum"),
        ("Currency=RUB", "Currency=", "other_sum"),
        ("AccountId=1000000001", "AccountId=77", "other_payer"),
        ("AccountId=1000000001", "AccountId=", "other_payer"),
        ("InvoiceId=", "InvoiceId=x", "unknown_attempt"),
    ] {
        let (shop, _cloud) = till(&[]).await;
        let id = shop.cloud_linked().await;
        for _ in 0..2 {
            // An e-mail identifies nobody.
            let body = paid(1, &id).replace(from, to) + "&Email=anna%40example.com";
            shop.tell("pay", &body).await;
        }
        assert_eq!(shop.reasons().await, [reason], "{from} {to}");
        assert_eq!(shop.messages("admin_alert").await, 1);
        assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Pending, 0));
        shop.check_invariants().await;
    }
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &paid(1, other)).await;
    shop.tell("pay", &(paid(2, &id) + &format!("&Data={{\"attempt_id\":\"{other}\"}}"))).await;
    assert_eq!(shop.reasons().await, ["unknown_attempt", "two_attempts"]);
    assert_eq!(shop.status(&id).await, Status::Pending);
    // Without a number it cannot be kept, but it is told, once.
    for _ in 0..2 {
        shop.tell("pay", &paid(3, &id).replace("TransactionId=3", "TransactionId=x")).await;
    }
    assert_eq!((shop.count("UnassignedPayment").await, shop.messages("admin_alert").await), (2, 3));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_subscription_renews_by_its_id_or_by_its_attempt() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    assert_eq!((contracts.len(), contracts[0].contract_id.as_str()), (1, "sc_1"));
    assert!(shop.payer().await.auto_renewal);
    for (number, body) in [
        (2, renewed(2, "sc_1")),
        (2, renewed(2, "sc_1")),
        (3, paid(3, &id) + "&SubscriptionId=sc_1"),
    ] {
        shop.tell("pay", &body).await;
        let payer = shop.payer().await;
        assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(30 * number)));
        assert_eq!(payer.balance, 500 * i64::from(number));
        assert!(payer.auto_renewal);
    }
    shop.tell("pay", &renewed(4, "sc_unknown")).await;
    shop.tell("pay", &renewed(5, "sc_1").replace("2000.00", "1.00")).await;
    shop.tell("pay", &renewed(6, "sc_1").replace("AccountId=1", "AccountId=2")).await;
    assert_eq!(shop.reasons().await, ["unknown_attempt", "other_sum", "other_payer"]);
    assert_eq!((shop.count("Payment").await, shop.payer().await.balance), (3, 1_500));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_gift_is_no_subscription() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.gift_linked(77).await;
    assert_eq!(shop.attempt(&id).await.provider.name(), "cloudpayments");
    for _ in 0..2 {
        shop.tell("pay", &paid(1, &id)).await;
    }
    shop.tell("pay", &paid(2, &id)).await;
    assert_eq!((shop.count("Gift").await, shop.count("RecurringContract").await), (1, 0));
    assert_eq!(shop.reasons().await, ["gift_paid_before"]);
    assert_eq!((shop.payer().await.subscription_expires, shop.payer().await.balance), (None, 0));
    shop.check_invariants().await;
}
