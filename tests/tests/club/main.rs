//! The club's contract where it needs a clock to move, a look at the desk, or settings of its own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail where they stand, like tests"
)]

mod admin;
mod all_providers;
mod analytics;
mod awards;
mod bot;
mod checks;
mod cloudpayments;
mod content;
mod cost;
mod cost_community;
mod cost_money;
mod cost_office;
mod cost_shelves;
mod cost_teams;
mod energies;
mod gamification;
mod gifts;
mod hanging;
mod health;
mod invalidation;
mod items;
mod lavatop;
mod life;
mod limits;
mod links;
mod matrix;
mod owed;
mod profile;
mod ratings;
mod reports;
mod session;
mod settlement;
mod shop;
mod sign_in;
mod stars;
mod streams;
mod teams;
mod wire;

use tests::{Answer, Call};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The ETag of an answer.
fn tag(answer: &Answer) -> String {
    answer.must("etag").to_owned()
}

/// The call again, if the answer has changed since that ETag.
fn unless(call: Call, tag: &str) -> Call {
    call.header("if-none-match", tag)
}
