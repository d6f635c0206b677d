//! What a member sees of the account.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Search, Subject, page_limit};
use shared::problem::Result;
use shared::table::{Cursor, Table};
use utoipa::ToSchema;

use super::award::Kind;
use super::model::EnergyEntry;
use super::store;
use crate::App;
use crate::auth::{self, Member};
use crate::wire::{self, succeeded};

const HISTORY: &str = "club-energies-history";
const HISTORY_LIMIT_DEFAULT: u32 = 50;
const HISTORY_LIMIT_MAX: u32 = 200;

/// `GET /api/v1/energies/balance`.
#[must_use]
pub fn balance() -> Function<App> {
    Function::<App>::get("club-energies-balance", "/api/v1/energies/balance")
        .summary("The caller's energies")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Balance>()
        .handled_by(get(handle_balance))
}

/// `GET /api/v1/energies/history`.
#[must_use]
pub fn history() -> Function<App> {
    Function::<App>::get(HISTORY, "/api/v1/energies/history")
        .summary("The caller's energies as they came and went, newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[
            ("limit", "Lines of a page, from 1; 50 by default, 200 at most."),
            ("cursor", "Where to go on: `nextCursor` of the page before."),
        ])
        .answers::<History>()
        .handled_by(get(handle_history))
}

#[derive(Debug, Serialize, ToSchema)]
struct Balance {
    balance: i64,
}

async fn handle_balance(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let member = auth::ensure(&app.platform.table, &subject, now).await?;
    let body = async { Ok(succeeded(Balance { balance: member.balance })) };
    cached.answer(&[&member.version.to_string()], body).await
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct History {
    transactions: Vec<EnergyTransaction>,
    next_cursor: Option<String>,
}

/// One line of the account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnergyTransaction {
    id: String,
    user_id: String,
    /// Signed.
    amount: i64,
    /// The same as `amount`.
    delta: i64,
    absolute_amount: u64,
    /// `income` or `expense`.
    r#type: &'static str,
    #[schema(value_type = String)]
    kind: Kind,
    reason: String,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Instant>,
    is_expired: bool,
    /// What of an income can still be spent.
    remaining: Option<u32>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl EnergyTransaction {
    fn of(entry: EnergyEntry, member: &Member) -> Self {
        Self {
            remaining: entry.remaining(member.consumed_total),
            id: entry.key,
            user_id: member.id.clone(),
            amount: entry.delta,
            delta: entry.delta,
            absolute_amount: entry.delta.unsigned_abs(),
            r#type: if entry.delta < 0 { "expense" } else { "income" },
            kind: entry.energy_kind,
            reason: entry.reason,
            metadata: entry.metadata,
            expires_at: entry.expires_at,
            is_expired: entry.expired,
            created_at: entry.created_at,
        }
    }
}

/// The newest lines of a member's account, the newest first. One query.
///
/// # Errors
/// When the store does not answer.
pub async fn recent(table: &Table, member: &Member, limit: u32) -> Result<Vec<EnergyTransaction>> {
    let entries = store::newest(table, member.tg_id, limit).await?.into_iter();
    Ok(entries.map(|entry| EnergyTransaction::of(entry, member)).collect())
}

async fn handle_history(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let limit = page_limit(wanted.limit.as_deref(), HISTORY_LIMIT_DEFAULT, HISTORY_LIMIT_MAX)?;
    let secret = app.platform.sessions()?.secret();
    let caller = subject.telegram_id.to_string();
    let scope = [HISTORY, caller.as_str()];
    let cursor = wanted.cursor.filter(|cursor| !cursor.is_empty());
    let cursor = cursor.map(|text| Cursor::open(&text, secret, &scope)).transpose()?;
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let page = store::page(table, member.tg_id, limit, cursor).await?;
        let entries = store::entries(&page.items)?.into_iter();
        let transactions = entries.map(|entry| EnergyTransaction::of(entry, &member)).collect();
        let next_cursor = page.next.map(|next| next.seal(secret, &scope));
        Ok(succeeded(History { transactions, next_cursor }))
    };
    cached.answer(&[&member.version.to_string()], body).await
}
