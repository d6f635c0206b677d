//! Telegram Stars: what can be asked for, and what the Bot API reports.

use serde::{Deserialize, Serialize};

use super::updates::User;

/// The only subscription period that Telegram allows, in seconds (30 days).
pub const SUBSCRIPTION_PERIOD_S: u32 = 2_592_000;

/// The greatest price of a subscription, in Stars.
const SUBSCRIPTION_PRICE_MAX: u32 = 10_000;

/// An invoice in Stars (`XTR`), checked against Telegram's limits before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StarInvoice {
    title: String,
    description: String,
    payload: String,
    amount: u32,
    recurring: bool,
}

/// The limit that an invoice breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StarInvoiceError {
    /// The title has not 1 to 32 characters.
    #[error("the title must have 1 to 32 characters")]
    Title,
    /// The description has not 1 to 255 characters.
    #[error("the description must have 1 to 255 characters")]
    Description,
    /// The payload has not 1 to 128 bytes.
    #[error("the payload must have 1 to 128 bytes")]
    Payload,
    /// The price is 0, or above 10 000 for a subscription.
    #[error("the price is out of limits")]
    Price,
}

impl StarInvoice {
    /// An invoice paid once. `payload` comes back with the payment: an id of ours, never data.
    /// `amount` is in whole Stars.
    ///
    /// # Errors
    /// The limit that is broken.
    pub fn once(
        title: &str,
        description: &str,
        payload: &str,
        amount: u32,
    ) -> Result<Self, StarInvoiceError> {
        Self::checked(title, description, payload, amount, false)
    }

    /// An invoice for a subscription renewed every 30 days.
    ///
    /// # Errors
    /// The limit that is broken.
    pub fn recurring(
        title: &str,
        description: &str,
        payload: &str,
        amount: u32,
    ) -> Result<Self, StarInvoiceError> {
        Self::checked(title, description, payload, amount, true)
    }

    fn checked(
        title: &str,
        description: &str,
        payload: &str,
        amount: u32,
        recurring: bool,
    ) -> Result<Self, StarInvoiceError> {
        if !(1..=32).contains(&title.chars().count()) {
            return Err(StarInvoiceError::Title);
        }
        if !(1..=255).contains(&description.chars().count()) {
            return Err(StarInvoiceError::Description);
        }
        if !(1..=128).contains(&payload.len()) {
            return Err(StarInvoiceError::Payload);
        }
        if amount == 0 || (recurring && amount > SUBSCRIPTION_PRICE_MAX) {
            return Err(StarInvoiceError::Price);
        }
        Ok(Self {
            title: title.to_owned(),
            description: description.to_owned(),
            payload: payload.to_owned(),
            amount,
            recurring,
        })
    }

    /// The body of `createInvoiceLink`.
    pub(super) fn body(&self) -> InvoiceBody<'_> {
        InvoiceBody {
            title: &self.title,
            description: &self.description,
            payload: &self.payload,
            provider_token: "",
            currency: "XTR",
            prices: [Price { label: &self.title, amount: self.amount }],
            subscription_period: self.recurring.then_some(SUBSCRIPTION_PERIOD_S),
        }
    }
}

/// `createInvoiceLink`: exactly one price, no provider token.
#[derive(Serialize)]
pub(super) struct InvoiceBody<'a> {
    title: &'a str,
    description: &'a str,
    payload: &'a str,
    provider_token: &'static str,
    currency: &'static str,
    prices: [Price<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_period: Option<u32>,
}

#[derive(Serialize)]
struct Price<'a> {
    label: &'a str,
    amount: u32,
}

/// What became of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundOutcome {
    /// This call gave the Stars back.
    Refunded,
    /// An earlier one did (`CHARGE_ALREADY_REFUNDED`): success as well.
    AlreadyRefunded,
}

/// A page of `getStarTransactions`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct StarTransactions {
    /// In chronological order: the oldest first. Whoever looks for a recent one pages forward
    /// from an offset remembered earlier.
    pub transactions: Vec<StarTransaction>,
}

/// One movement of the bot's Stars.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct StarTransaction {
    /// For an incoming payment equal to its `telegram_payment_charge_id`; a refund has the id of
    /// the payment it gives back.
    pub id: String,
    /// Whole Stars.
    pub amount: i64,
    /// Billionths of a Star besides.
    #[serde(default)]
    pub nanostar_amount: i64,
    /// Epoch seconds.
    #[serde(rename = "date")]
    pub date_s: i64,
    /// Who paid; set for incoming transactions.
    pub source: Option<TransactionPartner>,
    /// Who was paid; set for outgoing transactions, refunds among them.
    pub receiver: Option<TransactionPartner>,
}

/// The other side of a [`StarTransaction`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TransactionPartner {
    /// `user`, `chat`, `fragment`, `telegram_ads` and others to come.
    #[serde(rename = "type")]
    pub kind: String,
    /// For a user: `invoice_payment`, `paid_media_payment`, `gift_purchase` and others.
    pub transaction_type: Option<String>,
    /// The user.
    pub user: Option<User>,
    /// The payload given to the invoice.
    pub invoice_payload: Option<String>,
    /// Seconds, for subscriptions.
    pub subscription_period: Option<i64>,
}

/// An amount of Stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct StarAmount {
    /// Whole Stars.
    pub amount: i64,
    /// Billionths of a Star besides.
    #[serde(default)]
    pub nanostar_amount: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_checked_before_sending() {
        let ok = |t: usize, d: usize, p: usize, amount| {
            StarInvoice::once(&"я".repeat(t), &"я".repeat(d), &"p".repeat(p), amount)
        };
        assert!(ok(32, 255, 128, 1).is_ok() && ok(1, 1, 1, 25_000).is_ok());
        assert_eq!(ok(0, 1, 1, 1), Err(StarInvoiceError::Title));
        assert_eq!(ok(33, 1, 1, 1), Err(StarInvoiceError::Title));
        assert_eq!(ok(1, 0, 1, 1), Err(StarInvoiceError::Description));
        assert_eq!(ok(1, 256, 1, 1), Err(StarInvoiceError::Description));
        assert_eq!(ok(1, 1, 0, 1), Err(StarInvoiceError::Payload));
        assert_eq!(ok(1, 1, 129, 1), Err(StarInvoiceError::Payload));
        assert_eq!(ok(1, 1, 1, 0), Err(StarInvoiceError::Price));
        // The payload is limited in bytes.
        assert!(StarInvoice::once("t", "d", &"я".repeat(65), 1).is_err());
        assert!(StarInvoice::recurring("t", "d", "p", 10_000).is_ok());
        assert_eq!(StarInvoice::recurring("t", "d", "p", 10_001), Err(StarInvoiceError::Price));
    }

    #[test]
    fn body_has_one_price_and_the_period_only_when_recurring() {
        let once = serde_json::to_value(StarInvoice::once("t", "d", "p", 5).unwrap().body());
        assert_eq!(
            once.unwrap(),
            serde_json::json!({"title": "t", "description": "d", "payload": "p", "currency": "XTR",
                "provider_token": "", "prices": [{"label": "t", "amount": 5}]})
        );
        let recurring = StarInvoice::recurring("t", "d", "p", 5).unwrap();
        let body = serde_json::to_value(recurring.body()).unwrap();
        assert_eq!(body["subscription_period"], 2_592_000);
    }
}
