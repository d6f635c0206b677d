//! The one choke point of every endpoint, its extractors and its answers.
//!
//! Whatever holds for all routes (request ids, body limit, credentials, rate limits, CORS,
//! security headers, panics, logs, prices) is put on in [`choke`] and nowhere else; the Lambda
//! binary and the local stack both go through it, so that no route can be without it. What a
//! service says in its own words is its [`Wire`].

mod answer;
mod auth;
pub(crate) mod choke;
mod cors;
mod extract;
pub mod fallback;
mod fields;
#[cfg(test)]
mod fields_tests;
mod launch;
#[cfg(test)]
mod tests;
mod wire;

pub use answer::{Answer, created, no_content, ok};
pub(crate) use answer::{bytes_of, json};
pub use auth::{Credential, Subject};
pub use cors::require_origin;
pub use extract::{Json, Origin, Params, Search, page_limit, read_json};
pub use fields::{Asked, Body, Fields};
pub use wire::{Dress, Dressed, KeyRules, KeyScope, LaunchSettings, Wire};
