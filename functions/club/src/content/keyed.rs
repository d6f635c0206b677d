//! One effect for one key, or for equal calls without one.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::clock::Instant;
use shared::idempotency::{self, Idempotency, Record};
use shared::problem::{Problem, Result};
use shared::retry::Round;
use shared::table::{Rows, Write, WriteError};

use crate::App;
use crate::wire::succeeded;

/// The answer of the call that came before, if one is among the rows that were read.
pub(super) async fn before(
    app: &App,
    key: &Idempotency,
    rows: &Rows,
    now: Instant,
) -> Result<Option<Response>> {
    let record: Option<Record> = key.key().map_or(Ok(None), |at| rows.get(&at))?;
    match key.replay(record.as_ref(), now)? {
        Some(outcome) => key.repeated(&app.platform.table, outcome, now).await.map(Some),
        None => Ok(None),
    }
}

/// An effect together with its answer. The key comes first: a replay fails the effect's own
/// conditions, too.
pub(super) fn saving<T: Serialize>(
    key: &Idempotency,
    answer: &T,
    effect: Vec<Write>,
    now: Instant,
) -> Result<Vec<Write>> {
    let body = serde_json::to_string(&succeeded(answer)).map_err(Problem::bug)?;
    Ok(key.saving(StatusCode::OK, &body, now).into_iter().chain(effect).collect())
}

/// What to do where the effect was refused: answer as the call did that came first, or read again.
pub(super) async fn after(
    app: &App,
    key: &Idempotency,
    error: WriteError,
    now: Instant,
) -> Result<Round<Response>> {
    let refusal = error.refusal()?;
    match key.replay_item(refusal.old(idempotency::WRITE), now)? {
        Some(outcome) => key.repeated(&app.platform.table, outcome, now).await.map(Round::Done),
        None => Ok(Round::Stale),
    }
}
