//! Attempts and payments, and the rules they live by. No I/O.

mod money;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::{Instant, days};
use shared::money::Money;
use utoipa::ToSchema;

pub use money::{Payment, Reversal, Said, Success, Verdict, judge};

use super::offers::{LavatopTerms, Purpose};
use super::providers::Provider;

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Stored; the provider has not answered yet.
    Created,
    /// There is a link; money may come.
    Pending,
    /// Settled.
    Paid,
    /// The provider refused.
    Failed,
    /// Nobody paid while we looked.
    Abandoned,
    /// Everything was given back.
    Refunded,
}

/// What can happen to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The provider made a link.
    Answered,
    /// The provider refused to make a link, or did not answer in time.
    Unanswered,
    /// Fifteen minutes went by without the provider's answer.
    Aged,
    /// Money came, on the agreed terms.
    Settled,
    /// The provider says that this attempt will never be paid.
    Refused,
    /// The last check found nothing.
    LastCheckUnpaid,
    /// Money came by a standing subscription that its provider has not ended.
    Renewed,
    /// All that was paid was given back.
    RefundedInFull,
}

impl Status {
    /// Where `event` leads from here; `None` when it changes nothing.
    #[must_use]
    pub fn after(self, event: Event) -> Option<Self> {
        match (self, event) {
            (Self::Created, Event::Answered) => Some(Self::Pending),
            (Self::Created, Event::Unanswered) | (Self::Pending, Event::Refused) => {
                Some(Self::Failed)
            }
            (Self::Created, Event::Aged) | (Self::Pending, Event::LastCheckUnpaid) => {
                Some(Self::Abandoned)
            }
            (
                Self::Created | Self::Pending | Self::Failed | Self::Abandoned | Self::Paid,
                Event::Settled,
            )
            | (Self::Paid | Self::Refunded, Event::Renewed) => Some(Self::Paid),
            (Self::Paid, Event::RefundedInFull) => Some(Self::Refunded),
            _ => None,
        }
    }

    /// Does the attempt keep others of the same terms from being made?
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Pending)
    }
}

/// One intention to pay. Its terms are frozen when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// `att_` and a ULID.
    pub id: String,
    /// Who pays, by Telegram id.
    pub payer: i64,
    /// For whom, by Telegram id, when the payer named somebody.
    pub recipient: Option<i64>,
    /// What is bought.
    pub purpose: Purpose,
    /// The offer's key.
    pub offer: String,
    /// The days that are bought.
    pub days: u32,
    /// The price.
    pub price: Money,
    /// Who takes the money.
    pub provider: Provider,
    /// Is the link one by which the provider takes the money of every period?
    #[serde(default)]
    pub recurs: bool,
    /// The provider's id of the newest standing subscription that it began.
    #[serde(default)]
    pub contract: Option<String>,
    /// Has the provider confirmed the end of that?
    #[serde(default)]
    pub contract_over: bool,
    /// As what LavaTop sells it, where LavaTop takes the money.
    #[serde(default)]
    pub lavatop: Option<LavatopTerms>,
    /// Where it stands.
    pub status: Status,
    /// Checks that found nothing.
    pub checks_done: u32,
    /// Payments that were not given back in full.
    #[serde(default)]
    pub unrefunded: u32,
    /// When the provider is to be asked next, if ever.
    pub due_at: Option<Instant>,
    /// The provider's id of the invoice.
    pub invoice_id: Option<String>,
    /// Where to pay.
    pub url: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// The payer's e-mail; identifies nobody.
    pub email: Option<String>,
    /// The payer's phone.
    pub phone: Option<String>,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
}

/// At these ages the provider is asked once more about an attempt without money, in minutes.
const FOLLOW_UPS_MIN: [i64; 4] = [15, 60, 6 * 60, 24 * 60];

impl Attempt {
    /// When the provider is to be asked once more about an attempt that is not pending.
    #[must_use]
    pub fn follow_up(created_at: Instant, now: Instant) -> Option<Instant> {
        FOLLOW_UPS_MIN
            .into_iter()
            .map(|minutes| created_at + SignedDuration::from_mins(minutes))
            .find(|at| *at > now)
    }

    /// How long the provider may still answer; `None` when it had its time.
    #[must_use]
    pub fn awaited(&self, limit: SignedDuration, now: Instant) -> Option<SignedDuration> {
        let left = (self.created_at + limit).since(now);
        (left > SignedDuration::ZERO).then_some(left)
    }
}

/// What a hint to check an attempt comes to.
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
    pub n: u32,
    /// How long to wait for it.
    pub wait: SignedDuration,
}

/// What hint number `n` comes to. `again`: the same hint was delivered before.
#[must_use]
pub fn hinted(attempt: &Attempt, n: u32, again: bool, now: Instant) -> Hinted {
    if attempt.status != Status::Pending {
        return Hinted::Drop;
    }
    let next = attempt.checks_done.saturating_add(1);
    let wait = attempt.due_at.map_or(SignedDuration::ZERO, |due| due.since(now));
    let hint = Hint { n: next, wait: wait.max(SignedDuration::ZERO) };
    match n {
        n if n < next && !(again && n == attempt.checks_done) => Hinted::Drop,
        n if n < next => Hinted::Next(hint),
        _ if wait > SignedDuration::ZERO => Hinted::Later(hint),
        _ => Hinted::Ask(next),
    }
}

/// Days after the end of a subscription between which the next may not be bought.
#[derive(Clone, Copy, Debug)]
pub struct Cooldown {
    /// So long it may still be renewed.
    pub start_days: u32,
    /// From then on it may be bought anew.
    pub end_days: u32,
}

impl Cooldown {
    /// When the member may buy again; `None` when it may now.
    #[must_use]
    pub fn unlocks(self, expires: Option<Instant>, now: Instant) -> Option<Instant> {
        let expires = expires?;
        let unlock = expires + days(self.end_days);
        (expires + days(self.start_days) < now && now < unlock).then_some(unlock)
    }
}

/// A day of Moscow as people write it: `31.01.2026`.
#[must_use]
pub fn moscow_date(at: Instant) -> String {
    let date = at.at_offset(3).date();
    format!("{:02}.{:02}.{:04}", date.day(), date.month(), date.year())
}

/// The recipient that a gift form writes into its e-mail field: `<id>_giftclub@mail.ru`.
#[must_use]
pub fn recipient_in(email: &str) -> Option<i64> {
    email.strip_suffix("_giftclub@mail.ru").and_then(telegram_id)
}

/// Reads a Telegram id: 1 to 2^52−1, in plain digits.
#[must_use]
pub fn telegram_id(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = if plain { text.parse().ok() } else { None };
    id.filter(|id| (1..1 << 52).contains(id))
}

/// Reads a Telegram id that a form sends as a number or as text.
#[must_use]
pub fn read_id(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => telegram_id(text.trim()),
        Value::Number(number) => telegram_id(&number.to_string()),
        _ => None,
    }
}

/// Is this the address of a probe, which must change nothing?
#[must_use]
pub fn is_probe(email: &str) -> bool {
    email.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case("check.local"))
}
