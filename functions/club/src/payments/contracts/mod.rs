//! Standing subscriptions at a provider: it takes the money of every period by itself.
//!
//! A contract goes by the provider's own id of it. The first payment begins it; each further one
//! renews the attempt that began it. It is *live* until its provider has confirmed its end, by
//! its own word or as the answer to ours. The attempt that began it keeps whether it is
//! (`contract_over`), so that money which names the attempt alone is judged without another read.

mod ending;

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::money::Money;
use shared::problem::Result;
use shared::table::{Entity, Key, Table, Write};

pub use ending::{Closed, EndError, catch_up, closed, early_end_at, end, end_of, over};

use super::model::{Attempt, Payment, Success};
use super::providers::Provider;
use crate::auth::Member;

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

    /// The one that `payment` is the first of, which moved the payer's subscription from one end to
    /// another, where that is known.
    #[must_use]
    pub fn begun(
        attempt: &Attempt,
        payment: &Payment,
        contract_id: &str,
        span: Option<(Instant, Instant)>,
        now: Instant,
    ) -> Self {
        Self {
            provider: attempt.provider,
            contract_id: contract_id.to_owned(),
            attempt_id: attempt.id.clone(),
            payer: attempt.payer,
            email: attempt.email.clone(),
            offer: attempt.offer.clone(),
            days: attempt.days,
            price: attempt.price,
            newest: payment.external_id.clone(),
            paid_from: span.map(|(from, _)| from),
            paid_until: span.map(|(_, until)| until),
            live: true,
            started_at: payment.at,
            updated_at: now,
        }
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

    /// The subscription that it is the first of.
    #[must_use]
    pub fn begun(&self, provider: Provider) -> Option<ContractHandle> {
        match self {
            Self::Begins(id) => Some(ContractHandle { provider, contract_id: id.clone() }),
            Self::Single | Self::Renews { .. } => None,
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
            // What renews nothing any more was to end, and its provider may have refused that.
            (Self::Renews { contract_id, .. }, Some(own)) if *own == handle(contract_id) => {
                (None, (!member.auto_renewal).then(|| handle(contract_id)))
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
        Standing::Begins(contract_id) => {
            let span = Some((from, until));
            let begun = RecurringContract::begun(attempt, payment, contract_id, span, now);
            Write::insert("contract", &begun)
        }
    })
}
