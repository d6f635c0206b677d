//! Top-ups and the rules they live by. No I/O.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use utoipa::ToSchema;

use crate::money::Kopecks;
use crate::wire::ID_MAX;

/// Who takes the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Crypto Bot, priced in rubles.
    CryptoBot,
    /// Telegram Stars.
    TelegramStars,
    /// Pretended money, outside production only.
    Sandbox,
}

impl Provider {
    /// All of them, the preferred first.
    pub const ALL: [Self; 3] = [Self::CryptoBot, Self::TelegramStars, Self::Sandbox];

    /// The name on the wire and in keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CryptoBot => "crypto_bot",
            Self::TelegramStars => "telegram_stars",
            Self::Sandbox => "sandbox",
        }
    }

    /// The provider of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.name() == name)
    }
}

/// Where a payment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Stored; the provider has not answered yet.
    Creating,
    /// There is a link; money may come.
    Pending,
    /// The money came and is on the balance.
    Paid,
    /// Its time is over, and the provider said that nobody had paid.
    Expired,
    /// The provider made no invoice, as far as is known.
    Failed,
}

/// What can happen to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The provider made an invoice.
    Answered,
    /// The provider refused, or did not answer in time.
    Refused,
    /// There is proof that money came on the agreed terms.
    Proven,
    /// Its time is over, and the last poll found nothing.
    RanOut,
    /// It is old, and the provider knows no invoice of it.
    Unlisted,
}

impl Status {
    /// Where `event` leads from here; `None` when it changes nothing.
    #[must_use]
    pub const fn after(self, event: Event) -> Option<Self> {
        match (self, event) {
            (Self::Creating, Event::Answered) => Some(Self::Pending),
            (Self::Creating, Event::Refused | Event::Unlisted) => Some(Self::Failed),
            (Self::Creating | Self::Pending | Self::Expired | Self::Failed, Event::Proven) => {
                Some(Self::Paid)
            }
            (Self::Pending, Event::RanOut) => Some(Self::Expired),
            _ => None,
        }
    }

    /// Is the provider to be asked about it?
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Creating | Self::Pending)
    }

    /// The status that clients see.
    #[must_use]
    pub const fn shown(self) -> Shown {
        match self {
            Self::Creating | Self::Pending => Shown::Pending,
            Self::Paid => Shown::Paid,
            Self::Expired | Self::Failed => Shown::Expired,
        }
    }
}

/// A payment's status as clients know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Money may come.
    Pending,
    /// It came.
    Paid,
    /// It did not.
    Expired,
}

/// Our name of a payment at its provider: `er1.<payment id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentRef(pub i64);

impl fmt::Display for PaymentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "er1.{}", self.0)
    }
}

/// The text is no reference of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reference of a payment")]
pub struct NotAReference;

impl FromStr for PaymentRef {
    type Err = NotAReference;

    /// Exactly as it is written: no sign, no leading zeros, no blanks.
    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let digits = text.strip_prefix("er1.").ok_or(NotAReference)?;
        let id: i64 = digits.parse().map_err(|_| NotAReference)?;
        let reference = Self(id);
        let exact = Payment::is_id(id) && reference.to_string() == text;
        if exact { Ok(reference) } else { Err(NotAReference) }
    }
}

/// One wish to top up. Its terms are frozen when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// A numeric id.
    pub id: i64,
    /// Whose balance grows, by Telegram id.
    pub user_id: i64,
    /// Who takes the money.
    pub provider: Provider,
    /// Where it stands.
    pub status: Status,
    /// What is put on the balance.
    pub kopecks: Kopecks,
    /// The price in stars, where it is asked for in stars.
    pub stars: Option<i64>,
    /// When it was made.
    #[serde(with = "shared::clock::micros")]
    pub created_at: Instant,
    /// Until when the invoice may be paid.
    #[serde(with = "shared::clock::micros")]
    pub expires_at: Instant,
    /// When the money was put on the balance.
    #[serde(default, with = "shared::clock::micros::option")]
    pub paid_at: Option<Instant>,
    /// The provider's id of the invoice.
    pub invoice_id: Option<String>,
    /// Where to pay.
    pub pay_url: Option<String>,
    /// Where to pay inside Telegram.
    pub mini_app_url: Option<String>,
    /// Delayed checks that found nothing.
    #[serde(default)]
    pub checks_done: u32,
    /// When the provider is to be asked next, if ever.
    #[serde(default, with = "shared::clock::micros::option")]
    pub look_at: Option<Instant>,
}

/// A payment whose call died is looked into at this age.
pub const CREATING_MAX: SignedDuration = SignedDuration::from_mins(2);
/// Between the questions of the sweep, once the delayed checks are over.
const SWEPT_EVERY: SignedDuration = SignedDuration::from_mins(1);

impl Payment {
    /// Can a payment have this id?
    #[must_use]
    pub fn is_id(id: i64) -> bool {
        (1..=ID_MAX).contains(&id)
    }

    /// What the provider is told to call it.
    #[must_use]
    pub const fn reference(&self) -> PaymentRef {
        PaymentRef(self.id)
    }

    /// May somebody who asks for the right to pay it get that right? The last veto before money
    /// moves.
    #[must_use]
    pub fn admits(&self, payer: i64, currency: &str, amount: i64, now: Instant) -> bool {
        self.provider == Provider::TelegramStars
            && self.status == Status::Pending
            && now < self.expires_at
            && self.user_id == payer
            && currency == STARS
            && self.stars == Some(amount)
    }

    /// Is money that comes now late, so that the payer has to be told? Clients have stopped
    /// asking by then.
    #[must_use]
    pub fn is_late(&self, now: Instant) -> bool {
        !self.status.is_open() || now >= self.expires_at
    }

    /// How long the provider may still answer the call that made the payment; `None` when it had
    /// its time.
    #[must_use]
    pub fn awaited(&self, limit: SignedDuration, now: Instant) -> Option<SignedDuration> {
        let left = (self.created_at + limit).since(now);
        (left > SignedDuration::ZERO).then_some(left)
    }

    /// When to ask about it again after `done` delayed checks, `delay` apart, that found nothing;
    /// `None` when its time is over.
    #[must_use]
    pub fn next_look(&self, done: u32, checks: Checks, now: Instant) -> Option<Instant> {
        if now >= self.expires_at {
            return None;
        }
        let wait = if done < checks.count { checks.delay } else { SWEPT_EVERY };
        Some((now + wait).min(self.expires_at))
    }
}

/// The code of Telegram Stars.
pub const STARS: &str = "XTR";
/// The code of the ruble.
pub const RUBLES: &str = "RUB";

/// The delayed checks of a new payment.
#[derive(Clone, Copy, Debug)]
pub struct Checks {
    /// How many.
    pub count: u32,
    /// How far apart.
    pub delay: SignedDuration,
}

/// What a hint to check a payment comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hinted {
    /// Nothing is left to do.
    Drop,
    /// This check was made, but the hint for the next may be lost: send it again.
    Next(Hint),
    /// It is not time yet.
    Later(Hint),
    /// Ask the provider; this is check number `n`.
    Ask(u32),
}

/// The next check, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Its number, from 1.
    pub attempt: u32,
    /// How long to wait for it.
    pub wait: SignedDuration,
}

/// What hint number `attempt` comes to. `again`: the same hint was delivered before.
#[must_use]
pub fn hinted(payment: &Payment, attempt: u32, again: bool, most: u32, now: Instant) -> Hinted {
    let next = payment.checks_done.saturating_add(1);
    if payment.status != Status::Pending || next > most {
        return Hinted::Drop;
    }
    let wait = payment.look_at.map_or(SignedDuration::ZERO, |at| at.since(now));
    let hint = Hint { attempt: next, wait: wait.max(SignedDuration::ZERO) };
    match attempt {
        attempt if attempt < next && !(again && attempt == payment.checks_done) => Hinted::Drop,
        attempt if attempt < next => Hinted::Next(hint),
        _ if wait > SignedDuration::ZERO => Hinted::Later(hint),
        _ => Hinted::Ask(next),
    }
}
