//! Readiness, and what no route matches.
//!
//! *Live* says that a process runs. *Ready* says that what it depends on answers: the table, the
//! queues with their real depth, and that ratings were published lately. What waits in the
//! dead-letter queues is shown and alarmed on, but does not take the service out: its users are
//! not served better by refusing them.

mod api;
mod counting;
mod documents;
mod probe;
#[cfg(test)]
mod tests;

pub use api::{fallback, functions, health, live, ready};
pub use counting::{cache_stats, metrics};
pub use documents::{openapi, root};
pub use probe::probe;
