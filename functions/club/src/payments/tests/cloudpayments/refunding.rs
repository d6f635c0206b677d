//! Money that went back.

use shared::clock::days;

use super::*;
use crate::payments::items::Refund;

/// What is told of money of `payment` that went back by `number`.
fn back(number: u64, payment: u64, amount: &str) -> String {
    format!(
        "TransactionId={number}&PaymentTransactionId={payment}&Amount={amount}\
         &OperationType=Refund&AccountId={PAYER}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_reverses_exactly_its_payment() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    shop.tell("pay", &renewed(2, "sc_1")).await;
    let webhook = shop.world.start(refund()).await;
    let body = back(9, 1, "2000.00");
    let replies = shop.world.send_all(&webhook, (0..20).map(|_| notice("refund", &body))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.body["code"] == 0));
    let payer = shop.payer().await;
    assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(30)));
    assert_eq!((payer.balance, payer.auto_renewal), (500, true), "the renewal stays");
    let refunds: Vec<Refund> = shop.read("Refund").await;
    assert_eq!((refunds.len(), refunds[0].refund_id.as_str()), (1, "9"));
    assert_eq!((refunds[0].external_id.as_str(), refunds[0].minor), ("1", 200_000));
    assert_eq!(shop.status(&id).await, Status::Paid);
    // A later renewal settles.
    shop.tell("pay", &renewed(3, "sc_1")).await;
    assert_eq!(shop.payer().await.subscription_expires, Some(shop.world.now() + days(60)));
    shop.check_invariants().await;
}

#[tokio::test]
async fn two_halves_reverse_the_award_once() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &paid(1, &id)).await;
    for _ in 0..2 {
        shop.tell("refund", &back(8, 1, "1000.00")).await;
        assert_eq!((shop.payer().await.balance, shop.status(&id).await), (250, Status::Paid));
    }
    shop.tell("refund", &back(9, 1, "1000.00")).await;
    let payer = shop.payer().await;
    assert_eq!((payer.balance, payer.subscription_expires), (0, Some(shop.world.now())));
    assert_eq!((shop.status(&id).await, shop.count("Refund").await), (Status::Refunded, 2));
    // More than came cannot go.
    for _ in 0..2 {
        shop.tell("refund", &back(10, 1, "0.01")).await;
    }
    assert_eq!((shop.count("Refund").await, shop.messages("admin_alert").await), (2, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_refund_that_overtakes_its_payment_is_told_again() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    for body in [back(9, 1, "2000.00"), back(9, 1, "2000.00") + &format!("&InvoiceId={id}")] {
        let reply = shop.send("refund", notice("refund", &body)).await;
        assert_eq!(reply.status, 503, "{body}");
    }
    assert_eq!(shop.count("Outbox").await, 0);
    shop.tell("pay", &paid(1, &id)).await;
    shop.tell("refund", &back(9, 1, "2000.00")).await;
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Refunded, 0));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_refund_that_fits_nothing_is_told_to_people() {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    // Money that was put aside went back.
    shop.tell("pay", &paid(1, &id).replace("2000.00", "1.00")).await;
    shop.tell("refund", &back(8, 1, "1.00")).await;
    assert_eq!(shop.messages("admin_alert").await, 2);
    shop.tell("pay", &paid(2, &id)).await;
    let payout = back(9, 7, "1.00").replace("OperationType=Refund", "OperationType=CardPayout");
    shop.tell("refund", &payout).await;
    // Without its sum it agrees with nothing.
    shop.tell("refund", &back(9, 2, "")).await;
    for body in ["TransactionId=1&Amount=1.00", "PaymentTransactionId=2&Amount=1.00"] {
        for _ in 0..2 {
            shop.tell("refund", body).await;
        }
    }
    assert_eq!((shop.messages("admin_alert").await, shop.count("Refund").await), (5, 0));
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    shop.check_invariants().await;
}

#[tokio::test]
async fn the_newest_payment_of_a_subscription_given_back_ends_it() {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    cloud.books().subscriptions.insert("sc_1".to_owned(), "Active".to_owned());
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    shop.tell("refund", &back(9, 1, "2000.00")).await;
    assert!(!shop.payer().await.auto_renewal);
    shop.perform_all().await;
    assert_eq!(cloud.books().subscriptions["sc_1"], "Cancelled");
    assert_eq!(cloud.called("subscriptions/cancel").len(), 1);
    // Its own word of that changes nothing more.
    shop.tell("recurrent", "Id=sc_1&Status=Cancelled").await;
    assert_eq!(shop.status(&id).await, Status::Refunded);
    shop.check_invariants().await;
}
