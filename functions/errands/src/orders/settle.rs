//! The end of an order: one transaction, whoever brings it about.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::retry::{Round, contended};
use shared::table::Write;

use super::charges;
use super::items::{Order, Status};
use super::store::{self, Committed, Side, TRIES};
use crate::App;
use crate::events::{self, Event};
use crate::users::{User, user_key};

/// How an order ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Its client withdraws it: nobody has taken it.
    Deleted,
    /// Its client says it is done.
    Completed,
    /// Its client closes it.
    Closed,
    /// The clock has ended it, as of some instant.
    ByClock(Status),
}

impl End {
    /// What is written of it then.
    pub(super) fn status(self) -> Status {
        match self {
            Self::Deleted => Status::Deleted,
            Self::Completed => Status::Completed,
            Self::Closed => Status::ClosedNoResponse,
            Self::ByClock(status) => status,
        }
    }

    /// Are executors given back what they paid?
    fn refunds(self, order: &Order) -> bool {
        matches!(self, Self::Closed | Self::ByClock(_)) && order.is_unanswered()
    }
}

/// Writes the end of an order down: lock, counters, rows, money and event with it, and `key`, the
/// answer stored under the caller's key. One transaction; where money is given back, one read.
pub(super) async fn end(
    app: &App,
    order: &Order,
    end: End,
    key: Option<Write>,
    now: Instant,
) -> Result<Committed> {
    let after = ended(order, end);
    let refunds = end.refunds(order);
    let executors = if refunds { executors(app, order).await? } else { Vec::new() };
    let was_active = order.status == Status::Active;
    let mut writes: Vec<Write> = key.into_iter().collect();
    writes.push(store::revised(order, &after)?);
    writes.extend(was_active.then(|| store::released(order)));
    writes.push(store::counted(Side::Own, order.client_id, Some(order.status), after.status));
    for take in &order.taken_by {
        let id = take.executor_id;
        let counted = store::counted(Side::Taken, id, Some(order.status), after.status);
        match executors.iter().find(|user| user.id == id) {
            Some(user) => writes.extend(charges::refunded(counted, user, order, take, now)?),
            None => writes.push(counted),
        }
        writes.push(store::taken(order, &after, take)?);
    }
    let event = Event::OrderEnded {
        order: store::facts(order),
        from: order.status,
        to: after.status,
        by_clock: matches!(end, End::ByClock(_)),
        refunded: order.taken_by.iter().filter(|_| refunds).map(|take| take.price).collect(),
    };
    let owned = store::owned(order, &after)?;
    if was_active {
        // After a first end the client's row changes at most once more, by a deletion.
        writes.push(events::carry(owned, &event, now));
    } else {
        writes.extend([owned, events::emit(event, now)?]);
    }
    store::commit(&app.platform.table, writes).await
}

/// The order once it has ended.
pub(super) fn ended(order: &Order, end: End) -> Order {
    store::next(order, Order { status: end.status(), ..order.clone() })
}

/// Everybody who took the order, as their records stand. One read.
async fn executors(app: &App, order: &Order) -> Result<Vec<User>> {
    let keys: Vec<_> = order.taken_by.iter().map(|take| user_key(take.executor_id)).collect();
    let rows = app.platform.table.batch(&keys).await?;
    let found = keys.iter().map(|key| {
        rows.get::<User>(key)?.ok_or_else(|| Problem::bug("a take without its executor"))
    });
    found.collect()
}

/// What became of an attempt to settle an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// The clock has not ended it, or that is written already.
    NotDue,
    /// It was written now.
    Now,
    /// The order is not any more as it was read, or an executor's balance is not.
    Outrun,
}

/// Tries once to write down what the clock has ended.
pub(super) async fn settle_once(app: &App, order: &Order, now: Instant) -> Result<Settled> {
    if !order.is_due(now) {
        return Ok(Settled::NotDue);
    }
    let to = order.effective(now);
    Ok(match end(app, order, End::ByClock(to), None, now).await? {
        Committed::Yes => {
            tracing::info!(order_id = %order.id, to = to.name(), "settled");
            Settled::Now
        }
        Committed::Refused(refusal) => {
            tracing::debug!(order_id = %order.id, refused = refusal.name(), "outrun");
            Settled::Outrun
        }
        Committed::Outrun => Settled::Outrun,
    })
}

/// Sees to it that what the clock has ended is written down, by this call or by another. True when
/// it was by this one. Two reads at most and one transaction, anew for each time that another
/// writer came first.
///
/// # Errors
/// 503 when nothing was written.
pub async fn settle(app: &App, order_id: &str, now: Instant) -> Result<bool> {
    contended(TRIES, || async {
        let Some(order) = store::find(&app.platform.table, order_id).await? else {
            return Ok(Round::Done(false));
        };
        Ok(match settle_once(app, &order, now).await? {
            Settled::NotDue => Round::Done(false),
            Settled::Now => Round::Done(true),
            Settled::Outrun => Round::Stale,
        })
    })
    .await
}
