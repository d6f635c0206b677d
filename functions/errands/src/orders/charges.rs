//! What a take costs, and what is given back.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::table::Write;

use super::items::{Order, Take};
use crate::money::{Change, Kind, Kopecks, Reason};
use crate::users::User;

/// Adds what a take costs to the write of the executor's record, and the line of the ledger.
/// Refused when the balance is not any more as it was read.
pub(super) fn charged(
    record: Write,
    executor: &User,
    order: &Order,
    take: &Take,
    now: Instant,
) -> Result<[Write; 2]> {
    let description = format!("Took order {}", order.id);
    let reason = reason(order, Kind::OrderTake, description);
    moved(record, executor, -i64::from(take.price), reason, now)
}

/// Adds what a take cost to the write of the executor's record, and the line of the ledger, which
/// is unique by order and executor. Refused as [`charged`] is.
pub(super) fn refunded(
    record: Write,
    executor: &User,
    order: &Order,
    take: &Take,
    now: Instant,
) -> Result<[Write; 2]> {
    let description = format!("Refund for order {}", order.id);
    moved(record, executor, i64::from(take.price), reason(order, Kind::Refund, description), now)
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

fn moved(
    record: Write,
    user: &User,
    kopecks: i64,
    reason: Reason,
    now: Instant,
) -> Result<[Write; 2]> {
    let change = Change::of(user, Kopecks(kopecks), reason, now);
    let change = change.ok_or_else(|| Problem::bug("a balance cannot be changed like that"))?;
    Ok([change.on(record), change.line()])
}
