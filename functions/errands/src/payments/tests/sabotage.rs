//! What the invariants are worth: with any entry of any transaction gone they do not hold.

use std::sync::atomic::{AtomicUsize, Ordering};

use engine::tamper::drop_entries;

use super::stars::charge;
use super::*;

/// What is played with a part of it missing.
#[derive(Clone, Copy, Debug)]
enum Case {
    /// A provider's answer is written down.
    Answered,
    /// Crypto Bot says that a payment was paid.
    Paid,
    /// The same, late.
    PaidLate,
    /// Stars came.
    Charged,
    /// Stars went back.
    Refunded,
}

impl Case {
    async fn prepare(self, till: &Till) -> i64 {
        match self {
            Self::Answered => 0,
            Self::Paid => till.invoiced("crypto_bot").await,
            Self::PaidLate => {
                let id = till.invoiced("crypto_bot").await;
                till.pass(1_800);
                till.sweep().await;
                id
            }
            Self::Charged => till.invoiced("telegram_stars").await,
            Self::Refunded => {
                let id = till.invoiced("telegram_stars").await;
                till.update(charge("successful_payment", 1, id, "charge")).await;
                id
            }
        }
    }

    async fn play(self, till: &Till, id: i64) {
        let reply = match self {
            Self::Answered => till.ask(json!({ "amount": 100 })).await,
            Self::Paid | Self::PaidLate => till.pay(id).await,
            Self::Charged => till.update(charge("successful_payment", 2, id, "charge")).await,
            Self::Refunded => till.update(charge("refunded_payment", 2, id, "charge")).await,
        };
        assert_eq!(reply.status, 200);
    }

    async fn check(self, till: &Till) {
        till.check_invariants().await;
        let (updates, events, balance) = match self {
            Self::Answered => (0, 0, 0),
            Self::Paid => (0, 0, 10_000),
            Self::PaidLate => (0, 1, 10_000),
            Self::Charged => (1, 0, 10_000),
            Self::Refunded => (2, 0, 0),
        };
        assert_eq!(till.count("TelegramUpdate").await, updates);
        assert_eq!((till.count("OutboxEvent").await, till.balance().await), (events, balance));
        let receipts: Vec<super::super::Receipt> = till.read("ProviderReceipt").await;
        let reversed = receipts.iter().filter(|receipt| receipt.reversed.is_some()).count();
        assert_eq!(reversed, usize::from(matches!(self, Self::Refunded)));
        let answered = usize::from(matches!(self, Self::Answered | Self::Paid | Self::PaidLate));
        assert_eq!(
            (till.count("InvoicePointer").await, till.count("Payment").await),
            (answered, 1)
        );
        let payments: Vec<Payment> = till.read("Payment").await;
        assert!(payments.iter().all(|payment| payment.status != Status::Creating));
    }
}

/// Plays a case with the entry number `nth` of each transaction gone. Answers whether anything was
/// noticed, and how many entries the largest transaction had.
async fn played(case: Case, nth: usize) -> (bool, usize) {
    let till = Till::open().await;
    let id = case.prepare(&till).await;
    let entries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&entries);
    till.world.engine.tamper().with(move |_, operation, body| {
        let items = body["TransactItems"].as_array().map_or(0, Vec::len);
        seen.fetch_max(items, Ordering::Relaxed);
        let place = AtomicUsize::new(0);
        drop_entries(operation, body, |_| place.fetch_add(1, Ordering::Relaxed) == nth);
    });
    let played = tokio::spawn(async move {
        case.play(&till, id).await;
        till.world.engine.tamper().stop();
        case.check(&till).await;
    });
    (played.await.is_err(), entries.load(Ordering::Relaxed))
}

#[tokio::test]
async fn no_entry_of_any_transaction_can_be_left_out() {
    for (case, most) in [
        (Case::Answered, 2),
        (Case::Paid, 4),
        (Case::PaidLate, 5),
        (Case::Charged, 5),
        (Case::Refunded, 4),
    ] {
        assert_eq!(played(case, usize::MAX).await, (false, most), "{case:?}");
        for nth in 0..most {
            assert!(played(case, nth).await.0, "{case:?} without {nth}");
        }
    }
}

#[tokio::test]
async fn what_was_decided_on_another_state_is_refused() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    let seen = till.payment(id).await;
    till.pay(id).await;
    let (table, now) = (till.world.table(), till.world.now());
    let end = super::super::store::end(table, &seen, super::super::model::Event::RanOut);
    assert!(!end.await.unwrap(), "a paid payment does not expire");
    assert!(!super::super::store::asked(table, &seen, 1, now).await.unwrap());
    assert_eq!(till.stands(id).await, Status::Paid);
    till.check_invariants().await;
}
