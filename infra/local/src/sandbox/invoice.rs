//! Invoices of all who take money: what they are, and where they are kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Sandboxes;
use crate::event::instant;
use crate::store::StoreError;

/// Who takes the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The sandbox provider.
    #[default]
    Sandbox,
    /// Crypto Bot's Crypto Pay.
    CryptoBot,
    /// Telegram, in stars.
    TelegramStars,
}

impl Via {
    /// The id of the money that came for an invoice.
    fn receipt(self, invoice: &Invoice) -> String {
        match self {
            Self::Sandbox => format!("sbx_{}", invoice.attempt_id),
            Self::CryptoBot => invoice.invoice_id.clone(),
            Self::TelegramStars => format!("stx_{}", invoice.attempt_id),
        }
    }
}

/// An invoice.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Invoice {
    /// The service whose payment it is.
    #[serde(default)]
    pub service: String,
    /// Who takes the money.
    #[serde(default)]
    pub via: Via,
    /// The attempt to pay that it is for.
    pub attempt_id: String,
    /// What the service calls it towards who takes the money, where that is not the attempt's id.
    #[serde(default)]
    pub reference: Option<String>,
    /// The provider's own id.
    pub invoice_id: String,
    /// `unpaid`, `paid`, `failed` or `refunded`.
    pub state: String,
    /// The provider's id of the payment.
    pub external_id: Option<String>,
    /// Minor units; whole stars.
    pub amount_minor: i64,
    /// ISO 4217, or `XTR`.
    pub currency: String,
    /// What is paid for.
    #[serde(default)]
    pub description: String,
    /// When it was made, by the clock.
    #[serde(default)]
    pub created_at: String,
    /// When money came last, by the clock.
    #[serde(default)]
    pub paid_at: Option<String>,
    /// When it can be paid no more, by the clock.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Does it begin a subscription in stars?
    #[serde(default)]
    pub subscribes: bool,
    /// How often that was renewed.
    #[serde(default)]
    pub renewals: u32,
}

/// The id that a reference such as `er1.42` names.
pub(super) fn referred(reference: &str) -> &str {
    reference.rsplit('.').next().unwrap_or(reference)
}

/// The folder of a service's invoices, or of all.
fn folder(service: Option<&str>) -> String {
    service.map_or("invoice/".to_owned(), |service| format!("invoice/{service}/"))
}

fn key(service: &str, attempt: &str) -> String {
    format!("{}{attempt}", folder(Some(service)))
}

impl Sandboxes {
    pub(super) fn invoice(
        &self,
        service: &str,
        attempt: &str,
    ) -> Result<Option<Invoice>, StoreError> {
        self.inner.store.get(&key(service, attempt))
    }

    /// The invoice that any of its ids names, of one service or of any.
    pub(super) fn find(
        &self,
        service: Option<&str>,
        id: &str,
    ) -> Result<Option<Invoice>, StoreError> {
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

    pub(super) fn keep(&self, invoice: &Invoice) -> Result<(), StoreError> {
        self.inner.store.put(&key(&invoice.service, &invoice.attempt_id), invoice)
    }

    /// All invoices of one service that are taken by one, in the order they were made.
    pub(super) fn invoices(&self, service: &str, via: Via) -> Result<Vec<Invoice>, StoreError> {
        let mut all: Vec<Invoice> = self.inner.store.list(&folder(Some(service)))?;
        all.retain(|invoice| invoice.via == via);
        all.sort_by(|a, b| (&a.created_at, &a.invoice_id).cmp(&(&b.created_at, &b.invoice_id)));
        Ok(all)
    }

    pub(super) fn set_state(
        &self,
        mut invoice: Invoice,
        state: &str,
        external_id: Option<String>,
    ) -> Result<Invoice, StoreError> {
        state.clone_into(&mut invoice.state);
        if state == "paid" {
            invoice.paid_at = Some(instant(self.inner.clock.now()));
        }
        if external_id.is_some() {
            invoice.external_id = external_id;
        } else if state == "paid" && invoice.external_id.is_none() {
            invoice.external_id = Some(invoice.via.receipt(&invoice));
        }
        self.keep(&invoice)?;
        Ok(invoice)
    }

    /// The next charge of a subscription in stars, as an invoice that was paid by it; `None` where
    /// none was begun.
    pub(super) fn renewed(
        &self,
        mut invoice: Invoice,
        external_id: Option<String>,
    ) -> Result<Option<Invoice>, StoreError> {
        let Some(first) = invoice.external_id.clone().filter(|_| invoice.subscribes) else {
            return Ok(None);
        };
        invoice.renewals = invoice.renewals.saturating_add(1);
        self.keep(&invoice)?;
        let charge = external_id.unwrap_or_else(|| format!("{first}_{}", invoice.renewals));
        Ok(Some(Invoice { external_id: Some(charge), ..invoice }))
    }
}
