//! What a take costs, and what is given back.

use shared::clock::Instant;
use shared::problem::{Problem, Result};

use super::items::{Order, Take};
use crate::money::{Account, Change, Kind, Kopecks, Reason};
use crate::users::User;

/// The price of a take, in kopecks, taken off the executor's balance. Refused when it is not any
/// more as it was read.
pub(super) fn charge(executor: &User, order: &Order, price: u32, now: Instant) -> Result<Change> {
    let reason = reason(order, Kind::OrderTake, format!("Took order {}", order.id));
    possible(Change::of(executor, Kopecks(-i64::from(price)), reason, now))
}

/// What a take cost, given back; unique by order and executor. Refused when the balance is not
/// `account`.
pub(super) fn refund(account: Account, order: &Order, take: &Take, now: Instant) -> Result<Change> {
    let reason = reason(order, Kind::Refund, format!("Refund for order {}", order.id));
    possible(Change::of(account, Kopecks(i64::from(take.price)), reason, now))
}

fn reason(order: &Order, kind: Kind, description: String) -> Reason {
    Reason {
        kind,
        cause: order.id.clone(),
        order_id: Some(order.id.clone()),
        payment_method: None,
        description: Some(description),
    }
}

fn possible(change: Option<Change>) -> Result<Change> {
    change.ok_or_else(|| Problem::bug("a balance cannot be changed like that"))
}
