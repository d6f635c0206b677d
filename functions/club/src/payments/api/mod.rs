//! The payer's endpoints.

mod form;
mod links;
mod state;

pub use links::{link, support_link};
pub use state::{attempt, detect_provider, status};
