//! Who takes the money. Each provider is a variant here and a file beside this one; nothing else
//! of the service knows how any of them speaks.

pub(super) mod cloudpayments;
mod giving_back;
pub(super) mod lavatop;
mod sandbox;
mod stars;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::function::Function;
use shared::money::Currency;
use shared::outbound::OutboundError;
use shared::problem::Problem;
use shared::telegram::SendError;
use utoipa::ToSchema;

use shared::clock::Instant;

use super::contracts::RecurringContract;
use super::model::{Attempt, Said, Success};
use super::refunds::Word;
use crate::App;

/// A payment provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// LavaTop.
    Lavatop,
    /// CloudPayments.
    Cloudpayments,
    /// Telegram Stars.
    Stars,
    /// Pretended money, outside production only.
    Sandbox,
}

/// Where to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The provider's id.
    pub id: String,
    /// The page to pay at.
    pub url: String,
}

/// What a provider says of an attempt when it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// No money came, or it knows of no such attempt.
    Unpaid,
    /// Money came.
    Paid(Came),
    /// No money will come.
    Failed,
}

/// Money that came, as its provider tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// The provider's id of the payment.
    pub external_id: String,
    /// How much, as it says.
    pub said: Said,
    /// Who paid, by Telegram id, where it says so.
    pub payer: Option<i64>,
    /// Does it belong to a standing subscription?
    pub recurs: bool,
    /// The provider's id of that subscription, where it tells one.
    pub contract_id: Option<String>,
}

/// A page of what a provider took and gave back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Money that came. Where the provider names no attempt, its id is empty and the contract's
    /// id leads to it.
    pub successes: Vec<Success>,
    /// Money that went back. Where the provider names no attempt, its id is empty and the
    /// payment leads to it.
    pub refunds: Vec<Word>,
    /// What to ask for the next page with; `None` after the last.
    pub next: Option<String>,
}

/// Money that a provider gave back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaveBack {
    /// The provider's id of the refund.
    pub refund_id: String,
    /// How much, in minor units.
    pub minor: u64,
}

/// Why a provider could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It is not set up here.
    #[error("the provider is not enabled")]
    Disabled,
    /// A bug, or a secret that is missing.
    #[error("the provider cannot be called")]
    Setup(#[source] Problem),
    /// It refused, or did not answer in time.
    #[error("the provider did not answer")]
    Call(#[from] OutboundError),
    /// The Bot API did not do it.
    #[error("Telegram did not answer")]
    Telegram(#[from] SendError),
    /// It answered that it will not.
    #[error("the provider refused")]
    Refused,
    /// It took longer than there was time for.
    #[error("the provider did not answer in time")]
    Slow,
    /// What has to be known to ask it cannot be read.
    #[error("what the provider is to be asked is not known")]
    Unread(#[source] Problem),
}

/// The same function, with the secrets by which providers are asked.
pub fn asking(function: Function<App>) -> Function<App> {
    function
        .needs("TELEGRAM_BOT_TOKEN")
        .needs_with("SANDBOX_PROVIDER_URL", "SANDBOX_SECRET")
        .given_with(cloudpayments::PUBLIC_ID, cloudpayments::API_SECRET)
        .given_with(lavatop::URL, lavatop::API_KEY)
}

impl Provider {
    /// Every provider, the preferred first.
    pub const ALL: [Self; 4] = [Self::Lavatop, Self::Cloudpayments, Self::Stars, Self::Sandbox];

    /// Its name on the wire and in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lavatop => "lavatop",
            Self::Cloudpayments => "cloudpayments",
            Self::Stars => "stars",
            Self::Sandbox => "sandbox",
        }
    }

    /// What it is paid in where nobody says.
    #[must_use]
    pub fn currency(self) -> Currency {
        match self {
            Self::Stars => Currency::Xtr,
            Self::Lavatop | Self::Cloudpayments | Self::Sandbox => Currency::Rub,
        }
    }

    /// Can it be paid in this currency?
    #[must_use]
    pub fn takes(self, currency: Currency) -> bool {
        match self {
            Self::Stars => currency == Currency::Xtr,
            Self::Cloudpayments => currency == Currency::Rub,
            Self::Lavatop => currency != Currency::Xtr,
            Self::Sandbox => true,
        }
    }

    /// Does it take the money of every 30 days by itself, where an offer is paid monthly?
    #[must_use]
    pub fn renews(self) -> bool {
        match self {
            Self::Lavatop | Self::Cloudpayments | Self::Stars => true,
            Self::Sandbox => false,
        }
    }

    /// Asks for a link, once, within the time limit of links. To ask again for an attempt gives
    /// its first link again and never makes a second: a provider that cannot do so by the
    /// attempt's id has to be asked what it knows of it first.
    ///
    /// # Errors
    /// [`ProviderError`]; the provider may have made a link all the same.
    pub(super) async fn invoice(
        self,
        app: &App,
        attempt: &Attempt,
    ) -> Result<Invoice, ProviderError> {
        let limit = app.payments.provider_timeout;
        match self {
            Self::Lavatop => lavatop::invoice(app, attempt, limit).await,
            Self::Cloudpayments => cloudpayments::invoice(app, attempt, limit).await,
            Self::Stars => stars::invoice(app, attempt, limit).await,
            Self::Sandbox => sandbox::invoice(app, attempt, limit).await,
        }
    }

    /// Asks what became of an attempt, within `limit`.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(super) async fn ask(
        self,
        app: &App,
        attempt: &Attempt,
        limit: Duration,
    ) -> Result<Told, ProviderError> {
        match self {
            Self::Lavatop => lavatop::ask(app, attempt, limit).await,
            Self::Cloudpayments => cloudpayments::ask(app, attempt, limit).await,
            Self::Stars => stars::ask(app, attempt, limit).await,
            Self::Sandbox => sandbox::ask(app, &attempt.id, limit).await,
        }
    }

    /// Ends a standing subscription, within `limit`. To end one that is over is a success, so
    /// that what is uncertain may be done again.
    ///
    /// # Errors
    /// [`ProviderError`]; it may have ended all the same.
    pub(crate) async fn end(
        self,
        app: &App,
        contract: &RecurringContract,
        limit: Duration,
    ) -> Result<(), ProviderError> {
        match self {
            Self::Lavatop => lavatop::end(app, contract, limit).await,
            Self::Cloudpayments => cloudpayments::end(app, contract, limit).await,
            Self::Stars => stars::end(app, contract, limit).await,
            // It has no standing subscriptions.
            Self::Sandbox => Ok(()),
        }
    }

    /// What it took and gave back since then, one page, within `limit`.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(super) async fn received(
        self,
        app: &App,
        since: Instant,
        page: Option<String>,
        limit: Duration,
    ) -> Result<Received, ProviderError> {
        match self {
            Self::Lavatop => lavatop::received(app, since, page, limit).await,
            Self::Cloudpayments => cloudpayments::received(app, since, page, limit).await,
            Self::Stars => stars::received(app, since, page, limit).await,
            // The checks ask about each of its attempts; it lists none.
            Self::Sandbox => Ok(Received::default()),
        }
    }
}

pub use sandbox::{SandboxState, external_id as sandbox_external_id, set_state};
pub use stars::{is_charge_id, said as stars_said};
