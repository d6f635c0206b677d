//! A member ends the standing subscription that renews their own.

use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Subject};
use shared::outbound::OutboundError;
use shared::problem::{Problem, Result};
use shared::telegram::SendError;
use utoipa::ToSchema;

use super::contracts::{self, ContractHandle, EndError, RecurringContract};
use super::model::{moscow_date, read_id};
use super::providers::{Provider, ProviderError, asking};
use crate::auth::{self, Member};
use crate::wire::{self, success};
use crate::{App, outbox, texts};

/// `POST /api/v1/users/cancel-subscription`.
#[must_use]
pub fn users_cancel() -> Function<App> {
    let function = Function::<App>::post(
        "club-users-cancel-subscription",
        "/api/v1/users/cancel-subscription",
    )
    .summary("Ends the subscription that renews the caller's; what is paid stays")
    .limited(wire::PAYMENT)
    .takes::<Wish>()
    .answers::<Cancelled>()
    .handled_by(post(handle));
    asking(function)
}

/// `POST /api/payments/cancel-subscription`: the same for the payment forms.
#[must_use]
pub fn payments_cancel() -> Function<App> {
    let function = Function::<App>::post(
        "club-payments-cancel-subscription",
        "/api/payments/cancel-subscription",
    )
    .summary("Ends the subscription that renews the caller's, for the payment forms")
    .limited(wire::PAYMENT)
    .dressed(wire::in_russian)
    .takes::<Wish>()
    .answers::<Cancelled>()
    .handled_by(post(handle));
    asking(function)
}

#[derive(Debug, Deserialize, ToSchema)]
struct Wish {
    /// The caller's own Telegram id, as a number or a string.
    #[schema(value_type = Option<String>)]
    telegram_id: Option<Value>,
}

/// What is left of a subscription that renews itself no more.
#[derive(Debug, Serialize, ToSchema)]
struct Cancelled {
    /// Who took the money.
    provider: Provider,
    /// What the app shows.
    message: String,
    /// The last paid day, as `31.01.2026`.
    expires_at: Option<String>,
}

async fn handle(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(wish): Json<Wish>,
) -> Answer {
    if let Some(id) = wish.telegram_id.filter(|id| !id.is_null() && *id != "") {
        let bad = || refused("bad_telegram_id", texts::BAD_TELEGRAM_ID);
        subject.must_be(Some(read_id(&id).ok_or_else(bad)?))?;
    }
    // Boxed: it asks whichever provider it is.
    let (provider, until) = Box::pin(cancel(&app, subject.telegram_id, now)).await?;
    let expires_at = until.map(moscow_date);
    let message = texts::subscription_cancelled(expires_at.as_deref());
    success(Cancelled { provider, message, expires_at })
}

/// Ends the standing subscription of a member at its provider and then here. Answers whose it was
/// and until when is paid. Two reads, one write, one question, and then two reads and one
/// transaction; of one that is over, two reads.
///
/// Before the provider is asked, nothing of the member's is touched, so that a refusal leaves
/// everything as it was. But the wish is kept: where this call dies between the provider's answer and
/// our own write, or the answer is lost, the outbox ends the subscription in its place; to end one
/// twice is harmless. A provider that refuses has the wish taken back.
///
/// # Errors
/// 400 `no_active_subscription`, `email_missing`; 502 `provider_error`; 503 when the end is not
/// kept.
async fn cancel(app: &App, tg_id: i64, now: Instant) -> Result<(Provider, Option<Instant>)> {
    let member = auth::find(&app.platform.table, tg_id).await?;
    let found = member.and_then(|member| member.contract.clone().map(|handle| (member, handle)));
    let (member, handle) = found.ok_or_else(nothing)?;
    let answer = (handle.provider, member.subscription_expires);
    let contract = contracts::find(&app.platform.table, &handle).await?;
    // One that renews nothing may still take money, until it is over at its provider as well.
    if !member.auto_renewal && contract.as_ref().is_none_or(|contract| !contract.live) {
        return if member.is_paid(now) { Ok(answer) } else { Err(nothing()) };
    }
    let contract = named(contract.ok_or_else(nothing)?, &member)?;
    let is_new = keep_wish(app, &contract, now).await?;
    match contracts::end_of(app, &contract, app.payments.provider_timeout, now).await {
        Ok(_) => Ok(answer),
        Err(EndError::Store(problem)) => Err(problem),
        Err(error) => {
            // An earlier call's wish may be of an end whose answer was lost.
            if is_new && !is_lost(&error) {
                drop_wish(app, &contract).await;
            }
            let ContractHandle { provider, contract_id } = &handle;
            tracing::warn!(%error, provider = provider.name(), contract_id, "not ended");
            let status = StatusCode::BAD_GATEWAY;
            let text = texts::CANCEL_FAILED;
            Err(Problem::new(status, "provider_error", "Bad Gateway", text).because(error))
        }
    }
}

/// When the outbox does what this call has not done: long after the call is over.
const WISH_DELAY: SignedDuration = SignedDuration::from_mins(2);

/// Under which the wish to end a contract goes. One that is paid once more may be ended once more.
fn wish(contract: &RecurringContract) -> String {
    format!("cancel:{}", contract.newest)
}

/// Has the outbox end the contract a little later, unless it is over by then. Was that not wished
/// before? One write.
async fn keep_wish(app: &App, contract: &RecurringContract, now: Instant) -> Result<bool> {
    let (handle, at) = (contract.handle(), now + WISH_DELAY);
    let write = outbox::end_later(contract.payer, &handle, &wish(contract), at, now)?;
    match app.platform.table.write(write).await {
        Ok(_) => Ok(true),
        // An earlier call has left it.
        Err(error) => error.refusal().map(|_| false).map_err(Problem::from),
    }
}

/// Takes the wish back. One write.
async fn drop_wish(app: &App, contract: &RecurringContract) {
    let write = outbox::end_no_more(&contract.handle(), &wish(contract));
    if let Err(error) = app.platform.table.write(write).await {
        tracing::warn!(%error, "the outbox ends a subscription that its provider has not");
    }
}

/// Does nobody know whether the provider has ended it? A server that fails may have.
fn is_lost(error: &EndError) -> bool {
    use ProviderError::{Call, Slow, Telegram};
    let EndError::Provider(error) = error else { return false };
    match error {
        Slow | Telegram(SendError::Ambiguous(_)) => true,
        Call(OutboundError::Status(status)) => *status >= 500,
        Call(error) => !error.is_definite(),
        _ => false,
    }
}

/// The contract with what its provider knows it by besides its id: LavaTop, the payer's e-mail.
fn named(contract: RecurringContract, member: &Member) -> Result<RecurringContract> {
    let email = contract.email.clone().or_else(|| member.email.clone());
    if contract.live && contract.provider == Provider::Lavatop && email.is_none() {
        return Err(refused("email_missing", texts::EMAIL_MISSING));
    }
    Ok(RecurringContract { email, ..contract })
}

fn nothing() -> Problem {
    refused("no_active_subscription", texts::NO_ACTIVE_SUBSCRIPTION)
}

fn refused(code: &'static str, text: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, text, text)
}
