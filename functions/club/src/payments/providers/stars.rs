//! Telegram Stars, over the Bot API.
//!
//! Telegram knows a link by the payload that it was made with, the attempt's id. It lists the bot's
//! transactions oldest first and finds none by payload, so whoever asks about an attempt skips what
//! is older than the attempt by halving.

use std::time::Duration;

use shared::money::Currency;
use shared::problem::Problem;
use shared::telegram::stars::{StarInvoice, StarTransaction, TransactionPartner};
use shared::telegram::{BotApi, SendError};

use super::{Came, Invoice, ProviderError, Told};
use crate::payments::model::{Attempt, Said};
use crate::payments::offers::Purpose;
use crate::{App, outbox, texts};

/// Transactions of one page; Telegram's own limit.
const PAGE: u32 = 100;
/// Clocks of two machines differ, in seconds.
const SKEW_S: i64 = 300;
/// The longest id of a charge that becomes a part of a key.
const CHARGE_MAX: usize = 512;

/// Can a key be made of the id of this charge?
#[must_use]
pub fn is_charge_id(id: &str) -> bool {
    (1..=CHARGE_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// An amount of stars, as Telegram says it.
#[must_use]
pub fn said(amount: i64, currency: &str) -> Said {
    Said { amount: Some(amount.to_string()), currency: Some(currency.to_owned()) }
}

/// Makes a link. A second one for an attempt is harmless: the pre-checkout query asks whether the
/// attempt may still be paid, whatever link it comes by.
pub(super) async fn invoice(
    app: &App,
    attempt: &Attempt,
    limit: Duration,
) -> Result<Invoice, ProviderError> {
    let unfit =
        |error: Box<dyn std::error::Error + Send + Sync>| ProviderError::Setup(Problem::bug(error));
    let stars = u32::try_from(attempt.price.minor).map_err(|error| unfit(error.into()))?;
    let (title, description) = match attempt.purpose {
        Purpose::Own => (texts::STARS_OWN, texts::stars_own(attempt.days)),
        Purpose::Gift => (texts::STARS_GIFT, texts::stars_gift(attempt.days)),
    };
    let make = if attempt.recurs { StarInvoice::recurring } else { StarInvoice::once };
    let invoice = make(title, &description, &attempt.id, stars);
    let invoice = invoice.map_err(|error| unfit(error.into()))?;
    let url = bot(app, limit)?.create_invoice_link(&invoice).await?;
    // Telegram tells no id: the payload is what it knows the invoice by.
    Ok(Invoice { id: attempt.id.clone(), url })
}

pub(super) async fn ask(
    app: &App,
    attempt: &Attempt,
    limit: Duration,
) -> Result<Told, ProviderError> {
    let bot = bot(app, limit)?;
    let looked = tokio::time::timeout(limit, look(&bot, attempt)).await;
    Ok(looked.map_err(|_elapsed| ProviderError::Slow)??)
}

fn bot(app: &App, limit: Duration) -> Result<BotApi, ProviderError> {
    Ok(outbox::bot(app).map_err(ProviderError::Setup)?.with_time_limit(limit))
}

/// Looks through the transactions since the attempt was made. Money that came and went back is no
/// reason to give anything.
async fn look(bot: &BotApi, attempt: &Attempt) -> Result<Told, SendError> {
    let since_s = attempt.created_at.seconds() - SKEW_S;
    let (mut offset, mut found) = (0_u64, None::<Came>);
    loop {
        let page = bot.get_star_transactions(offset, PAGE).await?.transactions;
        for transaction in &page {
            let went_back = transaction.receiver.is_some();
            if went_back && found.as_ref().is_some_and(|came| came.external_id == transaction.id) {
                found = None;
            }
            found = found.or_else(|| came(transaction, &attempt.id));
        }
        let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
        if count < u64::from(PAGE) {
            return Ok(found.map_or(Told::Unpaid, Told::Paid));
        }
        offset = offset.saturating_add(count);
        if page.last().is_some_and(|last| last.date_s < since_s) {
            offset = skip(bot, offset, since_s).await?;
        }
    }
}

/// An offset not beyond the first transaction since `since_s`, and less than a page before it.
/// Everything before `from` is older.
async fn skip(bot: &BotApi, from: u64, since_s: i64) -> Result<u64, SendError> {
    let (mut low, mut step) = (from, u64::from(PAGE));
    let mut high = loop {
        let at = low.saturating_add(step);
        if !is_older(bot, at, since_s).await? {
            break at;
        }
        (low, step) = (at, step.saturating_mul(2));
    };
    while high - low >= u64::from(PAGE) {
        let middle = low + (high - low) / 2;
        if is_older(bot, middle, since_s).await? {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Is there a transaction at this offset, and is it older?
async fn is_older(bot: &BotApi, offset: u64, since_s: i64) -> Result<bool, SendError> {
    let page = bot.get_star_transactions(offset, 1).await?.transactions;
    Ok(page.first().is_some_and(|transaction| transaction.date_s < since_s))
}

/// The money of this attempt, if the transaction is that.
fn came(transaction: &StarTransaction, attempt_id: &str) -> Option<Came> {
    let (Some(payer), None) = (&transaction.source, &transaction.receiver) else { return None };
    if !is_invoice(payer) || payer.invoice_payload.as_deref() != Some(attempt_id) {
        return None;
    }
    if !is_charge_id(&transaction.id) {
        tracing::error!(length = transaction.id.len(), "a charge with an id that cannot be");
        return None;
    }
    Some(Came {
        external_id: transaction.id.clone(),
        said: said(transaction.amount, Currency::Xtr.code()),
        payer: payer.user.as_ref().map(|user| user.id.get()),
        recurs: payer.subscription_period.is_some(),
    })
}

fn is_invoice(partner: &TransactionPartner) -> bool {
    let kind = partner.transaction_type.as_deref();
    partner.kind == "user" && kind.is_none_or(|kind| kind == "invoice_payment")
}
