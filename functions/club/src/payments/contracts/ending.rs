//! The end of a standing subscription, by its provider's word or by ours.
//!
//! Words come in any order: one that a subscription is over may come before the first payment, which
//! is what tells us of it. It is kept ([`EarlyEnd`]) until the subscription begins here, and whoever
//! performs what follows that payment asks for it ([`catch_up`]): as often as it takes, whatever
//! dies in between and by whichever way the money became known.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity, Key, Table, Write};

use super::{ContractHandle, RecurringContract, find};
use crate::App;
use crate::auth::{self, Member, member_key};
use crate::payments::model::Attempt;
use crate::payments::providers::ProviderError;
use crate::subscriptions::{SubscriptionEvent, set_expiry};

/// What became of the word that a contract is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It is over since now, or its payer's time was shortened now.
    Now,
    /// That was known before.
    Before,
    /// There is no such contract.
    Unknown,
}

/// Writes down that a contract is over, as its provider says: it renews its payer's subscription
/// no more. Paid time stays; only where the provider says that it ends at `until`, the period that
/// this contract's newest payment gave is cut to that, never below now. Two reads and one
/// transaction of four items at most; repeated as often as one likes.
///
/// # Errors
/// 503 when nothing was stored; the same word may then be sent again.
pub async fn closed(
    app: &App,
    handle: &ContractHandle,
    until: Option<Instant>,
    now: Instant,
) -> Result<Closed> {
    let table = &app.platform.table;
    optimistic(|| async {
        let Some(contract) = find(table, handle).await? else {
            return Ok(Round::Done(Closed::Unknown));
        };
        close(table, &contract, until, now).await
    })
    .await
}

/// One round of that, with the contract as it was read.
async fn close(
    table: &Table,
    contract: &RecurringContract,
    until: Option<Instant>,
    now: Instant,
) -> Result<Round<Closed>> {
    let (attempt_at, member_at) =
        (Attempt::key_of(&contract.attempt_id), member_key(contract.payer));
    let rows = table.batch(&[attempt_at.clone(), member_at.clone()]).await?;
    let attempt: Option<Attempt> = rows.get(&attempt_at)?;
    let member: Option<Member> = rows.get(&member_at)?;
    let member = member.ok_or_else(|| Problem::bug("a contract without its payer"))?;
    let cut = until.and_then(|until| contract.cut(member.subscription_expires, until, now));
    let renewed = member.auto_renewal && member.contract.as_ref() == Some(&contract.handle());
    if !contract.live && !renewed && cut.is_none() {
        return Ok(Round::Done(Closed::Before));
    }
    let mut writes = vec![ended(contract, now)];
    let own = attempt.filter(|attempt| {
        attempt.contract.as_ref() == Some(&contract.contract_id) && !attempt.contract_over
    });
    writes.extend(own.map(|attempt| marked(&attempt, contract, now)));
    if renewed || cut.is_some() {
        writes.push(stopped(&member, renewed, cut, now));
    }
    writes.push(Write::put("subscription", &event(contract, &member, cut, now)));
    match table.transact(writes).await {
        Ok(()) => Ok(Round::Done(Closed::Now)),
        // Whatever was refused, the next round sees why.
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

fn ended(contract: &RecurringContract, now: Instant) -> Write {
    Write::update("contract", contract.key())
        .set("live", false)
        .set("updated_at", now)
        .when("#live = :seen AND #newest = :newest")
        .bind(":seen", contract.live)
        .bind(":newest", &contract.newest)
}

fn marked(attempt: &Attempt, contract: &RecurringContract, now: Instant) -> Write {
    Write::update("attempt", attempt.key())
        .set("contract_over", true)
        .set("updated_at", now)
        .when("#contract = :contract")
        .bind(":contract", &contract.contract_id)
}

/// The change of the payer.
fn stopped(member: &Member, renewed: bool, cut: Option<Instant>, now: Instant) -> Write {
    let mut change = auth::change(member, now);
    if renewed {
        change = change.set("auto_renewal", false);
    }
    match cut {
        Some(cut) => set_expiry(change, member, cut, now),
        None => change,
    }
}

fn event(
    contract: &RecurringContract,
    member: &Member,
    cut: Option<Instant>,
    now: Instant,
) -> SubscriptionEvent {
    let event = if contract.live { "contract_ended" } else { "contract_cut" };
    SubscriptionEvent {
        tg_id: member.tg_id,
        cause: format!("{}:{}:{}", contract.provider.name(), contract.contract_id, contract.newest),
        event: event.to_owned(),
        from: member.subscription_expires,
        until: cut.or(member.subscription_expires).unwrap_or(now),
        at: now,
    }
}

/// A subscription that is over before we know that it began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EarlyEnd {
    /// Which.
    #[serde(flatten)]
    handle: ContractHandle,
    /// Until when it is paid, where its provider says so.
    until: Option<Instant>,
    /// When its provider said so.
    at: Instant,
}

/// How long one is kept, in days: providers tell of money again for days, and the hourly look into
/// their books reaches back as far.
const EARLY_END_KEPT: u32 = 90;

impl EarlyEnd {
    fn key_of(handle: &ContractHandle) -> Key {
        early_end_at(&RecurringContract::key_of(handle.provider, &handle.contract_id))
    }
}

/// Where it is kept that a contract is over before it began: beside the contract.
#[must_use]
pub fn early_end_at(contract: &Key) -> Key {
    Key::new(contract.pk.clone(), "EARLYEND")
}

impl Entity for EarlyEnd {
    const KIND: &'static str = "EarlyEnd";

    fn key(&self) -> Key {
        Self::key_of(&self.handle)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(EARLY_END_KEPT))
    }
}

/// Takes a provider's word that a subscription is over; see [`closed`]. Of one that has not begun
/// here, the word is kept for when it does; and asked after once more, as it may have begun in
/// between. One write and one read more for one of those.
///
/// # Errors
/// 503 when nothing was stored; the same word may then be sent again.
pub async fn over(
    app: &App,
    handle: &ContractHandle,
    until: Option<Instant>,
    now: Instant,
) -> Result<Closed> {
    let closed_now = closed(app, handle, until, now).await?;
    if closed_now != Closed::Unknown {
        return Ok(closed_now);
    }
    let early = EarlyEnd { handle: handle.clone(), until, at: now };
    app.platform.table.write(Write::put("early", &early)).await?;
    closed(app, handle, until, now).await
}

/// Ends a subscription that has begun here, where its provider had said before that it is over. One
/// read for one that goes on.
///
/// # Errors
/// 503 when the store does not answer.
pub async fn catch_up(app: &App, handle: &ContractHandle, now: Instant) -> Result<()> {
    let early: Option<EarlyEnd> = app.platform.table.get(&EarlyEnd::key_of(handle)).await?;
    let Some(early) = early else { return Ok(()) };
    let closed = closed(app, handle, early.until, now).await?;
    tracing::info!(?closed, "a subscription was over before it began here");
    Ok(())
}

/// Why a contract is not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// There is no such contract.
    #[error("no such contract")]
    Unknown,
    /// Its provider did not confirm the end.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// It did, and that is not kept.
    #[error("the end of a contract is not kept")]
    Store(#[source] Problem),
}

/// Ends a contract at its provider, and writes that down. To end one that is over asks nobody.
/// Whatever fails, the whole may be done again: to end a subscription twice is harmless.
///
/// # Errors
/// See [`EndError`].
pub async fn end(
    app: &App,
    handle: &ContractHandle,
    limit: Duration,
    now: Instant,
) -> Result<Closed, EndError> {
    let found = find(&app.platform.table, handle).await.map_err(EndError::Store)?;
    end_of(app, &found.ok_or(EndError::Unknown)?, limit, now).await
}

/// The same with the contract as it was read.
///
/// # Errors
/// See [`EndError`].
pub async fn end_of(
    app: &App,
    contract: &RecurringContract,
    limit: Duration,
    now: Instant,
) -> Result<Closed, EndError> {
    if contract.live {
        contract.provider.end(app, contract, limit).await?;
    }
    closed(app, &contract.handle(), None, now).await.map_err(EndError::Store)
}
