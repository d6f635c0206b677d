//! Money out of nowhere, for sandboxes only.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::ids;
use shared::problem::{Problem, Result};
use shared::retry::{Round, contended};
use utoipa::ToSchema;

use super::{Change, Kind, Kopecks, Reason, TRIES};
use crate::App;
use crate::users::{User, user_key};

/// What is wanted, read and checked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// How much.
    pub rubles: i64,
    /// By what it is pretended to have come.
    pub method: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Recharged {
    success: bool,
    /// Rubles.
    new_balance: i64,
    transaction_id: i64,
}

/// The description of money that came by `method`.
#[must_use]
pub fn recharged_via(method: &str) -> String {
    format!("Balance recharge via {method}")
}

/// Refuses outside a sandbox.
///
/// # Errors
/// 403 `sandbox_only`.
pub fn sandbox_only(app: &App) -> Result<()> {
    if app.settings.sandbox {
        return Ok(());
    }
    let text = "Recharge is available only in the sandbox";
    Err(Problem::refused(StatusCode::FORBIDDEN, "sandbox_only", text))
}

/// Refuses what would bring the balance above its limit.
///
/// # Errors
/// 409 `balance_limit`.
pub fn balance_limit(app: &App, user: &User, more: Kopecks) -> Result<()> {
    let limit = Kopecks::of_rubles(app.settings.balance_limit_rub);
    if user.balance.saturating_add(more.0) <= limit.0 {
        return Ok(());
    }
    Err(Problem::refused(StatusCode::CONFLICT, "balance_limit", "Balance limit reached"))
}

/// Puts pretended money on the balance. One transaction of two items, and three with a key, after
/// one read for the key; both anew for each time that another writer came first.
///
/// # Errors
/// 403 outside a sandbox, 409 above the limit of the balance, 503 when nothing was stored.
pub async fn recharge(
    app: &App,
    user: &User,
    wanted: &Wanted,
    key: &Idempotency,
    now: Instant,
) -> Answer {
    sandbox_only(app)?;
    let table = &app.platform.table;
    if let Some(response) = key.look(table, now).await? {
        return Ok(response);
    }
    let mut seen = Some(user.clone());
    contended(TRIES, || {
        let known = seen.take();
        async move {
            let user = match known {
                Some(user) => user,
                None => {
                    let user = table.get(&user_key(user.id)).await?;
                    user.ok_or_else(|| Problem::bug("the caller is gone"))?
                }
            };
            round(app, &user, wanted, key, now).await
        }
    })
    .await
}

async fn round(
    app: &App,
    user: &User,
    wanted: &Wanted,
    key: &Idempotency,
    now: Instant,
) -> Result<Round<Response>> {
    let kopecks = Kopecks::of_rubles(wanted.rubles);
    balance_limit(app, user, kopecks)?;
    let reason = Reason {
        kind: Kind::Recharge,
        // No payment is behind it, and none may seem to be.
        cause: format!("direct#{}", ids::uuid()),
        order_id: None,
        payment_method: Some(wanted.method.clone()),
        description: Some(recharged_via(&wanted.method)),
    };
    let change = Change::of(user, kopecks, reason, now);
    let change = change.ok_or_else(|| Problem::bug("a balance beyond counting"))?;
    let recharged = Recharged {
        success: true,
        new_balance: change.after().rubles(),
        transaction_id: change.entry().id,
    };
    let effect = vec![change.balance(), change.line()];
    key.commit(&app.platform.table, &recharged, effect, now).await
}
