//! The process dies at every call to a store, or the store fails it; what comes after heals it.

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};

use super::super::sandbox_pay;
use super::checks::money_comes;
use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

/// How many calls `work` makes as `function`.
async fn calls<T>(till: &Till, function: &str, work: impl Future<Output = T>) -> u64 {
    till.world.engine.faults().reset_counts();
    work.await;
    till.world.engine.faults().seen(Some(&format!("local-{function}")))
}

#[tokio::test]
async fn an_invoice_that_dies_anywhere_is_made_anew_or_found() {
    let function = "errands-payments-create";
    let keyed = |till: &Till| till.wish(json!({ "amount": 100 })).header("idempotency-key", "one");
    let till = Till::open().await;
    let count = calls(&till, function, till.world.call(create(), keyed(&till))).await;
    assert!(count >= 4, "{count}");
    for at in 0..count {
        for mode in MODES {
            let till = Till::open().await;
            till.world.engine.faults().crash(plan(function, at, mode));
            till.world.call(create(), keyed(&till)).await;
            till.world.engine.faults().clear();
            till.check_invariants().await;
            // Clients come again with the same key: at once, and after the provider's time.
            let at_once = till.world.call(create(), keyed(&till)).await;
            assert!([200, 503].contains(&at_once.status.as_u16()), "{mode:?} at {at}");
            till.pass(5);
            let later = till.world.call(create(), keyed(&till)).await;
            assert_eq!(later.status, 200, "{mode:?} at {at}: {}", later.body);
            if at_once.status == 200 {
                assert_eq!(later.body, at_once.body);
            }
            till.check_invariants().await;
            // Every invoice at the provider that can be paid is known, and its money seen.
            let references: Vec<_> =
                till.crypto.books().rows.iter().map(|row| row["payload"].clone()).collect();
            for reference in &references {
                till.paid(reference.as_str().unwrap());
            }
            till.world.engine.queues().purge(CHECKS).unwrap();
            till.pass(120);
            till.sweep().await;
            let paid = i64::try_from(references.len()).unwrap() * 10_000;
            assert_eq!(till.balance().await, paid, "{mode:?} at {at}");
            let payments: Vec<Payment> = till.read("Payment").await;
            assert!(payments.iter().all(|payment| !payment.status.is_open()));
            till.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_word_that_dies_anywhere_is_credited_once() {
    let function = "errands-payments-crypto-bot";
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let count = calls(&till, function, till.pay(id)).await;
    assert_eq!(count, 3);
    for at in 0..count {
        for mode in MODES {
            let till = Till::open().await;
            let id = till.invoiced("crypto_bot").await;
            till.world.engine.faults().crash(plan(function, at, mode));
            let reply = till.pay(id).await;
            till.world.engine.faults().clear();
            till.check_invariants().await;
            // Never acknowledged without being stored.
            let stored = till.count("LedgerEntry").await;
            assert!(reply.status != 200 || stored == 1, "{mode:?} at {at}");
            assert_eq!(till.pay(id).await.body, json!({ "ok": true }));
            assert_eq!((till.balance().await, till.count("LedgerEntry").await), (10_000, 1));
            till.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn an_update_that_dies_anywhere_has_its_effect_once() {
    let function = "errands-telegram-webhook";
    let payment = |kind: &str, update_id: i64, id: i64| {
        json!({
            "update_id": update_id, "message": {
                "message_id": 5, "date": 1, "chat": { "id": PAYER, "type": "private" },
                kind: {
                    "currency": "XTR", "total_amount": 84, "invoice_payload": format!("er1.{id}"),
                    "telegram_payment_charge_id": "charge",
                },
            },
        })
    };
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    let paid = calls(&till, function, till.update(payment("successful_payment", 1, id))).await;
    let back = calls(&till, function, till.update(payment("refunded_payment", 2, id))).await;
    for at in 0..paid.max(back) {
        for mode in MODES {
            let till = Till::open().await;
            let id = till.invoiced("telegram_stars").await;
            let steps = [("successful_payment", 10_000), ("refunded_payment", 0)];
            for (update_id, (kind, balance)) in (1..).zip(steps) {
                till.world.engine.faults().crash(plan(function, at, mode));
                let reply = till.update(payment(kind, update_id, id)).await;
                till.world.engine.faults().clear();
                till.check_invariants().await;
                assert!(reply.status != 200 || till.balance().await == balance);
                assert_eq!(till.update(payment(kind, update_id, id)).await.status, 200);
                assert_eq!(till.balance().await, balance, "{kind} {mode:?} at {at}");
                till.check_invariants().await;
            }
            assert_eq!(till.count("LedgerEntry").await, 2);
        }
    }
}

#[tokio::test]
async fn a_check_or_sweep_that_dies_anywhere_is_made_once() {
    for at in 0..5 {
        for mode in MODES {
            let till = Till::open().await;
            let id = till.invoiced("crypto_bot").await;
            till.pass(30);
            till.world.engine.faults().crash(plan("errands-payments-check", at, mode));
            till.check().await;
            till.world.engine.faults().clear();
            till.check_invariants().await;
            till.pass(60);
            till.world.engine.faults().crash(plan("errands-payments-sweep", at * 3, mode));
            let _ = till.world.tick(sweep()).await;
            till.world.engine.faults().clear();
            till.check_invariants().await;
            money_comes(&till, "crypto_bot", id);
            // Redelivered, or found by the sweep.
            till.pass(60);
            till.sweep().await;
            till.check().await;
            assert_eq!(till.balance().await, 10_000, "{mode:?} at {at}");
            assert_eq!(till.count("LedgerEntry").await, 1);
            till.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_sandbox_payment_that_dies_anywhere_is_credited_once() {
    let function = "errands-payments-sandbox-pay";
    let pay = |till: &Till, id: i64| {
        let path = format!("/api/sandbox/payments/{id}/pay");
        till.by(PAYER, Request::post(&path, json!({})))
    };
    for at in 0..6 {
        for mode in MODES {
            let till = Till::open().await;
            let id = till.invoiced("sandbox").await;
            till.world.engine.faults().crash(plan(function, at, mode));
            till.world.call(sandbox_pay(), pay(&till, id)).await;
            till.world.engine.faults().clear();
            till.check_invariants().await;
            assert_eq!(till.world.call(sandbox_pay(), pay(&till, id)).await.status, 204);
            assert_eq!((till.balance().await, till.count("LedgerEntry").await), (10_000, 1));
            till.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_reconciliation_that_dies_anywhere_credits_once() {
    for at in 0..12 {
        for mode in MODES {
            let till = Till::open().await;
            let stars = till.invoiced("telegram_stars").await;
            let crypto = till.invoiced("crypto_bot").await;
            till.pass(1_800);
            till.sweep().await;
            money_comes(&till, "crypto_bot", crypto);
            money_comes(&till, "telegram_stars", stars);
            till.world.engine.faults().crash(plan("errands-payments-reconcile", at, mode));
            let _ = till.world.tick(reconcile()).await;
            till.world.engine.faults().clear();
            till.check_invariants().await;
            till.reconcile().await;
            assert_eq!((till.balance().await, till.count("LedgerEntry").await), (20_000, 2));
            till.check_invariants().await;
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_any_call_once_changes_nothing_for_good() {
    let kinds = [
        FaultKind::Throttle,
        FaultKind::Conflict,
        FaultKind::FailBefore,
        FaultKind::LostAnswer,
        FaultKind::Error,
    ];
    for kind in kinds {
        for nth in 0..5 {
            let till = Till::open().await;
            let fault = |function: &str| {
                Fault::new(Target::Dynamodb, kind)
                    .when(When::Calls(vec![nth]))
                    .caller(&format!("local-{function}"))
            };
            till.world.engine.faults().inject(fault("errands-payments-create"));
            let mut reply = till.ask(json!({ "amount": 100 })).await;
            while reply.status != 200 {
                assert_eq!(reply.status, 503, "{kind:?} at {nth}: {}", reply.body);
                reply = till.ask(json!({ "amount": 100 })).await;
            }
            let id = reply.body["payment_id"].as_i64().unwrap();
            till.check_invariants().await;
            till.world.engine.faults().inject(fault("errands-payments-crypto-bot"));
            while till.pay(id).await.status != 200 {
                till.check_invariants().await;
            }
            assert_eq!((till.balance().await, till.count("LedgerEntry").await), (10_000, 1));
            till.check_invariants().await;
        }
    }
}
