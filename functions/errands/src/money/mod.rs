//! The balance and its ledger.
//!
//! A balance is an attribute of its user's record, in kopecks and never below 0. Every change of
//! it is a [`Change`]: the new balance, on the condition that the old one is still what was read,
//! and one immutable [`Entry`] with the balance after it, in one transaction. An entry is unique
//! by user, kind and cause, which is what makes every repeat of an effect harmless.

mod amount;
mod api;
mod change;
mod entry;
mod listing;
mod recharge;

#[cfg(test)]
mod tests;

use shared::function::Function;

pub use amount::Kopecks;
pub use api::{balance, recharge, transactions};
pub use change::{Account, Change, Reason};
pub use entry::{Entry, Kind};
pub use recharge::{balance_limit, recharged_via, sandbox_only};

use crate::App;

/// How often a change of a balance is tried while others keep changing it: enough for twenty at
/// once over a store that takes its time.
pub const TRIES: u32 = 12;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![balance(), transactions(), recharge()]
}
