//! `club`: the backend of a paid club's Telegram mini-app.
//!
//! Members pay for a subscription, earn *energies* and compare themselves in ratings. In reading
//! order:
//! - [`auth`]: sign-in, and the member behind every credential;
//! - [`payments`]: offers, attempts, settlement in one transaction, delayed checks;
//! - [`gifts`]: paid periods that somebody else activates;
//! - [`subscriptions`]: how long a member's time lasts, and what its end brings;
//! - [`bot`]: what Telegram tells the bot, payments in stars among it;
//! - [`onboarding`]: the first weeks of a member;
//! - [`admin`]: what those who run the club do by hand;
//! - [`analytics`]: what the payment forms tell;
//! - [`energies`]: the ledger of points, and its audit;
//! - [`teams`]: small groups of one city;
//! - [`reports`]: what members write each week;
//! - [`gamification`]: experience, levels, streaks and achievements;
//! - [`shop`]: what energies buy;
//! - [`content`]: courses, programmes and meditations;
//! - [`streams`]: live meetings and their recordings;
//! - [`outbox`]: what members are told, once;
//! - [`ratings`]: aggregates fed by the change stream, published by the hour;
//! - [`health`]: readiness, and what no route matches;
//! - [`shift`]: how a scheduled job gets its turn;
//! - [`tags`]: what answers depend on;
//! - [`calendar`]: days and weeks of Moscow.
//!
//! Each capability is a folder: `model` has rules without I/O, `store` its items and
//! transactions, `api` its endpoints, `jobs` its messages, schedules and stream consumers.

pub mod admin;
pub mod analytics;
pub mod auth;
pub mod bot;
pub mod calendar;
pub mod content;
pub mod energies;
pub mod gamification;
pub mod gifts;
pub mod health;
pub mod onboarding;
pub mod outbox;
pub mod payments;
pub mod ratings;
pub mod reports;
pub mod shift;
pub mod shop;
pub mod streams;
pub mod subscriptions;
pub mod tags;
pub mod teams;
#[cfg(test)]
pub(crate) mod testing;
pub mod texts;
pub mod wire;

use std::sync::Arc;

use shared::function::{BoxError, Function, Platform, Service};
use shared::http::Wire;
use shared::queue::Queue;
use shared::settings::SettingError;

/// The service as its handlers see it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

/// The parts of an [`App`].
#[derive(Debug)]
pub struct Parts {
    /// What every service has.
    pub platform: Platform,
    /// Terms and timers of payments.
    pub payments: payments::Settings,
    /// Terms of gifts.
    pub gifts: gifts::Settings,
    /// Terms of subscriptions.
    pub subscriptions: subscriptions::Settings,
    /// How administrators' calls are bounded.
    pub admin: admin::Settings,
    /// Where messages leave for members.
    pub outbox: outbox::Settings,
    /// What the bot is told.
    pub bot: bot::Settings,
    /// What new members are told, and when.
    pub onboarding: onboarding::Settings,
    /// The queue of the bot's updates, for functions that send to it.
    pub telegram_updates: Option<Queue>,
    /// The queue of delayed payment checks, for functions that send to it.
    pub payment_checks: Option<Queue>,
    /// The queue of outbox deliveries, for functions that send to it.
    pub outbox_queue: Option<Queue>,
    /// The queue of steps of onboardings, for functions that send to it.
    pub onboarding_queue: Option<Queue>,
    /// The queue of jobs that outlast an administrator's call, for functions that send to it.
    pub admin_jobs: Option<Queue>,
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
        Ok(Self(Arc::new(Parts {
            payments: payments::Settings::from_environment(environment)?,
            gifts: gifts::Settings::from_environment(environment)?,
            subscriptions: subscriptions::Settings::from_environment(environment)?,
            admin: admin::Settings::from_environment(environment)?,
            outbox: outbox::Settings::from_environment(environment)?,
            bot: bot::Settings::from_platform(&platform)?,
            onboarding: onboarding::Settings::from_environment(environment)?,
            telegram_updates: queue("TELEGRAM_UPDATES_QUEUE_URL"),
            payment_checks: queue("PAYMENT_CHECKS_QUEUE_URL"),
            outbox_queue: queue("OUTBOX_QUEUE_URL"),
            onboarding_queue: queue("ONBOARDING_QUEUE_URL"),
            admin_jobs: queue("ADMIN_JOBS_QUEUE_URL"),
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
        auth::functions(),
        payments::functions(),
        gifts::functions(),
        subscriptions::functions(),
        bot::functions(),
        onboarding::functions(),
        admin::functions(),
        analytics::functions(),
        energies::functions(),
        ratings::functions(),
        teams::functions(),
        reports::functions(),
        gamification::functions(),
        shop::functions(),
        content::functions(),
        streams::functions(),
        outbox::functions(),
        health::functions(),
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
    shared::openapi::document("club", env!("CARGO_PKG_VERSION"), &wire::WIRE, declarations)
}
