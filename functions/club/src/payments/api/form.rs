//! What the payment forms send, and what of it is checked without a look at anything stored.

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::http::Subject;
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use crate::payments::link::{Preference, Wanted, refused};
use crate::payments::model;
use crate::{texts, wire};

/// A payment form. That of support names no offer.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct LinkRequest {
    /// The caller's own Telegram id, as a number or a string.
    #[schema(value_type = Option<String>)]
    telegram_id: Option<Value>,
    /// 3 to 254 characters with one `@`.
    email: Option<String>,
    /// 1 to 64 characters.
    offer_key: Option<String>,
    /// Used when it is enabled.
    provider: Option<String>,
    /// `PAYPAL`, where LavaTop takes the money; anything else changes nothing.
    payment_provider: Option<String>,
    /// Of the support form: `bank-rf` or `foreign-bank`.
    payment_method: Option<String>,
    /// RUB, USD, EUR or XTR; anything else is RUB, of the provider `stars` XTR.
    currency: Option<String>,
    /// For whom a gift is, as a number or a string.
    #[schema(value_type = Option<String>)]
    recipient_id: Option<Value>,
    name: Option<String>,
    phone: Option<String>,
    code_word: Option<String>,
    utm_source: Option<String>,
    utm_medium: Option<String>,
    utm_campaign: Option<String>,
    utm_content: Option<String>,
    utm_term: Option<String>,
    /// Make a link although the subscription renews itself.
    #[schema(value_type = Option<bool>)]
    force_renew: Option<Value>,
}

impl LinkRequest {
    /// What the form asks for, of the offer that it names.
    pub(super) fn of_offer(mut self, subject: &Subject) -> Result<Wanted> {
        let offer = self.offer_key.take().unwrap_or_default();
        if offer.chars().count() > 64 {
            return Err(Problem::invalid("offer_key", "1 to 64 characters"));
        }
        self.wanted(subject, offer, Preference::First)
    }

    /// What the support form asks for, of its one offer.
    pub(super) fn of_support(self, subject: &Subject, offer: &str) -> Result<Wanted> {
        let abroad = self.payment_method.as_deref() == Some("foreign-bank");
        self.wanted(subject, offer.to_owned(), Preference::Support { abroad })
    }

    fn wanted(self, subject: &Subject, offer: String, prefers: Preference) -> Result<Wanted> {
        let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let id = self.telegram_id.as_ref().filter(|id| !id.is_null() && *id != "");
        let (Some(id), true, false) = (id, filled(&self.email), offer.is_empty()) else {
            return Err(refused("field_required", texts::FIELD_REQUIRED));
        };
        let bad_id = || refused("bad_telegram_id", texts::BAD_TELEGRAM_ID);
        subject.must_be(Some(wire::telegram_id(id).ok_or_else(bad_id)?))?;
        let details = self.details()?;
        let email = self.email.unwrap_or_default();
        if !(3..=254).contains(&email.chars().count()) || email.matches('@').count() != 1 {
            return Err(Problem::invalid("email", "3 to 254 characters with one @"));
        }
        let recipient = match self.recipient_id.filter(|id| !id.is_null() && *id != "") {
            Some(id) => {
                let bad = || Problem::invalid("recipient_id", "a Telegram id");
                Some(wire::telegram_id(&id).ok_or_else(bad)?)
            }
            None => model::recipient_in(&email),
        };
        Ok(Wanted {
            offer,
            provider: self.provider,
            prefers,
            paypal: self.payment_provider.as_deref() == Some("PAYPAL"),
            currency: self.currency.and_then(|code| code.parse().ok()),
            recipient,
            email,
            phone: self.phone.filter(|phone| !phone.is_empty()),
            details,
            force_renew: matches!(self.force_renew, Some(Value::Bool(true)))
                || self.force_renew.is_some_and(|value| value == "true"),
        })
    }

    /// What the form tells besides, for analytics.
    fn details(&self) -> Result<Map<String, Value>> {
        let told = [
            ("name", &self.name),
            ("phone", &self.phone),
            ("code_word", &self.code_word),
            ("utm_source", &self.utm_source),
            ("utm_medium", &self.utm_medium),
            ("utm_campaign", &self.utm_campaign),
            ("utm_content", &self.utm_content),
            ("utm_term", &self.utm_term),
            ("payment_method", &self.payment_method),
        ];
        let mut details = Map::new();
        for (name, text) in told {
            let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { continue };
            if text.chars().count() > 255 {
                return Err(Problem::invalid(name, "255 characters at most"));
            }
            details.insert(name.to_owned(), text.into());
        }
        Ok(details)
    }
}
