//! Experience that an administrator gives.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, Json};
use shared::idempotency::Idempotency;
use shared::ids;
use shared::problem::{FieldError, Problem, Result};
use utoipa::ToSchema;

use super::gains::{Xp, granted};
use super::levels::level;
use super::store;
use crate::auth::{self, Member, member_key};
use crate::wire;
use crate::{App, admin};

/// The most experience of one grant.
const AMOUNT_MAX: u32 = 1_000;
/// Characters of a reason.
const REASON_MAX: usize = 200;

/// `POST /api/v1/gamification/add-xp`.
#[must_use]
pub fn add_xp() -> Function<App> {
    Function::<App>::post("club-gamification-add-xp", "/api/v1/gamification/add-xp")
        .summary("Gives a member experience")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<XpGrant>()
        .answers::<XpGranted>()
        .handled_by(post(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct XpGrant {
    /// The member's id, or the Telegram id as a number or a string.
    #[schema(value_type = String)]
    user_id: Value,
    /// 1 to 1000.
    amount: u32,
    /// 1 to 200 characters.
    reason: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct XpGranted {
    /// With what the grant has unlocked.
    new_experience: u32,
    new_level: u32,
    leveled_up: bool,
}

impl XpGrant {
    /// Whom, how much, and why.
    fn check(self) -> Result<(String, u32, String)> {
        let reason = self.reason.trim();
        let user_id = match self.user_id {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let rules = [
            ("userId", user_id.is_some(), "an id"),
            ("amount", (1..=AMOUNT_MAX).contains(&self.amount), "1 to 1000"),
            ("reason", (1..=REASON_MAX).contains(&reason.chars().count()), "1 to 200 characters"),
        ];
        let wrong = rules.into_iter().filter(|(_, holds, _)| !holds);
        let wrong: Vec<_> = wrong.map(|(name, _, says)| FieldError::new(name, says)).collect();
        match user_id.filter(|_| wrong.is_empty()) {
            Some(user_id) => Ok((user_id, self.amount, reason.to_owned())),
            None => Err(Problem::invalid_fields(wrong)),
        }
    }
}

/// Two reads for what does not change meanwhile, then one read and one transaction.
async fn handle(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(wanted): Json<XpGrant>,
) -> Answer {
    let unknown = || Problem::not_found("User not found");
    let (user_id, amount, reason) = wanted.check()?;
    let table = &app.platform.table;
    let tg_id = auth::named(table, user_id.trim()).await?.ok_or_else(unknown)?;
    let achievements = store::achievements(table).await?;
    let effect = format!("admin:{}", ids::ulid(now));
    let member_at = member_key(tg_id);
    admin::commit(&app, &key, std::slice::from_ref(&member_at), now, |rows| {
        let member: Member = rows.get(&member_at)?.ok_or_else(unknown)?;
        let xp = Xp { key: effect.clone(), amount, reason: reason.clone().into() };
        let gains = granted(&member, xp, &achievements, now);
        let new_level = level(gains.experience());
        let answer = XpGranted {
            new_experience: gains.experience(),
            new_level,
            leveled_up: new_level > level(member.experience),
        };
        let mut writes = vec![gains.on(auth::change(&member, now))];
        writes.extend(gains.writes());
        Ok((answer, writes))
    })
    .await
}
