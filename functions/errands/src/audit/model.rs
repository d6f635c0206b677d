//! What must hold of a user, an order, a payment. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::money::{Entry, Kind};
use crate::orders::{ContactLock, Order, OwnedOrder, Status, Take, TakenOrder};
use crate::reviews::RATINGS;
use crate::users::User;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Violation {
    /// Which invariant, such as `I1`.
    pub invariant: &'static str,
    /// Of what: `user 7`, `order abc`, `payment 42`. Never personal data.
    pub subject: String,
}

/// Everything that is kept about one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UserFacts {
    pub(super) user: User,
    pub(super) entries: Vec<Entry>,
    pub(super) owned: Vec<OwnedOrder>,
    pub(super) taken: Vec<TakenOrder>,
    /// Stars of each review about the user.
    pub(super) stars: Vec<i64>,
    /// Stars of each review by the user that is counted.
    pub(super) given: Vec<i64>,
    /// The orders that rows and entries name, as far as they exist.
    pub(super) orders: BTreeMap<String, Order>,
}

/// Everything that is kept about one order but its client's and executors' records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OrderFacts {
    pub(super) order: Order,
    pub(super) owned: Option<OwnedOrder>,
    /// What is kept of each take, in the order of `taken_by`.
    pub(super) takes: Vec<TakeFacts>,
    pub(super) lock: Option<ContactLock>,
}

/// What is kept of one take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TakeFacts {
    pub(super) take: Take,
    pub(super) row: Option<TakenOrder>,
    pub(super) paid: Option<Entry>,
    pub(super) refunded: Option<Entry>,
}

/// Which of these do not hold, each once.
fn broken(rules: &[(&'static str, bool)]) -> BTreeSet<&'static str> {
    rules.iter().filter(|(_, holds)| !holds).map(|(invariant, _)| *invariant).collect()
}

/// The invariants that do not hold of a user.
pub(super) fn user(facts: &UserFacts) -> BTreeSet<&'static str> {
    let UserFacts { user, entries, owned, taken, stars, given, .. } = facts;
    let sum = |kind: Kind| -> i64 {
        entries.iter().filter(|entry| entry.entry == kind).map(|entry| entry.amount).sum()
    };
    let all: i64 = entries.iter().map(|entry| entry.amount).sum();
    let spent: i64 = taken.iter().filter_map(|row| price(facts, row)).sum();
    broken(&[
        ("I1", user.balance == all && user.balance >= 0 && chains(entries, user.balance)),
        ("I2", taken.iter().all(|row| takes_part(facts, row))),
        ("I3", entries.iter().all(|entry| is_of_a_take(facts, entry))),
        ("I6", counts(user, owned, taken)),
        ("I6", owned.iter().all(|row| is_own(facts, row))),
        ("I7", user.rating_count == number(stars.len())),
        ("I7", user.rating_sum == stars.iter().sum::<i64>()),
        ("I7", by_rating(stars, |rating| user.rated(Some(rating)))),
        ("I7", by_rating(given, |rating| user.given(Some(rating)))),
        (
            "I8",
            user.balance + spent - sum(Kind::Refund) == sum(Kind::Recharge) + sum(Kind::Reversal),
        ),
    ])
}

/// Do the counters say how many reviews there are of each rating?
fn by_rating(stars: &[i64], counter: impl Fn(i64) -> i64) -> bool {
    let of = |rating| number(stars.iter().filter(|stars| **stars == rating).count());
    RATINGS.into_iter().all(|rating| counter(rating) == of(rating))
}

/// Do the lines lead from 0 to the balance, each beginning where another ended?
fn chains(entries: &[Entry], balance: i64) -> bool {
    let mut ends: Vec<_> = entries.iter().map(|entry| entry.balance_after).collect();
    let mut begins: Vec<_> =
        entries.iter().map(|entry| entry.balance_after - entry.amount).collect();
    ends.push(0);
    begins.push(balance);
    ends.sort_unstable();
    begins.sort_unstable();
    ends == begins && entries.iter().all(|entry| entry.balance_after >= 0)
}

/// What the user paid for a take, as its order says.
fn price(facts: &UserFacts, row: &TakenOrder) -> Option<i64> {
    let takes = &facts.orders.get(&row.order_id)?.taken_by;
    let own = takes.iter().find(|take| take.executor_id == facts.user.id)?;
    Some(i64::from(own.price))
}

fn takes_part(facts: &UserFacts, row: &TakenOrder) -> bool {
    let order = facts.orders.get(&row.order_id);
    order.is_some_and(|order| order.is_taken_by(facts.user.id))
}

/// Is an entry about an order the only one of its kind, and about an order that the user took?
fn is_of_a_take(facts: &UserFacts, entry: &Entry) -> bool {
    if !matches!(entry.entry, Kind::OrderTake | Kind::Refund) {
        return true;
    }
    let Some(id) = &entry.order_id else { return false };
    let same = |other: &&Entry| other.entry == entry.entry && other.order_id.as_ref() == Some(id);
    let order = facts.orders.get(id);
    order.is_some_and(|order| order.is_taken_by(facts.user.id))
        && facts.entries.iter().filter(same).count() == 1
}

fn is_own(facts: &UserFacts, row: &OwnedOrder) -> bool {
    let order = facts.orders.get(&row.order_id);
    order.is_some_and(|order| order.client_id == facts.user.id)
}

/// Do the counters say how many rows there are?
fn counts(user: &User, owned: &[OwnedOrder], taken: &[TakenOrder]) -> bool {
    let own = |status| number(owned.iter().filter(|row| row.status == status).count());
    let took = |status| number(taken.iter().filter(|row| row.status == status).count());
    let counters = [
        (user.own_active, own(Status::Active)),
        (user.own_expired, own(Status::Expired)),
        (user.own_deleted, own(Status::Deleted)),
        (user.own_closed_no_response, own(Status::ClosedNoResponse)),
        (user.own_completed, own(Status::Completed)),
        (user.taken_active, took(Status::Active)),
        (user.taken_expired, took(Status::Expired)),
        (user.taken_closed_no_response, took(Status::ClosedNoResponse)),
        (user.taken_completed, took(Status::Completed)),
        (user.active_orders, own(Status::Active) + took(Status::Active)),
        (user.completed_orders, own(Status::Completed) + took(Status::Completed)),
    ];
    counters.iter().all(|(counter, rows)| counter == rows)
}

/// The invariants that do not hold of an order.
pub(super) fn order(facts: &OrderFacts, most: usize) -> BTreeSet<&'static str> {
    let OrderFacts { order, owned, takes, lock } = facts;
    let executors: BTreeSet<_> = order.taken_by.iter().map(|take| take.executor_id).collect();
    let distinct = executors.len() == order.taken_by.len();
    let locks = lock.as_ref().is_some_and(|lock| lock.order_id == order.id);
    let rows = takes.iter().map(|take| take.row.as_ref());
    broken(&[
        ("I2", distinct && executors.len() <= most && !executors.contains(&order.client_id)),
        ("I2", order.status != Status::Deleted || executors.is_empty()),
        ("I2", rows.clone().all(|row| row.is_some())),
        ("I3", takes.iter().all(|take| is_paid(order, take))),
        ("I5", locks == (order.status == Status::Active)),
        ("I6", owned.as_ref().is_some_and(|row| row.status == order.status)),
        ("I6", rows.flatten().all(|row| row.status == order.status)),
    ])
}

/// Was the take paid, and given back if and only if its order ended unanswered?
fn is_paid(order: &Order, take: &TakeFacts) -> bool {
    let price = i64::from(take.take.price);
    let ended = matches!(order.status, Status::Expired | Status::ClosedNoResponse);
    let amount = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.amount);
    let refund = (ended && order.is_unanswered()).then_some(price);
    amount(&take.paid) == Some(-price) && amount(&take.refunded) == refund
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
