//! Teams as those who run the club make and fill them.

use axum::extract::State;
use axum::routing::{post, put};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::Now;
use shared::function::{Declared, Function, Invocation};
use shared::http::{Answer, Json, Params};
use shared::idempotency::Idempotency;
use shared::problem::{FieldError, Problem, Result};
use shared::table::Table;
use utoipa::ToSchema;

use super::super::rows::{OneTeam, TeamView};
use super::{admin, known};
use crate::admin::commit;
use crate::auth::{self, TeamRole};
use crate::shift::Shift;
use crate::teams::distribution::{
    self, Bounds, DISTRIBUTE_MAX_ASSIGNMENTS, DISTRIBUTE_TIME, Distributed,
};
use crate::teams::founding;
use crate::teams::model::{Founding, Team, Told};
use crate::teams::places::{self, Which, not_in_team, unknown_member};
use crate::teams::store::{self, Memory};
use crate::wire::success;
use crate::{App, texts};

/// The lease of a distribution.
const DISTRIBUTE: &str = "teams_distribute";

/// A route by which a member's place in a team is given, closed or changed.
fn placing(name: &'static str, path: &'static str, summary: &'static str) -> Declared<App> {
    admin(Function::<App>::post(name, path))
        .summary(summary)
        .takes::<Placing>()
        .answers::<OneTeam>()
}

/// `POST /api/teams`.
#[must_use]
pub fn create() -> Function<App> {
    admin(Function::<App>::post("club-teams-create", "/api/teams"))
        .summary("Makes a team of a city, with the city's next number")
        .takes::<TeamFounding>()
        .answers::<OneTeam>()
        .handled_by(post(handle_create))
}

/// `POST /api/teams/{id}/join`.
#[must_use]
pub fn join() -> Function<App> {
    placing("club-teams-join", "/api/teams/{id}/join", "Gives a member a place in a team")
        .handled_by(post(handle_join))
}

/// `POST /api/teams/leave`.
#[must_use]
pub fn leave() -> Function<App> {
    placing("club-teams-leave", "/api/teams/leave", "Closes a member's place in a team")
        .handled_by(post(handle_leave))
}

/// `POST /api/teams/{id}/replace-leader`.
#[must_use]
pub fn replace_leader() -> Function<App> {
    placing(
        "club-teams-replace-leader",
        "/api/teams/{id}/replace-leader",
        "Makes a member of a team its leader",
    )
    .handled_by(post(handle_replace))
}

/// `POST /api/teams/distribute`.
#[must_use]
pub fn distribute() -> Function<App> {
    admin(Function::<App>::post("club-teams-distribute", "/api/teams/distribute"))
        .summary("Gives a place to paid members with a city and no team")
        .answers::<Distributed>()
        .handled_by(post(handle_distribute))
}

/// `PUT /api/admin/leaders/{telegram_id}`.
#[must_use]
pub fn allow() -> Function<App> {
    admin(Function::<App>::put("club-admin-leader", "/api/admin/leaders/{telegram_id}"))
        .summary("Lets a member found a team, or no more")
        .takes::<Permission>()
        .answers::<Permitted>()
        .handled_by(put(handle_allow))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TeamFounding {
    /// 1 to 80 letters, spaces and `-.'()`.
    city: String,
    /// Opaque or Telegram id of who leads it.
    #[schema(value_type = Option<String>)]
    leader_user_id: Option<Value>,
    /// A number or a string.
    #[schema(value_type = Option<String>)]
    tg_chat_id: Option<Value>,
    /// An https address, 255 characters at most.
    invite_link: Option<String>,
    /// 1 to 100 characters; `Десятка №N City` unless given.
    name: Option<String>,
    /// 1 to 64 characters.
    metka: Option<String>,
    /// Up to 1000 characters.
    description: Option<String>,
    /// 2 to 50; 10 unless given.
    max_members: Option<u32>,
}

impl TeamFounding {
    fn check(&self) -> Result<()> {
        let fits = |text: &Option<String>, most: usize| {
            text.as_ref().is_none_or(|text| text.chars().count() <= most)
        };
        let link = self.invite_link.as_deref().filter(|link| !link.is_empty());
        let rules = [
            ("name", fits(&self.name, 100), "100 characters at most"),
            ("metka", fits(&self.metka, 64), "64 characters at most"),
            ("description", fits(&self.description, 1_000), "1000 characters at most"),
            (
                "inviteLink",
                fits(&self.invite_link, 255)
                    && link.is_none_or(|link| link.starts_with("https://")),
                "an https address of 255 characters at most",
            ),
            ("maxMembers", self.max_members.is_none_or(|n| (2..=50).contains(&n)), "2 to 50"),
            (
                "tgChatId",
                self.tg_chat_id.as_ref().is_none_or(|id| chat_id(id).is_some()),
                "the id of a group",
            ),
        ];
        let wrong = rules.into_iter().filter(|(_, holds, _)| !holds);
        let wrong: Vec<_> = wrong.map(|(name, _, reason)| FieldError::new(name, reason)).collect();
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(wrong)) }
    }
}

/// A group's id: a negative number, or one in a string.
fn chat_id(value: &Value) -> Option<i64> {
    let id = match value {
        Value::String(text) => text.trim().parse().ok()?,
        Value::Number(number) => number.as_i64()?,
        _ => return None,
    };
    (id < 0).then_some(id)
}

/// The text of a field that may be empty.
fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The Telegram id of whom a field names: a number or a string, of either id. One read at most.
async fn who(table: &Table, name: &'static str, value: &Value) -> Result<i64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Problem::invalid(name, "the id of a member")),
    };
    auth::named(table, &text).await?.ok_or_else(unknown_member)
}

async fn handle_create(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(wanted): Json<TeamFounding>,
) -> Answer {
    wanted.check()?;
    let table = &app.platform.table;
    let (city, city_key) = founding::city(&wanted.city)?;
    let leader = match &wanted.leader_user_id {
        Some(value) if !value.is_null() => Some(who(table, "leaderUserId", value).await?),
        _ => None,
    };
    let founding = Founding {
        city,
        city_key,
        name: filled(wanted.name),
        metka: filled(wanted.metka),
        description: filled(wanted.description),
        tg_chat_id: wanted.tg_chat_id.as_ref().and_then(chat_id),
        invite_link: filled(wanted.invite_link),
        max_members: wanted.max_members,
        told: Told::default(),
    };
    commit(&app, &key, &founding::keys(&founding, leader), now, |rows| {
        let (team, writes) = founding::made(rows, &founding, leader, now)?;
        Ok((OneTeam { team: TeamView::to_administrator(&team) }, writes))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Placing {
    /// Opaque or Telegram id.
    #[schema(value_type = String)]
    user_id: Value,
    /// `leader`, `member` or `ambassador`; `member` unless given.
    #[schema(value_type = Option<String>)]
    role: Option<TeamRole>,
}

fn shown(team: &Team) -> Answer {
    success(OneTeam { team: TeamView::to_administrator(team) })
}

async fn handle_join(
    State(app): State<App>,
    Now(now): Now,
    Params(id): Params<String>,
    Json(wanted): Json<Placing>,
) -> Answer {
    let table = &app.platform.table;
    known(&id)?;
    let tg_id = who(table, "userId", &wanted.user_id).await?;
    let role = wanted.role.unwrap_or(TeamRole::Member);
    shown(&places::admit(table, &id, tg_id, role, now).await?)
}

async fn handle_leave(
    State(app): State<App>,
    Now(now): Now,
    Json(wanted): Json<Placing>,
) -> Answer {
    let table = &app.platform.table;
    let tg_id = who(table, "userId", &wanted.user_id).await?;
    if auth::find(table, tg_id).await?.is_none() {
        return Err(unknown_member());
    }
    let left = places::close(table, tg_id, Which::Any, Memory::Lost, now).await?;
    let left = left.ok_or_else(not_in_team)?;
    let team = store::find(table, &left.id).await?;
    shown(&team.unwrap_or(left))
}

async fn handle_replace(
    State(app): State<App>,
    Now(now): Now,
    Params(id): Params<String>,
    Json(wanted): Json<Placing>,
) -> Answer {
    let table = &app.platform.table;
    known(&id)?;
    let tg_id = who(table, "userId", &wanted.user_id).await?;
    shown(&places::lead(table, &id, tg_id, now).await?)
}

async fn handle_distribute(
    State(app): State<App>,
    Now(now): Now,
    invocation: Invocation,
) -> Answer {
    let Some(shift) = Shift::begin(&app, DISTRIBUTE, &invocation).await? else {
        let (status, text) = (StatusCode::CONFLICT, texts::LEASE_HELD);
        return Err(Problem::new(status, "lease_held", "Conflict", text));
    };
    let time = DISTRIBUTE_TIME.min(shift.left());
    let bounds = Bounds { assignments: DISTRIBUTE_MAX_ASSIGNMENTS, time };
    let done = distribution::distribute(&app.platform.table, &shift.lease, bounds, now).await;
    shift.end(&app).await;
    success(done?)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Permission {
    can_lead: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Permitted {
    telegram_id: i64,
    can_lead: bool,
}

/// One write; whoever may found already may still.
async fn handle_allow(
    State(app): State<App>,
    Now(now): Now,
    Params(telegram_id): Params<String>,
    Json(wanted): Json<Permission>,
) -> Answer {
    let tg_id = crate::payments::telegram_id(&telegram_id).ok_or_else(unknown_member)?;
    let allowed = store::allowing(tg_id, wanted.can_lead, now);
    match app.platform.table.write(allowed).await {
        Ok(_) => success(Permitted { telegram_id: tg_id, can_lead: wanted.can_lead }),
        Err(error) => {
            error.refusal()?;
            Err(unknown_member())
        }
    }
}
