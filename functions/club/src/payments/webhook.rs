//! The sandbox provider's way in, and the way to change what it will say.

use axum::extract::{FromRequestParts, State};
use axum::routing::post;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params};
use shared::outbound::OutboundError;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use utoipa::ToSchema;

use super::model::{Attempt, Event, Said, Success};
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

/// What happened to an attempt, as its provider says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Happened {
    Success,
    Fail,
    Refund,
}

#[derive(Debug, Deserialize, ToSchema)]
struct Delivery {
    /// 1 to 64 characters.
    attempt_id: String,
    /// The provider's id of the payment, 1 to 128 of `[A-Za-z0-9_.-]`; `sbx_<attempt_id>` unless given.
    external_id: Option<String>,
    event: Happened,
    /// Tells apart several refunds of one payment, 1 to 128 of `[A-Za-z0-9_.-]`; the payment's id
    /// unless given.
    refund_id: Option<String>,
    /// A decimal string; what was agreed unless given.
    #[schema(value_type = Option<String>)]
    amount: Option<Value>,
    /// The attempt's unless given.
    currency: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Done {}

const PROVIDER_ID: &str = "1 to 128 letters, digits, _, . and -";

/// Can this be a provider's id? Ids are joined with `:` and `#` into keys, which must not be
/// ambiguous.
fn is_provider_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

impl Delivery {
    fn check(&self) -> Result<()> {
        let length = |text: &str, most| (1..=most).contains(&text.chars().count());
        if !length(&self.attempt_id, 64) {
            return Err(Problem::invalid("attempt_id", "1 to 64 characters"));
        }
        for (field, id) in [("external_id", &self.external_id), ("refund_id", &self.refund_id)] {
            if id.as_deref().is_some_and(|id| !is_provider_id(id)) {
                return Err(Problem::invalid(field, PROVIDER_ID));
            }
        }
        // It becomes a part of the payment's id.
        if !is_provider_id(&self.external_id()) {
            return Err(Problem::invalid("attempt_id", "letters, digits, _, . and -"));
        }
        if self.currency.as_deref().is_some_and(|code| !length(code, 16)) {
            return Err(Problem::invalid("currency", "1 to 16 characters"));
        }
        if self.amount.as_ref().is_some_and(|amount| amount.to_string().len() > 64) {
            return Err(Problem::invalid("amount", "a decimal string"));
        }
        Ok(())
    }

    fn external_id(&self) -> String {
        let given = self.external_id.clone();
        given.unwrap_or_else(|| providers::sandbox_external_id(&self.attempt_id))
    }

    fn said(&self) -> Said {
        let amount = self.amount.as_ref().filter(|amount| !amount.is_null());
        Said {
            amount: amount.map(|amount| match amount {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }),
            currency: self.currency.clone(),
        }
    }
}

async fn handle_delivery(
    State(app): State<App>,
    Now(now): Now,
    _: Authentic,
    Json(delivery): Json<Delivery>,
) -> Answer {
    delivery.check()?;
    match delivery.event {
        Happened::Success => {
            let word = Success {
                provider: Provider::Sandbox,
                external_id: delivery.external_id(),
                said: delivery.said(),
                attempt_id: delivery.attempt_id,
            };
            settlement::settle(&app, &word, None, now).await?;
        }
        Happened::Fail => fail(&app, &delivery.attempt_id, now).await?,
        Happened::Refund => {
            let word = refunds::Word {
                provider: Provider::Sandbox,
                external_id: delivery.external_id(),
                refund_id: delivery.refund_id.clone().unwrap_or_else(|| delivery.external_id()),
                said: delivery.said(),
                attempt_id: delivery.attempt_id,
            };
            Box::pin(refunds::refund(&app, &word, now)).await?;
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
