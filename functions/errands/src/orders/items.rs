//! What orders keep in the table, and where.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ledger::shard;
use shared::table::{Entity, Key};

use crate::money::{Account, Kopecks};

/// Partitions of the index of orders that end by the clock.
pub const DUE_SHARDS: u64 = 8;

/// What is written of an order's end; what holds at an instant is [`super::model`]'s to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Open.
    Active,
    /// Its hour is over.
    Expired,
    /// Withdrawn by its client before anybody took it.
    Deleted,
    /// Closed by its client, or by the clock as the client did not respond.
    ClosedNoResponse,
    /// Done.
    Completed,
}

/// One executor's purchase, as the order shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// Who bought the contact.
    pub executor_id: i64,
    /// When.
    #[serde(with = "shared::clock::micros")]
    pub taken_at: Instant,
    /// Kopecks that were paid for it, which are what may be given back: the price may change.
    pub price: u32,
    /// What it left of the executor's balance.
    pub left: Kopecks,
    /// Since when, by the ledger. Unless the balance has changed since, the price can be given back
    /// without reading it.
    #[serde(with = "shared::clock::micros")]
    pub left_at: Instant,
}

impl Take {
    /// The executor's balance as the take left it.
    pub(super) fn account(&self) -> Account {
        let (user_id, balance) = (self.executor_id, self.left.0);
        Account { user_id, balance, ledger_at: Some(self.left_at) }
    }
}

/// The first review of the order, which every answer that shows the order shows, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstReview {
    /// 1 to 5.
    pub rating: i64,
    /// What was said.
    pub comment: Option<String>,
    /// The review's id.
    pub review_id: i64,
    /// When it was written.
    #[serde(with = "shared::clock::micros")]
    pub at: Instant,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// 12 characters.
    pub id: String,
    /// Its author.
    pub client_id: i64,
    /// One of the seven.
    pub category: String,
    /// What is to be done.
    pub description: String,
    /// The city as typed.
    pub city: String,
    /// What cities are compared by.
    pub city_key: String,
    /// What executors pay to see.
    pub contact: String,
    /// `telegram`, `phone` or `other`.
    pub contact_kind: String,
    /// SHA-256 of what contacts are compared by, base64url.
    pub contact_key: String,
    /// Start of the timer.
    #[serde(with = "shared::clock::micros")]
    pub created_at: Instant,
    /// Its length.
    pub expires_in_minutes: i64,
    /// What is written.
    pub status: Status,
    /// In order of taking.
    #[serde(default)]
    pub taken_by: Vec<Take>,
    /// By when the client has to respond: fixed by the first take.
    #[serde(default, with = "shared::clock::micros::option")]
    pub response_deadline: Option<Instant>,
    /// When the client responded.
    #[serde(default, with = "shared::clock::micros::option")]
    pub customer_responded_at: Option<Instant>,
    /// When it ends by the clock, as [`Order::ends_at`] has it: the key of the index of due
    /// orders.
    #[serde(with = "shared::clock::micros")]
    pub end_at: Instant,
    /// Its first review.
    pub review: Option<FirstReview>,
    /// Grows with every change.
    pub version: i64,
}

/// Where the order `id` is.
#[must_use]
pub fn order_key(id: &str) -> Key {
    Key::new(format!("ORDER#{id}"), "ORDER")
}

impl Status {
    /// The name on the wire and in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::ClosedNoResponse => "closed_no_response",
            Self::Completed => "completed",
        }
    }
}

impl Order {
    /// The partition of the index `due` that an active order of this id stands in.
    #[must_use]
    pub fn due_partition(id: &str) -> String {
        Self::due_shard(shard(id, DUE_SHARDS))
    }

    /// The partition of that index with this number.
    #[must_use]
    pub fn due_shard(shard: u64) -> String {
        format!("ORDER#{shard}")
    }

    /// What feeds are sorted by: the instant of creation, then the id.
    #[must_use]
    pub fn feed_at(&self) -> String {
        format!("{}#{}", self.created_at.micros(), self.id)
    }
}

impl Entity for Order {
    const KIND: &'static str = "Order";

    fn key(&self) -> Key {
        order_key(&self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let mut index = super::feed_partitions(self);
        index.push(("feed_at", self.feed_at()));
        index.push(("registry_pk", Self::due_partition(&self.id)));
        if self.status == Status::Active {
            index.push(("due_pk", Self::due_partition(&self.id)));
            index.push(("due_at", self.end_at.micros()));
        }
        index
    }
}

/// The client's row of an order, in the client's own partition: `mine` is read strongly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnedOrder {
    /// The client.
    pub user_id: i64,
    /// The order.
    pub order_id: String,
    /// Its `feed_at`.
    pub at: String,
    /// Its stored status.
    pub status: Status,
}

impl OwnedOrder {
    /// The row of this order.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        Self {
            user_id: order.client_id,
            order_id: order.id.clone(),
            at: order.feed_at(),
            status: order.status,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn key_of(user_id: i64, at: &str) -> Key {
        Key::new(crate::users::user_key(user_id).pk, format!("OWN#{at}"))
    }

    /// What the index `listed` sorts by; deleted orders are not in it.
    #[must_use]
    pub fn listed_at(at: &str) -> String {
        format!("OWN#{at}")
    }

    /// What the index `filtered` sorts by.
    #[must_use]
    pub fn filtered_at(status: Status, at: &str) -> String {
        format!("OWN#{}#{at}", status.name())
    }
}

impl Entity for OwnedOrder {
    const KIND: &'static str = "OwnedOrder";

    fn key(&self) -> Key {
        Self::key_of(self.user_id, &self.at)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let mut index = vec![("filtered_at", Self::filtered_at(self.status, &self.at))];
        if self.status != Status::Deleted {
            index.push(("listed_at", Self::listed_at(&self.at)));
        }
        index
    }
}

/// An executor's purchase, in the executor's own partition: unique by its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOrder {
    /// The executor.
    pub user_id: i64,
    /// The order.
    pub order_id: String,
    /// The order's `feed_at`.
    pub at: String,
    /// The order's stored status.
    pub status: Status,
    /// When it was bought.
    #[serde(with = "shared::clock::micros")]
    pub taken_at: Instant,
}

impl TakenOrder {
    /// The row of this take of this order.
    #[must_use]
    pub fn of(order: &Order, take: &Take) -> Self {
        Self {
            user_id: take.executor_id,
            order_id: order.id.clone(),
            at: order.feed_at(),
            status: order.status,
            taken_at: take.taken_at,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn key_of(user_id: i64, at: &str) -> Key {
        Key::new(crate::users::user_key(user_id).pk, format!("TAKE#{at}"))
    }

    /// What the index `filtered` sorts by.
    #[must_use]
    pub fn filtered_at(status: Status, at: &str) -> String {
        format!("TAKE#{}#{at}", status.name())
    }
}

impl Entity for TakenOrder {
    const KIND: &'static str = "TakenOrder";

    fn key(&self) -> Key {
        Self::key_of(self.user_id, &self.at)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("filtered_at", Self::filtered_at(self.status, &self.at))]
    }
}

/// Names the one stored-active order of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactLock {
    /// The order's `contact_key`.
    pub contact_key: String,
    /// The order.
    pub order_id: String,
}

impl ContactLock {
    /// The lock of this order.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        Self { contact_key: order.contact_key.clone(), order_id: order.id.clone() }
    }
}

impl Entity for ContactLock {
    const KIND: &'static str = "ContactLock";

    fn key(&self) -> Key {
        Key::new(format!("CONTACT#{}", self.contact_key), "LOCK")
    }
}
