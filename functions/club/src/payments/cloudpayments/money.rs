//! Money that came, and money that went back.

use axum::extract::State;
use shared::clock::{Instant, Now};
use shared::http::Answer;
use shared::problem::{Problem, Result};

use super::{Genuine, taken};
use crate::App;
use crate::outbox::{self, Message};
use crate::payments::model::Payment;
use crate::payments::providers::Provider;
use crate::payments::providers::cloudpayments::fields::{Attempts, Fields, Moves};
use crate::payments::refunds::{self, Word};
use crate::payments::settlement;

pub(super) async fn handle_pay(
    State(app): State<App>,
    Now(now): Now,
    Genuine(notice): Genuine,
) -> Answer {
    // What is only authorized is told again once it is money.
    if notice.moves() == Moves::Payment && notice.is_completed() {
        came(&app, &notice, now).await?;
    }
    taken()
}

/// Settles it, or puts it aside. Money is its attempt's, else its standing subscription's.
async fn came(app: &App, notice: &Fields, now: Instant) -> Result<()> {
    let attempts = notice.attempts();
    let attempt_id = match &attempts {
        Attempts::One(id) => id.clone(),
        Attempts::None if notice.subscription().is_some() => String::new(),
        Attempts::Two | Attempts::None => notice.kept("InvoiceId").unwrap_or_default(),
    };
    let Some(success) = notice.success(attempt_id) else {
        return tell(app, "pay", "money without a number", notice, now).await;
    };
    if attempts == Attempts::Two {
        settlement::quarantine(app, &success, "two_attempts", now).await?;
    } else {
        settlement::settle(app, &success, None, now).await?;
    }
    Ok(())
}

pub(super) async fn handle_refund(
    State(app): State<App>,
    Now(now): Now,
    Genuine(notice): Genuine,
) -> Answer {
    // Money that goes to a card is none that came back from us.
    if notice.moves() == Moves::Other {
        return taken();
    }
    match (notice.number("PaymentTransactionId"), notice.operation()) {
        (Some(payment), Some(refund)) => {
            let word = Word {
                provider: Provider::Cloudpayments,
                attempt_id: attempt_of(&app, payment, &notice).await?,
                external_id: payment.to_owned(),
                refund_id: refund.to_owned(),
                said: notice.said_back(),
            };
            Box::pin(refunds::refund(&app, &word, None, now)).await?;
        }
        _ => tell(&app, "refund", "a refund without its numbers", &notice, now).await?,
    }
    taken()
}

/// The attempt that the payment settled; before it is known, the one that the refund names. One
/// read.
async fn attempt_of(app: &App, payment: &str, notice: &Fields) -> Result<String> {
    let at = Payment::key_of(Provider::Cloudpayments, payment);
    let payment: Option<Payment> = app.platform.table.get(&at).await?;
    Ok(match (payment, notice.attempts()) {
        (Some(payment), _) => payment.attempt_id,
        (None, Attempts::One(id)) => id,
        (None, Attempts::Two | Attempts::None) => String::new(),
    })
}

/// Has those who run the club told of a notification that cannot be what it is called. Once is
/// enough.
async fn tell(app: &App, kind: &str, what: &str, notice: &Fields, now: Instant) -> Result<()> {
    let kept = |name| notice.kept(name).unwrap_or_else(|| "none".to_owned());
    let named = ["TransactionId", "InvoiceId", "AccountId", "Amount", "DateTime"].map(kept);
    let named = named.join(", ");
    let alert = Message::AdminAlert { text: format!("CloudPayments tells of {what}: {named}") };
    let id = format!("cloudpayments:{kind}:{named}");
    match app.platform.table.write(outbox::ask(&id, &alert, now)?).await {
        Ok(_) => Ok(()),
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}
