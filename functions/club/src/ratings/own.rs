//! A member's own place in the published ratings.
//!
//! Every answer begins with one batch read of the member and the published directory, by which it
//! is validated. The directory names every further item, so that ranks, places and lists come with
//! one read more, and the history of energies with a third.

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Search, Subject};
use shared::problem::Result;
use shared::table::{Key, Table};
use utoipa::ToSchema;

use super::api::{CityRating, TeamRating, generation};
use super::lists::Leader;
use super::published::{CityList, Directory, LeaderList, Tag, TeamList};
use super::shown::{self, Own, Shown};
use crate::App;
use crate::auth::{self, Claimed, Member};
use crate::energies::{self, EnergyTransaction};
use crate::gamification;
use crate::wire::{self, succeeded};

/// Lines of the history beside the ratings.
const HISTORY: u32 = 20;
/// Cities and teams beside it.
const PLACES: usize = 50;

/// `GET /api/v1/ratings/personal`.
#[must_use]
pub fn personal() -> Function<App> {
    Function::<App>::get("club-ratings-personal", "/api/v1/ratings/personal")
        .summary("The published rating of members, and the caller's place in it")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("userId", "The caller's own id; may be left out.")])
        .answers::<Personal>()
        .handled_by(get(handle_personal))
}

/// `GET /api/v1/ratings/user-position`.
#[must_use]
pub fn user_position() -> Function<App> {
    Function::<App>::get("club-ratings-user-position", "/api/v1/ratings/user-position")
        .summary("The caller's places in all ratings")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("userId", "The caller's own id; may be left out.")])
        .answers::<Position>()
        .handled_by(get(handle_user_position))
}

/// `GET /api/v1/ratings/all-data`.
#[must_use]
pub fn all_data() -> Function<App> {
    Function::<App>::get("club-ratings-all-data", "/api/v1/ratings/all-data")
        .summary("All ratings, the caller's places in them, balance and history")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("userId", "The caller's own id; may be left out.")])
        .answers::<AllData>()
        .handled_by(get(handle_all_data))
}

/// Answers what is made of the caller and of what the published generation shows of the caller:
/// `lists` with the rank, and the places as well where they are wanted. One batch read of the
/// caller and the directory, whose generation the answer is known by, and one of what it names;
/// on first contact the member is made.
async fn answer<T: Serialize>(
    (table, subject, now): (&Table, &Subject, Instant),
    (claimed, cached): (&Claimed, &Conditional),
    (lists, with_places): (&[Key], bool),
    body: impl AsyncFnOnce(Member, Option<Shown>) -> Result<T>,
) -> Answer {
    let directory_at = Directory::key_of();
    let (member, rows) = auth::ensure_with(table, subject, [directory_at.clone()], now).await?;
    claimed.check(&member)?;
    let directory: Option<Directory> = rows.get(&directory_at)?;
    let version = member.version.to_string();
    let validator = |tag: Option<&Tag>| cached.validator(&[&version, &generation(tag)]);
    if let Some(response) = cached.known(&validator(directory.as_ref().map(|found| &found.tag))) {
        return Ok(response);
    }
    let shown = match directory {
        Some(directory) => Some(shown::show(table, directory, &member, lists, with_places).await?),
        None => None,
    };
    // Another generation may have been published since.
    let validator = validator(shown.as_ref().map(|shown| &shown.directory.tag));
    cached.fresh(&validator, &succeeded(body(member, shown).await?))
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Personal {
    user: LeaderRow,
    top_users: Vec<LeaderRow>,
    #[schema(value_type = Option<String>, format = "date-time")]
    generated_at: Option<Instant>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LeaderRow {
    /// 0 for who is not in the rating.
    rank: u64,
    id: String,
    /// The same as `id`.
    user_id: String,
    /// In the caller's own row only.
    #[serde(skip_serializing_if = "Option::is_none")]
    telegram_id: Option<i64>,
    username: Option<String>,
    first_name: String,
    last_name: Option<String>,
    /// First and last name.
    name: String,
    photo_url: Option<String>,
    city: Option<String>,
    level: u32,
    energies: i64,
    /// The same as `energies`.
    experience: i64,
    /// Members in the rating.
    total: u64,
}

impl LeaderRow {
    fn of(row: Leader, total: u64, telegram_id: Option<i64>) -> Self {
        let names = [Some(row.first_name.as_str()), row.last_name.as_deref()];
        let names = names.into_iter().flatten().filter(|name| !name.is_empty());
        Self {
            name: names.collect::<Vec<_>>().join(" "),
            rank: row.rank,
            user_id: row.id.clone(),
            id: row.id,
            telegram_id,
            username: row.username,
            first_name: row.first_name,
            last_name: row.last_name,
            photo_url: row.photo_url,
            city: row.city,
            level: row.level,
            energies: row.energies,
            experience: row.energies,
            total,
        }
    }

    /// The caller's own row. Who was paid when the generation was made is in the rating, with
    /// the energies of now.
    fn own(member: Member, shown: Option<&Shown>) -> Self {
        let row = Leader {
            rank: shown.map(|shown| shown.own.rank).unwrap_or_default(),
            id: member.id,
            username: member.username,
            first_name: member.first_name,
            last_name: member.last_name,
            photo_url: member.photo_url,
            city: member.city,
            level: gamification::level(member.experience),
            energies: member.balance,
        };
        let total = shown.map(|shown| shown.directory.total).unwrap_or_default();
        Self::of(row, total, Some(member.tg_id))
    }

    /// The rows of the published list.
    fn all(shown: Option<&Shown>) -> Result<Vec<Self>> {
        let Some(shown) = shown else { return Ok(Vec::new()) };
        let total = shown.directory.total;
        let rows = shown.list::<LeaderList>()?.into_iter();
        Ok(rows.map(|row| Self::of(row, total, None)).collect())
    }
}

async fn handle_personal(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
    cached: Conditional,
) -> Answer {
    let asked = (&app.platform.table, &subject, now);
    let lists = [LeaderList::key_of()];
    answer(asked, (&claimed, &cached), (&lists, false), async |member, shown| {
        Ok(Personal {
            user: LeaderRow::own(member, shown.as_ref()),
            top_users: LeaderRow::all(shown.as_ref())?,
            generated_at: shown.map(|shown| shown.directory.tag.generated_at),
        })
    })
    .await
}

#[derive(Debug, Serialize, ToSchema)]
struct Position {
    position: UserPosition,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UserPosition {
    /// 1 + the members of the generation with more energies; 0 for who is not eligible.
    global_rank: u64,
    /// The same as `globalRank`.
    personal_rank: u64,
    /// The place of the caller's city among cities.
    city_rank: Option<u64>,
    /// The place of the caller's team among teams.
    team_rank: Option<u64>,
    city: Option<String>,
    team_id: Option<String>,
    /// The same as `teamId`.
    decade_id: Option<String>,
    /// Was the caller's subscription paid when the generation was made?
    eligible: bool,
    energies: i64,
    /// Members in the rating.
    total: u64,
    #[schema(value_type = Option<String>, format = "date-time")]
    generated_at: Option<Instant>,
}

impl UserPosition {
    fn of(member: &Member, shown: Option<&Shown>) -> Self {
        let own = shown.map_or_else(Own::default, |shown| shown.own);
        Self {
            global_rank: own.rank,
            personal_rank: own.rank,
            city_rank: own.city,
            team_rank: own.team,
            city: member.city.clone(),
            team_id: member.team_id.clone(),
            decade_id: member.team_id.clone(),
            eligible: shown.is_some_and(|shown| shown.directory.counts(member)),
            energies: member.balance,
            total: shown.map(|shown| shown.directory.total).unwrap_or_default(),
            generated_at: shown.map(|shown| shown.directory.tag.generated_at),
        }
    }
}

async fn handle_user_position(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
    cached: Conditional,
) -> Answer {
    let asked = (&app.platform.table, &subject, now);
    answer(asked, (&claimed, &cached), (&[], true), async |member, shown| {
        Ok(Position { position: UserPosition::of(&member, shown.as_ref()) })
    })
    .await
}

#[derive(Debug, Serialize, ToSchema)]
struct AllData {
    data: Ratings,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Ratings {
    /// Energies to spend, as of now.
    balance: i64,
    /// The newest 20 lines of the account, as of now.
    history: Vec<EnergyTransaction>,
    leaderboard: Vec<LeaderRow>,
    city_ratings: Vec<CityRating>,
    team_ratings: Vec<TeamRating>,
    user_position: UserPosition,
    #[schema(value_type = Option<String>, format = "date-time")]
    generated_at: Option<Instant>,
    /// Grows with each publication; 0 before the first.
    generation: i64,
}

async fn handle_all_data(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let lists = [LeaderList::key_of(), CityList::key_of(), TeamList::key_of()];
    let asked = (table, &subject, now);
    answer(asked, (&claimed, &cached), (&lists, true), async |member, shown| {
        let history = energies::recent(table, &member, HISTORY).await?;
        let (mut city_ratings, mut team_ratings) = (Vec::new(), Vec::new());
        if let Some(shown) = &shown {
            let cities = shown.list::<CityList>()?.into_iter().take(PLACES);
            city_ratings = cities.map(CityRating::of).collect();
            let teams = shown.list::<TeamList>()?.into_iter().take(PLACES);
            team_ratings = teams.map(TeamRating::of).collect();
        }
        let data = Ratings {
            balance: member.balance,
            history,
            leaderboard: LeaderRow::all(shown.as_ref())?,
            city_ratings,
            team_ratings,
            user_position: UserPosition::of(&member, shown.as_ref()),
            generated_at: shown.as_ref().map(|shown| shown.directory.tag.generated_at),
            generation: shown.map(|shown| shown.directory.tag.generation).unwrap_or_default(),
        };
        Ok(AllData { data })
    })
    .await
}
