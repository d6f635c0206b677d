//! Which providers give money back when they are asked to, and how.

use std::time::Duration;

use shared::clock::Instant;
use shared::outbound::OutboundError;
use shared::telegram::SendError;

use super::{GaveBack, Provider, ProviderError, cloudpayments, sandbox, stars};
use crate::App;
use crate::payments::model::Payment;

impl Provider {
    /// Can a part of a payment be given back? Telegram gives stars back whole.
    #[must_use]
    pub fn gives_back_parts(self) -> bool {
        self != Self::Stars
    }

    /// Gives `minor` units of a payment back, once for each `refund_key` where the provider can
    /// tell: read [`Provider::given_back`] before an outcome that is unknown is tried again.
    ///
    /// # Errors
    /// [`ProviderError`]; unless it [is clear](ProviderError::is_clear), money may have gone back.
    pub(in crate::payments) async fn refund(
        self,
        app: &App,
        payment: &Payment,
        minor: u64,
        refund_key: &str,
        limit: Duration,
    ) -> Result<GaveBack, ProviderError> {
        match self {
            // It has no such call: whoever asks has done it by hand.
            Self::Lavatop => Ok(GaveBack { refund_id: refund_key.to_owned(), minor }),
            Self::Cloudpayments => {
                cloudpayments::refund(app, payment, minor, refund_key, limit).await
            }
            Self::Stars => stars::refund(app, payment, limit).await,
            Self::Sandbox => sandbox::refund(app, payment, minor, refund_key, limit).await,
        }
    }

    /// What was given back of a payment since then, as its provider knows it.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(in crate::payments) async fn given_back(
        self,
        app: &App,
        payment: &Payment,
        since: Instant,
        limit: Duration,
    ) -> Result<Vec<GaveBack>, ProviderError> {
        match self {
            // Telegram gives a charge back once and says so: to ask again is to read.
            Self::Lavatop | Self::Stars => Ok(Vec::new()),
            Self::Cloudpayments => cloudpayments::given_back(app, payment, since, limit).await,
            Self::Sandbox => sandbox::given_back(app, payment, limit).await,
        }
    }
}

impl ProviderError {
    /// Is it clear that nothing was done? A server that fails may have done it all the same.
    pub(in crate::payments) fn is_clear(&self) -> bool {
        match self {
            Self::Disabled | Self::Setup(_) | Self::Refused => true,
            Self::Call(OutboundError::Status(status)) => *status < 500,
            Self::Call(error) => error.is_definite(),
            Self::Telegram(error) => !matches!(error, SendError::Ambiguous(_)),
            // Nothing was; but that passes, and a refusal does not.
            Self::Slow | Self::Unread(_) => false,
        }
    }
}
