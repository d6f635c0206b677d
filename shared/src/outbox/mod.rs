//! What must happen outside after a commit: a message, a call to a provider.
//!
//! The entry is written in the transaction of the change that wants it, under a key that says what
//! it is about, so that the same thing is never asked for twice. The change stream hands new
//! entries to the delivery queue; a sweep catches what the stream lost. Delivery claims the entry,
//! performs it and marks it.
//!
//! The world outside has no idempotency keys, so nothing can be right for an entry whose outcome is
//! unknown, because the answer was lost or the process died after it had claimed. The service says
//! which wrong it prefers ([`AfterCrash`]): not to perform it again, but to report it, or to perform
//! it perhaps twice, but never not at all.
//!
//! An entry may stand for many: the transaction that wants them writes one, and whoever performs
//! that asks for the others with its end ([`finish_with`]).

mod rules;
#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use rules::{AfterCrash, Outcome, Rules};
use rules::{Next, next};

use crate::clock::{Instant, days};
use crate::ids;
use crate::ledger::shard;
use crate::problem::{Problem, Result};
use crate::table::{Cursor, Entity, Item, Key, Query, Table, Write, WriteError};

/// Partitions of the index of unsent entries.
pub const SHARDS: u64 = 4;
/// How long a sent entry keeps its key from being used again.
const KEPT: u32 = 90;
/// How long a claim lasts: longer than any delivery may take.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);
/// How often an entry is performed anew after a process has died over it, where that is wanted:
/// an entry that kills whoever performs it must end, too.
const CRASHES_MAX: u32 = 5;

/// Where an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To be performed.
    Pending,
    /// Performed.
    Sent,
    /// The world refused for good.
    Refused,
    /// Perhaps performed, perhaps not; not tried again.
    Unconfirmed,
}

/// One thing to be done outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is about, once and for all: (member, kind, date), for example.
    pub id: String,
    /// What is to be done, in the service's own terms.
    pub payload: Value,
    /// Where it stands.
    pub state: State,
    /// Definite failures so far.
    pub failures: u32,
    /// How often whoever had claimed it was not heard of again.
    #[serde(default)]
    pub crashes: u32,
    /// How often its answer was lost.
    #[serde(default)]
    pub losses: u32,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it is to be tried (again).
    pub try_at: Instant,
    /// Who performs it right now.
    pub owner: Option<String>,
    /// Until when at the latest.
    pub claimed_until: Option<Instant>,
}

impl Entry {
    /// Where the entry `id` is stored.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(format!("OUTBOX#{id}"), "OUTBOX")
    }

    /// Reads what is to be done.
    ///
    /// # Errors
    /// A bug, when it is something else.
    pub fn read<P: DeserializeOwned>(&self) -> Result<P> {
        serde_json::from_value(self.payload.clone()).map_err(Problem::bug)
    }
}

impl Entity for Entry {
    const KIND: &'static str = "Outbox";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        match self.state {
            State::Pending => {
                vec![("due_pk", due_partition(&self.id)), ("due_at", self.try_at.to_string())]
            }
            _ => Vec::new(),
        }
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.created_at + days(KEPT))
    }
}

fn due_partition(id: &str) -> String {
    format!("OUTBOX#{}", shard(id, SHARDS))
}

/// The body of a message of the delivery queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// Which entry to perform.
    pub outbox_id: String,
}

/// The right to perform an entry.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The entry.
    pub entry: Entry,
    owner: String,
    rules: Rules,
}

/// What became of a wish to claim.
#[derive(Debug)]
pub enum Claimed {
    /// Go ahead.
    Yes(Box<Claim>),
    /// Already over, or being performed by another, or unknown.
    No,
    /// Not due yet: come again at this instant.
    Later(Instant),
}

/// The write that asks for `payload` under the key `id`, for the transaction that wants it.
///
/// # Errors
/// A bug, when the payload does not serialise.
pub fn ask<P: Serialize>(id: &str, payload: &P, now: Instant) -> Result<Write> {
    ask_later(id, payload, now, now)
}

/// The same for what is not to be performed before `try_at`.
///
/// # Errors
/// See [`ask`].
pub fn ask_later<P: Serialize>(
    id: &str,
    payload: &P,
    try_at: Instant,
    now: Instant,
) -> Result<Write> {
    let entry = Entry {
        id: id.to_owned(),
        payload: serde_json::to_value(payload).map_err(Problem::bug)?,
        state: State::Pending,
        failures: 0,
        crashes: 0,
        losses: 0,
        created_at: now,
        try_at,
        owner: None,
        claimed_until: None,
    };
    Ok(Write::insert("outbox", &entry))
}

/// The hint for a change of the stream, if the change is a new entry.
#[must_use]
pub fn hint(change: &crate::stream::Change) -> Option<Hint> {
    let item = change.new.as_ref().filter(|_| change.old.is_none())?;
    let entry: Entry = item.read().ok()?;
    Some(Hint { outbox_id: entry.id })
}

/// Claims the entry `id`, which is delivered by the `rules` for what it says. One read and one
/// write.
///
/// An entry that was claimed before and whose claim ran out was perhaps performed: the rules say
/// whether it is marked unconfirmed here, or claimed again.
///
/// # Errors
/// When the store does not answer.
pub async fn claim(
    table: &Table,
    id: &str,
    now: Instant,
    rules: impl FnOnce(&Entry) -> Rules,
) -> Result<Claimed> {
    let Some(entry) = table.get::<Entry>(&Entry::key_of(id)).await? else {
        return Ok(Claimed::No);
    };
    if entry.state != State::Pending {
        return Ok(Claimed::No);
    }
    let rules = rules(&entry);
    let owner = ids::token();
    let write = Write::update("outbox", entry.key())
        .set("owner", &owner)
        .set("claimed_until", now + CLAIM)
        .bind(":pending", State::Pending);
    let write = match (&entry.owner, entry.claimed_until) {
        (Some(_), Some(until)) if until > now => return Ok(Claimed::Later(until)),
        (Some(dead), _) if !rules.repeat(entry.crashes, CRASHES_MAX) => {
            let claim = Claim { owner: dead.clone(), entry, rules };
            end(table, &claim, State::Unconfirmed, Vec::new()).await?;
            tracing::error!(outbox_id = id, "a claimed entry was never confirmed");
            return Ok(Claimed::No);
        }
        (Some(dead), _) => {
            tracing::warn!(outbox_id = id, "a claimed entry is performed again");
            write.add("crashes", 1).when("#state = :pending AND #owner = :dead").bind(":dead", dead)
        }
        (None, _) if entry.try_at > now => return Ok(Claimed::Later(entry.try_at)),
        (None, _) => write.when("#state = :pending AND attribute_not_exists(#owner)"),
    };
    let claim = Claim { owner, entry, rules };
    match table.write(write).await {
        Ok(_) => Ok(Claimed::Yes(Box::new(claim))),
        Err(WriteError::Refused(refusal)) => {
            // The SDK repeats an attempt whose answer was lost, and then meets its own write.
            let owner = refusal.old("outbox").and_then(|item| item.text("owner"));
            let ours = owner == Some(&claim.owner);
            Ok(if ours { Claimed::Yes(Box::new(claim)) } else { Claimed::No })
        }
        Err(error) => Err(error.into()),
    }
}

/// Records how performing a claimed entry ended, unless somebody else took it over. Answers when
/// it is to be tried again, if it is.
///
/// # Errors
/// When the store does not answer.
pub async fn finish(
    table: &Table,
    claim: &Claim,
    outcome: Outcome,
    now: Instant,
) -> Result<Option<Instant>> {
    finish_with(table, claim, outcome, Vec::new(), now).await
}

/// The same, and writes what follows in one transaction with the entry's end, 99 writes at most:
/// all that is not there yet, or nothing. A write that is refused by an item that stands where it
/// would has happened before, and is left out. Nothing of it happens when the entry is to be tried
/// again.
///
/// # Errors
/// When the store does not answer.
pub async fn finish_with(
    table: &Table,
    claim: &Claim,
    outcome: Outcome,
    follows: Vec<Write>,
    now: Instant,
) -> Result<Option<Instant>> {
    match next(&claim.entry, claim.rules, outcome, now) {
        Next::Over(state) => end(table, claim, state, follows).await.map(|()| None),
        Next::Again(at, counted) => {
            let again = unclaimed(claim).set("try_at", at).set("due_at", at);
            let again = counted.into_iter().fold(again, |again, counter| again.add(counter, 1));
            match table.write(again).await {
                Ok(_) => Ok(Some(at)),
                Err(error) => error.refusal().map(|_| None).map_err(Problem::from),
            }
        }
    }
}

/// Ends an entry, unless somebody else took it over, with all that follows and is not there yet.
async fn end(table: &Table, claim: &Claim, state: State, mut follows: Vec<Write>) -> Result<()> {
    let over = unclaimed(claim).set("state", state).remove("due_pk").remove("due_at");
    loop {
        let written = if follows.is_empty() {
            table.write(over.clone()).await.map(|_| ())
        } else {
            let writes = std::iter::once(over.clone()).chain(follows.iter().cloned());
            table.transact(writes.collect()).await
        };
        let Err(error) = written else { return Ok(()) };
        let refusal = error.refusal()?;
        let there: Vec<Key> = refusal.items().filter_map(Item::key).collect();
        let missing = follows.len();
        follows.retain(|write| write.key().is_none_or(|key| !there.contains(&key)));
        // The entry is another's, and so is what follows; or a write can never happen.
        if there.contains(&claim.entry.key()) || follows.is_empty() && missing == 0 {
            return Ok(());
        }
        if follows.len() == missing {
            return Err(Problem::bug("what follows an entry is refused by nothing"));
        }
    }
}

fn unclaimed(claim: &Claim) -> Write {
    Write::update("outbox", claim.entry.key())
        .remove("owner")
        .remove("claimed_until")
        .when("#state = :pending AND #owner = :owner")
        .bind(":pending", State::Pending)
        .bind(":owner", &claim.owner)
}

/// One page of the entries of one shard that should have been tried by `by`. One query; the index
/// may lag, and claiming checks anew.
///
/// # Errors
/// When the store does not answer.
pub async fn overdue(
    table: &Table,
    shard: u64,
    by: Instant,
    cursor: Option<Cursor>,
) -> Result<(Vec<Hint>, Option<Cursor>)> {
    let partition = ("due_pk", format!("OUTBOX#{shard}"));
    let query = Query::global_index("due", partition, "due_at").up_to(by.to_string()).after(cursor);
    let page = table.query(&query).await?;
    let hint = |item: &Item| {
        let id = item.text("pk")?.strip_prefix("OUTBOX#")?;
        Some(Hint { outbox_id: id.to_owned() })
    };
    Ok((page.items.iter().filter_map(hint).collect(), page.next))
}
