//! The bot's way in: payments in stars, commands, and who has blocked the bot.
//!
//! An update is written down in the transaction of its effect, so that it has it once however
//! often it is delivered.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::routing::post;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, ok};
use shared::problem::{Problem, Result, chain};
use shared::table::Write;
use shared::telegram::members::{ChatMemberUpdated, MemberStatus};
use shared::telegram::updates::{ChatKind, Message, PreCheckoutQuery};
use shared::telegram::webhook::SECRET_HEADER;
use shared::telegram::{Event, SendMessage, TelegramUpdate, Update, taken};

use super::model::PaymentRef;
use super::proof::Proof;
use super::providers;
use super::reversal::reverse;
use super::settlement::settle;
use super::store;
use crate::users::user_key;
use crate::{App, texts, wire};

/// The secret's name.
const SECRET: &str = "TELEGRAM_WEBHOOK_SECRET";
/// Telegram waits 10 s for the last veto: so long the payment may be looked for, and as long again
/// the answer may take.
const VETO_HALF: Duration = Duration::from_secs(4);
/// The longest id of a charge that becomes a part of a key.
const CHARGE_MAX: usize = 512;

/// `POST /api/telegram/webhook`.
#[must_use]
pub fn webhook() -> Function<App> {
    Function::<App>::post("errands-telegram-webhook", "/api/telegram/webhook")
        .summary("Takes the bot's updates")
        .access(Access::Webhook)
        .limited(wire::WEBHOOK)
        .accepts(SECRET)
        .needs("TELEGRAM_BOT_TOKEN")
        .handled_by(post(handle_update))
}

/// The caller holds the webhook's secret.
struct Authentic;

impl FromRequestParts<App> for Authentic {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let guess = parts.headers.get(SECRET_HEADER).map(HeaderValue::as_bytes);
        let secret = app.platform.secret_if_set(SECRET);
        match secret.is_some_and(|secret| secret.matches(guess.unwrap_or_default())) {
            true => Ok(Self),
            false => {
                let status = StatusCode::UNAUTHORIZED;
                Err(Problem::refused(status, "not_authenticated", "Not authenticated"))
            }
        }
    }
}

async fn handle_update(State(app): State<App>, Now(now): Now, _: Authentic, body: Bytes) -> Answer {
    match Update::parse(&body) {
        Ok(update) => take(&app, update, now).await?,
        // Telegram would bring it again for a day and keep the chat's next updates back. Money in
        // it is found by the reconciliation.
        Err(unread) if unread.update_id.is_some() => {
            tracing::error!(update_id = unread.update_id, "an update that cannot be read");
        }
        Err(_) => {
            let text = "Request body is not valid JSON";
            return Err(Problem::refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_json", text));
        }
    }
    ok(&json!({}))
}

async fn take(app: &App, update: Update, now: Instant) -> Result<()> {
    let once = TelegramUpdate { update_id: update.update_id, at: now };
    match update.event {
        Event::PreCheckoutQuery(query) => veto(app, &query, now).await,
        Event::Message(message) => take_message(app, &message, once, now).await,
        Event::MyChatMember(change) => take_membership(app, &change, once).await,
        _ => Ok(()),
    }
}

async fn take_message(
    app: &App,
    message: &Message,
    once: TelegramUpdate,
    now: Instant,
) -> Result<()> {
    if let Some(paid) = &message.successful_payment {
        let (id, payload) = (&paid.telegram_payment_charge_id, &paid.invoice_payload);
        return match charge(id, payload, &paid.currency, paid.total_amount) {
            Some(proof) => Box::pin(settle(app, &proof, Some(once), now)).await.map(|_| ()),
            None => Ok(()),
        };
    }
    if let Some(refunded) = &message.refunded_payment {
        let (id, payload) = (&refunded.telegram_payment_charge_id, &refunded.invoice_payload);
        return match charge(id, payload, &refunded.currency, refunded.total_amount) {
            Some(proof) => Box::pin(reverse(app, &proof, Some(once), now)).await.map(|_| ()),
            None => Ok(()),
        };
    }
    let asked = message.chat.kind == ChatKind::Private && message.author().is_some();
    match message.text.as_deref().filter(|_| asked).and_then(|text| said(app, text)) {
        Some(text) => reply(app, SendMessage::plain(message.chat.id, text), once).await,
        None => Ok(()),
    }
}

/// What a charge proves; `None`, reported, where its id is none that a key can be made of.
fn charge(id: &str, payload: &str, currency: &str, amount: i64) -> Option<Proof> {
    if (1..=CHARGE_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(providers::charge(id, Some(payload.to_owned()), currency, amount));
    }
    tracing::error!(length = id.len(), "a charge with an id that cannot be");
    None
}

/// The answer to a command, if it is one of ours.
fn said(app: &App, text: &str) -> Option<String> {
    let word = text.split_whitespace().next()?;
    match word.split('@').next()? {
        "/start" => Some(texts::START.to_owned()),
        "/paysupport" => Some(texts::pay_support(app.payments.support.as_deref())),
        _ => None,
    }
}

/// Answers a command: once, or twice when the process dies before it can write down that it did.
async fn reply(app: &App, message: SendMessage, once: TelegramUpdate) -> Result<()> {
    let table = &app.platform.table;
    if table.get_item(&TelegramUpdate::key_of(once.update_id)).await?.is_some() {
        return Ok(());
    }
    let bot = providers::bot(app).map_err(Problem::bug)?;
    match bot.send_message(&message).await {
        Ok(_) => {}
        // Telegram brings the update again.
        Err(error) if error.may_repeat() => return Err(Problem::try_again(error)),
        Err(error) => tracing::warn!(%error, "a command is not answered"),
    }
    match table.write(once.once()).await {
        Ok(_) => Ok(()),
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}

/// The last veto: does this payment wait for this payer and this price? In doubt it is refused.
async fn veto(app: &App, query: &PreCheckoutQuery, now: Instant) -> Result<()> {
    let verdict = match tokio::time::timeout(VETO_HALF, admits(app, query, now)).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(texts::STALE_INVOICE),
        Ok(Err(problem)) => {
            tracing::error!(error = %chain(&problem), "a payment is refused for our own failure");
            Err(texts::STALE_INVOICE)
        }
        Err(_elapsed) => {
            tracing::error!("a payment is refused as it was not found in time");
            Err(texts::STALE_INVOICE)
        }
    };
    let bot = providers::bot(app).map_err(Problem::bug)?.with_time_limit(VETO_HALF);
    match bot.answer_pre_checkout_query(&query.id, verdict).await {
        Ok(()) => Ok(()),
        Err(error) if error.may_repeat() => Err(Problem::try_again(error)),
        // Too late, or answered before: the payment ends without money.
        Err(error) => {
            tracing::warn!(%error, "the last veto was not heard");
            Ok(())
        }
    }
}

async fn admits(app: &App, query: &PreCheckoutQuery, now: Instant) -> Result<bool> {
    let Ok(PaymentRef(id)) = query.invoice_payload.parse() else { return Ok(false) };
    let payment = store::find(&app.platform.table, id).await?;
    let payer = query.from.id.get();
    Ok(payment.is_some_and(|p| p.admits(payer, &query.currency, query.total_amount, now)))
}

/// Somebody has blocked the bot, or lets it speak again.
async fn take_membership(
    app: &App,
    change: &ChatMemberUpdated,
    once: TelegramUpdate,
) -> Result<()> {
    let blocked = match change.new_chat_member.status {
        _ if change.chat.kind != ChatKind::Private => return Ok(()),
        MemberStatus::Kicked | MemberStatus::Left => true,
        MemberStatus::Member => false,
        _ => return Ok(()),
    };
    let user = Write::update("user", user_key(change.from.id.get()))
        .set("bot_blocked", blocked)
        .when("attribute_exists(#pk)");
    match app.platform.table.transact(vec![once.once(), user]).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let refusal = error.refusal()?;
            // Either it was taken before, or the person has never opened the app: nobody will be
            // sent anything.
            tracing::debug!(repeated = refusal.has(taken::WRITE), "nothing to block");
            Ok(())
        }
    }
}
