//! Money that was put aside.

use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params, Search, page_limit};
use shared::idempotency::{Idempotency, mark_replayed};
use shared::problem::Problem;
use shared::table::Cursor;
use utoipa::ToSchema;

use crate::App;
use crate::payments::{self, Fate, Provider, UnassignedPayment, unassigned as aside};
use crate::wire::{self, success};

const LIST: &str = "club-admin-unassigned";
const LIMIT_DEFAULT: u32 = 50;
/// Characters of a reason.
const REASON_MAX: usize = 500;

/// `GET /api/admin/unassigned-payments`.
#[must_use]
pub fn unassigned() -> Function<App> {
    Function::<App>::get(LIST, "/api/admin/unassigned-payments")
        .summary("Money that was put aside, the newest first")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .reads(&[
            ("status", "`open` by default, `assigned` or `dismissed`."),
            ("limit", "Rows of a page, from 1; 50 by default, 100 at most."),
            ("cursor", "Where to go on: `nextCursor` of the page before."),
        ])
        .answers::<UnassignedList>()
        .handled_by(get(handle_list))
}

/// `POST /api/admin/unassigned-payments/{id}/assign`.
#[must_use]
pub fn assign() -> Function<App> {
    let path = "/api/admin/unassigned-payments/{id}/assign";
    Function::<App>::post("club-admin-assign", path)
        .summary("Settles money that was put aside as a member's payment for an offer")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<AssignWish>()
        .answers::<AssignAnswer>()
        .handled_by(post(handle_assign))
}

/// `POST /api/admin/unassigned-payments/{id}/dismiss`.
#[must_use]
pub fn dismiss() -> Function<App> {
    let path = "/api/admin/unassigned-payments/{id}/dismiss";
    Function::<App>::post("club-admin-dismiss", path)
        .summary("Writes down that nothing is to be done about money that was put aside")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<DismissWish>()
        .answers::<UnassignedOne>()
        .handled_by(post(handle_dismiss))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    status: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UnassignedList {
    payments: Vec<UnassignedRow>,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct UnassignedOne {
    payment: UnassignedRow,
}

/// Money that was put aside.
#[derive(Debug, Serialize, ToSchema)]
struct UnassignedRow {
    id: String,
    provider: Provider,
    external_id: String,
    /// The attempt that was named.
    attempt_id: String,
    /// As the provider said.
    amount: Option<String>,
    /// As the provider said.
    currency: Option<String>,
    /// Telegram id of who paid, where the provider said so.
    payer: Option<i64>,
    contract_id: Option<String>,
    recurs: bool,
    reason: String,
    status: Fate,
    /// Whose it is, by Telegram id.
    assigned_to: Option<i64>,
    /// The attempt that was made for it.
    assigned_attempt_id: Option<String>,
    /// Why nothing is to be done.
    dismissed_because: Option<String>,
    /// When some or all of it first went back: it is not assigned any more.
    #[schema(value_type = Option<String>, format = "date-time")]
    refunded_at: Option<Instant>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl UnassignedRow {
    fn of(row: UnassignedPayment) -> Self {
        let made = row.assignment.as_ref().filter(|_| row.fate == Fate::Assigned);
        Self {
            id: row.id(),
            assigned_to: made.map(|made| made.tg_id),
            assigned_attempt_id: made.map(|made| made.attempt_id.clone()),
            provider: row.provider,
            external_id: row.external_id,
            attempt_id: row.attempt_id,
            amount: row.amount,
            currency: row.currency,
            payer: row.payer,
            contract_id: row.contract_id,
            recurs: row.recurs,
            reason: row.reason,
            status: row.fate,
            dismissed_because: row.dismissal.map(|dismissal| dismissal.reason),
            refunded_at: row.refunded_at,
            created_at: row.at,
        }
    }
}

async fn handle_list(State(app): State<App>, Search(wanted): Search<Wanted>) -> Answer {
    let limit = page_limit(wanted.limit.as_deref(), LIMIT_DEFAULT, aside::PAGE_MAX)?;
    let fate = match wanted.status.as_deref() {
        None | Some("" | "open") => Fate::Open,
        Some("assigned") => Fate::Assigned,
        Some("dismissed") => Fate::Dismissed,
        Some(_) => return Err(Problem::invalid("status", "open, assigned or dismissed")),
    };
    let secret = app.platform.secret("ADMIN_SECRET")?;
    let scope = [LIST, fate.partition()];
    let cursor = wanted.cursor.filter(|cursor| !cursor.is_empty());
    let cursor = cursor.map(|text| Cursor::open(&text, secret, &scope)).transpose()?;
    let (rows, next) = aside::page(&app.platform.table, fate, limit, cursor).await?;
    success(UnassignedList {
        payments: rows.into_iter().map(UnassignedRow::of).collect(),
        next_cursor: next.map(|next| next.seal(secret, &scope)),
    })
}

#[derive(Debug, Deserialize, ToSchema)]
struct AssignWish {
    /// Whose it is: a number or a string.
    #[schema(value_type = String)]
    telegram_id: Value,
    /// The key of the offer that it pays.
    offer_key: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct AssignAnswer {
    payment_id: String,
    attempt_id: String,
    telegram_id: i64,
    offer_key: String,
}

async fn handle_assign(
    State(app): State<App>,
    Now(now): Now,
    Params(id): Params<String>,
    key: Idempotency,
    Json(body): Json<AssignWish>,
) -> Answer {
    let (provider, external_id) = read_id(&id)?;
    let tg_id = wire::telegram_id(&body.telegram_id);
    let tg_id = tg_id.ok_or_else(|| Problem::invalid("telegram_id", "a Telegram id"))?;
    if !(1..=64).contains(&body.offer_key.chars().count()) {
        return Err(Problem::invalid("offer_key", "1 to 64 characters"));
    }
    let wanted = aside::Wanted { provider, external_id, tg_id, offer: body.offer_key };
    // Boxed: it is a settlement and more.
    let made = Box::pin(aside::assign(&app, &wanted, &key, now)).await?;
    let mut response = success(AssignAnswer {
        payment_id: made.payment_id,
        attempt_id: made.assignment.attempt_id,
        telegram_id: made.assignment.tg_id,
        offer_key: made.assignment.offer,
    })?;
    if made.replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}

#[derive(Debug, Deserialize, ToSchema)]
struct DismissWish {
    /// 1 to 500 characters.
    reason: String,
}

async fn handle_dismiss(
    State(app): State<App>,
    Now(now): Now,
    Params(id): Params<String>,
    Json(body): Json<DismissWish>,
) -> Answer {
    let (provider, external_id) = read_id(&id)?;
    if !(1..=REASON_MAX).contains(&body.reason.chars().count()) {
        return Err(Problem::invalid("reason", "1 to 500 characters"));
    }
    let table = &app.platform.table;
    let row = aside::dismiss(table, provider, &external_id, &body.reason, now).await?;
    success(UnassignedOne { payment: UnassignedRow::of(row) })
}

fn read_id(id: &str) -> shared::problem::Result<(Provider, String)> {
    payments::read_id(id).ok_or_else(|| Problem::not_found("Not Found"))
}
