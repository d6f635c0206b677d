//! The published ratings.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Search, Subject, page_limit};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::model::{CityRow, Leader, mean};
use super::store::{self, LeaderList, Tag};
use crate::App;
use crate::auth::{self, Member};
use crate::wire::{self, succeeded};

const LIMIT_DEFAULT: u32 = 50;
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

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<String>,
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
struct CityRating {
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
    fn of(row: CityRow) -> Self {
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
    let limit = page_limit(wanted.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let table = &app.platform.table;
    if cached.may_be_known() {
        let tag = store::tag(table).await?;
        if let Some(response) = cached.known(&cached.validator(&[&generation(tag.as_ref())])) {
            return Ok(response);
        }
    }
    let list = store::city_list(table).await?;
    let tag = list.as_ref().map(|list| list.tag.clone());
    let validator = cached.validator(&[&generation(tag.as_ref())]);
    let rows = list.map(|list| list.rows).unwrap_or_default();
    let cities = Cities {
        ratings: rows.into_iter().take(limit).map(CityRating::of).collect(),
        generated_at: tag.as_ref().map(|tag| tag.generated_at),
        generation: tag.map(|tag| tag.generation).unwrap_or_default(),
    };
    cached.fresh(&validator, &succeeded(cities))
}

fn generation(tag: Option<&Tag>) -> String {
    tag.map(|tag| tag.generation).unwrap_or_default().to_string()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claimed {
    user_id: Option<String>,
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
    fn own(member: Member, rank: u64, total: u64) -> Self {
        let row = Leader {
            rank,
            id: member.id,
            username: member.username,
            first_name: member.first_name,
            last_name: member.last_name,
            photo_url: member.photo_url,
            city: member.city,
            level: auth::level(member.experience),
            energies: member.balance,
        };
        Self::of(row, total, Some(member.tg_id))
    }
}

async fn handle_personal(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let tg_id = subject.telegram_id;
    let validator = |member: &Member, tag: Option<&Tag>| {
        cached.validator(&[&member.version.to_string(), &generation(tag)])
    };
    if cached.may_be_known()
        && let (Some(member), tag) = store::beside::<Tag>(table, tg_id, Tag::key_of()).await?
    {
        must_be(&claimed, &member)?;
        if let Some(response) = cached.known(&validator(&member, tag.as_ref())) {
            return Ok(response);
        }
    }
    let (member, list) = store::beside::<LeaderList>(table, tg_id, LeaderList::key_of()).await?;
    let member = match member {
        Some(member) => member,
        None => auth::ensure(table, &subject, now).await?,
    };
    must_be(&claimed, &member)?;
    let validator = validator(&member, list.as_ref().map(|list| &list.tag));
    let rank = match &list {
        Some(list) if member.is_paid(list.tag.generated_at) => {
            store::rank(table, list, member.balance).await?
        }
        _ => 0,
    };
    let total = list.as_ref().map(|list| list.total).unwrap_or_default();
    let generated_at = list.as_ref().map(|list| list.tag.generated_at);
    let rows = list.map(|list| list.rows).unwrap_or_default();
    let top_users = rows.into_iter().map(|row| LeaderRow::of(row, total, None)).collect();
    let user = LeaderRow::own(member, rank, total);
    cached.fresh(&validator, &succeeded(Personal { user, top_users, generated_at }))
}

/// Refuses an id that is neither the caller's opaque nor Telegram id.
fn must_be(claimed: &Claimed, member: &Member) -> Result<()> {
    match claimed.user_id.as_deref() {
        None | Some("") => Ok(()),
        Some(id) if id == member.id || id == member.tg_id.to_string() => Ok(()),
        Some(_) => Err(Problem::forbidden("subject_mismatch")),
    }
}
