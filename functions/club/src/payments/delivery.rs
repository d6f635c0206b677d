//! What the sandbox provider delivers, and how it is read. No I/O.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::http::read_json;
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::model::Said;
use super::providers;

/// What happened to an attempt, as its provider says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Happened {
    Success,
    Fail,
    Refund,
}

/// A provider's word of one attempt, within its limits.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Delivery {
    /// 1 to 64 characters.
    pub(super) attempt_id: String,
    /// The provider's id of the payment, 1 to 128 of `[A-Za-z0-9_.-]`; `sbx_<attempt_id>` unless given.
    external_id: Option<String>,
    pub(super) event: Happened,
    /// Tells apart several refunds of one payment, 1 to 128 of `[A-Za-z0-9_.-]`; the payment's id
    /// unless given.
    refund_id: Option<String>,
    /// A decimal string; what was agreed unless given.
    // A number is taken as it is written: as a float it could round to the price.
    #[schema(value_type = Option<String>)]
    amount: Option<Box<RawValue>>,
    /// The attempt's unless given.
    currency: Option<String>,
}

/// What ids of a provider are made of.
pub(super) const PROVIDER_ID: &str = "1 to 128 letters, digits, _, . and -";

/// Can this be a provider's id? Ids are joined with `:` and `#` into keys, which must not be
/// ambiguous.
pub(super) fn is_provider_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

impl Delivery {
    /// Reads the body of a delivery.
    ///
    /// # Errors
    /// 400 `parse_error` when it is not JSON, `validation_failed` with the field that is missing,
    /// mistyped or out of its limits.
    pub fn read(body: &[u8]) -> Result<Self> {
        let delivery: Self = read_json(body)?;
        delivery.check()?;
        Ok(delivery)
    }

    fn check(&self) -> Result<()> {
        let length = |text: &str, most| (1..=most).contains(&text.chars().count());
        if !length(&self.attempt_id, 64) {
            return Err(Problem::invalid("attempt_id", "1 to 64 characters"));
        }
        for (field, id) in [("external_id", &self.external_id), ("refund_id", &self.refund_id)] {
            if id.as_deref().is_some_and(|id| !is_provider_id(id)) {
                return Err(Problem::invalid(field, PROVIDER_ID));
            }
        }
        // It becomes a part of the payment's id.
        if !is_provider_id(&self.external_id()) {
            return Err(Problem::invalid("attempt_id", "letters, digits, _, . and -"));
        }
        if self.currency.as_deref().is_some_and(|code| !length(code, 16)) {
            return Err(Problem::invalid("currency", "1 to 16 characters"));
        }
        if self.amount.as_ref().is_some_and(|amount| amount.get().len() > 64) {
            return Err(Problem::invalid("amount", "a decimal string"));
        }
        Ok(())
    }

    /// The provider's id of the payment.
    #[must_use]
    pub fn external_id(&self) -> String {
        let given = self.external_id.clone();
        given.unwrap_or_else(|| providers::sandbox_external_id(&self.attempt_id))
    }

    /// The provider's id of the refund.
    #[must_use]
    pub fn refund_id(&self) -> String {
        self.refund_id.clone().unwrap_or_else(|| self.external_id())
    }

    /// The sum, in the provider's own words.
    #[must_use]
    pub fn said(&self) -> Said {
        let amount = self.amount.as_ref().map(|amount| {
            serde_json::from_str(amount.get()).unwrap_or_else(|_| amount.get().to_owned())
        });
        Said { amount, currency: self.currency.clone() }
    }
}
