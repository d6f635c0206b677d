//! Teams and their reports as those who run the club see them.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search};
use shared::problem::{Problem, Result};
use shared::table::Table;
use utoipa::ToSchema;

use super::super::decades::ReportView;
use super::super::rows::{TeamMember, TeamView, members_of};
use super::super::teams::Stats;
use super::{admin, known};
use crate::App;
use crate::auth;
use crate::calendar::Week;
use crate::teams::model::{Light, Team};
use crate::teams::places::unknown_team;
use crate::teams::store;
use crate::wire::success;

/// `GET /api/v1/decades/admin/all`.
#[must_use]
pub fn all() -> Function<App> {
    admin(Function::<App>::get("club-decades-admin-all", "/api/v1/decades/admin/all"))
        .summary("All teams, inactive ones too")
        .reads(&[("city", "Only teams of this city.")])
        .answers::<AllDecades>()
        .handled_by(get(handle_all))
}

/// `GET /api/v1/decades/admin/stats`.
#[must_use]
pub fn stats() -> Function<App> {
    admin(Function::<App>::get("club-decades-admin-stats", "/api/v1/decades/admin/stats"))
        .summary("How many teams there are, and how they fare this week")
        .reads(&[("city", "Only teams of this city.")])
        .answers::<DecadeStats>()
        .handled_by(get(handle_stats))
}

/// `GET /api/v1/decades/admin/reports`.
#[must_use]
pub fn reports() -> Function<App> {
    admin(Function::<App>::get("club-decades-admin-reports", "/api/v1/decades/admin/reports"))
        .summary("Leaders' reports of a week")
        .reads(&[
            ("city", "Only teams of this city."),
            ("weekNumber", "ISO week; this one unless given."),
            ("year", "ISO year of the week; this one unless given."),
        ])
        .answers::<DecadeReports>()
        .handled_by(get(handle_reports))
}

/// `GET /api/v1/decades/admin/members/{id}`.
#[must_use]
pub fn members() -> Function<App> {
    admin(Function::<App>::get("club-decades-admin-members", "/api/v1/decades/admin/members/{id}"))
        .summary("The members of a team")
        .answers::<DecadeMembers>()
        .handled_by(get(handle_members))
}

#[derive(Debug, Deserialize)]
struct OfCity {
    city: Option<String>,
}

impl OfCity {
    fn has(&self, city_key: &str) -> bool {
        let city = self.city.as_deref().filter(|city| !city.is_empty());
        city.is_none_or(|city| auth::city_key(city) == city_key)
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct AllDecades {
    decades: Vec<TeamView>,
    total: usize,
}

/// All teams, those of this city. One query for each megabyte.
async fn teams_of(table: &Table, wanted: &OfCity) -> Result<Vec<Team>> {
    let (mut teams, _) = store::all(table, "").await?;
    teams.retain(|team| wanted.has(&team.city_key));
    teams.sort_by(|one, other| (&one.city_key, one.number).cmp(&(&other.city_key, other.number)));
    Ok(teams)
}

async fn handle_all(State(app): State<App>, Search(wanted): Search<OfCity>) -> Answer {
    let teams = teams_of(&app.platform.table, &wanted).await?;
    let decades = teams.iter().map(TeamView::to_administrator).collect();
    success(AllDecades { decades, total: teams.len() })
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DecadeStats {
    stats: Stats,
    /// Reports of this week.
    reports: Lights,
    week_number: i8,
    year: i16,
    /// Active teams without a leader.
    needs_leader: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct Lights {
    green: usize,
    red: usize,
    /// Active teams that have not reported.
    missing: usize,
}

async fn handle_stats(
    State(app): State<App>,
    Now(now): Now,
    Search(wanted): Search<OfCity>,
) -> Answer {
    let table = &app.platform.table;
    let week = Week::of(now);
    let teams = teams_of(table, &wanted).await?;
    let mut reports = store::reports(table, week).await?;
    reports.retain(|report| wanted.has(&report.city_key));
    let active: Vec<&Team> = teams.iter().filter(|team| team.is_active).collect();
    let count = |light| reports.iter().filter(|report| report.status == light).count();
    let reported = |team: &&&Team| reports.iter().any(|report| report.team_id == team.id);
    success(DecadeStats {
        stats: Stats::of(&teams),
        reports: Lights {
            green: count(Light::Green),
            red: count(Light::Red),
            missing: active.len() - active.iter().filter(reported).count(),
        },
        week_number: week.number,
        year: week.year,
        needs_leader: active.iter().filter(|team| team.needs_leader).count(),
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfWeek {
    city: Option<String>,
    week_number: Option<String>,
    year: Option<String>,
}

impl OfWeek {
    /// The week that is asked for; what is left out is as of now.
    fn week(&self, now: Instant) -> Result<Week> {
        let this = Week::of(now);
        let number = part(self.week_number.as_deref(), "weekNumber", 1, 53)?;
        let year = part(self.year.as_deref(), "year", 2000, 9999)?;
        Ok(Week {
            year: year.unwrap_or(this.year),
            number: number.and_then(|n| i8::try_from(n).ok()).unwrap_or(this.number),
        })
    }
}

fn part(text: Option<&str>, name: &'static str, least: i16, most: i16) -> Result<Option<i16>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    let reason = format!("{least} to {most}");
    number.map(Some).ok_or_else(|| Problem::invalid(name, reason))
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DecadeReports {
    reports: Vec<ReportView>,
    week_number: i8,
    year: i16,
}

async fn handle_reports(
    State(app): State<App>,
    Now(now): Now,
    Search(wanted): Search<OfWeek>,
) -> Answer {
    let week = wanted.week(now)?;
    let of_city = OfCity { city: wanted.city };
    let mut reports = store::reports(&app.platform.table, week).await?;
    reports.retain(|report| of_city.has(&report.city_key));
    reports.sort_by(|one, other| {
        (&one.city_key, one.created_at).cmp(&(&other.city_key, other.created_at))
    });
    success(DecadeReports {
        reports: reports.into_iter().map(ReportView::of).collect(),
        week_number: week.number,
        year: week.year,
    })
}

#[derive(Debug, Serialize, ToSchema)]
struct DecadeMembers {
    team: TeamView,
    members: Vec<TeamMember>,
}

async fn handle_members(State(app): State<App>, Params(id): Params<String>) -> Answer {
    let table = &app.platform.table;
    known(&id)?;
    let team = store::find(table, &id).await?.ok_or_else(unknown_team)?;
    let (members, _) = members_of(table, &id, &[]).await?;
    success(DecadeMembers { team: TeamView::to_administrator(&team), members })
}
