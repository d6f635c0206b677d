//! New invoices: a payment first, then its provider, once for each wish.

use super::super::model::CREATING_MAX;
use super::*;
use crate::money::Kopecks;

#[tokio::test]
async fn an_invoice_is_made() {
    let till = Till::open().await;
    let reply = till.ask(json!({ "amount": 100 })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let id = reply.body["payment_id"].as_i64().unwrap();
    assert_eq!(
        reply.body,
        json!({
            "payment_id": id, "provider": "crypto_bot",
            "pay_url": "https://t.me/CryptoBot?start=h4294967297",
            "mini_app_invoice_url": "https://t.me/CryptoBot/app?startapp=invoice-h4294967297",
            "expires_at": "2026-11-22T12:30:00.000000Z",
        })
    );
    let wanted = json!({
        "currency_type": "fiat", "fiat": "RUB", "amount": "100",
        "description": "Пополнение баланса на 100₽", "payload": format!("er1.{id}"),
        "expires_in": 1800,
    });
    assert_eq!(till.crypto.called("createInvoice"), [wanted]);
    // The payment, then the payment with the pointer of its invoice.
    assert_eq!((reply.cost.requests, reply.cost.items, reply.cost.messages), (2, 3, 1));
    assert_eq!((till.stands(id).await, till.world.depth(CHECKS)), (Status::Pending, 1));
    let shown = till.shown(id).await;
    let expected =
        json!({ "payment_id": id, "status": "pending", "amount": 100, "new_balance": null });
    assert_eq!((&shown.body, shown.cost.requests), (&expected, 1));
    // Another wish is another payment.
    assert_ne!(till.invoiced("crypto_bot").await, id);
    till.check_invariants().await;
}

#[tokio::test]
async fn stars_are_frozen_and_rounded_up() {
    let till = Till::open().await;
    let reply = till.ask(json!({ "amount": 100, "provider": "telegram_stars" })).await;
    let id = reply.body["payment_id"].as_i64().unwrap();
    assert_eq!(reply.body["pay_url"], reply.body["mini_app_invoice_url"]);
    assert!(reply.body["pay_url"].as_str().unwrap().starts_with("https://t.me/$"));
    let link = &till.bot.called("createInvoiceLink")[0];
    assert_eq!(link["payload"], json!(format!("er1.{id}")));
    assert_eq!(link["prices"], json!([{ "label": "Пополнение баланса", "amount": 84 }]));
    assert_eq!(till.payment(id).await.stars, Some(84));
    let most = till.ask(json!({ "amount": 12_000, "provider": "telegram_stars" })).await;
    assert_eq!(most.status, 200);
    let refused = till.ask(json!({ "amount": 12_001, "provider": "telegram_stars" })).await;
    let text = "Amount is too large for Telegram Stars";
    assert_eq!(refused.refusal(), (422, "validation_failed", text));
}

#[tokio::test]
async fn what_the_rules_refuse() {
    let till = Till::open().await;
    for body in [
        json!({}),
        json!({ "amount": null }),
        json!({ "amount": 0 }),
        json!({ "amount": 100_001 }),
        json!({ "amount": 10.5 }),
        json!({ "amount": "ten" }),
        json!({ "amount": 1e300 }),
        json!({ "amount": 100, "provider": "paypal" }),
        json!({ "amount": 100, "provider": 7 }),
        json!({ "amount": 100, "provider": "x".repeat(51) }),
    ] {
        let reply = till.ask(body.clone()).await;
        assert_eq!(reply.refusal().0, 422, "{body}: {}", reply.body);
    }
    for amount in [json!("10"), json!(10.0), json!(1), json!(100_000)] {
        let reply = till.ask(json!({ "amount": amount, "provider": "crypto_bot" })).await;
        assert_eq!(reply.status, 200, "{amount}");
    }
    assert_eq!(till.count("Payment").await, 4);
}

#[tokio::test]
async fn a_full_balance_takes_no_invoice() {
    let till = Till::with(&[("BALANCE_LIMIT_RUB", "150")]).await;
    let first = till.invoiced("crypto_bot").await;
    let second = till.invoiced("crypto_bot").await;
    till.pay(first).await;
    let refused = till.ask(json!({ "amount": 51 })).await;
    assert_eq!(refused.refusal(), (409, "balance_limit", "Balance limit reached"));
    assert_eq!(till.ask(json!({ "amount": 50 })).await.status, 200);
    // What was received is never refused.
    till.pay(second).await;
    assert_eq!(till.balance().await, 20_000);
    till.check_invariants().await;
}

#[tokio::test]
async fn a_provider_that_is_not_set_up_is_not_asked() {
    let bare = [("CRYPTO_PAY_TOKEN", ""), ("STARS_ENABLED", "false"), ("SANDBOX_PROVIDER_URL", "")];
    let till = Till::with(&bare).await;
    for body in [
        json!({ "amount": 100 }),
        json!({ "amount": 100, "provider": "crypto_bot" }),
        json!({ "amount": 100, "provider": "telegram_stars" }),
        json!({ "amount": 100, "provider": "sandbox" }),
    ] {
        let reply = till.ask(body).await;
        let text = "Payment service not configured";
        assert_eq!(reply.refusal(), (503, "payments_not_configured", text));
    }
    assert_eq!(till.count("Payment").await, 0);
    let chosen = Till::with(&[("PAYMENT_DEFAULT_PROVIDER", "sandbox")]).await;
    assert_eq!(chosen.ask(json!({ "amount": 100 })).await.body["provider"], "sandbox");
    let off = [("PAYMENT_DEFAULT_PROVIDER", "telegram_stars"), ("STARS_ENABLED", "false")];
    let reply = Till::with(&off).await.ask(json!({ "amount": 100 })).await;
    assert_eq!(reply.refusal().1, "payments_not_configured");
}

#[tokio::test]
async fn a_provider_that_does_not_answer_fails_the_payment() {
    let refusal = json!({ "ok": false, "error": { "code": 400, "name": "AMOUNT_TOO_SMALL" } });
    for mood in [
        Mood::Refusing(400, refusal.clone()),
        Mood::Refusing(200, refusal),
        Mood::Refusing(500, json!("down")),
        Mood::Refusing(200, json!({ "ok": true })),
        Mood::Refusing(200, json!({ "ok": true, "result": { "invoice_id": 7 } })),
        Mood::Silent,
        Mood::Mute,
    ] {
        let till = Till::with(&[("PAYMENT_PROVIDER_TIMEOUT_MS", "200")]).await;
        for (provider, server) in [
            ("crypto_bot", &till.crypto),
            ("telegram_stars", &till.bot),
            ("sandbox", &till.sandbox),
        ] {
            server.feel(mood.clone());
            let reply = till.ask(json!({ "amount": 100, "provider": provider })).await;
            let text = "Payment provider is unavailable. Try again later";
            let expected = (503, "payment_provider_unavailable", text);
            assert_eq!(reply.refusal(), expected, "{mood:?} {provider}");
            assert!(reply.headers["retry-after"].is_string());
        }
        let payments: Vec<Payment> = till.read("Payment").await;
        assert_eq!(payments.len(), 3);
        for payment in payments {
            assert_eq!(payment.status, Status::Failed, "{mood:?}");
            assert_eq!(till.shown(payment.id).await.body["status"], "expired");
        }
        assert_eq!(till.world.depth(CHECKS), 0);
        till.check_invariants().await;
    }
}

#[tokio::test]
async fn a_key_gives_the_same_link_again() {
    let till = Till::open().await;
    let keyed = |body: Value| till.wish(body).header("idempotency-key", "one-key,of:1/wish!");
    let first = till.world.call(create(), keyed(json!({ "amount": 100 }))).await;
    assert_eq!(first.status, 200, "{}", first.body);
    let id = first.body["payment_id"].as_i64().unwrap();
    for _ in 0..2 {
        let again = till.world.call(create(), keyed(json!({ "amount": 100 }))).await;
        assert_eq!((again.status.as_u16(), &again.body), (200, &first.body));
        assert_eq!(again.headers["idempotency-replayed"], "true");
        assert_eq!((again.cost.requests, again.cost.items), (2, 0));
        // Pending and later.
        till.pay(id).await;
    }
    let other = till.world.call(create(), keyed(json!({ "amount": 101 }))).await;
    assert_eq!(other.refusal(), (422, "idempotency_mismatch", "Idempotency key reuse"));
    assert_eq!((till.count("Payment").await, till.crypto.called("createInvoice").len()), (1, 1));
    // Another person's key is another key.
    let stranger = till.by(8, Request::post("/api/balance/create-invoice", json!({"amount": 100})));
    let theirs = stranger.header("idempotency-key", "one-key,of:1/wish!");
    assert_ne!(till.world.call(create(), theirs).await.body["payment_id"], id);
    till.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_calls_under_one_key_make_one_invoice() {
    for provider in ["crypto_bot", "telegram_stars", "sandbox"] {
        let till = Till::open().await;
        let instance = till.world.start(create()).await;
        let wish = || {
            let wish = till.wish(json!({ "amount": 100, "provider": provider }));
            wish.header("idempotency-key", "one")
        };
        let replies = till.world.send_all(&instance, (0..10).map(|_| wish())).await;
        let links: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert!(!links.is_empty());
        assert!(links.iter().all(|reply| reply.body == links[0].body));
        for reply in replies.iter().filter(|reply| reply.status != 200) {
            assert_eq!(reply.status, 503, "{}", reply.body);
            let wait: u32 = reply.headers["retry-after"].as_str().unwrap().parse().unwrap();
            assert!((1..=5).contains(&wait));
        }
        assert_eq!(till.count("Payment").await, 1);
        let later = till.world.call(create(), wish()).await;
        assert_eq!(later.body, links[0].body);
        till.check_invariants().await;
    }
}

/// A payment whose call died before the provider's answer was written down; it came with the key
/// `one`.
async fn orphan(till: &Till) -> Payment {
    let wish = till.wish(json!({ "amount": 100 })).header("idempotency-key", "one");
    let reply = till.world.call(create(), wish).await;
    let id = reply.body["payment_id"].as_i64().unwrap();
    let payment = Payment {
        status: Status::Creating,
        invoice_id: None,
        pay_url: None,
        mini_app_url: None,
        look_at: Some(till.world.now() + CREATING_MAX),
        ..till.payment(id).await
    };
    till.world.put(&payment).await;
    payment
}

#[tokio::test]
async fn a_key_waits_for_its_answer_and_then_makes_another() {
    let till = Till::open().await;
    let old = orphan(&till).await;
    let again = || till.wish(json!({ "amount": 100 })).header("idempotency-key", "one");
    till.pass(2);
    let waiting = till.world.call(create(), again()).await;
    assert_eq!((waiting.status.as_u16(), &waiting.headers["retry-after"]), (503, &json!("3")));
    assert!(!waiting.body["detail"].as_str().unwrap().is_empty());
    till.pass(3);
    let renewed = till.world.call(create(), again()).await;
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    assert_ne!(renewed.body["payment_id"], old.id);
    let replayed = till.world.call(create(), again()).await;
    assert_eq!(replayed.body, renewed.body);
    // The old one is looked into, and its invoice may still be paid.
    till.pay(old.id).await;
    assert_eq!((till.stands(old.id).await, till.balance().await), (Status::Paid, 10_000));
    till.check_invariants().await;
}

#[tokio::test]
async fn a_key_whose_try_failed_makes_another() {
    let till = Till::open().await;
    let again = || till.wish(json!({ "amount": 100 })).header("idempotency-key", "one");
    till.crypto.feel(Mood::Refusing(500, Value::Null));
    assert_eq!(till.world.call(create(), again()).await.status, 503);
    assert_eq!(till.world.call(create(), again()).await.status, 503);
    till.crypto.feel(Mood::Fine);
    let made = till.world.call(create(), again()).await;
    assert_eq!(made.status, 200, "{}", made.body);
    assert_eq!(till.world.call(create(), again()).await.body, made.body);
    assert_eq!(till.count("Payment").await, 3);
    till.check_invariants().await;
}

#[tokio::test]
async fn a_key_whose_payment_was_paid_unanswered_gets_its_link() {
    let till = Till::open().await;
    let old = orphan(&till).await;
    till.pay(old.id).await;
    assert_eq!(till.payment(old.id).await.pay_url, None);
    let wish = till.wish(json!({ "amount": 100 })).header("idempotency-key", "one");
    let reply = till.world.call(create(), wish).await;
    assert_eq!((reply.status.as_u16(), &reply.body["payment_id"]), (200, &json!(old.id)));
    assert_eq!(reply.body["pay_url"], "https://t.me/CryptoBot?start=h4294967297");
    assert_eq!((till.count("Payment").await, till.balance().await), (1, 10_000));
    till.check_invariants().await;
}

#[tokio::test]
async fn a_payment_is_shown_to_its_payer_only() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let show = |id: &str, person: i64| {
        let path = format!("/api/balance/payment/{id}/status");
        till.world.call(status(), till.by(person, Request::get(&path)))
    };
    let own = id.to_string();
    for (id, person) in
        [(own.as_str(), 8), ("2147483000", PAYER), ("1180591620717411303424", PAYER), ("0", PAYER)]
    {
        let reply = show(id, person).await;
        assert_eq!(reply.refusal(), (404, "payment_not_found", "Payment not found"), "{id}");
    }
    assert_eq!(show("abc", PAYER).await.refusal().0, 422);
    till.pay(id).await;
    let shown = show(&own, PAYER).await;
    assert_eq!(
        shown.body,
        json!({ "payment_id": id, "status": "paid", "amount": 100, "new_balance": 100 })
    );
    assert_eq!(shown.cost.requests, 2);
    let entry: Vec<Entry> = till.read("LedgerEntry").await;
    assert_eq!(entry[0].description.as_deref(), Some("Crypto Bot payment #4294967297"));
    assert_eq!(till.payment(id).await.kopecks, Kopecks(10_000));
}
