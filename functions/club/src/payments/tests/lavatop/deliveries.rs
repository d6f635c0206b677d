//! LavaTop's word of payments.

use shared::clock::days;

use super::*;
use crate::payments::{check, functions};
use crate::testing::CHECKS;

#[tokio::test]
async fn a_payment_settles_by_its_mark() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    let word = lava.server.word(PAID, &purchase);
    assert_eq!(
        (&word["status"], &word["clientUtm"]["utm_term"]),
        (&json!("subscription-active"), &json!(id))
    );
    let reply = lava.tell(word).await;
    assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "success": true })));
    // One read to match, one to settle, and the transaction.
    assert_eq!(reply.cost.requests, 3);
    assert!(reply.cost.items <= 10);
    let (attempt, payer) = (lava.shop.attempt(&id).await, lava.shop.payer().await);
    assert_eq!(
        (attempt.status, attempt.contract.as_deref()),
        (Status::Paid, Some(purchase.as_str()))
    );
    assert_eq!(payer.subscription_expires, Some(lava.shop.world.now() + days(30)));
    assert!(payer.auto_renewal);
    assert_eq!((payer.balance, payer.contract.unwrap().contract_id), (500, purchase.clone()));
    let payments: Vec<Payment> = lava.shop.read("Payment").await;
    assert_eq!((payments.len(), payments[0].external_id.as_str()), (1, purchase.as_str()));
    assert_eq!(lava.shop.count("RecurringContract").await, 1);
    lava.shop.check_invariants().await;
}

#[tokio::test]
async fn a_payment_without_a_mark_settles_by_its_invoice() {
    let lava = Lava::open().await;
    for utm in [json!(null), json!({ "utm_term": "running_shoes" }), json!({ "utm_term": "" })] {
        let (id, purchase) = lava.linked().await;
        lava.server.pay(&purchase);
        let word = but(lava.server.word(PAID, &purchase), json!({ "clientUtm": utm }));
        assert_eq!(lava.tell(word).await.status, 200);
        assert_eq!(lava.shop.status(&id).await, Status::Paid, "{utm}");
        // The next link is another's.
        let mut payer = lava.shop.payer().await;
        payer.auto_renewal = false;
        lava.shop.world.put(&payer).await;
    }
    assert_eq!(lava.shop.count("UnassignedPayment").await, 0);
}

#[tokio::test]
async fn a_gift_is_a_gift_and_no_subscription() {
    let lava = Lava::open().await;
    let id = lava.shop.gift_linked(77).await;
    let (purchase, _) = lava.server.marked(&id);
    lava.server.pay(&purchase);
    let word = lava.server.word(PAID, &purchase);
    assert_eq!(word["status"], "completed");
    assert_eq!(lava.tell(word).await.status, 200);
    let payer = lava.shop.payer().await;
    assert_eq!((payer.subscription_expires, payer.balance, payer.auto_renewal), (None, 0, false));
    assert_eq!((lava.shop.count("Gift").await, lava.shop.count("RecurringContract").await), (1, 0));
}

#[tokio::test]
async fn only_the_holder_of_the_key_is_believed() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    let word = lava.server.word(PAID, &purchase);
    let path = "/api/webhooks/lavatop/payment";
    let keys = ["", "x", "test-lavatop-key", &KEY[1..], &format!("{KEY} ")];
    for key in keys {
        for (function, path) in
            [(lavatop_payment(), path), (lavatop_recurring(), "/api/webhooks/lavatop/recurring")]
        {
            let request = Request::post(path, word.clone()).header("x-api-key", key);
            let reply = lava.shop.world.call(function, request).await;
            assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!("unauthorized")));
        }
    }
    let bare = lava.shop.world.call(lavatop_payment(), Request::post(path, word.clone())).await;
    assert_eq!(bare.status, 401);
    assert_eq!(
        (lava.shop.status(&id).await, lava.shop.count("Payment").await),
        (Status::Pending, 0)
    );
    assert_eq!(lava.shop.count("UnassignedPayment").await, 0);
    assert_eq!(lava.tell(word).await.status, 200);
}

#[tokio::test]
async fn where_lavatop_is_not_used_nobody_is_believed() {
    let shop = Shop::with(&[("LAVATOP_API_URL", "")]).await;
    for key in ["", KEY] {
        let request = Request::post("/api/webhooks/lavatop/payment", json!({ "contractId": "c" }));
        let reply = shop.world.call(lavatop_payment(), request.header("x-api-key", key)).await;
        assert_eq!(reply.status, 401);
    }
    assert_eq!(shop.linked().await.len(), 30, "others sell it");
}

#[tokio::test]
async fn a_missing_key_keeps_a_function_from_starting() {
    let lava = Lava::open().await;
    for (name, setting) in [
        ("club-lavatop-payment", "LAVATOP_WEBHOOK_SECRET"),
        ("club-lavatop-recurring", "LAVATOP_WEBHOOK_SECRET"),
        ("club-payments-link", "LAVATOP_API_KEY"),
        ("club-payments-support-link", "LAVATOP_API_KEY"),
        ("club-payments-check", "LAVATOP_API_KEY"),
        ("club-payments-sweep", "LAVATOP_API_KEY"),
    ] {
        let find = || functions().into_iter().find(|function| function.declaration().name == name);
        let refused = lava.shop.world.start_with(find().unwrap(), &[(setting, "")]).await;
        let said = refused.err().unwrap_or_else(|| panic!("{name} starts")).to_string();
        assert!(said.contains(setting), "{name}: {said}");
    }
}

#[tokio::test]
async fn what_names_no_contract_is_refused() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.linked().await;
    let word = lava.server.word(PAID, &purchase);
    for fields in
        [json!({ "contractId": null }), json!({ "contractId": "" }), json!({ "contractId": "a b" })]
    {
        let reply = lava.tell(but(word.clone(), fields)).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (400, &json!("validation_failed"))
        );
        assert_eq!(reply.body["fields"][0]["name"], "contractId");
    }
    assert_eq!(lava.shop.count("UnassignedPayment").await, 0);
}

#[tokio::test]
async fn money_that_disagrees_is_put_aside_and_the_right_sum_settles() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    let word = lava.server.word(PAID, &purchase);
    for (n, fields) in [
        json!({ "amount": 1999.99 }),
        json!({ "amount": 2000.01 }),
        json!({ "amount": "20.00" }),
        json!({ "amount": null }),
        json!({ "currency": "USD" }),
        json!({ "currency": "XXX" }),
        json!({ "currency": null }),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = but(fields, json!({ "contractId": format!("wrong-{n}") }));
        for _ in 0..2 {
            assert_eq!(lava.tell(but(word.clone(), fields.clone())).await.status, 200);
        }
        let unassigned = lava.unassigned().await;
        assert_eq!(
            (unassigned.len(), unassigned[n].reason.as_str()),
            (n + 1, "other_sum"),
            "{fields}"
        );
    }
    assert_eq!(
        (lava.shop.status(&id).await, lava.shop.payer().await.balance),
        (Status::Pending, 0)
    );
    assert_eq!(lava.shop.messages("admin_alert").await, 7);
    assert_eq!(lava.tell(word).await.status, 200);
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
    lava.shop.check_invariants().await;
}

#[tokio::test]
async fn what_is_not_money_settles_nothing() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    let word = lava.server.word(PAID, &purchase);
    for fields in [
        json!({ "status": "in-progress" }),
        json!({ "status": "new" }),
        json!({ "status": null }),
        json!({ "eventType": "payment.refunded" }),
        json!({ "eventType": null }),
    ] {
        assert_eq!(lava.tell(but(word.clone(), fields.clone())).await.status, 200, "{fields}");
    }
    assert_eq!(
        (lava.shop.status(&id).await, lava.shop.count("Payment").await),
        (Status::Pending, 0)
    );
    assert_eq!(lava.shop.count("UnassignedPayment").await, 0);
}

#[tokio::test]
async fn money_of_nobody_is_put_aside_once() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    let word = lava.server.word(PAID, &purchase);
    let unknown = format!("att_{}", "0".repeat(26));
    for (n, (fields, reason)) in [
        (json!({ "clientUtm": { "utm_term": unknown } }), "unknown_attempt"),
        (json!({ "clientUtm": null }), "unknown_invoice"),
        (json!({ "clientUtm": null, "parentContractId": "elsewhere" }), "unknown_contract"),
    ]
    .into_iter()
    .enumerate()
    {
        let fields = but(fields, json!({ "contractId": format!("foreign-{n}") }));
        let word = but(word.clone(), fields);
        assert_eq!(lava.tell(word.clone()).await.status, 200);
        let again = lava.shop.world.call(lavatop_recurring(), told_again(word)).await;
        assert_eq!(again.status, 200);
        let unassigned = lava.unassigned().await;
        assert_eq!((unassigned.len(), unassigned[n].reason.as_str()), (n + 1, reason));
    }
    assert_eq!((lava.shop.messages("admin_alert").await, lava.shop.count("Payment").await), (3, 0));
    assert_eq!(lava.shop.status(&id).await, Status::Pending);
}

#[tokio::test]
async fn money_that_names_two_attempts_is_put_aside() {
    let lava = Lava::open().await;
    let (one, purchase) = lava.linked().await;
    let other = lava.shop.gift_linked(77).await;
    let word = lava.server.word(PAID, &purchase);
    let word = but(word, json!({ "status": "completed", "clientUtm": { "utm_term": other } }));
    for _ in 0..2 {
        assert_eq!(lava.tell(word.clone()).await.status, 200);
    }
    let unassigned = lava.unassigned().await;
    assert_eq!((unassigned.len(), unassigned[0].reason.as_str()), (1, "two_attempts"));
    for id in [&one, &other] {
        assert_eq!(lava.shop.status(id).await, Status::Pending);
    }
    // The attempt is another's only by its mark: the money of its own still settles it.
    lava.server.pay(&lava.server.marked(&other).0);
    assert_eq!(lava.tell(lava.server.word(PAID, &lava.server.marked(&other).0)).await.status, 200);
    assert_eq!(lava.shop.status(&other).await, Status::Paid);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_deliveries_at_once_settle_once() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    let word = lava.server.word(PAID, &purchase);
    let payment = lava.shop.world.start(lavatop_payment()).await;
    let calls = (0..50).map(|_| told(word.clone()));
    for reply in lava.shop.world.send_all(&payment, calls).await {
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "success": true })));
    }
    let payer = lava.shop.payer().await;
    assert_eq!(payer.subscription_expires, Some(lava.shop.world.now() + days(30)));
    assert_eq!((payer.balance, lava.shop.count("Payment").await), (500, 1));
    assert_eq!(lava.shop.messages("congratulation").await, 1);
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
    // A repetition costs a read to match and a read to see.
    let again = lava.tell(word).await;
    assert_eq!((again.status.as_u16(), again.cost.items), (200, 0));
    lava.shop.check_invariants().await;
}

#[tokio::test]
async fn a_lost_delivery_is_healed_by_a_check() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    lava.shop.pass(30);
    assert_eq!(lava.shop.world.deliver(check(), CHECKS).await, (1, 0));
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
    let payer = lava.shop.payer().await;
    assert_eq!((payer.balance, payer.auto_renewal), (500, true));
    assert_eq!(payer.contract.unwrap().contract_id, purchase);
    // It comes after all.
    assert_eq!(lava.tell(lava.server.word(PAID, &purchase)).await.status, 200);
    assert_eq!((lava.shop.payer().await.balance, lava.shop.count("Payment").await), (500, 1));
    lava.shop.check_invariants().await;
}

#[tokio::test]
async fn a_failure_ends_an_attempt_and_a_late_success_settles_it() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    let failed = lava.server.word(FAILED, &purchase);
    for _ in 0..2 {
        assert_eq!(lava.tell(failed.clone()).await.status, 200);
    }
    assert_eq!(lava.shop.status(&id).await, Status::Failed);
    assert_eq!(lava.shop.messages("payment_not_completed").await, 1);
    lava.shop.check_invariants().await;
    assert_eq!(lava.pay(&purchase).await.status, 200);
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
    // And never back.
    assert_eq!(lava.tell(failed).await.status, 200);
    assert_eq!((lava.shop.status(&id).await, lava.shop.payer().await.balance), (Status::Paid, 500));
    lava.shop.check_invariants().await;
}

#[tokio::test]
async fn a_failure_of_another_purchase_or_of_nobody_changes_nothing() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    let failed = lava.server.word(FAILED, &purchase);
    for fields in [
        json!({ "contractId": "an-older-one" }),
        json!({ "contractId": "nobody", "clientUtm": null }),
    ] {
        assert_eq!(lava.tell(but(failed.clone(), fields)).await.status, 200);
    }
    // Another provider's attempt is not LavaTop's to end.
    let body = crate::payments::tests::links::with(json!({ "provider": "sandbox" }));
    let sandbox = lava.shop.ask(body).await.body["attempt_id"].as_str().unwrap().to_owned();
    let foreign = json!({ "contractId": "x", "clientUtm": { "utm_term": sandbox } });
    assert_eq!(lava.tell(but(failed, foreign)).await.status, 200);
    for id in [&id, &sandbox] {
        assert_eq!(lava.shop.status(id).await, Status::Pending);
    }
    assert_eq!(lava.shop.count("UnassignedPayment").await, 0);
}

#[tokio::test]
async fn another_purchase_that_carries_our_mark_is_put_aside() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    let word = lava.server.word(PAID, &purchase);
    let bought = json!({ "contractId": "11111111-2222-4333-8444-555555555555" });
    let word = but(word, json!({ "status": "subscription-active" }));
    for _ in 0..2 {
        assert_eq!(lava.tell(but(word.clone(), bought.clone())).await.status, 200);
    }
    let unassigned = lava.unassigned().await;
    assert_eq!((unassigned.len(), unassigned[0].reason.as_str()), (1, "other_invoice"));
    assert_eq!(lava.shop.status(&id).await, Status::Pending);
    assert_eq!(lava.pay(&purchase).await.status, 200);
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
}
