//! Gamification: experience, levels, streaks, achievements.
//!
//! What a member has come to stands in the member's own item: experience, the streak and the day of
//! Moscow that it was last counted for, how much was completed, which achievements are unlocked.
//! Whoever completes something takes [`gains`] and writes it in the transaction of the activity:
//! [`Gains::on`] on the member's update, [`Gains::writes`] beside it. Experience is an immutable
//! entry under the key of its effect, an achievement a row of its member and code, so that neither
//! comes twice.
//!
//! Levels follow from experience and are stored nowhere. A streak grows by completed meditations,
//! lessons, videos and streams alone; signing in never touches it.

mod api;
mod entities;
mod gains;
mod granting;
mod levels;
mod model;
mod store;
#[cfg(test)]
mod tests;

use shared::function::Function;

pub use api::{list, stats, xp_history};
pub use entities::{deleting, replacing};
pub use gains::{Activity, Gains, Xp, gains, granted};
pub use granting::add_xp;
pub use levels::{Standing, level, standing};
pub use model::{Achievement, Condition, Counted};
pub use store::achievements;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![stats(), xp_history(), list(), add_xp()]
}
