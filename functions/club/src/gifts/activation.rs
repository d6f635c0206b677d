//! The use case of an activation: one effect, whoever asks how often.

use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use shared::clock::Instant;
use shared::http::Subject;
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Key, Table, Write};
use shared::telegram::TelegramUser;
use utoipa::ToSchema;

use super::model::{Activation, Gift, GiftStatus, Refusal, Verdict};
use super::store;
use crate::auth::{self, Member, member_key};
use crate::wire::succeeded;
use crate::{App, texts};

/// What an activation gave, as its recipient is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Activated {
    gift: ActivatedGift,
    #[schema(value_type = String, format = "date-time")]
    subscription_expires: Instant,
    energies_earned: u32,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
struct ActivatedGift {
    id: String,
    status: GiftStatus,
    days: u32,
}

impl Activated {
    fn of(gift: &Gift, made: Activation) -> Self {
        let status = GiftStatus::Activated;
        Self {
            gift: ActivatedGift { id: gift.id.clone(), status, days: gift.days },
            subscription_expires: made.until,
            energies_earned: made.energies,
        }
    }

    /// Until when the recipient's subscription lasts by it.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.subscription_expires
    }

    /// Energies that came with it.
    #[must_use]
    pub fn energies(&self) -> u32 {
        self.energies_earned
    }
}

/// Who wants to activate a gift.
#[derive(Clone, Copy, Debug)]
pub enum Recipient<'a> {
    /// The caller of an endpoint.
    Caller(&'a Subject),
    /// The author of a message to the bot.
    Author(&'a TelegramUser),
}

impl Recipient<'_> {
    fn tg_id(self) -> i64 {
        match self {
            Self::Caller(subject) => subject.telegram_id,
            Self::Author(user) => user.id.get(),
        }
    }

    /// The member, created on first contact.
    async fn member(self, table: &Table, now: Instant) -> Result<Member> {
        match self {
            Self::Caller(subject) => auth::ensure(table, subject, now).await,
            Self::Author(user) => auth::meet(table, user, None, now).await,
        }
    }
}

/// The answer: made now, or stored under the key by an earlier call.
#[derive(Debug)]
pub enum Answered {
    /// What the gift gave, now or before.
    Gift(Activated),
    /// As the earlier call was answered.
    Replay(Response),
}

/// Activates the gift with this token for its recipient, once. One read and one transaction of
/// seven items at most, anew for each time that another writer came first; a first contact makes
/// the member before. `also` goes with the effect: the update of the bot that must not have it
/// twice.
///
/// # Errors
/// 404 `gift_not_found`; 403 `gift_wrong_recipient`; 409 `gift_self`, `gift_already_activated`;
/// 410 `gift_expired`, `gift_revoked`; 422 when the key was used for another token; 503 when
/// nothing was stored.
pub async fn activate(
    app: &App,
    recipient: Recipient<'_>,
    token: &str,
    key: &Idempotency,
    also: Option<&Write>,
    now: Instant,
) -> Result<Answered> {
    optimistic(|| round(app, recipient, token, key, also, now)).await
}

async fn round(
    app: &App,
    recipient: Recipient<'_>,
    token: &str,
    key: &Idempotency,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<Answered>> {
    let (table, tg_id) = (&app.platform.table, recipient.tg_id());
    let (gift_at, member_at) = (Gift::key_of(token), member_key(tg_id));
    let keys: Vec<Key> =
        [gift_at.clone(), member_at.clone()].into_iter().chain(key.key()).collect();
    let rows = table.batch(&keys).await?;
    if let Some(response) = key.before(table, &rows, now).await? {
        return Ok(Round::Done(Answered::Replay(response)));
    }
    let gift: Gift = rows.get(&gift_at)?.ok_or_else(unknown)?;
    match gift.judge(tg_id, now).map_err(refused)? {
        Verdict::Before(made) => {
            return Ok(Round::Done(Answered::Gift(Activated::of(&gift, made))));
        }
        Verdict::Activate => {}
    }
    let member = match rows.get(&member_at)? {
        Some(member) => member,
        None => recipient.member(table, now).await?,
    };
    let made = store::activation(&gift, &member, app.gifts.award, now);
    let activated = Activated::of(&gift, made);
    let body = serde_json::to_string(&succeeded(&activated)).map_err(Problem::bug)?;
    // The key comes first: a replay fails the gift's own condition, too.
    let mut writes: Vec<Write> = key.saving(StatusCode::OK, &body, now).into_iter().collect();
    writes.extend(store::activating(&gift, &member, made)?);
    writes.extend(also.cloned());
    let Err(error) = table.transact(writes).await else {
        return Ok(Round::Done(Answered::Gift(activated)));
    };
    Ok(match key.after(table, &error.refusal()?, now).await? {
        Round::Done(response) => Round::Done(Answered::Replay(response)),
        Round::Stale => Round::Stale,
    })
}

fn unknown() -> Problem {
    let text = texts::GIFT_NOT_FOUND;
    Problem::new(StatusCode::NOT_FOUND, "gift_not_found", "Gift not found", text)
}

fn refused(refusal: Refusal) -> Problem {
    let (conflict, gone) = ((StatusCode::CONFLICT, "Conflict"), (StatusCode::GONE, "Gone"));
    let forbidden = (StatusCode::FORBIDDEN, "Forbidden");
    let ((status, error), code, text) = match refusal {
        Refusal::Own => (conflict, "gift_self", texts::GIFT_SELF),
        Refusal::OtherRecipient => (forbidden, "gift_wrong_recipient", texts::GIFT_WRONG_RECIPIENT),
        Refusal::Taken => (conflict, "gift_already_activated", texts::GIFT_ALREADY_ACTIVATED),
        Refusal::Expired => (gone, "gift_expired", texts::GIFT_OVER),
        Refusal::Revoked => (gone, "gift_revoked", texts::GIFT_REVOKED),
    };
    Problem::new(status, code, error, text)
}
