//! Settlement: one effect for each success, whoever brings it and how often.

use engine::{Fault, FaultKind, Target};
use shared::clock::days;
use shared::outbox::Entry;

use super::*;
use crate::energies::EnergyEntry;
use crate::gifts::Gift;
use crate::outbox::Message;
use crate::payments::items::UnassignedPayment;
use crate::payments::sandbox_state;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_deliveries_at_once_are_one_payment() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let webhook = shop.webhook().await;
    let body = json!({ "attempt_id": id, "event": "success" });
    let replies = shop.world.send_all(&webhook, (0..50).map(|_| delivery(body.clone()))).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.body["success"] == true));
    let payer = shop.payer().await;
    assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(30)));
    assert_eq!((payer.balance, payer.earned_total), (500, 500));
    assert_eq!(payer.first_purchase_at, Some(shop.world.now()));
    assert_eq!(payer.email.as_deref(), Some("anna@example.com"));
    for (kind, number) in
        [("Payment", 1), ("EnergyEntry", 1), ("SubscriptionEvent", 1), ("Outbox", 1), ("Gift", 0)]
    {
        assert_eq!(shop.count(kind).await, number, "{kind}");
    }
    assert_eq!(shop.messages("congratulation").await, 1);
    assert_eq!(shop.status(&id).await, Status::Paid);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_settlement_costs_one_read_and_eight_items() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let first = shop.succeed(&id).await;
    assert_eq!((first.cost.requests, first.cost.sequence, first.cost.items), (2, 2, 8));
    let again = shop.succeed(&id).await;
    assert_eq!((again.status.as_u16(), again.cost.requests, again.cost.items), (200, 1, 0));
}

#[tokio::test]
async fn another_sum_is_put_aside_and_reported() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    for (n, (amount, currency)) in [
        (json!("1999.99"), json!("RUB")),
        (json!("2000.00"), json!("USD")),
        (json!("nonsense"), json!("RUB")),
        (json!(2000.01), json!(null)),
        (json!(null), json!("ZZZ")),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({
            "attempt_id": id, "external_id": format!("x{n}"), "event": "success",
            "amount": amount, "currency": currency,
        });
        for _ in 0..2 {
            assert_eq!(shop.deliver(body.clone()).await.status, 200);
        }
        assert_eq!(shop.count("UnassignedPayment").await, n + 1);
        assert_eq!(shop.messages("admin_alert").await, n + 1);
    }
    assert_eq!((shop.count("Payment").await, shop.payer().await.balance), (0, 0));
    assert_eq!(shop.status(&id).await, Status::Pending);
    let right = json!({
        "attempt_id": id, "event": "success", "amount": 2000, "currency": "RUB",
    });
    shop.deliver(right).await;
    assert_eq!(shop.status(&id).await, Status::Paid);
    shop.check_invariants().await;
}

#[tokio::test]
async fn money_for_no_attempt_is_put_aside() {
    let shop = Shop::open().await;
    let body = json!({ "attempt_id": "att_unknown", "event": "success", "amount": "10.00" });
    assert_eq!(shop.deliver(body).await.status, 200);
    let aside: Vec<UnassignedPayment> = shop.read("UnassignedPayment").await;
    assert_eq!(
        (aside[0].reason.as_str(), aside[0].external_id.as_str()),
        ("unknown_attempt", "sbx_att_unknown")
    );
    // A payment of one attempt cannot settle another.
    let (one, other) = (shop.linked().await, shop.gift_linked(77).await);
    for id in [&one, &other] {
        let body = json!({ "attempt_id": id, "external_id": "same", "event": "success" });
        assert_eq!(shop.deliver(body).await.status, 200);
    }
    assert_eq!(
        (shop.status(&one).await, shop.status(&other).await),
        (Status::Paid, Status::Pending)
    );
    assert_eq!(shop.count("UnassignedPayment").await, 2);
    shop.check_invariants().await;
}

#[tokio::test]
async fn one_more_payment_of_an_attempt_is_a_renewal() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    shop.succeed(&id).await;
    shop.pass(86_400);
    for _ in 0..3 {
        let body = json!({ "attempt_id": id, "external_id": "second", "event": "success" });
        assert_eq!(shop.deliver(body).await.status, 200);
    }
    let payer = shop.payer().await;
    let begun = shop.attempt(&id).await.created_at;
    assert_eq!(payer.subscription_expires, Some(begun + days(60)));
    assert_eq!((payer.balance, shop.count("Payment").await), (1000, 2));
    assert_eq!(shop.messages("congratulation").await, 2);
    shop.check_invariants().await;
}

#[tokio::test]
async fn energies_of_a_later_payment_last_as_long_as_those_before() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    // From noon of 31 January to 29 August.
    shop.pass(210 * 86_400 + 6 * 3_600);
    for (external_id, pause) in [("first", 0), ("second", 28 * 3_600), ("third", 20 * 3_600)] {
        shop.pass(pause);
        let body = json!({ "attempt_id": id, "external_id": external_id, "event": "success" });
        assert_eq!(shop.deliver(body).await.status, 200);
    }
    let mut lots: Vec<EnergyEntry> = shop.read("EnergyEntry").await;
    lots.sort_by_key(|lot| lot.earned_before);
    let times = |of: fn(&EnergyEntry) -> String| lots.iter().map(of).collect::<Vec<_>>();
    let created =
        ["2026-08-29T18:00:00.000Z", "2026-08-30T22:00:00.000Z", "2026-08-31T18:00:00.000Z"];
    assert_eq!(times(|lot| lot.created_at.to_string()), created);
    // By itself the second would end at 22:00 of the 27th, before the first.
    let ends = ["2027-02-28T18:00:00.000Z"; 3];
    assert_eq!(times(|lot| lot.expires_at.unwrap().to_string()), ends);
    assert_eq!(shop.payer().await.energies_expire_at, lots[2].expires_at);
    shop.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attempts_of_one_member_settle_side_by_side() {
    let shop = Shop::open().await;
    shop.sell_for_every_currency().await;
    let mut ids = Vec::new();
    for currency in ["RUB", "USD", "EUR", "XTR"] {
        let mut body = monthly();
        body["currency"] = json!(currency);
        ids.push(shop.ask(body).await.body["attempt_id"].clone());
    }
    let webhook = shop.webhook().await;
    let deliveries = ids.iter().map(|id| delivery(json!({ "attempt_id": id, "event": "success" })));
    let replies = shop.world.send_all(&webhook, deliveries).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let payer = shop.payer().await;
    assert_eq!(payer.subscription_expires, Some(shop.world.now() + days(120)));
    assert_eq!(payer.balance, 2000);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_gift_gives_its_giver_nothing() {
    let shop = Shop::open().await;
    let id = shop.gift_linked(77).await;
    for _ in 0..3 {
        assert_eq!(shop.succeed(&id).await.status, 200);
    }
    let gifts: Vec<Gift> = shop.read("Gift").await;
    assert_eq!(gifts.len(), 1);
    assert_eq!((gifts[0].giver, gifts[0].recipient, gifts[0].days), (PAYER, Some(77), 30));
    assert_eq!(gifts[0].token.len(), 22);
    let told: Vec<Entry> = shop.read("Outbox").await;
    let link = format!("https://t.me/club_test_bot?start=gift_{}", gifts[0].token);
    let message = Message::GiftLink { tg_id: PAYER, link };
    assert_eq!((told.len(), told[0].read::<Message>().unwrap()), (1, message));
    assert!(!told[0].id.contains(&gifts[0].token));
    let payer = shop.payer().await;
    assert_eq!((payer.subscription_expires, payer.balance), (None, 0));
    assert_eq!(shop.count("EnergyEntry").await, 0);
    let second = json!({ "attempt_id": id, "external_id": "second", "event": "success" });
    shop.deliver(second).await;
    assert_eq!((shop.count("Gift").await, shop.count("UnassignedPayment").await), (1, 1));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_leader_earns_twice() {
    let shop = Shop::open().await;
    let mut leader = shop.payer().await;
    leader.is_team_leader = true;
    shop.world.put(&leader).await;
    let id = shop.linked().await;
    shop.succeed(&id).await;
    let payment: Vec<Payment> = shop.read("Payment").await;
    assert_eq!((shop.payer().await.balance, payment[0].energies), (1000, 1000));
}

#[tokio::test]
async fn a_failure_ends_what_is_pending_and_a_late_success_settles() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let fail = json!({ "attempt_id": id, "event": "fail" });
    for _ in 0..3 {
        assert_eq!(shop.deliver(fail.clone()).await.status, 200);
    }
    assert_eq!(shop.status(&id).await, Status::Failed);
    assert_eq!(shop.messages("payment_not_completed").await, 1);
    shop.check_invariants().await;
    assert_ne!(shop.linked().await, id, "the slot is free");
    shop.succeed(&id).await;
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    shop.deliver(fail).await;
    assert_eq!(shop.status(&id).await, Status::Paid);
    shop.check_invariants().await;
}

#[tokio::test]
async fn only_the_secret_lets_a_delivery_in() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let body = json!({ "attempt_id": id, "event": "success" });
    for secret in [None, Some(""), Some("wrong"), Some("test-sandbox-secret-0123456789abcdeF")] {
        for path in [
            "/api/webhooks/sandbox/payment".to_owned(),
            format!("/api/payments/sandbox/{id}/state"),
        ] {
            let request = Request::post(&path, body.clone());
            let request = match secret {
                Some(secret) => request.header("x-sandbox-secret", secret),
                None => request,
            };
            let function =
                if path.ends_with("state") { sandbox_state() } else { sandbox_webhook() };
            let reply = shop.world.call(function, request).await;
            assert_eq!((reply.status.as_u16(), &reply.body["code"]), (401, &json!("unauthorized")));
        }
    }
    assert_eq!((shop.status(&id).await, shop.count("Payment").await), (Status::Pending, 0));
}

#[tokio::test]
async fn what_is_not_a_delivery_is_refused() {
    let shop = Shop::open().await;
    for body in [
        json!({}),
        json!({ "attempt_id": "", "event": "success" }),
        json!({ "attempt_id": "x".repeat(65), "event": "success" }),
        json!({ "attempt_id": "x", "event": "paid" }),
        json!({ "attempt_id": "x", "event": "success", "external_id": "" }),
        json!({ "attempt_id": "x", "event": "success", "external_id": "a:b" }),
        json!({ "attempt_id": "x", "event": "refund", "refund_id": "a#b" }),
        json!({ "attempt_id": "x:y", "event": "success" }),
        json!({ "attempt_id": "x", "event": "success", "amount": "9".repeat(65) }),
    ] {
        let reply = shop.deliver(body.clone()).await;
        assert_eq!(
            (reply.status.as_u16(), &reply.body["code"]),
            (400, &json!("validation_failed")),
            "{body}"
        );
    }
    assert_eq!(shop.count("UnassignedPayment").await, 0);
}

#[tokio::test]
async fn nothing_is_acknowledged_that_was_not_stored() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    for operation in ["BatchGetItem", "TransactWriteItems"] {
        let fault = Fault::new(Target::Dynamodb, FaultKind::Error).operation(operation);
        shop.world.engine.faults().inject(fault);
        let reply = shop.succeed(&id).await;
        assert_eq!((reply.status.as_u16(), &reply.headers["retry-after"]), (503, &json!("1")));
        shop.world.engine.faults().clear();
        assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Pending, 0));
    }
    assert_eq!(shop.succeed(&id).await.status, 200);
    shop.check_invariants().await;
}

#[tokio::test]
async fn the_sandbox_is_told_what_to_say() {
    let shop = Shop::open().await;
    let id = shop.linked().await;
    let set = |id: &str, state: &str| {
        let body = json!({ "state": state, "external_id": "mine" });
        let request = Request::post(&format!("/api/payments/sandbox/{id}/state"), body)
            .header("x-sandbox-secret", SANDBOX_SECRET);
        shop.world.call(sandbox_state(), request)
    };
    assert_eq!(set(&id, "paid").await.status, 200);
    let invoice = shop.world.provider.invoice(&id).unwrap();
    assert_eq!((invoice.state.as_str(), invoice.external_id.as_str()), ("paid", "mine"));
    assert_eq!(shop.status(&id).await, Status::Pending);
    assert_eq!(set("att_01KG9JV9M0SAMPLEATTEMPT0000", "paid").await.status, 404);
    assert_eq!(set("..", "paid").await.status, 404);
    assert_eq!(set(&id, "lost").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_payment_settles_one_of_many_attempts() {
    let shop = Shop::open().await;
    let mut ids = Vec::new();
    for payer in 1..=8 {
        let token = shop.world.token(&shop.world.member(payer).await).await;
        let mut body = monthly();
        body["telegram_id"] = json!(payer);
        let request = Request::post("/api/payments/generate-link", body).token(&token);
        ids.push(shop.world.call(link(), request).await.body["attempt_id"].clone());
    }
    let deliveries = ids
        .iter()
        .map(|id| delivery(json!({ "attempt_id": id, "external_id": "same", "event": "success" })));
    let replies = shop.world.send_all(&shop.webhook().await, deliveries).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert_eq!((shop.count("Payment").await, shop.count("EnergyEntry").await), (1, 1));
    assert_eq!(shop.count("UnassignedPayment").await, 1);
    shop.check_invariants().await;
}
