//! Load on the club.

pub mod cache;
mod guests;
mod latencies;
mod members;
mod mix;
pub mod ratings;
mod routes;
