//! What must happen outside after a commit: a message, a call to a provider.
//!
//! The entry is written in the transaction of the change that wants it, under a key that says what
//! it is about, so that the same thing is never asked for twice. The change stream hands new
//! entries to the delivery queue; a sweep catches what the stream lost. Delivery claims the entry,
//! performs it and marks it.
//!
//! The world outside has no idempotency keys, so an entry whose outcome is unknown (the answer
//! was lost, or the process died after it had claimed) is *not* performed again: it is marked
//! unconfirmed and reported.

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
/// Pauses after definite failures; after the last the entry is given up.
const PAUSES_S: [i64; 3] = [1, 5, 15];

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
    /// Perhaps performed, perhaps not; never tried again.
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

/// How performing an entry ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Sent,
    /// Refused for good.
    Refused,
    /// Certainly not done; may be tried again, after this pause at the earliest if the other
    /// side named one.
    Failed(Option<SignedDuration>),
    /// Perhaps done.
    Unknown,
}

/// The right to perform an entry.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The entry.
    pub entry: Entry,
    owner: String,
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
    let entry = Entry {
        id: id.to_owned(),
        payload: serde_json::to_value(payload).map_err(Problem::bug)?,
        state: State::Pending,
        failures: 0,
        created_at: now,
        try_at: now,
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

/// Claims the entry `id`. One read and one write.
///
/// An entry that was claimed before and whose claim ran out was perhaps performed: it is marked
/// unconfirmed here, and not claimed.
///
/// # Errors
/// When the store does not answer.
pub async fn claim(table: &Table, id: &str, now: Instant) -> Result<Claimed> {
    let Some(entry) = table.get::<Entry>(&Entry::key_of(id)).await? else {
        return Ok(Claimed::No);
    };
    if entry.state != State::Pending {
        return Ok(Claimed::No);
    }
    match (&entry.owner, entry.claimed_until) {
        (Some(_), Some(until)) if until > now => return Ok(Claimed::Later(until)),
        (Some(owner), _) => {
            let claim = Claim { owner: owner.clone(), entry };
            finish(table, &claim, Outcome::Unknown, now).await?;
            tracing::error!(outbox_id = id, "a claimed entry was never confirmed");
            return Ok(Claimed::No);
        }
        (None, _) if entry.try_at > now => return Ok(Claimed::Later(entry.try_at)),
        (None, _) => {}
    }
    let owner = ids::token();
    let write = Write::update("outbox", entry.key())
        .set("owner", &owner)
        .set("claimed_until", now + CLAIM)
        .when("#state = :pending AND attribute_not_exists(#owner)")
        .bind(":pending", State::Pending);
    match table.write(write).await {
        Ok(_) => Ok(Claimed::Yes(Box::new(Claim { entry, owner }))),
        Err(WriteError::Refused(refusal)) => {
            // The SDK repeats an attempt whose answer was lost, and then meets its own write.
            let ours = refusal.old("outbox").and_then(|item| item.text("owner")) == Some(&owner);
            Ok(if ours { Claimed::Yes(Box::new(Claim { entry, owner })) } else { Claimed::No })
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
    let base = Write::update("outbox", claim.entry.key())
        .remove("owner")
        .remove("claimed_until")
        .when("#state = :pending AND #owner = :owner")
        .bind(":pending", State::Pending)
        .bind(":owner", &claim.owner);
    let (write, again) = match next(claim.entry.failures, outcome, now) {
        Next::Over(state) => (base.set("state", state).remove("due_pk").remove("due_at"), None),
        Next::Again(at) => (base.set("try_at", at).set("due_at", at).add("failures", 1), Some(at)),
    };
    match table.write(write).await {
        Ok(_) => Ok(again),
        Err(error) => error.refusal().map(|_| None).map_err(Problem::from),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Over(State),
    Again(Instant),
}

fn next(failures: u32, outcome: Outcome, now: Instant) -> Next {
    match outcome {
        Outcome::Sent => Next::Over(State::Sent),
        Outcome::Refused => Next::Over(State::Refused),
        Outcome::Unknown => Next::Over(State::Unconfirmed),
        // Being told to wait is no failure of this entry.
        Outcome::Failed(Some(pause)) => Next::Again(now + pause),
        Outcome::Failed(None) => {
            let index = usize::try_from(failures).unwrap_or(usize::MAX);
            match PAUSES_S.get(index) {
                Some(pause) => Next::Again(now + SignedDuration::from_secs(*pause)),
                None => Next::Over(State::Refused),
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;
    use crate::table::testing;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(1_768_900_000 + seconds)
    }

    async fn asked() -> Table {
        let table = testing::table().await;
        table.transact(vec![ask("hello", &"payload", at(0)).unwrap()]).await.unwrap();
        table
    }

    async fn claimed(table: &Table, now: Instant) -> Option<Box<Claim>> {
        match claim(table, "hello", now).await.unwrap() {
            Claimed::Yes(claim) => Some(claim),
            _ => None,
        }
    }

    async fn state(table: &Table) -> State {
        table.get::<Entry>(&Entry::key_of("hello")).await.unwrap().unwrap().state
    }

    #[tokio::test]
    async fn one_of_many_performs_it_once() {
        let table = asked().await;
        let claims = join_all((0..20).map(|_| claimed(&table, at(0)))).await;
        let mut claims: Vec<_> = claims.into_iter().flatten().collect();
        assert_eq!(claims.len(), 1);
        finish(&table, &claims.remove(0), Outcome::Sent, at(1)).await.unwrap();
        assert!(claimed(&table, at(100)).await.is_none());
        assert_eq!(state(&table).await, State::Sent);
    }

    #[tokio::test]
    async fn the_same_thing_is_not_asked_for_twice() {
        let table = asked().await;
        let again = table.transact(vec![ask("hello", &"other", at(5)).unwrap()]).await;
        assert_eq!(again.unwrap_err().refusal().unwrap().name(), "outbox");
    }

    #[tokio::test]
    async fn definite_failures_come_again_and_end() {
        let table = asked().await;
        let mut now = at(0);
        for pause in PAUSES_S {
            let claim = claimed(&table, now).await.unwrap();
            let again = finish(&table, &claim, Outcome::Failed(None), now).await.unwrap().unwrap();
            assert_eq!(again, now + SignedDuration::from_secs(pause));
            assert!(matches!(super::claim(&table, "hello", now).await.unwrap(), Claimed::Later(_)));
            now = again;
        }
        let last = claimed(&table, now).await.unwrap();
        assert_eq!(finish(&table, &last, Outcome::Failed(None), now).await.unwrap(), None);
        assert_eq!(state(&table).await, State::Refused);
    }

    #[tokio::test]
    async fn an_abandoned_claim_is_reported_and_not_repeated() {
        let table = asked().await;
        let dead = claimed(&table, at(0)).await.unwrap();
        assert!(claimed(&table, at(59)).await.is_none());
        assert!(claimed(&table, at(60)).await.is_none());
        assert_eq!(state(&table).await, State::Unconfirmed);
        finish(&table, &dead, Outcome::Failed(None), at(61)).await.unwrap();
        assert_eq!(state(&table).await, State::Unconfirmed);
    }

    #[tokio::test]
    async fn the_sweep_finds_what_was_not_sent() {
        let table = asked().await;
        let found = |by| {
            let table = table.clone();
            async move {
                let mut all = Vec::new();
                for shard in 0..SHARDS {
                    all.extend(overdue(&table, shard, by, None).await.unwrap().0);
                }
                all
            }
        };
        assert_eq!(found(at(-1)).await, []);
        assert_eq!(found(at(0)).await, [Hint { outbox_id: "hello".to_owned() }]);
        let claim = claimed(&table, at(0)).await.unwrap();
        finish(&table, &claim, Outcome::Sent, at(0)).await.unwrap();
        assert_eq!(found(at(0)).await, []);
    }
}
