//! Profile endpoints.

use axum::extract::State;
use axum::routing::{get, patch};
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Subject};
use shared::problem::{FieldError, Problem, Result};
use shared::retry::{Round, optimistic};
use utoipa::ToSchema;

use super::model::{self, Member};
use super::store;
use crate::payments::Provider;
use crate::wire::{self, succeeded, success};
use crate::{App, calendar, gamification, teams, texts};

/// `GET /api/v1/auth/me` and its twin `GET /api/v1/users/me`.
#[must_use]
pub fn me(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::get(name, path)
        .summary("The caller's profile")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Me>()
        .handled_by(get(handle_me))
}

/// `PATCH /api/v1/users/me`.
#[must_use]
pub fn update() -> Function<App> {
    Function::<App>::patch("club-users-update", "/api/v1/users/me")
        .summary("Changes the caller's profile")
        .limited(wire::API)
        .takes::<Changes>()
        .answers::<Updated>()
        .handled_by(patch(handle_update))
}

#[derive(Debug, Serialize, ToSchema)]
struct Me {
    user: User,
}

/// A member as the app sees itself.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct User {
    id: String,
    telegram_id: i64,
    username: Option<String>,
    first_name: String,
    last_name: Option<String>,
    photo_url: Option<String>,
    language_code: Option<String>,
    city: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    level: u32,
    experience: u32,
    energies: i64,
    streak: u32,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_active_date: Option<Instant>,
    is_pro: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    subscription_expires: Option<Instant>,
    auto_renewal_enabled: bool,
    gifted: bool,
    lava_contact_id: Option<String>,
    cloudpayments_subscription_id: Option<String>,
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    #[schema(value_type = String, format = "date-time")]
    updated_at: Instant,
}

impl User {
    pub(crate) fn of(member: Member, now: Instant) -> Self {
        Self {
            is_pro: member.is_paid(now),
            level: gamification::level(member.experience),
            id: member.id,
            telegram_id: member.tg_id,
            username: member.username,
            first_name: member.first_name,
            last_name: member.last_name,
            photo_url: member.photo_url,
            language_code: member.language_code,
            city: member.city,
            email: member.email,
            phone: member.phone,
            experience: member.experience,
            energies: member.balance,
            streak: member.streak,
            last_active_date: member.last_active_at,
            subscription_expires: member.subscription_expires,
            auto_renewal_enabled: member.auto_renewal,
            gifted: member.gifted,
            lava_contact_id: None,
            cloudpayments_subscription_id: member
                .contract
                .filter(|own| member.auto_renewal && own.provider == Provider::Cloudpayments)
                .map(|own| own.contract_id),
            settings: member.settings,
            created_at: member.created_at,
            updated_at: member.updated_at,
        }
    }
}

async fn handle_me(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let member = store::ensure(&app.platform.table, &subject, now).await?;
    let paid = member.is_paid(now).to_string();
    let version = member.version.to_string();
    let body = async { Ok(succeeded(Me { user: User::of(member, now) })) };
    cached.answer(&[&version, &paid], body).await
}

/// Changes of a profile; absent fields stay as they are.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Changes {
    /// 1 to 64 characters.
    first_name: Option<String>,
    /// Up to 64 characters.
    last_name: Option<String>,
    /// 1 to 80 letters, spaces and `-.'()`.
    city: Option<String>,
    /// 2 to 8 characters.
    language_code: Option<String>,
    /// Merged one level deep; 4 KiB at most.
    #[schema(value_type = Option<Object>)]
    settings: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Updated {
    user: UpdatedUser,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UpdatedUser {
    id: String,
    first_name: String,
    last_name: Option<String>,
    city: Option<String>,
    #[schema(value_type = Object)]
    settings: Map<String, Value>,
    language_code: Option<String>,
}

impl Changes {
    fn check(&self) -> Result<()> {
        let length = |text: &Option<String>| text.as_ref().map(|text| text.chars().count());
        let rules = [
            (
                "firstName",
                length(&self.first_name).is_none_or(|n| (1..=64).contains(&n)),
                "1 to 64 characters",
            ),
            ("lastName", length(&self.last_name).is_none_or(|n| n <= 64), "up to 64 characters"),
            (
                "city",
                self.city.as_deref().is_none_or(model::is_city_name),
                "1 to 80 letters, spaces and -.'()",
            ),
            (
                "languageCode",
                length(&self.language_code).is_none_or(|n| (2..=8).contains(&n)),
                "2 to 8 characters",
            ),
            (
                "settings",
                self.settings.as_ref().is_none_or(|settings| size(settings) <= model::SETTINGS_MAX),
                "4 KiB at most",
            ),
            (
                "settings",
                self.settings.as_ref().is_none_or(model::can_be_kept),
                "20 levels at most, numbers from 1e-129 up to 1e125",
            ),
        ];
        let wrong = rules.into_iter().filter(|(_, holds, _)| !holds);
        let wrong: Vec<_> = wrong.map(|(name, _, reason)| FieldError::new(name, reason)).collect();
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid_fields(wrong)) }
    }

    /// The member as these changes leave it.
    fn apply(&self, member: &Member, now: Instant) -> Result<Member> {
        let mut changed = member.clone();
        if let Some(name) = &self.first_name {
            changed.first_name.clone_from(name);
        }
        if let Some(name) = &self.last_name {
            changed.last_name = Some(name.clone()).filter(|name| !name.is_empty());
        }
        if let Some(code) = &self.language_code {
            changed.language_code = Some(code.clone());
        }
        if let Some(settings) = &self.settings {
            changed.settings = model::merge_settings(&member.settings, settings);
            if size(&changed.settings) > model::SETTINGS_MAX {
                return Err(Problem::invalid("settings", "4 KiB at most"));
            }
        }
        if let Some(city) = &self.city {
            move_to(&mut changed, city.trim(), now)?;
        }
        Ok(changed)
    }
}

fn size(settings: &Map<String, Value>) -> usize {
    serde_json::to_string(settings).map_or(usize::MAX, |text| text.len())
}

/// Moves the member to another city, within the day's limit. The same city again is no move.
fn move_to(member: &mut Member, city: &str, now: Instant) -> Result<()> {
    let key = model::city_key(city);
    if member.city_key.as_ref() == Some(&key) {
        return Ok(());
    }
    if member.is_team_leader {
        let status = StatusCode::CONFLICT;
        return Err(Problem::new(status, "city_locked", "Conflict", texts::CITY_LOCKED));
    }
    let today = calendar::moscow_day(now);
    let made =
        if member.city_changed_on.as_ref() == Some(&today) { member.city_changes } else { 0 };
    if made >= model::CITY_CHANGES_PER_DAY {
        return Err(too_many_moves(now));
    }
    member.city = Some(city.split_whitespace().collect::<Vec<_>>().join(" "));
    member.city_key = Some(key);
    member.city_changed_on = Some(today);
    member.city_changes = made + 1;
    Ok(())
}

fn too_many_moves(now: Instant) -> Problem {
    let tomorrow = now.at_offset(3).date().saturating_add(jiff::Span::new().days(1));
    let midnight = tomorrow.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(3)));
    let wait = midnight.map_or(SignedDuration::from_hours(24), |midnight| {
        Instant::from_timestamp(midnight.timestamp()).since(now)
    });
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "city_change_limit",
        "Too Many Requests",
        texts::CITY_CHANGE_LIMIT,
    )
    .with("retryAfter", (now + wait).millis())
    .with_header(http::header::RETRY_AFTER, wait.as_secs().max(1).into())
}

async fn handle_update(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(changes): Json<Changes>,
) -> Answer {
    changes.check()?;
    let table = &app.platform.table;
    let member = optimistic(|| async {
        let member = store::ensure(table, &subject, now).await?;
        let mut changed = changes.apply(&member, now)?;
        if changed == member {
            return Ok(Round::Done(member));
        }
        let mut writes = Vec::new();
        if let (Some(key), Some(city)) = (&changed.city_key, &changed.city)
            && member.city_key.as_ref() != Some(key)
        {
            let (name, write) = store::name_city(table, key, city).await?;
            changed.city = Some(name);
            writes.extend(write);
        }
        let write = store::change(&member, now)
            .set("first_name", &changed.first_name)
            .set_or_remove("last_name", changed.last_name.as_ref())
            .set_or_remove("language_code", changed.language_code.as_ref())
            .set("settings", &changed.settings)
            .set_or_remove("city", changed.city.as_ref())
            .set_or_remove("city_key", changed.city_key.as_ref())
            .set_or_remove("city_changed_on", changed.city_changed_on.as_ref())
            .set("city_changes", changed.city_changes);
        // With a city, a member may wait for a team.
        writes.push(teams::queued(write, &changed));
        match table.transact(writes).await {
            Ok(()) => Ok(Round::Done(changed)),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await?;
    let user = UpdatedUser {
        id: member.id,
        first_name: member.first_name,
        last_name: member.last_name,
        city: member.city,
        settings: member.settings,
        language_code: member.language_code,
    };
    success(Updated { user })
}
