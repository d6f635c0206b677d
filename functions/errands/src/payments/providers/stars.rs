//! Telegram Stars, over the Bot API.
//!
//! Telegram lists the bot's transactions oldest first, so whoever looks for a recent one starts
//! from an offset remembered earlier: [`Marks`], which the hourly reconciliation keeps.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::problem::Problem;
use shared::table::{Entity, Key, Write};
use shared::telegram::stars::{StarInvoice, StarTransaction, TransactionPartner};
use shared::telegram::{BotApi, BotToken};

use super::{Booked, Invoice, ProviderError, Told};
use crate::payments::model::{Payment, Provider, STARS};
use crate::payments::proof::{Proof, Said};
use crate::{App, texts};

/// Transactions in one page; Telegram's own limit.
const PAGE: u32 = 100;
/// Marks that are kept: one for each hour that reconciliation looks back, and some.
const MARKS_MAX: usize = 100;
/// Clocks of two machines differ, in seconds.
const SKEW_S: i64 = 300;

/// The bot.
///
/// # Errors
/// When the token or the address is malformed.
pub fn bot(app: &App) -> Result<BotApi, ProviderError> {
    let token = app.platform.secret("TELEGRAM_BOT_TOKEN").map_err(ProviderError::Setup)?;
    let token = BotToken::parse(token.expose());
    let token = token.map_err(|error| ProviderError::Setup(Problem::bug(error)))?;
    let url = &app.settings.telegram_api_url;
    let api = BotApi::new(app.platform.outbound.clone(), url, token);
    let api = api.map_err(|error| ProviderError::Setup(Problem::bug(error)))?;
    Ok(api.with_time_limit(app.payments.provider_timeout))
}

pub(super) async fn invoice(app: &App, payment: &Payment) -> Result<Invoice, ProviderError> {
    if !app.payments.stars_enabled {
        return Err(ProviderError::Off);
    }
    let unfit =
        |error: Box<dyn std::error::Error + Send + Sync>| ProviderError::Setup(Problem::bug(error));
    let stars = u32::try_from(payment.stars.unwrap_or_default()).map_err(|e| unfit(e.into()))?;
    let description = texts::top_up(payment.kopecks.rubles());
    let reference = payment.reference().to_string();
    let invoice = StarInvoice::once(texts::TOP_UP, &description, &reference, stars);
    let link = bot(app)?.create_invoice_link(&invoice.map_err(|e| unfit(e.into()))?).await?;
    Ok(Invoice { id: None, pay_url: link.clone(), mini_app_url: Some(link) })
}

pub(super) async fn ask(app: &App, payment: &Payment) -> Result<Told, ProviderError> {
    let reference = payment.reference().to_string();
    let mut pages = Pages::since(app, payment.created_at).await?;
    while let Some(page) = pages.booked(app).await? {
        let ours = |booked: Booked| match booked {
            Booked::Came(proof) if proof.said.reference.as_ref() == Some(&reference) => Some(proof),
            _ => None,
        };
        if let Some(proof) = page.into_iter().find_map(ours) {
            return Ok(Told::Paid(proof));
        }
    }
    Ok(Told::Unpaid)
}

/// Where in the list of transactions to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    marks: Vec<Mark>,
}

/// Before `offset`, no transaction is younger than `date_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    offset: u64,
    date_s: i64,
}

impl Marks {
    /// Where they are.
    #[must_use]
    pub fn stored_at() -> Key {
        Key::new("MARKS#telegram_stars", "MARKS")
    }

    /// The offset before which everything is older than `date_s`.
    #[must_use]
    pub fn before(&self, date_s: i64) -> u64 {
        let old = self.marks.iter().filter(|mark| mark.date_s < date_s);
        old.map(|mark| mark.offset).max().unwrap_or_default()
    }

    /// Adds a mark that is further on, and forgets the oldest when there are too many.
    fn add(&mut self, mark: Mark) {
        let goes_on = |last: &Mark| last.offset < mark.offset && last.date_s <= mark.date_s;
        if !self.marks.last().is_none_or(goes_on) {
            return;
        }
        self.marks.push(mark);
        let extra = self.marks.len().saturating_sub(MARKS_MAX);
        self.marks.drain(..extra);
    }
}

impl Entity for Marks {
    const KIND: &'static str = "StarMarks";

    fn key(&self) -> Key {
        Self::stored_at()
    }
}

/// The bot's transactions, page by page, from some instant on.
#[derive(Debug)]
pub(in crate::payments) struct Pages {
    marks: Marks,
    offset: u64,
    last_s: Option<i64>,
    over: bool,
}

impl Pages {
    /// From `since` on. One read.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(in crate::payments) async fn since(
        app: &App,
        since: Instant,
    ) -> Result<Self, ProviderError> {
        let marks: Option<Marks> = app
            .platform
            .table
            .get(&Marks::stored_at())
            .await
            .map_err(|error| ProviderError::Setup(error.into()))?;
        let marks = marks.unwrap_or_default();
        let offset = marks.before(since.seconds().saturating_sub(SKEW_S));
        Ok(Self { marks, offset, last_s: None, over: false })
    }

    /// What is booked on the next page; `None` after the last.
    ///
    /// # Errors
    /// [`ProviderError`]; the page may be asked for again.
    pub(in crate::payments) async fn booked(
        &mut self,
        app: &App,
    ) -> Result<Option<Vec<Booked>>, ProviderError> {
        if self.over {
            return Ok(None);
        }
        let page = bot(app)?.get_star_transactions(self.offset, PAGE).await?.transactions;
        let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
        self.over = count < u64::from(PAGE);
        self.offset = self.offset.saturating_add(count);
        self.last_s = page.iter().map(|transaction| transaction.date_s).max().max(self.last_s);
        Ok(Some(page.iter().filter_map(booked).collect()))
    }

    /// Remembers how far it came, for whoever looks next. One write.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(in crate::payments) async fn remember(mut self, app: &App) -> Result<(), Problem> {
        let Some(date_s) = self.last_s else { return Ok(()) };
        self.marks.add(Mark { offset: self.offset, date_s });
        app.platform.table.write(Write::put("marks", &self.marks)).await?;
        Ok(())
    }
}

fn booked(transaction: &StarTransaction) -> Option<Booked> {
    let invoiced = |partner: &TransactionPartner| {
        let kind = partner.transaction_type.as_deref();
        partner.kind == "user" && kind.is_none_or(|kind| kind == "invoice_payment")
    };
    let of = |partner: &TransactionPartner| {
        proof(&transaction.id, partner.invoice_payload.clone(), STARS, transaction.amount)
    };
    match (&transaction.source, &transaction.receiver) {
        (Some(payer), None) if invoiced(payer) => Some(Booked::Came(of(payer))),
        (None, Some(payee)) if invoiced(payee) => Some(Booked::WentBack(of(payee))),
        _ => None,
    }
}

/// What Telegram says of one charge.
#[must_use]
pub fn proof(charge_id: &str, payload: Option<String>, currency: &str, amount: i64) -> Proof {
    Proof {
        provider: Provider::TelegramStars,
        receipt_id: charge_id.to_owned(),
        invoice_id: None,
        said: Said {
            reference: payload,
            // Telegram tells of charges only that were made.
            status: Some("paid".to_owned()),
            currency: Some(currency.to_owned()),
            amount: Some(amount.to_string()),
            asset: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_lead_to_before_what_is_looked_for() {
        let mut marks = Marks::default();
        assert_eq!(marks.before(i64::MAX), 0);
        for (offset, date_s) in [(10, 1_000), (25, 2_000), (25, 2_500), (40, 3_000)] {
            marks.add(Mark { offset, date_s });
        }
        for (date_s, offset) in
            [(999, 0), (1_000, 0), (1_001, 10), (2_000, 10), (2_001, 25), (9_999, 40)]
        {
            assert_eq!(marks.before(date_s), offset, "{date_s}");
        }
        for n in 0..200 {
            marks.add(Mark { offset: 100 + n, date_s: 4_000 });
        }
        assert_eq!(marks.marks.len(), MARKS_MAX);
    }
}
