//! One effect for one key.

use http::StatusCode;
use serde::Serialize;
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::{self, Idempotency, Record};
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Key, Rows, Write};

use crate::App;
use crate::wire::{succeeded, success};

/// Reads what is under `keys`, has `decide` make the answer and the writes of its effect, and
/// commits them together with the idempotency key of the call. One read and one transaction, anew
/// for each time that another writer came first.
///
/// # Errors
/// What `decide` refuses; 422 for a key of another request; 503 when nothing was stored.
pub(crate) async fn commit<T: Serialize>(
    app: &App,
    key: &Idempotency,
    keys: &[Key],
    now: Instant,
    decide: impl Fn(&Rows) -> Result<(T, Vec<Write>)>,
) -> Answer {
    let table = &app.platform.table;
    let record_at = key.key();
    let all: Vec<Key> = keys.iter().cloned().chain(record_at.clone()).collect();
    optimistic(|| async {
        let rows = table.batch(&all).await?;
        let record: Option<Record> = record_at.as_ref().map_or(Ok(None), |at| rows.get(at))?;
        if let Some(outcome) = key.replay(record.as_ref(), now)? {
            return key.repeated(table, outcome, now).await.map(Round::Done);
        }
        let (answer, effect) = decide(&rows)?;
        let body = serde_json::to_string(&succeeded(&answer)).map_err(Problem::bug)?;
        // The key comes first: a replay fails the effect's own conditions, too.
        let mut writes: Vec<Write> = key.saving(StatusCode::OK, &body, now).into_iter().collect();
        writes.extend(effect);
        if writes.is_empty() {
            return success(answer).map(Round::Done);
        }
        let Err(error) = table.transact(writes).await else {
            return success(answer).map(Round::Done);
        };
        let refusal = error.refusal()?;
        match key.replay_item(refusal.old(idempotency::WRITE), now)? {
            Some(outcome) => key.repeated(table, outcome, now).await.map(Round::Done),
            None => Ok(Round::Stale),
        }
    })
    .await
}
