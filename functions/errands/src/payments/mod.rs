//! Top-ups by Crypto Bot, Telegram Stars and the sandbox.
//!
//! A *payment* is stored before its provider knows of it, under a reference, `er1.<id>`, that
//! travels to the provider and back: no invoice that can be paid is unknown to us. Its states:
//!
//! ```text
//!               provider answered          money came
//!   creating ─────────────────────▶ pending ─────────▶ paid
//!      │ refused, timed out:           │ 30 min, and the last
//!      │ 2 min and unknown             │ poll found nothing
//!      ▼                               ▼
//!    failed                         expired
//!      └───────────────┬───────────────┘
//!                      └──────────money came─────────▶ paid
//! ```
//!
//! Every write carries the state that it was decided on as a condition, so that whoever comes
//! second changes nothing. Money that came is always put on the balance, also late, and then its
//! payer is told.
//!
//! *Settlement* is one transaction, whoever brings the proof (webhook, poll, reconciliation): the
//! receipt, unique by the provider's id of the money; the payment; the balance, on the condition
//! that it is what was read; one line of the ledger, unique by payment. Money that fits no payment
//! or contradicts it is put aside for 90 days ([`items::UnmatchedEvent`]) and reported. Money that
//! Telegram gave back is taken off the balance as far as it is there.
//!
//! A provider's answer that is lost is never guessed: an invoice is asked for once for each
//! payment, and what became of it is found out by asking. *Checks* ask ten times, thirty seconds
//! apart; the *sweep* asks every minute about what no check asks about; the *reconciliation* goes
//! every hour through the providers' own books.

mod api;
mod invoice;
mod items;
mod jobs;
mod model;
mod proof;
mod providers;
mod reconcile;
mod reversal;
mod settlement;
mod store;
mod telegram;
mod webhook;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::SignedDuration;
use shared::function::{Function, Platform};
use shared::settings::{Secret, SettingError};

pub use api::{create, sandbox_pay, status};
pub use items::{Receipt, SHARDS, UnmatchedEvent};
pub use jobs::{check, sweep};
pub use model::{Checks, Payment, Provider, Status};
pub use proof::{Proof, Said};
pub use reconcile::reconcile;
pub use telegram::webhook as telegram_webhook;
pub use webhook::{Word, crypto_bot};

use crate::App;

/// Who takes the money, and how long they may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a provider may take to answer.
    pub provider_timeout: Duration,
    /// The provider of those who name none; the first that is on where it is not set.
    pub default_provider: Option<Provider>,
    /// Crypto Bot's token; without it, Crypto Bot is off.
    pub crypto_token: Option<Secret>,
    /// Where Crypto Bot is.
    pub crypto_network: providers::Network,
    /// May stars be taken?
    pub stars_enabled: bool,
    /// Where the sandbox provider is; without it, the sandbox takes no payments.
    pub sandbox_url: Option<String>,
    /// The delayed checks of a new payment.
    pub checks: Checks,
    /// Whom payers may write to.
    pub support: Option<String>,
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// When one is malformed, or not allowed in production.
    pub fn of(platform: &Platform, settings: &crate::Settings) -> Result<Self, SettingError> {
        let environment = &platform.environment;
        let unknown = || SettingError::Malformed("PAYMENT_DEFAULT_PROVIDER".to_owned());
        let default_provider = match environment.get("PAYMENT_DEFAULT_PROVIDER") {
            None => None,
            Some(name) => Some(Provider::named(name).ok_or_else(unknown)?),
        };
        let (count, delay_s) = settings.payment_checks;
        let timeout_ms = environment.parse("PAYMENT_PROVIDER_TIMEOUT_MS", 5_000)?;
        Ok(Self {
            provider_timeout: Duration::from_millis(timeout_ms),
            default_provider,
            crypto_token: platform.secret_if_set(providers::TOKEN).cloned(),
            crypto_network: providers::Network::from_environment(environment)?,
            stars_enabled: environment.parse("STARS_ENABLED", false)?,
            sandbox_url: environment.get("SANDBOX_PROVIDER_URL").map(str::to_owned),
            checks: Checks { count, delay: SignedDuration::from_secs(delay_s) },
            support: environment.get("PAYMENT_SUPPORT_CONTACT").map(str::to_owned),
        })
    }

    /// The provider that is asked for, or the one for those who ask for none, if it is on.
    #[must_use]
    pub fn provider(&self, app: &App, wanted: Option<Provider>) -> Option<Provider> {
        let is_on = |provider: &Provider| provider.is_on(app);
        match wanted.or(self.default_provider) {
            Some(provider) => Some(provider).filter(is_on),
            None => Provider::ALL.into_iter().find(is_on),
        }
    }

    /// How long a provider may take to answer, as a payment's age.
    #[must_use]
    pub fn answer_limit(&self) -> SignedDuration {
        SignedDuration::try_from(self.provider_timeout).unwrap_or(SignedDuration::MAX)
    }
}

/// What a job needs that asks providers.
fn asking(function: Function<App>) -> Function<App> {
    function
        .needs("TELEGRAM_BOT_TOKEN")
        .accepts(providers::TOKEN)
        .needs_with("SANDBOX_PROVIDER_URL", "SANDBOX_SECRET")
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        create(),
        status(),
        crypto_bot(),
        telegram_webhook(),
        sandbox_pay(),
        check(),
        sweep(),
        reconcile(),
    ]
}
