//! LavaTop, over its public API.
//!
//! An invoice goes by LavaTop's own id; the attempt's travels in a campaign mark, `utm_term`, and
//! comes back with each word of it. LavaTop finds no invoice by that mark, and makes a new one for
//! each call. So a link is asked for once: when no answer comes, the attempt fails, and a payment
//! that comes all the same is settled by the mark, from a delivery or from the list of invoices.

mod wire;

use std::time::Duration;

use http::{HeaderName, Method};
use shared::clock::Instant;
use shared::outbound::{Answer, Call, Cause, OutboundError};
use shared::problem::Problem;
use shared::settings::{Environment, SettingError, Stage};

use super::{Came, Invoice, Provider, ProviderError, Received, Told};
use crate::App;
use crate::payments::contracts::RecurringContract;
use crate::payments::delivery::is_provider_id;
use crate::payments::matching::{self, Matched, Named};
use crate::payments::model::{Attempt, Status, Success};
use wire::{Made, Page, Shown, State, Subscription, Wanted};

pub use wire::{Utm, said};

/// The setting that enables LavaTop: where its API is.
pub const URL: &str = "LAVATOP_API_URL";
/// The key that LavaTop knows us by.
pub const API_KEY: &str = "LAVATOP_API_KEY";
/// The key that we know LavaTop's deliveries by.
pub const WEBHOOK_SECRET: &str = "LAVATOP_WEBHOOK_SECRET";
/// The header of both.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// Invoices of one page.
const PAGE: usize = 50;

/// Where LavaTop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The root of its API, without a slash at the end.
    url: String,
}

impl Settings {
    /// Reads them; `None` where LavaTop is not used.
    ///
    /// # Errors
    /// When a key is set and the address is not, and in production when the address is not one of
    /// HTTPS: each names the setting.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, SettingError> {
        let Some(url) = environment.get(URL) else {
            let half = [API_KEY, WEBHOOK_SECRET].into_iter().any(|name| {
                environment.get(name).is_some()
                    || environment.get(&format!("{name}_SECRET_ID")).is_some()
            });
            let half = half && environment.stage()? == Stage::Prod;
            return if half { Err(SettingError::Missing(URL.to_owned())) } else { Ok(None) };
        };
        let is_plain = !url.starts_with("https://");
        if is_plain && (environment.stage()? == Stage::Prod || !url.starts_with("http://")) {
            return Err(SettingError::Malformed(URL.to_owned()));
        }
        Ok(Some(Self { url: url.trim_end_matches('/').to_owned() }))
    }
}

/// Makes a link. Only for an attempt that has had none: a second one could take the money twice.
pub(super) async fn invoice(
    app: &App,
    attempt: &Attempt,
    limit: Duration,
) -> Result<Invoice, ProviderError> {
    if attempt.status != Status::Created {
        return Err(ProviderError::Refused);
    }
    let terms = attempt.lavatop.as_ref().ok_or(ProviderError::Disabled)?;
    let call = call(app, Method::POST, "/api/v3/invoice")?.json(&Wanted::of(attempt, terms));
    let made: Made = call.time_limit(limit).send().await?.success()?.json()?;
    // Before the payer sees the link: the offer there may cost something else than the offer here.
    if made.said().is_some_and(|said| !said.agrees(attempt.price)) {
        return Err(setup("the offer has another price at LavaTop"));
    }
    match made.payment_url.filter(|url| !url.is_empty()) {
        Some(url) if is_provider_id(&made.id) => Ok(Invoice { id: made.id, url }),
        _ => Err(unreadable()),
    }
}

/// Asks for the attempt's invoice. One that has none, as no answer came, cannot be asked about.
pub(super) async fn ask(
    app: &App,
    attempt: &Attempt,
    limit: Duration,
) -> Result<Told, ProviderError> {
    let Some(id) = &attempt.invoice_id else { return Ok(Told::Unpaid) };
    let answer = call(app, Method::GET, &format!("/api/v1/invoices/{}", escaped(id)))?;
    let answer = answer.time_limit(limit).send().await?;
    if answer.status == 404 {
        return Ok(Told::Unpaid);
    }
    let shown: Shown = answer.success()?.json()?;
    if shown.id != *id || shown.attempt_id().is_some_and(|named| named != attempt.id) {
        return Err(setup("LavaTop shows another attempt's invoice"));
    }
    Ok(match shown.state() {
        State::Open => Told::Unpaid,
        State::Failed => Told::Failed,
        State::Completed => Told::Paid(Came {
            external_id: shown.id.clone(),
            said: shown.said(),
            payer: None,
            recurs: shown.goes_on(),
            contract_id: Some(shown.contract_id().to_owned()),
        }),
    })
}

/// Ends a subscription. LavaTop refuses to end what is over: then it is asked whether it is.
pub(super) async fn end(
    app: &App,
    contract: &RecurringContract,
    limit: Duration,
) -> Result<(), ProviderError> {
    let email = contract.email.as_deref().ok_or_else(|| setup("a contract without an e-mail"))?;
    let id = escaped(&contract.contract_id);
    let path = format!("/api/v1/subscriptions?contractId={id}&email={}", escaped(email));
    let ended = async {
        let answer = call(app, Method::DELETE, &path)?.time_limit(limit).send().await?;
        if !matches!(answer.status, 400 | 404 | 409) {
            answer.success()?;
            return Ok(());
        }
        match is_over(app, &id, limit).await? {
            true => Ok(()),
            false => Err(OutboundError::Status(answer.status).into()),
        }
    };
    // Both calls together have no more time than one.
    tokio::time::timeout(limit, ended).await.unwrap_or(Err(ProviderError::Slow))
}

/// Is the subscription over? One that LavaTop does not know takes no money, either.
async fn is_over(app: &App, id: &str, limit: Duration) -> Result<bool, ProviderError> {
    let asked = call(app, Method::GET, &format!("/api/v1/subscriptions/{id}"))?;
    let answer = asked.time_limit(limit).send().await?;
    if answer.status == 404 {
        return Ok(true);
    }
    let subscription: Subscription = answer.success()?.json()?;
    Ok(subscription.is_over())
}

/// The invoices that were paid since then, one page; LavaTop tells of no refunds.
pub(super) async fn received(
    app: &App,
    since: Instant,
    page: Option<String>,
    limit: Duration,
) -> Result<Received, ProviderError> {
    let number: u32 = page.map_or(Ok(1), |page| page.parse()).map_err(|_| setup("not a page"))?;
    let path = format!("/api/v1/invoices?beginDate={since}&page={number}&size={PAGE}");
    let answer: Answer = call(app, Method::GET, &path)?.time_limit(limit).send().await?;
    let listed: Page = answer.success()?.json()?;
    let mut successes = Vec::new();
    for shown in listed.shown().filter(|shown| shown.state() == State::Completed) {
        // An id that no key can be made of is nobody's.
        if is_provider_id(&shown.id) {
            let attempt = attempt_of(app, &shown).await?;
            successes.push(success(&shown, attempt));
        }
    }
    let next = (listed.len() >= PAGE).then(|| number.saturating_add(1).to_string());
    Ok(Received { successes, refunds: Vec::new(), next })
}

/// The attempt that an invoice names; of one without our mark, the one that it was made for, which
/// takes two reads more.
async fn attempt_of(app: &App, shown: &Shown) -> Result<String, ProviderError> {
    if let Some(id) = shown.attempt_id() {
        return Ok(id.to_owned());
    }
    let root = Some(shown.contract_id());
    let named = Named { attempt_id: None, invoice_id: root, contract_id: root };
    match matching::find(app, Provider::Lavatop, named).await.map_err(ProviderError::Setup)? {
        Matched::Attempt(id) => Ok(id),
        Matched::Two | Matched::Nobody => Ok(String::new()),
    }
}

fn success(shown: &Shown, attempt_id: String) -> Success {
    let contract_id = Some(shown.contract_id()).filter(|id| is_provider_id(id));
    Success {
        provider: Provider::Lavatop,
        attempt_id,
        external_id: shown.id.clone(),
        said: shown.said(),
        payer: None,
        recurs: shown.goes_on(),
        contract_id: contract_id.map(str::to_owned),
    }
}

fn call(app: &App, method: Method, path: &str) -> Result<Call, ProviderError> {
    let settings = app.payments.lavatop.as_ref().ok_or(ProviderError::Disabled)?;
    let key = app.platform.secret(API_KEY).map_err(ProviderError::Setup)?;
    let url = format!("{}{path}", settings.url);
    Ok(app.platform.outbound.call(method, &url).header(KEY_HEADER, key.expose()))
}

fn setup(cause: &'static str) -> ProviderError {
    ProviderError::Setup(Problem::bug(cause))
}

fn unreadable() -> ProviderError {
    ProviderError::Call(OutboundError::Ambiguous(Cause::Unreadable))
}

/// A text as a part of a path or a query.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<Settings>, SettingError> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_environment(&pairs.collect())
    }

    #[test]
    fn half_a_configuration_is_refused_in_production_and_named() {
        let secret = ("LAVATOP_API_KEY_SECRET_ID", "prod/club/lavatop-api-key");
        let refused = read(&[("STAGE", "prod"), secret]).unwrap_err();
        assert_eq!(refused.to_string(), "setting LAVATOP_API_URL is missing");
        for url in ["http://gate.example.com", "gate.example.com"] {
            let refused = read(&[("STAGE", "prod"), (URL, url)]).unwrap_err();
            assert_eq!(refused.to_string(), "setting LAVATOP_API_URL is malformed", "{url}");
        }
        assert_eq!(read(&[("STAGE", "prod")]).unwrap(), None);
        assert_eq!(read(&[("STAGE", "test"), secret]).unwrap(), None);
    }

    #[test]
    fn the_address_may_end_in_a_slash() {
        let settings = read(&[("STAGE", "prod"), (URL, "https://gate.example.com/")]).unwrap();
        assert_eq!(settings.unwrap().url, "https://gate.example.com");
    }

    #[test]
    fn what_an_address_may_hold_does_not_end_the_query() {
        assert_eq!(escaped("a+b&c=d@example.com"), "a%2Bb%26c%3Dd%40example.com");
        assert_eq!(escaped("я"), "%D1%8F");
    }
}
