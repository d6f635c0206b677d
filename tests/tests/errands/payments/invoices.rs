//! An invoice from its making to its end (acceptance 17).

use serde_json::{Value, json};
use tests::{Answer, Person, Webhook, at_once, errands, job};

use super::{Crypto, Stars};

const PROVIDERS: [&str; 3] = ["sandbox", "crypto_bot", "telegram_stars"];
const DOWN: &str = "Payment provider is unavailable. Try again later";

fn ask(payer: &Person, rubles: i64, provider: &str) -> tests::Call {
    payer.post("/api/balance/create-invoice", &json!({"amount": rubles, "provider": provider}))
}

async fn status(payer: &Person, payment: i64) -> String {
    payer.payment(payment).await["status"].as_str().unwrap().to_owned()
}

/// The payment is credited: once, with the one entry that says so.
async fn is_paid_once(payer: &Person, payment: i64) {
    let shown = payer.payment(payment).await;
    let wanted =
        json!({"payment_id": payment, "status": "paid", "amount": 100, "new_balance": 100});
    assert_eq!(shown, wanted);
    let ledger = payer.ledger().await;
    assert_eq!(ledger.len(), 1, "{ledger:?}");
    let entry = &ledger[0];
    assert_eq!(entry["type"], "recharge", "{entry}");
    assert_eq!((&entry["amount"], &entry["balance_after"]), (&json!(100), &json!(100)));
    assert_eq!(payer.rubles().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_an_invoice_is_what_the_client_expects() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    for provider in PROVIDERS {
        let made = ask(&payer, 100, provider).await.is(200).json();
        let id = made["payment_id"].as_i64().unwrap();
        assert!((1..=9_007_199_254_740_991).contains(&id), "{made}");
        assert_eq!(made["provider"], provider);
        assert!(made["pay_url"].as_str().unwrap().starts_with("http"), "{made}");
        let mini = &made["mini_app_invoice_url"];
        assert!(mini.is_null() || mini.is_string(), "{made}");
        if provider == "telegram_stars" {
            assert_eq!(mini, &made["pay_url"], "both are the invoice's link");
        }
        assert_eq!(made["expires_at"], "2026-01-20T12:30:00.000000Z");
        let pending =
            json!({"payment_id": id, "status": "pending", "amount": 100, "new_balance": null});
        assert_eq!(payer.payment(id).await, pending);
    }
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (0, 0));
    let default = payer.post("/api/balance/create-invoice", &json!({"amount": "7"})).await;
    assert!(PROVIDERS.contains(&default.is(200).json()["provider"].as_str().unwrap()));
    for amount in [json!(0), json!(100_001), json!(10.5), json!(null), json!("x")] {
        let wish = json!({"amount": amount});
        payer.post("/api/balance/create-invoice", &wish).await.problem(422, "validation_failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_crypto_bot_is_asked_as_it_describes() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "crypto_bot").await;
    let invoice = Crypto::of(&world, payment).await.invoice;
    assert_eq!((&invoice["currency_type"], &invoice["fiat"]), (&json!("fiat"), &json!("RUB")));
    assert_eq!(invoice["amount"], "100");
    assert_eq!(invoice["description"], "Пополнение баланса на 100₽");
    assert_eq!(invoice["payload"], format!("er1.{payment}"));
    let made = ask(&payer, 5, "crypto_bot").await.is(200).json();
    let invoice = Crypto::of(&world, made["payment_id"].as_i64().unwrap()).await.invoice;
    assert_eq!(made["pay_url"], invoice["bot_invoice_url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_ten_webhooks_of_each_provider_credit_once() {
    let world = errands!();
    for (id, provider) in (1..).zip(PROVIDERS) {
        let payer = world.person(id, "Пётр").await;
        let payment = payer.invoice(100, provider).await;
        let outcome = json!({"outcome": "paid", "deliveries": 10, "user_id": payer.id()});
        let told = world.desk_post(&format!("payments/{payment}"), &outcome).await;
        let told = told["deliveries"].as_array().unwrap().clone();
        assert_eq!(told.len(), 10, "{told:?}");
        let fine = |delivery: &&Value| matches!(delivery["status"].as_i64(), Some(200 | 204));
        assert_eq!(told.iter().filter(fine).count(), 10, "{told:?}");
        world.idle().await;
        is_paid_once(&payer, payment).await;
        // The polls that are under way find nothing to do.
        world.advance(600).await;
        is_paid_once(&payer, payment).await;
        assert_eq!(payer.notices().await, Vec::<String>::new(), "it came in time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_ten_webhooks_at_once_credit_once() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "crypto_bot").await;
    let crypto = Crypto::of(&world, payment).await;
    let answers = at_once(10, |_| crypto.paid()).await;
    for answer in &answers {
        assert_eq!(answer.is(200).json(), json!({"ok": true}));
    }
    is_paid_once(&payer, payment).await;
    let id = &crypto.invoice["invoice_id"];
    let entry = payer.ledger().await.remove(0);
    assert_eq!(entry["description"], format!("Crypto Bot payment #{id}"), "{entry}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_lost_webhook_is_made_up_for_by_the_poll() {
    let world = errands!();
    for (id, provider) in (1..).zip(PROVIDERS) {
        let payer = world.person(id, "Пётр").await;
        let payment = payer.invoice(100, provider).await;
        world.advance(30).await;
        assert_eq!(status(&payer, payment).await, "pending");
        let outcome = json!({"outcome": "paid", "webhook": false, "user_id": payer.id()});
        world.desk_post(&format!("payments/{payment}"), &outcome).await;
        assert_eq!(status(&payer, payment).await, "pending", "nobody has asked yet");
        world.advance(60).await;
        is_paid_once(&payer, payment).await;
    }
}

/// Webhooks, polls, the sweep and the end of the invoice's life come together.
#[tokio::test(flavor = "multi_thread")]
async fn a17_money_that_comes_at_the_last_moment_is_credited_once() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "crypto_bot").await;
    let crypto = Crypto::of(&world, payment).await;
    world.advance(30 * 60 - 1).await;
    world.pay(&payment.to_string(), Webhook::Lost).await;
    let clock = world.clone();
    let moving = tokio::spawn(async move { clock.advance(61).await });
    let sweeping = world.clone();
    let sweep = tokio::spawn(async move { sweeping.run("errands-payments-sweep").await });
    for answer in at_once(6, |_| crypto.paid()).await {
        assert!([200, 503].contains(&answer.status), "{answer}");
    }
    moving.await.unwrap();
    sweep.await.unwrap();
    crypto.paid().await.is(200);
    world.advance(3_600).await;
    is_paid_once(&payer, payment).await;
}

/// The poll after the last check is the sweep's.
#[tokio::test(flavor = "multi_thread")]
async fn a17_the_sweep_polls_when_messages_are_lost() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    world.fault("sqs", "message_lost").await;
    let payment = payer.invoice(100, "crypto_bot").await;
    world.heal().await;
    world.advance(20 * 60).await;
    assert_eq!(status(&payer, payment).await, "pending");
    world.pay(&payment.to_string(), Webhook::Lost).await;
    world.advance(11 * 60).await;
    is_paid_once(&payer, payment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_unpaid_it_expires_after_thirty_minutes() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let mut payments = Vec::new();
    for provider in PROVIDERS {
        payments.push(payer.invoice(100, provider).await);
    }
    world.advance(30 * 60 - 1).await;
    for payment in &payments {
        assert_eq!(status(&payer, *payment).await, "pending");
    }
    world.advance(91).await;
    for payment in &payments {
        let shown = payer.payment(*payment).await;
        assert_eq!((&shown["status"], &shown["new_balance"]), (&json!("expired"), &Value::Null));
    }
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_money_that_comes_late_is_credited_once_and_told() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "crypto_bot").await;
    let crypto = Crypto::of(&world, payment).await;
    world.advance(32 * 60).await;
    assert_eq!(status(&payer, payment).await, "expired");
    for _ in 0..3 {
        assert_eq!(crypto.paid().await.is(200).json(), json!({"ok": true}));
    }
    is_paid_once(&payer, payment).await;
    assert_eq!(payer.notices().await, ["💰 Баланс пополнен на 100 ₽."]);
    world.advance(3_600).await;
    is_paid_once(&payer, payment).await;
    assert_eq!(payer.notices().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_money_that_comes_late_and_untold_is_found_within_the_hour() {
    let world = errands!();
    for (id, provider) in [(1, "crypto_bot"), (2, "telegram_stars")] {
        let payer = world.person(id, "Пётр").await;
        let payment = payer.invoice(100, provider).await;
        world.advance(32 * 60).await;
        assert_eq!(status(&payer, payment).await, "expired");
        let outcome = json!({"outcome": "paid", "webhook": false, "user_id": payer.id()});
        world.desk_post(&format!("payments/{payment}"), &outcome).await;
        world.advance(3_600).await;
        is_paid_once(&payer, payment).await;
        assert_eq!(payer.notices().await, ["💰 Баланс пополнен на 100 ₽."]);
    }
}

fn is_down(answer: &Answer) {
    answer.detail(503, "payment_provider_unavailable", DOWN);
    let wait: u32 = answer.must("retry-after").parse().unwrap();
    assert!(wait > 0, "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_provider_that_is_down_is_said_to_be() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    for (place, provider) in
        [("provider", "sandbox"), ("provider", "crypto_bot"), ("telegram", "telegram_stars")]
    {
        for kind in ["error", "throttle", "conflict"] {
            world.fault(place, kind).await;
            is_down(&ask(&payer, 100, provider).await);
            world.heal().await;
        }
        payer.invoice(100, provider).await;
    }
    world.advance(3_600).await;
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_provider_that_does_not_answer_is_not_waited_for() {
    let world = errands!("PAYMENT_PROVIDER_TIMEOUT_MS" => "200");
    let payer = world.person(1, "Пётр").await;
    for (place, provider) in
        [("provider", "sandbox"), ("provider", "crypto_bot"), ("telegram", "telegram_stars")]
    {
        world.fault(place, "timeout").await;
        is_down(&ask(&payer, 100, provider).await);
        world.heal().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_provider_that_is_off_is_said_to_be() {
    let world = errands!("CRYPTO_PAY_TOKEN" => "", "STARS_ENABLED" => "false");
    let payer = world.person(1, "Пётр").await;
    for provider in ["crypto_bot", "telegram_stars"] {
        let off = ask(&payer, 100, provider).await;
        off.detail(503, "payments_not_configured", "Payment service not configured");
    }
    payer.invoice(100, "sandbox").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_stars_are_rounded_up_and_bounded() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    for (rubles, stars) in [(1, 1), (6, 5), (100, 84), (12_000, 10_000)] {
        let payment = payer.invoice(rubles, "telegram_stars").await;
        let invoice = Stars::of(&payer, payment).await;
        assert_eq!(invoice.stars(), stars, "{rubles} rubles");
        assert_eq!(invoice.invoice["currency"], "XTR");
        assert_eq!(invoice.invoice["prices"].as_array().unwrap().len(), 1);
    }
    let answer = ask(&payer, 12_001, "telegram_stars").await;
    assert_eq!(answer.is(422).refusal()["detail"], "Amount is too large for Telegram Stars");
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_the_limit_binds_new_invoices_and_never_money() {
    let world = errands!("BALANCE_LIMIT_RUB" => "150");
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "crypto_bot").await;
    payer.recharges(120).await;
    let refused = ask(&payer, 100, "crypto_bot").await;
    refused.detail(409, "balance_limit", "Balance limit reached");
    let refused = payer.post("/api/balance/recharge", &json!({"amount": 31})).await;
    refused.detail(409, "balance_limit", "Balance limit reached");
    Crypto::of(&world, payment).await.paid().await.is(200);
    assert_eq!(payer.rubles().await, 220);
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_payment_is_its_payers_own() {
    let world = errands!();
    let (payer, other) = (world.person(1, "Пётр").await, world.person(2, "Олег").await);
    let payment = payer.invoice(100, "sandbox").await;
    for id in [payment, 2_147_483_000] {
        let path = format!("/api/balance/payment/{id}/status");
        other.get(&path).await.detail(404, "payment_not_found", "Payment not found");
        let path = format!("/api/sandbox/payments/{id}/pay");
        let refused = other.post(&path, &json!({})).await;
        refused.detail(404, "payment_not_found", "Payment not found");
    }
    world.get(&format!("/api/balance/payment/{payment}/status")).await.is(401);
    payer.post(&format!("/api/sandbox/payments/{payment}/pay"), &json!({})).await.is(204);
    payer.call("POST", &format!("/api/sandbox/payments/{payment}/pay")).await.is(204);
    is_paid_once(&payer, payment).await;
    assert_eq!(other.rubles().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_the_sandbox_can_keep_the_news_to_itself() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    let payment = payer.invoice(100, "sandbox").await;
    let path = format!("/api/sandbox/payments/{payment}/pay");
    payer.post(&path, &json!({"webhook": false})).await.is(204);
    assert_eq!(status(&payer, payment).await, "pending");
    world.advance(60).await;
    is_paid_once(&payer, payment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_nobody_makes_money_outside_the_sandbox() {
    let world = errands!("PAYMENTS_SANDBOX" => "false");
    let payer = world.person(1, "Пётр").await;
    const TEXT: &str = "Recharge is available only in the sandbox";
    let free = payer.post("/api/balance/recharge", &json!({"amount": 100})).await;
    free.detail(403, "sandbox_only", TEXT);
    let payment = payer.invoice(100, "crypto_bot").await;
    let free = payer.post(&format!("/api/sandbox/payments/{payment}/pay"), &json!({})).await;
    free.detail(403, "sandbox_only", TEXT);
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (0, 0));
    Crypto::of(&world, payment).await.paid().await.is(200);
    is_paid_once(&payer, payment).await;
}

/// What was paid in is what may be spent.
#[tokio::test(flavor = "multi_thread")]
async fn a17_paid_rubles_buy_takes() {
    let world = errands!();
    let (client, payer) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    let payment = payer.invoice(2, "crypto_bot").await;
    let order = client.posts(&job("@ivan_123")).await;
    payer.act(&order, "take").await.is(402);
    Crypto::of(&world, payment).await.paid().await.is(200);
    assert_eq!(payer.act(&order, "take").await.ok()["new_balance"], 0);
    let shown = payer.payment(payment).await;
    assert_eq!((&shown["amount"], &shown["new_balance"]), (&json!(2), &json!(0)), "as it is now");
}
