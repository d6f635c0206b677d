//! What LavaTop says and is told, in JSON (its public API, versions 1 and 3). No I/O.
//!
//! Sums are numbers there. They are taken as they are written: as a float one could round to the
//! price.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::money::Currency;
use utoipa::ToSchema;

use crate::payments::model::{Attempt, Said};
use crate::payments::offers::{LavatopTerms, Periodicity};

/// The marks of a campaign, which travel with an invoice and come back with each word of it.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct Utm {
    /// The attempt's id. Whoever opens an offer's page without us may have anything here.
    #[serde(default)]
    utm_term: Option<String>,
}

impl Utm {
    /// The attempt that the marks name, if they name one.
    #[must_use]
    pub fn attempt_id(&self) -> Option<&str> {
        self.utm_term.as_deref().filter(|text| Attempt::is_id(text))
    }
}

/// A sum as LavaTop says it. What it does not say never agrees with a price.
#[must_use]
pub fn said(amount: Option<&RawValue>, currency: Option<&str>) -> Said {
    let amount =
        amount.map(|raw| serde_json::from_str(raw.get()).unwrap_or_else(|_| raw.get().to_owned()));
    Said {
        amount: Some(amount.unwrap_or_default()),
        currency: Some(currency.unwrap_or_default().to_owned()),
    }
}

/// What a link is asked for with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wanted<'a> {
    email: &'a str,
    offer_id: &'a str,
    periodicity: Periodicity,
    currency: Currency,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_provider: Option<&'static str>,
    buyer_language: &'static str,
    client_utm: Mark<'a>,
}

#[derive(Debug, Serialize)]
struct Mark<'a> {
    utm_term: &'a str,
}

impl<'a> Wanted<'a> {
    /// What the link of this attempt is asked for with.
    pub(super) fn of(attempt: &'a Attempt, terms: &'a LavatopTerms) -> Self {
        Self {
            email: attempt.email.as_deref().unwrap_or_default(),
            offer_id: &terms.offer_id,
            periodicity: terms.periodicity,
            currency: attempt.price.currency,
            payment_provider: terms.paypal.then_some("PAYPAL"),
            buyer_language: "RU",
            client_utm: Mark { utm_term: &attempt.id },
        }
    }
}

/// A link that was made.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) payment_url: Option<String>,
    amount_total: Option<Total>,
}

#[derive(Debug, Deserialize)]
struct Total {
    amount: Option<Box<RawValue>>,
    currency: Option<String>,
}

impl Made {
    /// What LavaTop is going to take, where it says so.
    pub(super) fn said(&self) -> Option<Said> {
        let total = self.amount_total.as_ref()?;
        Some(said(Some(total.amount.as_deref()?), Some(total.currency.as_deref()?)))
    }
}

/// An invoice as LavaTop shows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    pub(super) id: String,
    status: Option<String>,
    receipt: Option<Total>,
    parent_invoice: Option<Parent>,
    subscription_status: Option<String>,
    client_utm: Option<Utm>,
}

#[derive(Debug, Deserialize)]
struct Parent {
    id: Option<String>,
}

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Completed,
    Failed,
}

impl Shown {
    pub(super) fn state(&self) -> State {
        match self.status.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("completed") => State::Completed,
            Some("failed") => State::Failed,
            _ => State::Open,
        }
    }

    /// What was taken.
    pub(super) fn said(&self) -> Said {
        let amount = self.receipt.as_ref().and_then(|receipt| receipt.amount.as_deref());
        let currency = self.receipt.as_ref().and_then(|receipt| receipt.currency.as_deref());
        said(amount, currency)
    }

    /// The attempt that it names.
    pub(super) fn attempt_id(&self) -> Option<&str> {
        self.client_utm.as_ref().and_then(Utm::attempt_id)
    }

    /// The standing subscription that it would belong to: that of the first invoice of it.
    pub(super) fn contract_id(&self) -> &str {
        let parent = self.parent_invoice.as_ref().and_then(|parent| parent.id.as_deref());
        parent.filter(|id| !id.is_empty()).unwrap_or(&self.id)
    }

    /// Is it a payment of a subscription that goes on, as far as LavaTop says? An invoice that is
    /// none of a subscription says nothing.
    pub(super) fn goes_on(&self) -> bool {
        !is_over(self.subscription_status.as_deref())
    }
}

/// A subscription as LavaTop shows it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Subscription {
    subscription_status: Option<String>,
}

impl Subscription {
    pub(super) fn is_over(&self) -> bool {
        is_over(self.subscription_status.as_deref())
    }
}

fn is_over(status: Option<&str>) -> bool {
    let status = status.map(str::to_ascii_lowercase);
    status.is_some_and(|status| matches!(status.as_str(), "cancelled" | "failed"))
}

/// A page of invoices.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    #[serde(default)]
    items: Vec<Box<RawValue>>,
}

impl Page {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The invoices of the page. One that cannot be read does not keep the others.
    pub(super) fn shown(&self) -> impl Iterator<Item = Shown> {
        self.items.iter().filter_map(|item| {
            let shown = serde_json::from_str(item.get());
            shown.inspect_err(|error| tracing::error!(%error, "an invoice that is not read")).ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::money::Money;

    use super::*;

    fn shown(value: serde_json::Value) -> Shown {
        serde_json::from_str(&value.to_string()).unwrap()
    }

    #[test]
    fn a_sum_is_taken_as_it_is_written() {
        let price = Money::new(200_000, Currency::Rub);
        for (amount, agrees) in [
            ("2000", true),
            ("2000.0", true),
            ("2000.00", true),
            ("\"2000.00\"", true),
            ("1999.9999999999999999999999", false),
            ("2000.000000000000000000000001", false),
            ("2e3", false),
            ("-2000", false),
            ("[2000]", false),
            ("true", false),
        ] {
            let raw = RawValue::from_string(amount.to_owned()).unwrap();
            assert_eq!(said(Some(&raw), Some("RUB")).agrees(price), agrees, "{amount}");
            assert!(!said(Some(&raw), Some("USD")).agrees(price), "{amount}");
            assert!(!said(Some(&raw), None).agrees(price), "{amount}");
        }
        assert!(!said(None, Some("RUB")).agrees(price), "a sum that is not said is no price");
    }

    #[test]
    fn an_invoice_is_paid_only_when_it_is_completed() {
        for (status, state) in [
            (json!("COMPLETED"), State::Completed),
            (json!("completed"), State::Completed),
            (json!("FAILED"), State::Failed),
            (json!("IN_PROGRESS"), State::Open),
            (json!("NEW"), State::Open),
            (json!("something new"), State::Open),
            (json!(null), State::Open),
        ] {
            assert_eq!(shown(json!({ "id": "i", "status": status })).state(), state, "{status}");
        }
    }

    #[test]
    fn a_renewal_belongs_to_the_first_invoice() {
        let first = shown(json!({ "id": "i", "parentInvoice": null }));
        let next = shown(json!({ "id": "j", "parentInvoice": { "id": "i" } }));
        let odd = shown(json!({ "id": "j", "parentInvoice": { "id": null } }));
        assert_eq!((first.contract_id(), next.contract_id(), odd.contract_id()), ("i", "i", "j"));
    }

    #[test]
    fn a_subscription_goes_on_until_lavatop_says_otherwise() {
        for (status, on) in [("ACTIVE", true), ("CANCELLED", false), ("failed", false)] {
            let shown = shown(json!({ "id": "i", "subscriptionStatus": status }));
            assert_eq!(shown.goes_on(), on, "{status}");
        }
        assert!(shown(json!({ "id": "i" })).goes_on());
    }

    #[test]
    fn only_what_reads_like_an_attempt_names_one() {
        let own = format!("att_{}", "0".repeat(26));
        for (term, found) in [(own.as_str(), Some(own.as_str())), ("shoes", None), ("", None)] {
            let shown = shown(json!({ "id": "i", "clientUtm": { "utm_term": term } }));
            assert_eq!(shown.attempt_id(), found, "{term}");
        }
        for utm in [json!(null), json!({}), json!({ "utm_term": null })] {
            assert_eq!(shown(json!({ "id": "i", "clientUtm": utm })).attempt_id(), None);
        }
    }
}
