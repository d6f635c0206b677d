//! Notices and states in the table.

use std::collections::HashMap;

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::ids;
use shared::problem::{Problem, Result};
use shared::retry;
use shared::table::{Cursor, Entity as _, Item, Key, Query, Refusal, Table, Write, WriteError};

use super::model::NotifyState;
use super::notice::{Next, Notice, Outcome, State};
use crate::users::user_key;

/// How long a claim lasts: longer than any try may take.
pub(super) const CLAIM: SignedDuration = SignedDuration::from_secs(60);
/// How often the end of a try is written when the table does not take it: the message has left.
const TRIES: u32 = 3;
/// Keys that one batch reads.
const BATCH: usize = 100;

/// The write that asks for a notice, refused under `notice` where it was asked for before.
pub(super) fn insert(notice: &Notice) -> Write {
    Write::insert("notice", notice)
}

/// Asks for a notice by itself. Answers whether it is to be sent: made now, or made before and not
/// over yet. One request.
pub(super) async fn ask(table: &Table, notice: &Notice) -> Result<bool> {
    match table.write(insert(notice)).await {
        Ok(_) => Ok(true),
        Err(error) => {
            let refusal = error.refusal()?;
            let there = refusal.old("notice").map(Item::read::<Notice>).transpose()?;
            Ok(there.is_some_and(|notice| notice.state == State::Pending))
        }
    }
}

/// The right to send a notice.
#[derive(Debug)]
pub(super) struct Claim {
    notice: Notice,
    owner: String,
    fence: i64,
}

impl Claim {
    /// The notice as it was claimed.
    pub(super) fn notice(&self) -> &Notice {
        &self.notice
    }
}

/// Claims a notice that stands due or abandoned as it was read; `None` where somebody else came
/// first. One request.
pub(super) async fn claim(
    table: &Table,
    notice: Notice,
    abandoned: bool,
    now: Instant,
) -> Result<Option<Claim>> {
    let (owner, fence) = (ids::token(), notice.fence.saturating_add(1));
    let crashes = notice.crashes.saturating_add(u32::from(abandoned));
    let notice = Notice { crashes, ..notice };
    let write = Write::update("notice", notice.key())
        .set("owner", &owner)
        .set("claimed_until", now + CLAIM)
        // The sweep need not ask for it before the claim could be taken over.
        .set("due_at", now + CLAIM + notice.crash_pause())
        .set("fence", fence)
        .set("crashes", crashes)
        .when("#state = :pending AND #fence = :seen")
        .bind(":pending", State::Pending)
        .bind(":seen", notice.fence);
    let claimed = match table.write(write).await {
        Ok(_) => true,
        // The SDK repeats an attempt whose answer was lost, and then meets its own write.
        Err(WriteError::Refused(refusal)) => {
            refusal.old("notice").and_then(|item| item.text("owner")) == Some(&owner)
        }
        Err(error) => return Err(error.into()),
    };
    Ok(claimed.then_some(Claim { notice, owner, fence }))
}

/// Records how the try of a claim ended, unless somebody took over, and with it, where Telegram
/// refuses everything to this person, that it does. Answers what becomes of the notice; `None`
/// when that is not ours to say any more. One request.
pub(super) async fn finish(
    table: &Table,
    claim: &Claim,
    outcome: Outcome,
    now: Instant,
) -> Result<Option<Next>> {
    let next = claim.notice.after(outcome, now);
    let mut attempt = 1;
    loop {
        let end = ended(claim, outcome, next);
        let written = match outcome {
            Outcome::Blocked => table.transact(vec![end, blocked(claim.notice.user_id)]).await,
            _ => table.write(end).await.map(|_| ()),
        };
        match written {
            Ok(()) => return Ok(Some(next)),
            Err(WriteError::Refused(refusal)) => {
                return Ok(already(&refusal, next).then_some(next));
            }
            Err(error) if attempt == TRIES => return Err(error.into()),
            Err(_) => retry::pause(attempt).await,
        }
        attempt += 1;
    }
}

fn ended(claim: &Claim, outcome: Outcome, next: Next) -> Write {
    let base = Write::update("notice", claim.notice.key())
        .remove("owner")
        .remove("claimed_until")
        .when("#state = :pending AND #owner = :owner AND #fence = :fence")
        .bind(":pending", State::Pending)
        .bind(":owner", &claim.owner)
        .bind(":fence", claim.fence);
    let counted = match outcome {
        Outcome::Failed => base.add("failures", 1),
        Outcome::Unknown => base.add("timeouts", 1),
        _ => base,
    };
    match next {
        Next::Over(state) => counted.set("state", state).remove("due_pk").remove("due_at"),
        Next::Again(at) => counted.set("try_at", at).set("due_at", at),
    }
}

/// Did an earlier attempt of the same write, whose answer was lost, leave the notice this way?
fn already(refusal: &Refusal, next: Next) -> bool {
    let stands = refusal.old("notice").and_then(|item| item.read::<Notice>().ok());
    stands.is_some_and(|notice| match next {
        Next::Over(state) => notice.state == state,
        Next::Again(at) => notice.owner.is_none() && notice.try_at.to_string() == at.to_string(),
    })
}

/// Nothing is sent to this person until they ask for notices again.
fn blocked(user_id: i64) -> Write {
    Write::update("user", user_key(user_id))
        .set("notifications", false)
        .set("bot_blocked", true)
        .when("attribute_exists(#pk)")
}

/// Ends a notice that nobody has claimed since it was read. Answers whether this call did. One
/// request.
pub(super) async fn close(table: &Table, notice: &Notice, state: State) -> Result<bool> {
    let write = Write::update("notice", notice.key())
        .set("state", state)
        .remove("due_pk")
        .remove("due_at")
        .when("#state = :pending AND #fence = :seen")
        .bind(":pending", State::Pending)
        .bind(":seen", notice.fence);
    match table.write(write).await {
        Ok(_) => Ok(true),
        Err(error) => error.refusal().map(|_| false).map_err(Problem::from),
    }
}

/// The ids of at most `limit` notices of one shard that should have been sent by `by`. One query;
/// the index may lag, and sending checks anew.
pub(super) async fn overdue(
    table: &Table,
    shard: u64,
    by: Instant,
    limit: u32,
) -> Result<Vec<String>> {
    let query = Query::global_index("due", ("due_pk", format!("NOTICE#{shard}")), "due_at");
    let page = table.query(&query.up_to(by.to_string()).limit(limit)).await?;
    let id = |item: &Item| item.text("pk")?.strip_prefix("NOTICE#").map(str::to_owned);
    Ok(page.items.iter().filter_map(id).collect())
}

/// Numbers one more hint at a notice; `None` where it is over. One write.
pub(super) async fn asked_again(table: &Table, id: &str) -> Result<Option<u32>> {
    let write = Write::update("notice", Notice::key_of(id))
        .add("hints", 1)
        .when("#state = :pending")
        .bind(":pending", State::Pending);
    match table.write(write).await {
        Ok(item) => {
            Ok(item.map(|item| item.read::<Notice>()).transpose()?.map(|found| found.hints))
        }
        Err(error) => error.refusal().map(|_| None).map_err(Problem::from),
    }
}

/// The users of one page of digests of one shard that were due by `by`. One query.
pub(super) async fn overdue_digests(
    table: &Table,
    shard: u64,
    by: Instant,
    cursor: Option<Cursor>,
) -> Result<(Vec<i64>, Option<Cursor>)> {
    let query = Query::global_index("due", ("due_pk", format!("DIGEST#{shard}")), "due_at");
    let page = table.query(&query.up_to(by.to_string()).after(cursor)).await?;
    let user = |item: &Item| item.text("pk")?.strip_prefix("USER#")?.parse().ok();
    Ok((page.items.iter().filter_map(user).collect(), page.next))
}

/// Where the user stands with messages of new orders. One read.
pub(super) async fn state(table: &Table, user_id: i64) -> Result<NotifyState> {
    let state = table.get(&NotifyState::key_of(user_id)).await?;
    Ok(state.unwrap_or_else(|| NotifyState::new(user_id)))
}

/// What became of a changed state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is written.
    Yes,
    /// Another writer came first.
    Outrun,
    /// The notice had been asked for before; nothing is written.
    Told,
}

/// Keeps a changed state of the version that was read, with the notice that follows from it. One
/// request.
pub(super) async fn keep(
    table: &Table,
    state: &NotifyState,
    notice: Option<&Notice>,
) -> Result<Kept> {
    let write = Write::put("state", &state.next_version())
        .when("attribute_not_exists(#pk) OR #version = :seen")
        .bind(":seen", state.version);
    let outcome = match notice {
        Some(notice) => table.transact(vec![write, insert(notice)]).await,
        None => table.write(write).await.map(|_| ()),
    };
    match outcome {
        Ok(()) => Ok(Kept::Yes),
        Err(WriteError::Conflict) => Ok(Kept::Outrun),
        Err(error) => {
            let told = error.refusal()?.name() == "notice";
            Ok(if told { Kept::Told } else { Kept::Outrun })
        }
    }
}

/// The items at `keys`, as they stand. One request for each 100.
pub(super) async fn rows(table: &Table, keys: &[Key]) -> Result<HashMap<Key, Item>> {
    let mut items = HashMap::with_capacity(keys.len());
    for batch in keys.chunks(BATCH) {
        let rows = table.batch(batch).await?;
        items.extend(rows.iter().filter_map(|item| Some((item.key()?, item.clone()))));
    }
    Ok(items)
}
