//! Which providers give money back when they are asked to, and how.

use std::time::Duration;

use shared::outbound::OutboundError;
use shared::problem::Problem;
use shared::telegram::SendError;
use shared::telegram::user::TelegramId;

use super::{GaveBack, Provider, ProviderError, cloudpayments, sandbox};
use crate::payments::model::Payment;
use crate::{App, outbox};

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
            Self::Stars => refund_stars(app, payment, limit).await,
            Self::Sandbox => sandbox::refund(app, payment, minor, refund_key, limit).await,
        }
    }

    /// What was given back of a payment so far, as its provider knows it.
    ///
    /// # Errors
    /// [`ProviderError`].
    pub(in crate::payments) async fn given_back(
        self,
        app: &App,
        payment: &Payment,
        limit: Duration,
    ) -> Result<Vec<GaveBack>, ProviderError> {
        match self {
            // Telegram gives a charge back once and says so: to ask again is to read.
            Self::Lavatop | Self::Stars => Ok(Vec::new()),
            Self::Cloudpayments => cloudpayments::given_back(app, payment, limit).await,
            Self::Sandbox => sandbox::given_back(app, payment, limit).await,
        }
    }
}

/// Gives a charge back, whole. One that went back before is a success as well.
async fn refund_stars(
    app: &App,
    payment: &Payment,
    limit: Duration,
) -> Result<GaveBack, ProviderError> {
    let unfit = || ProviderError::Setup(Problem::bug("a payer who is nobody"));
    let payer = TelegramId::new(payment.payer).ok_or_else(unfit)?;
    let bot = outbox::bot(app).map_err(ProviderError::Setup)?.with_time_limit(limit);
    bot.refund_star_payment(payer, &payment.external_id).await?;
    Ok(GaveBack { refund_id: payment.external_id.clone(), minor: payment.sum.minor })
}

impl ProviderError {
    /// Is it clear that nothing was done? A server that fails may have done it all the same.
    pub(in crate::payments) fn is_clear(&self) -> bool {
        match self {
            Self::Disabled | Self::Setup(_) | Self::Refused => true,
            Self::Call(OutboundError::Status(status)) => *status < 500,
            Self::Call(error) => error.is_definite(),
            Self::Telegram(error) => !matches!(error, SendError::Ambiguous(_)),
            Self::Slow => false,
        }
    }
}
