//! Teams as members see them.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject, page_limit};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::super::model::{Membership, Team};
use super::super::places::unknown_team;
use super::super::store;
use super::rows::{TeamMember, TeamView, members_of};
use crate::auth::{self, Claimed, Member};
use crate::tags::Tag;
use crate::wire::{self, succeeded};
use crate::{App, energies, texts};

/// Teams of one page of the list, and the most that may be asked for.
const PAGE: u32 = 100;

/// `GET /api/teams/my`.
#[must_use]
pub fn my() -> Function<App> {
    Function::<App>::get("club-teams-my", "/api/teams/my")
        .summary("The caller's team")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("userId", "The caller's own id; may be left out.")])
        .answers::<MyTeam>()
        .handled_by(get(handle_my))
}

/// `GET /api/teams`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("club-teams-list", "/api/teams")
        .summary("Active teams, by city and number")
        .limited(wire::API)
        .cached(wire::SHARED)
        .reads(&[
            ("metka", "Only teams with this mark."),
            ("city", "Only teams of this city."),
            ("page", "From 1."),
            ("limit", "Teams of a page, from 1; 100 by default and at most."),
        ])
        .answers::<TeamList>()
        .handled_by(get(handle_list))
}

/// `GET /api/teams/stats`.
#[must_use]
pub fn stats() -> Function<App> {
    Function::<App>::get("club-teams-stats", "/api/teams/stats")
        .summary("How many teams and members there are")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<AllStats>()
        .handled_by(get(handle_stats))
}

/// `GET /api/teams/{id}`.
#[must_use]
pub fn one() -> Function<App> {
    Function::<App>::get("club-teams-one", "/api/teams/{id}")
        .summary("A team; for its members, with all members")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<TeamWithMembers>()
        .handled_by(get(handle_one))
}

/// `GET /api/teams/{id}/members`.
#[must_use]
pub fn members() -> Function<App> {
    Function::<App>::get("club-teams-members", "/api/teams/{id}/members")
        .summary("The members of the caller's team")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<TeamMembers>()
        .handled_by(get(handle_members))
}

#[derive(Debug, Serialize, ToSchema)]
struct MyTeam {
    /// `null` for who is in none.
    team: Option<TeamView>,
}

/// Two reads: the team is known by the member. One more for who lives in another city than the
/// team's.
async fn handle_my(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    claimed.check(&member)?;
    let (mut team, mut place, mut city_chat) = (None::<Team>, None::<Membership>, None);
    if let Some(id) = &member.team_id {
        let (team_at, place_at) = (store::team_key(id), store::membership_key(id, member.tg_id));
        let mut keys = vec![team_at.clone(), place_at.clone()];
        keys.extend(member.city_key.as_deref().map(energies::city_door));
        let mut rows = table.batch(&keys).await?;
        (team, place) = (rows.get(&team_at)?, rows.get(&place_at)?);
        if let Some(city_key) = team.as_ref().map(|team| &team.city_key) {
            if member.city_key.as_ref() != Some(city_key) {
                rows = table.batch(&[energies::city_door(city_key)]).await?;
            }
            city_chat = energies::city_link(&rows, city_key)?;
        }
    }
    let version = team.as_ref().map_or(0, |team| team.version).to_string();
    let link = city_chat.clone().unwrap_or_default();
    let body = async {
        let own = team.zip(place);
        let team = own.map(|(team, place)| TeamView::to_member(&team, &place, city_chat));
        Ok(succeeded(MyTeam { team }))
    };
    cached.answer(&[&member.version.to_string(), &version, &link], body).await
}

#[derive(Debug, Deserialize)]
struct Wanted {
    metka: Option<String>,
    city: Option<String>,
    page: Option<String>,
    limit: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TeamList {
    teams: Vec<TeamView>,
    /// Of all pages.
    total: usize,
    /// From 1.
    page: u32,
    total_pages: usize,
}

/// One read, and when the list is not known one query for each megabyte. What the index still
/// lacks is not kept: the tag of all teams tells whether it lacks anything.
async fn handle_list(
    State(app): State<App>,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let limit = page_limit(wanted.limit.as_deref(), PAGE, PAGE)?;
    let page = page_number(wanted.page.as_deref())?;
    let wants = |team: &Team| {
        let city = wanted.city.as_deref().filter(|city| !city.is_empty());
        let metka = wanted.metka.as_deref().filter(|metka| !metka.is_empty());
        team.is_active
            && city.is_none_or(|city| team.city_key == auth::city_key(city))
            && metka.is_none_or(|metka| team.metka.as_deref() == Some(metka))
    };
    listed(&app, &cached, |teams| {
        let mut teams: Vec<Team> = teams.into_iter().filter(wants).collect();
        teams.sort_by(|one, other| {
            (&one.city_key, one.number).cmp(&(&other.city_key, other.number))
        });
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let skipped = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(limit);
        TeamList {
            total: teams.len(),
            page,
            total_pages: teams.len().div_ceil(limit),
            teams: teams.iter().skip(skipped).take(limit).map(TeamView::of).collect(),
        }
    })
    .await
}

/// The number of a page as the caller wrote it: an integer from 1.
fn page_number(text: Option<&str>) -> Result<u32> {
    let page = page_limit(text, 1, u32::MAX);
    page.map_err(|_| Problem::invalid("page", "an integer from 1"))
}

/// What is made of all teams, validated by their tag.
async fn listed<T: Serialize>(
    app: &App,
    cached: &Conditional,
    show: impl FnOnce(Vec<Team>) -> T,
) -> Answer {
    let table = &app.platform.table;
    let tag = Tag::Teams.version(&table.batch(&[Tag::Teams.key()]).await?)?;
    let validator = cached.validator(&[&tag]);
    if let Some(response) = cached.known(&validator) {
        return Ok(response);
    }
    let (teams, complete) = store::all(table, &tag).await?;
    let body = succeeded(show(teams));
    match complete {
        true => cached.fresh(&validator, &body),
        false => cached.by_body(&body, &[]),
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct AllStats {
    stats: Stats,
}

/// What there is of active teams.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TeamStats)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    total_teams: usize,
    /// With a place of their own.
    total_members: u64,
    /// Rounded half up to tenths.
    #[schema(value_type = f64)]
    average_size: serde_json::Number,
    /// Teams by mark; those without one under the empty name.
    by_metka: BTreeMap<String, usize>,
    full_teams: usize,
}

impl Stats {
    pub(super) fn of(teams: &[Team]) -> Self {
        let active: Vec<&Team> = teams.iter().filter(|team| team.is_active).collect();
        let members: u64 = active.iter().map(|team| u64::from(team.member_count)).sum();
        let mut by_metka = BTreeMap::new();
        for team in &active {
            *by_metka.entry(team.metka.clone().unwrap_or_default()).or_default() += 1;
        }
        Self {
            total_teams: active.len(),
            total_members: members,
            average_size: tenths(members, active.len()),
            by_metka,
            full_teams: active.iter().filter(|team| team.is_full()).count(),
        }
    }
}

/// A mean, rounded half up to tenths.
fn tenths(sum: u64, count: usize) -> serde_json::Number {
    let count = u64::try_from(count).unwrap_or(u64::MAX).max(1);
    let tenths = (sum.saturating_mul(20) + count) / count.saturating_mul(2);
    let text = format!("{}.{}", tenths / 10, tenths % 10);
    text.parse().unwrap_or_else(|_| serde_json::Number::from(sum / count))
}

async fn handle_stats(State(app): State<App>, cached: Conditional) -> Answer {
    listed(&app, &cached, |teams| AllStats { stats: Stats::of(&teams) }).await
}

#[derive(Debug, Serialize, ToSchema)]
struct TeamWithMembers {
    team: TeamView,
    /// For the team's members alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<Vec<TeamMember>>,
}

/// The caller's member beside a team and the caller's place in it. One read; for a first contact
/// what that costs.
async fn beside(
    app: &App,
    subject: &Subject,
    id: &str,
    now: Instant,
) -> Result<(Member, Team, Option<Membership>)> {
    if !is_id(id) {
        return Err(unknown_team());
    }
    let keys = [store::team_key(id), store::membership_key(id, subject.telegram_id)];
    let [team_at, place_at] = &keys;
    let (member, rows) = auth::ensure_with(&app.platform.table, subject, keys.clone(), now).await?;
    let team: Team = rows.get(team_at)?.ok_or_else(unknown_team)?;
    let place: Option<Membership> = rows.get(place_at)?;
    let place = place.filter(|_| member.team_id.as_ref() == Some(&team.id));
    Ok((member, team, place))
}

/// Can this be the id of a team? A key has a length that the table takes.
pub(super) fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
}

/// Who is in the team sees people whose names and energies change without it, so that such an
/// answer is validated by what it shows.
async fn handle_one(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    let (member, team, place) = beside(&app, &subject, &id, now).await?;
    if let Some(place) = place {
        let city = [energies::city_door(&team.city_key)];
        let (members, rows) = members_of(&app.platform.table, &team.id, &city).await?;
        let city_chat = energies::city_link(&rows, &team.city_key)?;
        let team = TeamView::to_member(&team, &place, city_chat);
        return cached.by_body(&succeeded(TeamWithMembers { team, members: Some(members) }), &[]);
    }
    let versions = [member.version.to_string(), team.version.to_string()];
    let body =
        async { Ok(succeeded(TeamWithMembers { team: TeamView::of(&team), members: None })) };
    cached.answer(&versions.each_ref().map(String::as_str), body).await
}

#[derive(Debug, Serialize, ToSchema)]
struct TeamMembers {
    members: Vec<TeamMember>,
}

async fn handle_members(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    let (_, team, place) = beside(&app, &subject, &id, now).await?;
    if place.is_none() {
        let (status, text) = (StatusCode::FORBIDDEN, texts::NOT_TEAM_MEMBER);
        return Err(Problem::new(status, "not_team_member", "Forbidden", text));
    }
    let (members, _) = members_of(&app.platform.table, &team.id, &[]).await?;
    cached.by_body(&succeeded(TeamMembers { members }), &[])
}
