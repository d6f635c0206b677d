//! Money that was put aside and assigned: what its provider is asked for later, and what comes next.

use shared::clock::days;
use shared::function::Function;

use super::cloudpayments::{renewed, till};
use super::stars::star_shop;
use super::updates::recurring;
use super::*;
use crate::payments::contracts::RecurringContract;

const SECRET: &str = "test-admin-secret-0123456789abcdef01";
/// Who paid for somebody else.
const OTHER: i64 = 77;

impl Shop {
    async fn administer(&self, function: Function<App>, path: &str, body: Value) -> Reply {
        let request = Request::post(path, body).header("x-admin-secret", SECRET);
        let reply = self.world.call(function, request.header("idempotency-key", "one")).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply
    }

    /// Assigns money that was put aside to the member of these tests, for a month.
    async fn assign(&self, payment: &str) {
        let path = format!("/api/admin/unassigned-payments/{payment}/assign");
        let wish = json!({ "telegram_id": PAYER, "offer_key": "monthly_rub_2000" });
        self.administer(crate::admin::assign(), &path, wish).await;
    }
}

#[tokio::test]
async fn a_renewal_that_names_nothing_known_is_put_aside_and_its_subscription_goes_on_once_assigned()
 {
    let (shop, _cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    // The first payment named no subscription, and the next one names nothing else.
    shop.tell("pay", &super::cloudpayments::paid(1, &id)).await;
    for _ in 0..2 {
        shop.tell("pay", &renewed(2, "sc_1")).await;
    }
    assert_eq!(shop.count("UnassignedPayment").await, 1);
    assert_eq!((shop.payer().await.balance, shop.payer().await.auto_renewal), (500, false));
    shop.assign("cloudpayments:2").await;
    let payer = shop.payer().await;
    assert_eq!((payer.balance, payer.auto_renewal), (1_000, true));
    assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(60)));
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    assert_eq!((contracts.len(), &*contracts[0].contract_id), (1, "sc_1"));
    // From now on it is known.
    shop.tell("pay", &renewed(3, "sc_1")).await;
    assert_eq!(shop.payer().await.subscription_expires, Some(shop.world.now() + days(90)));
    assert_eq!(shop.count("UnassignedPayment").await, 1);
    shop.tell("recurrent", "Id=sc_1&Status=Cancelled").await;
    assert!(!shop.payer().await.auto_renewal);
    shop.check_invariants().await;
}

#[tokio::test]
async fn stars_that_another_paid_go_back_to_who_paid_them_and_end_their_subscription() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let mut update = recurring(1, &id, "first", true);
    update["message"]["from"]["id"] = json!(OTHER);
    shop.hear(update).await;
    let aside = shop.world.items("UnassignedPayment").await;
    assert_eq!((aside.len(), &aside[0]["reason"]["S"]), (1, &json!("other_payer")));
    shop.assign("stars:first").await;
    assert_eq!((shop.payer().await.balance, shop.contract().await.payer), (500, PAYER));
    let path = "/api/admin/payments/stars:first/refund";
    shop.administer(crate::admin::refund(), path, json!({})).await;
    let back = bot.called("refundStarPayment");
    assert_eq!(back, [json!({ "user_id": OTHER, "telegram_payment_charge_id": "first" })]);
    // What the payment gave is taken back from who got it.
    assert_eq!((shop.payer().await.balance, shop.payer().await.auto_renewal), (0, false));
    shop.perform_all().await;
    let ended = bot.called("editUserStarSubscription");
    assert_eq!((ended.len(), &ended[0]["user_id"]), (1, &json!(OTHER)));
    assert!(!shop.contract().await.live);
}
