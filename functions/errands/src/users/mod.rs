//! Users: one record each, made at first sight, that also holds the balance and every counter, so
//! that a guard and the change it guards meet in one item.

mod caller;
mod model;
mod profile;
pub mod rating;
mod store;

use shared::function::Function;

pub use caller::{Caller, Visitor};
pub use model::{REGISTRY_SHARDS, User, user_key};
pub use profile::Profile;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
