//! Energies: the points that members earn, and the ledger behind every balance.
//!
//! A member's account stands in the member's own item: `balance`, and the two counters that only
//! grow, `earned_total` and `consumed_total`. Every movement is an immutable entry in the same
//! partition, written in the transaction that moves the account; its key is the idempotency key
//! of the effect, so that one effect is one entry whatever comes twice. At any instant
//!
//! ```text
//! balance = earned_total − consumed_total = Σ delta = Σ remaining(open lots) ≥ 0
//! ```
//!
//! A *lot* is an income entry. Lots are consumed oldest first without being touched: an entry
//! remembers how much had been earned before it, and what is left of it follows from
//! `consumed_total`. Spending therefore costs two items, however many lots there are.
//!
//! Who earns or spends inside a transaction of its own (a payment, a purchase) takes [`income`] or
//! [`expense`]; [`award`] and [`spend`] are whole use cases. The audit reads members and entries side by side and reports whatever does
//! not add up.

mod api;
mod jobs;
mod model;
mod store;
#[cfg(test)]
mod tests;

use shared::function::Function;

pub use api::{balance, history};
pub use jobs::audit;
pub use model::{Award, EnergyEntry, Expense, GIFT_AWARD, Kind, PAYMENT_AWARD, expiry};
pub use store::{Income, Moved, Outgo, award, expense, income, newest, spend};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![balance(), history(), audit()]
}
