//! What the sandbox provider has given back, by payment.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Sandboxes;
use crate::reply;
use crate::serve::Exchange;
use crate::store::StoreError;

/// A refund under the id that the service gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refund {
    refund_id: String,
    amount_minor: i64,
}

impl Sandboxes {
    /// Gives money back, once for each id; no more than the invoice was for, where there is one.
    pub(super) fn make_refund(
        &self,
        exchange: &Exchange,
        service: &str,
        payment: &str,
    ) -> Result<Response<Bytes>, StoreError> {
        let wanted: Refund = match exchange.json() {
            Ok(body) => body,
            Err(what) => return Ok(reply::bad(what)),
        };
        let id = wanted.refund_id.as_str();
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if wanted.amount_minor <= 0 || !plain || !(1..=64).contains(&id.len()) {
            return Ok(reply::bad("refund_id or amount_minor is malformed"));
        }
        let known: Vec<Refund> = self.inner.store.list(&folder(service, payment))?;
        if let Some(made) = known.iter().find(|made| made.refund_id == wanted.refund_id) {
            return Ok(reply::ok(made));
        }
        let given: i64 = known.iter().map(|made| made.amount_minor).sum();
        let given = given.saturating_add(wanted.amount_minor);
        let invoice = self.find(Some(service), payment)?;
        if invoice.as_ref().is_some_and(|invoice| given > invoice.amount_minor) {
            return Ok(reply::refused(StatusCode::CONFLICT, "more than came"));
        }
        self.inner.store.put(&format!("{}{id}", folder(service, payment)), &wanted)?;
        if let Some(invoice) = invoice.filter(|invoice| given == invoice.amount_minor) {
            self.set_state(invoice, "refunded", None)?;
        }
        Ok(reply::json(StatusCode::CREATED, &wanted))
    }

    /// What was given back of a payment.
    pub(super) fn refunds(
        &self,
        service: &str,
        payment: &str,
    ) -> Result<Response<Bytes>, StoreError> {
        let refunds: Vec<Refund> = self.inner.store.list(&folder(service, payment))?;
        Ok(reply::ok(&json!({ "refunds": refunds })))
    }
}

fn folder(service: &str, payment: &str) -> String {
    format!("refund/{service}/{payment}/")
}
