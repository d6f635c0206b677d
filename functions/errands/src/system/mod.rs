//! The root, health, the OpenAPI document, and what no route matches.

mod api;
#[cfg(test)]
mod tests;

pub use api::{fallback, functions, health, openapi, root};
