//! The fan-out of a new order: one page of subscribers, then the next.

use std::collections::HashMap;

use futures::future::join_all;
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::queue::Message;
use shared::retry::{Round, contended};
use shared::table::{Item, Key};

use super::model::{Matched, NotifyState};
use super::notice::Notice;
use super::store::{self, Kept};
use super::subscriptions::{self, wants};
use super::{TRIES, digests, frequency, hint};
use crate::App;
use crate::events::{DigestHint, FanoutHint, V1};
use crate::orders::{self, Order, Status};
use crate::users::{User, user_key};

/// Subscribers of one page: with the record and the state of each, one batch read.
const PAGE: u32 = 50;
/// Subscribers of a page that are dealt with at once.
const AT_ONCE: usize = 10;

/// Messages of the queue `fanout`.
#[must_use]
pub fn fanout() -> Function<App> {
    Function::<App>::queue("errands-notify-fanout", "fanout", run_fanout)
        .summary("Tells one page of subscribers of a new order")
}

async fn run_fanout(app: App, invocation: Invocation, message: Message<FanoutHint>) -> Result<()> {
    let hint = message.body;
    let table = &app.platform.table;
    let order = orders::find(table, &hint.order_id).await?;
    let Some(order) = order.filter(|order| order.effective(invocation.now) == Status::Active)
    else {
        return Ok(());
    };
    let (users, next) = subscriptions::page(table, &order, hint.cursor.as_deref(), PAGE).await?;
    tell(&app, &order, &users, invocation.now).await?;
    let Some(cursor) = next else { return Ok(()) };
    let queue = app.queues.fanout.as_ref();
    let queue = queue.ok_or_else(|| Problem::bug("FANOUT_QUEUE_URL is not set"))?;
    let next = FanoutHint { order_id: order.id, cursor: Some(cursor), v: V1 };
    Ok(queue.send(&next, SignedDuration::ZERO).await?)
}

/// What is to be hinted at once a subscriber has been dealt with.
enum Then {
    /// Nothing.
    Nothing,
    /// The notice of this id.
    Send(String),
    /// The digest of this user, due at this instant.
    Digest(i64, Instant),
}

/// Deals with these subscribers, each by the settings as they stand.
async fn tell(app: &App, order: &Order, users: &[i64], now: Instant) -> Result<()> {
    let keys = users.iter().flat_map(|id| [user_key(*id), NotifyState::key_of(*id)]);
    let rows = store::rows(&app.platform.table, &keys.collect::<Vec<_>>()).await?;
    let mut wanting = Vec::new();
    for id in users {
        let user = rows.get(&user_key(*id)).map(Item::read::<User>).transpose()?;
        wanting.extend(user.filter(|user| wants(user, order)));
    }
    let mut failed = None;
    for some in wanting.chunks(AT_ONCE) {
        let told = join_all(some.iter().map(|user| tell_one(app, order, user, &rows, now))).await;
        let (mut unsent, mut due) = (Vec::new(), Vec::new());
        for then in told {
            match then {
                Ok(Then::Send(id)) => unsent.push(id),
                Ok(Then::Digest(user_id, at)) => due.push((user_id, at)),
                Ok(Then::Nothing) => {}
                Err(problem) => failed = Some(problem),
            }
        }
        hint(app, unsent).await?;
        for (user_id, at) in due {
            digests(app)?.send(&DigestHint { user_id, v: V1 }, at.since(now)).await?;
        }
    }
    // The whole page comes again, and finds done what was done.
    failed.map_or(Ok(()), Err)
}

/// Tells one subscriber of the order, or has it wait. One request when nobody comes in between;
/// none when the order was matched before.
async fn tell_one(
    app: &App,
    order: &Order,
    user: &User,
    rows: &HashMap<Key, Item>,
    now: Instant,
) -> Result<Then> {
    let table = &app.platform.table;
    let read = rows.get(&NotifyState::key_of(user.id)).map(Item::read::<NotifyState>);
    let mut read = Some(read.transpose()?.unwrap_or_else(|| NotifyState::new(user.id)));
    let minutes = frequency(app, user);
    let notice = Notice::offer(user.id, &order.id, now);
    contended(TRIES, || {
        let (read, notice) = (read.take(), &notice);
        async move {
            let mut state = match read {
                Some(state) => state,
                None => store::state(table, user.id).await?,
            };
            let waited = state.digest_at().is_some();
            let matched = state.matched(&order.id, order.expires_at(), minutes, now);
            let due = state.digest_at().map(|at| Then::Digest(user.id, at));
            let (asked, then) = match matched {
                // Whoever matched it before may have died before the hint.
                Matched::Known { waits: false } => {
                    return Ok(Round::Done(Then::Send(notice.id.clone())));
                }
                Matched::Known { waits: true } => {
                    return Ok(Round::Done(due.unwrap_or(Then::Nothing)));
                }
                Matched::Alone => (Some(notice), Then::Send(notice.id.clone())),
                Matched::Waits if waited => (None, Then::Nothing),
                Matched::Waits => (None, due.unwrap_or(Then::Nothing)),
            };
            Ok(match store::keep(table, &state, asked).await? {
                Kept::Yes => Round::Done(then),
                Kept::Told => Round::Done(Then::Send(notice.id.clone())),
                Kept::Outrun => Round::Stale,
            })
        }
    })
    .await
}
