//! The providers' own books against ours.

use super::checks::money_comes;
use super::*;

#[tokio::test]
async fn money_whose_every_word_was_lost_is_found_within_the_hour() {
    for provider in ["crypto_bot", "telegram_stars", "sandbox"] {
        let till = Till::open().await;
        let id = till.invoiced(provider).await;
        till.pass(1_800);
        till.sweep().await;
        assert_eq!(till.stands(id).await, Status::Expired);
        money_comes(&till, provider, id);
        let found = till.reconcile().await;
        assert_eq!((&found["credited"], &found["complete"]), (&json!(1), &json!(true)), "{found}");
        assert_eq!((till.stands(id).await, till.balance().await), (Status::Paid, 10_000));
        assert_eq!(till.count("OutboxEvent").await, 1, "the payer is told");
        let again = till.reconcile().await;
        assert_eq!((&again["credited"], &again["failed"]), (&json!(0), &json!(0)), "{again}");
        assert_eq!(till.balance().await, 10_000);
        till.check_invariants().await;
    }
}

#[tokio::test]
async fn a_failed_call_that_was_paid_is_found() {
    let till = Till::with(&[("PAYMENT_PROVIDER_TIMEOUT_MS", "200")]).await;
    till.crypto.feel(Mood::Mute);
    assert_eq!(till.ask(json!({ "amount": 100 })).await.status, 503);
    till.crypto.feel(Mood::Fine);
    let payments: Vec<Payment> = till.read("Payment").await;
    assert_eq!(payments[0].status, Status::Failed);
    money_comes(&till, "crypto_bot", payments[0].id);
    assert_eq!(till.reconcile().await["credited"], 1);
    assert_eq!(till.balance().await, 10_000);
    till.check_invariants().await;
}

#[tokio::test]
async fn the_whole_window_is_read_page_by_page() {
    let till = Till::open().await;
    let id = till.invoiced("crypto_bot").await;
    till.paid(&format!("er1.{id}"));
    {
        // Others' invoices on both sides of ours, and older ones than anybody wants.
        let mut books = till.crypto.books();
        let ours = books.rows.pop().unwrap();
        let other = |n: u32, at: &str| {
            json!({
                "invoice_id": n, "status": "paid", "fiat": "RUB", "amount": "5",
                "paid_asset": "TON", "payload": "someone-else", "created_at": at, "paid_at": at,
            })
        };
        books.rows.extend((0..500).map(|n| other(n, "2026-11-01T00:00:00Z")));
        books.rows.extend((500..620).map(|n| other(n, "2026-11-21T00:00:00Z")));
        books.rows.push(ours);
        books.rows.extend((620..760).map(|n| other(n, "2026-11-22T11:59:00Z")));
    }
    let found = till.reconcile().await;
    assert_eq!((&found["credited"], &found["booked"]), (&json!(1), &json!(261)));
    assert_eq!((till.balance().await, till.count("UnmatchedEvent").await), (10_000, 260));
    // Two full pages and one that reaches what is older.
    assert_eq!(till.crypto.called("getInvoices").len(), 3);
    till.check_invariants().await;
}

#[tokio::test]
async fn stars_are_read_from_where_the_last_run_came_to() {
    let till = Till::open().await;
    for n in 0..250 {
        let old = super::stars::came(&format!("old{n}"), "other", 1);
        till.bot.books().rows.push(old);
    }
    let now = till.world.now().seconds();
    for (n, row) in till.bot.books().rows.iter_mut().enumerate() {
        row["date"] = json!(now - 400_000 + i64::try_from(n).unwrap());
    }
    till.reconcile().await;
    let first: Vec<_> = offsets(&till);
    assert_eq!(first, [0, 100, 200]);
    let id = till.invoiced("telegram_stars").await;
    till.bot.books().rows.push(super::stars::came("new", &format!("er1.{id}"), 84));
    till.bot.books().rows.last_mut().unwrap()["date"] = json!(now);
    till.pass(30);
    till.check().await;
    assert_eq!(offsets(&till)[3..], [250], "everything before is older than the payment");
    assert_eq!(till.balance().await, 10_000);
    till.check_invariants().await;
}

fn offsets(till: &Till) -> Vec<u64> {
    let calls = till.bot.called("getStarTransactions");
    calls.iter().map(|call| call["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn stars_that_went_back_are_taken_back() {
    let till = Till::open().await;
    let id = till.invoiced("telegram_stars").await;
    till.bot.books().rows.push(super::stars::came("charge", &format!("er1.{id}"), 84));
    till.bot.books().rows.push(super::stars::went_back("charge", &format!("er1.{id}"), 84));
    let found = till.reconcile().await;
    assert_eq!((&found["credited"], &found["reversed"]), (&json!(1), &json!(1)));
    assert_eq!((till.balance().await, till.count("LedgerEntry").await), (0, 2));
    assert_eq!(till.reconcile().await["reversed"], 0);
    till.check_invariants().await;
}

#[tokio::test]
async fn a_silent_provider_keeps_no_other_from_its_turn() {
    let till = Till::open().await;
    let id = till.invoiced("sandbox").await;
    till.pass(1_800);
    till.sweep().await;
    money_comes(&till, "sandbox", id);
    till.crypto.feel(Mood::Refusing(500, Value::Null));
    let found = till.reconcile().await;
    assert_eq!((&found["credited"], &found["failed"]), (&json!(1), &json!(1)));
    assert_eq!((&found["complete"], till.balance().await), (&json!(false), 10_000));
}
