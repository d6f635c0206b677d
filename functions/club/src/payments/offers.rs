//! What is sold, and on which terms. No I/O.

use serde::{Deserialize, Serialize};
use shared::money::{Currency, Money};
use utoipa::ToSchema;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Its name in links and forms.
    pub key: String,
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
}

impl Offer {
    /// The offers that existing forms depend on, as they are until an administrator changes them.
    #[must_use]
    pub fn seeded(key: &str) -> Option<Self> {
        let (purpose, periodicity) = match key {
            "monthly_rub_2000" => (Purpose::Own, Periodicity::Monthly),
            "gift_rub_2000" => (Purpose::Gift, Periodicity::OneTime),
            _ => return None,
        };
        Some(Self {
            key: key.to_owned(),
            purpose,
            periodicity,
            days: periodicity.days(),
            prices: vec![
                Money::new(200_000, Currency::Rub),
                Money::new(MONTH_STARS, Currency::Xtr),
            ],
            active: true,
        })
    }

    /// Is it paid again every 30 days, for oneself, where a provider does that by itself?
    #[must_use]
    pub fn recurs(&self) -> bool {
        self.purpose == Purpose::Own && self.periodicity == Periodicity::Monthly
    }

    /// The price in a currency.
    #[must_use]
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().copied().find(|price| price.currency == currency)
    }
}
