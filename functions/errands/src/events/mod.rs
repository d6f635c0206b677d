//! What follows a commit: one outbox row in the business transaction, relayed from the change
//! stream, swept where the stream lost it.

mod model;

use shared::function::Function;

pub use model::{Event, OrderFacts, emit};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    Vec::new()
}
