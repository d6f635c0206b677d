//! The published lists.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::Instant;
use shared::function::{Access, Function};
use shared::http::{Answer, Search, page_limit};
use utoipa::ToSchema;

use super::lists::{CityRow, TeamRow, Veteran, mean};
use super::published::{self, CityList, List, Tag, TeamList, VeteranList};
use crate::App;
use crate::wire::{self, succeeded};

const LIMIT_DEFAULT: u32 = 50;
const LEADERBOARD_DEFAULT: u32 = 10;
const LIMIT_MAX: u32 = 100;

/// `GET /api/v1/ratings/cities`.
#[must_use]
pub fn cities() -> Function<App> {
    Function::<App>::get("club-ratings-cities", "/api/v1/ratings/cities")
        .summary("The published rating of cities")
        .access(Access::Anyone)
        .limited(wire::PUBLIC)
        .cached(wire::HOT)
        .reads(&[("limit", "Cities, from 1; 50 by default, 100 at most.")])
        .answers::<Cities>()
        .handled_by(get(handle_cities))
}

/// `GET /api/v1/ratings/teams`.
#[must_use]
pub fn teams() -> Function<App> {
    Function::<App>::get("club-ratings-teams", "/api/v1/ratings/teams")
        .summary("The published rating of teams")
        .access(Access::Anyone)
        .limited(wire::PUBLIC)
        .cached(wire::HOT)
        .reads(&[("limit", "Teams, from 1; 50 by default, 100 at most.")])
        .answers::<Teams>()
        .handled_by(get(handle_teams))
}

/// `GET /api/v1/gamification/leaderboard`.
#[must_use]
pub fn leaderboard() -> Function<App> {
    Function::<App>::get("club-gamification-leaderboard", "/api/v1/gamification/leaderboard")
        .summary("The published rating of experience")
        .limited(wire::API)
        .cached(wire::HOT)
        .reads(&[("limit", "Members, from 1; 10 by default, 100 at most.")])
        .answers::<Leaderboard>()
        .handled_by(get(handle_leaderboard))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<String>,
}

/// Answers the first rows of a published list, as of its generation. One read; a small one where
/// the answer is known.
async fn answer<L: List, B: Serialize>(
    (app, cached): (&App, &Conditional),
    (wanted, default): (&Wanted, u32),
    body: impl FnOnce(std::iter::Take<std::vec::IntoIter<L::Row>>, Option<Tag>) -> B,
) -> Answer {
    let limit = page_limit(wanted.limit.as_deref(), default, LIMIT_MAX)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let table = &app.platform.table;
    if cached.may_be_known() {
        let tag = published::tag(table).await?;
        if let Some(response) = cached.known(&cached.validator(&[&generation(tag.as_ref())])) {
            return Ok(response);
        }
    }
    let (tag, rows) = match published::list::<L>(table).await? {
        Some(list) => {
            let (tag, rows) = list.into_parts();
            (Some(tag), rows)
        }
        None => (None, Vec::new()),
    };
    let validator = cached.validator(&[&generation(tag.as_ref())]);
    cached.fresh(&validator, &succeeded(body(rows.into_iter().take(limit), tag)))
}

/// A generation as validators have it; 0 before the first.
pub(super) fn generation(tag: Option<&Tag>) -> String {
    tag.map(|tag| tag.generation).unwrap_or_default().to_string()
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Cities {
    ratings: Vec<CityRating>,
    #[schema(value_type = Option<String>, format = "date-time")]
    generated_at: Option<Instant>,
    /// Grows with each publication; 0 before the first.
    generation: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CityRating {
    rank: u64,
    city: String,
    total_energies: i64,
    member_count: i64,
    /// The same as `memberCount`.
    user_count: i64,
    /// Rounded half up.
    avg_energies: i64,
}

impl CityRating {
    pub(super) fn of(row: CityRow) -> Self {
        Self {
            rank: row.rank,
            avg_energies: mean(row.energies, row.members),
            city: row.city,
            total_energies: row.energies,
            member_count: row.members,
            user_count: row.members,
        }
    }
}

async fn handle_cities(
    State(app): State<App>,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    answer::<CityList, _>((&app, &cached), (&wanted, LIMIT_DEFAULT), |rows, tag| Cities {
        ratings: rows.map(CityRating::of).collect(),
        generated_at: tag.as_ref().map(|tag| tag.generated_at),
        generation: tag.map(|tag| tag.generation).unwrap_or_default(),
    })
    .await
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Teams {
    ratings: Vec<TeamRating>,
    #[schema(value_type = Option<String>, format = "date-time")]
    generated_at: Option<Instant>,
    /// Grows with each publication; 0 before the first.
    generation: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TeamRating {
    rank: u64,
    team_id: String,
    /// The same as `teamId`.
    decade_id: String,
    team_name: String,
    /// The same as `teamName`.
    decade_name: String,
    city: Option<String>,
    number: Option<u64>,
    total_energies: i64,
    /// Those who are paid, the leader and ambassadors included.
    member_count: i64,
    /// Rounded half up; ranks go by the exact fraction.
    avg_energies: i64,
}

impl TeamRating {
    pub(super) fn of(row: TeamRow) -> Self {
        Self {
            rank: row.rank,
            decade_id: row.id.clone(),
            team_id: row.id,
            decade_name: row.name.clone(),
            team_name: row.name,
            city: row.city,
            number: row.number,
            total_energies: row.energies,
            member_count: row.members,
            avg_energies: mean(row.energies, row.members),
        }
    }
}

async fn handle_teams(
    State(app): State<App>,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    answer::<TeamList, _>((&app, &cached), (&wanted, LIMIT_DEFAULT), |rows, tag| Teams {
        ratings: rows.map(TeamRating::of).collect(),
        generated_at: tag.as_ref().map(|tag| tag.generated_at),
        generation: tag.map(|tag| tag.generation).unwrap_or_default(),
    })
    .await
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Leaderboard {
    leaderboard: Vec<VeteranRow>,
    #[schema(value_type = Option<String>, format = "date-time")]
    generated_at: Option<Instant>,
    /// Grows with each publication; 0 before the first.
    generation: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct VeteranRow {
    rank: u64,
    id: String,
    username: Option<String>,
    first_name: String,
    last_name: Option<String>,
    photo_url: Option<String>,
    level: u32,
    experience: u32,
    streak: u32,
}

impl VeteranRow {
    fn of(row: Veteran) -> Self {
        Self {
            rank: row.rank,
            id: row.id,
            username: row.username,
            first_name: row.first_name,
            last_name: row.last_name,
            photo_url: row.photo_url,
            level: row.level,
            experience: row.experience,
            streak: row.streak,
        }
    }
}

async fn handle_leaderboard(
    State(app): State<App>,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let some = (&wanted, LEADERBOARD_DEFAULT);
    answer::<VeteranList, _>((&app, &cached), some, |rows, tag| Leaderboard {
        leaderboard: rows.map(VeteranRow::of).collect(),
        generated_at: tag.as_ref().map(|tag| tag.generated_at),
        generation: tag.map(|tag| tag.generation).unwrap_or_default(),
    })
    .await
}
