//! Refunds touch their own payment only.

use proptest::prelude::*;
use shared::clock::days;

use super::*;
use crate::gifts::{Gift, GiftStatus};
use crate::payments::items::Refund;
use crate::payments::model::Reversal;
use crate::subscriptions::shortened;

fn refund(id: &str, refund_id: &str, amount: Option<&str>) -> Value {
    json!({ "attempt_id": id, "event": "refund", "refund_id": refund_id, "amount": amount })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_refund_takes_back_what_its_payment_gave() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.succeed(&id).await;
    let second = json!({ "attempt_id": id, "external_id": "second", "event": "success" });
    shop.deliver(second).await;
    let webhook = shop.webhook().await;
    let body = json!({ "attempt_id": id, "event": "refund" });
    let replies = shop.world.send_all(&webhook, (0..20).map(|_| delivery(body.clone()))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let payer = shop.payer().await;
    assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(30)));
    assert_eq!((payer.balance, payer.earned_total, payer.consumed_total), (500, 1000, 500));
    assert_eq!((shop.status(&id).await, shop.count("Refund").await), (Status::Paid, 1));
    assert_eq!(shop.messages("refunded").await, 0);
    shop.check_invariants().await;

    let last = json!({ "attempt_id": id, "external_id": "second", "event": "refund" });
    let reply = shop.deliver(last).await;
    assert_eq!((reply.cost.requests, reply.cost.items), (3, 8));
    let payer = shop.payer().await;
    assert_eq!((payer.subscription_expires, payer.balance), (Some(shop.world.now()), 0));
    assert_eq!(shop.status(&id).await, Status::Refunded);
    assert_eq!(shop.messages("refunded").await, 1);
    shop.check_invariants().await;

    // Money after a refund is for a person to decide.
    let third = json!({ "attempt_id": id, "external_id": "third", "event": "success" });
    assert_eq!(shop.deliver(third).await.status, 200);
    assert_eq!((shop.count("Payment").await, shop.count("UnassignedPayment").await), (2, 1));
    shop.succeed(&id).await;
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Refunded, 0));
}

#[tokio::test]
async fn two_halves_are_one_whole() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.succeed(&id).await;
    for _ in 0..2 {
        shop.deliver(refund(&id, "first", Some("1000.00"))).await;
        let payer = shop.payer().await;
        assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(15)));
        assert_eq!((payer.balance, shop.status(&id).await), (250, Status::Paid));
    }
    shop.deliver(refund(&id, "second", Some("1000.00"))).await;
    assert_eq!((shop.payer().await.balance, shop.status(&id).await), (0, Status::Refunded));
    shop.check_invariants().await;
    // More than came cannot go.
    for _ in 0..2 {
        shop.deliver(refund(&id, "third", Some("0.01"))).await;
        assert_eq!((shop.count("Refund").await, shop.messages("admin_alert").await), (2, 1));
    }
}

#[tokio::test]
async fn what_was_spent_is_not_collected() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.succeed(&id).await;
    let spend = crate::energies::Expense::refund("spent", "elsewhere", 400);
    let (table, now) = (shop.world.table(), shop.world.now());
    crate::energies::spend(table, PAYER, &spend, now).await.unwrap();
    shop.deliver(refund(&id, "all", None)).await;
    assert_eq!(shop.payer().await.balance, 0);
    let record: Vec<Refund> = shop.read("Refund").await;
    assert_eq!((record[0].energies, record[0].uncovered), (100, 400));
    let payment: Vec<Payment> = shop.read("Payment").await;
    assert_eq!((payment[0].energies_reversed, payment[0].refunded), (500, 200_000));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_refund_of_nothing_known_changes_nothing() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    for _ in 0..2 {
        assert_eq!(shop.deliver(refund("att_unknown", "a", None)).await.status, 200);
    }
    assert_eq!((shop.count("Refund").await, shop.status(&id).await), (0, Status::Pending));
    assert_eq!(shop.messages("admin_alert").await, 1);
    shop.succeed(&id).await;
    for (n, (amount, currency)) in
        [("0", "RUB"), ("2000.01", "RUB"), ("x", "RUB"), ("1", "USD")].into_iter().enumerate()
    {
        let body = json!({
            "attempt_id": id, "event": "refund", "refund_id": format!("r{n}"), "amount": amount,
            "currency": currency,
        });
        assert_eq!(shop.deliver(body).await.status, 200);
    }
    assert_eq!((shop.count("Refund").await, shop.payer().await.balance), (0, 500));
    assert_eq!(shop.messages("admin_alert").await, 5);
}

#[tokio::test]
async fn a_refund_before_its_payment_is_asked_for_again() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    for _ in 0..2 {
        let early = shop.deliver(refund(&id, "a", None)).await;
        assert_eq!((early.status.as_u16(), &early.body["code"]), (503, &json!("conflict_retry")));
    }
    assert_eq!(shop.messages("admin_alert").await, 0);
    shop.succeed(&id).await;
    assert_eq!(shop.deliver(refund(&id, "a", None)).await.status, 200);
    assert_eq!((shop.count("Refund").await, shop.status(&id).await), (1, Status::Refunded));

    // Money that was put aside never settles, so that its refund need not come again.
    let id = shop.linked().await;
    let aside = json!({ "attempt_id": id, "external_id": "x", "event": "success", "amount": "1" });
    assert_eq!(shop.deliver(aside).await.status, 200);
    let back = json!({ "attempt_id": id, "external_id": "x", "event": "refund" });
    assert_eq!(shop.deliver(back).await.status, 200);
    assert_eq!(shop.messages("admin_alert").await, 2);
}

#[tokio::test]
async fn a_gift_is_revoked_by_a_full_refund_only() {
    let shop = Shop::open().await;
    let id = shop.gift_linked(77).await;
    shop.succeed(&id).await;
    shop.deliver(refund(&id, "half", Some("1000.00"))).await;
    let status = async || shop.read::<Gift>("Gift").await[0].status;
    assert_eq!((status().await, shop.messages("admin_alert").await), (GiftStatus::Paid, 1));
    shop.deliver(refund(&id, "rest", None)).await;
    assert_eq!((status().await, shop.status(&id).await), (GiftStatus::Revoked, Status::Refunded));
    assert_eq!(shop.messages("refunded").await, 1);
    assert_eq!(shop.payer().await.balance, 0);
    shop.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parts_given_back_at_once_add_up() {
    let shop = Shop::open().await;
    let id = shop.gift_linked(77).await;
    shop.succeed(&id).await;
    let parts = (0..8).map(|n| delivery(refund(&id, &format!("part{n}"), Some("250.00"))));
    let mut parts: Vec<_> = parts.collect();
    let webhook = shop.webhook().await;
    // Whoever is outrun too often is told to come again.
    while !parts.is_empty() {
        let replies = shop.world.send_all(&webhook, parts.clone()).await;
        if replies.iter().all(|reply| reply.status == 200) {
            parts.clear();
        }
    }
    let payments: Vec<Payment> = shop.read("Payment").await;
    assert_eq!((payments[0].refunded, shop.count("Refund").await), (200_000, 8));
    assert_eq!(shop.status(&id).await, Status::Refunded);
}

proptest! {
    #[test]
    fn parts_reverse_as_much_as_the_whole(parts in proptest::collection::vec(1_u64..90_000, 1..12)) {
        let mut payment = super::rules::payment("att_1");
        let (mut days, mut energies) = (0, 0);
        for part in parts {
            let left = payment.sum.minor - payment.refunded;
            let Some(Reversal { refunded, full, days: d, energies: e }) = payment.reversal(part) else {
                prop_assert!(part > left);
                continue;
            };
            prop_assert_eq!((refunded, full), (payment.refunded + part, part == left));
            (days, energies) = (days + d, energies + e);
            payment.refunded = refunded;
            payment.days_reversed += d;
            payment.energies_reversed += e;
            prop_assert_eq!(u64::from(days), 30 * refunded / 200_000);
            prop_assert_eq!(u64::from(energies), 500 * refunded / 200_000);
        }
    }

    #[test]
    fn nothing_ends_in_the_past_by_a_refund(held in -100_i64..100, taken in 0_u32..200) {
        let now = shared::clock::Instant::from_seconds(1_768_900_000);
        let expires = now + jiff::SignedDuration::from_hours(24 * held);
        let until = shortened(Some(expires), taken, now).unwrap();
        prop_assert!(until <= expires);
        if expires <= now {
            prop_assert_eq!(until, expires);
        } else {
            prop_assert!(until >= now);
        }
        prop_assert_eq!(shortened(None, taken, now), None);
    }
}
