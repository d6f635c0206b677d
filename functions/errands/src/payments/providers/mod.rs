//! Who takes the money. Each provider is a file beside this one; nothing else of the service knows
//! how any of them speaks.

mod crypto_bot;
mod sandbox;
mod stars;

use shared::outbound::OutboundError;
use shared::problem::Problem;
use shared::telegram::SendError;

use super::model::{Payment, Provider};
use super::proof::Proof;
use crate::App;

pub(super) use crypto_bot::Pages as CryptoPages;
pub use crypto_bot::{Invoice as CryptoInvoice, Network, TOKEN, signed};
pub use sandbox::mark_paid;
pub(super) use stars::Pages as StarPages;
pub use stars::{bot, proof as charge};

/// An invoice as its provider made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// The provider's id, where it tells one.
    pub id: Option<String>,
    /// Where to pay.
    pub pay_url: String,
    /// Where to pay inside Telegram.
    pub mini_app_url: Option<String>,
}

/// What a provider knows of a payment's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// None came.
    Unpaid,
    /// It came, says the provider.
    Paid(Proof),
}

/// What a provider knows of a payment whose call was never answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// Nothing.
    Nothing,
    /// There is an invoice.
    Open(Invoice),
    /// Money came.
    Paid(Proof),
}

/// Something that happened at a provider, as its books show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Booked {
    /// Money came.
    Came(Proof),
    /// The money of this receipt went back.
    WentBack(Proof),
}

/// Why a provider could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It is not set up here.
    #[error("the provider is not set up")]
    Off,
    /// A bug, or a secret that is malformed.
    #[error("the provider cannot be called")]
    Setup(#[source] Problem),
    /// The call was not answered with success.
    #[error("the provider did not answer")]
    Call(#[from] OutboundError),
    /// The Bot API did not do it.
    #[error("Telegram did not answer")]
    Telegram(#[from] SendError),
    /// It answered that it would not.
    #[error("the provider refused: {0}")]
    Refused(String),
}

impl Provider {
    /// Can it be paid by here?
    #[must_use]
    pub fn is_on(self, app: &App) -> bool {
        match self {
            Self::CryptoBot => crypto_bot::is_on(app),
            Self::TelegramStars => app.payments.stars_enabled,
            Self::Sandbox => sandbox::is_on(app),
        }
    }

    /// Asks for an invoice, once. What comes of a call that fails is not known: the provider may
    /// have made one all the same.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(super) async fn invoice(
        self,
        app: &App,
        payment: &Payment,
    ) -> Result<Invoice, ProviderError> {
        match self {
            Self::CryptoBot => crypto_bot::invoice(app, payment).await,
            Self::TelegramStars => stars::invoice(app, payment).await,
            Self::Sandbox => sandbox::invoice(app, payment).await,
        }
    }

    /// Asks for the links of a payment that was paid before anybody wrote them down. They are shown
    /// and cannot be paid by any more.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(super) async fn links(
        self,
        app: &App,
        payment: &Payment,
    ) -> Result<Invoice, ProviderError> {
        match self {
            Self::CryptoBot => crypto_bot::links(app, payment).await,
            // A second link of a paid payment is as dead as the first: the last veto refuses both.
            Self::TelegramStars => stars::invoice(app, payment).await,
            // It knows an invoice by the payment's id and makes no second.
            Self::Sandbox => sandbox::invoice(app, payment).await,
        }
    }

    /// Asks whether money came for a payment.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(super) async fn ask(self, app: &App, payment: &Payment) -> Result<Told, ProviderError> {
        match self {
            Self::CryptoBot => crypto_bot::ask(app, payment).await,
            Self::TelegramStars => stars::ask(app, payment).await,
            Self::Sandbox => sandbox::ask(app, payment).await,
        }
    }

    /// Looks for an invoice of a payment by our reference.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(super) async fn trace(self, app: &App, payment: &Payment) -> Result<Traced, ProviderError> {
        match self {
            Self::CryptoBot => crypto_bot::trace(app, payment).await,
            Self::TelegramStars => match stars::ask(app, payment).await? {
                Told::Paid(proof) => Ok(Traced::Paid(proof)),
                // Links cannot be listed, and one that nobody saw cannot be paid: the last veto
                // refuses what is not pending.
                Told::Unpaid => Ok(Traced::Nothing),
            },
            Self::Sandbox => sandbox::trace(app, payment).await,
        }
    }
}
