//! Orders: their life, their guards, their transactions.
//!
//! ```text
//!                    edit, take ×3, respond
//!                         ┌────────┐
//!   create ─────────────▶ active ◀─┘
//!                           │
//!        ┌──────────────┬───┴───────────┬──────────────────┐
//!     untaken:        taken:          taken:             by the clock, at `end_at`:
//!     delete          complete        close              settle
//!        ▼              ▼               ▼                  ▼
//!     deleted ◀──    completed    closed_no_response    expired or closed_no_response
//!            └─ untaken: delete ───────────────────────── expired
//! ```
//!
//! What is *written* of an order may be behind what *holds*: the clock ends an order at an instant
//! that follows from what was written down with it, and [`Order::effective`] says so from that
//! instant on, in every answer and every guard. To *settle* is to write such an end down with all
//! that follows from it. A change that meets an order which is due settles it first; the sweep
//! settles the rest within a minute and a half. A read never writes.
//!
//! Every change is one transaction, conditioned on the order's stored status and version: the
//! order, the rows of its client and its executors (with their counters, which the transaction
//! moves by what it changes), the lock of its contact, ledger entries, and one event for what
//! follows outside. So of two changes that race one commits, and the other judges anew.
//!
//! | change | items, with k takes |
//! |---|---|
//! | create, take | 5 |
//! | edit | 1, with another contact 3, with another category 1 more |
//! | respond | 2 |
//! | delete | 4 |
//! | complete | 4 + 2k |
//! | close, settle | 4 + 2k, and k more where money is given back |
//!
//! An `Idempotency-Key` adds one. The first end of an order is told by its client's row, which needs
//! no row of its own. An entry of the ledger says what the balance is after it: where money is given
//! back, each balance is thought to be what the take left, and a refusal tells what it is instead.

mod api;
mod category;
mod charges;
mod city;
mod contact;
mod create;
mod edit;
mod items;
mod jobs;
mod listing;
mod model;
mod respond;
mod round;
mod settle;
mod store;
mod take;
mod view;

#[cfg(test)]
mod tests;

use shared::function::Function;

pub use api::{close, complete, create, delete, get, respond, take, update};
pub use category::Category;
pub use city::CityKey;
pub use contact::{ContactKey, ContactKind};
pub use items::{
    ContactLock, DUE_SHARDS, FirstReview, Order, OwnedOrder, Status, Take, TakenOrder, order_key,
};
pub use jobs::{deadline, sweep};
pub use listing::{HotPages, list};
pub use settle::settle;
pub use store::find;
pub use view::{OrderView, TakeView, full_view, view};

use crate::App;
use crate::events::Feed;

/// The partitions of the feeds that an order stands in, by their attributes.
fn feed_partitions(order: &Order) -> Vec<(&'static str, String)> {
    let feeds = Feed::of(order.status, &order.city_key, &order.category);
    feeds.into_iter().map(|feed| (feed.attribute(), feed.partition)).collect()
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        create(),
        list(),
        get(),
        update(),
        delete(),
        take(),
        respond(),
        complete(),
        close(),
        deadline(),
        sweep(),
    ]
}
