//! Endpoints of recipients and givers.

use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Subject};
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::activation::{self, Activated, Answered, Recipient};
use super::model::{Gift, GiftStatus};
use super::store;
use crate::wire::{self, succeeded, success};
use crate::{App, auth};

/// Characters of a token.
const TOKEN_LENGTH: usize = 22;

/// `POST /api/v1/gifts/activate`.
#[must_use]
pub fn activate() -> Function<App> {
    Function::<App>::post("club-gifts-activate", "/api/v1/gifts/activate")
        .summary("Makes the days of a gift the caller's")
        .limited(wire::PAYMENT)
        .takes::<Wanted>()
        .answers::<Activated>()
        .handled_by(post(handle_activate))
}

/// `GET /api/v1/gifts/my`.
#[must_use]
pub fn my() -> Function<App> {
    Function::<App>::get("club-gifts-my", "/api/v1/gifts/my")
        .summary("The gifts that the caller gave, newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<My>()
        .handled_by(get(handle_my))
}

/// Does this read like the token of a gift?
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.chars().count() == TOKEN_LENGTH
}

#[derive(Debug, Deserialize, ToSchema)]
struct Wanted {
    /// 22 characters: what the gift's link carries.
    token: String,
}

impl Wanted {
    fn check(&self) -> Result<&str> {
        match is_token(&self.token) {
            true => Ok(&self.token),
            false => Err(Problem::invalid("token", "22 characters")),
        }
    }
}

async fn handle_activate(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    key: Idempotency,
    Json(wanted): Json<Wanted>,
) -> Answer {
    let token = wanted.check()?;
    let caller = Recipient::Caller(&subject);
    match activation::activate(&app, caller, token, &key, None, now).await? {
        Answered::Gift(activated) => success(activated),
        Answered::Replay(response) => Ok(response),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct My {
    gifts: Vec<GivenGift>,
}

/// A gift as its giver sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct GivenGift {
    id: String,
    status: GiftStatus,
    /// Telegram id of who activated it, or for whom it is.
    recipient_id: Option<i64>,
    days: u32,
    /// What activates it, as long as it can be activated.
    deep_link: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = Option<String>, format = "date-time")]
    activated_at: Option<Instant>,
    /// Until when it can be activated.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Instant,
}

impl GivenGift {
    fn of(gift: &Gift, app: &App, now: Instant) -> Result<Self> {
        let status = gift.status_at(now);
        let link = || app.payments.bot.gift_link(&gift.token).map_err(Problem::bug);
        Ok(Self {
            id: gift.id.clone(),
            status,
            recipient_id: gift.activation.map(|made| made.recipient).or(gift.recipient),
            days: gift.days,
            deep_link: if status == GiftStatus::Paid { Some(link()?) } else { None },
            created_at: gift.created_at,
            activated_at: gift.activation.map(|made| made.at),
            expires_at: gift.valid_until,
        })
    }
}

/// Gifts change by the clock, too, so that no version says whether the list is still the same; it
/// is short and read by one query in any case, and validated by what it shows.
async fn handle_my(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let (member, gifts) = store::given(table, subject.telegram_id).await?;
    if member.is_none() {
        auth::ensure(table, &subject, now).await?;
    }
    let gifts = gifts.iter().map(|gift| GivenGift::of(gift, &app, now)).collect::<Result<_>>()?;
    let body = My { gifts };
    let shown = serde_json::to_string(&body).map_err(Problem::bug)?;
    cached.answer(&[&shown], async { Ok(succeeded(body)) }).await
}
