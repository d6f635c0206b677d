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
    ($($name:ident, $title:literal, $town:ident, $run:path;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let town = Town::$town().await;
            let verdict = $run(town.clone()).await;
            holds($title, &town, verdict).await;
        }
    )*};
}

properties! {
    p01_no_double_spend, "P1 no double spend", open, money::no_double_spend;
    p02_no_lost_update, "P2 no lost update", open, money::no_lost_update;
    p03_exactly_once_refund, "P3 exactly-once refund", open, money::exactly_once_refund;
    p04_take_against_delete, "P4 take against delete", open, orders::take_against_delete;
    p05_atomic_complete, "P5 atomic complete", open, orders::atomic_complete;
    p06_no_free_money, "P6 no free money", open_for_real, money::no_free_money;
    p07_contact_uniqueness, "P7 contact uniqueness", open, orders::contact_uniqueness;
    p08_the_client_cannot_burn_money, "P8 the client cannot burn executors' money", open,
        money::the_client_cannot_burn_money;
    p09_counters_do_not_drift, "P9 counters do not drift", open, orders::counters_do_not_drift;
    p10_payments, "P10 payments", open, payments::payments;
    p11_pay_to_reveal, "P11 pay to reveal", open, sight::pay_to_reveal;
    p12_credentials_age, "P12 credentials age", open, people::credentials_age;
    p13_first_sight, "P13 first sight", open, people::first_sight;
    p14_hidden_orders, "P14 hidden orders", open, sight::hidden_orders;
    p15_reviews, "P15 reviews", open, people::reviews;
    p16_hostile_input, "P16 hostile input", open, hostile::hostile_input;
    p17_clock_truth, "P17 clock truth", open, clock::clock_truth;
    p18_nothing_forgotten, "P18 nothing forgotten", open, notices::nothing_forgotten;
}

/// Properties that hold of a system without its guarantees would say nothing of one with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_guarantee_shows() {
    let without = async |partition: &'static str| {
        let town = Town::open().await;
        town.bench.stack.engine().tamper().with(move |_, operation, body| {
            engine::tamper::drop_conditions(operation, body, |pk| pk.starts_with(partition));
        });
        town
    };
    let (_, found) = orders::contact_uniqueness(without("CONTACT#").await).await;
    assert!(found.iter().any(|found| found.contains("201×10")), "contacts: {found:?}");
    let (_, found) = money::no_double_spend(without("USER#").await).await;
    assert!(!found.is_empty(), "balances");
    let town = without("ORDER#").await;
    let (_, mut found) = orders::take_against_delete(town.clone()).await;
    found.extend(violations(&town.bench).await);
    assert!(!found.is_empty(), "orders");
}
