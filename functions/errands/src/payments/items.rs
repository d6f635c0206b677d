//! What payments keep in the table, and where.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::ledger::shard;
use shared::table::{Entity, Key};

use super::model::{Payment, Provider};
use super::proof::{Doubt, Said};
use crate::money::Kopecks;

/// Partitions of the index of payments that are to be asked about, and of the registry.
pub const SHARDS: u64 = 8;

impl Payment {
    /// Where the payment `id` is. Ids of one length sort as they were made.
    #[must_use]
    pub fn key_of(id: i64) -> Key {
        Key::new(format!("PAYMENT#{id:016}"), "PAYMENT")
    }

    /// The partition that the payment `id` stands in: of the index `due` while it is to be asked
    /// about, of the index `registry` always.
    #[must_use]
    pub fn partition_of(id: i64) -> String {
        Self::partition(shard(&id.to_string(), SHARDS))
    }

    /// The name of a partition.
    #[must_use]
    pub fn partition(shard: u64) -> String {
        format!("PAYMENT#{shard}")
    }
}

impl Entity for Payment {
    const KIND: &'static str = "Payment";

    fn key(&self) -> Key {
        Self::key_of(self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let partition = Self::partition_of(self.id);
        let mut index = vec![("registry_pk", partition.clone())];
        if let Some(at) = self.look_at {
            index.extend([("due_pk", partition), ("due_at", at.micros())]);
        }
        index
    }
}

/// Leads from a provider's id of an invoice to its payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoicePointer {
    /// Whose id.
    pub provider: Provider,
    /// The provider's id.
    pub invoice_id: String,
    /// The payment.
    pub payment_id: i64,
}

impl InvoicePointer {
    /// Where the pointer of this invoice is.
    #[must_use]
    pub fn key_of(provider: Provider, invoice_id: &str) -> Key {
        Key::new(format!("INVOICE#{}#{invoice_id}", provider.name()), "INVOICE")
    }
}

impl Entity for InvoicePointer {
    const KIND: &'static str = "InvoicePointer";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.invoice_id)
    }
}

/// Money that was put on a balance, by the provider's id of it: the same money is put there once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who took it.
    pub provider: Provider,
    /// The id of the invoice that was paid, or of the charge.
    pub receipt_id: String,
    /// The payment that it was for.
    pub payment_id: i64,
    /// Whose balance.
    pub user_id: i64,
    /// How much.
    pub kopecks: Kopecks,
    /// When it was put there.
    #[serde(with = "shared::clock::micros")]
    pub at: Instant,
    /// What was taken back when the provider gave the money back.
    pub reversed: Option<Kopecks>,
    /// What was not on the balance any more then.
    pub shortfall: Option<Kopecks>,
    /// When that was.
    #[serde(default, with = "shared::clock::micros::option")]
    pub reversed_at: Option<Instant>,
}

impl Receipt {
    /// Where the receipt with this id of the provider is.
    #[must_use]
    pub fn key_of(provider: Provider, receipt_id: &str) -> Key {
        Key::new(format!("RECEIPT#{}#{receipt_id}", provider.name()), "RECEIPT")
    }
}

impl Entity for Receipt {
    const KIND: &'static str = "ProviderReceipt";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.receipt_id)
    }
}

/// How long doubtful money is kept, in days.
const QUARANTINE: u32 = 90;

/// Money that fits no payment or contradicts it, until a person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedEvent {
    /// Who took it.
    pub provider: Provider,
    /// The provider's id of the money.
    pub receipt_id: String,
    /// The provider's id of the invoice.
    pub invoice_id: Option<String>,
    /// Why it was put aside.
    pub doubt: Doubt,
    /// What the provider said.
    pub said: Said,
    /// When.
    #[serde(with = "shared::clock::micros")]
    pub at: Instant,
}

impl UnmatchedEvent {
    /// Where the money with this id of the provider is put aside.
    #[must_use]
    pub fn key_of(provider: Provider, receipt_id: &str, doubt: Doubt) -> Key {
        let pk = format!("UNMATCHED#{}#{receipt_id}", provider.name());
        Key::new(pk, format!("UNMATCHED#{}", doubt.name()))
    }
}

impl Entity for UnmatchedEvent {
    const KIND: &'static str = "UnmatchedEvent";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.receipt_id, self.doubt)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(QUARANTINE))
    }
}
