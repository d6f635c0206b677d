//! Money that came and money that went back: what is said of it, and what follows. No I/O.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::money::Money;

use super::{Attempt, Status};
use crate::payments::offers::Purpose;
use crate::payments::providers::Provider;

/// What a provider says of a sum, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// A decimal string; what was agreed when there is none.
    pub amount: Option<String>,
    /// A currency's code; the agreed one when there is none.
    pub currency: Option<String>,
}

impl Said {
    /// A sum in full.
    #[must_use]
    pub fn sum(sum: Money) -> Self {
        Self { amount: Some(sum.to_string()), currency: Some(sum.currency.code().to_owned()) }
    }

    /// Is it what was agreed, to the last minor unit?
    #[must_use]
    pub fn agrees(&self, price: Money) -> bool {
        let currency = self.currency.as_ref().map_or(Ok(price.currency), |code| code.parse());
        let Ok(currency) = currency else { return false };
        let sum = self.amount.as_ref().map(|amount| Money::parse(amount, currency));
        sum.unwrap_or(Ok(Money::new(price.minor, currency))) == Ok(price)
    }
}

/// A provider's word that money came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    /// Who says so.
    pub provider: Provider,
    /// The attempt that it names; empty where only the standing subscription leads to it.
    pub attempt_id: String,
    /// The provider's id of the payment.
    pub external_id: String,
    /// How much, as it says.
    pub said: Said,
    /// Who paid, by Telegram id, where it says so.
    pub payer: Option<i64>,
    /// Does it belong to a standing subscription?
    pub recurs: bool,
    /// The provider's id of the standing subscription, where it tells one.
    pub contract_id: Option<String>,
}

impl Success {
    /// Is it a payment of a standing subscription that `attempt` began or begins? The attempt's
    /// terms decide: whether a provider says so is up to it.
    #[must_use]
    pub fn is_of_contract(&self, attempt: &Attempt) -> bool {
        attempt.recurs && attempt.purpose == Purpose::Own && attempt.provider == self.provider
    }
}

/// Money received. Unique by provider and the provider's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Who took it.
    pub provider: Provider,
    /// The provider's id.
    pub external_id: String,
    /// The attempt it settled.
    pub attempt_id: String,
    /// Who paid, by Telegram id.
    pub payer: i64,
    /// How much.
    pub sum: Money,
    /// What it bought.
    pub purpose: Purpose,
    /// The days that it gave.
    pub days: u32,
    /// The energies that it gave.
    pub energies: u32,
    /// The token of the gift that it gave.
    pub gift: Option<String>,
    /// The provider's id of the standing subscription that it belongs to.
    #[serde(default)]
    pub contract: Option<String>,
    /// What was given back of it, in minor units.
    pub refunded: u64,
    /// The days that were taken back for that.
    #[serde(default)]
    pub days_reversed: u32,
    /// The energies that were taken back for that, or would have been, had they not been spent.
    #[serde(default)]
    pub energies_reversed: u32,
    /// When it came.
    pub at: Instant,
}

impl Payment {
    /// Its id, of which energy entry, events and messages are named.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.provider.name(), self.external_id)
    }

    /// The share of `given` that belongs to `refunded` minor units of it, rounded down.
    fn share(&self, given: u32, refunded: u64) -> u32 {
        let share = u128::from(given) * u128::from(refunded) / u128::from(self.sum.minor.max(1));
        u32::try_from(share).unwrap_or(u32::MAX)
    }

    /// What a refund of `minor` units reverses; `None` when more would be given back than came.
    #[must_use]
    pub fn reversal(&self, minor: u64) -> Option<Reversal> {
        let refunded = self.refunded.checked_add(minor)?;
        (minor > 0 && refunded <= self.sum.minor).then(|| Reversal {
            refunded,
            full: refunded == self.sum.minor,
            days: self.share(self.days, refunded).saturating_sub(self.days_reversed),
            energies: self.share(self.energies, refunded).saturating_sub(self.energies_reversed),
        })
    }
}

/// What one refund reverses of what its payment gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// What is given back in all, in minor units.
    pub refunded: u64,
    /// Is that the whole payment?
    pub full: bool,
    /// Days to take back.
    pub days: u32,
    /// Energies to take back, as far as they are there.
    pub energies: u32,
}

/// What is to be done about a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Settle it: the attempt's first payment, or one more.
    Settle {
        /// Was nothing paid before?
        first: bool,
    },
    /// It is settled already.
    Duplicate,
    /// Keep it apart, for a person to decide, and say why.
    Quarantine(&'static str),
}

/// Judges a success by what is stored under the attempt and the payment that it names. `renewed`:
/// it was paid by the attempt's own standing subscription, which has not ended.
#[must_use]
pub fn judge(
    attempt: Option<&Attempt>,
    payment: Option<&Payment>,
    success: &Success,
    renewed: bool,
) -> Verdict {
    let Some(attempt) = attempt else { return Verdict::Quarantine("unknown_attempt") };
    if let Some(payment) = payment {
        return match payment.attempt_id == attempt.id {
            true => Verdict::Duplicate,
            false => Verdict::Quarantine("two_attempts"),
        };
    }
    if attempt.provider != success.provider {
        return Verdict::Quarantine("other_provider");
    }
    if !success.said.agrees(attempt.price) {
        return Verdict::Quarantine("other_sum");
    }
    if success.payer.is_some_and(|payer| payer != attempt.payer) {
        return Verdict::Quarantine("other_payer");
    }
    match (attempt.status, attempt.purpose) {
        (Status::Refunded, Purpose::Own) if renewed => Verdict::Settle { first: false },
        (Status::Refunded, _) => Verdict::Quarantine("refunded_before"),
        (Status::Paid, Purpose::Gift) => Verdict::Quarantine("gift_paid_before"),
        (status, _) => Verdict::Settle { first: status != Status::Paid },
    }
}
