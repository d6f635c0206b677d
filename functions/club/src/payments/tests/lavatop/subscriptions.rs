//! LavaTop's word of subscriptions: renewals, those that fail, and the end.

use engine::{Fault, FaultKind, Target, When};
use shared::clock::{Instant, days};

use super::*;
use crate::payments::check;
use crate::testing::CHECKS;

/// Half a month passes.
fn half(lava: &Lava) {
    lava.shop.pass(15 * 86_400);
}

async fn expires(lava: &Lava) -> Instant {
    lava.shop.payer().await.subscription_expires.unwrap()
}

/// Delivers to the address of subscriptions.
async fn tell(lava: &Lava, body: Value) -> Reply {
    lava.shop.world.call(lavatop_recurring(), told_again(body)).await
}

#[tokio::test]
async fn a_renewal_is_found_by_the_first_payment() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.subscribed().await;
    let first = expires(&lava).await;
    half(&lava);
    let next = lava.server.renew(&purchase);
    let word = lava.server.word(RENEWED, &next);
    assert_eq!((&word["parentContractId"], &word["clientUtm"]), (&json!(purchase), &Value::Null));
    let reply = tell(&lava, word.clone()).await;
    assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "success": true })));
    assert!(reply.cost.requests <= 4, "{:?}", reply.cost);
    assert_eq!(expires(&lava).await, first + days(30));
    for _ in 0..3 {
        assert_eq!(tell(&lava, word.clone()).await.status, 200);
        assert_eq!(lava.tell(word.clone()).await.status, 200);
    }
    assert_eq!(expires(&lava).await, first + days(30));
    let payer = lava.shop.payer().await;
    assert_eq!((payer.balance, payer.auto_renewal), (1_000, true));
    assert_eq!(lava.shop.count("Payment").await, 2);
    assert_eq!(lava.shop.attempt(&id).await.unrefunded, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_renewals_at_once_are_one() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let first = expires(&lava).await;
    let next = lava.server.renew(&purchase);
    let word = lava.server.word(RENEWED, &next);
    let recurring = lava.shop.world.start(lavatop_recurring()).await;
    let calls = (0..50).map(|_| told_again(word.clone()));
    for reply in lava.shop.world.send_all(&recurring, calls).await {
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    assert_eq!(expires(&lava).await, first + days(30));
    assert_eq!((lava.shop.payer().await.balance, lava.shop.count("Payment").await), (1_000, 2));
}

#[tokio::test]
async fn a_renewal_may_come_before_the_first_payment() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    let next = lava.server.renew(&purchase);
    let now = lava.shop.world.now();
    assert_eq!(tell(&lava, lava.server.word(RENEWED, &next)).await.status, 200);
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
    assert_eq!(lava.tell(lava.server.word(PAID, &purchase)).await.status, 200);
    assert_eq!(expires(&lava).await, now + days(60));
    assert_eq!((lava.shop.payer().await.balance, lava.shop.count("Payment").await), (1_000, 2));
    assert_eq!(lava.shop.count("RecurringContract").await, 1);
    assert_eq!(lava.shop.count("UnassignedPayment").await, 0);
}

#[tokio::test]
async fn a_renewal_of_an_unknown_subscription_is_put_aside() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let before = expires(&lava).await;
    let next = lava.server.renew(&purchase);
    let word = lava.server.word(RENEWED, &next);
    for parent in [json!("7ea82675-4ded-4133-95a7-a6efbaf165cc"), Value::Null] {
        let word = but(
            word.clone(),
            json!({ "parentContractId": parent, "contractId": format!("c{parent}").replace('"', "") }),
        );
        for _ in 0..2 {
            assert_eq!(tell(&lava, word.clone()).await.status, 200);
        }
    }
    let reasons: Vec<_> = lava.unassigned().await.into_iter().map(|row| row.reason).collect();
    assert_eq!(reasons, ["unknown_contract", "unknown_invoice"]);
    assert_eq!((expires(&lava).await, lava.shop.payer().await.balance), (before, 500));
}

#[tokio::test]
async fn a_renewal_of_another_sum_gives_nothing() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let before = expires(&lava).await;
    let next = lava.server.renew(&purchase);
    let word = but(lava.server.word(RENEWED, &next), json!({ "amount": 200 }));
    assert_eq!(tell(&lava, word).await.status, 200);
    assert_eq!(lava.unassigned().await[0].reason, "other_sum");
    assert_eq!(expires(&lava).await, before);
}

#[tokio::test]
async fn a_renewal_that_fails_is_written_down_and_paid_time_stays() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.subscribed().await;
    let before = lava.shop.payer().await;
    let next = lava.server.renew(&purchase);
    let word = but(lava.server.word(UNRENEWED, &next), json!({ "status": "subscription-failed" }));
    for _ in 0..3 {
        assert_eq!(tell(&lava, word.clone()).await.status, 200);
    }
    let payer = lava.shop.payer().await;
    assert_eq!(
        (payer.subscription_expires, payer.auto_renewal),
        (before.subscription_expires, true)
    );
    assert_eq!((payer.balance, lava.shop.status(&id).await), (500, Status::Paid));
    let events = lava.shop.world.items("AnalyticsEvent").await;
    let failed = events.iter().filter(|event| event["event"]["S"] == "renewal_failed").count();
    assert_eq!(failed, 1);
    // LavaTop tries again, and it works.
    assert_eq!(tell(&lava, lava.server.word(RENEWED, &next)).await.status, 200);
    assert_eq!(lava.shop.payer().await.balance, 1_000);
    // Of nobody's subscription there is nothing to write down.
    let foreign = but(word, json!({ "parentContractId": "elsewhere", "contractId": "x" }));
    assert_eq!(tell(&lava, foreign).await.status, 200);
}

fn cancelled(purchase: &str, until: Option<Instant>) -> Value {
    json!({
        "eventType": CANCELLED, "contractId": purchase,
        "product": { "id": "836b9fc5-0000-4000-8000-000000000000", "title": "Клуб" },
        "buyer": { "email": "anna@example.com" },
        "cancelledAt": "2026-02-05T08:44:49.123932Z",
        "willExpireAt": until,
    })
}

#[tokio::test]
async fn a_cancelled_subscription_renews_itself_no_more_and_paid_time_stays() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    let paid_until = expires(&lava).await;
    half(&lava);
    for until in [None, Some(paid_until), Some(paid_until + days(3))] {
        assert_eq!(tell(&lava, cancelled(&purchase, until)).await.status, 200);
        let payer = lava.shop.payer().await;
        assert_eq!((payer.auto_renewal, payer.subscription_expires), (false, Some(paid_until)));
    }
    // Whoever wants to may buy again.
    assert_eq!(lava.shop.ask(monthly()).await.body["reused"], false);
}

#[tokio::test]
async fn paid_time_is_cut_to_what_lavatop_says_and_never_below_now() {
    for (left, kept) in [(5, 5), (-40, 0)] {
        let lava = Lava::open().await;
        let (_, purchase) = lava.subscribed().await;
        half(&lava);
        let now = lava.shop.world.now();
        let at = |from: i64| now + jiff::SignedDuration::from_hours(24 * from);
        for _ in 0..2 {
            assert_eq!(tell(&lava, cancelled(&purchase, Some(at(left)))).await.status, 200);
            assert_eq!(expires(&lava).await, at(kept), "{left}");
        }
        assert!(!lava.shop.payer().await.auto_renewal);
    }
}

/// Only the period that the subscription itself gave is cut.
#[tokio::test]
async fn what_something_else_gave_is_not_cut() {
    let lava = Lava::open().await;
    let (_, purchase) = lava.subscribed().await;
    half(&lava);
    let mut payer = lava.shop.payer().await;
    let longer = payer.subscription_expires.unwrap() + days(30);
    payer.subscription_expires = Some(longer);
    lava.shop.world.put(&payer).await;
    let soon = lava.shop.world.now() + days(1);
    assert_eq!(tell(&lava, cancelled(&purchase, Some(soon))).await.status, 200);
    let payer = lava.shop.payer().await;
    assert_eq!((payer.auto_renewal, payer.subscription_expires), (false, Some(longer)));
}

#[tokio::test]
async fn an_end_that_comes_before_the_beginning_is_not_forgotten() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    for _ in 0..2 {
        assert_eq!(tell(&lava, cancelled(&purchase, None)).await.status, 200);
    }
    assert_eq!(lava.shop.status(&id).await, Status::Pending);
    assert_eq!(lava.tell(lava.server.word(PAID, &purchase)).await.status, 200);
    let payer = lava.shop.payer().await;
    assert_eq!((lava.shop.status(&id).await, payer.auto_renewal), (Status::Paid, false));
    assert_eq!(payer.subscription_expires, Some(lava.shop.world.now() + days(30)));
    // And the same word after it changes nothing.
    assert_eq!(tell(&lava, cancelled(&purchase, None)).await.status, 200);
    assert_eq!(lava.tell(lava.server.word(PAID, &purchase)).await.status, 200);
    assert_eq!(lava.shop.payer().await, payer);
}

#[tokio::test]
async fn the_end_of_what_nobody_knows_changes_nobody() {
    let lava = Lava::open().await;
    lava.subscribed().await;
    let before = lava.shop.payer().await;
    assert_eq!(tell(&lava, cancelled("elsewhere", None)).await.status, 200);
    assert_eq!(lava.shop.payer().await, before);
}

/// Whatever the order, the same is left.
#[tokio::test]
async fn any_order_of_all_words_ends_the_same() {
    let orders =
        [[0, 1, 2, 3], [3, 2, 1, 0], [2, 3, 0, 1], [1, 3, 0, 2], [3, 0, 2, 1], [2, 0, 3, 1]];
    for order in orders {
        let lava = Lava::open().await;
        let (id, purchase) = lava.linked().await;
        lava.server.pay(&purchase);
        let next = lava.server.renew(&purchase);
        let words = [
            lava.server.word(PAID, &purchase),
            but(lava.server.word(FAILED, &purchase), json!({ "status": "subscription-failed" })),
            lava.server.word(RENEWED, &next),
            cancelled(&purchase, None),
        ];
        for n in order.into_iter().chain(order) {
            assert_eq!(tell(&lava, words[n].clone()).await.status, 200, "{order:?}");
        }
        let payer = lava.shop.payer().await;
        assert_eq!(payer.subscription_expires, Some(lava.shop.world.now() + days(60)), "{order:?}");
        assert_eq!((payer.balance, payer.auto_renewal), (1_000, false), "{order:?}");
        assert_eq!(lava.shop.status(&id).await, Status::Paid);
        lava.shop.check_invariants().await;
    }
}

#[tokio::test]
async fn who_renews_by_lavatop_needs_no_link_unless_it_is_forced() {
    let lava = Lava::open().await;
    lava.subscribed().await;
    let told = lava.shop.ask(monthly()).await;
    let until = json!(expires(&lava).await);
    assert_eq!(
        told.body,
        json!({
            "success": true, "active_subscription": true,
            "expires_at": until, "subscription_expires": until,
        })
    );
    let forced = crate::payments::tests::links::with(json!({ "force_renew": true }));
    assert_eq!(lava.shop.ask(forced).await.body["reused"], false);
    lava.shop.gift_linked(77).await;
}

/// The older subscription is to end when another begins.
#[tokio::test]
async fn a_forced_second_subscription_ends_the_first() {
    let lava = Lava::open().await;
    let (_, first) = lava.subscribed().await;
    let forced = crate::payments::tests::links::with(json!({ "force_renew": true }));
    let id = lava.shop.ask(forced).await.body["attempt_id"].as_str().unwrap().to_owned();
    let (second, _) = lava.server.marked(&id);
    assert_eq!(lava.pay(&second).await.status, 200);
    let payer = lava.shop.payer().await;
    assert_eq!((payer.contract.unwrap().contract_id, payer.auto_renewal), (second, true));
    let outbox = lava.shop.world.items("Outbox").await;
    assert!(outbox.iter().any(|row| row.to_string().contains(&first)), "{outbox:?}");
}

#[tokio::test]
async fn an_early_end_holds_where_the_delivery_finds_what_another_has_settled() {
    let lava = Lava::open().await;
    let (id, purchase) = lava.linked().await;
    lava.server.pay(&purchase);
    assert_eq!(tell(&lava, cancelled(&purchase, None)).await.status, 200);
    // A check settles, and cannot end it: what follows the payment does.
    lava.shop.pass(30);
    let faults = lava.shop.world.engine.faults();
    let unread = Fault::new(Target::Dynamodb, FaultKind::Error).operation("GetItem");
    faults.inject(unread.caller("local-club-payments-check").when(When::Calls((1..99).collect())));
    assert_eq!(lava.shop.world.deliver(check(), CHECKS).await, (1, 0));
    faults.clear();
    assert_eq!(lava.shop.status(&id).await, Status::Paid);
    assert!(lava.shop.payer().await.auto_renewal);
    lava.shop.perform_all().await;
    assert!(!lava.shop.payer().await.auto_renewal);
    // The word of the payment changes nothing more.
    let payer = lava.shop.payer().await;
    assert_eq!(lava.tell(lava.server.word(PAID, &purchase)).await.status, 200);
    assert_eq!(lava.shop.payer().await, payer);
}
