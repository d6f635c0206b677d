//! What is sold, and on which terms. No I/O.

use serde::{Deserialize, Serialize};
use shared::money::{Currency, Money};
use utoipa::ToSchema;

use super::providers::Provider;
use crate::texts;

/// What a month costs in stars. Telegram takes 10 000 for a subscription at most.
const MONTH_STARS: u64 = 1_500;

/// What a payment buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Purpose {
    /// Days for the payer.
    #[serde(rename = "self")]
    Own,
    /// A gift for somebody else.
    #[serde(rename = "gift")]
    Gift,
}

/// How often an offer is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Periodicity {
    /// Every month, or once.
    Monthly,
    /// Once.
    OneTime,
    /// Every 90 days.
    #[serde(rename = "PERIOD_90_DAYS")]
    Period90Days,
    /// Every 180 days.
    #[serde(rename = "PERIOD_180_DAYS")]
    Period180Days,
}

impl Periodicity {
    /// The days that one payment buys.
    #[must_use]
    pub fn days(self) -> u32 {
        match self {
            Self::Monthly | Self::OneTime => 30,
            Self::Period90Days => 90,
            Self::Period180Days => 180,
        }
    }
}

/// Terms that are sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Its name in links and forms: 1 to 64 of `[a-z0-9_]`.
    pub key: String,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// What the provider calls it, where it keeps offers of its own.
    pub offer_id: Option<String>,
    /// What it buys.
    pub purpose: Purpose,
    /// How often it is paid.
    pub periodicity: Periodicity,
    /// The days that one payment buys.
    pub days: u32,
    /// At most one price for each currency.
    pub prices: Vec<Money>,
    /// Is it sold now?
    pub active: bool,
    /// Has somebody asked for a link? Then it is never taken away. Kept of stored offers only.
    #[serde(default)]
    pub used: bool,
    /// Grows with every change; 0 of what is not stored.
    #[serde(default)]
    pub version: u64,
}

/// As what LavaTop sells an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LavatopTerms {
    /// LavaTop's own id of the offer.
    pub offer_id: String,
    /// How often it is paid there.
    pub periodicity: Periodicity,
    /// Is it paid by PayPal?
    pub paypal: bool,
}

/// The keys of the offers that are there from the start.
pub const SEEDED: [&str; 2] = ["monthly_rub_2000", "gift_rub_2000"];

impl Offer {
    /// The offers that existing forms depend on, as they are until an administrator changes them.
    #[must_use]
    pub fn seeded(key: &str) -> Option<Self> {
        let (purpose, periodicity, label) = match key {
            "monthly_rub_2000" => (Purpose::Own, Periodicity::Monthly, texts::STARS_OWN),
            "gift_rub_2000" => (Purpose::Gift, Periodicity::OneTime, texts::STARS_GIFT),
            _ => return None,
        };
        Some(Self {
            key: key.to_owned(),
            label: label.to_owned(),
            offer_id: None,
            purpose,
            periodicity,
            days: periodicity.days(),
            prices: vec![
                Money::new(200_000, Currency::Rub),
                Money::new(MONTH_STARS, Currency::Xtr),
            ],
            active: true,
            used: false,
            version: 0,
        })
    }

    /// Can this be the key of an offer?
    #[must_use]
    pub fn is_key(text: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        (1..=64).contains(&text.len()) && text.bytes().all(fits)
    }

    /// Does this provider take the money of every period by itself? Only for oneself. Where it is
    /// not LavaTop, a period is a month.
    #[must_use]
    pub fn recurs(&self, provider: Provider) -> bool {
        let period = match provider {
            Provider::Lavatop => self.periodicity != Periodicity::OneTime,
            _ => self.periodicity == Periodicity::Monthly,
        };
        self.purpose == Purpose::Own && provider.renews() && period
    }

    /// Is it sold by this provider, in this currency? LavaTop sells only what has an offer there.
    #[must_use]
    pub fn is_sold(&self, provider: Provider, currency: Currency) -> bool {
        let known = provider != Provider::Lavatop || self.offer_id.is_some();
        known && provider.takes(currency) && self.price(currency).is_some()
    }

    /// As what LavaTop is to sell it; `None` where it has no offer there. A gift is paid once,
    /// whatever is said of it: nobody is to give it month by month.
    #[must_use]
    pub fn at_lavatop(&self, paypal: bool) -> Option<LavatopTerms> {
        let periodicity = match self.purpose {
            Purpose::Own => self.periodicity,
            Purpose::Gift => Periodicity::OneTime,
        };
        let offer_id = self.offer_id.clone()?;
        Some(LavatopTerms { offer_id, periodicity, paypal })
    }

    /// The price in a currency.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().copied().find(|price| price.currency == currency)
    }
}
