//! Who takes the money. Each provider is a variant here and a file beside this one; nothing else
//! of the service knows how any of them speaks.

mod sandbox;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::outbound::OutboundError;
use shared::problem::Problem;
use utoipa::ToSchema;

use super::model::{Attempt, Said};
use crate::App;

/// A payment provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
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
    Paid {
        /// The provider's id of the payment.
        external_id: String,
        /// How much, as it says.
        said: Said,
    },
    /// No money will come.
    Failed,
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
}

impl Provider {
    /// Every provider, the preferred first.
    pub const ALL: [Self; 1] = [Self::Sandbox];

    /// Its name on the wire and in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
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
        match self {
            Self::Sandbox => sandbox::invoice(app, attempt, app.payments.provider_timeout).await,
        }
    }

    /// Asks what became of an attempt, within `limit`.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(super) async fn ask(
        self,
        app: &App,
        attempt_id: &str,
        limit: Duration,
    ) -> Result<Told, ProviderError> {
        match self {
            Self::Sandbox => sandbox::ask(app, attempt_id, limit).await,
        }
    }
}

pub use sandbox::{SandboxState, external_id as sandbox_external_id, set_state};
