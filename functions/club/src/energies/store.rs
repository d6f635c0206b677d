//! Entries and accounts in the table.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::lease::Lease;
use shared::ledger;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Cursor, Entity, Item, Key, Page, Query, Table, Write};

use super::award::{Award, Expense};
use super::model::{EnergyEntry, entry_key};
use super::slots::reports_since;
use crate::auth::{self, Member, REGISTRY_SHARDS, member_key};
use crate::texts;

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

/// Income for a transaction of somebody's own.
#[derive(Debug)]
pub struct Income {
    /// The entry; refusal `entry`: this key was used before.
    pub entry: Write,
    /// What the member gets.
    pub energies: u32,
    expires_at: Option<Instant>,
}

impl Income {
    /// Puts the income on the update of the member, which has to be conditioned on the version
    /// that the income was made of, as [`auth::change`] is.
    #[must_use]
    pub fn on(&self, update: Write) -> Write {
        credited(update, self.energies, self.expires_at)
    }
}

fn credited(update: Write, energies: u32, expires_at: Option<Instant>) -> Write {
    ledger::credit(update, energies).set_or_remove("energies_expire_at", expires_at)
}

/// The income of an award: for the transaction that also writes [`Income::on`] the member.
#[must_use]
pub fn income(member: &Member, award: &Award, now: Instant) -> Income {
    let (entry, energies) = EnergyEntry::income(member, award, now);
    Income { entry: Write::insert("entry", &entry), energies, expires_at: entry.expires_at }
}

/// Several incomes of one transaction.
pub(super) struct Incomes {
    /// Their entries, in the order of the awards.
    pub(super) entries: Vec<EnergyEntry>,
    /// What the member gets in all.
    pub(super) energies: u32,
    expires_at: Option<Instant>,
}

impl Incomes {
    /// As [`Income::on`].
    pub(super) fn on(&self, update: Write) -> Write {
        credited(update, self.energies, self.expires_at)
    }
}

/// The incomes of several awards: each is a lot of its own, after the one before it.
pub(super) fn incomes(member: &Member, awards: &[Award], now: Instant) -> Incomes {
    let (mut member, mut entries, mut energies) = (member.clone(), Vec::new(), 0_u32);
    for award in awards {
        let (entry, credited) = EnergyEntry::income(&member, award, now);
        member.earned_total = member.earned_total.saturating_add(u64::from(credited));
        member.energies_expire_at = entry.expires_at;
        energies = energies.saturating_add(credited);
        entries.push(entry);
    }
    Incomes { entries, energies, expires_at: member.energies_expire_at }
}

/// An expense for a transaction of somebody's own.
#[derive(Debug)]
pub struct Outgo {
    /// The entry; refusal `entry`: this key was used before.
    pub entry: Write,
    /// What is taken.
    pub energies: u32,
}

impl Outgo {
    /// Puts the expense on the update of the member, which has to be conditioned on the version
    /// that the expense was made of, as [`auth::change`] is. The update is refused, too, when the
    /// balance is too low.
    #[must_use]
    pub fn on(&self, update: Write) -> Write {
        ledger::debit(update, self.energies)
    }
}

/// An expense, whole or not at all: for the transaction that also writes [`Outgo::on`] the member.
///
/// # Errors
/// 409 `insufficient_energies` when the member has less.
pub fn expense(member: &Member, expense: &Expense, now: Instant) -> Result<Outgo> {
    if member.balance < i64::from(expense.amount) {
        return Err(insufficient());
    }
    let entry = EnergyEntry::expense(member, expense, now);
    Ok(Outgo { entry: Write::insert("entry", &entry), energies: expense.amount })
}

/// Gives energies, once. One read and one transaction of two items.
///
/// # Errors
/// 404 when there is no such member; when the store does not answer.
pub async fn award(table: &Table, tg_id: i64, award: &Award, now: Instant) -> Result<Moved> {
    movement(table, tg_id, &award.key, |member| {
        let (entry, energies) = EnergyEntry::income(member, award, now);
        let update = credited(auth::change(member, now), energies, entry.expires_at);
        Ok((entry, update))
    })
    .await
}

/// Takes energies, once, whole or not at all. One read and one transaction of two items.
///
/// # Errors
/// 409 `insufficient_energies`; 404 when there is no such member; when the store does not answer.
pub async fn spend(table: &Table, tg_id: i64, expense: &Expense, now: Instant) -> Result<Moved> {
    movement(table, tg_id, &expense.key, |member| {
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
    decide: impl Fn(&Member) -> Result<(EnergyEntry, Write)>,
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
        let (entry, update) = decide(&member)?;
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

/// A member's newest entries, the newest first. One query.
///
/// # Errors
/// When the store does not answer.
pub async fn newest(table: &Table, tg_id: i64, limit: u32) -> Result<Vec<EnergyEntry>> {
    entries(&page(table, tg_id, limit, None).await?.items)
}

/// Has a member reported in the chat of a team since then? Looks back for two months at most. One
/// query.
///
/// # Errors
/// When the store does not answer.
pub async fn has_reported(table: &Table, tg_id: i64, since: Instant) -> Result<bool> {
    let (first, last) = reports_since(since);
    let query = Query::partition(member_key(tg_id).pk).between(first, last).limit(1);
    Ok(!table.query(&query).await?.items.is_empty())
}

/// The entries among these items.
pub(super) fn entries(items: &[Item]) -> Result<Vec<EnergyEntry>> {
    let entries = items.iter().filter(|item| item.text("kind") == Some(EnergyEntry::KIND));
    Ok(entries.map(Item::read).collect::<std::result::Result<_, _>>()?)
}

/// Members of one page of the registry.
const REGISTRY_PAGE: u32 = 100;

/// How far the audit has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Which partition of the registry.
    shard: u64,
    /// After which member of it; none yet when absent.
    after: Option<BTreeMap<String, String>>,
}

impl Place {
    fn key_of() -> Key {
        Key::new("JOB#energies_audit", "PLACE")
    }
}

impl Entity for Place {
    const KIND: &'static str = "AuditPlace";

    fn key(&self) -> Key {
        Self::key_of()
    }
}

/// Where the last run stopped. One read.
pub(super) async fn place(table: &Table) -> Result<Place> {
    Ok(table.get(&Place::key_of()).await?.unwrap_or_default())
}

/// Keeps where this run stopped, unless it was overtaken. One transaction.
pub(super) async fn keep_place(table: &Table, place: &Place, lease: &Lease) -> Result<()> {
    Ok(table.transact(vec![lease.fence(), Write::put("place", place)]).await?)
}

/// The partitions of the members after `place`, and where to go on; nowhere after the last. One
/// query. The index may lag: who is missed is seen by the next pass.
pub(super) async fn registered(
    table: &Table,
    place: &Place,
) -> Result<(Vec<String>, Option<Place>)> {
    let partition = ("registry_pk", format!("MEMBERS#{}", place.shard));
    let query = Query::global_index("registry", partition, "pk")
        .limit(REGISTRY_PAGE)
        .after(place.after.clone().map(Cursor::restore));
    let page = table.query(&query).await?;
    let members = page.items.iter().filter_map(|item| item.text("pk").map(str::to_owned));
    let next = match page.next {
        Some(cursor) => Some(Place { shard: place.shard, after: Some(cursor.stored()) }),
        None => Some(Place { shard: place.shard + 1, after: None })
            .filter(|next| next.shard < REGISTRY_SHARDS),
    };
    Ok((members.collect(), next))
}

/// A member and all entries, from the member's partition. One query for each megabyte.
pub(super) async fn account(table: &Table, pk: &str) -> Result<Option<(Member, Vec<EnergyEntry>)>> {
    let items = table.query_all(&Query::partition(pk)).await?.items;
    let member = items.iter().find(|item| item.text("kind") == Some(Member::KIND));
    let Some(member) = member.map(Item::read).transpose()? else { return Ok(None) };
    Ok(Some((member, entries(&items)?)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_member_is_in_a_partition_that_the_audit_reads() {
        let now = Instant::from_seconds(1_768_900_000);
        let partitions: BTreeSet<String> = (1..2_000)
            .flat_map(|tg_id| Member::new(tg_id, None, None, now).index())
            .map(|(_, partition)| partition)
            .collect();
        let read: BTreeSet<String> =
            (0..REGISTRY_SHARDS).map(|shard| format!("MEMBERS#{shard}")).collect();
        assert_eq!(partitions, read);
    }
}
