//! Standing subscriptions at a provider: it takes the money of every period by itself.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::money::Money;
use shared::problem::Result;
use shared::table::{Entity, Key, Table, Write};

use super::model::{Attempt, Payment};
use super::providers::Provider;

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
    /// The offer's key.
    pub offer: String,
    /// The days that each payment buys.
    pub days: u32,
    /// What each payment is.
    pub price: Money,
    /// The provider's id of its newest payment.
    pub newest: String,
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
}

impl Entity for RecurringContract {
    const KIND: &'static str = "RecurringContract";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.contract_id)
    }
}

/// The contract that an attempt began, if it did. One read for one that did.
///
/// # Errors
/// When the store does not answer.
pub async fn of(table: &Table, attempt: &Attempt) -> Result<Option<RecurringContract>> {
    let Some(id) = &attempt.contract else { return Ok(None) };
    Ok(table.get(&RecurringContract::key_of(attempt.provider, id)).await?)
}

/// The write that goes with a recurring payment: the first begins the contract, each further one is
/// its newest. Refused under `contract`.
#[must_use]
pub fn paid(attempt: &Attempt, payment: &Payment, now: Instant) -> Write {
    match &attempt.contract {
        Some(id) => Write::update("contract", RecurringContract::key_of(attempt.provider, id))
            .set("newest", &payment.external_id)
            .set("updated_at", now)
            .when("attribute_exists(#pk)"),
        None => Write::insert(
            "contract",
            &RecurringContract {
                provider: attempt.provider,
                contract_id: payment.external_id.clone(),
                attempt_id: attempt.id.clone(),
                payer: attempt.payer,
                offer: attempt.offer.clone(),
                days: attempt.days,
                price: attempt.price,
                newest: payment.external_id.clone(),
                live: true,
                started_at: now,
                updated_at: now,
            },
        ),
    }
}

/// The write that ends a contract, once its provider has confirmed that.
#[must_use]
pub fn ended(provider: Provider, contract_id: &str, now: Instant) -> Write {
    Write::update("contract", RecurringContract::key_of(provider, contract_id))
        .set("live", false)
        .set("updated_at", now)
        .when("attribute_exists(#pk)")
}
