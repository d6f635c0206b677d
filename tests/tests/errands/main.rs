//! The contract of errands, over HTTP, by its acceptance list.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail where they stand, like tests"
)]

mod cost;
mod payments;
mod walk;
