//! Payments: offers, attempts, settlement in one transaction, delayed checks.
//!
//! An *attempt* is one intention to pay. It is stored before the provider is asked for a link, and
//! its id travels to the provider and back; by it, and never by an e-mail, money finds its payer.
//! Its terms are frozen. Its states:
//!
//! ```text
//!             provider answered        money came
//!   created ────────────────────▶ pending ───────▶ paid ──all given back──▶ refunded
//!      │ no link: failed             │ final failure: failed
//!      │ 15 min old: abandoned       │ check 10 unpaid: abandoned
//!      ▼                             ▼
//!   failed, abandoned ──────────money came──────▶ paid
//! ```
//!
//! A late success always settles: from `created` (the provider was faster than our own write),
//! `failed` and `abandoned` as from `pending`. After `refunded` money goes to quarantine. A failure
//! never leaves `paid` or `refunded`. Every write carries the state that it was decided on as a
//! condition, so that whoever comes second changes nothing. Whatever leaves `created` or `pending`
//! frees the *slot* of its terms in the same transaction: a payer has at most one open attempt of
//! equal offer, provider, currency and recipient.
//!
//! *Settlement* is one transaction for each success: the payment (unique by provider and the
//! provider's id: that is what makes duplicates harmless), the attempt, the slot, the member with
//! more days and energies, the energy entry, two events and one outbox entry. For a gift one gift
//! takes the place of the member's part, and its giver is told the link that activates it. Nothing
//! outside is called in it or before its acknowledgement. Money that contradicts the attempt is kept
//! apart (`UnassignedPayment`) and reported.
//!
//! A *refund* reverses in one transaction what its payment gave, in proportion, and touches no
//! other payment. Days that are over stay over; energies that were spent are not collected.
//!
//! *Checks* heal lost webhooks: ten, thirty seconds apart, each asking the provider. A message of
//! the queue is a hint; the attempt's state, `checks_done` and `due_at` decide. The sweep sends
//! hints anew for checks that are two minutes late, and asks about attempts without money once
//! more at the ages of 15 minutes, 1, 6 and 24 hours.
//!
//! A *contract* is a standing subscription, by its provider's id. Its payments renew the attempt that
//! began it; it ends by its provider's word or by ours, and paid time stays.
//!
//! *Reconciling* holds the providers' books of the last three days against ours every hour, for money
//! whose every word was lost.

mod api;
mod cancel;
pub mod catalogue;
mod checkout;
pub mod cloudpayments;
mod contracts;
mod delivery;
mod giving_back;
mod history;
mod items;
mod jobs;
mod lavatop;
mod link;
mod matching;
mod model;
mod offers;
mod providers;
mod reconcile;
mod refunds;
mod settlement;
mod store;
pub mod unassigned;
mod webhook;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::SignedDuration;
use shared::function::Function;
use shared::settings::{Environment, SettingError, Stage};
use shared::telegram::deep_link::BotUsername;

pub use api::{attempt, detect_provider, link, status, support_link};
pub use cancel::{payments_cancel, users_cancel};
pub use checkout::{Checkout, admits};
pub use contracts::{
    Closed, ContractHandle, EndError, catch_up as contract_begun, closed as contract_closed,
    end as end_contract,
};
pub use delivery::Delivery;
pub use giving_back::{Asked as RefundAsked, Given as RefundGiven, give_back, read_id};
pub use history::{History, of_payer};
pub use items::{Fate, UnassignedPayment};
pub use jobs::{check, sweep};
pub use lavatop::{Delivery as LavatopDelivery, lavatop_payment, lavatop_recurring};
pub use model::{Attempt, Cooldown, Payment, Said, Status, Success, moscow_date, telegram_id};
pub use offers::{Offer, Periodicity, Purpose};
pub use providers::{Provider, ProviderError, asking, is_charge_id, stars_said};
pub use reconcile::reconcile;
pub use refunds::{Word, refund};
pub use settlement::{Settled, quarantine, settle};
pub use webhook::{sandbox_state, sandbox_webhook};

use crate::App;

/// Terms and timers of payments.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How often the provider is asked before an attempt is abandoned.
    pub checks: u32,
    /// How long to wait before each.
    pub interval: SignedDuration,
    /// How long the provider may take to make a link.
    pub provider_timeout: Duration,
    /// How long the provider may take to answer a check.
    pub check_timeout: Duration,
    /// How long a link may be paid at.
    pub link_ttl: SignedDuration,
    /// When a subscription that has ended may not be bought.
    pub cooldown: Cooldown,
    /// Energies that come with a payment.
    pub award: u32,
    /// The bot that activates gifts.
    pub bot: BotUsername,
    /// Where the sandbox provider is; it is enabled by that.
    pub sandbox_url: Option<String>,
    /// Can be paid in Telegram Stars?
    pub stars_enabled: bool,
    /// Where LavaTop is; it is enabled by that.
    pub lavatop: Option<providers::lavatop::Settings>,
    /// The offer of the support form.
    pub support_offer: String,
    /// Where CloudPayments is; it is enabled by that.
    pub cloudpayments: Option<providers::cloudpayments::Settings>,
}

/// The bot that links lead to where none is set, which production does not allow.
const NO_BOT: &str = "club_bot";
/// The offer of the support form where no other is set.
const SUPPORT_OFFER: &str = "monthly_rub_2000";
/// The longest that the provider may take to answer a check, in milliseconds.
const CHECK_TIMEOUT_MS: u64 = 5_000;

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// When one is malformed.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let timeout_ms = environment.parse("PROVIDER_TIMEOUT_MS", 8_000_u64)?;
        let interval_s = environment.parse("PAYMENT_CHECK_INTERVAL_S", 30_u32)?;
        let link_ttl_h = environment.parse("ATTEMPT_LINK_TTL_H", 24_u32)?;
        let bot = match (environment.get("BOT_USERNAME"), environment.stage()?) {
            (None, Stage::Test) => NO_BOT,
            _ => environment.require("BOT_USERNAME")?,
        };
        Ok(Self {
            checks: environment.parse("PAYMENT_CHECKS", 10)?,
            interval: SignedDuration::from_secs(i64::from(interval_s)),
            provider_timeout: Duration::from_millis(timeout_ms),
            check_timeout: Duration::from_millis(timeout_ms.min(CHECK_TIMEOUT_MS)),
            link_ttl: SignedDuration::from_hours(i64::from(link_ttl_h)),
            cooldown: Cooldown {
                start_days: environment.parse("COOLDOWN_START_DAYS", 7)?,
                end_days: environment.parse("COOLDOWN_END_DAYS", 90)?,
            },
            award: environment.parse("PAYMENT_AWARD", 500)?,
            bot: BotUsername::parse(bot)
                .map_err(|_| SettingError::Malformed("BOT_USERNAME".to_owned()))?,
            sandbox_url: environment.get("SANDBOX_PROVIDER_URL").map(str::to_owned),
            stars_enabled: environment.parse("STARS_ENABLED", false)?,
            lavatop: providers::lavatop::Settings::from_environment(environment)?,
            support_offer: environment.get("SUPPORT_OFFER_KEY").unwrap_or(SUPPORT_OFFER).to_owned(),
            cloudpayments: providers::cloudpayments::Settings::from_environment(environment)?,
        })
    }

    /// Can money be taken by this provider here?
    #[must_use]
    pub fn enables(&self, provider: Provider) -> bool {
        match provider {
            Provider::Lavatop => self.lavatop.is_some(),
            Provider::Cloudpayments => self.cloudpayments.is_some(),
            Provider::Stars => self.stars_enabled,
            Provider::Sandbox => self.sandbox_url.is_some(),
        }
    }

    /// How long the provider may take to make a link, as the attempt's age.
    #[must_use]
    pub fn answer_limit(&self) -> SignedDuration {
        SignedDuration::try_from(self.provider_timeout).unwrap_or(SignedDuration::MAX)
    }
}

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    let mut all = vec![
        link(),
        status(),
        attempt(),
        sandbox_webhook(),
        sandbox_state(),
        check(),
        sweep(),
        users_cancel(),
        payments_cancel(),
        reconcile(),
    ];
    all.extend([support_link(), detect_provider(), lavatop_payment(), lavatop_recurring()]);
    all.extend(cloudpayments::functions());
    all
}
