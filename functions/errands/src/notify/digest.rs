//! Digests: what has waited while a user was cooling down.

use std::time::{Duration, Instant as Stopwatch};

use futures::future::join_all;
use jiff::SignedDuration;
use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Result, chain};
use shared::queue::Message as Received;
use shared::retry::{Round, contended};
use shared::table::Table;

use super::model::{Flushed, NotifyState, SHARDS};
use super::notice::{Message, Notice};
use super::store::{self, Kept};
use super::subscriptions::wants;
use super::{TRIES, digests, frequency, hint};
use crate::App;
use crate::events::DigestHint;
use crate::orders::{Order, Status, order_key};
use crate::users::{User, user_key};

/// How long a digest may be late before the sweep sends it.
const OVERDUE: SignedDuration = SignedDuration::from_secs(60);
/// Digests that the sweep deals with at once.
const AT_ONCE: usize = 10;
/// What is left of a sweep's time to end.
const RESERVE: Duration = Duration::from_secs(10);

/// Messages of the queue `digests`.
#[must_use]
pub fn digest() -> Function<App> {
    Function::<App>::queue("errands-notify-digest", "digests", run_digest)
        .summary("Tells a user of the orders that came while they were cooling down")
}

/// Every minute.
#[must_use]
pub fn digest_sweep() -> Function<App> {
    Function::<App>::schedule("errands-digest-sweep", "rate(1 minute)", run_sweep)
        .summary("Sends digests that are a minute late")
}

async fn run_digest(app: App, invocation: Invocation, message: Received<DigestHint>) -> Result<()> {
    let DigestHint { user_id, v } = message.body;
    match flush(&app, user_id, invocation.now).await? {
        Some(due) => {
            let hint = DigestHint { user_id, v };
            Ok(digests(&app)?.send(&hint, due.since(invocation.now)).await?)
        }
        None => Ok(()),
    }
}

/// Sends the user's digest if it is due, and answers when it is if it is not. Two reads, more of
/// them for more than 100 orders, one transaction, one hint.
async fn flush(app: &App, user_id: i64, now: Instant) -> Result<Option<Instant>> {
    let table = &app.platform.table;
    let flushed = contended(TRIES, || async {
        let rows = table.batch(&[user_key(user_id), NotifyState::key_of(user_id)]).await?;
        let state: Option<NotifyState> = rows.get(&NotifyState::key_of(user_id))?;
        let user: Option<User> = rows.get(&user_key(user_id))?;
        let (Some(mut state), Some(user)) = (state, user) else {
            return Ok(Round::Done(Err(None)));
        };
        let minutes = frequency(app, &user);
        state.retime(minutes);
        match state.digest_at() {
            None => return Ok(Round::Done(Err(None))),
            Some(due) if due > now => return Ok(Round::Done(Err(Some(due)))),
            Some(_) => {}
        }
        let alive = of_interest(table, &user, state.pending(), now).await?;
        let before = state.clone();
        let notice = notice(user_id, state.flush(alive, minutes, now), now);
        match store::keep(table, &state, notice.as_ref()).await? {
            Kept::Yes => Ok(Round::Done(Ok(notice))),
            Kept::Outrun => Ok(Round::Stale),
            Kept::Told => told_before(table, before, notice).await,
        }
    })
    .await?;
    match flushed {
        Ok(notice) => hint(app, notice.into_iter().map(|notice| notice.id).collect()).await?,
        Err(due) => return Ok(due),
    }
    Ok(None)
}

/// The only order that waited had a notice of its own before: the state had forgotten it. It waits
/// no more, and no cool-down begins.
async fn told_before(
    table: &Table,
    mut state: NotifyState,
    notice: Option<Notice>,
) -> Result<Round<std::result::Result<Option<Notice>, Option<Instant>>>> {
    state.silence();
    Ok(match store::keep(table, &state, None).await? {
        Kept::Yes => Round::Done(Ok(notice)),
        Kept::Outrun | Kept::Told => Round::Stale,
    })
}

/// Those of the orders that are open and that the user still wants to hear of, in their order.
async fn of_interest(
    table: &Table,
    user: &User,
    orders: &[String],
    now: Instant,
) -> Result<Vec<String>> {
    let found = open(table, orders, now).await?;
    let wanted = found.into_iter().filter(|order| wants(user, order));
    Ok(wanted.map(|order| order.id).collect())
}

/// Those of the orders that are open at `now`, in their order. One read for each 100.
pub(super) async fn open(table: &Table, orders: &[String], now: Instant) -> Result<Vec<Order>> {
    let keys: Vec<_> = orders.iter().map(|id| order_key(id)).collect();
    let rows = store::rows(table, &keys).await?;
    let mut open = Vec::new();
    for item in keys.iter().filter_map(|key| rows.get(key)) {
        let order: Order = item.read()?;
        open.extend(Some(order).filter(|order| order.effective(now) == Status::Active));
    }
    Ok(open)
}

fn notice(user_id: i64, flushed: Flushed, now: Instant) -> Option<Notice> {
    match flushed {
        Flushed::Nothing => None,
        Flushed::Alone(order_id) => Some(Notice::offer(user_id, &order_id, now)),
        Flushed::Digest { k, orders, beyond } => {
            let message = Message::Digest { orders, beyond };
            Some(Notice::new(user_id, &k.to_string(), message, now))
        }
    }
}

/// What a sweep has found.
#[derive(Debug, Default, Serialize)]
struct Swept {
    /// Digests that were late.
    found: usize,
    /// Those that could not be sent.
    failed: usize,
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
            let by = invocation.now - OVERDUE;
            let (users, next) =
                store::overdue_digests(&app.platform.table, shard, by, cursor).await?;
            for some in users.chunks(AT_ONCE) {
                flush_all(&app, some, invocation.now, &mut swept).await;
            }
            if next.is_none() {
                break;
            }
            if started.elapsed() >= budget {
                return Ok(Swept { complete: false, ..swept });
            }
            cursor = next;
        }
    }
    Ok(swept)
}

async fn flush_all(app: &App, users: &[i64], now: Instant, swept: &mut Swept) {
    let flushed = join_all(users.iter().map(|user| flush(app, *user, now))).await;
    for (user_id, outcome) in users.iter().zip(flushed) {
        swept.found += 1;
        if let Err(problem) = outcome {
            swept.failed += 1;
            tracing::error!(user_id, error = %chain(&problem), "digest not sent");
        }
    }
}
