//! Telegram Stars, over the Bot API.
//!
//! Telegram knows a link by the payload that it was made with, the attempt's id. It lists the bot's
//! transactions oldest first and finds none by payload, so whoever asks about an attempt skips what
//! is older than the attempt by halving. The books are only ever added to: how far they had come at
//! some instants is kept ([`Mark`]), so that however long they are, a check starts from near.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::money::Currency;
use shared::problem::{Problem, chain};
use shared::table::{Entity, Key, Write};
use shared::telegram::stars::{StarInvoice, StarTransaction, TransactionPartner};
use shared::telegram::user::TelegramId;
use shared::telegram::{BotApi, SendError};

use super::{Came, GaveBack, Invoice, Provider, ProviderError, Received, Told};
use crate::payments::contracts::RecurringContract;
use crate::payments::items::UnassignedPayment;
use crate::payments::model::{Attempt, Payment, Said, Success};
use crate::payments::offers::Purpose;
use crate::payments::refunds::Word;
use crate::{App, outbox, texts};

/// Transactions of one page; Telegram's own limit.
const PAGE: u32 = 100;
/// Clocks of two machines differ, in seconds.
const SKEW_S: i64 = 300;
/// The longest id of a charge that becomes a part of a key.
const CHARGE_MAX: usize = 256;

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
    let since_s = attempt.created_at.seconds() - SKEW_S;
    let looked = tokio::time::timeout(limit, async {
        look(&bot, attempt, since_s, || marked(app, since_s)).await
    });
    Ok(looked.await.map_err(|_elapsed| ProviderError::Slow)??)
}

/// Ends a subscription. Telegram knows it by its first charge.
pub(super) async fn end(
    app: &App,
    contract: &RecurringContract,
    limit: Duration,
) -> Result<(), ProviderError> {
    let user = who_paid(app, &contract.contract_id, contract.payer).await?;
    Ok(bot(app, limit)?.edit_user_star_subscription(user, &contract.contract_id, true).await?)
}

/// Gives a charge back, whole. One that went back before is a success as well.
pub(super) async fn refund(
    app: &App,
    payment: &Payment,
    limit: Duration,
) -> Result<GaveBack, ProviderError> {
    let user = who_paid(app, &payment.external_id, payment.payer).await?;
    bot(app, limit)?.refund_star_payment(user, &payment.external_id).await?;
    Ok(GaveBack { refund_id: payment.external_id.clone(), minor: payment.sum.minor })
}

/// Whose stars the charge took. Money that was put aside may have been assigned to another member
/// than the one who paid; Telegram knows a charge by the one who did. One read.
async fn who_paid(app: &App, charge: &str, payer: i64) -> Result<TelegramId, ProviderError> {
    let aside = UnassignedPayment::key_of(Provider::Stars, charge);
    let aside = app.platform.table.get::<UnassignedPayment>(&aside).await;
    let aside = aside.map_err(|error| ProviderError::Unread(error.into()))?;
    let payer = aside.and_then(|aside| aside.payer).unwrap_or(payer);
    let nobody = || ProviderError::Setup(Problem::bug("a payer who is nobody"));
    TelegramId::new(payer).ok_or_else(nobody)
}

/// What came and went back since then. A page goes by its offset in the books; the first is found
/// by halving.
pub(super) async fn received(
    app: &App,
    since: Instant,
    page: Option<String>,
    limit: Duration,
) -> Result<Received, ProviderError> {
    let bot = bot(app, limit)?;
    let since_s = since.seconds() - SKEW_S;
    let read = tokio::time::timeout(limit, async {
        let known = page.as_deref().and_then(|page| page.parse::<u64>().ok());
        let offset = match known {
            Some(offset) => offset,
            None => {
                let near = marked(app, since_s).await;
                skip(&bot, near, since_s).await?
            }
        };
        let page = bot.get_star_transactions(offset, PAGE).await?.transactions;
        Ok::<_, SendError>((offset, page))
    });
    let (offset, page) = read.await.map_err(|_elapsed| ProviderError::Slow)??;
    let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
    if let Some(first) = page.first() {
        // Lost, it is found anew.
        let mark = Mark { offset, date_s: first.date_s };
        if let Err(problem) = mark.keep(app).await {
            tracing::warn!(error = %chain(&problem), "a mark in the books is not kept");
        }
    }
    let mut received = Received::default();
    for transaction in page.iter().filter(|transaction| transaction.date_s >= since_s) {
        received.successes.extend(success(transaction));
        received.refunds.extend(word(transaction));
    }
    received.next = (count >= u64::from(PAGE)).then(|| offset.saturating_add(count).to_string());
    Ok(received)
}

fn bot(app: &App, limit: Duration) -> Result<BotApi, ProviderError> {
    Ok(outbox::bot(app).map_err(ProviderError::Setup)?.with_time_limit(limit))
}

/// Marks that are kept, each an hour of the day: a day of them, as attempts are asked about for a
/// day.
const MARKS: i64 = 24;
const HOUR_S: i64 = 3_600;

/// How far the bot's books had come at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    /// Transactions before it.
    offset: u64,
    /// When the transaction at this offset was made, in epoch seconds.
    date_s: i64,
}

impl Mark {
    fn key_of(date_s: i64) -> Key {
        let slot = date_s.div_euclid(HOUR_S).rem_euclid(MARKS);
        Key::new("STARS", format!("MARK#{slot:02}"))
    }

    /// Keeps it in the place of the one a day before. One write.
    async fn keep(self, app: &App) -> Result<(), Problem> {
        app.platform.table.write(Write::put("mark", &self)).await?;
        Ok(())
    }
}

impl Entity for Mark {
    const KIND: &'static str = "StarsMark";

    fn key(&self) -> Key {
        Self::key_of(self.date_s)
    }
}

/// An offset before which everything is older than `since_s`: the nearest mark, or the beginning.
/// One read; marks that cannot be read cost time only.
async fn marked(app: &App, since_s: i64) -> u64 {
    let keys: Vec<_> = (0..MARKS).map(|slot| Mark::key_of(slot * HOUR_S)).collect();
    match app.platform.table.batch(&keys).await {
        Ok(rows) => {
            let marks = keys.iter().filter_map(|key| rows.get::<Mark>(key).ok().flatten());
            let older = marks.filter(|mark| mark.date_s < since_s);
            older.map(|mark| mark.offset).max().unwrap_or_default()
        }
        Err(error) => {
            tracing::warn!(%error, "marks not read");
            0
        }
    }
}

/// Looks through the transactions since the attempt was made. Money that came and went back is no
/// reason to give anything. Books of one page tell all at once; `near` is asked for longer ones.
async fn look<F: Future<Output = u64>>(
    bot: &BotApi,
    attempt: &Attempt,
    since_s: i64,
    near: impl FnOnce() -> F,
) -> Result<Told, SendError> {
    let (mut offset, mut found, mut near) = (0_u64, None::<Came>, Some(near));
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
        if page.last().is_some_and(|last| last.date_s < since_s)
            && let Some(near) = near.take()
        {
            offset = skip(bot, near().await.max(offset), since_s).await?;
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
        contract_id: None,
    })
}

/// Money that came for any of our invoices, if the transaction is that.
fn success(transaction: &StarTransaction) -> Option<Success> {
    let attempt_id = transaction.source.as_ref()?.invoice_payload.clone()?;
    let Came { external_id, said, payer, recurs, contract_id } = came(transaction, &attempt_id)?;
    let provider = Provider::Stars;
    Some(Success { provider, attempt_id, external_id, said, payer, recurs, contract_id })
}

/// Money that went back to who had paid an invoice, if the transaction is that. It has the id of
/// the charge, which is given back whole and once.
fn word(transaction: &StarTransaction) -> Option<Word> {
    let (None, Some(payer)) = (&transaction.source, &transaction.receiver) else { return None };
    if !is_invoice(payer) || !is_charge_id(&transaction.id) {
        return None;
    }
    Some(Word {
        provider: Provider::Stars,
        attempt_id: payer.invoice_payload.clone().unwrap_or_default(),
        external_id: transaction.id.clone(),
        refund_id: transaction.id.clone(),
        said: said(transaction.amount, Currency::Xtr.code()),
    })
}

fn is_invoice(partner: &TransactionPartner) -> bool {
    let kind = partner.transaction_type.as_deref();
    partner.kind == "user" && kind.is_none_or(|kind| kind == "invoice_payment")
}
