//! The payment provider: invoices by service and attempt, a pay page, webhooks.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Place, Sandboxes, Struck, escape, hooks};
use crate::event::instant;
use crate::reply;
use crate::serve::{Exchange, Hangup, Reply};
use crate::store::StoreError;

/// The header of the secret that a webhook brings.
const SECRET_HEADER: &str = "x-sandbox-secret";
/// More deliveries than this are a typing error.
const MAX_DELIVERIES: u32 = 1_000;

/// An invoice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invoice {
    /// The service whose payment it is.
    #[serde(default)]
    pub service: String,
    /// The attempt to pay that it is for.
    pub attempt_id: String,
    /// The provider's own id.
    pub invoice_id: String,
    /// `unpaid`, `paid`, `failed` or `refunded`.
    pub state: String,
    /// The provider's id of the payment.
    pub external_id: Option<String>,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// What is paid for.
    #[serde(default)]
    pub description: String,
    /// When it was made, by the clock.
    #[serde(default)]
    pub created_at: String,
}

const STATES: [&str; 4] = ["unpaid", "paid", "failed", "refunded"];

/// `POST /_local/payments/{id}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outcome {
    outcome: String,
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
    amount_minor: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
}

const fn yes() -> bool {
    true
}

const fn one() -> u32 {
    1
}

/// The folder of a service's invoices, or of all.
fn folder(service: Option<&str>) -> String {
    service.map_or("invoice/".to_owned(), |service| format!("invoice/{service}/"))
}

fn key(service: &str, attempt: &str) -> String {
    format!("{}{attempt}", folder(Some(service)))
}

impl Sandboxes {
    fn invoice(&self, service: &str, attempt: &str) -> Result<Option<Invoice>, StoreError> {
        self.inner.store.get(&key(service, attempt))
    }

    /// The invoice that any of its ids names, of one service or of any.
    fn find(&self, service: Option<&str>, id: &str) -> Result<Option<Invoice>, StoreError> {
        let known = self.inner.services.keys().map(String::as_str);
        for service in known.filter(|known| service.is_none_or(|service| service == *known)) {
            if let Some(invoice) = self.invoice(service, id)? {
                return Ok(Some(invoice));
            }
        }
        let all: Vec<Invoice> = self.inner.store.list(&folder(service))?;
        Ok(all.into_iter().find(|invoice| {
            invoice.invoice_id == id
                || invoice.external_id.as_deref() == Some(id)
                || id.rsplit([':', '#']).next() == invoice.external_id.as_deref()
        }))
    }

    /// A call of the provider's own interface.
    pub(super) async fn provider_call(&self, exchange: &Exchange, path: &[&str]) -> Reply {
        // The service may stand before the path; without it, it is the only one there is.
        let (service, path) = match path {
            ["invoices", ..] | [] => (self.default_service(), path),
            [service, rest @ ..] => (*service, rest),
        };
        let secret = self.inner.secrets.get(service, "SANDBOX_SECRET");
        let bearer = exchange.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
        if bearer != Some(secret.as_str()) {
            return Ok(reply::refused(StatusCode::UNAUTHORIZED, "unauthorized"));
        }
        let struck = self.before(Place::Provider).await;
        if let Struck::Instead(reply) = struck {
            return *reply;
        }
        let response = match (&exchange.parts.method, path) {
            (&Method::POST, ["invoices"]) => self.make_invoice(exchange, service),
            (&Method::GET, ["invoices", attempt]) => {
                self.invoice(service, attempt).map(|found| match found {
                    Some(invoice) => reply::ok(&invoice),
                    None => reply::refused(StatusCode::NOT_FOUND, "no such invoice"),
                })
            }
            (&Method::PUT, ["invoices", attempt, "state"]) => {
                self.put_state(exchange, service, attempt)
            }
            _ => Ok(reply::not_found()),
        };
        let response = response.unwrap_or_else(broken);
        if matches!(struck, Struck::Afterwards) { Err(Hangup::Now) } else { Ok(response) }
    }

    fn make_invoice(
        &self,
        exchange: &Exchange,
        service: &str,
    ) -> Result<Response<Bytes>, StoreError> {
        #[derive(Deserialize)]
        struct Body {
            attempt_id: String,
            amount_minor: i64,
            currency: String,
            #[serde(default)]
            description: String,
        }
        let body: Body = match exchange.json() {
            Ok(body) => body,
            Err(what) => return Ok(reply::bad(what)),
        };
        let fine = body.amount_minor > 0
            && (1..=64).contains(&body.attempt_id.len())
            && body.attempt_id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !fine {
            return Ok(reply::bad("attempt_id or amount_minor is malformed"));
        }
        let invoice = match self.invoice(service, &body.attempt_id)? {
            Some(known) => known,
            None => Invoice {
                service: service.to_owned(),
                invoice_id: format!("inv_{}", uuid::Uuid::new_v4().simple()),
                attempt_id: body.attempt_id,
                state: "unpaid".to_owned(),
                external_id: None,
                amount_minor: body.amount_minor,
                currency: body.currency,
                description: body.description,
                created_at: instant(self.inner.clock.now()),
            },
        };
        self.inner.store.put(&key(service, &invoice.attempt_id), &invoice)?;
        let url = format!("{}/_local/pay/{service}/{}", self.inner.front, invoice.attempt_id);
        let answer = json!({ "invoice_id": invoice.invoice_id, "url": url });
        Ok(reply::json(StatusCode::CREATED, &answer))
    }

    fn put_state(
        &self,
        exchange: &Exchange,
        service: &str,
        attempt: &str,
    ) -> Result<Response<Bytes>, StoreError> {
        #[derive(Deserialize)]
        struct Body {
            state: String,
            #[serde(default)]
            external_id: Option<String>,
        }
        let body: Body = match exchange.json() {
            Ok(body) => body,
            Err(what) => return Ok(reply::bad(what)),
        };
        let Some(invoice) = self.invoice(service, attempt)? else {
            return Ok(reply::refused(StatusCode::NOT_FOUND, "no such invoice"));
        };
        if !STATES.contains(&body.state.as_str()) {
            return Ok(reply::bad(format_args!("state must be one of {}", STATES.join(", "))));
        }
        let invoice = self.set_state(invoice, &body.state, body.external_id)?;
        Ok(reply::ok(&invoice))
    }

    fn set_state(
        &self,
        mut invoice: Invoice,
        state: &str,
        external_id: Option<String>,
    ) -> Result<Invoice, StoreError> {
        state.clone_into(&mut invoice.state);
        if external_id.is_some() {
            invoice.external_id = external_id;
        } else if state == "paid" && invoice.external_id.is_none() {
            invoice.external_id = Some(format!("sbx_{}", invoice.attempt_id));
        }
        self.inner.store.put(&key(&invoice.service, &invoice.attempt_id), &invoice)?;
        Ok(invoice)
    }

    /// The provider's side of a payment: its state, and the webhooks that tell it.
    pub(super) async fn payment(&self, exchange: &Exchange, id: &str) -> Response<Bytes> {
        match exchange.json::<Outcome>() {
            Ok(outcome) => self.settle(id, outcome).await.unwrap_or_else(broken),
            Err(what) => reply::bad(what),
        }
    }

    async fn settle(&self, id: &str, asked: Outcome) -> Result<Response<Bytes>, StoreError> {
        let event = match asked.outcome.as_str() {
            "paid" => "success",
            "failed" => "fail",
            "refunded" => "refund",
            _ => return Ok(reply::bad("outcome must be paid, failed or refunded")),
        };
        let Some(invoice) = self.find(asked.service.as_deref(), id)? else {
            let what = format!("the provider has no invoice of {id}");
            return Ok(reply::refused(StatusCode::NOT_FOUND, what));
        };
        let invoice = self.set_state(invoice, &asked.outcome, asked.external_id)?;
        let amount = asked.amount_minor.unwrap_or(invoice.amount_minor);
        let body = json!({
            "attempt_id": invoice.attempt_id,
            "external_id": invoice.external_id,
            "event": event,
            "amount": decimal(amount, &invoice.currency),
            "currency": asked.currency.as_ref().unwrap_or(&invoice.currency),
        });
        let service = invoice.service.as_str();
        let path = hooks::of(service).payment.replace("{id}", &invoice.attempt_id);
        let secret = self.inner.secrets.get(service, "SANDBOX_SECRET");
        let count = if asked.webhook { asked.deliveries.min(MAX_DELIVERIES) } else { 0 };
        let mut deliveries = Vec::new();
        for _ in 0..count {
            deliveries.push(self.deliver(service, &path, (SECRET_HEADER, &secret), &body).await);
        }
        Ok(reply::ok(&json!({ "invoice": invoice, "deliveries": deliveries })))
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
        };
        match self.settle(attempt, asked).await {
            Ok(response) if response.status().is_success() => self.pay_page(service, attempt),
            Ok(response) => response,
            Err(error) => broken(error),
        }
    }
}

fn broken(error: StoreError) -> Response<Bytes> {
    reply::refused(StatusCode::INTERNAL_SERVER_ERROR, error)
}

/// The amount as the webhook tells it: `2000.00`, or whole Stars.
fn decimal(minor: i64, currency: &str) -> Value {
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
