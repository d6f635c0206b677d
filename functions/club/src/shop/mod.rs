//! The shop: what energies buy, and raffles.
//!
//! A *purchase* is one transaction: the item as it was read (one piece less of it, where there is
//! a stock), the member with less energies, the entry of the ledger, how often the member has
//! bought the item, the purchase itself, and whatever the item brings at once: the next ticket of a
//! raffle, or more days of the subscription. A refusal leaves nothing. The same call again, by its
//! key or without one, gives the same purchase for a while.
//!
//! ```text
//!   bought                    handed over, says an administrator
//!  ────────▶ completed ──────────────────────────────────────────▶ used
//! ```
//!
//! An item counts for itself: at any instant `stock + sold = initial` where it has a stock, and the
//! tickets of a raffle are numbered 1, 2, 3, … without gaps. Administrators replace an item whole
//! but for these counts, under a new *revision*, and every purchase is conditioned on the revision
//! that its price was read of. The stock that they give is what is left from then on; with
//! `expectedStock` it is so only where nobody has bought meanwhile. An item that was deleted is kept with its counts, for those who have
//! bought it.
//!
//! A *draw* ends a raffle: its seed, the number of tickets and the winners are written once, and
//! anybody can compute them again ([`winners`]). It is conditioned on the number of tickets, so that
//! a purchase at the same time either has its ticket in the draw or is refused.

mod admin;
mod api;
mod catalogue;
mod model;
mod purchase;
mod raffle;
mod store;
#[cfg(test)]
mod tests;

use shared::function::Function;

pub use admin::{Seen, deleting, draw, replacing, seen, use_purchase};
pub use api::{balance, purchased, purchases, stats, unused};
pub use catalogue::{by_category, item, items};
pub use purchase::purchase;
pub use raffle::{Ticket, Winner, winners};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        items(),
        by_category(),
        item(),
        purchase(),
        purchases(),
        unused(),
        stats(),
        balance(),
        purchased(),
        use_purchase(),
        draw(),
    ]
}
