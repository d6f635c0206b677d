//! Relay, delivery and sweep.

use std::time::{Duration, Instant as Stopwatch};

use jiff::SignedDuration;
use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::lease::Lease;
use shared::outbox::{self, AfterCrash, Claimed, Entry, Hint, Outcome, Rules};
use shared::problem::{Problem, Result, chain};
use shared::queue::{self, Queue};
use shared::stream::Change;
use shared::telegram::user::{ChatId, TelegramId};
use shared::telegram::{BotApi, BotToken, SendError, SendMessage};

use super::model::{CANCEL, Message};
use super::pace::Ticking;
use crate::App;
use crate::payments::{self, Provider};

const TOKEN: &str = "TELEGRAM_BOT_TOKEN";
/// How long a row may stay unsent before the sweep asks for it again.
const OVERDUE: SignedDuration = SignedDuration::from_mins(2);
/// What is left of a sweep's time to end.
const RESERVE: Duration = Duration::from_secs(10);
/// When to try again a message that could not be sent because the table did not answer.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// A member who is congratulated twice is a worse fault than one whose congratulation is reported
/// missing.
const RULES: Rules = Rules { pauses_s: &[1, 5, 15], after_crash: AfterCrash::Report };
/// To end a subscription twice is harmless; not to end it goes on taking money.
const CANCEL_RULES: Rules = Rules { after_crash: AfterCrash::Repeat, ..RULES };
/// When to try again to end one that the provider did not confirm, for as long as it takes.
const CANCEL_PAUSE: SignedDuration = SignedDuration::from_mins(5);

/// New rows of the outbox, from the change stream.
#[must_use]
pub fn relay() -> Function<App> {
    Function::<App>::stream("club-outbox-relay", &["Outbox"], run_relay)
        .summary("Passes committed outbox rows to the queue")
}

/// Messages of the queue `outbox`.
#[must_use]
pub fn deliver() -> Function<App> {
    Function::<App>::queue("club-outbox-deliver", "outbox", run_deliver)
        .summary("Sends what the outbox says")
        .needs(TOKEN)
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

async fn run_relay(app: App, _: Invocation, change: Change) -> Result<()> {
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
    let rules = if id.starts_with(CANCEL) { CANCEL_RULES } else { RULES };
    let claim = match outbox::claim(table, id, clock.now(), rules).await? {
        Claimed::Yes(claim) => claim,
        Claimed::No => return Ok(()),
        Claimed::Later(at) => return remind(&app, hint.body, at, clock).await,
    };
    let outcome = perform(&app, &bot, &claim.entry, clock).await;
    match outbox::finish(table, &claim, outcome, clock.now()).await? {
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

/// Sends a claimed message. There is no error here: whatever happens is an outcome of the row.
async fn perform(app: &App, bot: &BotApi, entry: &Entry, clock: Ticking) -> Outcome {
    let outbox_id = entry.id.as_str();
    let message: Message = match entry.read() {
        Ok(message) => message,
        Err(problem) => {
            tracing::error!(outbox_id, error = %chain(&problem), "no message to send");
            return Outcome::Refused;
        }
    };
    if let Message::CancelStars { tg_id, contract_id } = &message {
        return cancel(app, bot, (*tg_id, contract_id), clock).await;
    }
    let Some(chat) = message.chat(app.outbox.admin_chat_id) else {
        tracing::warn!(outbox_id, alert = message.text(), "no chat for alerts");
        return Outcome::Sent;
    };
    match app.outbox.pace.turn(&app.platform.table, chat, clock).await {
        Ok(Ok(())) => {}
        Ok(Err(pause)) => return Outcome::Failed(Some(pause)),
        Err(problem) => {
            tracing::warn!(outbox_id, error = %chain(&problem), "pace unknown");
            return Outcome::Failed(Some(STORE_PAUSE));
        }
    }
    match bot.send_message(&SendMessage::plain(ChatId(chat), message.text())).await {
        Ok(_) => Outcome::Sent,
        Err(error) => {
            let outcome = judge(app, &error, clock).await;
            tracing::warn!(outbox_id, %error, ?outcome, "message not delivered");
            outcome
        }
    }
}

/// Ends a standing subscription at Telegram. To end one again changes nothing, so that what is
/// uncertain is done again.
async fn cancel(app: &App, bot: &BotApi, (id, charge): (i64, &str), clock: Ticking) -> Outcome {
    let Some(user) = TelegramId::new(id) else { return Outcome::Refused };
    match bot.edit_user_star_subscription(user, charge, true).await {
        Ok(()) => {}
        Err(error) => {
            tracing::error!(%error, "a standing subscription is not ended");
            return match judge(app, &error, clock).await {
                Outcome::Unknown | Outcome::Failed(None) => Outcome::Failed(Some(CANCEL_PAUSE)),
                outcome => outcome,
            };
        }
    }
    let ended = payments::contract_ended(Provider::Stars, charge, clock.now());
    match app.platform.table.write(ended).await {
        Ok(_) => Outcome::Sent,
        Err(error) => {
            tracing::warn!(%error, "the end of a standing subscription is not kept");
            Outcome::Failed(Some(STORE_PAUSE))
        }
    }
}

/// What an error of the Bot API makes of a message.
async fn judge(app: &App, error: &SendError, clock: Ticking) -> Outcome {
    match error {
        SendError::RetryAfter { seconds } => {
            let pause = SignedDuration::from_secs(i64::from(*seconds));
            let held = app.outbox.pace.hold(&app.platform.table, clock.now() + pause).await;
            if let Err(problem) = held {
                tracing::warn!(error = %chain(&problem), "hold not kept");
            }
            Outcome::Failed(Some(pause))
        }
        SendError::Final { .. } => Outcome::Refused,
        SendError::Definite(_) => Outcome::Failed(None),
        SendError::Ambiguous(_) => Outcome::Unknown,
    }
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
    let table = &app.platform.table;
    let now = invocation.now;
    let lease = match Lease::acquire(table, "outbox_sweep", invocation.clock, invocation.deadline())
        .await
    {
        Ok(lease) => lease,
        Err(problem) if problem.code() == "lease_held" => {
            return Ok(Swept { lease_held: true, ..Swept::default() });
        }
        Err(problem) => return Err(problem),
    };
    let budget = Duration::from_millis(invocation.remaining_ms).saturating_sub(RESERVE);
    let swept = sweep_all(&app, now - OVERDUE, budget).await;
    lease.release(table, invocation.clock).await?;
    swept
}

/// Sends hints only, and a hint is worth nothing by itself: no write here needs a fence.
async fn sweep_all(app: &App, by: Instant, budget: Duration) -> Result<Swept> {
    let queue = hints(app)?;
    let started = Stopwatch::now();
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
            if started.elapsed() >= budget {
                return Ok(swept);
            }
            cursor = next;
        }
    }
    Ok(Swept { complete: true, ..swept })
}
