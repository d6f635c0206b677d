//! Users: one record each, made at first sight, that also holds the balance and every counter, so
//! that a guard and the change it guards meet in one item.

mod api;
mod caller;
mod model;
mod profile;
pub mod rating;
mod store;
#[cfg(test)]
mod tests;
mod wishes;

pub use api::{functions, me, notifications, preferences, save_notifications, save_preferences};
pub use caller::{Caller, Visitor};
pub use model::{REGISTRY_SHARDS, User, user_key};
pub use profile::Profile;
