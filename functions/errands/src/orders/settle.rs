//! The end of an order: one transaction, whoever brings it about.

use shared::clock::Instant;
use shared::problem::Result;
use shared::retry::{Round, contended};
use shared::table::Write;

use super::charges;
use super::items::{Order, Status, Take};
use super::store::{self, Committed, EXECUTOR, Side, TRIES};
use crate::App;
use crate::events::{self, Event};
use crate::money::Account;
use crate::users::User;

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
/// answer stored under the caller's key. One transaction of four items and, for each take, two, or
/// three where money is given back. No read: an executor's balance is thought to be what the take
/// left; where it has changed since, the refusal tells what it is, and the end is tried again.
pub(super) async fn end(
    app: &App,
    order: &Order,
    end: End,
    key: Option<Write>,
    now: Instant,
) -> Result<Committed> {
    let mut accounts: Vec<_> = order.taken_by.iter().map(Take::account).collect();
    let mut corrected = 0;
    loop {
        let writes = writes(order, end, &accounts, now)?;
        let writes = key.clone().into_iter().chain(writes).collect();
        let refusal = match store::commit(&app.platform.table, writes).await? {
            Committed::Refused(refusal) => refusal,
            committed => return Ok(committed),
        };
        let wrong = accounts.clone();
        if refusal.is_only(EXECUTOR) {
            for item in refusal.items() {
                let user: User = item.read()?;
                let account = accounts.iter_mut().find(|account| account.user_id == user.id);
                account.into_iter().for_each(|account| *account = Account::from(&user));
            }
        }
        // A refusal may name one wrong balance at a time.
        if accounts == wrong || corrected == accounts.len() {
            return Ok(Committed::Refused(refusal));
        }
        corrected += 1;
    }
}

/// What an end is made of, with the executors' balances as they are thought to be.
fn writes(order: &Order, end: End, accounts: &[Account], now: Instant) -> Result<Vec<Write>> {
    let after = ended(order, end);
    let refunds = end.refunds(order);
    let was_active = order.status == Status::Active;
    let mut writes = vec![store::revised(order, &after)?];
    writes.extend(was_active.then(|| store::released(order)));
    writes.push(store::counted(Side::Own, order.client_id, Some(order.status), after.status));
    for (take, account) in order.taken_by.iter().zip(accounts) {
        let id = take.executor_id;
        let counted = store::counted(Side::Taken, id, Some(order.status), after.status);
        if refunds {
            let refund = charges::refund(*account, order, take, now)?;
            writes.extend([refund.on(counted), refund.line()]);
        } else {
            writes.push(counted);
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
    Ok(writes)
}

/// The order once it has ended.
pub(super) fn ended(order: &Order, end: End) -> Order {
    store::next(order, Order { status: end.status(), ..order.clone() })
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
/// it was by this one. One read and one transaction, anew for each time that another writer came
/// first.
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
