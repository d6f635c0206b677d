//! Delayed checks and the sweep: what heals a lost word, and what ends without money.

use super::*;

#[tokio::test]
async fn a_sweep_knows_what_it_costs() {
    let till = Till::open().await;
    for _ in 0..5 {
        till.invoiced("crypto_bot").await;
    }
    till.world.engine.queues().purge(CHECKS).unwrap();
    till.pass(31 * 60);
    let instance = till.world.start(sweep()).await;
    let faults = till.world.engine.faults();
    faults.reset_counts();
    let event = json!({ "version": "0", "time": till.world.now(), "detail": {} });
    let (swept, cost) = till.world.run(&instance, &event).await;
    assert_eq!(swept.unwrap()["ended"], 5);
    assert_eq!(u64::from(cost.requests), faults.seen(Some("local-errands-payments-sweep")));
    assert!(cost.items >= 5, "{cost:?}");
}

#[tokio::test]
async fn a_lost_word_is_found_by_the_first_check() {
    for provider in ["crypto_bot", "telegram_stars", "sandbox"] {
        let till = Till::open().await;
        let id = till.invoiced(provider).await;
        money_comes(&till, provider, id);
        assert_eq!(till.check().await, (0, 0), "not before its time");
        till.pass(30);
        assert_eq!(till.check().await, (1, 0));
        assert_eq!((till.stands(id).await, till.balance().await), (Status::Paid, 10_000));
        assert_eq!(till.world.depth(CHECKS), 0);
        till.check_invariants().await;
    }
}

/// The provider knows that money came, and tells nobody.
pub(super) fn money_comes(till: &Till, provider: &str, id: i64) {
    match provider {
        "crypto_bot" => {
            till.paid(&format!("er1.{id}"));
        }
        "sandbox" => till.sandbox.change("attempt_id", &json!(id.to_string()), |invoice| {
            invoice["state"] = json!("paid");
        }),
        _ => till.bot.books().rows.push(super::stars::came("charge", &format!("er1.{id}"), 84)),
    }
}

#[tokio::test]
async fn ten_checks_then_the_sweep_until_the_time_is_over() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    for n in 1..=10 {
        till.pass(30);
        assert_eq!(till.check().await, (1, 0), "{n}");
        assert_eq!(till.payment(id).await.checks_done, n);
    }
    assert_eq!((till.world.depth(CHECKS), till.crypto.called("getInvoices").len()), (0, 10));
    // 5 minutes are over; from now on the sweep asks, every minute.
    for _ in 0..24 {
        till.pass(60);
        assert_eq!(till.sweep().await["looked_at"], 1);
        assert_eq!(till.stands(id).await, Status::Pending);
    }
    till.pass(60);
    let swept = till.sweep().await;
    assert_eq!((&swept["looked_at"], &swept["ended"]), (&json!(1), &json!(1)));
    assert_eq!(
        (till.stands(id).await, till.crypto.called("getInvoices").len()),
        (Status::Expired, 35)
    );
    till.pass(60);
    assert_eq!(till.sweep().await["looked_at"], 0);
    till.check_invariants().await;
}

#[tokio::test]
async fn a_check_that_nobody_makes_is_made_by_the_sweep() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    till.world.engine.queues().purge(CHECKS).unwrap();
    till.pass(30);
    assert_eq!(till.sweep().await["looked_at"], 0, "the check is on its way");
    till.pass(30);
    assert_eq!(till.sweep().await["looked_at"], 1);
    assert_eq!((till.payment(id).await.checks_done, till.world.depth(CHECKS)), (1, 1));
    // Paid by poll a minute after it was paid, whatever hints were lost.
    till.world.engine.queues().purge(CHECKS).unwrap();
    money_comes(&till, "crypto_bot", id);
    till.pass(60);
    assert_eq!(till.sweep().await["paid"], 1);
    assert_eq!(till.balance().await, 10_000);
    till.check_invariants().await;
}

#[tokio::test]
async fn doubled_and_disordered_hints_change_nothing() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let send = |attempt: u32| {
        let hint = json!({ "payment_id": id, "attempt": attempt, "v": 1 });
        till.world.engine.queues().send(CHECKS, &hint.to_string(), None).unwrap();
    };
    till.pass(30);
    for attempt in [1, 1, 3, 2] {
        send(attempt);
    }
    let (delivered, failed) = till.check().await;
    assert_eq!((delivered, failed), (5, 0));
    assert_eq!(
        (till.payment(id).await.checks_done, till.crypto.called("getInvoices").is_empty()),
        (1, false)
    );
    till.pay(id).await;
    for attempt in [1, 2, 11] {
        send(attempt);
    }
    till.pass(60);
    while till.check().await != (0, 0) {}
    assert_eq!((till.balance().await, till.world.depth(CHECKS)), (10_000, 0));
    till.check_invariants().await;
}

#[tokio::test]
async fn poisoned_hints_fail_alone() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let send = |body: &str| till.world.engine.queues().send(CHECKS, body, None).unwrap();
    for poison in [
        "x",
        "not json",
        "[]",
        "{}",
        r#"{"payment_id":"x","attempt":1,"v":1}"#,
        r#"{"payment_id":1,"attempt":1,"v":2}"#,
        r#"{"payment_id":1,"attempt":-1,"v":1}"#,
    ] {
        send(poison);
    }
    // Nobody's payment is nobody's fault.
    send(r#"{"payment_id":1,"attempt":1,"v":1}"#);
    till.pass(30);
    assert_eq!(till.check().await, (9, 7));
    assert_eq!(till.payment(id).await.checks_done, 1);
}

#[tokio::test]
async fn a_silent_provider_leaves_the_payment_open() {
    let till = Till::with(&[("PAYMENT_PROVIDER_TIMEOUT_MS", "200")]).await;
    let id = till.invoiced("crypto_bot").await;
    till.crypto.feel(Mood::Refusing(502, Value::Null));
    till.pass(30);
    assert_eq!(till.check().await, (1, 0));
    assert_eq!((till.payment(id).await.checks_done, till.world.depth(CHECKS)), (1, 1));
    for wait in [1_770, 60, 86_400] {
        till.pass(wait);
        let swept = till.sweep().await;
        assert_eq!((&swept["looked_at"], &swept["failed"]), (&json!(1), &json!(1)));
        assert_eq!(till.stands(id).await, Status::Pending);
    }
    till.crypto.feel(Mood::Fine);
    assert_eq!(till.sweep().await["ended"], 1);
    assert_eq!(till.stands(id).await, Status::Expired);
    till.check_invariants().await;
}

#[tokio::test]
async fn money_that_is_not_enough_leaves_the_payment_unpaid() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let word = till.paid(&format!("er1.{id}"));
    till.crypto.change("payload", &word["payload"]["payload"], |invoice| {
        invoice["amount"] = json!("99");
    });
    for _ in 0..2 {
        till.pass(30);
        assert_eq!(till.check().await, (1, 0));
    }
    assert_eq!((till.balance().await, till.count("UnmatchedEvent").await), (0, 1));
    till.pass(1_740);
    till.sweep().await;
    assert_eq!(till.stands(id).await, Status::Expired);
    till.check_invariants().await;
}

/// A payment whose call died: stored, perhaps with an invoice at the provider, never answered.
pub(super) async fn died(till: &Till, provider: &str, made: bool) -> i64 {
    let id = till.invoiced(provider).await;
    let payment = Payment {
        status: Status::Creating,
        invoice_id: None,
        pay_url: None,
        mini_app_url: None,
        look_at: Some(till.world.now() + super::super::model::CREATING_MAX),
        ..till.payment(id).await
    };
    till.world.put(&payment).await;
    till.world.engine.queues().purge(CHECKS).unwrap();
    if !made {
        till.crypto.books().rows.clear();
        till.sandbox.books().rows.clear();
    }
    id
}

#[tokio::test]
async fn a_call_that_died_is_looked_into_after_two_minutes() {
    for (provider, made, expected) in [
        ("crypto_bot", false, Status::Failed),
        ("crypto_bot", true, Status::Pending),
        ("sandbox", false, Status::Failed),
        ("sandbox", true, Status::Pending),
        // Links cannot be listed, and nobody has seen this one.
        ("telegram_stars", true, Status::Failed),
    ] {
        let till = Till::open().await;
        let id = died(&till, provider, made).await;
        till.pass(119);
        assert_eq!(till.sweep().await["looked_at"], 0);
        till.pass(1);
        assert_eq!(till.sweep().await["looked_at"], 1);
        let payment = till.payment(id).await;
        assert_eq!(payment.status, expected, "{provider} {made}");
        assert_eq!(payment.pay_url.is_some(), expected == Status::Pending);
        assert_eq!(till.world.depth(CHECKS), u64::from(expected == Status::Pending));
        till.check_invariants().await;
    }
}

#[tokio::test]
async fn a_call_that_died_and_was_paid_is_credited_by_reference() {
    for provider in ["crypto_bot", "sandbox", "telegram_stars"] {
        let till = Till::open().await;
        let id = died(&till, provider, true).await;
        money_comes(&till, provider, id);
        till.pass(120);
        assert_eq!(till.sweep().await["paid"], 1, "{provider}");
        assert_eq!((till.stands(id).await, till.balance().await), (Status::Paid, 10_000));
        till.check_invariants().await;
    }
}

#[tokio::test]
async fn one_that_fails_keeps_no_other_from_its_turn() {
    let till = Till::open().await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(till.invoiced("crypto_bot").await);
    }
    till.world.engine.queues().purge(CHECKS).unwrap();
    for id in &ids[..19] {
        money_comes(&till, "crypto_bot", *id);
    }
    // The last has lost its payer, which is a bug, and must be reported, not stop the sweep.
    money_comes(&till, "crypto_bot", ids[19]);
    let orphan = Payment { user_id: 404, ..till.payment(ids[19]).await };
    till.world.put(&orphan).await;
    till.pass(60);
    let swept = till.sweep().await;
    assert_eq!((&swept["paid"], &swept["failed"]), (&json!(19), &json!(1)));
    assert_eq!((&swept["looked_at"], &swept["complete"]), (&json!(20), &json!(true)));
    assert_eq!(till.balance().await, 190_000);
}
