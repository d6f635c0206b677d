//! The meditations as a member sees them.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject, page_limit};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::model::Meditation;
use super::own::{Session, Tally};
use super::store;
use crate::wire::{self, succeeded};
use crate::{App, auth};

/// What those are told who ask for a meditation that is not there.
pub(super) const UNKNOWN: &str = "Meditation not found";
/// Sessions of a page that says nothing.
const LIMIT_DEFAULT: u32 = 50;
/// The most sessions of a page, and the most that are left out before it.
const LIMIT_MAX: u32 = 1_000;

/// `GET /api/v1/meditations`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("club-meditations-list", "/api/v1/meditations")
        .summary("All meditations, the newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("category", "Of this category alone.")])
        .answers::<Meditations>()
        .handled_by(get(handle_list))
}

/// `GET /api/v1/meditations/{id}`.
#[must_use]
pub fn one() -> Function<App> {
    Function::<App>::get("club-meditations-one", "/api/v1/meditations/{id}")
        .summary("A meditation; without its recordings where it is closed to the caller")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<OneMeditation>()
        .handled_by(get(handle_one))
}

/// `GET /api/v1/meditations/history/list`.
#[must_use]
pub fn history() -> Function<App> {
    Function::<App>::get("club-meditations-history", "/api/v1/meditations/history/list")
        .summary("The caller's sessions, newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[
            ("limit", "Sessions, from 1; 50 by default, 1000 at most."),
            ("offset", "How many are left out before; 1000 at most."),
        ])
        .answers::<History>()
        .handled_by(get(handle_history))
}

/// `GET /api/v1/meditations/stats/summary`.
#[must_use]
pub fn stats() -> Function<App> {
    Function::<App>::get("club-meditations-stats", "/api/v1/meditations/stats/summary")
        .summary("How much the caller has meditated")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<MeditationStats>()
        .handled_by(get(handle_stats))
}

#[derive(Debug, Serialize, ToSchema)]
struct Meditations {
    meditations: Vec<MeditationView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OneMeditation {
    meditation: MeditationView,
}

/// A meditation as a member sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeditationView {
    #[serde(flatten)]
    meditation: Meditation,
    /// Is it closed to the caller?
    is_locked: bool,
}

impl MeditationView {
    /// As an administrator is shown it.
    pub(super) fn open(meditation: Meditation) -> Self {
        Self::of(meditation, true)
    }

    fn of(meditation: Meditation, is_paid: bool) -> Self {
        let is_locked = meditation.is_premium && !is_paid;
        let meditation = if is_locked { meditation.closed() } else { meditation };
        Self { meditation, is_locked }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct History {
    history: Vec<MeditationHistory>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MeditationHistory {
    id: String,
    /// Seconds.
    duration_listened: u32,
    completed: bool,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    meditation: HeardMeditation,
}

/// A meditation as it was when somebody listened to it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HeardMeditation {
    id: String,
    title: String,
    duration: u32,
    cover_url: Option<String>,
}

impl From<Session> for MeditationHistory {
    fn from(session: Session) -> Self {
        Self {
            id: session.id,
            duration_listened: session.seconds,
            completed: session.completed,
            created_at: session.at,
            meditation: HeardMeditation {
                id: session.meditation_id,
                title: session.title,
                duration: session.duration,
                cover_url: session.cover_url,
            },
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct MeditationStats {
    stats: MeditationSums,
}

/// Minutes are rounded half up.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeditationSums {
    total_sessions: u64,
    completed_sessions: u64,
    total_duration_minutes: u64,
    average_duration_minutes: u64,
}

impl From<Tally> for MeditationSums {
    fn from(tally: Tally) -> Self {
        let minutes = |of: u64| {
            let divisor = of.saturating_mul(60).max(1);
            tally.session_seconds.saturating_mul(2).saturating_add(divisor) / (divisor * 2)
        };
        Self {
            total_sessions: tally.sessions,
            completed_sessions: tally.completed_sessions,
            total_duration_minutes: minutes(1),
            average_duration_minutes: if tally.sessions == 0 { 0 } else { minutes(tally.sessions) },
        }
    }
}

#[derive(Debug, Deserialize)]
struct Wanted {
    category: Option<String>,
}

async fn handle_list(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let ground = store::ground(&app, &subject, [], now).await?;
    let is_paid = ground.member.is_paid(now);
    let body = async {
        let category = wanted.category.filter(|category| !category.is_empty());
        let mut meditations = store::meditations(&app.platform.table).await?;
        meditations.retain(|found| category.is_none() || found.category == category);
        let meditations = meditations.into_iter().map(|found| MeditationView::of(found, is_paid));
        Ok(succeeded(Meditations { meditations: meditations.collect() }))
    };
    cached.answer(&[&ground.version, &is_paid.to_string()], body).await
}

async fn handle_one(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    store::check_id(&id, UNKNOWN)?;
    let at = Meditation::key_of(&id);
    let ground = store::ground(&app, &subject, [at.clone()], now).await?;
    let meditation: Option<Meditation> = ground.rows.get(&at)?;
    let meditation = meditation.ok_or_else(|| Problem::not_found(UNKNOWN))?;
    let is_paid = ground.member.is_paid(now);
    let read = store::as_read(&meditation)?;
    let meditation = MeditationView::of(meditation, is_paid);
    let body = async { Ok(succeeded(OneMeditation { meditation })) };
    cached.answer(&[&ground.version, &is_paid.to_string(), &read], body).await
}

#[derive(Debug, Deserialize)]
struct Paging {
    limit: Option<String>,
    offset: Option<String>,
}

async fn handle_history(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(paging): Search<Paging>,
    cached: Conditional,
) -> Answer {
    let limit = page_limit(paging.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
    let offset = offset_of(paging.offset.as_deref())?;
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let sessions = store::newest_sessions(table, member.tg_id, offset, limit).await?;
        let history = sessions.into_iter().map(MeditationHistory::from).collect();
        Ok(succeeded(History { history }))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

/// How many are left out before, capped silently as a limit is.
fn offset_of(text: Option<&str>) -> Result<u32> {
    match text {
        None | Some("0") => Ok(0),
        Some(text) => page_limit(Some(text), 0, LIMIT_MAX)
            .map_err(|error| Problem::invalid("offset", "an integer from 0").because(error)),
    }
}

async fn handle_stats(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let tally_at = Tally::key_of(subject.telegram_id);
    let ground = store::ground(&app, &subject, [tally_at.clone()], now).await?;
    let tally: Tally = ground.rows.get(&tally_at)?.unwrap_or_default();
    let read = store::as_read(&tally)?;
    let body = async { Ok(succeeded(MeditationStats { stats: tally.into() })) };
    cached.answer(&[&ground.member.version.to_string(), &read], body).await
}
