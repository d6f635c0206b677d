//! Weekly reports: one a week, until Sunday night.

use shared::function::Function;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
