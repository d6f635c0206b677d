//! The endpoints of the balance.

use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, Asked, Body};
use shared::idempotency::Idempotency;
use shared::problem::{FieldError, Problem};
use utoipa::ToSchema;

use super::listing::{NoPage, Page, Wanted};
use super::recharge::{self, Recharged};
use super::{Kind, Kopecks};
use crate::users::Caller;
use crate::wire::{LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX};
use crate::{App, wire};

/// By what a recharge comes that does not say.
const METHOD: &str = "telegram_stars";
/// The longest name of such a way, in code points.
const METHOD_MAX: usize = 50;

/// `GET /api/balance`.
#[must_use]
pub fn balance() -> Function<App> {
    Function::<App>::get("errands-balance", "/api/balance")
        .summary("The caller's balance")
        .access(Access::User)
        .limited(wire::READ)
        .cached(wire::VALIDATED)
        .answers::<Balance>()
        .handled_by(get(handle_balance))
}

/// `GET /api/balance/transactions`.
#[must_use]
pub fn transactions() -> Function<App> {
    Function::<App>::get("errands-balance-transactions", "/api/balance/transactions")
        .summary("What changed the caller's balance, newest first")
        .access(Access::User)
        .limited(wire::READ)
        .cached(wire::VALIDATED)
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
        .access(Access::User)
        .limited(wire::PAYMENT)
        .takes::<RechargeRequest>()
        .answers::<Recharged>()
        .handled_by(post(handle_recharge))
}

#[derive(Debug, Serialize, ToSchema)]
struct Balance {
    /// Rubles.
    balance: i64,
}

async fn handle_balance(Caller(user): Caller, cached: Conditional) -> Answer {
    cached.by_body(&Balance { balance: Kopecks(user.balance).rubles() }, &[])
}

async fn handle_transactions(
    State(app): State<App>,
    Caller(user): Caller,
    cached: Conditional,
    Asked(mut asked): Asked,
) -> Answer {
    let limit = asked.integer("limit", 1..=i64::from(LIST_LIMIT_MAX));
    let name = asked.text("type", 1, 50);
    let kind = name.as_deref().and_then(Kind::named);
    if name.is_some() && kind.is_none() {
        let known = Kind::ALL.map(Kind::name).join(", ");
        asked.complain("type", format!("Type must be one of: {known}"));
    }
    let cursor = asked.text("cursor", 1, 2_000);
    asked.finish()?;
    let limit = limit.and_then(|limit| limit.try_into().ok()).unwrap_or(LIST_LIMIT_DEFAULT);
    let wanted = Wanted { user_id: user.id, kind, limit, cursor };
    let secret = app.platform.secret("CURSOR_SECRET")?;
    match wanted.read(&app.platform.table, secret).await {
        Ok(page) => cached.by_body(&page, &[]),
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
    Box::pin(recharge::recharge(&app, &user, &wanted, &key, now)).await
}
