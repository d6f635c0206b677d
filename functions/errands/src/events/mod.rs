//! What follows a commit: an event in the business transaction, relayed from the change stream,
//! swept where the stream lost it.
//!
//! ```text
//! transaction ──▶ row ── relay ──▶ counters (once, with the row's mark)
//!                  ▲               notices to participants ──▶ queue `notices`
//!                  │               a first take's deadline ──▶ queue `deadlines`
//!        sweep ────┘               a new order's first page ─▶ queue `fanout`
//!     (every minute,               and the row is deleted; that of a new order stays until its
//!      what is 30 s old)           last subscriber has been told
//! ```
//!
//! The end of an order has no row of its own: it is carried by the client's row of the order, which
//! changes with it anyway and never after it but once. Such an event is taken off the row in the
//! transaction that counts it, after its notices were asked for.
//!
//! So does a review, whose event travels on the row that makes its id unique: that stands in no
//! list, so that taking the event off it writes no index again but that of what is due.
//!
//! A relay that dies is begun anew from wherever the row stands: the counters know that they were
//! fed, a notice is unique by its id, and what the queues carry are hints.

mod counters;
mod hints;
mod jobs;
mod model;
mod notices;
#[cfg(test)]
mod tests;

use shared::function::Function;

pub use counters::{COUNTER_SHARDS, CounterMove, Feed, FeedCounter, moves};
pub use hints::{DeadlineHint, DigestHint, FanoutHint, NoticeHint, V1};
pub(crate) use jobs::all_counted;
pub use jobs::{relay, sweep};
pub use model::{CarriedEvent, Event, OrderFacts, OutboxEvent, SHARDS, carry, emit};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![relay(), sweep()]
}
