//! Top-ups (acceptance 17, 18): invoices, their provers, and what is no proof.

mod providers;

pub use providers::{Crypto, Stars, says};
