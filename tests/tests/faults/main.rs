//! What must hold when something breaks: a process dies at any of its calls, messages come twice,
//! the store is busy, and a guarantee is dropped on purpose.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests and their helpers fail where they stand, and print what they tried"
)]

mod administration;
mod bench;
mod cloudpayments;
mod community;
mod crash;
mod declared;
mod errands;
mod gifts;
mod invariants;
mod model;
mod parallel;
mod permissions;
mod points;
mod sabotage;
mod secrets;
mod sigkill;
mod stars;
mod storm;
mod walks;
