//! Money: whole minor units and a currency. There is no arithmetic on floating point anywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency a service can be paid in.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
pub enum Currency {
    /// Russian roubles; the minor unit is a kopeck.
    #[serde(rename = "RUB")]
    Rub,
    /// US dollars; the minor unit is a cent.
    #[serde(rename = "USD")]
    Usd,
    /// Euros; the minor unit is a cent.
    #[serde(rename = "EUR")]
    Eur,
    /// Telegram Stars, which have no minor unit.
    #[serde(rename = "XTR")]
    Xtr,
}

impl Currency {
    /// How many decimals an amount of this currency is written with.
    #[must_use]
    pub fn decimals(self) -> u32 {
        if self == Self::Xtr { 0 } else { 2 }
    }

    /// The code of ISO 4217, or `XTR` as Telegram has it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Rub => "RUB",
            Self::Usd => "USD",
            Self::Eur => "EUR",
            Self::Xtr => "XTR",
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        [Self::Rub, Self::Usd, Self::Eur, Self::Xtr]
            .into_iter()
            .find(|currency| currency.code() == code)
            .ok_or(MoneyError::Currency)
    }
}

/// An amount of money, never negative, in minor units of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Kopecks, cents or stars.
    pub minor: u64,
    /// What they are units of.
    pub currency: Currency,
}

/// Why a text is not an amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency is not one of [`Currency`].
    #[error("unknown currency")]
    Currency,
    /// Not digits with at most the currency's decimals, or too large.
    #[error("not an amount of this currency")]
    Amount,
}

impl Money {
    /// `minor` units of `currency`.
    #[must_use]
    pub const fn new(minor: u64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Reads a decimal string such as `2000.00`, `2000` or, for stars, `1500`.
    ///
    /// # Errors
    /// [`MoneyError::Amount`] for signs, exponents, blanks, too many decimals and overflow.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let decimals = usize::try_from(currency.decimals()).unwrap_or_default();
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 15 {
            return Err(MoneyError::Amount);
        }
        let (kept, rest) = fraction.split_at(fraction.len().min(decimals));
        if rest.bytes().any(|b| b != b'0') {
            return Err(MoneyError::Amount);
        }
        let padded = format!("{whole}{kept:0<decimals$}");
        let minor = padded.parse().map_err(|_| MoneyError::Amount)?;
        Ok(Self { minor, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10_u64.pow(self.currency.decimals());
        let (whole, rest) = (self.minor / unit, self.minor % unit);
        match self.currency.decimals() {
            0 => write!(f, "{whole}"),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (text, minor) in [("2000.00", 200_000), ("2000", 200_000), ("0.5", 50), ("0.01", 1)] {
            assert_eq!(Money::parse(text, Currency::Rub).unwrap().minor, minor, "{text}");
        }
        assert_eq!(Money::parse("1500", Currency::Xtr).unwrap().to_string(), "1500");
    }

    #[test]
    fn what_is_not_an_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1.005", " 1", "1,5", "٣", "NaN"] {
            assert_eq!(Money::parse(text, Currency::Rub), Err(MoneyError::Amount), "{text}");
        }
        assert_eq!(Money::parse("99999999999999999999", Currency::Rub), Err(MoneyError::Amount));
        assert_eq!(Money::parse("1.5", Currency::Xtr), Err(MoneyError::Amount));
    }

    proptest! {
        #[test]
        fn writing_and_reading_agree(minor in 0_u64..=1_000_000_000_000) {
            for currency in [Currency::Rub, Currency::Usd, Currency::Eur, Currency::Xtr] {
                let money = Money::new(minor, currency);
                prop_assert_eq!(Money::parse(&money.to_string(), currency), Ok(money));
            }
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = Money::parse(&text, Currency::Rub);
        }
    }
}
