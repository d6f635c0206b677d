//! Standing subscriptions at a provider: it takes the money of every period by itself.
//!
//! A contract goes by the provider's own id of it. The first payment begins it; each further one
//! renews the attempt that began it. It is *live* until its provider has confirmed its end, by
//! its own word or as the answer to ours. The attempt that began it keeps whether it is
//! (`contract_over`), so that money which names the attempt alone is judged without another read.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::money::Money;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity, Key, Table, Write};

use super::model::{Attempt, Payment, Success};
use super::providers::{Provider, ProviderError};
use crate::App;
use crate::auth::{self, Member, member_key};
use crate::subscriptions::{SubscriptionEvent, set_expiry};

/// Names a standing subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContractHandle {
    /// Who takes the money.
    pub provider: Provider,
    /// The provider's id.
    pub contract_id: String,
}

/// A provider's standing subscription. Unique by provider and the provider's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringContract {
    /// Who takes the money.
    pub provider: Provider,
    /// The provider's id.
    pub contract_id: String,
    /// The attempt that began it.
    pub attempt_id: String,
    /// Who pays, by Telegram id.
    pub payer: i64,
    /// The payer's e-mail, by which some providers know it; identifies nobody here.
    #[serde(default)]
    pub email: Option<String>,
    /// The offer's key.
    pub offer: String,
    /// The days that each payment buys.
    pub days: u32,
    /// What each payment is.
    pub price: Money,
    /// The provider's id of its newest payment.
    pub newest: String,
    /// Until when the payer's subscription lasted before that payment, or when it came.
    #[serde(default)]
    pub paid_from: Option<Instant>,
    /// Until when the payer's subscription lasted after it.
    #[serde(default)]
    pub paid_until: Option<Instant>,
    /// Has the provider not yet confirmed its end?
    pub live: bool,
    /// When it began.
    pub started_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

impl RecurringContract {
    /// Where the contract is that `provider` calls `contract_id`.
    #[must_use]
    pub fn key_of(provider: Provider, contract_id: &str) -> Key {
        Key::new(format!("CONTRACT#{}#{contract_id}", provider.name()), "CONTRACT")
    }

    /// What names it.
    #[must_use]
    pub fn handle(&self) -> ContractHandle {
        ContractHandle { provider: self.provider, contract_id: self.contract_id.clone() }
    }

    /// Until when the payer's subscription lasts when the provider says that the paid time ends
    /// at `until`; `None` when nothing changes. Only the period that its newest payment gave is
    /// shortened, and only while nothing else has moved the end since.
    #[must_use]
    pub fn cut(&self, expires: Option<Instant>, until: Instant, now: Instant) -> Option<Instant> {
        let (expires, paid_until) = (expires?, self.paid_until?);
        if expires != paid_until || expires <= now || until >= expires {
            return None;
        }
        let cut = until.max(now).max(self.paid_from.unwrap_or(now));
        (cut < expires).then_some(cut)
    }
}

impl Entity for RecurringContract {
    const KIND: &'static str = "RecurringContract";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.contract_id)
    }
}

/// What a payment is to standing subscriptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Single,
    /// The first of one.
    Begins(String),
    /// One more of one.
    Renews {
        /// The provider's id of it.
        contract_id: String,
        /// Has the provider not yet confirmed its end?
        live: bool,
    },
}

impl Standing {
    /// What a success is to the standing subscription that it names, `named` as it is stored, or
    /// else to the attempt's own. The attempt's terms decide whether there is one: what a provider
    /// says of that is optional.
    #[must_use]
    pub fn of(attempt: &Attempt, success: &Success, named: Option<&RecurringContract>) -> Self {
        if !success.is_of_contract(attempt) {
            return Self::Single;
        }
        let renews = |id: &str, live| Self::Renews { contract_id: id.to_owned(), live };
        match (named, &success.contract_id, &attempt.contract) {
            (Some(contract), _, _) => renews(&contract.contract_id, contract.live),
            (None, Some(id), _) => Self::Begins(id.clone()),
            (None, None, Some(id)) => renews(id, !attempt.contract_over),
            // Telegram knows a subscription by its first charge.
            (None, None, None) if attempt.provider == Provider::Stars => {
                Self::Begins(success.external_id.clone())
            }
            (None, None, None) => Self::Single,
        }
    }

    /// The provider's id of it.
    #[must_use]
    pub fn contract_id(&self) -> Option<&str> {
        match self {
            Self::Single => None,
            Self::Begins(contract_id) | Self::Renews { contract_id, .. } => Some(contract_id),
        }
    }

    /// Is it one more payment of a subscription that goes on?
    #[must_use]
    pub fn goes_on(&self) -> bool {
        matches!(self, Self::Renews { live: true, .. })
    }

    /// What it makes of the member: the subscription that renews the member's own from now on,
    /// and the one that is to end for it.
    #[must_use]
    pub fn follow(
        &self,
        provider: Provider,
        member: &Member,
    ) -> (Option<ContractHandle>, Option<ContractHandle>) {
        let handle = |id: &str| ContractHandle { provider, contract_id: id.to_owned() };
        match (self, &member.contract) {
            (Self::Single, _) => (None, None),
            (Self::Begins(id), current) => {
                let (new, old) = (handle(id), current.clone());
                let old = old.filter(|old| member.auto_renewal && *old != new);
                (Some(new), old)
            }
            (Self::Renews { live: false, .. }, _) => (None, None),
            (Self::Renews { contract_id, .. }, None) => (Some(handle(contract_id)), None),
            // Whether it renews by itself is said already: its end may be under way.
            (Self::Renews { contract_id, .. }, Some(own)) if *own == handle(contract_id) => {
                (None, None)
            }
            // It was to end when the other began, and took money all the same.
            (Self::Renews { contract_id, .. }, Some(_)) => (None, Some(handle(contract_id))),
        }
    }
}

/// The contract of this name, if there is one. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn find(table: &Table, handle: &ContractHandle) -> Result<Option<RecurringContract>> {
    Ok(table.get(&RecurringContract::key_of(handle.provider, &handle.contract_id)).await?)
}

/// The write that goes with a recurring payment, which moved the payer's subscription from one end
/// to another: the first begins the contract, each further one is its newest. Refused under
/// `contract`.
#[must_use]
pub fn paid(
    standing: &Standing,
    attempt: &Attempt,
    payment: &Payment,
    (from, until): (Instant, Instant),
    now: Instant,
) -> Option<Write> {
    Some(match standing {
        Standing::Single => return None,
        Standing::Renews { contract_id, live } => {
            Write::update("contract", RecurringContract::key_of(attempt.provider, contract_id))
                .set("newest", &payment.external_id)
                .set("paid_from", from)
                .set("paid_until", until)
                .set("updated_at", now)
                .when("attribute_exists(#pk) AND #live = :seen_live")
                .bind(":seen_live", live)
        }
        Standing::Begins(contract_id) => Write::insert(
            "contract",
            &RecurringContract {
                provider: attempt.provider,
                contract_id: contract_id.clone(),
                attempt_id: attempt.id.clone(),
                payer: attempt.payer,
                email: attempt.email.clone(),
                offer: attempt.offer.clone(),
                days: attempt.days,
                price: attempt.price,
                newest: payment.external_id.clone(),
                paid_from: Some(from),
                paid_until: Some(until),
                live: true,
                started_at: now,
                updated_at: now,
            },
        ),
    })
}

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
    let mut writes = vec![over(contract, now)];
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

fn over(contract: &RecurringContract, now: Instant) -> Write {
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
        Some(cut) => set_expiry(change, member, cut),
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
