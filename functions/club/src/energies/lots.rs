//! Incomes whose time is over, in the table.

use shared::clock::Instant;
use shared::lease::Lease;
use shared::problem::Result;
use shared::retry::{Round, optimistic};
use shared::table::{Cursor, Entity as _, Item, Key, Query, Table, Write};

use super::award::Expense;
use super::model::{DUE_SHARDS, EnergyEntry, due_partition};
use super::store::expense;
use crate::auth::{self, Member, member_key};
use crate::wire::lease_lost;

/// Incomes of one page of those whose time is over.
const DUE_PAGE: u32 = 100;

/// One page of the incomes of a partition whose time was over by then, in the order in which they
/// came to each member; the index lags. One query.
pub(super) async fn overdue(
    table: &Table,
    shard: u64,
    by: Instant,
    cursor: Option<Cursor>,
) -> Result<(Vec<Key>, Option<Cursor>)> {
    let query = Query::global_index("due", ("due_pk", due_partition(shard)), "due_at")
        .up_to(format!("{by}#~"))
        .limit(DUE_PAGE)
        .after(cursor);
    let page = table.query(&query).await?;
    Ok((page.items.iter().filter_map(Item::key).collect(), page.next))
}

/// What became of an income whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expired {
    /// So much was taken.
    Taken(u32),
    /// Nothing was left of it.
    Nothing,
    /// It had its turn before.
    Before,
    /// An older one has not had its turn yet.
    Early,
}

/// Takes what is left of an income whose time is over. One read and one transaction of four items;
/// of two where nothing is left.
///
/// # Errors
/// `lease_lost` when another run has taken over; when the store does not answer.
pub(super) async fn expire(
    table: &Table,
    income: &Key,
    lease: &Lease,
    now: Instant,
) -> Result<Expired> {
    optimistic(|| async {
        let member_at = holder(income);
        let rows = table.batch(&[income.clone(), member_at.clone()]).await?;
        let (entry, member) = (rows.get::<EnergyEntry>(income)?, rows.get::<Member>(&member_at)?);
        let (Some(entry), Some(member)) = (entry, member) else {
            return Ok(Round::Done(Expired::Before));
        };
        let is_over = entry.expires_at.is_some_and(|expires| expires <= now);
        if entry.expired || entry.delta <= 0 || !is_over {
            return Ok(Round::Done(Expired::Before));
        }
        // What is taken comes out of the oldest lots, which have to be empty by then.
        if member.consumed_total < entry.earned_before {
            return Ok(Round::Done(Expired::Early));
        }
        let left = entry.remaining(member.consumed_total).unwrap_or_default();
        let (done, writes) = expiring(&member, &entry, left, now)?;
        let writes = writes.into_iter().chain([lease.fence()]).collect();
        let Err(error) = table.transact(writes).await else { return Ok(Round::Done(done)) };
        if error.refusal()?.has("lease") { Err(lease_lost()) } else { Ok(Round::Stale) }
    })
    .await
}

/// The member whose entry this is: in the same partition.
fn holder(entry: &Key) -> Key {
    Key { pk: entry.pk.clone(), ..member_key(0) }
}

/// The writes that take what is left of an income; it leaves the index with them.
fn expiring(
    member: &Member,
    income: &EnergyEntry,
    left: u32,
    now: Instant,
) -> Result<(Expired, Vec<Write>)> {
    let lot = Write::update("lot", income.key())
        .remove("due_pk")
        .remove("due_at")
        .when("#expired = :not_yet")
        .bind(":not_yet", false);
    if left == 0 {
        return Ok((Expired::Nothing, vec![lot]));
    }
    let outgo = expense(member, &Expense::expiry(&income.key, left), now)?;
    let change = outgo.on(auth::change(member, now));
    Ok((Expired::Taken(left), vec![outgo.entry, lot.set("expired", true), change]))
}

/// Partitions of the index that [`overdue`] reads.
pub(super) const SHARDS: std::ops::Range<u64> = 0..DUE_SHARDS;
