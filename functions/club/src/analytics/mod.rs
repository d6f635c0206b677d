//! What the payment forms tell of themselves: that one was opened, tried, finished.
//!
//! It grants nothing and is believed about nobody: a row for whoever wants to count, under the member
//! who sent it, gone after a year and a bit. Nothing that a form tells finds a payer or fills a
//! profile. The one thing that is decided here is what the form shows: a member who may not buy now is
//! told so, before the link would say it.

mod api;
mod model;
mod store;
#[cfg(test)]
mod tests;

use shared::function::Function;

pub use api::{check_cooldown, form_open, gift_attempt, payment_attempt, payment_success};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![form_open(), gift_attempt(), payment_success(), payment_attempt(), check_cooldown()]
}
