//! What Crypto Bot says, and what is no proof of payment (acceptance 17; §7.3's table).

use serde_json::{Value, json};
use tests::{Answer, Person, World, at_once, errands};

use super::providers::{crypto_webhook, signature};
use super::{Crypto, update_id};

const PATH: &str = "/api/balance/webhook/crypto-bot";
const HEADER: &str = "crypto-pay-api-signature";

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!(answer.is(200).json(), json!({"ok": false}), "{answer}");
    assert_eq!(answer.cost().unwrap().items, 0, "nothing is stored: {answer}");
}

#[track_caller]
fn heard(answer: &Answer) {
    assert_eq!(answer.is(200).json(), json!({"ok": true}), "{answer}");
}

/// It is heard, and put aside.
#[track_caller]
fn put_aside(answer: &Answer) {
    heard(answer);
    assert!(answer.cost().unwrap().items > 0, "something is stored: {answer}");
}

async fn is_poor(payer: &Person) {
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (0, 0));
}

async fn invoiced(world: &World) -> (Person, Crypto) {
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "crypto_bot").await;
    (payer, Crypto::of(world, payment).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_an_unsigned_or_tampered_webhook_is_no_proof() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let body = crypto.update(&json!({})).to_string();
    let token = world.secret("CRYPTO_PAY_TOKEN");
    let right = signature(token, body.as_bytes());
    let post = || world.call("POST", PATH);
    refused(&post().raw(body.clone()).await);
    refused(&post().header(HEADER, "").raw(body.clone()).await);
    for wrong in [
        signature("another token", body.as_bytes()),
        signature(token, body.replace("\"100\"", "\"1000\"").as_bytes()),
        right.chars().rev().collect(),
        right[..63].to_owned(),
        format!("{right}00"),
        "ы".to_owned(),
    ] {
        refused(&post().header(HEADER, wrong).raw(body.clone()).await);
    }
    let tampered = body.replace("\"100\"", "\"1000\"");
    refused(&post().header(HEADER, &right).raw(tampered).await);
    refused(&post().header(HEADER, &right).raw(format!("{body} ")).await);
    is_poor(&payer).await;
    heard(&post().header(HEADER, &right).raw(body).await);
    assert_eq!(payer.rubles().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_the_signature_is_of_the_bytes_as_they_came() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let body = format!(" \n{:#}\r\n", crypto.update(&json!({})));
    heard(&crypto_webhook(&world, body.as_bytes()).await);
    assert_eq!(payer.rubles().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_signed_body_without_an_invoice_is_refused() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let update = crypto.update(&json!({}));
    let mut bare = update.clone();
    bare.as_object_mut().unwrap().remove("payload");
    let mut text = update.clone();
    text["payload"] = json!("er1.1");
    for body in ["", "x", "null", "[]", "{}", "\u{0}", "{\"update_type\":\"invoice_paid\"}"] {
        refused(&crypto_webhook(&world, body.as_bytes()).await);
    }
    for body in [bare, text] {
        refused(&crypto.told(&body).await);
    }
    refused(&crypto_webhook(&world, &[0xff, 0xfe]).await);
    is_poor(&payer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_other_updates_are_ignored() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let mut update = crypto.update(&json!({}));
    update["update_type"] = json!("invoice_created");
    let answer = crypto.told(&update).await;
    heard(&answer);
    assert_eq!(answer.cost().unwrap().items, 0, "{answer}");
    is_poor(&payer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_what_disagrees_is_put_aside() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let disagreeing = [
        json!({"amount": "1000"}),
        json!({"amount": "99.99"}),
        json!({"amount": "100.01"}),
        json!({"amount": "-100"}),
        json!({"amount": "x"}),
        json!({"amount": null}),
        json!({"fiat": "USD"}),
        json!({"fiat": "rub"}),
        json!({"fiat": null}),
        json!({"paid_asset": "DOGE"}),
        json!({"paid_asset": "usdt"}),
        json!({"paid_asset": null}),
        json!({"status": "active"}),
        json!({"status": "expired"}),
        json!({"status": null}),
    ];
    // Each is another sum of money: what is put aside already is put aside once.
    for (money, mut other) in (9_000_000_000_i64..).zip(disagreeing) {
        other["invoice_id"] = json!(money);
        put_aside(&crypto.told(&crypto.update(&other)).await);
        assert_eq!(payer.rubles().await, 0, "{other}");
    }
    is_poor(&payer).await;
    heard(&crypto.paid().await);
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (100, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_an_unknown_invoice_is_put_aside() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let references =
        ["er1.42", "er1.0", "er1.-1", "er1.", "er2.1", "", "er1.99999999999999999999", "ы"];
    for (money, reference) in (9_000_000_000_i64..).zip(references) {
        let other = json!({"payload": reference, "invoice_id": money});
        put_aside(&crypto.told(&crypto.update(&other)).await);
    }
    let other = json!({"payload": null, "invoice_id": 9_007_199_254_740_991_i64});
    put_aside(&crypto.told(&crypto.update(&other)).await);
    is_poor(&payer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_amounts_are_compared_as_decimals() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    for (n, amount) in (1..).zip([json!("100"), json!("100.0"), json!("100.00"), json!("0100")]) {
        let payment = payer.invoice(100, "crypto_bot").await;
        let crypto = Crypto::of(&world, payment).await;
        heard(&crypto.told(&crypto.update(&json!({"amount": amount}))).await);
        assert_eq!(payer.rubles().await, n * 100, "{amount}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_every_asset_of_the_list_is_taken() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let assets = ["USDT", "TON", "BTC", "ETH", "LTC", "BNB", "TRX", "USDC"];
    for (n, asset) in (1..).zip(assets) {
        let payment = payer.invoice(10, "crypto_bot").await;
        let crypto = Crypto::of(&world, payment).await;
        heard(&crypto.told(&crypto.update(&json!({"paid_asset": asset}))).await);
        assert_eq!(payer.rubles().await, n * 10, "{asset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_the_providers_id_finds_the_payment_too() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let mut update = crypto.update(&json!({}));
    update["payload"].as_object_mut().unwrap().remove("payload");
    heard(&crypto.told(&update).await);
    heard(&crypto.paid().await);
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (100, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_webhook_that_meets_a_broken_store_comes_again() {
    let world = errands!();
    let (payer, crypto) = invoiced(&world).await;
    let update = crypto.update(&json!({}));
    world.fault("dynamodb", "error").await;
    let answer = crypto.told(&update).await;
    answer.is(503).refusal();
    assert!(answer.header("retry-after").is_some(), "{answer}");
    world.heal().await;
    for _ in 0..2 {
        heard(&crypto.told(&update).await);
    }
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (100, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_without_a_token_every_webhook_is_refused() {
    let world = errands!("CRYPTO_PAY_TOKEN" => "");
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "sandbox").await;
    let invoice = json!({
        "invoice_id": 4_294_967_297_i64, "status": "paid", "currency_type": "fiat",
        "fiat": "RUB", "amount": "100", "paid_asset": "USDT", "payload": format!("er1.{payment}"),
    });
    let update =
        json!({"update_id": update_id(), "update_type": "invoice_paid", "payload": invoice});
    refused(&crypto_webhook(&world, update.to_string().as_bytes()).await);
    is_poor(&payer).await;
}

/// Who has paid one invoice has not paid another, whatever the order.
#[tokio::test(flavor = "multi_thread")]
async fn a17_two_payers_are_told_apart() {
    let world = errands!();
    let mut paid: Vec<(Person, Crypto)> = Vec::new();
    for id in 1..=4 {
        let payer = world.person(id, "Пётр").await;
        let payment = payer.invoice(id * 10, "crypto_bot").await;
        paid.push((payer, Crypto::of(&world, payment).await));
    }
    let answers = at_once(12, |n| paid[n % 3].1.paid()).await;
    answers.iter().for_each(heard);
    let mut rubles: Vec<Value> = Vec::new();
    for (payer, _) in &paid {
        rubles.push(payer.rubles().await.into());
    }
    assert_eq!(rubles, [10, 20, 30, 0]);
}
