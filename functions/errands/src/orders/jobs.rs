//! The clock: what has ended is written down.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant as Stopwatch};

use futures::FutureExt as _;
use futures::future::join_all;
use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::queue::Message;
use shared::table::{Item, Query};

use super::items::{DUE_SHARDS, Order};
use super::model::{self, Hinted};
use super::settle::{self, Settled};
use super::store;
use crate::App;
use crate::events::DeadlineHint;

/// Queue `deadlines`.
#[must_use]
pub fn deadline() -> Function<App> {
    Function::<App>::queue("errands-orders-deadline", "deadlines", handle_deadline)
        .summary("Closes an order whose client has not responded in time")
}

/// Every minute.
#[must_use]
pub fn sweep() -> Function<App> {
    Function::<App>::schedule("errands-orders-sweep", "rate(1 minute)", handle_sweep)
        .summary("Writes down which orders the clock has ended")
}

/// One deadline: one read, and a settlement where the order is due.
async fn handle_deadline(
    app: App,
    invocation: Invocation,
    message: Message<DeadlineHint>,
) -> Result<()> {
    let hint = message.body;
    let Some(order) = store::find(&app.platform.table, &hint.order_id).await? else {
        return Ok(());
    };
    match model::hinted(&order, invocation.now) {
        Hinted::Drop => Ok(()),
        Hinted::Later(rest) => {
            let queue = app.queues.deadlines.as_ref();
            let queue = queue.ok_or_else(|| Problem::bug("DEADLINES_QUEUE_URL is not set"))?;
            Ok(queue.send(&hint, rest).await?)
        }
        Hinted::Settle => written(&app, &order, invocation.now).await.map(|_| ()),
    }
}

/// What one run of the sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Swept {
    /// Ends that were written down.
    settled: usize,
    /// Ends that could not be; they stay due.
    failed: usize,
    /// Was everything looked at that was due?
    complete: bool,
}

/// Orders read at once.
const PAGE: u32 = 50;
/// Orders settled at once.
const ABREAST: usize = 8;
/// How long one run goes on.
const RUN: Duration = Duration::from_secs(45);
/// Left of the function's time when the sweep begins nothing new.
const RESERVE: Duration = Duration::from_secs(5);

/// Until when a run begins something new.
#[derive(Clone, Copy)]
struct Budget {
    began: Stopwatch,
    time: Duration,
}

impl Budget {
    fn of(invocation: &Invocation) -> Self {
        let left = Duration::from_millis(invocation.remaining_ms).saturating_sub(RESERVE);
        Self { began: Stopwatch::now(), time: left.min(RUN) }
    }

    fn is_spent(&self) -> bool {
        self.began.elapsed() >= self.time
    }
}

async fn handle_sweep(app: App, invocation: Invocation) -> Result<Swept> {
    let budget = Budget::of(&invocation);
    let mut swept = Swept { complete: true, ..Swept::default() };
    for shard in 0..DUE_SHARDS {
        sweep_shard(&app, &Order::due_shard(shard), budget, invocation.now, &mut swept).await?;
    }
    Ok(swept)
}

/// Settles what is due in one partition of the index, page by page.
async fn sweep_shard(
    app: &App,
    partition: &str,
    budget: Budget,
    now: Instant,
    swept: &mut Swept,
) -> Result<()> {
    let mut cursor = None;
    loop {
        if budget.is_spent() {
            swept.complete = false;
            return Ok(());
        }
        let query = Query::global_index("due", ("due_pk", partition.to_owned()), "due_at")
            .up_to(now.micros())
            .limit(PAGE)
            .after(cursor);
        let page = app.platform.table.query(&query).await?;
        settle_all(app, still_due(app, &page.items, now).await?, budget, now, swept).await;
        cursor = page.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// The orders behind a page of the index, which may lag, that are due indeed. One read.
async fn still_due(app: &App, page: &[Item], now: Instant) -> Result<Vec<Order>> {
    let mut orders: Vec<Order> = app.platform.table.behind(page).await?;
    orders.retain(|order| order.is_due(now));
    Ok(orders)
}

/// Settles orders, some abreast. One that fails stays due and keeps no other from its turn. All of
/// it in the job's own task, whose meter counts what it costs.
async fn settle_all(
    app: &App,
    orders: Vec<Order>,
    budget: Budget,
    now: Instant,
    swept: &mut Swept,
) {
    let mut waiting = orders.into_iter().peekable();
    while waiting.peek().is_some() {
        if budget.is_spent() {
            swept.complete = false;
            return;
        }
        let some: Vec<_> = waiting.by_ref().take(ABREAST).collect();
        let settling = some
            .iter()
            .map(|order| AssertUnwindSafe(Box::pin(written(app, order, now))).catch_unwind());
        for (order, settled) in some.iter().zip(join_all(settling).await) {
            match settled.unwrap_or_else(|_| Err(Problem::bug("a settlement panicked"))) {
                Ok(settled) => swept.settled += usize::from(settled),
                Err(problem) => {
                    let error = chain(&problem);
                    tracing::error!(%error, order_id = %order.id, "not settled");
                    swept.failed += 1;
                    swept.complete = false;
                }
            }
        }
    }
}

/// Writes the end of an order down, by what was just read of it, and by what it is now where that
/// was outrun. True when this call did it.
async fn written(app: &App, order: &Order, now: Instant) -> Result<bool> {
    match settle::settle_once(app, order, now).await? {
        Settled::Now => Ok(true),
        Settled::NotDue => Ok(false),
        Settled::Outrun => settle::settle(app, &order.id, now).await,
    }
}
