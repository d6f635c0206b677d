//! Entries and accounts in the table.

use http::StatusCode;
use shared::clock::Instant;
use shared::ledger;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Cursor, Entity as _, Item, Page, Query, Table, Write};

use super::model::{Award, EnergyEntry, Expense, entry_key};
use crate::auth::{self, Member, member_key};
use crate::texts;

/// The attribute of a member that keeps the expiry of the newest lot.
const NEWEST_EXPIRY: &str = "energies_expire_at";

/// What became of an award or an expense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Was it made now? False when the same key had been used before.
    pub awarded: bool,
    /// How much was moved under this key, without a sign.
    pub amount: u64,
    /// The balance afterwards.
    pub balance: i64,
}

/// The entry of an award (refusal `entry`: this key was used before), for the transaction that
/// also puts [`ledger::credit`] of the credited amount on the member's update, and that amount.
/// The update has to be conditioned on the version of `member`, as [`auth::change`] is.
#[must_use]
pub fn income(member: &Member, award: Award, now: Instant) -> (Write, u32) {
    let (entry, credited) = EnergyEntry::income(member, &award, None, now);
    (Write::insert("entry", &entry), credited)
}

/// Gives energies, once. One read and one transaction of two items.
///
/// # Errors
/// 404 when there is no such member; when the store does not answer.
pub async fn award(table: &Table, tg_id: i64, award: &Award, now: Instant) -> Result<Moved> {
    movement(table, tg_id, &award.key, |member, newest| {
        let (entry, credited) = EnergyEntry::income(member, award, newest, now);
        let update = ledger::credit(auth::change(member, now), credited)
            .set_or_remove(NEWEST_EXPIRY, entry.expires_at);
        Ok((entry, update))
    })
    .await
}

/// Takes energies, once, whole or not at all. One read and one transaction of two items.
///
/// # Errors
/// 409 `insufficient_energies`; 404 when there is no such member; when the store does not answer.
pub async fn spend(table: &Table, tg_id: i64, expense: &Expense, now: Instant) -> Result<Moved> {
    movement(table, tg_id, &expense.key, |member, _| {
        if member.balance < i64::from(expense.amount) {
            return Err(insufficient());
        }
        let entry = EnergyEntry::expense(member, expense, now);
        Ok((entry, ledger::debit(auth::change(member, now), expense.amount)))
    })
    .await
}

/// Reads the member beside the entry that may be there already, decides, and writes both.
async fn movement(
    table: &Table,
    tg_id: i64,
    key: &str,
    decide: impl Fn(&Member, Option<Instant>) -> Result<(EnergyEntry, Write)>,
) -> Result<Moved> {
    let keys = [member_key(tg_id), entry_key(tg_id, key)];
    let [member_at, entry_at] = &keys;
    optimistic(|| async {
        let rows = table.batch(&keys).await?;
        let member: Member =
            rows.get(member_at)?.ok_or_else(|| Problem::not_found("User not found"))?;
        if let Some(entry) = rows.get::<EnergyEntry>(entry_at)? {
            let amount = entry.delta.unsigned_abs();
            return Ok(Round::Done(Moved { awarded: false, amount, balance: member.balance }));
        }
        let item = rows.iter().find(|item| item.key().as_ref() == Some(member_at));
        let (entry, update) = decide(&member, item.and_then(newest_expiry))?;
        let moved = Moved {
            awarded: true,
            amount: entry.delta.unsigned_abs(),
            balance: member.balance + entry.delta,
        };
        match table.transact(vec![Write::insert("entry", &entry), update]).await {
            Ok(()) => Ok(Round::Done(moved)),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await
}

fn newest_expiry(item: &Item) -> Option<Instant> {
    item.text(NEWEST_EXPIRY)?.parse().ok()
}

fn insufficient() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "insufficient_energies",
        "Insufficient energy points",
        texts::INSUFFICIENT_ENERGIES,
    )
}

/// One page of a member's entries, newest first. One query.
pub(super) async fn page(
    table: &Table,
    tg_id: i64,
    limit: u32,
    cursor: Option<Cursor>,
) -> Result<Page> {
    let query = Query::local_index("history", member_key(tg_id).pk, "history_at")
        .descending()
        .limit(limit)
        .after(cursor);
    Ok(table.query(&query).await?)
}

/// The entries among these items.
pub(super) fn entries(items: &[Item]) -> Result<Vec<EnergyEntry>> {
    let entries = items.iter().filter(|item| item.text("kind") == Some(EnergyEntry::KIND));
    Ok(entries.map(Item::read).collect::<std::result::Result<_, _>>()?)
}
