//! Crypto Bot, as its Crypto Pay API speaks.

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderName, Method};
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use shared::clock::Instant;
use shared::settings::{Environment, Secret, SettingError, Stage};

use super::{Booked, ProviderError, Told, Traced};
use crate::App;
use crate::payments::model::{Payment, Provider, RUBLES};
use crate::payments::proof::{Proof, Said};

/// The secret's name.
pub const TOKEN: &str = "CRYPTO_PAY_TOKEN";
const TOKEN_HEADER: HeaderName = HeaderName::from_static("crypto-pay-api-token");
/// Invoices in one page of a list.
const PAGE: usize = 100;
/// Pages of one list at most: a list that does not end is a fault of the other side.
const PAGES_MAX: usize = 200;

/// The network of the app, by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network(String);

impl Network {
    /// Reads `CRYPTO_PAY_NETWORK`, `main` or `test`, and `CRYPTO_PAY_API_URL`, which takes the
    /// network's place outside production.
    ///
    /// # Errors
    /// When the network is another, or production is to be served by another address.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingError> {
        let url = match environment.get("CRYPTO_PAY_NETWORK").unwrap_or("main") {
            "main" => "https://pay.crypt.bot",
            "test" => "https://testnet-pay.crypt.bot",
            _ => return Err(SettingError::Malformed("CRYPTO_PAY_NETWORK".to_owned())),
        };
        match environment.get("CRYPTO_PAY_API_URL") {
            None => Ok(Self(url.to_owned())),
            Some(_) if environment.stage()? == Stage::Prod => {
                Err(SettingError::Forbidden("CRYPTO_PAY_API_URL".to_owned()))
            }
            Some(other) => Ok(Self(other.trim_end_matches('/').to_owned())),
        }
    }
}

/// Is `signature`, the hex digits of a header, the one of these bytes by the holder of `token`?
/// Takes the same time for every guess.
#[must_use]
pub fn signed(body: &[u8], token: &Secret, signature: &[u8]) -> bool {
    let key = Sha256::digest(token.expose().as_bytes());
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
    mac.update(body);
    from_hex(signature).is_some_and(|guess| mac.verify_slice(&guess).is_ok())
}

fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).and_then(|n| u8::try_from(n).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((nibble(high)? << 4) | nibble(low)?),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

/// An invoice as the provider shows it, in answers and in webhooks. Numbers are kept as they are
/// written: as floats they could round to what was agreed.
#[derive(Debug, Deserialize)]
pub struct Invoice {
    invoice_id: Box<RawValue>,
    status: Option<String>,
    fiat: Option<String>,
    amount: Option<Box<RawValue>>,
    paid_asset: Option<String>,
    payload: Option<String>,
    bot_invoice_url: Option<String>,
    mini_app_invoice_url: Option<String>,
    created_at: Option<String>,
    paid_at: Option<String>,
}

/// The text of a JSON string or number.
fn text_of(raw: &RawValue) -> Option<String> {
    match serde_json::from_str::<serde_json::Value>(raw.get()).ok()? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(_) => Some(raw.get().to_owned()),
        _ => None,
    }
}

impl Invoice {
    /// The provider's id: 1 to 64 letters and digits; `None` when it is something else, which no
    /// key is made of.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        let id = text_of(&self.invoice_id)?;
        let fits = (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then_some(id)
    }

    /// What it says of money.
    #[must_use]
    pub fn proof(&self) -> Option<Proof> {
        let id = self.id()?;
        let said = Said {
            reference: self.payload.clone(),
            status: self.status.clone(),
            currency: self.fiat.clone(),
            amount: self.amount.as_deref().and_then(text_of),
            asset: self.paid_asset.clone(),
        };
        let invoice_id = Some(id.clone());
        Some(Proof { provider: Provider::CryptoBot, receipt_id: id, invoice_id, said })
    }

    fn is_paid(&self) -> bool {
        self.status.as_deref() == Some("paid")
    }

    fn made(&self) -> Result<super::Invoice, ProviderError> {
        let unread = |what| ProviderError::Refused(format!("an invoice without {what}"));
        Ok(super::Invoice {
            id: Some(self.id().ok_or_else(|| unread("an id"))?),
            pay_url: self.bot_invoice_url.clone().ok_or_else(|| unread("an address"))?,
            mini_app_url: self.mini_app_invoice_url.clone(),
        })
    }
}

#[derive(Serialize)]
struct Wanted {
    currency_type: &'static str,
    fiat: &'static str,
    amount: String,
    description: String,
    payload: String,
    expires_in: i64,
}

#[derive(Default, Serialize)]
struct Listed {
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice_ids: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    offset: usize,
    count: usize,
}

#[derive(Deserialize)]
struct Envelope<T> {
    ok: bool,
    result: Option<T>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Items {
    items: Vec<Invoice>,
}

pub(super) fn is_on(app: &App) -> bool {
    app.payments.crypto_token.is_some()
}

async fn call<T: DeserializeOwned>(
    app: &App,
    method: &str,
    body: &impl Serialize,
) -> Result<T, ProviderError> {
    let token = app.payments.crypto_token.as_ref().ok_or(ProviderError::Off)?;
    let url = format!("{}/api/{method}", app.payments.crypto_network.0);
    let call = app.platform.outbound.call(Method::POST, &url).header(TOKEN_HEADER, token.expose());
    let answer = call.json(body).time_limit(app.payments.provider_timeout).send().await?;
    // A refusal comes with a status of its own and with a body that says why.
    let envelope: Envelope<T> = match answer.json() {
        Ok(envelope) => envelope,
        Err(unread) => return Err(answer.success().err().unwrap_or(unread).into()),
    };
    match envelope.result.filter(|_| envelope.ok && answer.is_success()) {
        Some(result) => Ok(result),
        None => {
            let why = envelope.error.map(|error| error.to_string()).unwrap_or_default();
            Err(ProviderError::Refused(why.chars().take(200).collect()))
        }
    }
}

pub(super) async fn invoice(app: &App, payment: &Payment) -> Result<super::Invoice, ProviderError> {
    let rubles = payment.kopecks.rubles();
    let wanted = Wanted {
        currency_type: "fiat",
        fiat: RUBLES,
        amount: rubles.to_string(),
        description: crate::texts::top_up(rubles),
        payload: payment.reference().to_string(),
        expires_in: payment.expires_at.since(payment.created_at).as_secs(),
    };
    call::<Invoice>(app, "createInvoice", &wanted).await?.made()
}

async fn listed(app: &App, listed: &Listed) -> Result<Vec<Invoice>, ProviderError> {
    Ok(call::<Items>(app, "getInvoices", listed).await?.items)
}

async fn one(app: &App, id: &str) -> Result<Option<Invoice>, ProviderError> {
    let wanted = Listed { invoice_ids: Some(id.to_owned()), count: 1, ..Listed::default() };
    let found = listed(app, &wanted).await?;
    Ok(found.into_iter().find(|invoice| invoice.id().as_deref() == Some(id)))
}

pub(super) async fn links(app: &App, payment: &Payment) -> Result<super::Invoice, ProviderError> {
    match trace_invoice(app, payment).await? {
        Some(invoice) => invoice.made(),
        None => Err(ProviderError::Refused("no such invoice".to_owned())),
    }
}

pub(super) async fn ask(app: &App, payment: &Payment) -> Result<Told, ProviderError> {
    let invoice = match &payment.invoice_id {
        Some(id) => one(app, id).await?,
        None => trace_invoice(app, payment).await?,
    };
    let paid = invoice.filter(Invoice::is_paid).and_then(|invoice| invoice.proof());
    Ok(paid.map_or(Told::Unpaid, Told::Paid))
}

pub(super) async fn trace(app: &App, payment: &Payment) -> Result<Traced, ProviderError> {
    match trace_invoice(app, payment).await? {
        None => Ok(Traced::Nothing),
        Some(invoice) => match invoice.proof().filter(|_| invoice.is_paid()) {
            Some(proof) => Ok(Traced::Paid(proof)),
            None => invoice.made().map(Traced::Open),
        },
    }
}

/// The invoice with our reference, among those made since the payment was.
async fn trace_invoice(app: &App, payment: &Payment) -> Result<Option<Invoice>, ProviderError> {
    let reference = payment.reference().to_string();
    let mut pages = Pages { made_since: payment.created_at - SKEW, ..Pages::default() };
    while let Some(page) = pages.next(app).await? {
        let found = page.into_iter().find(|i| i.payload.as_deref() == Some(reference.as_str()));
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Clocks of two machines differ.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Longer than any invoice can wait for its money.
const LIFE: SignedDuration = SignedDuration::from_hours(2);

/// The provider's invoices, page by page, as far back as they are wanted.
#[derive(Debug)]
pub(in crate::payments) struct Pages {
    made_since: Instant,
    paid_since: Option<Instant>,
    page: usize,
    over: bool,
}

impl Default for Pages {
    fn default() -> Self {
        let (made_since, paid_since) = (Instant::from_millis(0), None);
        Self { made_since, paid_since, page: 0, over: false }
    }
}

impl Pages {
    /// Invoices that were paid since.
    pub(in crate::payments) fn paid_since(since: Instant) -> Self {
        Self { made_since: since - LIFE, paid_since: Some(since - SKEW), ..Self::default() }
    }

    /// The money of the next page; `None` after the last.
    ///
    /// # Errors
    /// [`ProviderError`]; the page may be asked for again.
    pub(in crate::payments) async fn booked(
        &mut self,
        app: &App,
    ) -> Result<Option<Vec<Booked>>, ProviderError> {
        let since = self.paid_since;
        let recent = |i: &Invoice| i.paid().is_none_or(|at| since.is_none_or(|since| at >= since));
        Ok(self.next(app).await?.map(|page| {
            let paid = page.iter().filter(|invoice| invoice.is_paid() && recent(invoice));
            paid.filter_map(Invoice::proof).map(Booked::Came).collect()
        }))
    }

    async fn next(&mut self, app: &App) -> Result<Option<Vec<Invoice>>, ProviderError> {
        if self.over {
            return Ok(None);
        }
        let status = self.paid_since.map(|_| "paid");
        let wanted = Listed { status, offset: self.page * PAGE, count: PAGE, invoice_ids: None };
        let page = listed(app, &wanted).await?;
        self.page += 1;
        self.over = page.len() < PAGE || self.page >= PAGES_MAX || self.is_past(&page);
        Ok(Some(page))
    }

    /// Does a list of the newest first end with what is older than wanted? Its order is not
    /// promised and therefore read off the page; any other list is read to its end.
    fn is_past(&self, page: &[Invoice]) -> bool {
        let made = |invoice: Option<&Invoice>| invoice.and_then(Invoice::made_at);
        match (made(page.first()), made(page.last())) {
            (Some(first), Some(last)) => first > last && last < self.made_since,
            _ => false,
        }
    }
}

impl Invoice {
    fn made_at(&self) -> Option<Instant> {
        self.created_at.as_ref()?.parse().ok()
    }

    fn paid(&self) -> Option<Instant> {
        self.paid_at.as_ref()?.parse().ok()
    }
}
