//! What the transactions of orders are made of.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use shared::problem::{Problem, Result};
use shared::table::{Entity, Refusal, Table, Write, WriteError};

use super::items::{ContactLock, Order, OwnedOrder, Status, Take, TakenOrder, order_key};
use crate::events::OrderFacts;
use crate::users::user_key;

/// How often a change is tried whose writes were outrun.
pub(super) const TRIES: u32 = 8;
/// The name of the order's own write: refused when it is not any more as it was read.
pub(super) const ORDER: &str = "order";
/// The name of the lock's write: refused when the contact has another active order.
pub(super) const CONTACT: &str = "contact";
/// The name of the write of the client's counters.
pub(super) const CLIENT: &str = "client";
/// The name of the write of an executor's balance and counters.
pub(super) const EXECUTOR: &str = "executor";

/// The order `id`, strongly read; without a read where there can be none.
///
/// # Errors
/// When the store does not answer.
pub async fn find(table: &Table, id: &str) -> Result<Option<Order>> {
    if !Order::is_id(id) {
        return Ok(None);
    }
    Ok(table.get(&order_key(id)).await?)
}

/// How the writes of a change ended.
#[derive(Debug)]
pub(super) enum Committed {
    /// All are done.
    Yes,
    /// None is: one condition or several did not hold.
    Refused(Refusal),
    /// None is: other transactions kept winning.
    Outrun,
}

/// Performs all writes or none.
pub(super) async fn commit(table: &Table, writes: Vec<Write>) -> Result<Committed> {
    match table.transact(writes).await {
        Ok(()) => Ok(Committed::Yes),
        Err(WriteError::Refused(refusal)) => Ok(Committed::Refused(refusal)),
        Err(WriteError::Conflict) => Ok(Committed::Outrun),
        Err(error) => Err(error.into()),
    }
}

/// The order as a change leaves it: the next version of `before`, with the end that follows from
/// what the change recorded.
pub(super) fn next(before: &Order, changed: Order) -> Order {
    Order { end_at: changed.ends_at(), version: before.version + 1, ..changed }
}

/// The write of the order itself. Refused under [`ORDER`] when it has another version or stored
/// status by now.
pub(super) fn revised(before: &Order, after: &Order) -> Result<Write> {
    Ok(amended(ORDER, before, after)?
        .when("#status = :seen_status AND #version = :seen_version")
        .bind(":seen_status", before.status)
        .bind(":seen_version", before.version))
}

/// The write of the client's row of an order whose stored status changes.
pub(super) fn owned(before: &Order, after: &Order) -> Result<Write> {
    let write = amended("owned", &OwnedOrder::of(before), &OwnedOrder::of(after))?;
    Ok(write.when("#status = :was").bind(":was", before.status))
}

/// The write of an executor's row of an order whose stored status changes.
pub(super) fn taken(before: &Order, after: &Order, take: &Take) -> Result<Write> {
    let (old, new) = (TakenOrder::of(before, take), TakenOrder::of(after, take));
    Ok(amended("taken", &old, &new)?.when("#status = :was").bind(":was", before.status))
}

/// The write that lets the contact have another active order.
pub(super) fn released(order: &Order) -> Write {
    Write::delete("lock", ContactLock::of(order).key())
        .when("#order_id = :order")
        .bind(":order", &order.id)
}

/// Whose counters of orders are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// The client's, of orders of one's own.
    Own,
    /// An executor's, of orders taken.
    Taken,
}

/// The beginning of a write of a user's record: with the counters of an order whose stored status
/// becomes `to`.
pub(super) fn counted(side: Side, user: i64, from: Option<Status>, to: Status) -> Write {
    let (name, prefix) = match side {
        Side::Own => (CLIENT, "own"),
        Side::Taken => (EXECUTOR, "taken"),
    };
    let add = |write: Write, status: Status, by: i64| {
        let write = write.add(&format!("{prefix}_{}", status.name()), by);
        match status {
            Status::Active => write.add("active_orders", by),
            Status::Completed => write.add("completed_orders", by),
            Status::Expired | Status::Deleted | Status::ClosedNoResponse => write,
        }
    };
    let write = Write::update(name, user_key(user)).when("attribute_exists(#pk)");
    let write = from.into_iter().fold(write, |write, from| add(write, from, -1));
    add(write, to, 1)
}

/// What is told of an order outside.
pub(super) fn facts(order: &Order) -> OrderFacts {
    OrderFacts {
        order_id: order.id.clone(),
        client_id: order.client_id,
        category: order.category.clone(),
        city: order.city.clone(),
        city_key: order.city_key.clone(),
        executors: order.taken_by.iter().map(|take| take.executor_id).collect(),
    }
}

/// The write that makes the item `before` into `after`: it sets what differs, index attributes
/// included, and leaves alone whatever else the item holds.
fn amended<E: Entity>(name: &'static str, before: &E, after: &E) -> Result<Write> {
    let (old, new) = (attributes(before)?, attributes(after)?);
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    let write = Write::update(name, after.key());
    Ok(differing.fold(write, |write, name| write.set_or_remove(name, new.get(name))))
}

fn attributes<E: Entity>(entity: &E) -> Result<Map<String, Value>> {
    let Value::Object(mut attributes) = serde_json::to_value(entity).map_err(Problem::bug)? else {
        return Err(Problem::bug("an item that is no object"));
    };
    attributes.retain(|_, value| !value.is_null());
    let index = entity.index().into_iter();
    attributes.extend(index.map(|(name, value)| (name.to_owned(), Value::String(value))));
    Ok(attributes)
}
