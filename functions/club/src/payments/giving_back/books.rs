//! What is kept of refunds that are asked for: beside their payment, in its partition.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::money::Money;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Query, Table};

use super::Given;
use crate::payments::items::Refund;
use crate::payments::model::Payment;
use crate::payments::providers::Provider;
use crate::texts;

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stands {
    /// The provider may or may not have given the money back.
    Open,
    /// It has, and what the payment gave was reversed.
    Done,
    /// It has not and will not.
    Refused,
}

/// The intent to give back a part of a payment, or all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intent {
    /// `rfd_` and a ULID: by it the provider knows the wish again.
    pub(super) id: String,
    pub(super) provider: Provider,
    pub(super) external_id: String,
    /// How much, in minor units.
    pub(super) minor: u64,
    /// The refunds of the payment that were known before: what else turns up may be this one.
    pub(super) known: Vec<String>,
    pub(super) stands: Stands,
    /// Until when at the latest somebody works on it.
    pub(super) held_until: Instant,
    /// The provider's id of the refund, once it is done.
    pub(super) refund_id: Option<String>,
    /// Was all of the payment given back by then?
    #[serde(default)]
    pub(super) full: bool,
    pub(super) created_at: Instant,
    /// When a call of the provider was last left without its answer.
    #[serde(default)]
    pub(super) lost_at: Option<Instant>,
}

impl Intent {
    /// Since when, at the latest known, the provider may be at it.
    pub(super) fn asked_at(&self) -> Instant {
        self.lost_at.unwrap_or(self.created_at)
    }

    fn key_of(provider: Provider, external_id: &str, id: &str) -> Key {
        Key::new(Payment::key_of(provider, external_id).pk, format!("INTENT#{id}"))
    }
}

impl Entity for Intent {
    const KIND: &'static str = "RefundIntent";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.external_id, &self.id)
    }
}

/// Names the last intent of a payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) provider: Provider,
    pub(super) external_id: String,
    pub(super) intent: String,
}

impl Entity for Slot {
    const KIND: &'static str = "RefundSlot";

    fn key(&self) -> Key {
        Key::new(Payment::key_of(self.provider, &self.external_id).pk, "SLOT")
    }
}

/// A payment and everything beside it.
pub(super) struct Books {
    pub(super) payment: Payment,
    pub(super) refunds: Vec<Refund>,
    pub(super) intents: Vec<Intent>,
    pub(super) slot: Option<Slot>,
}

impl Books {
    /// One query: all of it is one small partition.
    pub(super) async fn open(
        table: &Table,
        provider: Provider,
        external_id: &str,
    ) -> Result<Option<Self>> {
        let pk = Payment::key_of(provider, external_id).pk;
        let (mut payment, mut slot) = (None, None);
        let (mut refunds, mut intents) = (Vec::new(), Vec::new());
        for item in table.query_all(&Query::partition(pk)).await?.items {
            match item.text("kind") {
                Some(Payment::KIND) => payment = Some(item.read()?),
                Some(Slot::KIND) => slot = Some(item.read()?),
                Some(Refund::KIND) => refunds.push(item.read()?),
                Some(Intent::KIND) => intents.push(item.read()?),
                _ => {}
            }
        }
        Ok(payment.map(|payment| Self { payment, refunds, intents, slot }))
    }

    pub(super) fn intent(&self, id: &str) -> Option<&Intent> {
        self.intents.iter().find(|intent| intent.id == id)
    }

    /// The intent that nobody has finished, if there is one.
    pub(super) fn unfinished(&self) -> Option<&Intent> {
        let last = self.slot.as_ref().and_then(|slot| self.intent(&slot.intent));
        last.filter(|intent| intent.stands == Stands::Open)
    }

    /// How much is wanted, in minor units.
    pub(super) fn wanted(&self, amount: Option<&str>) -> Result<u64> {
        let Payment { sum, refunded, provider, .. } = &self.payment;
        let left = sum.minor.saturating_sub(*refunded);
        if left == 0 {
            let text = texts::ALREADY_REFUNDED;
            return Err(Problem::new(StatusCode::CONFLICT, "already_refunded", "Conflict", text));
        }
        let Some(amount) = amount else { return Ok(left) };
        let wanted = Money::parse(amount, sum.currency).ok().map(|wanted| wanted.minor);
        let wanted = wanted.filter(|minor| (1..=left).contains(minor)).ok_or_else(|| {
            let left = Money::new(left, sum.currency);
            Problem::invalid("amount", format!("a decimal string above 0, {left} at most"))
        })?;
        if wanted != sum.minor && !provider.gives_back_parts() {
            return Err(Problem::invalid("amount", "this provider gives back all or nothing"));
        }
        Ok(wanted)
    }

    pub(super) fn given(&self, intent: &Intent, replayed: bool) -> Result<Given> {
        let refund_id = intent.refund_id.clone();
        Ok(Given {
            payment_id: self.payment.id(),
            refund_id: refund_id.ok_or_else(|| Problem::bug("a refund without its id"))?,
            sum: Money::new(intent.minor, self.payment.sum.currency),
            full: intent.full,
            replayed,
        })
    }
}
