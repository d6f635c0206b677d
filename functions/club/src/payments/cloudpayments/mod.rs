//! The ways in of CloudPayments: one notification each, all six signed.
//!
//! CloudPayments takes `{"code":0}` with status 200 for done, and repeats anything else a hundred
//! times; of `check`, which it sends before it takes money, every other code is a refusal. What it
//! sends comes as a form or as JSON, by the settings of the site there. A notification that is its
//! own but cannot be what it is called is told to those who run the club, once.

mod happened;
mod money;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::routing::{MethodRouter, post};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::json;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Dressed, ok};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::checkout::{self, Checkout, Obstacle};
use super::contracts::{self, ContractHandle};
use super::model::Status;
use super::providers::Provider;
use super::providers::cloudpayments::fields::{Attempts, Fields, Moves};
use super::providers::cloudpayments::signature;
use super::providers::cloudpayments::{API_SECRET, PUBLIC_ID};
use super::store;
use crate::App;
use crate::wire::{self, WIRE};

/// Every notification.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![check(), pay(), fail(), refund(), cancel(), recurrent()]
}

/// `POST /api/webhooks/cloudpayments/check`.
#[must_use]
pub fn check() -> Function<App> {
    let does = "Tells CloudPayments whether it may take this money";
    let path = "/api/webhooks/cloudpayments/check";
    notification("club-cloudpayments-check", path, does, post(handle_check))
}

/// `POST /api/webhooks/cloudpayments/pay`.
#[must_use]
pub fn pay() -> Function<App> {
    let does = "Takes CloudPayments' word that money came";
    let path = "/api/webhooks/cloudpayments/pay";
    notification("club-cloudpayments-pay", path, does, post(money::handle_pay))
}

/// `POST /api/webhooks/cloudpayments/fail`.
#[must_use]
pub fn fail() -> Function<App> {
    let does = "Takes CloudPayments' word that money did not come, and why";
    let path = "/api/webhooks/cloudpayments/fail";
    notification("club-cloudpayments-fail", path, does, post(happened::handle_fail))
}

/// `POST /api/webhooks/cloudpayments/refund`.
#[must_use]
pub fn refund() -> Function<App> {
    let does = "Takes CloudPayments' word that money went back";
    let path = "/api/webhooks/cloudpayments/refund";
    notification("club-cloudpayments-refund", path, does, post(money::handle_refund))
}

/// `POST /api/webhooks/cloudpayments/cancel`.
#[must_use]
pub fn cancel() -> Function<App> {
    let does = "Takes CloudPayments' word that a payment was cancelled before it was money";
    let path = "/api/webhooks/cloudpayments/cancel";
    notification("club-cloudpayments-cancel", path, does, post(happened::handle_cancel))
}

/// `POST /api/webhooks/cloudpayments/recurrent`.
#[must_use]
pub fn recurrent() -> Function<App> {
    let does = "Takes CloudPayments' word of where a standing subscription stands";
    let path = "/api/webhooks/cloudpayments/recurrent";
    notification("club-cloudpayments-recurrent", path, does, post(happened::handle_recurrent))
}

fn notification(
    name: &'static str,
    path: &'static str,
    does: &'static str,
    handler: MethodRouter<App>,
) -> Function<App> {
    Function::<App>::post(name, path)
        .summary(does)
        .access(Access::Webhook)
        .limited(wire::WEBHOOK)
        .dressed(dress)
        .given_with(PUBLIC_ID, API_SECRET)
        .answers::<Coded>()
        .handled_by(handler)
}

/// What CloudPayments is answered.
#[derive(Debug, Serialize, ToSchema)]
struct Coded {
    /// 0: taken. Of `check`: 10 unknown attempt, 11 another payer, 12 another sum, 13 not payable,
    /// 20 too late. Of all: 13 for a wrong signature.
    code: u8,
}

/// Not what we will do, or not signed as CloudPayments does.
const NOT_TAKEN: u8 = 13;

/// Done, or seen before.
fn taken() -> Answer {
    ok(&Coded { code: 0 })
}

/// A notification that is not genuine is answered in the provider's own terms.
fn dress(problem: &Problem, request_id: &str) -> Dressed {
    if problem.status() != StatusCode::UNAUTHORIZED {
        return (WIRE.dress)(problem, request_id);
    }
    let json = HeaderValue::from_static("application/json");
    Dressed::new(StatusCode::OK, json!({ "code": NOT_TAKEN }))
        .with_header(header::CONTENT_TYPE, json)
}

/// What a notification says that shows that it is CloudPayments' own. Where CloudPayments is not
/// set up, none is.
struct Genuine(Fields);

impl FromRequest<App> for Genuine {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self> {
        let headers = request.headers().clone();
        let body = Bytes::from_request(request, app).await;
        let body = body.map_err(|error| Problem::unreadable().because(error))?;
        let secret = app.platform.secret_if_set(API_SECRET);
        if !signature::is_genuine(secret, &headers, &body) {
            return Err(Problem::unauthorized("unauthorized"));
        }
        Fields::of_body(&body).map(Self).ok_or_else(Problem::unreadable)
    }
}

async fn handle_check(State(app): State<App>, Now(now): Now, Genuine(notice): Genuine) -> Answer {
    let code = match judge(&app, &notice, now).await? {
        None => 0,
        Some(Obstacle::Unknown) => 10,
        Some(Obstacle::Payer) => 11,
        Some(Obstacle::Sum) => 12,
        Some(Obstacle::State) => NOT_TAKEN,
        Some(Obstacle::Expired) => 20,
    };
    if code != 0 {
        tracing::info!(code, "CloudPayments is told not to take the money");
    }
    ok(&Coded { code })
}

/// What keeps a payment from being made. One read, two for one of a standing subscription.
async fn judge(app: &App, notice: &Fields, now: Instant) -> Result<Option<Obstacle>> {
    match notice.moves() {
        Moves::Payment => {}
        // Money that goes back is not ours to stop.
        Moves::Refund => return Ok(None),
        Moves::Other => return Ok(Some(Obstacle::State)),
    }
    let attempt = match notice.attempts() {
        Attempts::One(id) => Some(id),
        Attempts::Two => return Ok(Some(Obstacle::Unknown)),
        Attempts::None => None,
    };
    if let Some(handle) = contract_of(notice)
        && let Some(contract) = contracts::find(&app.platform.table, &handle).await?
    {
        let own = attempt.is_none_or(|id| id == contract.attempt_id);
        return Ok(if !own {
            Some(Obstacle::Unknown)
        } else if contract.payer != notice.payer() {
            Some(Obstacle::Payer)
        } else if !notice.said().agrees(contract.price) {
            Some(Obstacle::Sum)
        } else {
            (!contract.live).then_some(Obstacle::State)
        });
    }
    let Some(attempt_id) = attempt else { return Ok(Some(Obstacle::Unknown)) };
    if notice.subscription().is_some() && may_begin(app, &attempt_id, notice).await? {
        return Ok(None);
    }
    let checkout = Checkout {
        provider: Provider::Cloudpayments,
        attempt_id,
        payer: notice.payer(),
        said: notice.said(),
    };
    checkout::obstacle(app, &checkout, now).await
}

/// May this payment begin the subscription of an attempt whose first payment named none? One read.
async fn may_begin(app: &App, attempt_id: &str, notice: &Fields) -> Result<bool> {
    let attempt = store::find(&app.platform.table, attempt_id).await?;
    Ok(attempt.is_some_and(|attempt| {
        attempt.provider == Provider::Cloudpayments
            && attempt.recurs
            && attempt.contract.is_none()
            && attempt.status == Status::Paid
            && attempt.payer == notice.payer()
            && notice.said().agrees(attempt.price)
    }))
}

/// The standing subscription that a notification of a payment names.
fn contract_of(notice: &Fields) -> Option<ContractHandle> {
    notice.subscription().map(handle)
}

fn handle(id: &str) -> ContractHandle {
    ContractHandle { provider: Provider::Cloudpayments, contract_id: id.to_owned() }
}
