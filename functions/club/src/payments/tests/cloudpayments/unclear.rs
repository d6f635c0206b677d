//! Calls whose answer is lost: what CloudPayments does once, it is asked for once.

use jiff::SignedDuration;

use super::*;
use crate::payments::contracts::RecurringContract;
use crate::payments::providers::{Provider, ProviderError};
use crate::testing::{CloudCall, CloudMood};

const SECRET: &str = "test-admin-secret-0123456789abcdef01";

/// All calls are one: under one request id, with one body.
fn is_one(calls: &[CloudCall]) {
    let first = calls.first().unwrap();
    assert!(first.request_id.is_some());
    let same =
        |call: &CloudCall| (&call.request_id, &call.body) == (&first.request_id, &first.body);
    assert!(calls.iter().all(same), "{calls:?}");
}

/// A shop with a payment of 2000 roubles.
async fn sold(settings: &[(&str, &str)]) -> (Shop, CloudServer, Payment) {
    let (shop, cloud) = till(settings).await;
    let id = shop.cloud_linked().await;
    cloud.books().add(&json!({ "InvoiceId": id, "AccountId": PAYER.to_string() }));
    shop.tell("pay", &paid(1_001, &id)).await;
    let payment = shop.read::<Payment>("Payment").await.remove(0);
    (shop, cloud, payment)
}

#[tokio::test]
async fn what_becomes_of_a_lost_answer_is_not_told_by_the_repeat_that_fails() {
    for then in [CloudMood::Refusing(500), CloudMood::Refusing(400), CloudMood::SayingNo] {
        let (shop, cloud, payment) = sold(&[]).await;
        cloud.books().then = then;
        cloud.feel(CloudMood::GarblingOnce);
        let limit = Duration::from_secs(60);
        let (app, provider) = (&shop.world.app, Provider::Cloudpayments);
        let error = provider.refund(app, &payment, 100, "rfd_1", limit).await.unwrap_err();
        assert!(!error.is_clear(), "{then:?}: {error}");
        let calls = cloud.called("payments/refund");
        assert_eq!(calls.len(), 2, "{then:?}");
        is_one(&calls);
        // It was given back by the first call, and by no other.
        assert_eq!(cloud.books().operations.len(), 2, "{then:?}");
    }
}

#[tokio::test]
async fn an_answer_is_asked_for_once_more_and_only_while_there_is_time() {
    let (shop, cloud, payment) = sold(&[]).await;
    cloud.books().then = CloudMood::GarblingOnce;
    cloud.feel(CloudMood::GarblingOnce);
    let (app, provider) = (&shop.world.app, Provider::Cloudpayments);
    let limit = Duration::from_secs(60);
    let lost = provider.refund(app, &payment, 100, "rfd_1", limit).await.unwrap_err();
    assert!(!lost.is_clear(), "{lost}");
    assert_eq!(cloud.called("payments/refund").len(), 2);
    // No time is left after an answer that never came.
    cloud.feel(CloudMood::Mute);
    let short = Duration::from_millis(200);
    let lost = provider.refund(app, &payment, 100, "rfd_2", short).await.unwrap_err();
    assert!(!lost.is_clear(), "{lost}");
    assert_eq!(cloud.called("payments/refund").len(), 3);
    // A refusal is an answer.
    for mood in [CloudMood::Refusing(500), CloudMood::Refusing(429), CloudMood::SayingNo] {
        cloud.feel(mood);
        let before = cloud.called("payments/refund").len();
        provider.refund(app, &payment, 100, "rfd_3", short).await.unwrap_err();
        assert_eq!(cloud.called("payments/refund").len(), before + 1, "{mood:?}");
    }
}

#[tokio::test]
async fn a_refund_that_nobody_knows_of_is_looked_for_from_when_it_was_wanted() {
    let (shop, cloud, payment) = sold(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
    let other = |at: shared::clock::Instant| json!({ "InvoiceId": "other", "CreatedDateIso": at.to_string() });
    for _ in 0..450 {
        cloud.books().add(&other(payment.at));
    }
    shop.pass(20 * 86_400);
    let wanted = shop.world.now();
    let refund = || {
        let path = format!("/api/admin/payments/{}/refund", payment.id());
        let request = Request::post(&path, json!({})).header("x-admin-secret", SECRET);
        shop.world.call(crate::admin::refund(), request.header("idempotency-key", "one"))
    };
    cloud.feel(CloudMood::Mute);
    assert_eq!(refund().await.status, 503);
    cloud.feel(CloudMood::Fine);
    for _ in 0..20 {
        cloud.books().add(&other(shop.world.now()));
    }
    shop.pass(3_600);
    let reply = refund().await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(cloud.called("payments/refund").len(), 1, "read, and not asked for again");
    let listed = cloud.called("v2/payments/list");
    assert_eq!(listed.len(), 1, "not the books of all days since the payment");
    let since: shared::clock::Instant =
        listed[0].json()["CreatedDateGte"].as_str().unwrap().parse().unwrap();
    assert!(since < wanted && since > wanted - SignedDuration::from_mins(10), "{since}");
    assert_eq!((shop.payer().await.balance, shop.count("Refund").await), (0, 1));
}

#[tokio::test]
async fn an_end_that_is_refused_is_told_once_and_tried_until_it_is_done() {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    cloud.books().subscriptions.insert("sc_1".to_owned(), "Active".to_owned());
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    shop.tell("refund", "TransactionId=9&PaymentTransactionId=1&Amount=2000.00").await;
    let alerts = shop.messages("admin_alert").await;
    cloud.feel(CloudMood::SayingNo);
    for _ in 0..3 {
        shop.perform_all().await;
        shop.pass(5 * 60);
    }
    assert!(cloud.called("subscriptions/cancel").len() >= 3);
    assert_eq!(shop.messages("admin_alert").await, alerts + 1, "once for all tries");
    let live = async || shop.read::<RecurringContract>("RecurringContract").await[0].live;
    assert!(live().await);
    // What passes by itself is nobody's to look at.
    cloud.feel(CloudMood::Fine);
    shop.perform_all().await;
    assert!(!live().await);
    assert_eq!(cloud.books().subscriptions["sc_1"], "Cancelled");
    assert_eq!(shop.messages("admin_alert").await, alerts + 1);
}

#[tokio::test]
async fn what_passes_by_itself_alarms_nobody() {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    cloud.books().subscriptions.insert("sc_1".to_owned(), "Active".to_owned());
    shop.tell("pay", &(paid(1, &id) + "&SubscriptionId=sc_1")).await;
    shop.tell("refund", "TransactionId=9&PaymentTransactionId=1&Amount=2000.00").await;
    let alerts = shop.messages("admin_alert").await;
    for mood in [CloudMood::Refusing(500), CloudMood::Refusing(429), CloudMood::Fine] {
        cloud.feel(mood);
        shop.perform_all().await;
        shop.pass(5 * 60);
    }
    assert_eq!(shop.messages("admin_alert").await, alerts);
    let refused = ProviderError::Refused;
    assert!(refused.is_clear(), "a refusal says that nothing was done");
    assert_eq!(cloud.books().subscriptions["sc_1"], "Cancelled");
}
