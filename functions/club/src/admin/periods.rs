//! Time that an administrator gives or takes.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Json};
use shared::idempotency::Idempotency;
use shared::ids;
use shared::problem::{Problem, Result};
use shared::table::Write;
use utoipa::ToSchema;

use super::act::Act;
use super::keyed::commit;
use crate::App;
use crate::auth::{self, Member, member_key};
use crate::outbox::{self, Message};
use crate::subscriptions::{SubscriptionEvent, extended, set_expiry};
use crate::wire;

/// The most days of one grant.
const DAYS_MAX: u32 = 3_660;
/// The days of a grant that says nothing.
const DAYS_DEFAULT: u32 = 30;
/// Characters of a reason.
const REASON_MAX: usize = 500;

/// `POST /api/admin/grant-subscription`.
#[must_use]
pub fn grant() -> Function<App> {
    Function::<App>::post("club-admin-grant", "/api/admin/grant-subscription")
        .summary("Adds days to a member's subscription; brings no energies")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<SubscriptionGrant>()
        .answers::<SubscriptionPeriod>()
        .handled_by(post(handle_grant))
}

/// `POST /api/admin/revoke-subscription`.
#[must_use]
pub fn revoke() -> Function<App> {
    Function::<App>::post("club-admin-revoke", "/api/admin/revoke-subscription")
        .summary("Ends a member's subscription now")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<SubscriptionRevocation>()
        .answers::<SubscriptionPeriod>()
        .handled_by(post(handle_revoke))
}

#[derive(Debug, Deserialize, ToSchema)]
struct SubscriptionGrant {
    /// A number or a string.
    #[schema(value_type = String)]
    telegram_id: Value,
    /// 1 to 3660; 30 unless given.
    days: Option<u32>,
    /// 500 characters at most.
    reason: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
struct SubscriptionRevocation {
    /// A number or a string.
    #[schema(value_type = String)]
    telegram_id: Value,
    /// Put the member out of the club's chats at once?
    kick: Option<bool>,
    /// 500 characters at most.
    reason: Option<String>,
}

/// Until when the subscription lasts now.
#[derive(Debug, Serialize, ToSchema)]
struct SubscriptionPeriod {
    telegram_id: i64,
    /// Days that were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u32>,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Instant>,
    /// The same as `expires_at`.
    #[schema(value_type = Option<String>, format = "date-time")]
    subscription_expires: Option<Instant>,
    /// Does a provider renew it?
    auto_renewal: bool,
}

impl SubscriptionPeriod {
    fn of(member: &Member, days: Option<u32>, until: Option<Instant>, auto_renewal: bool) -> Self {
        Self {
            telegram_id: member.tg_id,
            days,
            expires_at: until,
            subscription_expires: until,
            auto_renewal,
        }
    }
}

fn read_id(value: &Value) -> Result<i64> {
    wire::telegram_id(value).ok_or_else(|| Problem::invalid("telegram_id", "a Telegram id"))
}

fn read_reason(reason: Option<String>) -> Result<Option<String>> {
    match reason.filter(|reason| !reason.is_empty()) {
        Some(reason) if reason.chars().count() > REASON_MAX => {
            Err(Problem::invalid("reason", "500 characters at most"))
        }
        reason => Ok(reason),
    }
}

pub(super) fn unknown_member() -> Problem {
    Problem::not_found("User not found")
}

async fn handle_grant(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(wanted): Json<SubscriptionGrant>,
) -> Answer {
    let days = wanted.days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::invalid("days", "1 to 3660"));
    }
    let act = Act {
        id: ids::ulid(now),
        tg_id: read_id(&wanted.telegram_id)?,
        act: "grant".to_owned(),
        days: Some(days),
        kick: false,
        reason: read_reason(wanted.reason)?,
        at: now,
    };
    let member_at = member_key(act.tg_id);
    commit(&app, &key, std::slice::from_ref(&member_at), now, |rows| {
        let member: Member = rows.get(&member_at)?.ok_or_else(unknown_member)?;
        granted(&app, &member, days, &act)
    })
    .await
}

/// More days, in the way a payment brings them, but for energies and the day of the first purchase.
fn granted(
    app: &App,
    member: &Member,
    days: u32,
    act: &Act,
) -> Result<(SubscriptionPeriod, Vec<Write>)> {
    let now = act.at;
    let until = extended(member.subscription_expires, days, now);
    let change = set_expiry(auth::change(member, now), member, until, now);
    let mut writes = vec![
        change.set("gifted", false).remove("gifted_by"),
        Write::insert("subscription", &event(member, act, until)),
        Write::insert("act", act),
    ];
    // Whoever was not paid may have been put out of the chats.
    if !member.is_paid(now) {
        writes.extend(in_chats(app, act, |tg_id, chat| Message::Unban { tg_id, chat })?);
    }
    Ok((SubscriptionPeriod::of(member, Some(days), Some(until), member.auto_renewal), writes))
}

async fn handle_revoke(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(wanted): Json<SubscriptionRevocation>,
) -> Answer {
    let act = Act {
        id: ids::ulid(now),
        tg_id: read_id(&wanted.telegram_id)?,
        act: "revoke".to_owned(),
        days: None,
        kick: wanted.kick.unwrap_or_default(),
        reason: read_reason(wanted.reason)?,
        at: now,
    };
    let member_at = member_key(act.tg_id);
    commit(&app, &key, std::slice::from_ref(&member_at), now, |rows| {
        let member: Member = rows.get(&member_at)?.ok_or_else(unknown_member)?;
        revoked(&app, &member, &act)
    })
    .await
}

/// The end of what lasts: a subscription that renews itself is ended at its provider, or it would
/// begin anew. What is over stays as it is; but its provider may have refused the end, and to end a
/// contract that is over asks nobody.
fn revoked(app: &App, member: &Member, act: &Act) -> Result<(SubscriptionPeriod, Vec<Write>)> {
    let now = act.at;
    let mut writes = Vec::new();
    let ends = member.is_paid(now);
    let until = if ends { Some(now) } else { member.subscription_expires };
    if ends || member.auto_renewal {
        let change = auth::change(member, now).set("auto_renewal", false);
        writes.push(if ends { set_expiry(change, member, now, now) } else { change });
    }
    if ends {
        writes.push(Write::insert("subscription", &event(member, act, now)));
    }
    if let Some(contract) = &member.contract {
        writes.push(outbox::end(member.tg_id, contract, &act.id, now)?);
    }
    if act.kick {
        writes.extend(in_chats(app, act, |tg_id, chat| Message::Kick { tg_id, chat })?);
    }
    if !writes.is_empty() {
        writes.push(Write::insert("act", act));
    }
    Ok((SubscriptionPeriod::of(member, None, until, false), writes))
}

fn event(member: &Member, act: &Act, until: Instant) -> SubscriptionEvent {
    SubscriptionEvent {
        tg_id: member.tg_id,
        cause: act.id.clone(),
        event: act.act.clone(),
        from: member.subscription_expires,
        until,
        at: act.at,
    }
}

/// The same in each of the club's chats.
fn in_chats(app: &App, act: &Act, message: impl Fn(i64, i64) -> Message) -> Result<Vec<Write>> {
    let chats = app.outbox.protected_chats.iter();
    chats
        .map(|chat| {
            let id = format!("{}:{}:{chat}", act.act, act.id);
            outbox::ask(&id, &message(act.tg_id, *chat), act.at)
        })
        .collect()
}
