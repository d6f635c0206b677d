//! How what a form tells is read. No I/O.

use serde_json::{Map, Value};
use shared::money::{Currency, Money};
use shared::problem::{Problem, Result};

use crate::wire;

/// The longest text, in characters.
const TEXT_MAX: usize = 255;
/// What says that a gift is paid.
const GIFT: &str = "gift_payment";

/// Contacts and where somebody came from.
const TEXTS: [&str; 14] = [
    "name",
    "first_name",
    "last_name",
    "username",
    "email",
    "phone",
    "code_word",
    "metka",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "currency",
];

/// The body of a form: what is not known is ignored.
#[derive(Clone, Debug, Default)]
pub struct Form(pub Map<String, Value>);

impl Form {
    /// A text as it was sent. Forms write what is empty in many ways.
    fn text(&self, field: &'static str) -> Result<Option<String>> {
        let text = match self.0.get(field) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(Problem::invalid(field, "a text")),
        };
        if text.chars().count() > TEXT_MAX {
            return Err(Problem::invalid(field, "255 characters at most"));
        }
        Ok(Some(text).filter(|text| !matches!(text.as_str(), "" | "null" | "undefined")))
    }

    fn required(&self, field: &'static str) -> Result<String> {
        self.text(field)?.ok_or_else(|| Problem::invalid(field, "is required"))
    }

    /// A Telegram id.
    ///
    /// # Errors
    /// 400 when it is missing or none.
    pub fn id(&self, field: &'static str) -> Result<i64> {
        let id = wire::telegram_id(&Value::String(self.required(field)?));
        id.ok_or_else(|| Problem::invalid(field, "a Telegram id"))
    }

    /// Contacts and where somebody came from, as far as they were told.
    ///
    /// # Errors
    /// 400 for one that is no text, or too long.
    pub fn details(&self) -> Result<Map<String, Value>> {
        let mut details = Map::new();
        for field in TEXTS {
            if let Some(text) = self.text(field)? {
                details.insert(field.to_owned(), text.into());
            }
        }
        Ok(details)
    }

    /// The same with how and how much is paid.
    ///
    /// # Errors
    /// 400 for these where they are missing or do not read, and as [`Form::details`].
    pub fn payment(&self) -> Result<Map<String, Value>> {
        let method = self.required("payment_method")?;
        let amount = self.required("amount")?;
        // Every currency but stars has two decimals, and stars have none.
        if Money::parse(&amount, Currency::Rub).is_err() {
            return Err(Problem::invalid("amount", "a decimal number"));
        }
        let mut details = self.details()?;
        details.insert("payment_method".to_owned(), method.into());
        details.insert("amount".to_owned(), amount.into());
        Ok(details)
    }

    /// Is it a gift that is paid?
    ///
    /// # Errors
    /// 400 when `metka` is no text, or too long.
    pub fn is_gift(&self) -> Result<bool> {
        Ok(self.text("metka")?.as_deref() == Some(GIFT))
    }
}
