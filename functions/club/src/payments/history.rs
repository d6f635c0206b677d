//! What a payer has paid and meant to pay.

use shared::problem::Result;
use shared::table::{Entity, Item, Key, Query, Rows, Table};

use super::items::payer_partition;
use super::model::{Attempt, Payment};

/// The newest attempts and payments of a payer, the newest first.
#[derive(Debug)]
pub struct History {
    /// Attempts, whatever became of them.
    pub attempts: Vec<Attempt>,
    /// Payments.
    pub payments: Vec<Payment>,
}

/// At most `limit` of each, 50 at most. Two queries of an index that may lag, and one read.
///
/// # Errors
/// When the store does not answer.
pub async fn of_payer(table: &Table, tg_id: i64, limit: u32) -> Result<History> {
    let attempts = keys::<Attempt>(table, tg_id, limit).await?;
    let payments = keys::<Payment>(table, tg_id, limit).await?;
    let all: Vec<Key> = attempts.iter().chain(&payments).cloned().collect();
    if all.is_empty() {
        return Ok(History { attempts: Vec::new(), payments: Vec::new() });
    }
    let rows = table.batch(&all).await?;
    Ok(History { attempts: found(&rows, &attempts)?, payments: found(&rows, &payments)? })
}

async fn keys<E: Entity>(table: &Table, tg_id: i64, limit: u32) -> Result<Vec<Key>> {
    let partition = ("payer_pk", payer_partition(E::KIND, tg_id));
    let query = Query::global_index("payer", partition, "payer_at").descending();
    let page = table.query(&query.limit(limit.min(50))).await?;
    Ok(page.items.iter().filter_map(Item::key).collect())
}

fn found<E: Entity>(rows: &Rows, keys: &[Key]) -> Result<Vec<E>> {
    let mut found = Vec::new();
    for key in keys {
        found.extend(rows.get::<E>(key)?);
    }
    Ok(found)
}
