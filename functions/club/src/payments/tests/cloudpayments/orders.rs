//! CloudPayments' API as the club calls it.

use shared::clock::days;

use super::*;
use crate::payments::contracts::RecurringContract;
use crate::payments::providers::{GaveBack, Provider, ProviderError, Told};
use crate::payments::{check as check_attempt, sweep};
use crate::testing::{CHECKS, CloudMood};

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_order_carries_the_attempt() {
    let (shop, cloud) = till(&[]).await;
    let reply = shop.ask(in_cloud()).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = reply.body["attempt_id"].as_str().unwrap();
    for (name, value) in [
        ("provider", "cloudpayments"),
        ("amount", "2000.00"),
        ("currency", "RUB"),
        ("invoice_id", "order1"),
        ("payment_url", "https://orders.example.com/d/order1"),
    ] {
        assert_eq!(reply.body[name], value);
    }
    let made = cloud.called("orders/create");
    assert_eq!((made.len(), made[0].request_id.as_deref()), (1, Some(id)));
    assert!(made[0].body.contains("\"Amount\":2000.00,"), "exact: {}", made[0].body);
    let order = made[0].json();
    for (name, value) in [
        ("InvoiceId", id),
        ("AccountId", "1000000001"),
        ("Currency", "RUB"),
        ("Email", "anna@example.com"),
        ("SubscriptionBehavior", "CreateMonthly"),
    ] {
        assert_eq!(order[name], value, "{name}");
    }
    let along: Value = serde_json::from_str(order["JsonData"].as_str().unwrap()).unwrap();
    assert_eq!(along, json!({ "attempt_id": id }));
    // The same again, without another order.
    assert_eq!(shop.ask(in_cloud()).await.body["reused"], true);
    assert_eq!(cloud.called("orders/create").len(), 1);
    // A gift is paid once, and its form's e-mail is nobody's.
    shop.gift_linked(77).await;
    let gift = cloud.called("orders/create")[1].json();
    assert_eq!((gift.get("SubscriptionBehavior"), gift.get("Email")), (None, None));
    shop.check_invariants().await;
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_is_read_and_not_made_again() {
    let (shop, cloud) = till(&[]).await;
    cloud.feel(CloudMood::GarblingOnce);
    let reply = shop.ask(in_cloud()).await;
    assert_eq!((reply.status.as_u16(), &reply.body["invoice_id"]), (200, &json!("order1")));
    assert_eq!((cloud.called("orders/create").len(), cloud.books().orders), (2, 1));
    // Asked for anew, it is the first order again.
    let id = reply.body["attempt_id"].as_str().unwrap();
    let attempt = shop.attempt(id).await;
    let again = attempt.provider.invoice(&shop.world.app, &attempt).await.unwrap();
    assert_eq!((again.id.as_str(), cloud.books().orders), ("order1", 1));
}

#[tokio::test]
async fn a_link_that_is_not_made_is_none() {
    for mood in [
        CloudMood::Refusing(401),
        CloudMood::Refusing(429),
        CloudMood::Refusing(500),
        CloudMood::SayingNo,
        CloudMood::Silent,
        CloudMood::Mute,
    ] {
        let (shop, cloud) = till(&[("PROVIDER_TIMEOUT_MS", "300")]).await;
        cloud.feel(mood);
        let reply = shop.ask(in_cloud()).await;
        assert_eq!((reply.status.as_u16(), &reply.body["code"]), (502, &json!("provider_error")));
        let attempts: Vec<Attempt> = shop.read("Attempt").await;
        assert_eq!((attempts.len(), attempts[0].status), (1, Status::Failed), "{mood:?}");
        cloud.feel(CloudMood::Fine);
        assert_ne!(shop.cloud_linked().await, attempts[0].id);
        shop.check_invariants().await;
    }
    let (shop, _cloud) = till(&[("CLOUDPAYMENTS_API_SECRET", "another")]).await;
    assert_eq!(shop.ask(in_cloud()).await.status, 502);
    let nowhere = [("CLOUDPAYMENTS_API_URL", "http://127.0.0.1:1")];
    let (shop, _cloud) = till(&nowhere).await;
    assert_eq!(shop.ask(in_cloud()).await.status, 502);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_check_heals_a_lost_word() {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let of_order = |more: Value| {
        let mut operation = json!({ "InvoiceId": id, "AccountId": PAYER.to_string() });
        operation.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        operation
    };
    let mut done = 0;
    // Nothing, then what is not money, then answers that are none.
    for more in [json!(null), json!({ "Status": "Declined" }), json!({ "Status": "Authorized" })] {
        if more.is_object() {
            cloud.books().add(&of_order(more));
        }
        shop.pass(30);
        assert_eq!(shop.world.deliver(check_attempt(), CHECKS).await, (1, 0));
        done += 1;
        let attempt = shop.attempt(&id).await;
        assert_eq!((attempt.status, attempt.checks_done), (Status::Pending, done));
    }
    for mood in [CloudMood::Refusing(500), CloudMood::SayingNo] {
        cloud.feel(mood);
        shop.pass(30);
        shop.world.deliver(check_attempt(), CHECKS).await;
    }
    cloud.feel(CloudMood::Fine);
    let number = cloud.books().add(&of_order(json!({ "SubscriptionId": "sc_1" })));
    shop.pass(30);
    shop.world.deliver(check_attempt(), CHECKS).await;
    assert_eq!(shop.status(&id).await, Status::Paid);
    let payments: Vec<Payment> = shop.read("Payment").await;
    assert_eq!((payments.len(), &payments[0].external_id), (1, &number.to_string()));
    assert!(shop.payer().await.auto_renewal);
    // The word comes after all, and changes nothing.
    shop.tell("pay", &(paid(number, &id) + "&SubscriptionId=sc_1")).await;
    assert_eq!((shop.payer().await.balance, shop.count("RecurringContract").await), (500, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn the_sweep_finds_money_of_an_attempt_that_was_given_up() {
    let (shop, cloud) = till(&[("PAYMENT_CHECKS", "1")]).await;
    let id = shop.cloud_linked().await;
    shop.pass(30);
    shop.world.deliver(check_attempt(), CHECKS).await;
    assert_eq!(shop.status(&id).await, Status::Abandoned);
    cloud.books().add(&json!({ "InvoiceId": id, "AccountId": PAYER.to_string() }));
    shop.pass(15 * 60);
    assert_eq!(shop.world.tick(sweep()).await.unwrap()["settled"], 1);
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    shop.check_invariants().await;
}

#[tokio::test]
async fn money_that_came_and_went_is_no_reason_to_give_anything() {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let attempt = shop.attempt(&id).await;
    let ask = || attempt.provider.ask(&shop.world.app, &attempt, LIMIT);
    assert_eq!(ask().await.unwrap(), Told::Unpaid);
    let order = json!({ "InvoiceId": id, "AccountId": PAYER.to_string() });
    let number = cloud.books().add(&order);
    let back = |amount: f64| {
        json!({
            "InvoiceId": id, "Type": 1, "Amount": amount, "OriginalTransactionId": number,
        })
    };
    cloud.books().add(&back(500.0));
    let Told::Paid(came) = ask().await.unwrap() else { panic!("a part stays") };
    assert_eq!((came.external_id, came.payer), (number.to_string(), Some(PAYER)));
    cloud.books().operations.pop();
    cloud.books().add(&back(2000.0));
    assert_eq!(ask().await.unwrap(), Told::Unpaid);
    cloud.feel(CloudMood::Silent);
    let soon = attempt.provider.ask(&shop.world.app, &attempt, Duration::from_millis(100)).await;
    assert!(soon.is_err());
}

/// A contract that is paid, and the payment.
async fn contract(shop: &Shop) -> (RecurringContract, Payment) {
    let id = shop.cloud_linked().await;
    shop.tell("pay", &(paid(1_001, &id) + "&SubscriptionId=sc_1")).await;
    let contracts: Vec<RecurringContract> = shop.read("RecurringContract").await;
    let payments: Vec<Payment> = shop.read("Payment").await;
    (contracts[0].clone(), payments[0].clone())
}

#[tokio::test]
async fn a_subscription_ends_once_and_one_that_is_over_has_ended() {
    let (shop, cloud) = till(&[]).await;
    let (contract, _) = contract(&shop).await;
    let end = || Provider::Cloudpayments.end(&shop.world.app, &contract, LIMIT);
    let refused = end().await.unwrap_err();
    assert!(matches!(refused, ProviderError::Refused), "{refused}");
    let now_stands = |status: &str| {
        cloud.books().subscriptions.insert("sc_1".to_owned(), status.to_owned());
    };
    for status in ["Active", "PastDue", "Cancelled", "Rejected", "Expired"] {
        now_stands(status);
        end().await.unwrap();
        end().await.unwrap();
    }
    now_stands("Active");
    for mood in [CloudMood::Refusing(500), CloudMood::SayingNo] {
        cloud.feel(mood);
        end().await.unwrap_err();
    }
    // It was done, and nobody heard: done again, it is done.
    cloud.feel(CloudMood::GarblingOnce);
    end().await.unwrap_err();
    end().await.unwrap();
    assert_eq!(cloud.books().subscriptions["sc_1"], "Cancelled");
}

#[tokio::test]
async fn one_key_gives_back_once_and_what_was_given_back_can_be_read() {
    let (shop, cloud) = till(&[]).await;
    let (_, payment) = contract(&shop).await;
    let order = payment.attempt_id.clone();
    let number = cloud.books().add(&json!({ "InvoiceId": order }));
    assert_eq!(number.to_string(), payment.external_id);
    let app = &shop.world.app;
    let provider = Provider::Cloudpayments;
    let given = || provider.given_back(app, &payment, payment.at, LIMIT);
    assert_eq!(given().await.unwrap(), []);
    assert_eq!(cloud.called("v2/payments/list").len(), 0, "the order's last operation tells");
    let back = |minor, key| provider.refund(app, &payment, minor, key, LIMIT);
    let first = back(100_050, "rfd_1").await.unwrap();
    assert_eq!(first, GaveBack { refund_id: "1002".to_owned(), minor: 100_050 });
    assert_eq!(back(100_050, "rfd_1").await.unwrap(), first, "under the same key");
    let asked = cloud.called("payments/refund");
    assert_eq!(asked[0].body, r#"{"TransactionId":1001,"Amount":1000.50}"#);
    assert_eq!(asked[0].request_id.as_deref(), Some("rfd_1"));
    cloud.feel(CloudMood::GarblingOnce);
    let second = back(50_000, "rfd_2").await.unwrap();
    assert_eq!((second.refund_id.as_str(), cloud.books().operations.len()), ("1003", 3));
    // Of much that happened since, only what is this payment's.
    for n in 0..250 {
        let other = json!({ "Type": n % 2, "OriginalTransactionId": 7, "InvoiceId": "other" });
        cloud.books().add(&other);
    }
    assert_eq!(given().await.unwrap(), [first, second]);
    assert_eq!(cloud.called("v2/payments/list").len(), 3);
    let refused = back(100_000, "rfd_3").await.unwrap_err();
    assert!(matches!(refused, ProviderError::Refused), "{refused}");
    cloud.feel(CloudMood::Mute);
    let short = Duration::from_millis(200);
    let lost = provider.refund(app, &payment, 100, "rfd_4", short).await.unwrap_err();
    assert!(!lost.is_clear(), "{lost}");
    cloud.feel(CloudMood::Silent);
    assert!(provider.given_back(app, &payment, payment.at, short).await.is_err());
    cloud.feel(CloudMood::Fine);
    assert_eq!(given().await.unwrap().len(), 3, "it was given back all the same");
}

#[tokio::test]
async fn what_came_and_went_is_listed_page_by_page() {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    let payer = PAYER.to_string();
    cloud.books().add(&json!({ "InvoiceId": id, "AccountId": payer }));
    cloud.books().add(&json!({ "SubscriptionId": "sc_1", "AccountId": payer }));
    cloud.books().add(&json!({ "Type": 1, "OriginalTransactionId": 1001, "Amount": 10.5 }));
    cloud.books().add(&json!({ "Type": 2 }));
    cloud.books().add(&json!({ "Status": "Declined", "InvoiceId": id }));
    cloud.books().add(&json!({
        "InvoiceId": id, "JsonData": "{\"attempt_id\":\"att_01KFD5J3Z0ABCDEFGHJKMNPQRS\"}",
    }));
    for _ in 0..200 {
        cloud.books().add(&json!({ "InvoiceId": "foreign" }));
    }
    let since = shop.world.now() - days(3);
    let (mut page, mut successes, mut refunds) = (None, Vec::new(), Vec::new());
    loop {
        let app = &shop.world.app;
        let received = Provider::Cloudpayments.received(app, since, page, LIMIT).await.unwrap();
        successes.extend(received.successes);
        refunds.extend(received.refunds);
        page = received.next;
        if page.is_none() {
            break;
        }
    }
    assert_eq!((successes.len(), refunds.len()), (203, 1));
    assert_eq!(
        (successes[0].attempt_id.as_str(), successes[0].external_id.as_str()),
        (&*id, "1001")
    );
    let renewal = &successes[1];
    assert_eq!((renewal.attempt_id.as_str(), renewal.contract_id.as_deref()), ("", Some("sc_1")));
    assert!(renewal.recurs);
    assert_ne!(successes[2].attempt_id, id, "one that names two is nobody's");
    let back = &refunds[0];
    assert_eq!((back.external_id.as_str(), back.refund_id.as_str()), ("1001", "1003"));
    assert_eq!(back.said.amount.as_deref(), Some("10.5"));
    let asked = cloud.called("v2/payments/list");
    assert_eq!(asked.len(), 3);
    let first = asked[0].json();
    assert_eq!((&first["CreatedDateGte"], &first["PageNumber"]), (&json!(since), &json!(1)));
    assert_eq!(first["Statuses"], json!(["Completed"]));
    cloud.feel(CloudMood::SayingNo);
    Provider::Cloudpayments.received(&shop.world.app, since, None, LIMIT).await.unwrap_err();
}

#[tokio::test]
async fn books_of_the_provider_heal_what_no_word_told() {
    let (shop, cloud) = till(&[]).await;
    let id = shop.cloud_linked().await;
    shop.tell("pay", &(paid(1_001, &id) + "&SubscriptionId=sc_1")).await;
    let payer = PAYER.to_string();
    cloud.books().add(&json!({ "InvoiceId": id, "AccountId": payer, "SubscriptionId": "sc_1" }));
    cloud.books().add(&json!({ "AccountId": payer, "SubscriptionId": "sc_1" }));
    cloud.books().add(&json!({ "Type": 1, "OriginalTransactionId": 1001, "Amount": 2000 }));
    let ran = shop.world.tick(crate::payments::reconcile()).await.unwrap();
    assert_eq!(
        (&ran["listed"], &ran["settled"], &ran["refunds"]),
        (&json!(3), &json!(1), &json!(1))
    );
    let member = shop.payer().await;
    assert_eq!((member.balance, shop.count("Payment").await), (500, 2));
    assert_eq!(member.subscription_expires, Some(shop.world.now() + days(30)));
    shop.check_invariants().await;
}
