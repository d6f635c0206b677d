//! Top-ups (acceptance 17, 18): invoices, their provers, and what is no proof.

mod crypto;
mod invoices;
mod lost;
mod providers;

pub use providers::{Crypto, Stars, says, telegram, update_id};
