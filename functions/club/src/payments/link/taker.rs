//! Who takes the money. No I/O.

use shared::money::Currency;

use crate::payments::Settings;
use crate::payments::offers::Offer;
use crate::payments::providers::Provider;

/// Whom a form prefers, where it names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// LavaTop, else the first that is enabled.
    First,
    /// The support form's: LavaTop for the payer with a bank abroad, and for whom it or a person
    /// served last; else CloudPayments.
    Support {
        /// Is the payer's bank abroad?
        abroad: bool,
    },
}

/// Did LavaTop take the last payment, or a person enter it? `last` names who did.
#[must_use]
pub fn served_by_hand(last: Option<&str>) -> bool {
    matches!(last, Some("lavatop" | "manual"))
}

/// Those who may take the money, the preferred first, and what they take: the one that is
/// requested, if it is enabled, else all who are and take the currency. Roubles, where no currency
/// is named. Empty where nobody is enabled.
#[must_use]
pub fn takers(
    settings: &Settings,
    requested: Option<&str>,
    currency: Option<Currency>,
) -> Vec<(Provider, Currency)> {
    let enabled = || Provider::ALL.into_iter().filter(|provider| settings.enables(*provider));
    if let Some(named) = enabled().find(|provider| Some(provider.name()) == requested) {
        return vec![(named, currency.unwrap_or(named.currency()))];
    }
    let currency = currency.unwrap_or(Currency::Rub);
    let able: Vec<_> = enabled().filter(|provider| provider.takes(currency)).collect();
    let takers = if able.is_empty() { enabled().take(1).collect() } else { able };
    takers.into_iter().map(|provider| (provider, currency)).collect()
}

/// The one of these who takes it: the preferred of those who sell the offer, or of all where none
/// does, so that the refusal says why. `last` names who took the payer's last payment.
#[must_use]
pub fn taker(
    takers: &[(Provider, Currency)],
    offer: Option<&Offer>,
    prefers: Preference,
    last: Option<&str>,
) -> Option<(Provider, Currency)> {
    let sells = |(provider, currency): &(Provider, Currency)| {
        offer.is_none_or(|offer| offer.is_sold(*provider, *currency))
    };
    let wanted = match prefers {
        Preference::First => None,
        Preference::Support { abroad } if abroad || served_by_hand(last) => Some(Provider::Lavatop),
        Preference::Support { .. } => Some(Provider::Cloudpayments),
    };
    let selling = || takers.iter().filter(|taker| sells(taker)).copied();
    let preferred = selling().find(|(provider, _)| Some(*provider) == wanted);
    preferred.or_else(|| selling().next()).or_else(|| takers.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUB: Currency = Currency::Rub;

    fn offer(offer_id: Option<&str>) -> Offer {
        let offer_id = offer_id.map(str::to_owned);
        Offer { offer_id, ..Offer::seeded("monthly_rub_2000").unwrap() }
    }

    fn all() -> Vec<(Provider, Currency)> {
        [Provider::Lavatop, Provider::Cloudpayments, Provider::Sandbox]
            .map(|provider| (provider, RUB))
            .to_vec()
    }

    fn chosen(offer: &Offer, prefers: Preference, last: Option<&str>) -> Provider {
        taker(&all(), Some(offer), prefers, last).unwrap().0
    }

    #[test]
    fn lavatop_comes_first_where_it_has_the_offer() {
        let first = Preference::First;
        assert_eq!(chosen(&offer(Some("o")), first, None), Provider::Lavatop);
        assert_eq!(chosen(&offer(Some("o")), first, Some("cloudpayments")), Provider::Lavatop);
        assert_eq!(chosen(&offer(None), first, None), Provider::Cloudpayments);
    }

    #[test]
    fn the_support_form_goes_by_the_bank_and_the_last_payment() {
        let known = offer(Some("o"));
        for (abroad, last, expected) in [
            (false, None, Provider::Cloudpayments),
            (false, Some("cloudpayments"), Provider::Cloudpayments),
            (false, Some("stars"), Provider::Cloudpayments),
            (false, Some("lavatop"), Provider::Lavatop),
            (false, Some("manual"), Provider::Lavatop),
            (true, None, Provider::Lavatop),
            (true, Some("cloudpayments"), Provider::Lavatop),
        ] {
            let support = Preference::Support { abroad };
            assert_eq!(chosen(&known, support, last), expected, "{abroad} {last:?}");
        }
        let support = Preference::Support { abroad: true };
        assert_eq!(chosen(&offer(None), support, None), Provider::Cloudpayments);
    }

    #[test]
    fn who_is_not_enabled_is_not_chosen() {
        let sandbox = [(Provider::Sandbox, RUB)];
        for abroad in [false, true] {
            let support = Preference::Support { abroad };
            let taker = taker(&sandbox, Some(&offer(None)), support, None);
            assert_eq!(taker, Some((Provider::Sandbox, RUB)));
        }
        assert_eq!(taker(&[], None, Preference::First, None), None);
    }

    #[test]
    fn where_nobody_sells_it_the_preferred_says_why() {
        let dollars = [(Provider::Lavatop, Currency::Usd), (Provider::Sandbox, Currency::Usd)];
        let taker = taker(&dollars, Some(&offer(Some("o"))), Preference::First, None);
        assert_eq!(taker, Some((Provider::Lavatop, Currency::Usd)));
    }
}
