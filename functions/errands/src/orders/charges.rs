//! What a take costs, and what is given back.

use shared::clock::Instant;
use shared::{ids, ledger};
use shared::table::Write;

use super::items::Order;
use crate::money::{Entry, Kind};
use crate::users::User;

/// Takes `price` kopecks from an executor, on the update of the record that `executor` was read
/// from, and the entry that says so.
pub(super) fn charged(
    update: Write,
    executor: &User,
    order: &Order,
    price: u32,
    now: Instant,
) -> [Write; 2] {
    let description = format!("Took order {}", order.id);
    let entry = entry(executor, order, Kind::OrderTake, -i64::from(price), description, now);
    [seen(ledger::debit(update, price), executor), Write::insert("entry", &entry)]
}

/// Gives `price` kopecks back to an executor, once for each order and executor.
pub(super) fn refunded(
    update: Write,
    executor: &User,
    order: &Order,
    price: u32,
    now: Instant,
) -> [Write; 2] {
    let description = format!("Refund for order {}", order.id);
    let entry = entry(executor, order, Kind::Refund, i64::from(price), description, now);
    [seen(ledger::credit(update, price), executor), Write::insert("entry", &entry)]
}

/// The entry says what the balance is after it: it must be what was seen before it.
fn seen(update: Write, user: &User) -> Write {
    update.when("#balance = :seen").bind(":seen", user.balance)
}

fn entry(
    user: &User,
    order: &Order,
    kind: Kind,
    amount: i64,
    description: String,
    now: Instant,
) -> Entry {
    Entry {
        id: ids::numeric(now),
        user_id: user.id,
        entry: kind,
        cause: order.id.clone(),
        amount,
        balance_after: user.balance.saturating_add(amount),
        order_id: Some(order.id.clone()),
        payment_method: None,
        description: Some(description),
        created_at: now,
    }
}
