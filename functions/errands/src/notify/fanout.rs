//! The fan-out of a new order: one page of subscribers, then the next.
//!
//! How far it came stands in the row of the order's event, which is deleted after the last page. A
//! hint brings one step; the sweep begins the step anew where the event has not moved for long.

use std::collections::HashMap;

use futures::future::join_all;
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::queue::Message;
use shared::retry::{Round, contended};
use shared::table::{Item, Key, Write};

use super::model::{Matched, NotifyState};
use super::notice::Notice;
use super::store::{self, Kept};
use super::subscriptions::{self, wants};
use super::{TRIES, digests, frequency, hint};
use crate::App;
use crate::events::{DigestHint, FanoutHint, OutboxEvent, V1};
use crate::orders::{Order, Status, order_key};
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
    let (hint, now) = (message.body, invocation.now);
    let table = &app.platform.table;
    let (event_at, order_at) = (OutboxEvent::key_of(&hint.order_id), order_key(&hint.order_id));
    let rows = table.batch(&[event_at.clone(), order_at.clone()]).await?;
    // Without its event, everybody was told.
    let Some(event) = rows.get::<OutboxEvent>(&event_at)? else { return Ok(()) };
    if event.step != hint.step {
        // Whoever kept this step may have died before the next one's hint.
        let step = event.hint().filter(|_| message.receive_count > 1);
        return match step {
            Some(step) => offer(&app, &step).await,
            None => Ok(()),
        };
    }
    let order: Option<Order> = rows.get(&order_at)?;
    let order = order.filter(|order| order.effective(now) == Status::Active);
    let last = match &order {
        None => None,
        Some(order) => {
            let after = event.told_to.as_deref();
            let (users, last) = subscriptions::page(table, order, after, PAGE).await?;
            tell(&app, order, &users, now).await?;
            last
        }
    };
    match last {
        Some(last) => step_on(&app, &event, Some(last), now).await,
        None => Ok(table.write(Write::delete("event", event_at)).await.map(|_| ())?),
    }
}

/// Sends a hint of a fan-out.
///
/// # Errors
/// When the queue does not take it.
pub(crate) async fn offer(app: &App, hint: &FanoutHint) -> Result<()> {
    let queue = app.queues.fanout.as_ref();
    let queue = queue.ok_or_else(|| Problem::bug("FANOUT_QUEUE_URL is not set"))?;
    Ok(queue.send(hint, SignedDuration::ZERO).await?)
}

/// Has a fan-out that stands still go on. One write and one message.
///
/// # Errors
/// When the store or the queue does not answer; the next sweep finds it again.
pub(crate) async fn carry_on(app: &App, event: &OutboxEvent, now: Instant) -> Result<()> {
    step_on(app, event, event.told_to.clone(), now).await
}

/// Keeps how far a fan-out came, and sends the hint of its next step, unless another did.
async fn step_on(
    app: &App,
    event: &OutboxEvent,
    told_to: Option<String>,
    now: Instant,
) -> Result<()> {
    let (next, kept) = event.next(told_to, now);
    match (app.platform.table.write(kept).await, next.hint()) {
        (Ok(_), Some(hint)) => offer(app, &hint).await,
        (Ok(_), None) => Ok(()),
        (Err(error), _) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
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
