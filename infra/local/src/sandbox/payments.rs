//! What becomes of an invoice, as the desk or the pay page says; and who is told of it.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::invoice::{Invoice, Via};
use super::{Sandboxes, escape, hooks};
use crate::reply;
use crate::serve::Exchange;
use crate::store::StoreError;

/// The header of the secret that a webhook of the sandbox provider brings.
const SECRET_HEADER: &str = "x-sandbox-secret";
/// More deliveries than this are a typing error.
const MAX_DELIVERIES: u32 = 1_000;

/// `POST /_local/payments/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    pub(super) outcome: String,
    /// Whose payment it is, where two services have the same id.
    #[serde(default)]
    service: Option<String>,
    #[serde(default = "yes")]
    webhook: bool,
    #[serde(default = "one")]
    deliveries: u32,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    pub(super) amount_minor: Option<i64>,
    #[serde(default)]
    pub(super) currency: Option<String>,
    /// Who pays; of payments in stars nobody in particular, else whose payment it is.
    #[serde(default)]
    pub(super) user_id: Option<i64>,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

impl Sandboxes {
    /// The provider's side of a payment: its state, and the webhooks that tell it.
    pub(super) async fn payment(&self, exchange: &Exchange, id: &str) -> Response<Bytes> {
        match exchange.json::<Outcome>() {
            Ok(outcome) => self.settle(id, outcome).await.unwrap_or_else(broken),
            Err(what) => reply::bad(what),
        }
    }

    async fn settle(&self, id: &str, asked: Outcome) -> Result<Response<Bytes>, StoreError> {
        if !["paid", "failed", "refunded", "renewed"].contains(&asked.outcome.as_str()) {
            return Ok(reply::bad("outcome must be paid, failed, refunded or renewed"));
        }
        let Some(invoice) = self.find(asked.service.as_deref(), id)? else {
            let what = format!("the provider has no invoice of {id}");
            return Ok(reply::refused(StatusCode::NOT_FOUND, what));
        };
        let external_id = asked.external_id.clone();
        let invoice = match asked.outcome.as_str() {
            "renewed" => self.renewed(invoice, external_id)?,
            state => Some(self.set_state(invoice, state, external_id)?),
        };
        let Some(invoice) = invoice else {
            return Ok(reply::bad("what is renewed is a subscription in stars that was paid"));
        };
        let count = if asked.webhook { asked.deliveries.min(MAX_DELIVERIES) } else { 0 };
        let mut deliveries = Vec::new();
        if invoice.via == Via::TelegramStars {
            self.book_stars(&invoice, &asked)?;
        }
        for _ in 0..count {
            deliveries.extend(match invoice.via {
                Via::Sandbox => self.tell(&invoice, &asked).await,
                Via::CryptoBot => self.tell_crypto(&invoice, &asked).await?,
                Via::TelegramStars => self.tell_stars(&invoice, &asked).await?,
            });
        }
        Ok(reply::ok(&json!({ "invoice": invoice, "deliveries": deliveries })))
    }

    /// Tells a service what the sandbox provider knows; nothing where it has no ear for it.
    async fn tell(&self, invoice: &Invoice, asked: &Outcome) -> Option<Value> {
        let service = invoice.service.as_str();
        let hooks = hooks::of(service);
        let (_, event) = hooks.told.iter().find(|(outcome, _)| *outcome == asked.outcome)?;
        let amount = asked.amount_minor.unwrap_or(invoice.amount_minor);
        let body = json!({
            "attempt_id": invoice.attempt_id,
            "external_id": invoice.external_id,
            "event": event,
            "amount": decimal(amount, &invoice.currency),
            "currency": asked.currency.as_ref().unwrap_or(&invoice.currency),
        });
        let path = hooks.payment.replace("{id}", &invoice.attempt_id);
        if hooks.by_payer {
            let credential = self.credential(service, &invoice.attempt_id, asked.user_id).await;
            let Some(credential) = credential else {
                return Some(
                    json!({ "status": 0, "error": "nobody knows the payer: say user_id" }),
                );
            };
            return Some(self.deliver(service, &path, ("authorization", &credential), &body).await);
        }
        let secret = self.inner.secrets.get(service, "SANDBOX_SECRET");
        Some(self.deliver(service, &path, (SECRET_HEADER, &secret), &body).await)
    }

    pub(super) fn pay_page(&self, service: &str, attempt: &str) -> Response<Bytes> {
        match self.invoice(service, attempt) {
            Ok(Some(invoice)) => reply::html(page(&invoice)),
            Ok(None) => reply::not_found(),
            Err(error) => broken(error),
        }
    }

    /// A pressed button of the pay page.
    pub(super) async fn pay(
        &self,
        exchange: &Exchange,
        service: &str,
        attempt: &str,
    ) -> Response<Bytes> {
        let form = String::from_utf8_lossy(&exchange.body).into_owned();
        let has = |field: &str| form.split('&').any(|pair| pair == field);
        let outcome =
            ["paid", "failed", "refunded"].into_iter().find(|o| has(&format!("outcome={o}")));
        let Some(outcome) = outcome else { return reply::bad("outcome is missing") };
        let asked = Outcome {
            outcome: outcome.to_owned(),
            service: Some(service.to_owned()),
            webhook: has("webhook=yes"),
            deliveries: 1,
            external_id: None,
            amount_minor: None,
            currency: None,
            user_id: None,
        };
        match self.settle(attempt, asked).await {
            Ok(response) if response.status().is_success() => self.pay_page(service, attempt),
            Ok(response) => response,
            Err(error) => broken(error),
        }
    }
}

pub(super) fn broken(error: StoreError) -> Response<Bytes> {
    reply::refused(StatusCode::INTERNAL_SERVER_ERROR, error)
}

/// The amount as the webhook tells it: `2000.00`, or whole Stars.
pub(super) fn decimal(minor: i64, currency: &str) -> Value {
    if currency == "XTR" {
        return minor.to_string().into();
    }
    format!("{}.{:02}", minor.div_euclid(100), minor.rem_euclid(100)).into()
}

fn page(invoice: &Invoice) -> String {
    let amount = decimal(invoice.amount_minor, &invoice.currency);
    let rows = [
        ("Счёт", invoice.invoice_id.as_str()),
        ("Попытка", &invoice.attempt_id),
        ("Сумма", amount.as_str().unwrap_or_default()),
        ("Валюта", &invoice.currency),
        ("За что", &invoice.description),
        ("Состояние", &invoice.state),
    ];
    let rows: String =
        rows.iter().map(|(name, value)| format!("<tr><th>{name}<td>{}", escape(value))).collect();
    format!(
        "<!doctype html><html lang=ru><meta charset=utf-8><title>Оплата (песочница)</title>\
         <style>body{{font:16px sans-serif;max-width:32em;margin:2em auto}}\
         th{{text-align:left;padding-right:1em}}button{{margin:.3em .3em 0 0}}</style>\
         <h1>Оплата (песочница)</h1><table>{rows}</table><form method=post>\
         <p><label><input type=checkbox name=webhook value=yes checked> послать уведомление</label>\
         <p><button name=outcome value=paid>Оплатить</button>\
         <button name=outcome value=failed>Отказ</button>\
         <button name=outcome value=refunded>Возврат</button></form></html>"
    )
}
