//! Pages of everybody's orders.

use std::sync::Arc;
use std::time::Instant as Moment;

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Entity as _, Item, Query, StoreError, Table};

use super::hot::HotPages;
use super::wanted::Filter;
use super::{Page, Place, Slice};
use crate::events::{COUNTER_SHARDS, Feed, FeedCounter};
use crate::orders::{Order, Status, view};

/// What a query of a feed found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// One more than is looked at, if there are more.
    orders: Vec<Order>,
    /// The sum of the counters that were met.
    counted: i64,
    /// Has the feed more entries than were asked for?
    is_cut: bool,
}

/// One page of the feed of `status` and `filter`. One request, or none where the page is hot.
///
/// Orders that the clock has ended are left out of the active ones, so that a page may be shorter
/// than was asked for; `lifetime` is how old an active order can be.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn page(
    (table, hot): (&Table, &HotPages),
    status: Status,
    filter: &Filter,
    slice: &Slice,
    viewer: Option<i64>,
    (lifetime, now): (SignedDuration, Instant),
) -> Result<Page> {
    let feed = feed(status, filter);
    let oldest = (status == Status::Active).then(|| (now - lifetime).micros());
    if slice.after.is_some() {
        let found = find(table, &feed, slice, oldest).await?;
        return Ok(shown(&found, status, slice, viewer, now));
    }
    let which = (feed, slice.reach());
    let moment = Moment::now();
    if let Some(found) = hot.get(&which, (moment, now)) {
        return Ok(shown(&found, status, slice, viewer, now));
    }
    let found = Arc::new(find(table, &which.0, slice, oldest).await?);
    hot.keep(which, (moment, now), &found);
    Ok(shown(&found, status, slice, viewer, now))
}

async fn find(table: &Table, feed: &Feed, slice: &Slice, oldest: Option<String>) -> Result<Found> {
    let counters = usize::try_from(COUNTER_SHARDS).unwrap_or_default();
    let query = query(feed, slice.after.as_ref(), oldest)
        .descending()
        .limit(slice.asks(if slice.after.is_none() { counters } else { 0 }));
    let found = table.query(&query).await?;
    let (orders, counted) = parted(&found.items, slice.after.as_ref())?;
    Ok(Found { orders, counted, is_cut: found.next.is_some() })
}

fn shown(found: &Found, status: Status, slice: &Slice, viewer: Option<i64>, now: Instant) -> Page {
    let has_more = found.is_cut || found.orders.len() > slice.reach();
    let total = slice.after.as_ref().map_or(found.counted, |place| place.known);
    let looked_at = || found.orders.iter().take(slice.reach());
    let last = looked_at().next_back().map(Order::feed_at);
    let shown: Vec<_> = looked_at()
        .skip(slice.offset)
        .filter(|order| order.effective(now) == status)
        .map(|order| view(order, viewer, now))
        .collect();
    let least = i64::try_from(slice.offset.saturating_add(shown.len())).unwrap_or(i64::MAX);
    let total = total.max(least);
    let next = last.filter(|_| has_more).map(|at| Place { at, known: total });
    Page { orders: shown, total, next }
}

fn feed(status: Status, filter: &Filter) -> Feed {
    let city = filter.city.as_ref().map(|key| key.as_str());
    let category = filter.category.as_deref();
    let mut feeds =
        Feed::of(status, city.unwrap_or_default(), category.unwrap_or_default()).into_iter();
    let feed = match (city, category) {
        (None, None) => feeds.next(),
        (Some(_), None) => feeds.nth(1),
        (None, Some(_)) => feeds.nth(2),
        (Some(_), Some(_)) => feeds.nth(3),
    };
    feed.unwrap_or_else(|| Feed { index: 1, partition: status.name().to_owned() })
}

fn query(feed: &Feed, after: Option<&Place>, oldest: Option<String>) -> Query {
    let index = match feed.index {
        1 => "feed_1",
        2 => "feed_2",
        3 => "feed_3",
        _ => "feed_4",
    };
    let partition = (feed.attribute(), feed.partition.clone());
    let query = Query::global_index(index, partition, "feed_at");
    match (after, oldest) {
        (None, None) => query,
        (None, Some(oldest)) => query.at_least(oldest),
        (Some(place), None) => query.up_to(&place.at),
        // The list has ended by the clock meanwhile.
        (Some(place), Some(oldest)) if oldest > place.at => query.between(&oldest, &oldest),
        (Some(place), Some(oldest)) => query.between(oldest, &place.at),
    }
}

/// Orders and the sum of the counters among the entries.
fn parted(items: &[Item], after: Option<&Place>) -> Result<(Vec<Order>, i64), StoreError> {
    let mut orders = Vec::with_capacity(items.len());
    let mut counted = 0_i64;
    for item in items {
        if item.text("kind") == Some(FeedCounter::KIND) {
            counted = counted.saturating_add(item.integer("count").unwrap_or_default());
        } else if after.is_none_or(|place| item.text("feed_at") != Some(&place.at)) {
            orders.push(item.read()?);
        }
    }
    Ok((orders, counted))
}
