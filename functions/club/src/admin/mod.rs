//! Administration: what those who run the club may do by hand.
//!
//! Every route takes the header `x-admin-secret` and nothing else; where the secret is not set,
//! nobody is an administrator. What moves money or time is one transaction with the idempotency key
//! of its call, or, where a provider has its part in it, an intent that is committed before the
//! provider is asked ([`crate::payments`]). What an administrator did to a member is kept among the
//! member's rows ([`act::Act`]).

mod act;
mod handover;
mod keyed;
mod offers;
mod people;
mod periods;
mod refunds;
mod runs;
#[cfg(test)]
mod tests;
mod unassigned;

use std::time::Duration;

use shared::function::Function;
use shared::settings::{Environment, SettingError};

pub use handover::go_on;
pub(crate) use handover::go_on_with;
pub(crate) use keyed::commit;
pub use offers::{create_offer, delete_offer, list_offers, update_offer};
pub use people::person;
pub use periods::{grant, revoke};
pub use refunds::refund;
pub use runs::{refresh, run};
pub use unassigned::{assign, dismiss, unassigned};

use crate::App;

/// Settings of this capability.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long an administrator waits for a job.
    pub patience: Duration,
}

impl Settings {
    /// Reads `ADMIN_JOB_PATIENCE_MS`, 20 seconds unless given.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let patience_ms = environment.parse("ADMIN_JOB_PATIENCE_MS", 20_000)?;
        Ok(Self { patience: Duration::from_millis(patience_ms) })
    }
}

/// The functions of this capability. Offers have the paths of an earlier client besides.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        grant(),
        revoke(),
        refund(),
        unassigned(),
        assign(),
        dismiss(),
        person(),
        run(),
        go_on(),
        refresh(),
        list_offers("club-admin-offers", "/api/admin/offers"),
        create_offer("club-admin-offer-create", "/api/admin/offers"),
        update_offer("club-admin-offer-update", "/api/admin/offers/{key}"),
        delete_offer("club-admin-offer-delete", "/api/admin/offers/{key}"),
        list_offers("club-admin-lavatop-offers", "/api/admin/lavatop-offers"),
        create_offer("club-admin-lavatop-offer-create", "/api/admin/lavatop-offers"),
        update_offer("club-admin-lavatop-offer-update", "/api/admin/lavatop-offers/{key}"),
        delete_offer("club-admin-lavatop-offer-delete", "/api/admin/lavatop-offers/{key}"),
    ]
}
