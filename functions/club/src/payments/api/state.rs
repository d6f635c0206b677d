//! What the payer is told of subscription and attempts.

use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject, ok};
use shared::money::Currency;
use shared::problem::Problem;
use utoipa::ToSchema;

use crate::auth::{Member, member_key};
use crate::payments::link::served_by_hand;
use crate::payments::model::{self, Attempt, Status};
use crate::payments::offers::Purpose;
use crate::payments::providers::Provider;
use crate::payments::{settlement, store};
use crate::wire::{self, success};
use crate::{App, texts};

/// `GET /api/payments/status`.
#[must_use]
pub fn status() -> Function<App> {
    Function::<App>::get("club-payments-status", "/api/payments/status")
        .summary("The caller's subscription")
        .limited(wire::API)
        .dressed(wire::in_russian)
        .answers::<StatusAnswer>()
        .handled_by(get(handle_status))
}

/// `GET /api/payments/detect-provider`.
#[must_use]
pub fn detect_provider() -> Function<App> {
    let path = "/api/payments/detect-provider";
    Function::<App>::get("club-payments-detect-provider", path)
        .summary("By whom the support form should have the caller pay")
        .limited(wire::PAYMENT)
        .dressed(wire::in_russian)
        .reads(&[("telegram_id", "The caller's own Telegram id")])
        .answers::<Detected>()
        .handled_by(get(handle_detect))
}

/// `GET /api/payments/attempts/{id}`.
#[must_use]
pub fn attempt() -> Function<App> {
    Function::<App>::get("club-payments-attempt", "/api/payments/attempts/{id}")
        .summary("Where one of the caller's attempts stands")
        .limited(wire::API)
        .dressed(wire::in_russian)
        .answers::<AttemptAnswer>()
        .handled_by(get(handle_attempt))
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusAnswer {
    #[serde(rename = "isPro")]
    is_pro: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Instant>,
    /// The same as `expires_at`.
    #[schema(value_type = Option<String>, format = "date-time")]
    subscription_expires: Option<Instant>,
    /// The same as `isPro`.
    active_subscription: bool,
    auto_renewal: bool,
    /// Who took the last payment.
    provider: Option<String>,
    /// May no subscription be bought now?
    blocked: bool,
    /// From when on one may, as `31.01.2026`.
    unlock_date: Option<String>,
}

async fn handle_status(State(app): State<App>, Now(now): Now, subject: Subject) -> Answer {
    let item = app.platform.table.get_item(&member_key(subject.telegram_id)).await?;
    let member = item.as_ref().map(|item| item.read::<Member>()).transpose()?;
    let provider = item.as_ref().and_then(|item| item.text(settlement::LAST_PROVIDER));
    let expires = member.as_ref().and_then(|member| member.subscription_expires);
    let paid = member.as_ref().is_some_and(|member| member.is_paid(now));
    let unlock = app.payments.cooldown.unlocks(expires, now);
    success(StatusAnswer {
        is_pro: paid,
        expires_at: expires,
        subscription_expires: expires,
        active_subscription: paid,
        auto_renewal: member.is_some_and(|member| member.auto_renewal),
        provider: provider.map(str::to_owned),
        blocked: unlock.is_some(),
        unlock_date: unlock.map(model::moscow_date),
    })
}

#[derive(Debug, Deserialize)]
struct Detect {
    /// The caller's own Telegram id.
    telegram_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Detected {
    /// Did the Telegram id read?
    success: bool,
    /// `lavatop`, `manual` or `cloudpayments`.
    provider: String,
}

impl Detected {
    fn or_cloudpayments(success: bool, last: Option<&str>) -> Self {
        let last = last.filter(|last| served_by_hand(Some(last)));
        let provider = last.unwrap_or(Provider::Cloudpayments.name()).to_owned();
        Self { success, provider }
    }
}

async fn handle_detect(
    State(app): State<App>,
    subject: Subject,
    Search(query): Search<Detect>,
) -> Answer {
    let id = query.telegram_id.as_deref().and_then(|text| model::telegram_id(text.trim()));
    let Some(id) = id else { return ok(&Detected::or_cloudpayments(false, None)) };
    subject.must_be(Some(id))?;
    let item = app.platform.table.get_item(&member_key(id)).await?;
    let last = item.as_ref().and_then(|item| item.text(settlement::LAST_PROVIDER));
    ok(&Detected::or_cloudpayments(true, last))
}

#[derive(Debug, Serialize, ToSchema)]
struct AttemptAnswer {
    attempt: AttemptView,
}

#[derive(Debug, Serialize, ToSchema)]
struct AttemptView {
    id: String,
    status: Status,
    purpose: Purpose,
    offer_key: String,
    /// A decimal string.
    amount: String,
    currency: Currency,
    provider: Provider,
    #[serde(rename = "checksDone")]
    checks_done: u32,
    #[serde(rename = "createdAt")]
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

async fn handle_attempt(
    State(app): State<App>,
    subject: Subject,
    Params(id): Params<String>,
) -> Answer {
    let unknown = || {
        let status = StatusCode::NOT_FOUND;
        Problem::new(status, "not_found", "Not Found", texts::ATTEMPT_NOT_FOUND)
    };
    if !Attempt::is_id(&id) {
        return Err(unknown());
    }
    let found = store::find(&app.platform.table, &id).await?;
    let attempt = found.filter(|attempt| attempt.payer == subject.telegram_id);
    let attempt = attempt.ok_or_else(unknown)?;
    success(AttemptAnswer {
        attempt: AttemptView {
            id: attempt.id,
            status: attempt.status,
            purpose: attempt.purpose,
            offer_key: attempt.offer,
            amount: attempt.price.to_string(),
            currency: attempt.price.currency,
            provider: attempt.provider,
            checks_done: attempt.checks_done,
            created_at: attempt.created_at,
        },
    })
}
