//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::super::sandbox_pay;
use super::checks::{died, money_comes};
use super::stars::{charge, veto};
use super::*;

/// What `function` asked for so far, on the table, its indexes and queues.
fn asked(till: &Till, function: &str) -> BTreeSet<String> {
    let calls = till.world.engine.calls().of(&format!("local-{function}"));
    let permissions = calls.into_iter().flat_map(|call| call.permissions);
    permissions
        .map(|permission| match permission.resource.rsplit_once("index/") {
            Some((_, index)) => format!("{} {index}", permission.action),
            None => permission.action,
        })
        .collect()
}

fn allowed(actions: &[&str]) -> BTreeSet<String> {
    let named = |action: &&str| match action.contains(':') {
        true => (*action).to_owned(),
        false => format!("dynamodb:{action}"),
    };
    actions.iter().map(named).collect()
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let till = Till::open().await;
    // Invoices: made, found by a key, refused, looked at.
    for _ in 0..2 {
        let keyed = till.wish(json!({ "amount": 100 })).header("idempotency-key", "one");
        till.world.call(create(), keyed).await;
    }
    till.crypto.feel(Mood::Refusing(500, Value::Null));
    till.ask(json!({ "amount": 100 })).await;
    till.crypto.feel(Mood::Fine);
    let [first, second, third] = [
        till.invoiced("crypto_bot").await,
        till.invoiced("crypto_bot").await,
        till.invoiced("crypto_bot").await,
    ];
    till.shown(first).await;

    // Crypto Bot: what fits, what does not, and what is known by its invoice.
    till.pay(first).await;
    let mut word = till.paid(&format!("er1.{second}"));
    word["payload"]["amount"] = json!("1");
    till.deliver(&word).await;
    word["payload"]["payload"] = Value::Null;
    till.deliver(&word).await;
    till.shown(first).await;

    // The bot: a veto, a charge, its refund, a command.
    let stars = till.invoiced("telegram_stars").await;
    till.update(veto(stars, PAYER, 84, "XTR")).await;
    till.update(charge("successful_payment", 2, stars, "charge")).await;
    till.update(charge("refunded_payment", 3, stars, "charge")).await;
    till.update(charge("refunded_payment", 4, 42, "unknown")).await;

    // Checks: unpaid, and one that settles; the sweep and the books: all that they find.
    till.pass(30);
    till.check().await;
    money_comes(&till, "crypto_bot", third);
    till.pass(30);
    till.check().await;
    died(&till, "crypto_bot", true).await;
    let gone = till.invoiced("sandbox").await;
    let lost = till.invoiced("crypto_bot").await;
    money_comes(&till, "crypto_bot", lost);
    till.pass(1_800);
    till.sweep().await;
    till.sweep().await;
    money_comes(&till, "sandbox", gone);
    till.bot.books().rows.push(super::stars::came("late", "er1.1", 1));
    till.reconcile().await;
    let sandbox = till.invoiced("sandbox").await;
    let path = format!("/api/sandbox/payments/{sandbox}/pay");
    let pay = till.by(PAYER, Request::post(&path, json!({})));
    assert_eq!(till.world.call(sandbox_pay(), pay).await.status, 204);

    let settles = ["BatchGetItem", "GetItem", "PutItem", "UpdateItem"];
    let and = |more: &[&str]| allowed(&[&settles[..], more].concat());
    for (function, expected) in [
        ("create", allowed(&["GetItem", "PutItem", "UpdateItem", "sqs:SendMessage"])),
        ("status", allowed(&["GetItem"])),
        ("crypto-bot", and(&[])),
        ("sandbox-pay", and(&[])),
        ("check", and(&["sqs:SendMessage"])),
        ("sweep", and(&["Query due", "sqs:SendMessage"])),
        ("reconcile", and(&["Query registry"])),
    ] {
        assert_eq!(asked(&till, &format!("errands-payments-{function}")), expected, "{function}");
    }
    assert_eq!(asked(&till, "errands-telegram-webhook"), and(&[]));
}
