//! The contract's properties P1 to P18, each over HTTP with everything at once that it speaks of,
//! in several rounds; and after each the invariants of the whole table.

mod clock;
mod hostile;
mod money;
mod notices;
mod orders;
mod payments;
mod people;
mod sight;
pub mod town;

use super::invariants::{of, violations};
use town::Town;

/// What the rounds of a property came to: how many there were, and what was wrong.
type Verdict = (usize, Vec<String>);

/// Says how a property did and how the table is after it. Anything wrong fails the test.
async fn holds(title: &str, town: &Town, (rounds, found): Verdict) {
    let wrong = violations(&town.bench).await;
    let items = town.bench.items().await;
    let count = |kind| of(&items, kind).count();
    println!(
        "{title}: {rounds} rounds, {} violations\n  I1…I8: {} users, {} orders, {} takes, {} \
         ledger lines, {} payments, {} reviews: {} violations",
        found.len(),
        count("User"),
        count("Order"),
        count("TakenOrder"),
        count("LedgerEntry"),
        count("Payment"),
        count("Review"),
        wrong.len(),
    );
    assert!(rounds > 0, "{title}: nothing was tried");
    assert_eq!((found, wrong), (Vec::new(), Vec::new()), "{title}");
}

macro_rules! properties {
    ($($name:ident, $title:literal, $run:path;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let town = $run().await;
            holds($title, &town.0, town.1).await;
        }
    )*};
}

properties! {
    p01_no_double_spend, "P1 no double spend", money::no_double_spend;
    p02_no_lost_update, "P2 no lost update", money::no_lost_update;
    p03_exactly_once_refund, "P3 exactly-once refund", money::exactly_once_refund;
    p04_take_against_delete, "P4 take against delete", orders::take_against_delete;
    p05_atomic_complete, "P5 atomic complete", orders::atomic_complete;
    p06_no_free_money, "P6 no free money", money::no_free_money;
    p07_contact_uniqueness, "P7 contact uniqueness", orders::contact_uniqueness;
    p08_the_client_cannot_burn_money, "P8 the client cannot burn executors' money",
        money::the_client_cannot_burn_money;
    p09_counters_do_not_drift, "P9 counters do not drift", orders::counters_do_not_drift;
    p10_payments, "P10 payments", payments::payments;
    p11_pay_to_reveal, "P11 pay to reveal", sight::pay_to_reveal;
    p12_credentials_age, "P12 credentials age", people::credentials_age;
    p13_first_sight, "P13 first sight", people::first_sight;
    p14_hidden_orders, "P14 hidden orders", sight::hidden_orders;
    p15_reviews, "P15 reviews", people::reviews;
    p16_hostile_input, "P16 hostile input", hostile::hostile_input;
    p17_clock_truth, "P17 clock truth", clock::clock_truth;
    p18_nothing_forgotten, "P18 nothing forgotten", notices::nothing_forgotten;
}
