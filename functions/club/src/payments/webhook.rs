//! The sandbox provider's way in, and the way to change what it will say.

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::routing::post;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params};
use shared::outbound::OutboundError;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use utoipa::ToSchema;

use super::delivery::{Delivery, Happened, PROVIDER_ID, is_provider_id};
use super::model::{Attempt, Event, Success};
use super::providers::{self, Provider, ProviderError, SandboxState};
use super::{refunds, settlement, store};
use crate::wire::{self, success};
use crate::{App, texts};

/// `POST /api/webhooks/sandbox/payment`.
#[must_use]
pub fn sandbox_webhook() -> Function<App> {
    Function::<App>::post("club-payments-sandbox-webhook", "/api/webhooks/sandbox/payment")
        .summary("Takes the sandbox provider's word that money came, failed to come or went back")
        .access(Access::Webhook)
        .needs("SANDBOX_SECRET")
        .limited(wire::WEBHOOK)
        .sandbox()
        .takes::<Delivery>()
        .answers::<Done>()
        .handled_by(post(handle_delivery))
}

/// `POST /api/payments/sandbox/{attempt_id}/state`.
#[must_use]
pub fn sandbox_state() -> Function<App> {
    let path = "/api/payments/sandbox/{attempt_id}/state";
    Function::<App>::post("club-payments-sandbox-state", path)
        .summary("Sets what the sandbox provider tells a check, without a webhook")
        .access(Access::Webhook)
        .needs("SANDBOX_SECRET")
        .limited(wire::WEBHOOK)
        .sandbox()
        .takes::<StateChange>()
        .answers::<Done>()
        .handled_by(post(handle_state))
}

/// The caller holds the sandbox's secret.
struct Authentic;

impl FromRequestParts<App> for Authentic {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let guess = parts.headers.get("x-sandbox-secret").map(HeaderValue::as_bytes);
        match app.platform.secret("SANDBOX_SECRET")?.matches(guess.unwrap_or_default()) {
            true => Ok(Self),
            false => Err(Problem::unauthorized("unauthorized")),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Done {}

async fn handle_delivery(
    State(app): State<App>,
    Now(now): Now,
    _: Authentic,
    body: Bytes,
) -> Answer {
    let delivery = Delivery::read(&body)?;
    match delivery.event {
        Happened::Success => {
            let word = Success {
                provider: Provider::Sandbox,
                external_id: delivery.external_id(),
                said: delivery.said(),
                attempt_id: delivery.attempt_id,
                payer: None,
                recurs: false,
                contract_id: None,
            };
            settlement::settle(&app, &word, None, now).await?;
        }
        Happened::Fail => fail(&app, &delivery.attempt_id, now).await?,
        Happened::Refund => {
            let word = refunds::Word {
                provider: Provider::Sandbox,
                external_id: delivery.external_id(),
                refund_id: delivery.refund_id(),
                said: delivery.said(),
                attempt_id: delivery.attempt_id,
            };
            Box::pin(refunds::refund(&app, &word, None, now)).await?;
        }
    }
    success(Done {})
}

/// Takes a final failure: a pending attempt fails, anything else stays as it is.
async fn fail(app: &App, attempt_id: &str, now: Instant) -> Result<()> {
    let table = &app.platform.table;
    optimistic(|| async {
        let Some(attempt) = store::find(table, attempt_id).await? else {
            return Ok(Round::Done(()));
        };
        if attempt.status.after(Event::Refused).is_none() {
            return Ok(Round::Done(()));
        }
        let ended = store::end(table, &attempt, Event::Refused, "declined", None, now).await?;
        Ok(if ended { Round::Done(()) } else { Round::Stale })
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
struct StateChange {
    /// What a check will be told.
    state: SandboxState,
    /// The provider's id of the payment, 1 to 128 of `[A-Za-z0-9_.-]`.
    external_id: Option<String>,
}

async fn handle_state(
    State(app): State<App>,
    _: Authentic,
    Params(attempt_id): Params<String>,
    Json(change): Json<StateChange>,
) -> Answer {
    let unknown = || {
        let status = StatusCode::NOT_FOUND;
        Problem::new(status, "not_found", "Not Found", texts::ATTEMPT_NOT_FOUND)
    };
    if !Attempt::is_id(&attempt_id) {
        return Err(unknown());
    }
    let external_id = change.external_id.as_deref();
    if external_id.is_some_and(|id| !is_provider_id(id)) {
        return Err(Problem::invalid("external_id", PROVIDER_ID));
    }
    match providers::set_state(&app, &attempt_id, change.state, external_id).await {
        Ok(()) => success(Done {}),
        Err(ProviderError::Call(OutboundError::Status(404))) => Err(unknown()),
        Err(error) => {
            let status = StatusCode::BAD_GATEWAY;
            let text = texts::PROVIDER_SILENT;
            Err(Problem::new(status, "provider_error", "Bad Gateway", text).because(error))
        }
    }
}
