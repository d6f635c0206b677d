//! Payments whose making was cut off after the provider heard of them (acceptance 18).

use serde_json::{Value, json};
use tests::{Answer, Person, World, errands};

use super::{Crypto, Stars};

fn wish(provider: &str) -> Value {
    json!({"amount": 100, "provider": provider})
}

fn ask(payer: &Person, provider: &str) -> tests::Call {
    payer.post("/api/balance/create-invoice", &wish(provider))
}

/// The payment that an invoice names.
fn referred(reference: &Value) -> i64 {
    let reference = reference.as_str().unwrap_or_else(|| panic!("{reference}"));
    reference.strip_prefix("er1.").unwrap().parse().unwrap()
}

async fn is_credited(payer: &Person, payment: i64) {
    assert_eq!(payer.payment(payment).await["status"], "paid");
    assert_eq!((payer.rubles().await, payer.ledger().await.len()), (100, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_crypto_bots_lost_answer_costs_no_money() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    world.fault("provider", "lost_answer").await;
    ask(&payer, "crypto_bot").await.problem(503, "payment_provider_unavailable");
    world.heal().await;
    let known = Crypto::all(&world).await;
    let payment = referred(&known[0]["payload"]);
    assert_eq!(known.len(), 1, "it is asked once: {known:?}");
    let crypto = Crypto::of(&world, payment).await;
    for _ in 0..3 {
        assert_eq!(crypto.paid().await.is(200).json(), json!({"ok": true}));
    }
    is_credited(&payer, payment).await;
    world.advance(2 * 3_600).await;
    is_credited(&payer, payment).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_telegrams_lost_answer_costs_no_money() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    world.fault("telegram", "lost_answer").await;
    ask(&payer, "telegram_stars").await.problem(503, "payment_provider_unavailable");
    world.heal().await;
    let links = world.bot_calls("createInvoiceLink").await;
    assert_eq!(links.len(), 1, "it is asked once: {links:?}");
    let payment = referred(&links[0]["payload"]["payload"]);
    let stars = Stars::of(&payer, payment).await;
    for _ in 0..3 {
        stars.paid("charge").await.is(200);
    }
    is_credited(&payer, payment).await;
}

/// The money is found without any webhook.
#[tokio::test(flavor = "multi_thread")]
async fn a18_a_lost_answer_and_a_lost_webhook_are_found_by_the_books() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    world.fault("provider", "lost_answer").await;
    ask(&payer, "crypto_bot").await.is(503);
    world.heal().await;
    let payment = referred(&Crypto::all(&world).await[0]["payload"]);
    world.pay(&payment.to_string(), tests::Webhook::Lost).await;
    world.advance(2 * 3_600).await;
    is_credited(&payer, payment).await;
}

/// Cuts the making off at the `nth` call to the table, and has the money come nevertheless.
async fn cut_off_at(world: &World, payer: &Person, kind: &str, nth: u64) -> Answer {
    let known = Crypto::all(world).await.len();
    let had = payer.rubles().await;
    let fault = json!({
        "target": "dynamodb", "kind": kind, "function": "errands-payments-create", "calls": [nth],
    });
    world.desk_post("faults", &fault).await;
    let answer = ask(payer, "crypto_bot").await;
    world.heal().await;
    let invoices = Crypto::all(world).await;
    assert!(invoices.len() <= known + 1, "{kind} {nth}: asked twice");
    assert!(invoices.len() > known || answer.status != 200, "{kind} {nth}: {answer}");
    if invoices.len() > known {
        // The newest comes first.
        let payment = referred(&invoices[0]["payload"]);
        let crypto = Crypto::of(world, payment).await;
        for _ in 0..2 {
            assert_eq!(crypto.paid().await.is(200).json(), json!({"ok": true}));
        }
        assert_eq!(payer.payment(payment).await["status"], "paid", "{kind} {nth}");
        assert_eq!(payer.rubles().await, had + 100, "{kind} {nth}: {answer}");
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_wherever_it_is_cut_off_the_money_is_credited_once() {
    let world = errands!("RATE_PAYMENT" => "1000/60");
    let payer = world.person(1, "Пётр").await;
    payer.me().await;
    let mut failed = 0;
    // A call that is made only when one before it failed has a number too.
    for kind in ["conflict", "error", "fail_before", "lost_answer"] {
        for nth in 0..8 {
            let answer = cut_off_at(&world, &payer, kind, nth).await;
            assert!([200, 503].contains(&answer.status), "{kind} {nth}: {answer}");
            failed += u32::from(answer.status == 503);
        }
    }
    let before = payer.rubles().await;
    world.advance(2 * 3_600).await;
    assert_eq!(payer.rubles().await, before, "nothing is credited twice");
    let paid = payer.ledger().await.len();
    assert_eq!(i64::try_from(paid).unwrap() * 100, before);
    assert!(failed < 32, "not all are cut off");
}

/// The store fails for good once the provider has been asked: the intent stays as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a18_a_making_that_never_ended_is_credited_by_reference() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    payer.me().await;
    let fault = json!({
        "target": "dynamodb", "kind": "error", "function": "errands-payments-create",
        "operation": "TransactWriteItems", "calls": (1..50).collect::<Vec<u64>>(),
    });
    world.desk_post("faults", &fault).await;
    ask(&payer, "crypto_bot").await.is(503).refusal();
    world.heal().await;
    let payment = referred(&Crypto::all(&world).await[0]["payload"]);
    assert_eq!(payer.payment(payment).await["status"], "pending", "creating, to the client");
    let crypto = Crypto::of(&world, payment).await;
    crypto.paid().await.is(200);
    is_credited(&payer, payment).await;
    world.advance(600).await;
    is_credited(&payer, payment).await;
}

/// An intent that was cut off and is never paid ends by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a18_a_making_that_never_ended_is_resolved_by_the_sweep() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    payer.me().await;
    let fault = json!({
        "target": "dynamodb", "kind": "error", "function": "errands-payments-create",
        "operation": "TransactWriteItems", "calls": (1..50).collect::<Vec<u64>>(),
    });
    world.desk_post("faults", &fault).await;
    ask(&payer, "crypto_bot").await.is(503);
    world.heal().await;
    let payment = referred(&Crypto::all(&world).await[0]["payload"]);
    world.advance(5 * 60).await;
    let open = payer.payment(payment).await;
    assert_eq!(open["status"], "pending", "the provider lists it: {open}");
    world.advance(30 * 60).await;
    assert_eq!(payer.payment(payment).await["status"], "expired");
    assert_eq!(payer.rubles().await, 0);
}

/// The money is there before we know that the provider has answered.
#[tokio::test(flavor = "multi_thread")]
async fn a18_a_webhook_that_overtakes_the_answer_stays() {
    let world = errands!();
    let payer = world.person(1, "Пётр").await;
    payer.me().await;
    // The first tries to store the provider's answer wait in vain; the one after them gets through.
    let fault = json!({
        "target": "dynamodb", "kind": "timeout", "function": "errands-payments-create",
        "operation": "TransactWriteItems", "calls": [1, 2],
    });
    world.desk_post("faults", &fault).await;
    let made = tokio::spawn(ask(&payer, "crypto_bot").send());
    let asked = || async { Crypto::all(&world).await.into_iter().next() };
    let invoice = world.until("Crypto Bot to be asked", asked).await;
    let payment = referred(&invoice["payload"]);
    let crypto = Crypto::of(&world, payment).await;
    assert_eq!(crypto.paid().await.is(200).json(), json!({"ok": true}));
    assert!(!made.is_finished(), "the webhook comes first");
    is_credited(&payer, payment).await;
    let made = made.await.unwrap();
    let body = made.is(200).json();
    assert_eq!(
        (&body["payment_id"], &body["pay_url"]),
        (&payment.into(), &invoice["bot_invoice_url"])
    );
    is_credited(&payer, payment).await;
    world.advance(3_600).await;
    is_credited(&payer, payment).await;
    assert_eq!(payer.notices().await, Vec::<String>::new());
}
