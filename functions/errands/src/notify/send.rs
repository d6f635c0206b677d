//! Sending one notice: claim, wait for the turn, send, record.

use std::time::Duration;

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::queue::Message as Received;
use shared::table::{Rows, Table};
use shared::telegram::{BotApi, BotToken, SendError, SendMessage, user::ChatId};
use shared::telemetry;

use super::digest::open;
use super::notice::{Message, Next, Notice, Outcome, Stands, State, Told, named};
use super::pace::{Pace, Ticking};
use super::subscriptions::wants;
use super::{notices, store};
use crate::events::NoticeHint;
use crate::orders::{Order, Status, order_key};
use crate::texts::{self, Offered};
use crate::users::{User, user_key};
use crate::{App, Settings};

const TOKEN: &str = "TELEGRAM_BOT_TOKEN";
/// How long Telegram may take for one message.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// When to try again a message that could not be sent because the table did not answer.
const STORE_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// Kopecks of a ruble.
const RUBLE: i64 = 100;

/// Messages of the queue `notices`.
#[must_use]
pub fn send() -> Function<App> {
    Function::<App>::queue("errands-notify-send", "notices", run_send)
        .summary("Sends a notice at the pace that Telegram allows")
        .needs(TOKEN)
}

async fn run_send(app: App, invocation: Invocation, message: Received<NoticeHint>) -> Result<()> {
    let hint = message.body;
    let clock = Ticking::from(invocation.now);
    let pace = Pace::of(&app.settings);
    let Some(seen) = Seen::read(&app.platform.table, &hint.notice_id).await? else {
        return Ok(());
    };
    let is_stale = hint.n < seen.notice.hints;
    let again =
        async |at| if is_stale { Ok(()) } else { remind(&app, hint.clone(), at, clock).await };
    let abandoned = match seen.notice.stands(clock.now()) {
        Stands::Over => return Ok(()),
        Stands::Dead => return Err(dead(&hint.notice_id)),
        Stands::NotYet(at) => return again(at).await,
        Stands::Due => false,
        Stands::Abandoned => true,
    };
    if abandoned && seen.notice.is_spent() {
        if store::close(&app.platform.table, &seen.notice, State::Dead).await? {
            give_up(&app, &seen.notice, "crashes");
        }
        return Err(dead(&hint.notice_id));
    }
    let Some(text) = seen.text(&app, invocation.now).await? else {
        return store::close(&app.platform.table, &seen.notice, State::Skipped).await.map(|_| ());
    };
    if let Some(at) = pace.too_early(&seen.rows, seen.notice.user_id, clock.now()) {
        return again(at).await;
    }
    let sending = Sending { app: &app, pace, clock };
    match sending.claimed(seen.notice, abandoned, text).await? {
        Some(Next::Again(at)) => remind(&app, hint, at, clock).await,
        Some(Next::Over(State::Dead)) => Err(dead(&hint.notice_id)),
        Some(Next::Over(_)) | None => Ok(()),
    }
}

/// Tells the operators of a notice that will not be sent, once.
fn give_up(app: &App, notice: &Notice, why: &'static str) {
    let (notice_id, crashes) = (&notice.id, notice.crashes);
    tracing::error!(code = "notice_given_up", %notice_id, why, crashes, "notice given up");
    telemetry::metrics(&app.platform, &[("notices_given_up", 1)]);
}

/// A notice that was given up: its hint fails until it is among the dead letters.
fn dead(notice_id: &str) -> Problem {
    Problem::try_again(format!("notice {notice_id} was given up"))
}

/// Brings the notice again when it is due.
async fn remind(app: &App, hint: NoticeHint, at: Instant, clock: Ticking) -> Result<()> {
    Ok(notices(app)?.send(&hint, at.since(clock.now())).await?)
}

/// What there is to know before a notice is sent.
struct Seen {
    notice: Notice,
    rows: Rows,
}

impl Seen {
    /// Reads it at once: the notice, the person, the order that is offered, the pace. One request.
    async fn read(table: &Table, id: &str) -> Result<Option<Self>> {
        let (user_id, subject) =
            named(id).ok_or_else(|| Problem::unreadable().because("an id of no notice"))?;
        let mut keys = vec![Notice::key_of(id), user_key(user_id)];
        keys.extend(Pace::keys(user_id));
        if id.starts_with("new_order:") {
            keys.push(order_key(subject));
        }
        let rows = table.batch(&keys).await?;
        let notice = rows.get(&Notice::key_of(id))?;
        Ok(notice.map(|notice| Self { notice, rows }))
    }

    /// What to say; `None` where it is not worth saying any more, or nobody is to be told.
    async fn text(&self, app: &App, now: Instant) -> Result<Option<String>> {
        let user: Option<User> = self.rows.get(&user_key(self.notice.user_id))?;
        let Some(user) = user.filter(|user| !user.bot_blocked) else { return Ok(None) };
        let settings = &app.settings;
        let (orders, beyond) = match &self.notice.message {
            Message::NewOrder { order_id } => {
                let order: Option<Order> = self.rows.get(&order_key(order_id))?;
                let open = order.filter(|order| order.effective(now) == Status::Active);
                (open.into_iter().collect(), 0)
            }
            Message::Digest { orders, beyond } => {
                (open(&app.platform.table, orders, now).await?, *beyond)
            }
            Message::ToParticipant(told) => return Ok(Some(to_participant(told, settings))),
        };
        let orders: Vec<_> = orders.into_iter().filter(|order| wants(&user, order)).collect();
        Ok(to_subscriber(&orders, beyond, settings))
    }
}

/// What a participant is told.
fn to_participant(told: &Told, settings: &Settings) -> String {
    match told {
        Told::OrderTaken { category, k, respond_by } => {
            texts::order_taken(category, *k, settings.max_executors, *respond_by)
        }
        Told::OrderAutoClosed { category } => {
            texts::order_auto_closed(category, settings.no_response_close_minutes)
        }
        Told::OrderResponded { category } => texts::order_responded(category),
        Told::OrderCompleted { category } => texts::order_completed(category),
        Told::OrderClosed { category } => texts::order_closed(category),
        Told::OrderRefunded { category, kopecks } => {
            texts::order_refunded(category, kopecks / RUBLE)
        }
        Told::PaymentLate { kopecks } => texts::payment_late(kopecks / RUBLE),
    }
}

/// What a subscriber is told of these orders and `beyond` more.
fn to_subscriber(orders: &[Order], beyond: usize, settings: &Settings) -> Option<String> {
    let bot = settings.bot_username.as_deref();
    match (orders, beyond) {
        ([], 0) => None,
        ([order], 0) => Some(texts::new_order(&offered(order), bot)),
        (orders, beyond) => {
            let total = orders.len().saturating_add(beyond);
            let orders: Vec<_> = orders.iter().map(offered).collect();
            Some(texts::digest(&orders, total, settings.digest_lines_max, bot))
        }
    }
}

fn offered(order: &Order) -> Offered<'_> {
    Offered { order_id: &order.id, category: &order.category, city: &order.city }
}

/// One try to send.
struct Sending<'a> {
    app: &'a App,
    pace: Pace,
    clock: Ticking,
}

impl Sending<'_> {
    /// Claims the notice, sends it and records how that ended; `None` where it is not ours.
    async fn claimed(&self, notice: Notice, abandoned: bool, text: String) -> Result<Option<Next>> {
        let (table, now) = (&self.app.platform.table, self.clock.now());
        let bot = self.bot()?;
        let (id, chat) = (notice.id.clone(), notice.user_id);
        let Some(claim) = store::claim(table, notice, abandoned, now).await? else {
            return Ok(None);
        };
        let outcome = self.perform(&bot, &id, chat, text).await;
        let next = store::finish(table, &claim, outcome, self.clock.now()).await?;
        if next == Some(Next::Over(State::Dead)) {
            let why = if outcome == Outcome::Unknown { "timeouts" } else { "failures" };
            give_up(self.app, claim.notice(), why);
        }
        Ok(next)
    }

    fn bot(&self) -> Result<BotApi> {
        let platform = &self.app.platform;
        let token = BotToken::parse(platform.secret(TOKEN)?.expose()).map_err(Problem::bug)?;
        let url = &self.app.settings.telegram_api_url;
        let bot = BotApi::new(platform.outbound.clone(), url, token).map_err(Problem::bug)?;
        Ok(bot.with_time_limit(TIME_LIMIT))
    }

    /// Sends a claimed notice. There is no error here: whatever happens is an outcome of it.
    async fn perform(&self, bot: &BotApi, id: &str, chat: i64, text: String) -> Outcome {
        match self.pace.turn(&self.app.platform.table, chat, self.clock).await {
            Ok(Ok(_)) => {}
            Ok(Err(at)) => return Outcome::Wait(at.since(self.clock.now())),
            Err(problem) => {
                tracing::warn!(notice_id = id, error = %chain(&problem), "pace unknown");
                return Outcome::Wait(STORE_PAUSE);
            }
        }
        match bot.send_message(&SendMessage::plain(ChatId(chat), text)).await {
            Ok(_) => Outcome::Sent,
            Err(error) => {
                let outcome = self.judge(&error).await;
                tracing::warn!(notice_id = id, %error, ?outcome, "notice not delivered");
                outcome
            }
        }
    }

    /// What an error of the Bot API makes of a notice.
    async fn judge(&self, error: &SendError) -> Outcome {
        match error {
            SendError::RetryAfter { seconds } => {
                let pause = SignedDuration::from_secs(i64::from(*seconds));
                let until = self.clock.now() + pause;
                if let Err(problem) = self.pace.hold(&self.app.platform.table, until).await {
                    tracing::warn!(error = %chain(&problem), "hold not kept");
                }
                Outcome::Wait(pause)
            }
            SendError::Final { code: 403, .. } => Outcome::Blocked,
            SendError::Final { .. } => Outcome::Refused,
            SendError::Definite(_) => Outcome::Failed,
            SendError::Ambiguous(_) => Outcome::Unknown,
        }
    }
}
