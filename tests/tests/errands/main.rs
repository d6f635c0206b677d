//! The contract of errands, over HTTP, by its acceptance list.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail where they stand, like tests"
)]

mod access;
mod cities;
mod cost;
mod feeds;
mod items;
mod life;
mod listing;
mod load;
mod notices;
mod orders;
mod payments;
mod replay;
mod reviews;
mod scene;
mod stars;
mod walk;
mod wire;
