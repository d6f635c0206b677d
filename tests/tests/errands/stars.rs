//! Payments in Telegram Stars (acceptance 19).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Person, World, at_once, errands, job};

use crate::payments::{Stars, says, telegram, update_id};

const STALE: &str = "Счёт устарел. Создайте новый.";

async fn invoiced(world: &World, id: i64) -> (Person, i64, Stars) {
    let payer = world.person(id, "Пётр").await;
    let payment = payer.invoice(100, "telegram_stars").await;
    let stars = Stars::of(&payer, payment).await;
    (payer, payment, stars)
}

/// What the bot has answered to the query of this id: the calls of that method so far.
async fn answers(world: &World, query: &str) -> Vec<Value> {
    let calls = world.bot_calls("answerPreCheckoutQuery").await;
    let payloads = calls.into_iter().map(|call| call["payload"].clone());
    payloads.filter(|payload| payload["pre_checkout_query_id"] == query).collect()
}

async fn is_refused(world: &World, stars: &Stars, id: &str, other: &Value) {
    telegram(world, &stars.query(id, other)).await.is(200);
    let answers = answers(world, id).await;
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!((&answers[0]["ok"], &answers[0]["error_message"]), (&json!(false), &json!(STALE)));
}

/// The types and amounts of the ledger, oldest first.
async fn ledger(payer: &Person) -> Vec<(String, i64)> {
    let entries = payer.ledger().await;
    let each = entries.iter().rev().map(|entry| {
        (entry["type"].as_str().unwrap().to_owned(), entry["amount"].as_i64().unwrap())
    });
    each.collect()
}

fn entry(kind: &str, rubles: i64) -> (String, i64) {
    (kind.to_owned(), rubles)
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_good_query_is_let_through_at_once() {
    let world = errands!();
    let (_, _, stars) = invoiced(&world, 1).await;
    let answer = telegram(&world, &stars.query("good", &json!({}))).await;
    assert_eq!(answer.is(200).json(), json!({}));
    // Before the webhook's own answer: no clock moves, and no job runs.
    let answers = answers(&world, "good").await;
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0]["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_query_that_disagrees_is_refused() {
    let world = errands!();
    let (_, _, stars) = invoiced(&world, 1).await;
    let other = world.person(2, "Олег").await;
    let foreign = json!({"id": other.id(), "is_bot": false, "first_name": ""});
    is_refused(&world, &stars, "foreign", &json!({"from": foreign})).await;
    is_refused(&world, &stars, "cheaper", &json!({"total_amount": stars.stars() - 1})).await;
    is_refused(&world, &stars, "dearer", &json!({"total_amount": stars.stars() + 1})).await;
    is_refused(&world, &stars, "rubles", &json!({"currency": "RUB"})).await;
    for (n, payload) in ["er1.42", "er1.", "", "x", "er2.1"].into_iter().enumerate() {
        let id = format!("unknown{n}");
        is_refused(&world, &stars, &id, &json!({"invoice_payload": payload})).await;
    }
    telegram(&world, &stars.query("right", &json!({}))).await.is(200);
    assert_eq!(answers(&world, "right").await[0]["ok"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_query_for_what_is_over_is_refused() {
    let world = errands!();
    let (payer, payment, stars) = invoiced(&world, 1).await;
    stars.paid("charge").await.is(200);
    is_refused(&world, &stars, "paid", &json!({})).await;
    assert_eq!(payer.payment(payment).await["status"], "paid");
    let (_, payment, stars) = invoiced(&world, 1).await;
    world.advance(31 * 60 + 30).await;
    assert_eq!(payer.payment(payment).await["status"], "expired");
    is_refused(&world, &stars, "expired", &json!({})).await;
}

/// The bot never heard that the link was made: the payment has failed, and so has its link.
#[tokio::test(flavor = "multi_thread")]
async fn a19_a_query_for_what_failed_is_refused() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    world.fault("telegram", "lost_answer").await;
    let wish = json!({"amount": 100, "provider": "telegram_stars"});
    payer.post("/api/balance/create-invoice", &wish).await.is(503);
    world.heal().await;
    let links = world.bot_calls("createInvoiceLink").await;
    let reference = links[0]["payload"]["payload"].as_str().unwrap();
    let payment = reference.strip_prefix("er1.").unwrap().parse().unwrap();
    let stars = Stars::of(&payer, payment).await;
    assert_eq!(payer.payment(payment).await["status"], "expired", "failed, to the client");
    is_refused(&world, &stars, "failed", &json!({})).await;
}

/// Who credits, a webhook or the books, is the same: one charge, one credit, one reversal.
#[tokio::test(flavor = "multi_thread")]
async fn a19_books_and_updates_speak_of_one_charge() {
    let world = errands!();
    let (payer, payment, _) = invoiced(&world, 1).await;
    let path = format!("payments/{payment}");
    let outcome = |outcome: &str, told: bool| json!({"outcome": outcome, "webhook": told, "deliveries": 3, "user_id": payer.id()});
    world.desk_post(&path, &outcome("paid", false)).await;
    world.advance(60).await;
    assert_eq!(ledger(&payer).await, [entry("recharge", 100)], "by the poll");
    world.desk_post(&path, &outcome("paid", true)).await;
    assert_eq!(ledger(&payer).await, [entry("recharge", 100)]);
    world.desk_post(&path, &outcome("refunded", true)).await;
    assert_eq!(ledger(&payer).await, [entry("recharge", 100), entry("reversal", -100)]);
    world.advance(2 * 3_600).await;
    assert_eq!(ledger(&payer).await, [entry("recharge", 100), entry("reversal", -100)]);
    assert_eq!(payer.rubles().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_repeated_payment_credits_once() {
    let world = errands!();
    let (payer, payment, stars) = invoiced(&world, 1).await;
    let update = stars.payment("charge");
    let answers = at_once(10, |n| match n.is_multiple_of(2) {
        true => telegram(&world, &update),
        false => stars.paid("charge"),
    })
    .await;
    for answer in &answers {
        assert!([200, 503].contains(&answer.status), "{answer}");
    }
    for _ in 0..5 {
        telegram(&world, &update).await.is(200);
        stars.paid("charge").await.is(200);
    }
    assert_eq!(ledger(&payer).await, [entry("recharge", 100)]);
    let shown = payer.payment(payment).await;
    assert_eq!((&shown["status"], &shown["new_balance"]), (&json!("paid"), &json!(100)));
    assert_eq!(payer.ledger().await[0]["description"], "Telegram Stars payment");
    // I4: one payment is one recharge, whatever else Telegram says was charged.
    stars.paid("another charge").await.is(200);
    assert_eq!(ledger(&payer).await, [entry("recharge", 100)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_payment_that_disagrees_is_not_credited() {
    let world = errands!();
    let (payer, _, stars) = invoiced(&world, 1).await;
    let mut wrong = Vec::new();
    for (name, value) in [
        ("total_amount", json!(stars.stars() - 1)),
        ("currency", json!("RUB")),
        ("invoice_payload", json!("er1.42")),
    ] {
        let mut update = stars.payment(&format!("wrong {name}"));
        update["message"]["successful_payment"][name] = value;
        wrong.push(update);
    }
    for update in &wrong {
        telegram(&world, update).await.is(200);
    }
    assert_eq!(ledger(&payer).await, []);
    stars.paid("right").await.is(200);
    assert_eq!(ledger(&payer).await, [entry("recharge", 100)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_late_payment_is_credited_and_told() {
    let world = errands!();
    let (payer, payment, stars) = invoiced(&world, 1).await;
    world.advance(32 * 60).await;
    assert_eq!(payer.payment(payment).await["status"], "expired");
    for _ in 0..3 {
        stars.paid("charge").await.is(200);
    }
    assert_eq!(ledger(&payer).await, [entry("recharge", 100)]);
    assert_eq!(payer.notices().await, ["💰 Баланс пополнен на 100 ₽."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_repeated_refund_reverses_once() {
    let world = errands!();
    let (payer, _, stars) = invoiced(&world, 1).await;
    stars.paid("charge").await.is(200);
    let update = stars.refund("charge");
    let answers = at_once(10, |n| match n.is_multiple_of(2) {
        true => telegram(&world, &update),
        false => stars.refunded("charge"),
    })
    .await;
    for answer in &answers {
        assert!([200, 503].contains(&answer.status), "{answer}");
    }
    for _ in 0..5 {
        telegram(&world, &update).await.is(200);
        stars.refunded("charge").await.is(200);
    }
    assert_eq!(ledger(&payer).await, [entry("recharge", 100), entry("reversal", -100)]);
    assert_eq!(payer.rubles().await, 0);
    // The payment came, was credited and stays so: its repetition credits nothing.
    stars.paid("charge").await.is(200);
    assert_eq!(payer.rubles().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_refund_takes_no_more_than_is_there() {
    let world = errands!();
    let (payer, _, stars) = invoiced(&world, 1).await;
    stars.paid("charge").await.is(200);
    let client = world.person(2, "Иван").await;
    for n in 0..3 {
        let order = client.posts(&job(&format!("@ivan_{n}0000"))).await;
        payer.act(&order, "take").await.is(200);
    }
    stars.refunded("charge").await.is(200);
    stars.refunded("charge").await.is(200);
    let spent = [entry("order_take", -2), entry("order_take", -2), entry("order_take", -2)];
    let mut wanted = vec![entry("recharge", 100)];
    wanted.extend(spent);
    wanted.push(entry("reversal", -94));
    assert_eq!(ledger(&payer).await, wanted);
    assert_eq!(payer.rubles().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_a_refund_of_what_never_came_takes_nothing() {
    let world = errands!();
    let (payer, _, stars) = invoiced(&world, 1).await;
    payer.recharges(50).await;
    stars.refunded("nobody's charge").await.is(200);
    assert_eq!(ledger(&payer).await, [entry("recharge", 50)]);
    assert_eq!(payer.rubles().await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_an_update_is_believed_by_its_secret_only() {
    let world = errands!();
    let (payer, payment, stars) = invoiced(&world, 1).await;
    let update = stars.payment("charge");
    let path = "/api/telegram/webhook";
    world.post(path, &update).await.is(401).refusal();
    for wrong in ["", "x", "local-club-telegram-webhook-secret-0000000000000000"] {
        let call = world.post(path, &update).header("x-telegram-bot-api-secret-token", wrong);
        call.await.is(401).refusal();
    }
    assert_eq!(payer.payment(payment).await["status"], "pending");
    telegram(&world, &update).await.is(200);
    assert_eq!(payer.payment(payment).await["status"], "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_without_a_secret_every_update_is_refused() {
    let world = errands!("TELEGRAM_WEBHOOK_SECRET" => "");
    let (payer, payment, stars) = invoiced(&world, 1).await;
    telegram(&world, &stars.payment("charge")).await.is(401);
    world.post("/api/telegram/webhook", &stars.payment("charge")).await.is(401);
    assert_eq!(payer.payment(payment).await["status"], "pending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_an_update_that_meets_a_broken_store_comes_again() {
    let world = errands!();
    let (payer, _, stars) = invoiced(&world, 1).await;
    let update = stars.payment("charge");
    world.fault("dynamodb", "error").await;
    telegram(&world, &update).await.is(503);
    world.heal().await;
    for _ in 0..2 {
        telegram(&world, &update).await.is(200);
    }
    assert_eq!(ledger(&payer).await, [entry("recharge", 100)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a19_who_asks_for_support_is_answered_once() {
    let world = errands!();
    let anna = world.person(1, "Анна").await;
    says(&anna, "/paysupport").await.is(200);
    let told = anna.notices().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].chars().count() > 20, "{told:?}");
    says(&anna, "как дела?").await.is(200);
    let distinct: BTreeSet<String> = anna.notices().await.into_iter().collect();
    assert!(distinct.contains(&told[0]));
}

/// What concerns nobody is heard and forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a19_other_updates_are_heard() {
    let world = errands!();
    for body in [
        json!({"update_id": update_id()}),
        json!({"update_id": update_id(), "edited_message": {}}),
        json!({"update_id": update_id(), "message": {"message_id": 1, "date": 1}}),
        json!({"update_id": update_id(), "callback_query": {"id": "1"}}),
    ] {
        let answer = telegram(&world, &body).await;
        assert_eq!(answer.is(200).json(), json!({}), "{body}");
    }
}
