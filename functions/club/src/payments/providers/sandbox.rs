//! The sandbox provider: a server that pretends to take money, as the local stack runs it.
//!
//! It knows an invoice by the attempt's id, so that asking twice for one makes no second.

use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use shared::money::{Currency, Money};
use shared::outbound::Call;
use utoipa::ToSchema;

use super::{Came, GaveBack, Invoice, ProviderError, Told};
use crate::App;
use crate::payments::model::{Attempt, Payment, Said};

/// What an invoice's state can be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SandboxState {
    /// No money came.
    Unpaid,
    /// Money came.
    Paid,
    /// No money will come.
    Failed,
    /// Money came and was given back.
    Refunded,
}

#[derive(Serialize)]
struct Wanted<'a> {
    attempt_id: &'a str,
    amount_minor: u64,
    currency: Currency,
    description: &'a str,
}

#[derive(Deserialize)]
struct Made {
    invoice_id: String,
    url: String,
}

#[derive(Deserialize)]
struct Shown {
    state: SandboxState,
    external_id: Option<String>,
    amount_minor: u64,
    currency: String,
}

#[derive(Serialize)]
struct Change<'a> {
    state: SandboxState,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
}

/// The external id of a payment whose event names none.
#[must_use]
pub fn external_id(attempt_id: &str) -> String {
    format!("sbx_{attempt_id}")
}

pub(super) async fn invoice(
    app: &App,
    attempt: &Attempt,
    limit: Duration,
) -> Result<Invoice, ProviderError> {
    let wanted = Wanted {
        attempt_id: &attempt.id,
        amount_minor: attempt.price.minor,
        currency: attempt.price.currency,
        description: &attempt.offer,
    };
    let answer = call(app, Method::POST, "")?.json(&wanted).time_limit(limit).send().await?;
    let made: Made = answer.success()?.json()?;
    Ok(Invoice { id: made.invoice_id, url: made.url })
}

pub(super) async fn ask(
    app: &App,
    attempt_id: &str,
    limit: Duration,
) -> Result<Told, ProviderError> {
    let path = format!("/{attempt_id}");
    let answer = call(app, Method::GET, &path)?.time_limit(limit).send().await?;
    if answer.status == 404 {
        return Ok(Told::Unpaid);
    }
    let shown: Shown = answer.success()?.json()?;
    Ok(match shown.state {
        SandboxState::Unpaid => Told::Unpaid,
        SandboxState::Failed => Told::Failed,
        // Money that came and went is no reason to give anything.
        SandboxState::Refunded => Told::Unpaid,
        SandboxState::Paid => Told::Paid(Came {
            external_id: shown.external_id.unwrap_or_else(|| external_id(attempt_id)),
            said: match shown.currency.parse() {
                Ok(currency) => Said::sum(Money::new(shown.amount_minor, currency)),
                Err(_) => Said { amount: None, currency: Some(shown.currency) },
            },
            payer: None,
            recurs: false,
            contract_id: None,
        }),
    })
}

/// Tells the sandbox what to say of an attempt from now on.
///
/// # Errors
/// [`ProviderError`]; status 404 when it knows no such attempt.
pub async fn set_state(
    app: &App,
    attempt_id: &str,
    state: SandboxState,
    external_id: Option<&str>,
) -> Result<(), ProviderError> {
    let change = Change { state, external_id };
    let path = format!("/{attempt_id}/state");
    let call = call(app, Method::PUT, &path)?.time_limit(app.payments.provider_timeout);
    call.json(&change).send().await?.success()?;
    Ok(())
}

/// A refund as the sandbox knows it.
#[derive(Serialize, Deserialize)]
struct Refunded {
    refund_id: String,
    amount_minor: u64,
}

#[derive(Deserialize)]
struct AllRefunded {
    refunds: Vec<Refunded>,
}

impl From<Refunded> for GaveBack {
    fn from(refunded: Refunded) -> Self {
        Self { refund_id: refunded.refund_id, minor: refunded.amount_minor }
    }
}

/// Gives money back, once for each `refund_key`.
pub(super) async fn refund(
    app: &App,
    payment: &Payment,
    minor: u64,
    refund_key: &str,
    limit: Duration,
) -> Result<GaveBack, ProviderError> {
    let wanted = Refunded { refund_id: refund_key.to_owned(), amount_minor: minor };
    let call = reach(app, Method::POST, &refunds_of(payment))?.json(&wanted);
    let made: Refunded = call.time_limit(limit).send().await?.success()?.json()?;
    Ok(made.into())
}

/// What it gave back of a payment.
pub(super) async fn given_back(
    app: &App,
    payment: &Payment,
    limit: Duration,
) -> Result<Vec<GaveBack>, ProviderError> {
    let call = reach(app, Method::GET, &refunds_of(payment))?.time_limit(limit);
    let all: AllRefunded = call.send().await?.success()?.json()?;
    Ok(all.refunds.into_iter().map(GaveBack::from).collect())
}

fn refunds_of(payment: &Payment) -> String {
    format!("/payments/{}/refunds", payment.external_id)
}

fn call(app: &App, method: Method, path: &str) -> Result<Call, ProviderError> {
    reach(app, method, &format!("/invoices{path}"))
}

fn reach(app: &App, method: Method, path: &str) -> Result<Call, ProviderError> {
    let base = app.payments.sandbox_url.as_deref().ok_or(ProviderError::Disabled)?;
    let secret = app.platform.secret("SANDBOX_SECRET").map_err(ProviderError::Setup)?;
    let url = format!("{}{path}", base.trim_end_matches('/'));
    Ok(app.platform.outbound.call(method, &url).bearer(secret.expose()))
}
