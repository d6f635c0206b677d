//! What payments keep in the table, and where.

mod aside;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::{Instant, days};
use shared::ids;
use shared::ledger::shard;
use shared::money::Currency;
use shared::table::{Entity, Key};

pub use aside::{Assignment, Dismissal, Fate, UnassignedPayment};

use super::model::{Attempt, Payment, Status};
use super::offers::{Offer, Purpose};
use super::providers::Provider;

/// Partitions of the index of attempts that are to be looked at.
pub const DUE_SHARDS: u64 = 4;
/// The partition of the index `registry` that holds the stored offers.
pub const OFFERS: &str = "OFFERS";
/// How long what nobody decides by any more is kept, in days.
const EVENTS_KEPT: u32 = 400;

/// Why an attempt is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A check of a pending attempt.
    Check,
    /// One more question about an attempt that is not pending.
    FollowUp,
}

impl Due {
    /// What attempts in this state are looked at for.
    #[must_use]
    pub fn of(status: Status) -> Option<Self> {
        match status {
            Status::Pending => Some(Self::Check),
            Status::Created | Status::Failed | Status::Abandoned => Some(Self::FollowUp),
            Status::Paid | Status::Refunded => None,
        }
    }

    /// The partition of the index `due` with this number.
    #[must_use]
    pub fn partition(self, shard: u64) -> String {
        match self {
            Self::Check => format!("CHECK#{shard}"),
            Self::FollowUp => format!("FOLLOWUP#{shard}"),
        }
    }

    /// The partition of the index `due` that an attempt stands in.
    #[must_use]
    pub fn partition_of(self, attempt_id: &str) -> String {
        self.partition(shard(attempt_id, DUE_SHARDS))
    }
}

/// The partition of the index `payer` with what a payer has of this kind.
#[must_use]
pub fn payer_partition(kind: &str, tg_id: i64) -> String {
    format!("{}#{tg_id}", kind.to_uppercase())
}

/// Where something stands in the index `payer`: by when it began.
fn payer_index(kind: &str, tg_id: i64, at: Instant) -> [(&'static str, String); 2] {
    [("payer_pk", payer_partition(kind, tg_id)), ("payer_at", at.to_string())]
}

/// The attribute by which the index `invoice` finds an attempt.
pub const INVOICE_INDEXED: &str = "invoice_pk";

/// The partition of the index `invoice` with the attempt of a provider's invoice. `None` of a
/// provider whose invoices go by the attempt's own id.
#[must_use]
pub fn invoice_partition(provider: Provider, invoice_id: &str) -> Option<String> {
    match provider {
        Provider::Lavatop | Provider::Cloudpayments => {
            Some(format!("{}#{invoice_id}", provider.name()))
        }
        Provider::Stars | Provider::Sandbox => None,
    }
}

impl Entity for Offer {
    const KIND: &'static str = "Offer";

    fn key(&self) -> Key {
        Self::key_of(&self.key)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("registry_pk", OFFERS.to_owned())]
    }
}

impl Offer {
    /// Where the offer `key` is, once an administrator has changed it.
    #[must_use]
    pub fn key_of(key: &str) -> Key {
        Key::new(format!("OFFER#{key}"), "OFFER")
    }
}

impl Entity for Attempt {
    const KIND: &'static str = "Attempt";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let due = Due::of(self.status).filter(|_| self.due_at.is_some());
        let mut index = Vec::from(payer_index(Self::KIND, self.payer, self.created_at));
        index.extend(due.map(|due| ("due_pk", due.partition_of(&self.id))));
        let invoice = self.invoice_id.as_deref();
        let invoice = invoice.and_then(|id| invoice_partition(self.provider, id));
        index.extend(invoice.map(|partition| (INVOICE_INDEXED, partition)));
        index
    }
}

impl Attempt {
    /// Where the attempt `id` is.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(format!("ATTEMPT#{id}"), "ATTEMPT")
    }

    /// A new id of an attempt of this payer. It tells its payer, so that whoever brings the word
    /// of a payment, which names the attempt alone, can have both read at once.
    #[must_use]
    pub fn new_id(payer: i64, now: Instant) -> String {
        format!("att_{}", ids::ulid_of(now, u64::try_from(payer).unwrap_or_default()))
    }

    /// Whom the id of an attempt tells as its payer. Only a hint: who pays stands in the attempt.
    #[must_use]
    pub fn payer_in(id: &str) -> Option<i64> {
        let owner = ids::owner_of(id.strip_prefix("att_")?)?;
        i64::try_from(owner).ok().filter(|payer| *payer > 0)
    }

    /// Does this read like the id of an attempt?
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        text.strip_prefix("att_").is_some_and(|ulid| {
            ulid.len() == 26 && ulid.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    }

    /// What keeps a second attempt of these terms from being opened.
    #[must_use]
    pub fn slot(&self) -> Slot {
        Slot {
            payer: self.payer,
            offer: self.offer.clone(),
            provider: self.provider,
            currency: self.price.currency,
            recipient: self.recipient,
        }
    }
}

/// Terms of which a payer has at most one open attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Who pays.
    pub payer: i64,
    /// The offer's key.
    pub offer: String,
    /// Who takes the money.
    pub provider: Provider,
    /// In which currency.
    pub currency: Currency,
    /// For whom.
    pub recipient: Option<i64>,
}

impl Slot {
    /// Where the open attempt of these terms is named.
    #[must_use]
    pub fn key(&self) -> Key {
        let recipient = self.recipient.map(|id| id.to_string()).unwrap_or_default();
        let (provider, currency) = (self.provider.name(), self.currency.code());
        // The offer comes last: it is the only part that is not of a fixed alphabet.
        let pk = format!("OPEN#{}#{provider}#{currency}#{recipient}#{}", self.payer, self.offer);
        Key::new(pk, "OPEN")
    }
}

/// Names the open attempt of some terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenAttempt {
    /// The terms.
    pub slot: Slot,
    /// The attempt.
    pub attempt_id: String,
}

impl Entity for OpenAttempt {
    const KIND: &'static str = "OpenAttempt";

    fn key(&self) -> Key {
        self.slot.key()
    }
}

impl Entity for Payment {
    const KIND: &'static str = "Payment";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.external_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        Vec::from(payer_index(Self::KIND, self.payer, self.at))
    }
}

impl Payment {
    /// Where the payment is that `provider` calls `external_id`.
    #[must_use]
    pub fn key_of(provider: Provider, external_id: &str) -> Key {
        Key::new(format!("PAYMENT#{}#{external_id}", provider.name()), "PAYMENT")
    }
}

/// Money given back, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Who took the money.
    pub provider: Provider,
    /// The provider's id of the payment.
    pub external_id: String,
    /// The provider's id of the refund.
    pub refund_id: String,
    /// Minor units given back.
    pub minor: u64,
    /// Days taken back.
    pub days: u32,
    /// Energies taken back.
    pub energies: u32,
    /// Energies that were not there any more; never collected.
    pub uncovered: u32,
    /// When.
    pub at: Instant,
}

impl Refund {
    /// Where the refund of a payment is that its provider calls `refund_id`: beside the payment.
    #[must_use]
    pub fn key_of(provider: Provider, external_id: &str, refund_id: &str) -> Key {
        let payment = Payment::key_of(provider, external_id);
        Key::new(payment.pk, format!("REFUND#{refund_id}"))
    }
}

impl Entity for Refund {
    const KIND: &'static str = "Refund";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.external_id, &self.refund_id)
    }
}

/// Something that happened to an attempt, for analytics; grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnalyticsEvent {
    /// The attempt.
    pub attempt_id: String,
    /// `payment_attempt`, `payment_success`, `payment_failed`.
    pub event: String,
    /// Tells apart what happens to one attempt more than once.
    pub cause: String,
    /// Whose attempt.
    pub tg_id: i64,
    /// The attempt's purpose.
    pub purpose: Purpose,
    /// The offer's key.
    pub offer: String,
    /// What the form told besides.
    #[serde(default)]
    pub details: serde_json::Map<String, Value>,
    /// When.
    pub at: Instant,
}

impl AnalyticsEvent {
    /// Something that happened to `attempt`.
    #[must_use]
    pub fn of(attempt: &Attempt, event: &str, cause: &str, at: Instant) -> Self {
        Self {
            attempt_id: attempt.id.clone(),
            event: event.to_owned(),
            cause: cause.to_owned(),
            tg_id: attempt.payer,
            purpose: attempt.purpose,
            offer: attempt.offer.clone(),
            details: serde_json::Map::new(),
            at,
        }
    }
}

impl Entity for AnalyticsEvent {
    const KIND: &'static str = "AnalyticsEvent";

    fn key(&self) -> Key {
        let pk = Attempt::key_of(&self.attempt_id).pk;
        Key::new(pk, format!("EVENT#{}#{}", self.event, self.cause))
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(EVENTS_KEPT))
    }
}
