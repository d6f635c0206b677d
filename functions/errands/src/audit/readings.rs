//! What is kept of one subject, read as often as it takes to believe it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use shared::problem::Result;
use shared::retry;
use shared::table::{Entity, Item, Key, Query, Table};

use super::model::{self, OrderFacts, TakeFacts, UserFacts, Violation};
use crate::App;
use crate::events::CarriedEvent;
use crate::money::{Entry, Kind};
use crate::orders::{ContactLock, Order, OwnedOrder, TakenOrder, order_key};
use crate::payments::{Payment, Status as PaymentStatus};
use crate::reviews::{GivenId, Review};
use crate::users::User;

/// How often something that does not hold is read again before it is believed.
const READINGS: u32 = 5;
/// Keys that one batch reads.
const BATCH: usize = 100;

/// One reading: what it is about, in which state, and what does not hold of it.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    subject: String,
    state: String,
    broken: BTreeSet<&'static str>,
}

/// What two readings in a row find wrong with a subject; nothing when it is not there.
async fn believed<F>(mut read: impl FnMut() -> F) -> Result<Vec<Violation>>
where
    F: Future<Output = Result<Option<Reading>>>,
{
    let mut last = None;
    for reading in 1..=READINGS {
        if reading > 1 {
            retry::pause(reading).await;
        }
        let Some(reading) = read().await? else { break };
        if reading.broken.is_empty() {
            break;
        }
        if last.as_ref() == Some(&reading) {
            let subject = &reading.subject;
            let violation = |invariant| Violation { invariant, subject: subject.clone() };
            return Ok(reading.broken.iter().copied().map(violation).collect());
        }
        last = Some(reading);
    }
    Ok(Vec::new())
}

/// What does not hold of the user whose partition `pk` is.
pub(super) async fn user(app: &App, pk: &str) -> Result<Vec<Violation>> {
    believed(|| async {
        let facts = user_facts(&app.platform.table, pk).await?;
        Ok(facts.map(|facts| Reading {
            subject: format!("user {}", facts.user.id),
            state: format!("{:?}", facts.user),
            broken: model::user(&facts),
        }))
    })
    .await
}

async fn user_facts(table: &Table, pk: &str) -> Result<Option<UserFacts>> {
    let items = all(table, Query::partition(pk)).await?;
    let Some(user) = of::<User>(&items)?.pop() else { return Ok(None) };
    let (owned, taken) = (of::<OwnedOrder>(&items)?, of::<TakenOrder>(&items)?);
    let entries = of::<Entry>(&items)?;
    let named = owned.iter().map(|row| row.order_id.clone());
    let named = named.chain(taken.iter().map(|row| row.order_id.clone()));
    let named = named.chain(entries.iter().filter_map(|entry| entry.order_id.clone()));
    let orders = orders(table, named.collect()).await?;
    let stars = stars(table, user.id, &orders).await?;
    let given = given(table, &of::<Review>(&items)?).await?;
    Ok(Some(UserFacts { user, entries, owned, taken, stars, given, orders }))
}

/// The stars that these reviews gave, but for those that are still to be counted.
async fn given(table: &Table, reviews: &[Review]) -> Result<Vec<i64>> {
    let mut given = Vec::new();
    for batch in reviews.chunks(BATCH) {
        let keys: Vec<_> = batch.iter().map(|review| GivenId::key_of_review(review.id)).collect();
        let rows = table.batch(&keys).await?;
        let carriers = rows.iter().filter(|row| CarriedEvent::id_on(row).is_some());
        let uncounted: HashSet<_> = carriers.filter_map(Item::key).collect();
        let counted = batch.iter().zip(&keys).filter(|(_, key)| !uncounted.contains(key));
        given.extend(counted.map(|(review, _)| review.rating));
    }
    Ok(given)
}

/// The stars that the clients of these orders gave this executor.
async fn stars(table: &Table, executor: i64, orders: &BTreeMap<String, Order>) -> Result<Vec<i64>> {
    let taken = orders.values().filter(|order| order.is_taken_by(executor));
    let keys: Vec<_> =
        taken.map(|order| Review::key_of(order.client_id, &order.id, executor)).collect();
    let mut stars = Vec::new();
    for batch in keys.chunks(BATCH) {
        for item in table.batch(batch).await?.iter() {
            stars.push(item.read::<Review>()?.rating);
        }
    }
    Ok(stars)
}

/// Those of the orders that exist.
async fn orders(table: &Table, ids: BTreeSet<String>) -> Result<BTreeMap<String, Order>> {
    let keys: Vec<_> = ids.iter().map(|id| order_key(id)).collect();
    let mut orders = BTreeMap::new();
    for batch in keys.chunks(BATCH) {
        for item in table.batch(batch).await?.iter() {
            let order: Order = item.read()?;
            orders.insert(order.id.clone(), order);
        }
    }
    Ok(orders)
}

/// What does not hold of the order at `key`.
pub(super) async fn order(app: &App, key: &Key) -> Result<Vec<Violation>> {
    let most = app.settings.max_executors;
    believed(|| async {
        let facts = order_facts(&app.platform.table, key).await?;
        Ok(facts.map(|facts| Reading {
            subject: format!("order {}", facts.order.id),
            state: facts.order.version.to_string(),
            broken: model::order(&facts, most),
        }))
    })
    .await
}

async fn order_facts(table: &Table, key: &Key) -> Result<Option<OrderFacts>> {
    let Some(order) = table.get::<Order>(key).await? else { return Ok(None) };
    let at = order.feed_at();
    let owned = OwnedOrder::key_of(order.client_id, &at);
    let lock = ContactLock::of(&order).key();
    let of_take = |executor: i64| {
        [
            TakenOrder::key_of(executor, &at),
            Entry::key_of(executor, Kind::OrderTake, &order.id),
            Entry::key_of(executor, Kind::Refund, &order.id),
        ]
    };
    let executors: BTreeSet<_> = order.taken_by.iter().map(|take| take.executor_id).collect();
    let mut keys: Vec<_> = executors.iter().copied().flat_map(of_take).collect();
    keys.extend([owned.clone(), lock.clone()]);
    let rows = table.batch(&keys).await?;
    let mut takes = Vec::new();
    for take in &order.taken_by {
        let [row, paid, refunded] = of_take(take.executor_id);
        takes.push(TakeFacts {
            take: *take,
            row: rows.get(&row)?,
            paid: rows.get(&paid)?,
            refunded: rows.get(&refunded)?,
        });
    }
    let (owned, lock) = (rows.get(&owned)?, rows.get(&lock)?);
    Ok(Some(OrderFacts { owned, lock, takes, order }))
}

/// What does not hold of the payment at `key`.
pub(super) async fn payment(app: &App, key: &Key) -> Result<Vec<Violation>> {
    let table = &app.platform.table;
    believed(|| async {
        let Some(payment) = table.get::<Payment>(key).await? else { return Ok(None) };
        let line = Entry::key_of(payment.user_id, Kind::Recharge, &payment.id.to_string());
        // Both at once, so that a payment that is just being settled is seen as one.
        let rows = table.batch(&[key.clone(), line.clone()]).await?;
        let now = rows.get::<Payment>(key)?;
        let entry = rows.get::<Entry>(&line)?;
        let paid = now.as_ref().is_some_and(|now| now.status == PaymentStatus::Paid);
        let holds = match &entry {
            Some(entry) => paid && entry.amount == payment.kopecks.0,
            None => !paid,
        };
        Ok(Some(Reading {
            subject: format!("payment {}", payment.id),
            state: format!("{now:?} {entry:?}"),
            broken: if holds { BTreeSet::new() } else { BTreeSet::from(["I4"]) },
        }))
    })
    .await
}

/// All items of a query, page by page.
pub(super) async fn all(table: &Table, query: Query) -> Result<Vec<Item>> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let page = table.query(&query.clone().after(cursor)).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(items),
        }
    }
}

/// Those of the items that are `E`s.
fn of<E: Entity>(items: &[Item]) -> Result<Vec<E>> {
    let of_kind = items.iter().filter(|item| item.text("kind") == Some(E::KIND));
    Ok(of_kind.map(Item::read).collect::<std::result::Result<_, _>>()?)
}
