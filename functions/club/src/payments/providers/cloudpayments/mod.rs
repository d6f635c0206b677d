//! CloudPayments, over its API (<https://developers.cloudpayments.ru>).
//!
//! An order carries the attempt's id twice, as its number and in the data that travels along, and
//! the payer's Telegram id as the account. The same order asked for again under the same request
//! id is the same order; later, a second order of an attempt can be paid only while the attempt
//! may be, since CloudPayments asks us (`check`) before it takes money.

pub mod client;
pub mod fields;
mod operations;
pub mod signature;

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use shared::money::Currency;

use super::{Came, Invoice, ProviderError, Told};
use crate::payments::contracts::RecurringContract;
use crate::payments::model::{Attempt, recipient_in};
use crate::payments::offers::Purpose;
use crate::{App, texts};
use client::{UNREADABLE, call, call_once, exact};
use fields::{Fields, Moves};

pub use client::{API_SECRET, PUBLIC_ID, Settings};
pub(super) use operations::{given_back, received, refund};

/// An order, as `orders/create` takes it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Order<'a> {
    amount: Box<RawValue>,
    currency: Currency,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    require_confirmation: bool,
    send_email: bool,
    invoice_id: &'a str,
    account_id: String,
    culture_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_behavior: Option<&'static str>,
    json_data: String,
}

pub(super) async fn invoice(
    app: &App,
    attempt: &Attempt,
    limit: Duration,
) -> Result<Invoice, ProviderError> {
    let description = match attempt.purpose {
        Purpose::Own => texts::order_own(attempt.days),
        Purpose::Gift => texts::order_gift(attempt.days),
    };
    // The form of gifts writes the recipient into the field; nobody reads mail there.
    let email = attempt.email.as_deref().filter(|email| recipient_in(email).is_none());
    let order = Order {
        amount: exact(attempt.price)?,
        currency: attempt.price.currency,
        description,
        email,
        require_confirmation: false,
        send_email: false,
        invoice_id: &attempt.id,
        account_id: attempt.payer.to_string(),
        culture_name: "ru-RU",
        subscription_behavior: attempt.recurs.then_some("CreateMonthly"),
        json_data: json!({ "attempt_id": attempt.id }).to_string(),
    };
    let made = call_once(app, "orders/create", &order, &attempt.id, limit).await?.done()?;
    match (made.get("Id"), made.get("Url")) {
        (Some(id), Some(url)) => Ok(Invoice { id: id.to_owned(), url: url.to_owned() }),
        _ => Err(UNREADABLE),
    }
}

/// The last operation of the order decides. One that was declined leaves the order payable.
pub(super) async fn ask(
    app: &App,
    attempt: &Attempt,
    limit: Duration,
) -> Result<Told, ProviderError> {
    let looked = tokio::time::timeout(limit, look(app, attempt, limit)).await;
    looked.map_err(|_elapsed| ProviderError::Slow)?
}

async fn look(app: &App, attempt: &Attempt, limit: Duration) -> Result<Told, ProviderError> {
    let Some(last) = last_of(app, &attempt.id, limit).await? else { return Ok(Told::Unpaid) };
    if !last.is_completed() {
        return Ok(Told::Unpaid);
    }
    match last.moves() {
        Moves::Payment => Ok(told(last)),
        Moves::Refund => before_refund(app, &last, limit).await,
        Moves::Other => Ok(Told::Unpaid),
    }
}

/// The last operation of an order, whatever became of it.
pub(super) async fn last_of(
    app: &App,
    order: &str,
    limit: Duration,
) -> Result<Option<Fields>, ProviderError> {
    let answer = call(app, "v2/payments/find", &json!({ "InvoiceId": order }), None, limit).await?;
    // An operation that was declined is told as a failure, with the operation.
    match answer.model() {
        Some(last) if last.get("InvoiceId") == Some(order) => Ok(Some(last)),
        Some(_) => Err(UNREADABLE),
        None if answer.is_unknown() => Ok(None),
        None => Err(answer.refused()),
    }
}

/// What came before it went back, if a part of it stayed. Money that came and went is no reason
/// to give anything.
async fn before_refund(app: &App, refund: &Fields, limit: Duration) -> Result<Told, ProviderError> {
    let Some(number) = refund.number("OriginalTransactionId") else { return Ok(Told::Unpaid) };
    let Ok(number) = number.parse::<u64>() else { return Ok(Told::Unpaid) };
    let asked = json!({ "TransactionId": number });
    let payment = call(app, "payments/get", &asked, None, limit).await?.done()?;
    let stays = refund.said().amount != payment.said().amount;
    Ok(if payment.is_completed() && stays { told(payment) } else { Told::Unpaid })
}

fn told(payment: Fields) -> Told {
    payment.success(String::new()).map_or(Told::Unpaid, |success| {
        Told::Paid(Came {
            external_id: success.external_id,
            said: success.said,
            payer: success.payer,
            recurs: success.recurs,
            contract_id: success.contract_id,
        })
    })
}

/// Ends a standing subscription. One that it does not end may be over already: then that is what
/// was wanted.
pub(super) async fn end(
    app: &App,
    contract: &RecurringContract,
    limit: Duration,
) -> Result<(), ProviderError> {
    let ended = tokio::time::timeout(limit, ask_to_end(app, &contract.contract_id, limit)).await;
    ended.map_err(|_elapsed| ProviderError::Slow)?
}

async fn ask_to_end(app: &App, id: &str, limit: Duration) -> Result<(), ProviderError> {
    let named = json!({ "Id": id });
    let answer = call(app, "subscriptions/cancel", &named, None, limit).await?;
    if answer.success {
        return Ok(());
    }
    let shown = call(app, "subscriptions/get", &named, None, limit).await?.done()?;
    match shown.get("Status") {
        Some(status) if is_over(status) => Ok(()),
        _ => Err(answer.refused()),
    }
}

/// Does a subscription in this state take no more money?
#[must_use]
pub fn is_over(status: &str) -> bool {
    matches!(status, "Cancelled" | "Rejected" | "Expired")
}
