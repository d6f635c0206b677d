//! Crypto Bot's Crypto Pay API, as far as a service uses it: invoices in a fiat currency, their
//! list, and webhooks that are signed as the real ones are.

use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Method, Response, StatusCode};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::invoice::{Invoice, Via, referred};
use super::payments::{Outcome, broken, decimal};
use super::{Place, Sandboxes, Struck};
use crate::event::instant;
use crate::reply;
use crate::serve::{Exchange, Hangup, Reply};
use crate::store::StoreError;

/// Where a service takes webhooks, and the header of their signature.
const WEBHOOK: &str = "/api/balance/webhook/crypto-bot";
const SIGNATURE_HEADER: &str = "crypto-pay-api-signature";
const TOKEN_HEADER: &str = "crypto-pay-api-token";
const TOKEN: &str = "CRYPTO_PAY_TOKEN";
/// Real ids have outgrown 32 bits.
const BEFORE_FIRST: i64 = 4_294_967_296;
/// The longest list.
const PAGE_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Wanted {
    fiat: String,
    amount: Value,
    payload: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    expires_in: Option<i64>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    invoice_ids: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    offset: usize,
    #[serde(default = "hundred")]
    count: usize,
}

const fn hundred() -> usize {
    100
}

impl Sandboxes {
    /// A call `/api/<method>`.
    pub(super) async fn crypto_call(&self, exchange: &Exchange, method: &str) -> Reply {
        let token = exchange.header(TOKEN_HEADER).unwrap_or_default();
        let owner = |service: &&String| {
            !token.is_empty() && self.inner.secrets.get(service, TOKEN) == token
        };
        let Some(service) = self.inner.services.keys().find(owner) else {
            return Ok(failure(StatusCode::UNAUTHORIZED, "UNAUTHORIZED"));
        };
        let struck = self.before(Place::Provider).await;
        if let Struck::Instead(reply) = struck {
            return *reply;
        }
        let response = match (&exchange.parts.method, method) {
            (_, "getMe") => Ok(success(&json!({ "app_id": 10_000, "name": service }))),
            (&Method::POST, "createInvoice") => self.crypto_invoice(exchange, service),
            (&Method::POST, "getInvoices") => self.crypto_list(exchange, service),
            _ => Ok(failure(StatusCode::NOT_FOUND, "METHOD_NOT_FOUND")),
        };
        let response = response.unwrap_or_else(broken);
        if matches!(struck, Struck::Afterwards) { Err(Hangup::Now) } else { Ok(response) }
    }

    fn crypto_invoice(
        &self,
        exchange: &Exchange,
        service: &str,
    ) -> Result<Response<Bytes>, StoreError> {
        let Ok(wanted) = exchange.json::<Wanted>() else {
            return Ok(failure(StatusCode::BAD_REQUEST, "INVOICE_DATA_INVALID"));
        };
        let Some(amount_minor) = minor(&wanted.amount).filter(|amount| *amount > 0) else {
            return Ok(failure(StatusCode::BAD_REQUEST, "AMOUNT_INVALID"));
        };
        let number = self.next("crypto/count")?;
        let now = self.inner.clock.now();
        let life = wanted.expires_in.map(SignedDuration::from_secs);
        let invoice = Invoice {
            service: service.to_owned(),
            via: Via::CryptoBot,
            attempt_id: referred(&wanted.payload).to_owned(),
            reference: Some(wanted.payload),
            invoice_id: BEFORE_FIRST.saturating_add(number).to_string(),
            state: "unpaid".to_owned(),
            external_id: None,
            amount_minor,
            currency: wanted.fiat,
            description: wanted.description,
            created_at: instant(now),
            paid_at: None,
            expires_at: life.and_then(|life| now.checked_add(life).ok()),
            subscribes: false,
            renewals: 0,
        };
        self.keep(&invoice)?;
        Ok(success(&self.crypto_shown(&invoice, None)))
    }

    fn crypto_list(
        &self,
        exchange: &Exchange,
        service: &str,
    ) -> Result<Response<Bytes>, StoreError> {
        let Ok(listed) = exchange.json::<Listed>() else {
            return Ok(failure(StatusCode::BAD_REQUEST, "PARAMETERS_INVALID"));
        };
        let ids = listed.invoice_ids.as_deref().unwrap_or_default();
        let ids: Vec<&str> = ids.split(',').map(str::trim).filter(|id| !id.is_empty()).collect();
        let all = self.invoices(service, Via::CryptoBot)?;
        // The newest first.
        let wanted = all.iter().rev().filter(|invoice| {
            (ids.is_empty() || ids.contains(&invoice.invoice_id.as_str()))
                && listed
                    .status
                    .as_deref()
                    .is_none_or(|status| self.crypto_state(invoice) == status)
        });
        let page = wanted.skip(listed.offset).take(listed.count.min(PAGE_MAX));
        let items: Vec<Value> = page.map(|invoice| self.crypto_shown(invoice, None)).collect();
        Ok(success(&json!({ "items": items })))
    }

    fn crypto_state(&self, invoice: &Invoice) -> &'static str {
        let over = invoice.expires_at.is_some_and(|at| at <= self.inner.clock.now());
        match invoice.state.as_str() {
            "paid" | "refunded" => "paid",
            "unpaid" if !over => "active",
            _ => "expired",
        }
    }

    /// An invoice as the API shows it; `asked` may have it tell another amount or currency.
    fn crypto_shown(&self, invoice: &Invoice, asked: Option<&Outcome>) -> Value {
        let amount = asked.and_then(|asked| asked.amount_minor).unwrap_or(invoice.amount_minor);
        let amount = decimal(amount, &invoice.currency);
        let amount = amount.as_str().map(|text| text.trim_end_matches(".00").to_owned());
        let fiat = asked.and_then(|asked| asked.currency.clone());
        let page = format!("{}/_local/pay/{}", self.inner.front, invoice.service);
        let page = format!("{page}/{}", invoice.attempt_id);
        let state = self.crypto_state(invoice);
        let id: Option<i64> = invoice.invoice_id.parse().ok();
        let mut shown = json!({
            "invoice_id": id,
            "status": state,
            "hash": format!("local{}", invoice.invoice_id),
            "currency_type": "fiat",
            "fiat": fiat.as_ref().unwrap_or(&invoice.currency),
            "amount": amount,
            "description": invoice.description,
            "payload": invoice.reference,
            "created_at": invoice.created_at,
            "bot_invoice_url": page,
            "mini_app_invoice_url": page,
            "web_app_invoice_url": page,
        });
        let more = shown.as_object_mut();
        if let (Some(shown), "paid") = (more, state) {
            let paid = [("paid_asset", json!("USDT")), ("paid_at", json!(invoice.paid_at))];
            let paid = paid.map(|(name, value)| (name.to_owned(), value));
            shown.extend(Map::from_iter(paid));
        }
        shown
    }

    /// Tells a service that an invoice was paid; Crypto Bot tells of nothing else.
    pub(super) async fn tell_crypto(
        &self,
        invoice: &Invoice,
        asked: &Outcome,
    ) -> Result<Option<Value>, StoreError> {
        if asked.outcome != "paid" {
            return Ok(None);
        }
        let body = json!({
            "update_id": self.next("crypto/updates")?,
            "update_type": "invoice_paid",
            "request_date": instant(self.inner.clock.now()),
            "payload": self.crypto_shown(invoice, Some(asked)),
        });
        let token = self.inner.secrets.get(&invoice.service, TOKEN);
        let signature = signature(&token, &serde_json::to_vec(&body)?);
        let header = (SIGNATURE_HEADER, signature.as_str());
        Ok(Some(self.deliver(&invoice.service, WEBHOOK, header, &body).await))
    }
}

/// The hex digits of a body's signature by the holder of `token`.
fn signature(token: &str, body: &[u8]) -> String {
    let key = Sha256::digest(token.as_bytes());
    // A key of any length is taken.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `"100"`, `"100.5"` or a number, in hundredths.
fn minor(amount: &Value) -> Option<i64> {
    let text = amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part: i64 = match part.len() {
        0 => 0,
        1 => part.parse::<i64>().ok()?.checked_mul(10)?,
        2 => part.parse().ok()?,
        _ => return None,
    };
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

fn success(result: &Value) -> Response<Bytes> {
    reply::ok(&json!({ "ok": true, "result": result }))
}

fn failure(status: StatusCode, name: &str) -> Response<Bytes> {
    let error = json!({ "code": status.as_u16(), "name": name });
    reply::json(status, &json!({ "ok": false, "error": error }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_signed_as_the_real_one() {
        let body = concat!(
            r#"{"update_id":1,"update_type":"invoice_paid","request_date":"2026-11-22T00:51:47Z","#,
            r#""payload":{"invoice_id":4294967297,"status":"paid","currency_type":"fiat","#,
            r#""fiat":"RUB","amount":"100","paid_asset":"USDT","payload":"er1.42"}}"#
        );
        assert_eq!(
            signature("10000:AAErrandsSandboxToken", body.as_bytes()),
            "4b419bc589e0c6ebf423d591b41486acdeb80a88d12a85b5ded397f726ff2a3a"
        );
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (amount, expected) in [
            (json!("100"), Some(10_000)),
            (json!("100.5"), Some(10_050)),
            (json!("0.07"), Some(7)),
            (json!(3), Some(300)),
            (json!("1.234"), None),
            (json!("x"), None),
        ] {
            assert_eq!(minor(&amount), expected, "{amount}");
        }
    }
}
