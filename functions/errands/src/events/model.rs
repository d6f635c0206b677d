//! Events and their rows.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ids;
use shared::ledger::shard;
use shared::problem::Result;
use shared::table::{Entity, Item, Key, Write};

use super::hints::{FanoutHint, V1};
use crate::orders::{OwnedOrder, Status};
use crate::reviews::GivenId;

/// Partitions of the index of unpublished events.
pub const SHARDS: u64 = 4;

/// What notices and counters need to know of an order; never its contact or description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFacts {
    /// The order.
    pub order_id: String,
    /// Its client.
    pub client_id: i64,
    /// Its category.
    pub category: String,
    /// Its city as typed.
    pub city: String,
    /// What cities are compared by.
    pub city_key: String,
    /// Who has taken it, in order.
    pub executors: Vec<i64>,
}

/// Something that was committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// An order was made.
    OrderCreated {
        /// The order.
        order: OrderFacts,
    },
    /// Its category was changed.
    OrderMoved {
        /// The order, with its new category.
        order: OrderFacts,
        /// The old one.
        from_category: String,
    },
    /// Somebody took it; that executor is the last of `order.executors`.
    OrderTaken {
        /// The order.
        order: OrderFacts,
        /// The response deadline, after the first take only.
        response_deadline: Option<Instant>,
    },
    /// Its client responded.
    OrderResponded {
        /// The order.
        order: OrderFacts,
    },
    /// Its stored status changed from active, or from expired to deleted.
    OrderEnded {
        /// The order.
        order: OrderFacts,
        /// From.
        from: Status,
        /// To.
        to: Status,
        /// Did the clock end it, and not its client?
        by_clock: bool,
        /// Kopecks given back to each of `order.executors`; empty where nothing was.
        refunded: Vec<u32>,
    },
    /// A client reviewed an executor.
    Reviewed {
        /// Who wrote it.
        client_id: i64,
        /// 1 to 5.
        rating: i64,
    },
    /// Money came after its payment had expired.
    PaymentLate {
        /// The payer.
        user_id: i64,
        /// The payment.
        payment_id: i64,
        /// How much.
        kopecks: i64,
    },
}

/// An event until it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEvent {
    /// Unique.
    pub id: String,
    /// What happened.
    pub event: Event,
    /// When.
    pub at: Instant,
    /// Have the feed counters been moved by it?
    #[serde(default)]
    pub counted: bool,
    /// Of a new order: the last subscriber that was told of it.
    #[serde(default)]
    pub told_to: Option<String>,
    /// Of a new order: the step of its fan-out that is to be done next.
    #[serde(default)]
    pub step: u32,
}

impl OutboxEvent {
    /// Where the event `id` is.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(format!("EVENT#{id}"), "EVENT")
    }

    /// Of a new order: the hint that carries its fan-out on from where it stands.
    #[must_use]
    pub fn hint(&self) -> Option<FanoutHint> {
        let Event::OrderCreated { order } = &self.event else { return None };
        let (order_id, cursor) = (order.order_id.clone(), self.told_to.clone());
        Some(FanoutHint { order_id, cursor, step: self.step, v: V1 })
    }

    /// Of a new order: its fan-out one step further, behind the subscriber that was told last, and
    /// the write that keeps it, refused under `event` where another came first. Whatever hint of an
    /// earlier step is still on its way is worth nothing then.
    #[must_use]
    pub fn next(&self, told_to: Option<String>, now: Instant) -> (Self, Write) {
        let next = Self { told_to, step: self.step.saturating_add(1), ..self.clone() };
        // Only these: the mark of the counters may come in between.
        let kept = Write::update("event", self.key())
            .set("told_to", &next.told_to)
            .set("step", next.step)
            .set("due_at", now.to_string())
            .when("#step = :before")
            .bind(":before", self.step);
        (next, kept)
    }
}

impl Entity for OutboxEvent {
    const KIND: &'static str = "OutboxEvent";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("due_pk", due_partition(&self.id)), ("due_at", self.at.to_string())]
    }
}

/// The partition of the index of unpublished events that the event `id` stands in.
fn due_partition(id: &str) -> String {
    format!("EVENT#{}", shard(id, SHARDS))
}

/// An event until it is published, as the client's row of an order or the id of a review carries
/// it: a view of that row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedEvent {
    pk: String,
    sk: String,
    /// Unique.
    #[serde(rename = "event_id")]
    pub id: String,
    /// What happened.
    pub event: Event,
}

impl CarriedEvent {
    /// The id of the event that a row carries, if it carries one.
    #[must_use]
    pub fn id_on(item: &Item) -> Option<&str> {
        item.text("event_id")
    }

    /// The event that a row carries, if it carries one.
    ///
    /// # Errors
    /// When the row is none that carries events.
    pub fn on(item: &Item) -> Result<Option<Self>> {
        if Self::id_on(item).is_none() {
            return Ok(None);
        }
        if item.text("kind") == Some(GivenId::KIND) {
            return Ok(Some(item.read::<OnGivenId>()?.0));
        }
        Ok(Some(item.read()?))
    }

    /// The write that takes the event off its row. Refused under `event` when it is off.
    #[must_use]
    pub fn taken_off(&self) -> Write {
        Write::update("event", self.key())
            .remove("event_id")
            .remove("event")
            .remove("due_pk")
            .remove("due_at")
            .when("#event_id = :event")
            .bind(":event", &self.id)
    }
}

/// The write that says what happened, for the transaction in which it does. Refusal `event`.
///
/// # Errors
/// A bug, when the event does not serialise.
pub fn emit(event: Event, now: Instant) -> Result<Write> {
    let id = match &event {
        // Whoever tells of the order finds the event by the order alone.
        Event::OrderCreated { order } => order.order_id.clone(),
        _ => ids::uuid(),
    };
    let row = OutboxEvent { id, event, at: now, counted: false, told_to: None, step: 0 };
    Ok(Write::insert("event", &row))
}

impl Entity for CarriedEvent {
    const KIND: &'static str = OwnedOrder::KIND;

    fn key(&self) -> Key {
        Key::new(&self.pk, &self.sk)
    }
}

/// A [`CarriedEvent`] on the id of a review.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct OnGivenId(CarriedEvent);

impl Entity for OnGivenId {
    const KIND: &'static str = GivenId::KIND;

    fn key(&self) -> Key {
        self.0.key()
    }
}

/// Adds what happened to the write of a row that can carry an event and carries none: one item less
/// than [`emit`] costs.
#[must_use]
pub fn carry(write: Write, event: &Event, now: Instant) -> Write {
    let id = ids::uuid();
    write
        .set("due_pk", due_partition(&id))
        .set("due_at", now.to_string())
        .set("event_id", id)
        .set("event", event)
}
