//! Operations that CloudPayments knows of: lists of them, and money given back.

use std::num::ParseIntError;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use shared::clock::Instant;
use shared::money::Money;
use shared::problem::Problem;

use super::client::{UNREADABLE, call, call_once, exact};
use super::fields::{Attempts, Fields, Moves};
use super::last_of;
use crate::App;
use crate::payments::model::Payment;
use crate::payments::providers::{GaveBack, Provider, ProviderError, Received};
use crate::payments::refunds::Word;

/// Operations of one page; CloudPayments' own limit.
const PAGE: usize = 100;
/// How far a list reaches from its beginning. Whoever looks for what was lost begins days ago, not
/// weeks.
const REACH: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A refund is not made of a payment older than a year.
const REFUNDABLE: SignedDuration = SignedDuration::from_hours(367 * 24);
/// Clocks of two machines differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A page of the operations that ended well, the oldest first.
async fn page(
    app: &App,
    (from, to): (Instant, Instant),
    number: u64,
    limit: Duration,
) -> Result<(Vec<Fields>, bool), ProviderError> {
    let asked = json!({
        "CreatedDateGte": from, "CreatedDateLte": to, "PageNumber": number, "TimeZone": "UTC",
        "Statuses": ["Completed"],
    });
    let list = call(app, "v2/payments/list", &asked, None, limit).await?.list()?;
    let is_full = list.len() >= PAGE;
    let unreadable = list.iter().filter(|operation| operation.is_none()).count();
    if unreadable > 0 {
        tracing::error!(unreadable, "operations of CloudPayments that cannot be read");
    }
    Ok((list.into_iter().flatten().collect(), is_full))
}

pub(in crate::payments::providers) async fn received(
    app: &App,
    since: Instant,
    from_page: Option<String>,
    limit: Duration,
) -> Result<Received, ProviderError> {
    let number = from_page.and_then(|page| page.parse().ok()).unwrap_or(1_u64);
    let (operations, is_full) = page(app, (since, since + REACH), number, limit).await?;
    let mut received = Received {
        next: is_full.then(|| number.saturating_add(1).to_string()),
        ..Received::default()
    };
    for operation in operations.iter().filter(|operation| operation.is_completed()) {
        match operation.moves() {
            Moves::Payment => received.successes.extend(operation.success(named(operation))),
            Moves::Refund => received.refunds.extend(went_back(operation)),
            Moves::Other => {}
        }
    }
    Ok(received)
}

/// The attempt that an operation names; nothing where only its subscription may lead to one.
fn named(operation: &Fields) -> String {
    let order = || operation.kept("InvoiceId").unwrap_or_default();
    match operation.attempts() {
        Attempts::One(id) => id,
        // As good as another's: a person is to look at it.
        Attempts::Two => format!("{}?", order()),
        Attempts::None if operation.subscription().is_some() => String::new(),
        Attempts::None => order(),
    }
}

fn went_back(operation: &Fields) -> Option<Word> {
    Some(Word {
        provider: Provider::Cloudpayments,
        attempt_id: match operation.attempts() {
            Attempts::One(id) => id,
            Attempts::Two | Attempts::None => String::new(),
        },
        external_id: operation.number("OriginalTransactionId")?.to_owned(),
        refund_id: operation.operation()?.to_owned(),
        said: operation.said_back(),
    })
}

/// A refund, as `payments/refund` takes it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    transaction_id: u64,
    amount: Box<RawValue>,
}

/// Gives a part of a payment back. The same key has one effect for an hour.
pub(in crate::payments::providers) async fn refund(
    app: &App,
    payment: &Payment,
    minor: u64,
    refund_key: &str,
    limit: Duration,
) -> Result<GaveBack, ProviderError> {
    let number = payment.external_id.parse();
    let wanted = Wanted {
        transaction_id: number.map_err(|error: ParseIntError| unfit(error.into()))?,
        amount: exact(Money::new(minor, payment.sum.currency))?,
    };
    let made = call_once(app, "payments/refund", &wanted, refund_key, limit).await?.done()?;
    let refund_id = made.operation().ok_or(UNREADABLE)?;
    Ok(GaveBack { refund_id: refund_id.to_owned(), minor })
}

fn unfit(error: Box<dyn std::error::Error + Send + Sync>) -> ProviderError {
    ProviderError::Setup(Problem::bug(error))
}

/// What was given back of a payment since then. Where the payment is the last operation of its
/// order, nothing was; else all operations since are looked through, and whatever takes too long is
/// no answer.
pub(in crate::payments::providers) async fn given_back(
    app: &App,
    payment: &Payment,
    since: Instant,
    limit: Duration,
) -> Result<Vec<GaveBack>, ProviderError> {
    let looked = tokio::time::timeout(limit, look_through(app, payment, since, limit)).await;
    looked.map_err(|_elapsed| ProviderError::Slow)?
}

async fn look_through(
    app: &App,
    payment: &Payment,
    since: Instant,
    limit: Duration,
) -> Result<Vec<GaveBack>, ProviderError> {
    let last = last_of(app, &payment.attempt_id, limit).await?;
    let is_this = |last: &Fields| last.operation() == Some(payment.external_id.as_str());
    if last.as_ref().is_some_and(is_this) {
        return Ok(Vec::new());
    }
    let period = (since - SKEW, since + REFUNDABLE);
    let (mut found, mut number) = (Vec::new(), 1_u64);
    loop {
        let (operations, is_full) = page(app, period, number, limit).await?;
        let back = operations.iter().filter(|operation| {
            operation.moves() == Moves::Refund
                && operation.number("OriginalTransactionId") == Some(&payment.external_id)
        });
        for operation in back {
            found.push(gave_back(operation, payment).ok_or(UNREADABLE)?);
        }
        if !is_full {
            return Ok(found);
        }
        number = number.saturating_add(1);
    }
}

fn gave_back(operation: &Fields, payment: &Payment) -> Option<GaveBack> {
    let sum = Money::parse(operation.get("Amount")?, payment.sum.currency).ok()?;
    Some(GaveBack { refund_id: operation.operation()?.to_owned(), minor: sum.minor })
}
