//! Crypto Bot's way in: the decision table, word for word.

use shared::settings::Secret;

use super::super::providers;
use super::*;

const VECTOR: &str = r#"{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-22T00:51:47Z","payload":{"invoice_id":4294967297,"status":"paid","currency_type":"fiat","fiat":"RUB","amount":"100","paid_asset":"USDT","payload":"er1.42"}}"#;

#[test]
fn a_signature_as_the_provider_makes_it() {
    let token = Secret::new("10000:AAErrandsSandboxToken");
    let hex = "4b419bc589e0c6ebf423d591b41486acdeb80a88d12a85b5ded397f726ff2a3a";
    assert_eq!(VECTOR.len(), 224);
    assert_eq!(signature(token.expose(), VECTOR), hex);
    let admits = |hex: &str| providers::signed(VECTOR.as_bytes(), &token, hex.as_bytes());
    assert!(admits(hex) && admits(&hex.to_uppercase()));
    for bad in ["", "4b", &hex[..62], &hex.replace('4', "5"), &format!("{hex}00"), "zz", &hex[1..]]
    {
        assert!(!admits(bad), "{bad}");
    }
    assert!(!providers::signed(&VECTOR.as_bytes()[1..], &token, hex.as_bytes()));
}

#[tokio::test]
async fn money_is_credited_once_however_often_it_is_told() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let word = till.paid(&format!("er1.{id}"));
    let first = till.deliver(&word).await;
    assert_eq!((first.status.as_u16(), &first.body), (200, &json!({ "ok": true })));
    // A batch read, the payer, and one transaction: receipt, payment, balance, line.
    assert_eq!((first.cost.requests, first.cost.items), (3, 4));
    for _ in 0..9 {
        let again = till.deliver(&word).await;
        assert_eq!((&again.body, again.cost.items), (&json!({ "ok": true }), 0));
    }
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (10_000, 1));
    assert_eq!((till.stands(id).await, till.count("OutboxEvent").await), (Status::Paid, 0));
    till.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_words_at_once_are_one() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let word = till.paid(&format!("er1.{id}")).to_string();
    let instance = till.world.start(crypto_bot()).await;
    let replies = till.world.send_all(&instance, (0..50).map(|_| delivery(&word))).await;
    assert!(replies.iter().all(|reply| reply.body == json!({ "ok": true })));
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (10_000, 1));
    till.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn payments_of_one_payer_meet_at_the_balance() {
    let till = Till::open().await;
    let mut words = Vec::new();
    for _ in 0..10 {
        let id = till.invoiced("crypto_bot").await;
        words.push(delivery(&till.paid(&format!("er1.{id}")).to_string()));
    }
    let instance = till.world.start(crypto_bot()).await;
    for reply in till.world.send_all(&instance, words).await {
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (100_000, 10));
    till.check_invariants().await;
}

#[tokio::test]
async fn what_is_not_the_providers_is_refused_without_a_trace() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let word = till.paid(&format!("er1.{id}")).to_string();
    let tampered = word.replace("\"100\"", "\"999\"");
    let no = json!({ "ok": false });
    let signed = |body: &str, by: &str| {
        Request::post("/api/balance/webhook/crypto-bot", Value::Null)
            .body(body)
            .header("crypto-pay-api-signature", by)
    };
    for (request, why) in [
        (signed(&tampered, &signature(TOKEN, &word)), "another body"),
        (signed(&word, &signature("10000:other", &word)), "another token"),
        (signed(&word, ""), "no digits"),
        (signed(&word, "x"), "no hex"),
        (Request::post("/api/balance/webhook/crypto-bot", Value::Null).body(word.as_str()), "none"),
        (delivery("not json"), "signed, but not JSON"),
        (delivery(""), "signed, but empty"),
        (delivery("{}"), "signed, but without an invoice"),
        (delivery(r#"{"update_type":"invoice_paid","payload":7}"#), "signed, but no invoice"),
        (delivery(r#"{"update_type":"invoice_paid","payload":{"status":"paid"}}"#), "no id"),
    ] {
        let reply = till.world.call(crypto_bot(), request).await;
        assert_eq!((reply.status.as_u16(), &reply.body), (200, &no), "{why}");
        assert_eq!(reply.cost.items, 0, "{why}");
    }
    let off = Till::with(&[("CRYPTO_PAY_TOKEN", "")]).await;
    let reply = off.world.call(crypto_bot(), delivery(&word)).await;
    assert_eq!((reply.status.as_u16(), &reply.body), (200, &no));
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Pending, 0));
    assert_eq!(till.count("UnmatchedEvent").await, 0);
}

#[tokio::test]
async fn other_updates_are_ignored() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let mut word = till.paid(&format!("er1.{id}"));
    for kind in [json!("invoice_expired"), json!("INVOICE_PAID"), Value::Null] {
        word["update_type"] = kind;
        assert_eq!(till.deliver(&word).await.body, json!({ "ok": true }));
    }
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Pending, 0));
}

#[tokio::test]
async fn what_does_not_agree_is_put_aside() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let stars = till.invoiced("telegram_stars").await;
    let word = till.paid(&format!("er1.{id}"));
    let mut put_aside = 0;
    for (field, value, doubt) in [
        ("amount", json!("99"), "amount"),
        ("amount", json!(100.001), "amount"),
        ("amount", Value::Null, "amount"),
        ("fiat", json!("USD"), "currency"),
        ("fiat", Value::Null, "currency"),
        ("status", json!("active"), "status"),
        ("paid_asset", json!("JET"), "asset"),
        ("payload", json!("er1.43"), "unknown_reference"),
        ("payload", json!("42"), "unknown_reference"),
        ("payload", json!(format!("er1.{stars}")), "other_provider"),
        ("invoice_id", json!(4_294_967_299_u64), "other_invoice"),
    ] {
        let mut word = word.clone();
        word["payload"][field] = value.clone();
        if field != "invoice_id" {
            put_aside += 1;
            word["payload"]["invoice_id"] = json!(7_000_000 + put_aside);
        }
        // The invoice differs from ours in each but one case, where it is what is doubted.
        let bare = Payment { invoice_id: None, ..till.payment(id).await };
        till.world
            .put(&if field == "invoice_id" {
                Payment { invoice_id: Some("1".to_owned()), ..bare }
            } else {
                bare
            })
            .await;
        for _ in 0..2 {
            let reply = till.deliver(&word).await;
            assert_eq!((reply.status.as_u16(), &reply.body), (200, &json!({ "ok": true })));
        }
        let kept = till.world.items("UnmatchedEvent").await;
        let receipt = json!(word["payload"]["invoice_id"].to_string());
        let is = |item: &&Value| item["doubt"]["S"] == doubt && item["receipt_id"]["S"] == receipt;
        let found: Vec<_> = kept.iter().filter(is).collect();
        assert_eq!(found.len(), 1, "{field} {value}");
        let days = 90 * 86_400;
        let until = (till.world.now().seconds() + days).to_string();
        assert_eq!(found[0]["expires_at_s"]["N"], until);
    }
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Pending, 0));
    till.check_invariants().await;
}

#[tokio::test]
async fn amounts_agree_as_decimals() {
    for amount in [json!("100.00"), json!("100.0"), json!(100), json!(100.0)] {
        let till = Till::open().await;
        let id = till.invoiced("crypto_bot").await;
        let mut word = till.paid(&format!("er1.{id}"));
        word["payload"]["amount"] = amount.clone();
        till.deliver(&word).await;
        assert_eq!(till.stands(id).await, Status::Paid, "{amount}");
    }
}

#[tokio::test]
async fn an_invoice_without_our_reference_is_known_by_its_id() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let mut word = till.paid(&format!("er1.{id}"));
    word["payload"]["payload"] = Value::Null;
    assert_eq!(till.deliver(&word).await.body, json!({ "ok": true }));
    assert_eq!((till.stands(id).await, till.balance().await), (Status::Paid, 10_000));
    till.check_invariants().await;
}

#[tokio::test]
async fn a_second_payment_of_the_same_is_put_aside() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    till.pay(id).await;
    let bare = Payment { invoice_id: None, ..till.payment(id).await };
    till.world.put(&bare).await;
    let mut word = till.paid(&format!("er1.{id}"));
    word["payload"]["invoice_id"] = json!(5);
    till.deliver(&word).await;
    let kept = till.world.items("UnmatchedEvent").await;
    assert_eq!((kept.len(), &kept[0]["doubt"]["S"]), (1, &json!("paid_twice")));
    assert_eq!(till.balance().await, 10_000);
    till.check_invariants().await;
}

#[tokio::test]
async fn a_word_faster_than_the_providers_answer_stands() {
    let till = Till::with(&[("PAYMENT_PROVIDER_TIMEOUT_MS", "200")]).await;
    // The provider makes the invoice and its answer is lost; money comes all the same.
    till.crypto.feel(Mood::Mute);
    assert_eq!(till.ask(json!({ "amount": 100 })).await.status, 503);
    till.crypto.feel(Mood::Fine);
    let payment: Vec<Payment> = till.read("Payment").await;
    let failed = &payment[0];
    let creating =
        Payment { status: Status::Creating, look_at: Some(till.world.now()), ..failed.clone() };
    till.world.put(&creating).await;
    till.pay(failed.id).await;
    let paid = till.payment(failed.id).await;
    assert_eq!((paid.status, paid.invoice_id.as_deref()), (Status::Paid, Some("4294967297")));
    // Whoever waited for the answer gets it now, or does not: paid stays.
    let invoice = providers::Invoice {
        id: Some("4294967297".to_owned()),
        pay_url: "https://pay.example.com".to_owned(),
        mini_app_url: None,
    };
    let (table, now) = (till.world.table(), till.world.now());
    super::super::store::answered(table, &creating, &invoice, now).await.unwrap();
    let event = super::super::model::Event::Refused;
    assert!(!super::super::store::end(table, &creating, event).await.unwrap());
    let stored = till.payment(failed.id).await;
    assert_eq!((stored.status, stored.pay_url), (Status::Paid, Some(invoice.pay_url)));
    assert_eq!((till.balance().await, till.count("OutboxEvent").await), (10_000, 0));
    till.check_invariants().await;
}

#[tokio::test]
async fn late_money_is_credited_once_and_told() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    till.pass(1_800);
    till.sweep().await;
    assert_eq!(till.stands(id).await, Status::Expired);
    assert_eq!(till.shown(id).await.body["status"], "expired");
    for _ in 0..3 {
        assert_eq!(till.pay(id).await.body, json!({ "ok": true }));
    }
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (10_000, 1));
    let events = till.world.items("OutboxEvent").await;
    assert_eq!(events.len(), 1);
    let event = &events[0]["event"]["M"];
    assert_eq!(event["type"]["S"], "payment_late");
    assert_eq!(
        (&event["user_id"]["N"], &event["kopecks"]["N"]),
        (&json!(PAYER.to_string()), &json!("10000"))
    );
    assert_eq!(till.shown(id).await.body["new_balance"], 100);
    till.check_invariants().await;
}
