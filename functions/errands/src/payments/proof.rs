//! What a provider says of money, and whether it is what was agreed. No I/O.

use serde::{Deserialize, Serialize};
use shared::money::{Currency, Money};

use super::items::Receipt;
use super::model::{Payment, PaymentRef, Provider, RUBLES, STARS, Status};

/// A provider's word that money came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Who says so.
    pub provider: Provider,
    /// What makes this money unique at the provider: the id of the invoice that was paid, or of
    /// the charge.
    pub receipt_id: String,
    /// The provider's id of the invoice, where it tells one.
    pub invoice_id: Option<String>,
    /// Its terms, in the provider's own words.
    pub said: Said,
}

/// The terms of some money in the words of its provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Our reference, as it came back.
    pub reference: Option<String>,
    /// What became of the invoice.
    pub status: Option<String>,
    /// The code of the currency of `amount`.
    pub currency: Option<String>,
    /// A decimal number.
    pub amount: Option<String>,
    /// What it was paid with, where that differs from the currency.
    pub asset: Option<String>,
}

impl Proof {
    /// The payment that it names.
    #[must_use]
    pub fn payment_id(&self) -> Option<i64> {
        let reference = self.said.reference.as_deref()?.parse::<PaymentRef>();
        reference.ok().map(|reference| reference.0)
    }
}

/// Why money is put aside for a person to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// No payment of ours is named.
    UnknownReference,
    /// The payment was to be paid by another provider.
    OtherProvider,
    /// The payment has another invoice.
    OtherInvoice,
    /// The invoice is not paid.
    Status,
    /// Another currency.
    Currency,
    /// Another amount.
    Amount,
    /// Paid with what is not accepted.
    Asset,
    /// The same money was taken for another payment.
    OtherPayment,
    /// The payment has been paid with other money.
    PaidTwice,
    /// Money went back that never came.
    UnknownRefund,
}

impl Doubt {
    /// The name in logs and in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownReference => "unknown_reference",
            Self::OtherProvider => "other_provider",
            Self::OtherInvoice => "other_invoice",
            Self::Status => "status",
            Self::Currency => "currency",
            Self::Amount => "amount",
            Self::Asset => "asset",
            Self::OtherPayment => "other_payment",
            Self::PaidTwice => "paid_twice",
            Self::UnknownRefund => "unknown_refund",
        }
    }
}

/// What is to be done with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was done before.
    Repeat,
    /// Put the money on the balance.
    Credit,
    /// Put it aside.
    Quarantine(Doubt),
}

/// Judges a proof by the payment that it names and by what was done with the same money before.
/// `assets`: what Crypto Bot may be paid with.
#[must_use]
pub fn judge(
    payment: Option<&Payment>,
    receipt: Option<&Receipt>,
    proof: &Proof,
    assets: &[String],
) -> Verdict {
    let Some(payment) = payment else { return Verdict::Quarantine(Doubt::UnknownReference) };
    if let Some(doubt) = doubt(payment, proof, assets) {
        return Verdict::Quarantine(doubt);
    }
    match receipt {
        Some(receipt) if receipt.payment_id == payment.id => Verdict::Repeat,
        Some(_) => Verdict::Quarantine(Doubt::OtherPayment),
        None if payment.status == Status::Paid => Verdict::Quarantine(Doubt::PaidTwice),
        None => Verdict::Credit,
    }
}

/// What about the proof does not fit its payment, if anything.
fn doubt(payment: &Payment, proof: &Proof, assets: &[String]) -> Option<Doubt> {
    let said = &proof.said;
    if payment.provider != proof.provider {
        return Some(Doubt::OtherProvider);
    }
    // One that is named by the invoice alone has no reference to agree with.
    let names_another = said.reference.is_some() && proof.payment_id() != Some(payment.id);
    if names_another {
        return Some(Doubt::UnknownReference);
    }
    if let (Some(ours), Some(theirs)) = (&payment.invoice_id, &proof.invoice_id)
        && ours != theirs
    {
        return Some(Doubt::OtherInvoice);
    }
    let is = |word: &Option<String>, expected: &str| word.as_deref() == Some(expected);
    if !is(&said.status, "paid") {
        return Some(Doubt::Status);
    }
    let (code, currency, minor) = match payment.provider {
        Provider::TelegramStars => (STARS, Currency::Xtr, payment.stars.unwrap_or_default()),
        Provider::CryptoBot | Provider::Sandbox => (RUBLES, Currency::Rub, payment.kopecks.0),
    };
    if !is(&said.currency, code) {
        return Some(Doubt::Currency);
    }
    let amount = said.amount.as_deref().and_then(|text| Money::parse(text, currency).ok());
    if amount.map(|amount| i64::try_from(amount.minor)) != Some(Ok(minor)) {
        return Some(Doubt::Amount);
    }
    let accepted = || said.asset.as_ref().is_some_and(|asset| assets.contains(asset));
    (payment.provider == Provider::CryptoBot && !accepted()).then_some(Doubt::Asset)
}
