//! The sandbox provider: a server that pretends to take money, as the local stack runs it.
//!
//! It knows an invoice by the payment's id, so that asking twice for one makes no second.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::money::Money;
use shared::outbound::{Answer, Call};

use super::{Invoice, ProviderError, Told, Traced};
use crate::payments::model::{Payment, Provider, RUBLES};
use crate::payments::proof::{Proof, Said};
use crate::{App, texts};

#[derive(Serialize)]
struct Wanted {
    attempt_id: String,
    amount_minor: i64,
    currency: &'static str,
    description: String,
}

#[derive(Deserialize)]
struct Made {
    invoice_id: String,
    url: String,
}

#[derive(Deserialize)]
struct Shown {
    attempt_id: String,
    invoice_id: String,
    state: String,
    external_id: Option<String>,
    amount_minor: u64,
    currency: String,
}

pub(super) fn is_on(app: &App) -> bool {
    app.settings.sandbox && app.payments.sandbox_url.is_some()
}

pub(super) async fn invoice(app: &App, payment: &Payment) -> Result<Invoice, ProviderError> {
    let wanted = Wanted {
        attempt_id: payment.id.to_string(),
        amount_minor: payment.kopecks.0,
        currency: RUBLES,
        description: texts::top_up(payment.kopecks.rubles()),
    };
    let made: Made = send(call(app, Method::POST, "")?.json(&wanted)).await?.success()?.json()?;
    Ok(Invoice { id: Some(made.invoice_id), pay_url: made.url, mini_app_url: None })
}

pub(super) async fn ask(app: &App, payment: &Payment) -> Result<Told, ProviderError> {
    let shown = shown(app, payment).await?;
    let paid = shown.filter(|shown| shown.state == "paid");
    Ok(paid.map_or(Told::Unpaid, |shown| Told::Paid(shown.proof(payment))))
}

pub(super) async fn trace(app: &App, payment: &Payment) -> Result<Traced, ProviderError> {
    match shown(app, payment).await? {
        None => Ok(Traced::Nothing),
        Some(shown) if shown.state == "paid" => Ok(Traced::Paid(shown.proof(payment))),
        Some(_) => invoice(app, payment).await.map(Traced::Open),
    }
}

/// Pays a payment's invoice at the provider, which tells nobody. Answers what it would tell; `None`
/// when it has no such invoice.
///
/// # Errors
/// [`ProviderError`].
pub async fn mark_paid(app: &App, payment: &Payment) -> Result<Option<Proof>, ProviderError> {
    let path = format!("/{}/state", payment.id);
    let call = call(app, Method::PUT, &path)?.json(&json!({ "state": "paid" }));
    Ok(known(send(call).await?)?.map(|shown| shown.proof(payment)))
}

async fn shown(app: &App, payment: &Payment) -> Result<Option<Shown>, ProviderError> {
    known(send(call(app, Method::GET, &format!("/{}", payment.id))?).await?)
}

fn known(answer: Answer) -> Result<Option<Shown>, ProviderError> {
    if answer.status == 404 { Ok(None) } else { Ok(Some(answer.success()?.json()?)) }
}

impl Shown {
    fn proof(self, payment: &Payment) -> Proof {
        let amount = self.currency.parse().map(|c| Money::new(self.amount_minor, c).to_string());
        // It knows our number without the mark of our references.
        let ours = self.attempt_id == payment.id.to_string();
        Proof {
            provider: Provider::Sandbox,
            receipt_id: self.external_id.unwrap_or_else(|| format!("sbx_{}", payment.id)),
            invoice_id: Some(self.invoice_id),
            said: Said {
                reference: Some(if ours {
                    payment.reference().to_string()
                } else {
                    self.attempt_id
                }),
                status: Some(self.state),
                currency: Some(self.currency),
                amount: amount.ok(),
                asset: None,
            },
        }
    }
}

async fn send(call: Call) -> Result<Answer, ProviderError> {
    Ok(call.send().await?)
}

fn call(app: &App, method: Method, path: &str) -> Result<Call, ProviderError> {
    let base = app.payments.sandbox_url.as_deref().ok_or(ProviderError::Off)?;
    let secret = app.platform.secret("SANDBOX_SECRET").map_err(ProviderError::Setup)?;
    let url = format!("{}/invoices{path}", base.trim_end_matches('/'));
    let call = app.platform.outbound.call(method, &url).bearer(secret.expose());
    Ok(call.time_limit(app.payments.provider_timeout))
}
