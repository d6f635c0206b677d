//! Each invariant, broken by itself.

use shared::table::{Entity as _, Key, Write};

use super::{EXECUTOR, PRICE, entry, review, sound, spoil, taken};
use crate::audit::{Violation, check};
use crate::money::{Entry, Kind, Kopecks};
use crate::notify::tests::town::{CLIENT, Town, order};
use crate::orders::{ContactLock, Order, OwnedOrder, Status, TakenOrder};
use crate::payments::{Payment, Provider, Status as PaymentStatus};

/// What an audit finds, as `I1 user 7`.
async fn found(town: &Town) -> Vec<String> {
    let report = check(&town.world.app).await.unwrap();
    assert!(report.complete);
    let told = |violation: &Violation| format!("{} {}", violation.invariant, violation.subject);
    report.violations.iter().map(told).collect()
}

fn of(subject: &str, invariants: &[&str]) -> Vec<String> {
    invariants.iter().map(|invariant| format!("{invariant} {subject}")).collect()
}

fn executor(invariants: &[&str]) -> Vec<String> {
    of(&format!("user {EXECUTOR}"), invariants)
}

async fn delete(town: &Town, key: Key) {
    town.world.table().write(Write::delete("spoil", key)).await.unwrap();
}

#[tokio::test]
async fn a_sound_world_has_no_violations() {
    let town = sound().await;
    let report = check(&town.world.app).await.unwrap();
    assert_eq!((report.users, report.orders, report.payments), (2, 4, 0));
    assert_eq!((report.violations, report.complete), (Vec::new(), true));
}

#[tokio::test]
async fn i1_a_balance_is_the_sum_and_the_end_of_its_lines() {
    let town = sound().await;
    spoil(&town, EXECUTOR, "balance", 1).await;
    assert_eq!(found(&town).await, executor(&["I1", "I8"]));
    // A line more, which says something else of the balance after it.
    let town = sound().await;
    spoil(&town, EXECUTOR, "balance", 100).await;
    let line = entry(EXECUTOR, Kind::Recharge, "direct#2", 100, 950, town.world.now());
    town.world.put(&line).await;
    assert_eq!(found(&town).await, executor(&["I1"]));
    // The order of lines of one instant does not matter.
    let town = sound().await;
    spoil(&town, EXECUTOR, "balance", 100).await;
    let line = entry(EXECUTOR, Kind::Recharge, "direct#2", 100, 900, town.world.now());
    town.world.put(&Entry { id: 1, ..line }).await;
    assert_eq!(found(&town).await, [""; 0]);
}

#[tokio::test]
async fn i2_takes_are_rows_of_different_strangers() {
    let town = sound().await;
    let order = taken(3, Status::Active, town.world.now());
    delete(&town, TakenOrder::of(&order, &order.taken_by[0]).key()).await;
    let mut expected = of("order order-000003", &["I2"]);
    expected.extend(executor(&["I6", "I8"]));
    assert_eq!(found(&town).await, expected);

    let town = sound().await;
    let own = crate::testing::take(CLIENT, town.world.now());
    town.world.put(&Order { taken_by: vec![own], ..order }).await;
    let found = found(&town).await;
    assert!(found.contains(&"I2 order order-000003".to_owned()), "{found:?}");
    assert!(found.contains(&format!("I2 user {EXECUTOR}")), "{found:?}");

    let town = sound().await;
    town.world.put(&taken(4, Status::Deleted, town.world.now())).await;
    let found = super::rules::found(&town).await;
    assert!(found.contains(&"I2 order order-000004".to_owned()), "{found:?}");
}

#[tokio::test]
async fn i3_a_take_is_paid_once_and_given_back_as_its_order_ended() {
    let take = Entry::key_of(EXECUTOR, Kind::OrderTake, "order-000003");
    let refund = Entry::key_of(EXECUTOR, Kind::Refund, "order-000004");
    for (key, order) in [(take, "order order-000003"), (refund, "order order-000004")] {
        let town = sound().await;
        delete(&town, key).await;
        let found = found(&town).await;
        assert!(found.contains(&format!("I3 {order}")), "{found:?}");
    }
    // Given back although the client had responded.
    let town = sound().await;
    let order = taken(4, Status::ClosedNoResponse, town.world.now());
    let responded = Order { customer_responded_at: Some(town.world.now()), ..order };
    town.world.put(&responded).await;
    assert_eq!(found(&town).await, of("order order-000004", &["I3"]));
    // Paid twice, under another cause.
    let town = sound().await;
    let now = town.world.now();
    let twice = entry(EXECUTOR, Kind::OrderTake, "order-000003", -PRICE, 600, now);
    town.world.put(&Entry { cause: "again".to_owned(), ..twice }).await;
    spoil(&town, EXECUTOR, "balance", -PRICE).await;
    assert_eq!(found(&town).await, executor(&["I3", "I8"]));
}

fn payment(status: PaymentStatus, town: &Town) -> Payment {
    let now = town.world.now();
    Payment {
        id: 42,
        user_id: EXECUTOR,
        provider: Provider::Sandbox,
        status,
        kopecks: Kopecks(1_000),
        stars: None,
        created_at: now,
        expires_at: now,
        paid_at: None,
        invoice_id: None,
        pay_url: None,
        mini_app_url: None,
        checks_done: 0,
        look_at: None,
    }
}

#[tokio::test]
async fn i4_a_payment_is_on_the_balance_if_it_is_paid() {
    for (status, has_line, holds) in [
        (PaymentStatus::Paid, true, true),
        (PaymentStatus::Paid, false, false),
        (PaymentStatus::Expired, true, false),
        (PaymentStatus::Pending, false, true),
    ] {
        let town = sound().await;
        town.world.put(&payment(status, &town)).await;
        if has_line {
            let now = town.world.now();
            town.world.put(&entry(EXECUTOR, Kind::Recharge, "42", 1_000, 1_800, now)).await;
            spoil(&town, EXECUTOR, "balance", 1_000).await;
        }
        let expected = if holds { Vec::new() } else { of("payment 42", &["I4"]) };
        assert_eq!(found(&town).await, expected, "{status:?} {has_line}");
    }
}

#[tokio::test]
async fn i5_a_contact_is_locked_by_its_active_order() {
    let town = sound().await;
    let now = town.world.now();
    delete(&town, ContactLock::of(&order(1, now)).key()).await;
    town.world.put(&ContactLock::of(&order(2, now))).await;
    let expected = [of("order order-000001", &["I5"]), of("order order-000002", &["I5"])].concat();
    assert_eq!(found(&town).await, expected);
}

#[tokio::test]
async fn i6_counters_are_numbers_of_rows_that_say_what_orders_say() {
    for attribute in ["active_orders", "completed_orders", "own_expired", "taken_active"] {
        let town = sound().await;
        spoil(&town, CLIENT, attribute, 1).await;
        assert_eq!(found(&town).await, of(&format!("user {CLIENT}"), &["I6"]), "{attribute}");
    }
    let town = sound().await;
    let own = OwnedOrder::of(&order(1, town.world.now()));
    town.world.put(&OwnedOrder { status: Status::Completed, ..own }).await;
    let expected = [of("order order-000001", &["I6"]), of(&format!("user {CLIENT}"), &["I6"])];
    assert_eq!(found(&town).await, expected.concat());
}

#[tokio::test]
async fn i7_stars_are_those_of_the_reviews() {
    let town = sound().await;
    town.world.put(&review(town.world.now())).await;
    assert_eq!(
        found(&town).await,
        [of(&format!("user {CLIENT}"), &["I7"]), executor(&["I7"])].concat()
    );
    spoil(&town, EXECUTOR, "rating_count", 1).await;
    spoil(&town, EXECUTOR, "rating_sum", 4).await;
    // By number and sum, but not by rating; nor is it counted for its author.
    let author = of(&format!("user {CLIENT}"), &["I7"]);
    assert_eq!(found(&town).await, [author.clone(), executor(&["I7"])].concat());
    spoil(&town, EXECUTOR, "rated_4", 1).await;
    assert_eq!(found(&town).await, author);
    spoil(&town, CLIENT, "given_4", 1).await;
    assert_eq!(found(&town).await, [""; 0]);
}

#[test]
fn payments_stand_in_the_partitions_that_are_read() {
    let partitions: std::collections::BTreeSet<_> = (1..500).map(Payment::partition_of).collect();
    let read = (0..crate::payments::SHARDS).map(Payment::partition);
    assert_eq!(partitions, read.collect());
}
