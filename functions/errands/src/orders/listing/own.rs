//! Pages of one's own orders and of those one has taken.

use std::collections::HashMap;

use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Item, Query, Table};

use super::wanted::{Filter, Side, Which};
use super::{Page, Place, Slice};
use crate::orders::{Order, OwnedOrder, Status, TakenOrder, order_key, view};
use crate::users::{User, user_key};

/// Items of one batch read at most.
const BATCH: usize = 100;

/// One page of the caller's list, strongly read. One Query and one batch read; more batches only
/// where an offset is to skip what a filter leaves.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn page(
    table: &Table,
    (side, which): (Side, Which),
    filter: &Filter,
    slice: &Slice,
    caller: &User,
    now: Instant,
) -> Result<Page> {
    let query = query(caller.id, side, which, slice.after.as_ref()).descending();
    let found = table.query(&query.limit(slice.asks(0))).await?;
    let repeated = |row: &Row| slice.after.as_ref().is_some_and(|place| place.at == row.at);
    let rows: Vec<Row> =
        found.items.iter().filter_map(Row::read).filter(|r| !repeated(r)).collect();
    let has_more = found.next.is_some() || rows.len() > slice.reach();
    let rows: Vec<Row> = rows.into_iter().take(slice.reach()).collect();
    let last = rows.last().map(|row| row.at.clone());
    // Without a filter the rows alone tell what an offset skips.
    let (wanted, skipped) = match filter.is_empty() {
        true => (rows.get(slice.offset..).unwrap_or_default(), 0),
        false => (rows.as_slice(), slice.offset),
    };
    let orders = read(table, wanted).await?;
    let fits = |order: &&Order| is_in(order, which, filter, now);
    let matching: Vec<&Order> = orders.iter().filter(fits).collect();
    let before = slice.after.as_ref().map_or(0, |place| place.known);
    let matched = before.saturating_add(i64::try_from(matching.len()).unwrap_or(i64::MAX));
    let shown: Vec<_> =
        matching.into_iter().skip(skipped).map(|order| view(order, Some(caller.id), now)).collect();
    let counted = match (filter.is_empty(), has_more) {
        (false, false) => matched,
        _ => counted(caller, side, which),
    };
    let least = i64::try_from(slice.offset.saturating_add(shown.len())).unwrap_or(i64::MAX);
    let next = last.filter(|_| has_more).map(|at| Place { at, known: matched });
    Ok(Page { orders: shown, total: counted.max(least), next })
}

/// A row that names an order, of either side.
#[derive(Clone, Debug)]
struct Row {
    order_id: String,
    at: String,
}

impl Row {
    fn read(item: &Item) -> Option<Self> {
        let text = |name| item.text(name).map(str::to_owned);
        Some(Self { order_id: text("order_id")?, at: text("at")? })
    }
}

fn query(user: i64, side: Side, which: Which, after: Option<&Place>) -> Query {
    let pk = user_key(user).pk;
    let (query, first) = match (side, which) {
        (Side::Posted, Which::Listed) => {
            (Query::local_index("listed", pk, "listed_at"), OwnedOrder::listed_at(""))
        }
        (Side::Posted, Which::All) => (Query::partition(pk), OwnedOrder::key_of(user, "").sk),
        (Side::Taken, Which::Listed | Which::All) => {
            (Query::partition(pk), TakenOrder::key_of(user, "").sk)
        }
        (Side::Posted, Which::Of(status)) => {
            (Query::local_index("filtered", pk, "filtered_at"), OwnedOrder::filtered_at(status, ""))
        }
        (Side::Taken, Which::Of(status)) => {
            (Query::local_index("filtered", pk, "filtered_at"), TakenOrder::filtered_at(status, ""))
        }
    };
    match after {
        Some(place) => query.between(first.clone(), format!("{first}{}", place.at)),
        None => query.beginning_with(first),
    }
}

/// The orders that the rows name, in their order.
async fn read(table: &Table, rows: &[Row]) -> Result<Vec<Order>> {
    let mut found: HashMap<String, Order> = HashMap::new();
    for chunk in rows.chunks(BATCH) {
        let keys: Vec<_> = chunk.iter().map(|row| order_key(&row.order_id)).collect();
        let orders = table.batch(&keys).await?;
        for item in orders.iter() {
            let order: Order = item.read()?;
            found.insert(order.id.clone(), order);
        }
    }
    Ok(rows.iter().filter_map(|row| found.remove(&row.order_id)).collect())
}

fn is_in(order: &Order, which: Which, filter: &Filter, now: Instant) -> bool {
    let status = order.effective(now);
    let by_status = match which {
        Which::All => true,
        Which::Listed => status != Status::Deleted,
        Which::Of(wanted) => status == wanted,
    };
    by_status
        && filter.category.as_ref().is_none_or(|category| *category == order.category)
        && filter.city.as_ref().is_none_or(|city| city.as_str() == order.city_key)
}

/// How many there are, by the counters that change with the orders.
fn counted(user: &User, side: Side, which: Which) -> i64 {
    let of = |status| match (side, status) {
        (Side::Posted, Status::Active) => user.own_active,
        (Side::Posted, Status::Expired) => user.own_expired,
        (Side::Posted, Status::Deleted) => user.own_deleted,
        (Side::Posted, Status::ClosedNoResponse) => user.own_closed_no_response,
        (Side::Posted, Status::Completed) => user.own_completed,
        (Side::Taken, Status::Active) => user.taken_active,
        (Side::Taken, Status::Expired) => user.taken_expired,
        (Side::Taken, Status::Deleted) => 0,
        (Side::Taken, Status::ClosedNoResponse) => user.taken_closed_no_response,
        (Side::Taken, Status::Completed) => user.taken_completed,
    };
    let listed =
        [Status::Active, Status::Expired, Status::ClosedNoResponse, Status::Completed].map(of);
    match which {
        Which::Of(status) => of(status),
        Which::Listed => listed.iter().sum(),
        Which::All => listed.iter().sum::<i64>().saturating_add(of(Status::Deleted)),
    }
}
