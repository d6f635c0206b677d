//! Gifts, and the rules they live by. No I/O.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::ids;
use utoipa::ToSchema;

/// Where a gift stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GiftStatus {
    /// Paid, not activated.
    Paid,
    /// Its days are the recipient's.
    Activated,
    /// Nobody activated it in time.
    Expired,
    /// Given back before anybody activated it.
    Revoked,
}

/// A paid period for somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    /// `gift_` and a ULID: what it is called where the token must not be seen.
    pub id: String,
    /// The secret that activates it.
    pub token: String,
    /// Who gives, by Telegram id.
    pub giver: i64,
    /// For whom, by Telegram id, when the giver chose.
    pub recipient: Option<i64>,
    /// The days that it holds.
    pub days: u32,
    /// Where it stands; see [`Gift::status_at`].
    pub status: GiftStatus,
    /// The attempt that paid it.
    pub attempt_id: String,
    /// The payment.
    pub payment_id: String,
    /// When it was paid.
    pub created_at: Instant,
    /// From then on it cannot be activated any more.
    pub valid_until: Instant,
    /// What its activation gave, once there was one.
    pub activation: Option<Activation>,
}

/// What an activation gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// Whom, by Telegram id.
    pub recipient: i64,
    /// Until when the recipient's subscription lasted by it.
    pub until: Instant,
    /// Energies that came with it.
    pub energies: u32,
    /// When.
    pub at: Instant,
}

/// What is paid for somebody else.
#[derive(Clone, Copy, Debug)]
pub struct Bought<'a> {
    /// The attempt that paid it.
    pub attempt_id: &'a str,
    /// The payment.
    pub payment_id: &'a str,
    /// Who gives, by Telegram id.
    pub giver: i64,
    /// For whom, by Telegram id, when the giver chose.
    pub recipient: Option<i64>,
    /// The days that it holds.
    pub days: u32,
}

/// What is to be done about a wish to activate a gift.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Activate it.
    Activate,
    /// The same recipient has activated it: this is what it gave.
    Before(Activation),
}

/// Why a gift is not activated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is the caller's own gift.
    Own,
    /// It is for somebody else.
    OtherRecipient,
    /// Somebody else has activated it.
    Taken,
    /// Its time is over.
    Expired,
    /// It was given back.
    Revoked,
}

impl Gift {
    /// A gift as it is paid.
    #[must_use]
    pub fn new(bought: Bought<'_>, ttl_days: u32, now: Instant) -> Self {
        Self {
            id: format!("gift_{}", ids::ulid(now)),
            token: ids::token(),
            giver: bought.giver,
            recipient: bought.recipient,
            days: bought.days,
            status: GiftStatus::Paid,
            attempt_id: bought.attempt_id.to_owned(),
            payment_id: bought.payment_id.to_owned(),
            created_at: now,
            valid_until: now + days(ttl_days),
            activation: None,
        }
    }

    /// Where it stands at `now`: what is over by the clock has expired, whether the job has been
    /// there or not.
    #[must_use]
    pub fn status_at(&self, now: Instant) -> GiftStatus {
        match self.status {
            GiftStatus::Paid if self.valid_until <= now => GiftStatus::Expired,
            status => status,
        }
    }

    /// Judges a wish of `caller` to activate it. Whose it is comes first, so that its state is
    /// told to those alone whom it concerns.
    ///
    /// # Errors
    /// Why it is not activated.
    pub fn judge(&self, caller: i64, now: Instant) -> Result<Verdict, Refusal> {
        if self.giver == caller {
            return Err(Refusal::Own);
        }
        if self.recipient.is_some_and(|recipient| recipient != caller) {
            return Err(Refusal::OtherRecipient);
        }
        match (self.status_at(now), self.activation) {
            (GiftStatus::Activated, Some(made)) if made.recipient == caller => {
                Ok(Verdict::Before(made))
            }
            (GiftStatus::Activated, _) => Err(Refusal::Taken),
            (GiftStatus::Expired, _) => Err(Refusal::Expired),
            (GiftStatus::Revoked, _) => Err(Refusal::Revoked),
            (GiftStatus::Paid, _) => Ok(Verdict::Activate),
        }
    }

    /// The same gift, activated.
    #[must_use]
    pub fn activated(&self, activation: Activation) -> Self {
        let status = GiftStatus::Activated;
        Self { status, activation: Some(activation), ..self.clone() }
    }

    /// The same gift, expired; `None` when it is not its time or it is no longer paid.
    #[must_use]
    pub fn expired(&self, now: Instant) -> Option<Self> {
        let status = GiftStatus::Expired;
        let over = self.status == GiftStatus::Paid && self.status_at(now) == status;
        over.then(|| Self { status, ..self.clone() })
    }

    /// The same gift, revoked; `None` when it was activated or revoked before.
    #[must_use]
    pub fn revoked(&self) -> Option<Self> {
        let unused = matches!(self.status, GiftStatus::Paid | GiftStatus::Expired);
        unused.then(|| Self { status: GiftStatus::Revoked, ..self.clone() })
    }
}
