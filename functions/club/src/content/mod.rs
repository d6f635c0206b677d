//! Content: courses, programmes, videos, meditations, and what members have completed of them.

pub mod admin;

use shared::function::Function;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
