//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use shared::clock::days;
use shared::lease::Lease;

use super::stars::{NOW_S, star_shop};
use super::updates::{recurring, refunded};
use super::*;
use crate::payments::Provider;
use crate::payments::{attempt, check, reconcile, status, sweep};
use crate::testing::{BotMood, CHECKS, Mood};

const TABLE: &str = "table/test-club";
const DUE: &str = "table/test-club/index/due";
const QUEUE: &str = "queue/payment-checks";

/// What `function` asked for so far, without what the choke point needs for members.
pub(super) fn asked(shop: &Shop, function: &str) -> BTreeSet<(String, String)> {
    shop.world.asked(function)
}

pub(super) fn allowed(table: &[&str], rest: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let table = table.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned()));
    let rest = rest.iter().map(|(action, on)| ((*action).to_owned(), (*on).to_owned()));
    table.chain(rest).collect()
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let shop = Shop::with(&[("PAYMENT_CHECKS", "2")]).await;
    // Links: made, reused, failed, replaced, by a key.
    let keyed = shop.request(monthly()).header("idempotency-key", "one");
    shop.world.call(link(), keyed).await;
    let reuse = shop.request(monthly()).header("idempotency-key", "two");
    let own = shop.world.call(link(), reuse).await.body["attempt_id"].clone();
    let own = own.as_str().unwrap();
    shop.world.provider.set_mood(Mood::Refusing(500));
    shop.ask(json!({
        "telegram_id": PAYER, "email": "a@example.com", "offer_key": "gift_rub_2000",
    }))
    .await;
    shop.world.provider.set_mood(Mood::Fine);
    let gift = shop.gift_linked(77).await;
    let created = Attempt { status: Status::Created, ..shop.attempt(&gift).await };
    let due_at = Attempt::follow_up(created.created_at, created.created_at);
    shop.world.put(&Attempt { due_at, ..created }).await;

    // Checks: unpaid, the last, and one that settles.
    for _ in 0..2 {
        shop.pass(30);
        shop.world.deliver(check(), CHECKS).await;
    }
    assert_eq!(shop.status(own).await, Status::Abandoned);
    let late = shop.linked().await;
    shop.world.provider.change(&late, |invoice| invoice.state = "paid".to_owned());
    shop.pass(30);
    shop.world.deliver(check(), CHECKS).await;
    assert_eq!(shop.status(&late).await, Status::Paid);

    // The sweep: a lost hint, an attempt that was never answered, one that was paid after all.
    let lost = shop.linked().await;
    shop.world.engine.queues().purge(CHECKS).unwrap();
    shop.world.provider.change(own, |invoice| invoice.state = "paid".to_owned());
    shop.pass(15 * 60);
    let swept = shop.world.tick(sweep()).await.unwrap();
    assert_eq!((&swept["hints"], &swept["settled"]), (&json!(1), &json!(1)));

    // Webhooks: success, failure, refund, and money that fits nowhere.
    shop.deliver(json!({ "attempt_id": lost, "event": "fail" })).await;
    shop.succeed(&lost).await;
    shop.deliver(json!({ "attempt_id": lost, "event": "refund" })).await;
    shop.deliver(json!({ "attempt_id": "x", "event": "success" })).await;
    shop.deliver(json!({ "attempt_id": "x", "event": "refund" })).await;
    let path = format!("/api/payments/attempts/{lost}");
    shop.world.call(attempt(), Request::get(&path).token(&shop.token)).await;
    let path = "/api/payments/status";
    shop.world.call(status(), Request::get(path).token(&shop.token)).await;
    let now = shop.world.now();
    assert!(Lease::acquire(shop.world.table(), "attempt_sweep", now, now + days(1)).await.is_ok());

    let send = ("sqs:SendMessage", QUEUE);
    let all = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked(&shop, "club-payments-link"), allowed(&all, &[send]));
    assert_eq!(asked(&shop, "club-payments-check"), allowed(&all, &[send]));
    assert_eq!(asked(&shop, "club-payments-sandbox-webhook"), allowed(&all, &[]));
    let swept = ["BatchGetItem", "ConditionCheckItem", "DeleteItem", "PutItem", "UpdateItem"];
    let rest = [send, ("dynamodb:Query", DUE)];
    assert_eq!(asked(&shop, "club-payments-sweep"), allowed(&swept, &rest));
    assert_eq!(asked(&shop, "club-payments-attempt"), allowed(&["GetItem"], &[]));
    assert_eq!(asked(&shop, "club-payments-status"), allowed(&["GetItem"], &[]));
}

#[tokio::test]
async fn ends_of_subscriptions_and_books_ask_for_exactly_this() {
    let (shop, bot) = star_shop(&[("PROTECTED_CHAT_IDS", "-100")]).await;
    let id = shop.star_linked().await;
    for (n, path) in ["/api/v1/users/cancel-subscription", "/api/payments/cancel-subscription"]
        .into_iter()
        .enumerate()
    {
        let update_id = i64::try_from(n).unwrap() + 1;
        shop.hear(recurring(update_id, &id, &format!("charge-{n}"), true)).await;
        bot.feel(BotMood::refusing(400, "Bad Request: CHARGE_NOT_FOUND"));
        assert_eq!(shop.cancel(path, json!({})).await.status, 502);
        bot.feel(BotMood::Fine);
        assert_eq!(shop.cancel(path, json!({})).await.status, 200);
    }
    for function in ["club-users-cancel-subscription", "club-payments-cancel-subscription"] {
        let all = ["BatchGetItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"];
        assert_eq!(asked(&shop, function), allowed(&all, &[]));
    }

    // What follows a payment, and the end of a subscription, whose provider confirms it or not.
    shop.hear(recurring(3, &id, "third", true)).await;
    shop.hear(refunded(4, &id, "third")).await;
    shop.hear(recurring(5, &id, "fourth", true)).await;
    shop.hear(refunded(6, &id, "fourth")).await;
    shop.perform_all().await;
    let all = ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"];
    let deliver = asked(&shop, "club-outbox-deliver");
    assert_eq!(deliver, allowed(&all, &[("sqs:SendMessage", "queue/outbox")]));

    // Money that was settled and given back with no word, one that fits nowhere, a walk left over.
    let open = shop.star_linked().await;
    let paid = |charge: &str, attempt: &str| {
        let payer = json!({
            "type": "user", "transaction_type": "invoice_payment", "invoice_payload": attempt,
            "user": { "id": PAYER, "is_bot": false, "first_name": "Анна" },
        });
        json!({ "id": charge, "amount": 1_500, "date": NOW_S, "source": payer })
    };
    let mut gone = paid("lost", &open);
    gone["receiver"] = gone["source"].take();
    gone.as_object_mut().unwrap().remove("source");
    bot.books().transactions = vec![paid("lost", &open), gone, paid("foreign", "att_x")];
    let now = shop.world.now();
    shop.world.put(&crate::payments::reconcile::left_at(Provider::Stars, now, "0")).await;
    let ran = shop.world.tick(reconcile()).await.unwrap();
    assert_eq!(
        (&ran["settled"], &ran["refunds"], &ran["quarantined"]),
        (&json!(1), &json!(1), &json!(1))
    );
    let all =
        ["BatchGetItem", "ConditionCheckItem", "DeleteItem", "GetItem", "PutItem", "UpdateItem"];
    assert_eq!(asked(&shop, "club-payments-reconcile"), allowed(&all, &[]));
}
