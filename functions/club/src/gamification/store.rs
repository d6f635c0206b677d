//! Achievements and experience in the table.

use std::collections::BTreeMap;

use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Query, Table};

use super::model::{ACHIEVEMENTS, Achievement, Unlocked, XpEntry};

/// The most achievements of administrators that count.
const ACHIEVEMENTS_MAX: u32 = 200;
/// Entries of one read.
const ENTRIES_PAGE: u32 = 1_000;

/// Seeded and administrators' achievements, by code. What is stored stands for the seeded one of
/// its code. One query.
///
/// # Errors
/// When the store does not answer.
pub async fn achievements(table: &Table) -> Result<Vec<Achievement>> {
    let query = Query::partition(ACHIEVEMENTS).limit(ACHIEVEMENTS_MAX);
    let stored = table.query(&query).await?.read::<Achievement>()?;
    let all = Achievement::seeded().into_iter().chain(stored);
    let all: BTreeMap<String, Achievement> =
        all.map(|achievement| (achievement.code.clone(), achievement)).collect();
    Ok(all.into_values().filter(|achievement| !achievement.removed).collect())
}

/// What a member has reached, and when. One query, as there are no more than achievements.
pub(super) async fn unlocked(table: &Table, tg_id: i64) -> Result<BTreeMap<String, Instant>> {
    let page = table.query(&Query::partition(Unlocked::partition(tg_id))).await?;
    let rows = page.read::<Unlocked>()?.into_iter();
    Ok(rows.map(|row| (row.code, row.at)).collect())
}

/// A member's experience since `from`, newest first. One query for each thousand entries.
pub(super) async fn earned(table: &Table, tg_id: i64, from: Instant) -> Result<Vec<XpEntry>> {
    let query = Query::local_index("history", XpEntry::partition(tg_id), "history_at")
        .at_least(from.to_string())
        .descending()
        .limit(ENTRIES_PAGE);
    Ok(table.query_all(&query).await?.read()?)
}
