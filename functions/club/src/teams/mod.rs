//! Teams: small groups of one city, seen as teams and as decades.

use shared::function::Function;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
