//! Those who wait for a team.

use shared::ledger::shard;
use shared::problem::Result;
use shared::table::{Key, Query, Table, Write};

use crate::auth::Member;
use crate::teams::model::waits;

/// Partitions of the list of those who wait for a team.
const WAITING_SHARDS: u64 = 4;

/// Where a member stands among those who wait for a team, if it does: by registration, then id.
#[must_use]
pub fn waiting(member: &Member) -> Vec<(&'static str, String)> {
    match waits(member) {
        true => vec![("payer_pk", waiting_in(member.tg_id)), ("payer_at", turn(member))],
        false => Vec::new(),
    }
}

/// Puts a member where it belongs among those who wait, in a change after which it is `as_is`.
#[must_use]
pub fn queued(change: Write, as_is: &Member) -> Write {
    match waits(as_is) {
        true => change.set("payer_pk", waiting_in(as_is.tg_id)).set("payer_at", turn(as_is)),
        false => change.remove("payer_pk").remove("payer_at"),
    }
}

fn waiting_in(tg_id: i64) -> String {
    waiting_partition(shard(&tg_id.to_string(), WAITING_SHARDS))
}

fn waiting_partition(shard: u64) -> String {
    format!("WAITING#{shard}")
}

fn turn(member: &Member) -> String {
    format!("{}#{}", member.created_at, member.id)
}

/// Everybody who waits for a team, by registration, then id; by the index, which lags. One query
/// for each partition, and one for each megabyte more.
pub(in crate::teams) async fn queue(table: &Table) -> Result<Vec<Key>> {
    let mut found = Vec::new();
    for shard in 0..WAITING_SHARDS {
        let partition = ("payer_pk", waiting_partition(shard));
        let query = Query::global_index("payer", partition, "payer_at");
        for item in table.query_all(&query).await?.items {
            if let (Some(turn), Some(key)) = (item.text("payer_at"), item.key()) {
                found.push((turn.to_owned(), key));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found.into_iter().map(|(_, key)| key).collect())
}
