//! The endpoints of the balance.

use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use shared::clock::Now;
use shared::function::Function;
use shared::http::{Answer, Asked, Body};
use shared::idempotency::{Idempotency, replayed};
use shared::problem::{FieldError, Problem};
use utoipa::ToSchema;

use super::listing::{NoPage, Page, Wanted};
use super::recharge::{self, Answered, Recharged};
use super::{Kind, Kopecks};
use crate::App;
use crate::users::Caller;

/// Lines of a page, unless told otherwise and at most.
const LIMIT: (i64, i64) = (50, 100);
/// By what a recharge comes that does not say.
const METHOD: &str = "telegram_stars";
/// The longest name of such a way, in code points.
const METHOD_MAX: usize = 50;

/// `GET /api/balance`.
#[must_use]
pub fn balance() -> Function<App> {
    Function::<App>::get("errands-balance", "/api/balance")
        .summary("The caller's balance")
        .answers::<Balance>()
        .handled_by(get(handle_balance))
}

/// `GET /api/balance/transactions`.
#[must_use]
pub fn transactions() -> Function<App> {
    Function::<App>::get("errands-balance-transactions", "/api/balance/transactions")
        .summary("What changed the caller's balance, newest first")
        .needs("CURSOR_SECRET")
        .reads(&[
            ("limit", "1 to 100; 50 unless given"),
            ("cursor", "`next_cursor` of the page before"),
            ("type", "`recharge`, `order_take`, `refund` or `reversal` only"),
        ])
        .answers::<Page>()
        .handled_by(get(handle_transactions))
}

/// `POST /api/balance/recharge`.
#[must_use]
pub fn recharge() -> Function<App> {
    Function::<App>::post("errands-balance-recharge", "/api/balance/recharge")
        .summary("Puts pretended money on the caller's balance, in sandboxes only")
        .takes::<RechargeRequest>()
        .answers::<Recharged>()
        .handled_by(post(handle_recharge))
}

#[derive(Debug, Serialize, ToSchema)]
struct Balance {
    /// Rubles.
    balance: i64,
}

async fn handle_balance(Caller(user): Caller) -> Answer {
    answer(Balance { balance: Kopecks(user.balance).rubles() })
}

/// A 200 with this body.
///
/// # Errors
/// A bug, when the body does not serialise.
pub fn answer(body: impl Serialize) -> Answer {
    let body = serde_json::to_vec(&body).map_err(Problem::bug)?;
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    Ok((kind, body).into_response())
}

async fn handle_transactions(
    State(app): State<App>,
    Caller(user): Caller,
    Asked(mut asked): Asked,
) -> Answer {
    let limit = asked.integer("limit", 1..=LIMIT.1).unwrap_or(LIMIT.0);
    let name = asked.text("type", 1, 50);
    let kind = name.as_deref().and_then(Kind::named);
    if name.is_some() && kind.is_none() {
        let known = Kind::ALL.map(Kind::name).join(", ");
        asked.complain("type", format!("Type must be one of: {known}"));
    }
    let cursor = asked.text("cursor", 1, 2_000);
    asked.finish()?;
    let limit = u32::try_from(limit).map_err(Problem::bug)?;
    let wanted = Wanted { user_id: user.id, kind, limit, cursor };
    let secret = app.platform.secret("CURSOR_SECRET")?;
    match wanted.read(&app.platform.table, secret).await {
        Ok(page) => answer(page),
        Err(NoPage::Store(problem)) => Err(problem),
        Err(NoPage::Cursor) => {
            let error = FieldError::sentence("cursor", "Invalid cursor");
            Err(Problem::invalid_fields(vec![error]))
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body for the document; it is read field by field")]
struct RechargeRequest {
    /// Rubles, 1 to 100000.
    amount: i64,
    /// 50 characters at most; `telegram_stars` unless given.
    method: Option<String>,
}

async fn handle_recharge(
    State(app): State<App>,
    Now(now): Now,
    Caller(user): Caller,
    key: Idempotency,
    Body(mut body): Body,
) -> Answer {
    let (least, most) = app.settings.recharge_rub;
    let rubles = body.required_integer("amount", least..=most);
    let method = body.text("method", 0, METHOD_MAX).filter(|method| !method.is_empty());
    body.finish()?;
    let wanted = recharge::Wanted { rubles, method: method.unwrap_or_else(|| METHOD.to_owned()) };
    match Box::pin(recharge::recharge(&app, &user, &wanted, &key, now)).await? {
        Answered::Now(recharged) => answer(recharged),
        Answered::Before(status, body) => replayed(status, body),
    }
}
