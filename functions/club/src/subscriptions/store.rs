//! The ends of subscriptions in the table.
//!
//! A member whose subscription has an end that was not closed yet stands in the index `due` under
//! it. Whoever changes the end moves the member there by [`set_expiry`]; the guard takes it out.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::lease::Lease;
use shared::ledger::shard;
use shared::outbox::Entry;
use shared::problem::{Problem, Result};
use shared::table::{Cursor, Entity, Item, Key, Query, Table, Write, WriteError};

use super::model::{self, Reminder};
use crate::auth::{self, Member, member_key};
use crate::outbox::{self, Message};
use crate::teams::{self, Leaving, Memory};
use crate::wire::lease_lost;

/// Partitions of the index of subscriptions that have not been closed.
pub(super) const DUE_SHARDS: u64 = 4;
/// Members of one page of it: what one read takes.
const PAGE: u32 = 100;
/// How often one is tried to be closed whose team changes meanwhile.
const CLOSE_TRIES: u32 = 5;

/// One step in the life of a member's subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionEvent {
    /// Whose.
    pub tg_id: i64,
    /// What made it, such as a payment's id.
    pub cause: String,
    /// `payment`, `gift` or `refund`.
    pub event: String,
    /// Until when it lasted before.
    pub from: Option<Instant>,
    /// Until when it lasts now.
    pub until: Instant,
    /// When.
    pub at: Instant,
}

impl Entity for SubscriptionEvent {
    const KIND: &'static str = "SubscriptionEvent";

    fn key(&self) -> Key {
        Key::new(member_key(self.tg_id).pk, format!("SUBSCRIPTION#{}#{}", self.event, self.cause))
    }
}

/// Where a member stands among the subscriptions that are still to be closed, if at all.
#[must_use]
pub fn due(member: &Member) -> Vec<(&'static str, String)> {
    let open = member.subscription_expires.filter(|end| member.closed_expiry != Some(*end));
    let Some(end) = open else { return Vec::new() };
    vec![("due_pk", partition_of(member.tg_id)), ("due_at", end.to_string())]
}

/// Sets until when the subscription of a member lasts, in a change of this very state of the
/// member (see [`crate::auth::change`]). Nothing else sets `subscription_expires`, or the end is
/// never closed. An end that was closed before stays closed. Whoever was not paid is so since `now`.
#[must_use]
pub fn set_expiry(change: Write, member: &Member, until: Instant, now: Instant) -> Write {
    let mut change = change.set("subscription_expires", until);
    if !member.is_paid(now) {
        change = change.set("paid_since", now);
    }
    // Who has a city and no team waits for one from now on, or no more.
    let paid = Member { subscription_expires: Some(until), ..member.clone() };
    let change = teams::queued(change, &paid);
    if member.closed_expiry == Some(until) {
        return change;
    }
    change.set("due_pk", partition_of(member.tg_id)).set("due_at", until)
}

fn partition_of(tg_id: i64) -> String {
    partition(shard(&tg_id.to_string(), DUE_SHARDS))
}

fn partition(shard: u64) -> String {
    format!("LIFE#{shard}")
}

/// One page of the members of a partition whose subscription ended within a span of time and was
/// not closed, by the index, which lags; as they stand. One query and one read.
async fn page(
    table: &Table,
    query: Query,
    cursor: Option<Cursor>,
) -> Result<(Vec<Member>, Option<Cursor>)> {
    let page = table.query(&query.limit(PAGE).after(cursor)).await?;
    let keys: Vec<Key> = page.items.iter().filter_map(Item::key).collect();
    let mut members = Vec::new();
    if !keys.is_empty() {
        let rows = table.batch(&keys).await?;
        for key in &keys {
            match rows.get::<Member>(key) {
                Ok(member) => members.extend(member),
                // One that does not read keeps no other from its turn.
                Err(error) => tracing::error!(%error, pk = %key.pk, "not a member"),
            }
        }
    }
    Ok((members, page.next))
}

fn ends(shard: u64) -> Query {
    Query::global_index("due", ("due_pk", partition(shard)), "due_at")
}

/// A subscription that is to be closed.
#[derive(Clone, Debug)]
pub(super) struct Closing {
    /// The member as it was seen.
    pub(super) member: Member,
    /// The end that it is closed for.
    expires: Instant,
}

/// One page of the subscriptions of a partition that a run at `run` is to close. What is closed
/// leaves the index. One query and one read.
pub(super) async fn to_close(
    table: &Table,
    shard: u64,
    grace: SignedDuration,
    run: Instant,
    cursor: Option<Cursor>,
) -> Result<(Vec<Closing>, Option<Cursor>)> {
    let (members, next) = page(table, ends(shard).up_to((run - grace).to_string()), cursor).await?;
    let closing = |member: Member| {
        let expires = member.subscription_expires?;
        model::is_to_close(expires, member.closed_expiry, grace, run)
            .then_some(Closing { member, expires })
    };
    Ok((members.into_iter().filter_map(closing).collect(), next))
}

impl Closing {
    /// Closes it, unless its end was moved or closed meanwhile, and the member's place in a team
    /// with it. One transaction of three items; for who is in a team a read and three items more.
    ///
    /// # Errors
    /// `lease_lost` when another run has taken over; when the store does not answer.
    pub(super) async fn close(&self, table: &Table, lease: &Lease, now: Instant) -> Result<bool> {
        let mut member = self.member.clone();
        for _ in 0..CLOSE_TRIES {
            let leaving = Leaving::of(table, &member, Memory::Kept).await?;
            let refusal = match table.transact(self.writes(leaving.as_ref(), lease, now)?).await {
                Ok(()) => return Ok(true),
                Err(error) => error.refusal()?,
            };
            if refusal.has("lease") {
                return Err(lease_lost());
            }
            // The end is as it was seen, or it is nothing of ours; the team may have changed.
            let Some(again) = auth::find(table, member.tg_id).await? else { return Ok(false) };
            let is_due = again.subscription_expires == Some(self.expires)
                && again.closed_expiry != Some(self.expires);
            if !is_due || refusal.has("outbox") {
                return Ok(false);
            }
            member = again;
        }
        Err(Problem::try_again("the member's team changes all the time"))
    }

    fn writes(&self, leaving: Option<&Leaving>, lease: &Lease, now: Instant) -> Result<Vec<Write>> {
        let Self { member, expires } = self;
        let change = Write::update("member", member_key(member.tg_id))
            .set("closed_expiry", expires)
            .remove("due_pk")
            .remove("due_at")
            // Nobody without a subscription waits for a team.
            .remove("payer_pk")
            .remove("payer_at")
            // Whoever has read the member before must read it again: it may lead no more.
            .add("version", 1)
            .set("updated_at", now)
            .when("#subscription_expires = :seen")
            .when("attribute_not_exists(#closed_expiry) OR #closed_expiry <> :seen")
            .bind(":seen", expires);
        let told = Message::Closed { tg_id: member.tg_id };
        let told = outbox::ask(&format!("closed:{}:{expires}", member.tg_id), &told, now)?;
        let change = match leaving {
            Some(leaving) => leaving.on(change),
            None => change.set("is_team_leader", false).when("attribute_not_exists(#team_id)"),
        };
        let mut writes = vec![change];
        writes.extend(leaving.map(Leaving::writes).unwrap_or_default());
        writes.extend([told, lease.fence()]);
        Ok(writes)
    }
}

/// A member who is to be reminded.
#[derive(Clone, Debug)]
pub(super) struct Reminding {
    /// The member as it was seen.
    pub(super) member: Member,
    /// The end that it is reminded of.
    expires: Instant,
    reminder: Reminder,
}

/// One page of the members of a partition who are to be reminded at `now` and were not. One query
/// and two reads.
pub(super) async fn to_remind(
    table: &Table,
    shard: u64,
    now: Instant,
    cursor: Option<Cursor>,
) -> Result<(Vec<Reminding>, Option<Cursor>)> {
    let (first, last) = model::reminded_of(now);
    let span = ends(shard).between(first.to_string(), last.to_string());
    let (members, next) = page(table, span, cursor).await?;
    let reminding = |member: Member| {
        let expires = member.subscription_expires?;
        let reminder = Reminder::due(expires, member.gifted, now)?;
        Some(Reminding { member, expires, reminder })
    };
    let mut found: Vec<_> = members.into_iter().filter_map(reminding).collect();
    let told: Vec<Key> = found.iter().map(|one| Entry::key_of(&one.id())).collect();
    if !told.is_empty() {
        let rows = table.batch(&told).await?;
        let told: BTreeSet<String> =
            rows.iter().filter_map(|item| item.text("id").map(str::to_owned)).collect();
        found.retain(|one| !told.contains(&one.id()));
    }
    Ok((found, next))
}

impl Reminding {
    /// What keeps a member from being reminded twice of one thing: member, kind and day.
    fn id(&self) -> String {
        let day = self.expires.at_offset(3).date();
        format!("reminder:{}:{}:{day}", self.member.tg_id, self.reminder.name())
    }

    /// Passes only if the subscription still ends when it did, and has the member told.
    fn writes(&self, now: Instant) -> Result<[Write; 2]> {
        let unmoved = Write::check("member", member_key(self.member.tg_id))
            .when("#subscription_expires = :seen")
            .bind(":seen", self.expires);
        let told = Message::RenewalReminder {
            tg_id: self.member.tg_id,
            kind: self.reminder,
            until: self.expires,
            renews: self.member.auto_renewal,
        };
        Ok([unmoved, outbox::ask(&self.id(), &told, now)?])
    }

    /// Has all of these told or none; none when one of them was told before or its subscription
    /// has another end by now. One transaction of two items for each and one.
    ///
    /// # Errors
    /// `lease_lost` when another run has taken over; when the store does not answer.
    pub(super) async fn ask_all(
        some: &[Self],
        table: &Table,
        lease: &Lease,
        now: Instant,
    ) -> Result<bool> {
        let mut writes = vec![lease.fence()];
        for one in some {
            writes.extend(one.writes(now)?);
        }
        done(table.transact(writes).await)
    }
}

/// Was it done, or refused?
fn done(outcome: Result<(), WriteError>) -> Result<bool> {
    let Err(error) = outcome else { return Ok(true) };
    if error.refusal()?.has("lease") { Err(lease_lost()) } else { Ok(false) }
}
