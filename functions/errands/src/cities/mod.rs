//! The list of towns. It helps people to spell: an order's city may be any.

mod api;
mod model;
#[cfg(test)]
mod tests;

pub use api::{functions, search};
