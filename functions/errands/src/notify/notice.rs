//! One message to one person, and what becomes of it. No I/O.
//!
//! ```text
//!                       ┌─▶ sent
//!           claim       ├─▶ skipped  (ended, unwanted, bot blocked)
//! pending ────────▶ in flight ─▶ refused  (4xx)
//!    ▲                  ├─▶ dead     (six failures; two time-outs; still crashing after a day)
//!    └──────────────────┘
//!      429: as told; 5xx: 1, 2, 4, 8, 16 s; time-out: once more; out of turn: when it is;
//!      crash: at once, then after 1, 2, 4, 8, 15, 15, … min
//! ```
//!
//! A crash loses no notice: whoever finds a claim that was lost tries again, for as long as the
//! notice is worth it. What is given up is told of once, by a log line and a metric.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::ledger::shard;
use shared::table::{Entity, Key};

/// Partitions of the index of unsent notices.
pub(super) const SHARDS: u64 = 4;
/// How long a notice keeps its id from being used again, in days: longer than any event may be
/// delivered again.
const KEPT: u32 = 30;
/// Pauses after definite failures, in seconds; after the last, the notice is dead.
pub(super) const PAUSES_S: [i64; 5] = [1, 2, 4, 8, 16];
/// Tries that may end in a time-out.
pub(super) const TIMEOUTS_MAX: u32 = 2;
/// Lost claims after which the next is the last, about a day of them: each may have sent the notice,
/// and what kills whoever sends it has to end.
const CRASHES_MAX: u32 = 96;
/// Pauses after lost claims but the first, in minutes; the last goes on.
const CRASH_PAUSES_MIN: [i64; 5] = [1, 2, 4, 8, 15];

/// What is to be said. Orders that are offered are read when the message is written, so that one
/// that has ended is not offered any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// To a subscriber: a new order.
    NewOrder {
        /// Which.
        order_id: String,
    },
    /// To a subscriber: several.
    Digest {
        /// Which.
        orders: Vec<String>,
        /// How many more.
        beyond: usize,
    },
    /// To somebody whose own order or money it is about.
    ToParticipant(Told),
}

/// What participants are told. Orders are named by their category.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "told", rename_all = "snake_case")]
pub enum Told {
    /// The client: somebody took the order.
    OrderTaken {
        /// The order's.
        category: String,
        /// Takes so far, this one included.
        k: usize,
        /// The response deadline, after the first take.
        respond_by: Option<Instant>,
    },
    /// The client: the clock closed the order.
    OrderAutoClosed {
        /// The order's.
        category: String,
    },
    /// An executor: the client responded.
    OrderResponded {
        /// The order's.
        category: String,
    },
    /// An executor: the client completed the order.
    OrderCompleted {
        /// The order's.
        category: String,
    },
    /// An executor: the client closed the order.
    OrderClosed {
        /// The order's.
        category: String,
    },
    /// An executor: the price of the take was given back.
    OrderRefunded {
        /// The order's.
        category: String,
        /// How much.
        kopecks: i64,
    },
    /// A payer: money came after its payment had expired.
    PaymentLate {
        /// How much.
        kopecks: i64,
    },
}

impl Message {
    fn kind(&self) -> &'static str {
        match self {
            Self::NewOrder { .. } => "new_order",
            Self::Digest { .. } => "digest",
            Self::ToParticipant(Told::OrderTaken { .. }) => "order_taken",
            Self::ToParticipant(Told::OrderAutoClosed { .. }) => "order_auto_closed",
            Self::ToParticipant(Told::OrderResponded { .. }) => "order_responded",
            Self::ToParticipant(Told::OrderCompleted { .. }) => "order_completed",
            Self::ToParticipant(Told::OrderClosed { .. }) => "order_closed",
            Self::ToParticipant(Told::OrderRefunded { .. }) => "order_refunded",
            Self::ToParticipant(Told::PaymentLate { .. }) => "payment_late",
        }
    }
}

/// Where a notice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// To be sent.
    Pending,
    /// Sent.
    Sent,
    /// Not worth sending any more, or nobody to send it to.
    Skipped,
    /// Telegram refused for good.
    Refused,
    /// Given up: its hint goes to the dead letters.
    Dead,
}

/// A message until and after it is sent; unique by kind, user, order and, where there may be
/// several of a kind, a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// `<kind>:<user>:<order>[:<k>]`.
    pub id: String,
    /// To whom.
    pub user_id: i64,
    /// What.
    pub message: Message,
    /// Where it stands.
    pub state: State,
    /// Definite failures so far.
    #[serde(default)]
    pub(super) failures: u32,
    /// Tries that ended in a time-out.
    #[serde(default)]
    pub(super) timeouts: u32,
    /// Claims that were lost with their process.
    #[serde(default)]
    pub(super) crashes: u32,
    /// How often the sweep has asked for it: hints of fewer are stale.
    #[serde(default)]
    pub(super) hints: u32,
    /// When it was asked for.
    pub(super) created_at: Instant,
    /// When it is to be tried (again).
    pub(super) try_at: Instant,
    /// Who sends it right now.
    pub(super) owner: Option<String>,
    /// Until when at the latest.
    pub(super) claimed_until: Option<Instant>,
    /// Grows with each claim: whoever was overtaken records nothing.
    #[serde(default)]
    pub(super) fence: i64,
}

impl Notice {
    /// An order that is offered to a subscriber, once.
    pub(super) fn offer(user_id: i64, order_id: &str, now: Instant) -> Self {
        let message = Message::NewOrder { order_id: order_id.to_owned() };
        Self::new(user_id, order_id, message, now)
    }

    /// What a participant is told about an order: once of each kind, and of takes once of each.
    #[must_use]
    pub fn about_order(user_id: i64, order_id: &str, told: Told, now: Instant) -> Self {
        let subject = match told {
            Told::OrderTaken { k, .. } => format!("{order_id}:{k}"),
            _ => order_id.to_owned(),
        };
        Self::new(user_id, &subject, Message::ToParticipant(told), now)
    }

    /// What a payer is told about a payment, once of each kind.
    #[must_use]
    pub fn about_payment(user_id: i64, payment_id: i64, told: Told, now: Instant) -> Self {
        Self::new(user_id, &payment_id.to_string(), Message::ToParticipant(told), now)
    }

    /// A message that is said once about `subject`.
    pub(super) fn new(user_id: i64, subject: &str, message: Message, now: Instant) -> Self {
        let id = format!("{}:{user_id}:{subject}", message.kind());
        Self {
            id,
            user_id,
            message,
            state: State::Pending,
            failures: 0,
            timeouts: 0,
            crashes: 0,
            hints: 0,
            created_at: now,
            try_at: now,
            owner: None,
            claimed_until: None,
            fence: 0,
        }
    }

    /// Where the notice `id` is.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(format!("NOTICE#{id}"), "NOTICE")
    }

    /// How long to wait after a claim that ended at its time: longer each time.
    pub(super) fn crash_pause(&self) -> SignedDuration {
        let Some(before) = self.crashes.checked_sub(1) else { return SignedDuration::ZERO };
        let pause = usize::try_from(before).ok().and_then(|index| CRASH_PAUSES_MIN.get(index));
        let minutes = pause.or(CRASH_PAUSES_MIN.last()).copied().unwrap_or_default();
        SignedDuration::from_mins(minutes)
    }

    /// Is it given up after another crash?
    pub(super) fn is_spent(&self) -> bool {
        self.crashes >= CRASHES_MAX
    }

    /// Where this notice stands at `now`.
    pub(super) fn stands(&self, now: Instant) -> Stands {
        let claimed = self.owner.as_ref().and(self.claimed_until);
        let claimed = claimed.map(|until| until + self.crash_pause());
        match (self.state, claimed) {
            (State::Dead, _) => Stands::Dead,
            (State::Pending, Some(until)) if until > now => Stands::NotYet(until),
            (State::Pending, Some(_)) => Stands::Abandoned,
            (State::Pending, None) if self.try_at > now => Stands::NotYet(self.try_at),
            (State::Pending, None) => Stands::Due,
            _ => Stands::Over,
        }
    }

    /// What becomes of the notice after a try that ended in `outcome`.
    pub(super) fn after(&self, outcome: Outcome, now: Instant) -> Next {
        match outcome {
            Outcome::Sent => Next::Over(State::Sent),
            Outcome::Refused | Outcome::Blocked => Next::Over(State::Refused),
            // Being told to wait is no failure of this notice.
            Outcome::Wait(pause) => Next::Again(now + pause),
            Outcome::Unknown if self.timeouts.saturating_add(1) < TIMEOUTS_MAX => Next::Again(now),
            Outcome::Unknown => Next::Over(State::Dead),
            Outcome::Failed => {
                let index = usize::try_from(self.failures).unwrap_or(usize::MAX);
                match PAUSES_S.get(index) {
                    Some(pause) => Next::Again(now + SignedDuration::from_secs(*pause)),
                    None => Next::Over(State::Dead),
                }
            }
        }
    }
}

impl Entity for Notice {
    const KIND: &'static str = "Notice";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        if self.state != State::Pending {
            return Vec::new();
        }
        let partition = format!("NOTICE#{}", shard(&self.id, SHARDS));
        vec![("due_pk", partition), ("due_at", self.try_at.to_string())]
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.created_at + days(KEPT))
    }
}

/// Where a notice stands at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stands {
    /// It may be sent.
    Due,
    /// Not before this instant.
    NotYet(Instant),
    /// Whoever claimed it last never said how it ended.
    Abandoned,
    /// There is nothing left to do.
    Over,
    /// It was given up.
    Dead,
}

/// How a try ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Telegram took it.
    Sent,
    /// Telegram refused for good.
    Refused,
    /// The same, and refuses everything to this person.
    Blocked,
    /// Not sent; to be tried after this pause.
    Wait(SignedDuration),
    /// Certainly not sent.
    Failed,
    /// Perhaps sent.
    Unknown,
}

/// What becomes of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// It has ended so.
    Over(State),
    /// It is tried again at this instant.
    Again(Instant),
}

/// The user and, where there is one, the order that the id of a notice names.
pub(super) fn named(id: &str) -> Option<(i64, &str)> {
    let mut parts = id.split(':');
    let (_kind, user, subject) = (parts.next()?, parts.next()?, parts.next()?);
    Some((user.parse().ok()?, subject))
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
