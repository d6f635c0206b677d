//! The relay and the sweep.

use std::time::{Duration, Instant as Stopwatch};

use futures::future::join_all;
use jiff::SignedDuration;
use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::stream::Change;
use shared::table::{Cursor, Entity as _, Item, Query, Table, Write};

use super::counters;
use super::hints::{DeadlineHint, V1};
use super::model::{CarriedEvent, Event, OutboxEvent, SHARDS};
use super::notices::notices;
use crate::orders::OwnedOrder;
use crate::reviews::GivenId;
use crate::{App, notify};

/// How long a row may wait for its relay before the sweep publishes it.
const OVERDUE: SignedDuration = SignedDuration::from_secs(30);
/// Rows of one page of the sweep, published together.
const PAGE: u32 = 25;
/// What is left of a sweep's time to end.
const RESERVE: Duration = Duration::from_secs(10);

/// New events, from the change stream.
#[must_use]
pub fn relay() -> Function<App> {
    let kinds = &[OutboxEvent::KIND, OwnedOrder::KIND, GivenId::KIND];
    Function::<App>::stream("errands-events-relay", kinds, run_relay)
        .summary("Counts, notifies and starts timers after a commit")
}

/// Every minute.
#[must_use]
pub fn sweep() -> Function<App> {
    Function::<App>::schedule("errands-outbox-sweep", "rate(1 minute)", run_sweep)
        .summary("Publishes events and hints at notices that were left behind")
}

async fn run_relay(app: App, invocation: Invocation, change: Change) -> Result<()> {
    let before = change.old.as_ref();
    let is_news = |item: &Item| match CarriedEvent::id_on(item) {
        None => before.is_none(),
        Some(id) => before.and_then(CarriedEvent::id_on) != Some(id),
    };
    let Some(item) = change.new.filter(is_news) else { return Ok(()) };
    publish_item(&app, &item, false, invocation.now).await
}

/// Publishes the event that an item is, or the one that it carries; none where it carries none.
/// `again`: it should have been published some time ago.
async fn publish_item(app: &App, item: &Item, again: bool, now: Instant) -> Result<()> {
    if item.text("kind") == Some(OutboxEvent::KIND) {
        return publish(app, &item.read()?, again, now).await;
    }
    match CarriedEvent::on(item)? {
        Some(carried) => publish_carried(app, &carried, now).await,
        None => Ok(()),
    }
}

/// Does all that follows from an event that a row carries, and takes it off. Doing it twice, or
/// beginning again in the middle, changes nothing: the counters move when it comes off.
async fn publish_carried(app: &App, carried: &CarriedEvent, now: Instant) -> Result<()> {
    notify::ask(app, notices(&carried.event, now)).await?;
    start(app, &carried.event, now).await?;
    counters::count_off(&app.platform.table, carried).await
}

/// Does all that follows from an event, and deletes its row; that of a new order is deleted once
/// its last subscriber has been told. Doing it twice, or beginning again in the middle, changes
/// nothing.
async fn publish(app: &App, row: &OutboxEvent, again: bool, now: Instant) -> Result<()> {
    let table = &app.platform.table;
    if !counters::count(table, row).await? {
        return Ok(());
    }
    notify::ask(app, notices(&row.event, now)).await?;
    if let Some(hint) = row.hint() {
        return if again {
            notify::carry_on(app, row, now).await
        } else {
            notify::offer(app, &hint).await
        };
    }
    start(app, &row.event, now).await?;
    table.write(Write::delete("event", OutboxEvent::key_of(&row.id))).await?;
    Ok(())
}

/// Starts the timer of a response, where an event sets it going.
async fn start(app: &App, event: &Event, now: Instant) -> Result<()> {
    let Event::OrderTaken { order, response_deadline: Some(deadline) } = event else {
        return Ok(());
    };
    let hint = DeadlineHint { order_id: order.order_id.clone(), v: V1 };
    let queue = app.queues.deadlines.as_ref();
    let queue = queue.ok_or_else(|| Problem::bug("DEADLINES_QUEUE_URL is not set"))?;
    Ok(queue.send(&hint, deadline.since(now)).await?)
}

/// What a sweep has found.
#[derive(Debug, Default, Serialize)]
struct Swept {
    /// Events that it published.
    published: usize,
    /// Events that it could not publish.
    failed: usize,
    /// Notices that it asked for again.
    notices: usize,
    /// Was there time for all of them?
    complete: bool,
}

async fn run_sweep(app: App, invocation: Invocation) -> Result<Swept> {
    let budget = Duration::from_millis(invocation.remaining_ms).saturating_sub(RESERVE);
    let started = Stopwatch::now();
    let mut swept = Swept { complete: true, ..Swept::default() };
    for shard in 0..SHARDS {
        let mut cursor = None;
        loop {
            let query = unpublished(shard).up_to((invocation.now - OVERDUE).to_string());
            let (rows, next) = page(&app.platform.table, query.after(cursor)).await?;
            publish_all(&app, &rows, invocation.now, &mut swept).await;
            if next.is_none() {
                break;
            }
            if started.elapsed() >= budget {
                return Ok(Swept { complete: false, ..swept });
            }
            cursor = next;
        }
    }
    let time_is_up = || started.elapsed() >= budget;
    swept.notices = notify::remind_overdue(&app, invocation.now, time_is_up).await?;
    swept.complete = !time_is_up();
    Ok(swept)
}

/// Publishes what it can: one event that fails, or does not read, does not keep the others.
async fn publish_all(app: &App, rows: &[Item], now: Instant, swept: &mut Swept) {
    let published = join_all(rows.iter().map(|row| publish_item(app, row, true, now))).await;
    for (row, outcome) in rows.iter().zip(published) {
        match outcome {
            Ok(()) => swept.published += 1,
            Err(problem) => {
                swept.failed += 1;
                let event_id = CarriedEvent::id_on(row).or(row.text("id")).unwrap_or_default();
                tracing::error!(event_id, error = %chain(&problem), "event not published");
            }
        }
    }
}

/// One page of unpublished events, and where it ended. One query and one read.
async fn page(table: &Table, query: Query) -> Result<(Vec<Item>, Option<Cursor>)> {
    let page = table.query(&query).await?;
    let keys: Vec<_> = page.items.iter().filter_map(Item::key).collect();
    if keys.is_empty() {
        return Ok((Vec::new(), page.next));
    }
    // The index may lag: what is gone was published.
    let rows = table.batch(&keys).await?;
    let unpublished = rows.iter().filter(|row| row.text("due_pk").is_some());
    Ok((unpublished.cloned().collect(), page.next))
}

fn unpublished(shard: u64) -> Query {
    let partition = ("due_pk", format!("EVENT#{shard}"));
    Query::global_index("due", partition, "due_at").limit(PAGE)
}

/// Has every event been counted, as far as the index tells? Some may still be told to subscribers.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn all_counted(table: &Table) -> Result<bool> {
    for shard in 0..SHARDS {
        let mut cursor = None;
        loop {
            let (rows, next) = page(table, unpublished(shard).after(cursor)).await?;
            let is_counted = |row: &Item| {
                let by_itself = row.text("kind") == Some(OutboxEvent::KIND);
                by_itself && row.read::<OutboxEvent>().is_ok_and(|event| event.counted)
            };
            if !rows.iter().all(is_counted) {
                return Ok(false);
            }
            if next.is_none() {
                break;
            }
            cursor = next;
        }
    }
    Ok(true)
}
