//! Relay, delivery and sweep.

use jiff::SignedDuration;
use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::outbox::{self, Claimed, Hint};
use shared::problem::{Problem, Result};
use shared::queue::{self, Queue};
use shared::stream::Change;
use shared::telegram::{BotApi, BotToken};

use super::pace::Ticking;
use super::perform;
use crate::shift::Shift;
use crate::{App, onboarding, payments};

const TOKEN: &str = "TELEGRAM_BOT_TOKEN";
/// How long a row may stay unsent before the sweep asks for it again.
const OVERDUE: SignedDuration = SignedDuration::from_mins(2);

/// New rows of the outbox, from the change stream.
#[must_use]
pub fn relay() -> Function<App> {
    Function::<App>::stream("club-outbox-relay", &["Outbox", onboarding::ROW], run_relay)
        .summary("Passes committed outbox rows to the queue")
}

/// Messages of the queue `outbox`.
#[must_use]
pub fn deliver() -> Function<App> {
    // It ends standing subscriptions, whoever provides them.
    payments::asking(Function::<App>::queue("club-outbox-deliver", "outbox", run_deliver))
        .summary("Does what the outbox says")
}

/// Every five minutes.
#[must_use]
pub fn sweep() -> Function<App> {
    Function::<App>::schedule("club-outbox-sweep", "rate(5 minutes)", run_sweep)
        .summary("Finds outbox rows that were never sent")
}

fn hints(app: &App) -> Result<&Queue> {
    app.outbox_queue.as_ref().ok_or_else(|| Problem::bug("OUTBOX_QUEUE_URL is not set"))
}

async fn run_relay(app: App, invocation: Invocation, change: Change) -> Result<()> {
    if change.kind() == Some(onboarding::ROW) {
        return onboarding::remind_of(&app, &change, invocation.now).await;
    }
    match outbox::hint(&change) {
        Some(hint) => Ok(hints(&app)?.send(&hint, SignedDuration::ZERO).await?),
        None => Ok(()),
    }
}

async fn run_deliver(app: App, invocation: Invocation, hint: queue::Message<Hint>) -> Result<()> {
    let clock = Ticking::from(invocation.now);
    let table = &app.platform.table;
    let bot = bot(&app)?;
    let id = &hint.body.outbox_id;
    let claim = match outbox::claim(table, id, clock.now(), perform::rules).await? {
        Claimed::Yes(claim) => claim,
        Claimed::No => return Ok(()),
        Claimed::Later(at) => return remind(&app, hint.body, at, clock).await,
    };
    let done = perform::perform(&app, &bot, &claim.entry, clock).await;
    match outbox::finish_with(table, &claim, done.outcome, done.follows, clock.now()).await? {
        Some(at) => remind(&app, hint.body, at, clock).await,
        None => Ok(()),
    }
}

/// The bot, for functions that read its token.
///
/// # Errors
/// A bug, when the function is not declared to, or a setting is malformed.
pub fn bot(app: &App) -> Result<BotApi> {
    let token = BotToken::parse(app.platform.secret(TOKEN)?.expose()).map_err(Problem::bug)?;
    let url = &app.outbox.telegram_api_url;
    BotApi::new(app.platform.outbound.clone(), url, token).map_err(Problem::bug)
}

/// Brings the row again when it is due.
async fn remind(app: &App, hint: Hint, at: Instant, clock: Ticking) -> Result<()> {
    Ok(hints(app)?.send(&hint, at.since(clock.now())).await?)
}

/// What a sweep has found.
#[derive(Debug, Default, Serialize)]
struct Swept {
    /// Was another sweep under way, so that this one did nothing?
    lease_held: bool,
    /// Rows that were asked for again.
    found: usize,
    /// Was there time for all of them?
    complete: bool,
}

async fn run_sweep(app: App, invocation: Invocation) -> Result<Swept> {
    let Some(shift) = Shift::begin(&app, "outbox_sweep", &invocation).await? else {
        return Ok(Swept { lease_held: true, ..Swept::default() });
    };
    let swept = sweep_all(&app, invocation.now - OVERDUE, &shift).await;
    shift.end(&app).await;
    swept
}

/// Sends hints only, and a hint is worth nothing by itself: no write here needs a fence.
async fn sweep_all(app: &App, by: Instant, shift: &Shift) -> Result<Swept> {
    let queue = hints(app)?;
    let mut swept = Swept::default();
    for shard in 0..outbox::SHARDS {
        let mut cursor = None;
        loop {
            let (found, next) = outbox::overdue(&app.platform.table, shard, by, cursor).await?;
            queue.send_all(&found).await?;
            swept.found += found.len();
            if next.is_none() {
                break;
            }
            if shift.is_over() {
                return Ok(swept);
            }
            cursor = next;
        }
    }
    Ok(Swept { complete: true, ..swept })
}
