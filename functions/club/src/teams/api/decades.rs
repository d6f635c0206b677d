//! Teams as decades: what the mini-app calls them.
//!
//! Existing clients send launch data in the body, and read business refusals with HTTP 200.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::clock::{Instant, Now};
use shared::function::{Access, Declared, Function};
use shared::http::{Answer, Dressed, Json, Subject, ok};
use shared::problem::{Problem, Result};
use shared::table::Table;
use utoipa::ToSchema;

use super::super::model::{
    LeaderReport, Light, Membership, NoFounder, NoPlace, PROBLEM_MAX, Team, is_report_time,
    may_found,
};
use super::super::places::{self, Joined};
use super::super::store;
use crate::auth::{self, Member};
use crate::calendar::{Week, week_start};
use crate::wire::{self, WIRE, success};
use crate::{App, texts};

fn decade(name: &'static str, path: &'static str, summary: &'static str) -> Declared<App> {
    Function::<App>::post(name, path)
        .summary(summary)
        .access(Access::MemberOrBody)
        .limited(wire::API)
        .dressed(dress)
}

/// `POST /api/v1/decades/my`.
#[must_use]
pub fn my() -> Function<App> {
    decade("club-decades-my", "/api/v1/decades/my", "The caller's team")
        .takes::<Caller>()
        .answers::<MyDecade>()
        .handled_by(post(handle_my))
}

/// `POST /api/v1/decades/cities`.
#[must_use]
pub fn cities() -> Function<App> {
    decade("club-decades-cities", "/api/v1/decades/cities", "Cities with a team that has a place")
        .takes::<Caller>()
        .answers::<OpenCities>()
        .handled_by(post(handle_cities))
}

/// `POST /api/v1/decades/join`.
#[must_use]
pub fn join() -> Function<App> {
    let summary = "Gives the caller a place in a team of the profile's city";
    decade("club-decades-join", "/api/v1/decades/join", summary)
        .takes::<Caller>()
        .answers::<JoinedDecade>()
        .handled_by(post(handle_join))
}

/// `POST /api/v1/decades/can-create`.
#[must_use]
pub fn can_create() -> Function<App> {
    decade("club-decades-can-create", "/api/v1/decades/can-create", "May the caller found a team?")
        .takes::<Caller>()
        .answers::<CanCreate>()
        .handled_by(post(handle_can_create))
}

/// `POST /api/v1/decades/report`.
#[must_use]
pub fn report() -> Function<App> {
    decade("club-decades-report", "/api/v1/decades/report", "How the caller's team fares")
        .takes::<Told>()
        .answers::<Reported>()
        .handled_by(post(handle_report))
}

/// `POST /api/v1/decades/report-status`.
#[must_use]
pub fn report_status() -> Function<App> {
    let summary = "Has the caller reported this week?";
    decade("club-decades-report-status", "/api/v1/decades/report-status", summary)
        .takes::<Caller>()
        .answers::<ReportStatus>()
        .handled_by(post(handle_status))
}

/// Refusals as callers of these routes know them.
fn dress(problem: &Problem, request_id: &str) -> Dressed {
    let mut dressed = (WIRE.dress)(problem, request_id);
    if problem.code() == "invalid_init_data"
        && let Some(error) = dressed.body.get_mut("error")
    {
        *error = "Invalid Telegram data".into();
    }
    dressed
}

/// A refusal that these routes answer with HTTP 200.
fn refuse(code: &'static str, text: &str) -> Answer {
    ok(&json!({ "success": false, "code": code, "error": text, "message": text }))
}

/// Who calls, where no header says it.
#[derive(Debug, Deserialize, ToSchema)]
struct Caller {
    /// Launch data as Telegram signed it; see the security of this route.
    #[serde(rename = "initData", default)]
    #[expect(dead_code, reason = "the choke point has read it")]
    init_data: Option<serde_json::Value>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MyDecade {
    /// `null` for who is in none.
    decade: Option<Decade>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Decade {
    id: String,
    city: String,
    number: u32,
    /// `Десятка №N City`.
    name: String,
    invite_link: Option<String>,
    current_members: u32,
    max_members: u32,
    is_leader: bool,
    #[schema(value_type = String, format = "date-time")]
    joined_at: Instant,
}

/// The active team of a member, and the place in it. One read, none for who is in no team.
async fn own(table: &Table, member: &Member) -> Result<Option<(Team, Membership)>> {
    let Some(id) = &member.team_id else { return Ok(None) };
    let keys = [store::team_key(id), store::membership_key(id, member.tg_id)];
    let [team_at, place_at] = &keys;
    let rows = table.batch(&keys).await?;
    let team: Option<Team> = rows.get(team_at)?;
    Ok(team.filter(|team| team.is_active).zip(rows.get(place_at)?))
}

async fn handle_my(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(_): Json<Caller>,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let decade = own(table, &member).await?.map(|(team, place)| Decade {
        name: team.decade_name(),
        id: team.id,
        city: team.city,
        number: team.number,
        invite_link: team.invite_link,
        current_members: team.member_count,
        max_members: team.max_members,
        is_leader: member.is_team_leader,
        joined_at: place.joined_at,
    });
    success(MyDecade { decade })
}

#[derive(Debug, Serialize, ToSchema)]
struct OpenCities {
    /// As members' profiles name them.
    cities: Vec<String>,
}

async fn handle_cities(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(_): Json<Caller>,
) -> Answer {
    let table = &app.platform.table;
    auth::ensure(table, &subject, now).await?;
    let open = store::all_open(table).await?;
    let cities: BTreeMap<String, String> =
        open.into_iter().map(|team| (team.city_key, team.city)).collect();
    success(OpenCities { cities: cities.into_values().collect() })
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JoinedDecade {
    invite_link: Option<String>,
    /// `Десятка №N City`.
    decade_name: String,
}

async fn handle_join(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(_): Json<Caller>,
) -> Answer {
    let table = &app.platform.table;
    let mut joined = places::join(table, subject.telegram_id, now).await?;
    if joined.as_ref().err() == Some(&NoPlace::Unknown) {
        match auth::ensure(table, &subject, now).await {
            Ok(_) => joined = places::join(table, subject.telegram_id, now).await?,
            Err(problem) if problem.code() == "member_gone" => {}
            Err(problem) => return Err(problem),
        }
    }
    match joined {
        Ok(Joined::Now(team)) => {
            success(JoinedDecade { decade_name: team.decade_name(), invite_link: team.invite_link })
        }
        Ok(Joined::Before(team)) => ok(&json!({
            "success": false,
            "code": "already_in_decade",
            "error": "already_in_decade",
            "message": texts::ALREADY_IN_DECADE,
            "inviteLink": team.invite_link,
            "currentDecade": { "city": team.city, "number": team.number },
        })),
        Err(NoPlace::Unknown) => refuse("user_not_found", texts::MEMBER_UNKNOWN),
        Err(NoPlace::NoCity) => refuse("city_required", texts::DECADE_NO_CITY),
        Err(NoPlace::Unpaid) => refuse("subscription_required", texts::DECADE_UNPAID),
        Err(NoPlace::Full(city)) => refuse("no_open_decades", &texts::decades_full(&city)),
        Err(NoPlace::Outrun) => refuse("join_failed", texts::DECADE_OUTRUN),
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CanCreate {
    can_create: bool,
    /// Why not.
    reason: Option<&'static str>,
    city: Option<String>,
    user_id: String,
}

async fn handle_can_create(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(_): Json<Caller>,
) -> Answer {
    let member = auth::ensure(&app.platform.table, &subject, now).await?;
    let reason = may_found(Some(&member), now).err().map(NoFounder::text);
    success(CanCreate {
        can_create: reason.is_none(),
        reason,
        city: member.city,
        user_id: member.id,
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// `green` or `red`.
    status: Light,
    /// With `red`: 1 to 1000 characters.
    problem_description: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Reported {
    report: ReportView,
}

/// The report of a leader.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeaderReport)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportView {
    id: String,
    team_id: String,
    team_name: String,
    city: String,
    leader_id: String,
    week_number: i8,
    /// ISO year of the week.
    year: i16,
    #[schema(value_type = String, format = "date-time")]
    week_start: Instant,
    status: Light,
    problem_description: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl ReportView {
    pub(super) fn of(report: LeaderReport) -> Self {
        let week = Week { year: report.year, number: report.week_number };
        Self {
            id: format!("{}_{week}", report.team_id),
            team_id: report.team_id,
            team_name: report.team_name,
            city: report.city,
            leader_id: report.leader_id,
            week_number: report.week_number,
            year: report.year,
            week_start: report.week_start,
            status: report.status,
            problem_description: report.problem,
            created_at: report.created_at,
        }
    }
}

async fn handle_report(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(told): Json<Told>,
) -> Answer {
    let problem = told.problem_description.as_deref().map(str::trim);
    let problem = problem.filter(|text| !text.is_empty()).map(str::to_owned);
    if problem.as_ref().is_some_and(|text| text.chars().count() > PROBLEM_MAX) {
        return Err(Problem::invalid("problemDescription", "1 to 1000 characters"));
    }
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let team = own(table, &member).await?.map(|(team, _)| team);
    let Some(team) = team.filter(|_| member.is_team_leader) else {
        return refuse("not_leader", texts::REPORT_NOT_LEADER);
    };
    if !is_report_time(now) {
        return refuse("report_window", texts::REPORT_NOT_NOW);
    }
    if told.status == Light::Red && problem.is_none() {
        return refuse("problem_required", texts::REPORT_NO_PROBLEM);
    }
    let week = Week::of(now);
    let report = LeaderReport {
        team_name: team.decade_name(),
        team_id: team.id,
        city: team.city,
        city_key: team.city_key,
        week_start: week_start(now),
        year: week.year,
        week_number: week.number,
        leader_id: member.id.clone(),
        status: told.status,
        problem,
        created_at: now,
    };
    match table.transact(store::reporting(&report, &member, now)).await {
        Ok(()) => success(Reported { report: ReportView::of(report) }),
        Err(error) => match error.refusal()?.has("report") {
            true => refuse("report_exists", texts::LEADER_REPORT_EXISTS),
            // Something else of the member has changed: the same call can be made again.
            false => Err(Problem::try_again("the leader was changed meanwhile")),
        },
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReportStatus {
    has_reported: bool,
    can_submit: bool,
    week_number: i8,
    #[schema(value_type = String, format = "date-time")]
    week_start: Instant,
}

async fn handle_status(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(_): Json<Caller>,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let week = Week::of(now);
    let leads = member.team_id.as_ref().filter(|_| member.is_team_leader);
    let has_reported = match leads {
        Some(team_id) => table.get_item(&LeaderReport::key_of(week, team_id)).await?.is_some(),
        None => false,
    };
    success(ReportStatus {
        has_reported,
        can_submit: leads.is_some() && !has_reported && is_report_time(now),
        week_number: week.number,
        week_start: week_start(now),
    })
}
