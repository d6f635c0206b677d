//! Gamification: experience, levels, streaks, achievements.

use shared::function::Function;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
