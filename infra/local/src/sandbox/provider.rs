//! The sandbox payment provider: invoices by service and attempt.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::invoice::{Invoice, Via};
use super::payments::broken;
use super::{Place, Sandboxes, Struck};
use crate::event::instant;
use crate::reply;
use crate::serve::{Exchange, Hangup, Reply};
use crate::store::StoreError;

const STATES: [&str; 4] = ["unpaid", "paid", "failed", "refunded"];

impl Sandboxes {
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
            (&Method::POST, ["payments", payment, "refunds"]) => {
                self.make_refund(exchange, service, payment)
            }
            (&Method::GET, ["payments", payment, "refunds"]) => self.refunds(service, payment),
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
                via: Via::Sandbox,
                reference: None,
                invoice_id: format!("inv_{}", uuid::Uuid::new_v4().simple()),
                attempt_id: body.attempt_id,
                state: "unpaid".to_owned(),
                external_id: None,
                amount_minor: body.amount_minor,
                currency: body.currency,
                description: body.description,
                created_at: instant(self.inner.clock.now()),
                paid_at: None,
                expires_at: None,
                subscribes: false,
                renewals: 0,
            },
        };
        self.keep(&invoice)?;
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
}
