//! One effect for one key.

use serde::Serialize;
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::problem::Result;
use shared::retry::{Round, optimistic};
use shared::table::{Key, Rows, Write};

use crate::App;
use crate::wire::succeeded;

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
    let all: Vec<Key> = keys.iter().cloned().chain(key.key()).collect();
    optimistic(|| async {
        let rows = table.batch(&all).await?;
        if let Some(response) = key.before(table, &rows, now).await? {
            return Ok(Round::Done(response));
        }
        let (answer, effect) = decide(&rows)?;
        key.commit(table, &succeeded(answer), effect, now).await
    })
    .await
}
