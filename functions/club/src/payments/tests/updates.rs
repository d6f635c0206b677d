//! The bot's updates: the last veto, payments in stars, refunds, commands.

use engine::{Fault, FaultKind, Target};
use shared::outbox::{Entry, Hint};

use super::stars::{NOW_S, in_stars, star_shop};
use super::*;
use crate::bot::{update, webhook};
use crate::outbox::deliver;
use crate::payments::contracts::RecurringContract;
use crate::testing::{BotMood, BotServer, OUTBOX, UPDATES, WEBHOOK_SECRET};
use crate::texts;

const PATH: &str = "/api/v1/bot/webhook";
const HEADER: &str = "x-telegram-bot-api-secret-token";
const DAY_S: u64 = 86_400;

fn person(id: i64) -> Value {
    json!({ "id": id, "is_bot": false, "first_name": "Анна" })
}

fn message(update_id: i64, more: Value) -> Value {
    let mut message = json!({
        "message_id": 5, "date": NOW_S, "from": person(PAYER),
        "chat": { "id": PAYER, "type": "private" },
    });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "update_id": update_id, "message": message })
}

fn money(kind: &str, update_id: i64, attempt: &str, charge: &str, more: Value) -> Value {
    let mut payment = json!({
        "currency": "XTR", "total_amount": 1_500, "invoice_payload": attempt,
        "telegram_payment_charge_id": charge, "provider_payment_charge_id": "",
    });
    payment.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message(update_id, json!({ kind: payment }))
}

pub(super) fn paid(update_id: i64, attempt: &str, charge: &str) -> Value {
    money("successful_payment", update_id, attempt, charge, json!({}))
}

pub(super) fn recurring(update_id: i64, attempt: &str, charge: &str, first: bool) -> Value {
    let more = json!({
        "is_recurring": true, "is_first_recurring": first,
        "subscription_expiration_date": NOW_S + 2_592_000,
    });
    money("successful_payment", update_id, attempt, charge, more)
}

pub(super) fn refunded(update_id: i64, attempt: &str, charge: &str) -> Value {
    money("refunded_payment", update_id, attempt, charge, json!({}))
}

pub(super) fn query(attempt: &str, payer: i64, amount: i64, currency: &str) -> Value {
    json!({
        "update_id": 1, "pre_checkout_query": {
            "id": "query", "from": person(payer), "currency": currency, "total_amount": amount,
            "invoice_payload": attempt,
        },
    })
}

pub(super) fn told(update: Value) -> Request {
    Request::post(PATH, update).header(HEADER, WEBHOOK_SECRET)
}

impl Shop {
    /// Telegram delivers an update, and what it asks for is done. Answers how many failed.
    pub(super) async fn hear(&self, update_: Value) -> usize {
        let reply = self.world.call(webhook(), told(update_)).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": true })));
        self.world.deliver(update(), UPDATES).await.1
    }

    pub(super) async fn contract(&self) -> RecurringContract {
        self.read("RecurringContract").await.remove(0)
    }

    /// Has every outbox row performed that is not.
    pub(super) async fn tell_all(&self) {
        let queue = self.world.app.outbox_queue.as_ref().unwrap();
        for entry in self.read::<Entry>("Outbox").await {
            let hint = Hint { outbox_id: entry.id };
            queue.send(&hint, jiff::SignedDuration::ZERO).await.unwrap();
            self.world.deliver(deliver(), OUTBOX).await;
        }
    }
}

#[tokio::test]
async fn only_telegram_is_heard() {
    let (shop, _bot) = star_shop(&[]).await;
    let bare = || Request::post(PATH, paid(1, "att_x", "charge"));
    for request in [bare(), bare().header(HEADER, ""), bare().header(HEADER, "wrong")] {
        let reply = shop.world.call(webhook(), request).await;
        assert_eq!(reply.status, 401);
        let said = (&reply.body["ok"], &reply.body["error"]);
        assert_eq!(said, (&json!(false), &json!("Unauthorized")));
    }
    let unreadable = shop.world.call(webhook(), told(json!("no update"))).await;
    assert_eq!((unreadable.status.as_u16(), &unreadable.body["ok"]), (400, &json!(false)));
    assert_eq!(shop.world.depth(UPDATES), 0);
    let (shop, _bot) = star_shop(&[("TELEGRAM_WEBHOOK_SECRET", "")]).await;
    for request in [bare(), bare().header(HEADER, ""), bare().header(HEADER, WEBHOOK_SECRET)] {
        let reply = shop.world.call(webhook(), request).await;
        let said = (&reply.body["ok"], &reply.body["error"]);
        assert_eq!(reply.status, 500);
        assert_eq!(said, (&json!(false), &json!("Server configuration error")));
    }
    assert_eq!(shop.world.depth(UPDATES), 0);
}

#[tokio::test]
async fn an_update_is_acknowledged_once_the_queue_has_it() {
    let (shop, bot) = star_shop(&[]).await;
    let odd = message(3, json!({ "text": "\u{ffff}\u{fffe} и \u{0} всё" }));
    for update in [
        paid(1, "att_x", "charge"),
        json!({ "update_id": 2, "a_kind_to_come": {} }),
        odd,
        json!({ "update_id": 4, "message": { "unreadable": true } }),
    ] {
        let reply = shop.world.call(webhook(), told(update)).await;
        assert_eq!((reply.status.as_u16(), reply.cost.requests), (200, 0));
    }
    assert_eq!(shop.world.depth(UPDATES), 4);
    // What cannot be read fails alone.
    assert_eq!(shop.world.deliver(update(), UPDATES).await, (4, 1));
    let broken = Fault::new(Target::Sqs, FaultKind::Error);
    shop.world.engine.faults().inject(broken);
    let reply = shop.world.call(webhook(), told(paid(5, "att_x", "charge"))).await;
    assert_eq!((reply.status.as_u16(), &reply.body["ok"]), (500, &json!(false)));
    assert!(bot.books().calls.is_empty());
}

#[tokio::test]
async fn the_last_veto_is_heard() {
    let (shop, bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let sandbox = shop.linked().await;
    let refused = |text: &str| json!({ "pre_checkout_query_id": "query", "ok": false, "error_message": text });
    let mut expected = Vec::new();
    for (asked, admits) in [
        (query(&id, PAYER, 1_500, "XTR"), true),
        (query(&id, PAYER, 1_500, "XTR"), true),
        (query(&id, 8, 1_500, "XTR"), false),
        (query(&id, PAYER, 1_499, "XTR"), false),
        (query(&id, PAYER, 1_500, "RUB"), false),
        (query("att_01KG9JV9M0SAMPLEATTEMPT000", PAYER, 1_500, "XTR"), false),
        (query("", PAYER, 1_500, "XTR"), false),
        (query(&sandbox, PAYER, 1_500, "XTR"), false),
    ] {
        let reply = shop.world.call(webhook(), told(asked)).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": true })));
        assert!(reply.cost.requests <= 1);
        expected.push(match admits {
            true => json!({ "pre_checkout_query_id": "query", "ok": true }),
            false => refused(texts::CHECKOUT_REFUSED),
        });
    }
    shop.pass(DAY_S);
    shop.world.call(webhook(), told(query(&id, PAYER, 1_500, "XTR"))).await;
    expected.push(refused(texts::CHECKOUT_REFUSED));
    assert_eq!(bot.called("answerPreCheckoutQuery"), expected);
    assert_eq!(shop.world.depth(UPDATES), 0, "answered at once");
}

#[tokio::test]
async fn the_last_veto_does_not_wait_for_a_slow_store() {
    let (shop, bot) = star_shop(&[("PRE_CHECKOUT_BUDGET_MS", "8000")]).await;
    let id = shop.star_linked().await;
    for kind in [FaultKind::Error, FaultKind::Timeout] {
        shop.world.engine.faults().inject(Fault::new(Target::Dynamodb, kind));
        let reply = shop.world.call(webhook(), told(query(&id, PAYER, 1_500, "XTR"))).await;
        assert_eq!(reply.status, 200);
        shop.world.engine.faults().clear();
        let answer = bot.called("answerPreCheckoutQuery").pop().unwrap();
        let said = (&answer["ok"], &answer["error_message"]);
        assert_eq!(said, (&json!(false), &json!(texts::CHECKOUT_LATER)), "{kind:?}");
    }
    // An answer that Telegram did not take is given again, as the update comes again.
    bot.feel(BotMood::refusing(429, "Too Many Requests: retry after 1"));
    let asked = || told(query(&id, PAYER, 1_500, "XTR"));
    assert_eq!(shop.world.call(webhook(), asked()).await.status, 500);
    bot.feel(BotMood::refusing(400, "Bad Request: query is too old"));
    assert_eq!(shop.world.call(webhook(), asked()).await.status, 200);
}

#[tokio::test]
async fn a_charge_settles_once() {
    let (shop, _bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    for update_id in [10, 10, 11, 12, 10] {
        assert_eq!(shop.hear(paid(update_id, &id, "charge")).await, 0);
    }
    assert_eq!((shop.status(&id).await, shop.count("Payment").await), (Status::Paid, 1));
    let payer = shop.payer().await;
    // The link was one of a subscription, whether Telegram says so again or not.
    assert_eq!((payer.balance, payer.auto_renewal), (500, true));
    assert_eq!(
        (shop.messages("congratulation").await, shop.count("RecurringContract").await),
        (1, 1)
    );
    // An update that had its effect has no other, whatever it says now.
    assert_eq!(shop.hear(paid(10, &id, "another")).await, 0);
    assert_eq!((shop.count("Payment").await, shop.count("UnassignedPayment").await), (1, 0));
    assert_eq!(shop.count("TelegramUpdate").await, 1);
    shop.check_invariants().await;
}

#[tokio::test]
async fn the_same_update_twice_at_once_is_one_effect() {
    let (shop, _bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    for update_id in [20, 20, 21, 21] {
        let reply = shop.world.call(webhook(), told(paid(update_id, &id, "charge"))).await;
        assert_eq!(reply.status, 200);
    }
    assert_eq!(shop.world.deliver(update(), UPDATES).await, (4, 0));
    assert_eq!((shop.count("Payment").await, shop.payer().await.balance), (1, 500));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_store_that_fails_has_the_update_come_again() {
    let (shop, _bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let reply = shop.world.call(webhook(), told(paid(25, &id, "charge"))).await;
    assert_eq!(reply.status, 200);
    let fault = Fault::new(Target::Dynamodb, FaultKind::Error);
    shop.world.engine.faults().inject(fault.operation("TransactWriteItems"));
    assert_eq!(shop.world.deliver(update(), UPDATES).await, (1, 1));
    shop.world.engine.faults().clear();
    assert_eq!((shop.count("Payment").await, shop.count("TelegramUpdate").await), (0, 0));
    shop.pass(180);
    assert_eq!(shop.world.deliver(update(), UPDATES).await, (1, 0));
    assert_eq!(shop.status(&id).await, Status::Paid);
    shop.check_invariants().await;
}

#[tokio::test]
async fn charges_that_disagree_are_put_aside() {
    let (shop, _bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    let mut foreign = paid(30, &id, "foreign");
    foreign["message"]["from"] = person(8);
    let wrong =
        |update_id, charge: &str, more| money("successful_payment", update_id, &id, charge, more);
    for update in [
        foreign,
        wrong(31, "cheap", json!({ "total_amount": 1_499 })),
        wrong(32, "rubles", json!({ "currency": "RUB" })),
        wrong(33, "unknown", json!({ "invoice_payload": "x" })),
    ] {
        assert_eq!(shop.hear(update.clone()).await, 0);
        assert_eq!(shop.hear(update).await, 0);
    }
    let aside = shop.world.items("UnassignedPayment").await;
    let mut reasons: Vec<_> =
        aside.iter().map(|item| item["reason"]["S"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["other_payer", "other_sum", "other_sum", "unknown_attempt"]);
    assert_eq!((shop.messages("admin_alert").await, shop.count("TelegramUpdate").await), (4, 4));
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Pending, 0));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_recurring_charge_adds_thirty_days() {
    let (shop, _bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    shop.hear(recurring(40, &id, "first", true)).await;
    let first = shop.payer().await;
    assert!(first.auto_renewal);
    let contract = shop.contract().await;
    assert_eq!((contract.contract_id.as_str(), contract.newest.as_str()), ("first", "first"));
    assert_eq!((contract.attempt_id, contract.payer, contract.days), (id.clone(), PAYER, 30));
    // What renews itself needs no link, unless it is asked for.
    let reply = shop.ask(in_stars()).await;
    assert_eq!(
        (&reply.body["active_subscription"], shop.count("Attempt").await),
        (&json!(true), 1)
    );
    shop.pass(30 * DAY_S);
    for update_id in [41, 41, 42] {
        shop.hear(recurring(update_id, &id, "second", false)).await;
    }
    let second = shop.payer().await;
    let (before, after) = (first.subscription_expires, second.subscription_expires);
    assert_eq!(after.unwrap(), before.unwrap() + shared::clock::days(30));
    assert_eq!((second.balance, shop.count("Payment").await), (1_000, 2));
    assert_eq!(
        (shop.contract().await.newest.as_str(), shop.attempt(&id).await.unrefunded),
        ("second", 2)
    );
    assert_eq!(shop.messages("congratulation").await, 2);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_refund_reverses_once() {
    let (shop, _bot) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    // It has overtaken its payment: it comes again.
    assert_eq!(shop.hear(refunded(50, &id, "charge")).await, 1);
    shop.hear(paid(51, &id, "charge")).await;
    shop.pass(180);
    assert_eq!(shop.world.deliver(update(), UPDATES).await, (1, 0));
    for update_id in [50, 52, 52] {
        assert_eq!(shop.hear(refunded(update_id, &id, "charge")).await, 0);
    }
    let payer = shop.payer().await;
    assert_eq!((payer.balance, payer.subscription_expires), (0, Some(shop.world.now())));
    assert_eq!((shop.status(&id).await, shop.count("Refund").await), (Status::Refunded, 1));
    // Money that comes once the subscription has ended is for a person to look at.
    shop.tell_all().await;
    assert!(!shop.contract().await.live);
    shop.hear(paid(53, &id, "late")).await;
    assert_eq!((shop.count("UnassignedPayment").await, shop.payer().await.balance), (1, 0));
    shop.check_invariants().await;
}

#[tokio::test]
async fn the_end_of_a_subscription_is_told_to_telegram() {
    let (shop, bot): (Shop, BotServer) = star_shop(&[]).await;
    let id = shop.star_linked().await;
    assert_eq!(shop.hear(recurring(60, &id, "first", true)).await, 0);
    assert_eq!(shop.hear(recurring(61, &id, "second", false)).await, 0);
    // The older payment is not what the subscription stands on.
    assert_eq!(shop.hear(refunded(62, &id, "first")).await, 0);
    assert!(shop.payer().await.auto_renewal);
    assert_eq!(shop.hear(refunded(63, &id, "second")).await, 0);
    assert!(!shop.payer().await.auto_renewal);
    assert_eq!(
        (shop.status(&id).await, shop.messages("end_contract").await),
        (Status::Refunded, 1)
    );
    // Telegram has not confirmed the end: what it takes till then counts.
    assert_eq!(shop.hear(recurring(64, &id, "third", false)).await, 0);
    assert_eq!((shop.status(&id).await, shop.payer().await.balance), (Status::Paid, 500));
    assert_eq!(shop.hear(refunded(65, &id, "third")).await, 0);
    shop.tell_all().await;
    // Asked for twice; once it has ended, nobody is asked again.
    let one = json!({
        "user_id": PAYER, "telegram_payment_charge_id": "first", "is_canceled": true,
    });
    assert_eq!(bot.called("editUserStarSubscription"), [one]);
    assert!(!shop.contract().await.live);
    assert_eq!(shop.hear(recurring(66, &id, "fourth", false)).await, 0);
    let aside = shop.world.items("UnassignedPayment").await;
    assert_eq!((aside.len(), &aside[0]["reason"]["S"]), (1, &json!("refunded_before")));
    shop.check_invariants().await;
}

#[tokio::test]
async fn commands_are_answered_once() {
    let (shop, _bot) = star_shop(&[("PAYMENT_SUPPORT_CONTACT", "@club_help")]).await;
    let say = |update_id: i64, text: &str| message(update_id, json!({ "text": text }));
    let mut group = say(70, "/start");
    group["message"]["chat"]["type"] = json!("group");
    for update in [
        say(71, "/start"),
        say(71, "/start"),
        say(72, "/paysupport"),
        say(73, "/start gift_AAAAAAAAAAAAAAAAAAAAAA"),
        say(74, "как дела?"),
        group,
    ] {
        assert_eq!(shop.hear(update).await, 0);
    }
    assert_eq!((shop.messages("welcome").await, shop.messages("pay_support").await), (1, 1));
    // The gift is none, which is said.
    assert_eq!((shop.count("TelegramUpdate").await, shop.count("Outbox").await), (3, 3));
    assert!(texts::pay_support(Some("@club_help")).ends_with("@club_help"));
}
