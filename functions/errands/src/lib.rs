//! `errands`: the backend of a Telegram mini-app for urgent local services.
//!
//! A *client* posts a job for free; it lives an hour. An *executor* pays from a prepaid balance to
//! see the client's contact; three executors at most may. Any user is both. In reading order:
//! - [`users`]: who calls, what the app shows of them, what they want to be told of;
//! - [`orders`]: the life of an order, its guards, its transactions, its feeds;
//! - [`money`]: the balance and its ledger;
//! - [`payments`]: top-ups by Crypto Bot, Telegram Stars and the sandbox;
//! - [`reviews`]: what clients say of executors, and complaints;
//! - [`events`]: what follows a commit, once;
//! - [`notify`]: who is told what, when, and how fast;
//! - [`audit`]: the invariants, counted daily;
//! - [`cities`]: the list of towns;
//! - [`system`]: the root, health, and what no route matches.
//!
//! Each capability is a folder: `model` has rules without I/O, `store` its items and
//! transactions, `api` its endpoints, `jobs` its messages, schedules and stream consumers.

pub mod audit;
pub mod cities;
pub mod events;
pub mod money;
pub mod notify;
pub mod orders;
pub mod payments;
pub mod reviews;
pub mod settings;
pub mod system;
#[cfg(test)]
pub(crate) mod testing;
pub mod texts;
pub mod users;
pub mod wire;

use std::sync::Arc;

use shared::function::{BoxError, Function, Platform, Service};
use shared::http::Wire;
use shared::queue::Queue;
use shared::settings::SettingError;

pub use settings::Settings;

/// The service as its handlers see it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
#[derive(Debug)]
pub struct Parts {
    /// What every service has.
    pub platform: Platform,
    /// Limits, prices and timers.
    pub settings: Settings,
    /// Queues, for the functions that send to them.
    pub queues: Queues,
    /// Who takes payments.
    pub payments: payments::Settings,
    /// Pages of feeds that many ask for.
    pub hot_pages: orders::HotPages,
}

/// The service's queues; a function has those that it sends to.
#[derive(Debug, Default)]
pub struct Queues {
    /// Response deadlines of taken orders.
    pub deadlines: Option<Queue>,
    /// Delayed payment checks.
    pub payment_checks: Option<Queue>,
    /// Pages of the fan-out of new orders.
    pub fanout: Option<Queue>,
    /// Digests that fall due.
    pub digests: Option<Queue>,
    /// Notices to be sent.
    pub notices: Option<Queue>,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Service for App {
    const WIRE: &'static Wire = &wire::WIRE;

    async fn start(platform: Platform) -> Result<Self, SettingError> {
        let environment = &platform.environment;
        let queue = |name| environment.get(name).map(|url| Queue::new(&platform.aws, url));
        let queues = Queues {
            deadlines: queue("DEADLINES_QUEUE_URL"),
            payment_checks: queue("PAYMENT_CHECKS_QUEUE_URL"),
            fanout: queue("FANOUT_QUEUE_URL"),
            digests: queue("DIGESTS_QUEUE_URL"),
            notices: queue("NOTICES_QUEUE_URL"),
        };
        let settings = Settings::from_environment(environment)?;
        let payments = payments::Settings::of(&platform, &settings)?;
        Ok(Self(Arc::new(Parts {
            settings,
            queues,
            payments,
            hot_pages: orders::HotPages::default(),
            platform,
        })))
    }

    fn platform(&self) -> &Platform {
        &self.platform
    }
}

/// Runs `function` as its Lambda binary. Here it is compiled once, and not anew in each binary.
///
/// # Errors
/// See [`shared::function::run`].
pub fn run(function: Function<App>) -> Result<(), BoxError> {
    shared::function::run(function)
}

/// Every function of the service.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    [
        users::functions(),
        orders::functions(),
        money::functions(),
        payments::functions(),
        reviews::functions(),
        events::functions(),
        notify::functions(),
        audit::functions(),
        cities::functions(),
        system::functions(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The service's OpenAPI document.
#[must_use]
pub fn openapi() -> serde_json::Value {
    let functions = functions();
    let declarations = functions.iter().map(Function::declaration);
    shared::openapi::document("errands", env!("CARGO_PKG_VERSION"), &wire::WIRE, declarations)
}
