//! The bot's way in.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::routing::post;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::value::RawValue;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Dressed, ok};
use shared::problem::{Problem, Result, chain};
use shared::telegram::updates::PreCheckoutQuery;
use shared::telegram::webhook::SECRET_HEADER;
use shared::telegram::{Event, Update};
use utoipa::ToSchema;

use super::SECRET;
use crate::payments::{self, Checkout, Provider};
use crate::wire::WIRE;
use crate::{App, outbox, texts, wire};

/// The function's name.
pub(super) const NAME: &str = "club-bot-webhook";
/// `POST /api/v1/bot/webhook`.
#[must_use]
pub fn webhook() -> Function<App> {
    Function::<App>::post(NAME, "/api/v1/bot/webhook")
        .summary("Takes the bot's updates")
        .access(Access::Webhook)
        .limited(wire::WEBHOOK)
        .dressed(dress)
        .accepts(SECRET)
        .needs("TELEGRAM_BOT_TOKEN")
        .answers::<Heard>()
        .handled_by(post(handle_update))
}

#[derive(Debug, Serialize, ToSchema)]
struct Heard {
    ok: bool,
}

/// Refusals as callers of this route know them.
fn dress(problem: &Problem, request_id: &str) -> Dressed {
    let mut dressed = (WIRE.dress)(problem, request_id);
    if let Some(body) = dressed.body.as_object_mut() {
        body.insert("ok".to_owned(), false.into());
    }
    dressed
}

/// The caller holds the webhook's secret. Without one here, nobody does.
struct Authentic;

impl FromRequestParts<App> for Authentic {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let Some(secret) = app.platform.secret_if_set(SECRET) else {
            return Err(ours("Server configuration error").because("the webhook has no secret"));
        };
        let guess = parts.headers.get(SECRET_HEADER).map(HeaderValue::as_bytes);
        match secret.matches(guess.unwrap_or_default()) {
            true => Ok(Self),
            false => Err(Problem::unauthorized("unauthorized")),
        }
    }
}

/// A failure of our own: Telegram brings the update again.
fn ours(error: &'static str) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error, texts::INTERNAL)
}

async fn handle_update(State(app): State<App>, Now(now): Now, _: Authentic, body: Bytes) -> Answer {
    match Update::parse(&body) {
        Ok(Update { event: Event::PreCheckoutQuery(query), .. }) => veto(&app, &query, now).await?,
        Ok(_) => pass_on(&app, &body).await?,
        // Whoever takes it from the queue cannot read it either, and says so where it is seen.
        Err(unread) if unread.update_id.is_some() => pass_on(&app, &body).await?,
        Err(_) => return Err(Problem::unreadable()),
    }
    ok(&Heard { ok: true })
}

/// Has the queue keep an update. One message.
async fn pass_on(app: &App, body: &[u8]) -> Result<()> {
    let queue = app.telegram_updates.as_ref();
    let queue = queue.ok_or_else(|| Problem::bug("TELEGRAM_UPDATES_QUEUE_URL is not set"))?;
    let text = std::str::from_utf8(body).map_err(|error| Problem::unreadable().because(error))?;
    // SQS refuses messages with these two, which people can write.
    let text = text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
    let update = RawValue::from_string(text).map_err(Problem::bug)?;
    let sent = queue.send(&update, SignedDuration::ZERO).await;
    sent.map_err(|error| ours("Internal Server Error").because(error))
}

/// The last veto: does this attempt wait for this payer and this price? In doubt it is refused.
async fn veto(app: &App, query: &PreCheckoutQuery, now: Instant) -> Result<()> {
    let checkout = Checkout {
        provider: Provider::Stars,
        attempt_id: query.invoice_payload.clone(),
        payer: query.from.id.get(),
        said: payments::stars_said(query.total_amount, &query.currency),
    };
    // Neither a slow store nor a slow Telegram uses up what the other is given.
    let half = app.bot.checkout_budget / 2;
    let verdict = in_time(half, payments::admits(app, &checkout, now)).await;
    let bot = outbox::bot(app)?.with_time_limit(half);
    match bot.answer_pre_checkout_query(&query.id, verdict).await {
        Ok(()) => Ok(()),
        Err(error) if error.may_repeat() => Err(ours("Internal Server Error").because(error)),
        // Too late, or answered before: the payment ends without money.
        Err(error) => {
            tracing::warn!(%error, "the last veto was not heard");
            Ok(())
        }
    }
}

/// What Telegram is told of a payment, known or not at the end of this time.
async fn in_time(
    limit: Duration,
    admits: impl Future<Output = Result<bool>>,
) -> Result<(), &'static str> {
    match tokio::time::timeout(limit, admits).await {
        Ok(Ok(true)) => Ok(()),
        Ok(Ok(false)) => Err(texts::CHECKOUT_REFUSED),
        Ok(Err(problem)) => {
            tracing::error!(error = %chain(&problem), "a payment is refused for our own failure");
            Err(texts::CHECKOUT_LATER)
        }
        Err(_elapsed) => {
            tracing::error!("a payment is refused as its attempt was not found in time");
            Err(texts::CHECKOUT_LATER)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_never_answers_is_a_refusal_in_time() {
        let never = std::future::pending::<Result<bool>>();
        let verdict = in_time(Duration::from_millis(1), never).await;
        assert_eq!(verdict, Err(texts::CHECKOUT_LATER));
        let limit = Duration::from_secs(60);
        assert_eq!(in_time(limit, async { Ok(true) }).await, Ok(()));
        assert_eq!(in_time(limit, async { Ok(false) }).await, Err(texts::CHECKOUT_REFUSED));
    }
}
