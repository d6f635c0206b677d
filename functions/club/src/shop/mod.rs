//! The shop: what energies buy, and raffles.

use shared::function::Function;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
