//! The invariants, counted daily.
//!
//! | | holds at any instant between transactions |
//! |---|---|
//! | I1 | a balance is the sum of its lines, not below 0, and the lines chain from 0 to it |
//! | I2 | an order's takes are its rows, three at most, of different people, none its client's |
//! | I3 | a take was paid once; given back once or never, as its order ended |
//! | I4 | a payment is on a balance once if it is paid, and else not |
//! | I5 | a contact is locked by the one active order that names it |
//! | I6 | a user's counters of orders are the numbers of rows, which say what the orders say |
//! | I7 | a user's stars are those of the reviews about the user |
//! | I8 | what a user has and spent is what came and did not go back |
//!
//! I8 is checked for each user, which is more than for all together. I1 asks for a chain rather
//! than for the newest line, since lines of one instant have no order among themselves.
//!
//! The audit reads while everybody else writes: what it finds wrong it reads again, and believes
//! only what two readings in a row find alike. It reports and changes nothing, but for counters of
//! feeds: these are sums of what follows a commit, and are set right where the feed itself says
//! so.
//!
//! Users, orders and payments are found through their registry, page by page. A run that has no
//! time left keeps its place, and the next one goes on from there; counters are compared by a run
//! that has seen every order itself.

mod feeds;
mod jobs;
mod model;
mod readings;
mod registry;
#[cfg(test)]
mod tests;

use shared::function::Function;

pub use feeds::Correction;
pub use jobs::{Report, audit, check};
pub use model::Violation;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![audit()]
}
