//! How often one user hears of new orders. No I/O.
//!
//! ```text
//!                 matched: a notice of its own
//!        ┌──── free ──────────────────────────────▶ cooling ────┐ matched: waits for the digest
//!        │       ▲                                     │  ▲  └──┘
//!        │       └── cooled down, nothing waits ───────┤  │
//!        │       ▲                                     │  │
//!        │       └── digest due, none alive: nothing ──┤  │
//!        │                                             │  │
//!        └─────────────────────────── digest due, some alive: one message
//! ```
//!
//! Every order that matches is in exactly one message, alone or in a digest, unless it has ended
//! by then or the user does not want to hear of it any more.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ledger::shard;
use shared::table::{Entity, Key};

use crate::users::user_key;

/// Partitions of the index of digests that are due.
pub(super) const SHARDS: u64 = 4;
/// Orders that wait by their ids; beyond, they are counted and not looked at again.
pub(super) const WAITING_MAX: usize = 1_000;
/// Orders that are remembered so that they match once; beyond, those that end first are forgotten.
pub(super) const REMEMBERED_MAX: usize = 2_000;

/// Where one user stands with messages of new orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NotifyState {
    /// The user.
    pub(super) user_id: i64,
    /// When the last such message was decided on.
    last_at: Option<Instant>,
    /// When the next one may be: the last and the user's cool-down.
    next_allowed_at: Option<Instant>,
    /// Orders that wait for the digest, as they came.
    #[serde(default)]
    pending: Vec<String>,
    /// Those beyond [`WAITING_MAX`].
    #[serde(default)]
    beyond: usize,
    /// Orders that have matched, with the second in which they end at the latest: a page of the
    /// fan-out that comes again changes nothing.
    #[serde(default)]
    seen: BTreeMap<String, i64>,
    /// Digests so far.
    #[serde(default)]
    digests: i64,
    /// Grows with every change; 0 before the first.
    pub(super) version: i64,
}

/// What a match comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// It has matched before, and was told of or waits.
    Known {
        /// Does it wait?
        waits: bool,
    },
    /// A message of its own, now.
    Alone,
    /// It waits for the digest.
    Waits,
}

/// What a digest that is due comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// There is nothing to tell.
    Nothing,
    /// One order, told of like any new one.
    Alone(String),
    /// Several.
    Digest {
        /// The digest's number among this user's.
        k: i64,
        /// Those that can be shown.
        orders: Vec<String>,
        /// Those that are only counted.
        beyond: usize,
    },
}

impl NotifyState {
    /// A user who has not heard of any order.
    pub(super) fn new(user_id: i64) -> Self {
        Self {
            user_id,
            last_at: None,
            next_allowed_at: None,
            pending: Vec::new(),
            beyond: 0,
            seen: BTreeMap::new(),
            digests: 0,
            version: 0,
        }
    }

    pub(super) fn key_of(user_id: i64) -> Key {
        Key::new(user_key(user_id).pk, "NOTIFY")
    }

    /// The state as it is kept after a change of this version.
    pub(super) fn next_version(&self) -> Self {
        Self { version: self.version.saturating_add(1), ..self.clone() }
    }

    /// The orders that wait.
    pub(super) fn pending(&self) -> &[String] {
        &self.pending
    }

    /// When the digest is due; `None` when nothing waits.
    pub(super) fn digest_at(&self) -> Option<Instant> {
        let waits = !self.pending.is_empty() || self.beyond > 0;
        waits.then(|| self.next_allowed_at.unwrap_or(Instant::from_seconds(0)))
    }

    /// The user's cool-down is `minutes`: what is planned follows it. Answers whether it changes
    /// anything.
    pub(super) fn retime(&mut self, minutes: i64) -> bool {
        let next = self.last_at.map(|last| last + SignedDuration::from_mins(minutes));
        let changed = next != self.next_allowed_at;
        self.next_allowed_at = next;
        changed
    }

    /// An order that ends at `ends_at` at the latest matches the user's wishes.
    pub(super) fn matched(
        &mut self,
        order_id: &str,
        ends_at: Instant,
        minutes: i64,
        now: Instant,
    ) -> Matched {
        if self.seen.contains_key(order_id) {
            return Matched::Known { waits: self.pending.iter().any(|id| id == order_id) };
        }
        self.remember(order_id, ends_at, now);
        self.retime(minutes);
        let free = self.next_allowed_at.is_none_or(|next| next <= now);
        if free && self.digest_at().is_none() {
            self.told(minutes, now);
            return Matched::Alone;
        }
        match self.pending.len() < WAITING_MAX {
            true => self.pending.push(order_id.to_owned()),
            false => self.beyond = self.beyond.saturating_add(1),
        }
        Matched::Waits
    }

    /// The digest is due, and of the orders that wait these are still of interest.
    pub(super) fn flush(&mut self, alive: Vec<String>, minutes: i64, now: Instant) -> Flushed {
        let beyond = std::mem::take(&mut self.beyond);
        self.pending.clear();
        self.retime(minutes);
        let mut orders = alive;
        if orders.is_empty() && beyond == 0 {
            return Flushed::Nothing;
        }
        self.told(minutes, now);
        match (orders.len(), beyond, orders.pop()) {
            (1, 0, Some(order)) => Flushed::Alone(order),
            (_, _, last) => {
                orders.extend(last);
                self.digests = self.digests.saturating_add(1);
                Flushed::Digest { k: self.digests, orders, beyond }
            }
        }
    }

    /// The user wants to hear of nothing. Answers whether anything had waited.
    pub(super) fn silence(&mut self) -> bool {
        let waited = self.digest_at().is_some();
        self.pending.clear();
        self.beyond = 0;
        waited
    }

    fn told(&mut self, minutes: i64, now: Instant) {
        self.last_at = Some(now);
        self.retime(minutes);
    }

    fn remember(&mut self, order_id: &str, ends_at: Instant, now: Instant) {
        let now = now.seconds();
        self.seen.retain(|_, ends| *ends > now);
        if self.seen.len() >= REMEMBERED_MAX {
            let first = self.seen.iter().min_by_key(|(_, ends)| **ends).map(|(id, _)| id.clone());
            first.and_then(|id| self.seen.remove(&id));
        }
        // The second after, since whole seconds are compared.
        self.seen.insert(order_id.to_owned(), ends_at.seconds().saturating_add(1));
    }
}

impl Entity for NotifyState {
    const KIND: &'static str = "NotifyState";

    fn key(&self) -> Key {
        Self::key_of(self.user_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let Some(at) = self.digest_at() else { return Vec::new() };
        let partition = format!("DIGEST#{}", shard(&self.user_id.to_string(), SHARDS));
        vec![("due_pk", partition), ("due_at", at.to_string())]
    }
}
