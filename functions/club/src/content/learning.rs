//! How members go through courses, and which they like.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Params, Subject};
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use utoipa::ToSchema;

use super::courses::{ProgressView, UNKNOWN};
use super::earning::earning;
use super::model::Course;
use super::own::CourseProgress;
use super::store;
use crate::energies::Award;
use crate::gamification::{self, Activity};
use crate::wire::{self, succeeded, success};
use crate::{App, auth, tags, texts};

/// How long toggles of a favourite merge, in seconds.
const TOGGLES_MERGE_S: u32 = 2;

/// `POST /api/v1/courses/{id}/progress`.
#[must_use]
pub fn progress() -> Function<App> {
    Function::<App>::post("club-courses-progress", "/api/v1/courses/{id}/progress")
        .summary("Writes down how far the caller is in a course; each day earns once")
        .limited(wire::API)
        .takes::<Reached>()
        .answers::<Advanced>()
        .handled_by(post(handle_progress))
}

/// `POST /api/v1/courses/{id}/favorite`.
#[must_use]
pub fn favorite() -> Function<App> {
    Function::<App>::post("club-courses-favorite", "/api/v1/courses/{id}/favorite")
        .summary("Makes a course a favourite, or not; toggles it where nothing is said")
        .limited(wire::API)
        .merging(TOGGLES_MERGE_S)
        .takes::<Liked>()
        .answers::<Likes>()
        .handled_by(post(handle_favorite))
}

/// How far somebody is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Reached {
    /// A day of the course.
    current_day: Option<i64>,
    /// A day of the course.
    completed_day: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Advanced {
    progress: Option<ProgressView>,
    /// 0 for a day that was completed before.
    energies_earned: u32,
}

async fn handle_progress(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    Json(reached): Json<Reached>,
) -> Answer {
    store::check_id(&id, UNKNOWN)?;
    let earns = AtomicBool::new(true);
    let advanced = optimistic(|| advance(&app, &subject, &id, &reached, &earns, now)).await?;
    success(advanced)
}

/// One batch read, of a new day the achievements besides, and one transaction. `earns` turns false
/// where the day's energies were given before, by somebody else's hand.
async fn advance(
    app: &App,
    subject: &Subject,
    id: &str,
    reached: &Reached,
    earns: &AtomicBool,
    now: Instant,
) -> Result<Round<Advanced>> {
    let (course_at, own_at) = (Course::key_of(id), CourseProgress::key_of(subject.telegram_id, id));
    let more = [course_at.clone(), own_at.clone()];
    let ground = store::ground(app, subject, more, now).await?;
    let member = &ground.member;
    let course: Option<Course> = ground.rows.get(&course_at)?;
    let course = course.ok_or_else(|| Problem::not_found(UNKNOWN))?;
    let current = day_of(&course, reached.current_day, "currentDay", "Invalid currentDay")?;
    let completed = day_of(&course, reached.completed_day, "completedDay", "Invalid completedDay")?;
    let marks = [current, completed].into_iter().flatten().filter_map(|day| course.day(day));
    if course.is_premium || marks.into_iter().any(|mark| mark.is_premium) {
        auth::paid(member, now)?;
    }
    let own: Option<CourseProgress> = ground.rows.get(&own_at)?;
    let own = own.unwrap_or_else(|| CourseProgress::none(member.tg_id, id));
    let next = own.advanced(&course, current, completed, now);
    let mut writes = vec![own.becomes(&next)];
    let mut energies_earned = 0;
    let new_day = completed.filter(|day| !own.completed_days.contains(day));
    // An old day finishes a course as well, where those that were missing are there no more.
    let finishes_course = next.finished && !own.finished;
    if new_day.is_some() || finishes_course {
        let title = |day| course.day(day).map(|mark| mark.title.as_str());
        let award = new_day.map(|day| Award::lesson(id, day, title(day)));
        let award = award.as_ref().filter(|_| earns.load(Ordering::Relaxed));
        let activity = Activity::Lesson { finishes_course };
        let achievements = gamification::achievements(&app.platform.table).await?;
        let earned = earning(member, award, &activity, &achievements, now);
        energies_earned = earned.energies;
        writes.extend(earned.writes);
    } else {
        writes.push(tags::touch(member.tg_id));
    }
    let Err(error) = app.platform.table.transact(writes).await else {
        let progress = ProgressView::of(&next);
        return Ok(Round::Done(Advanced { progress, energies_earned }));
    };
    let refusal = error.refusal()?;
    if refusal.is_only("entry") {
        earns.store(false, Ordering::Relaxed);
    }
    Ok(Round::Stale)
}

/// The day that is meant, if one is.
fn day_of(
    course: &Course,
    day: Option<i64>,
    field: &'static str,
    error: &'static str,
) -> Result<Option<u32>> {
    let Some(day) = day else { return Ok(None) };
    let day = u32::try_from(day).ok().filter(|day| course.day(*day).is_some());
    let invalid = || Problem::invalid(field, "is no day of this course").with_error(error);
    day.map(Some).ok_or_else(invalid)
}

/// Whether somebody likes a course.
#[derive(Debug, Deserialize, ToSchema)]
struct Liked {
    /// The other way round, where it is left out.
    favorite: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Likes {
    is_favorite: bool,
    message: &'static str,
}

async fn handle_favorite(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    key: Idempotency,
    Json(liked): Json<Liked>,
) -> Answer {
    store::check_id(&id, UNKNOWN)?;
    // Who says what it is to be means the same however often it is said.
    let key = liked.favorite.map_or(key, |_| Idempotency::none());
    optimistic(|| like(&app, &subject, &id, (&key, liked.favorite), now)).await
}

/// One batch read and one transaction of three items; a toggle that comes again writes one.
async fn like(
    app: &App,
    subject: &Subject,
    id: &str,
    (key, favorite): (&Idempotency, Option<bool>),
    now: Instant,
) -> Result<Round<Response>> {
    let (table, tg_id) = (&app.platform.table, subject.telegram_id);
    let (course_at, own_at) = (Course::key_of(id), CourseProgress::key_of(tg_id, id));
    let more = [course_at.clone(), own_at.clone()].into_iter().chain(key.key());
    let ground = store::ground(app, subject, more, now).await?;
    if let Some(answer) = key.before(table, &ground.rows, now).await? {
        return Ok(Round::Done(answer));
    }
    ground.rows.get::<Course>(&course_at)?.ok_or_else(|| Problem::not_found(UNKNOWN))?;
    let own: Option<CourseProgress> = ground.rows.get(&own_at)?;
    let own = own.unwrap_or_else(|| CourseProgress::none(tg_id, id));
    let is_favorite = favorite.unwrap_or(!own.favorite);
    let message = match is_favorite {
        true => texts::FAVORITE_ADDED,
        false => texts::FAVORITE_REMOVED,
    };
    let likes = Likes { is_favorite, message };
    if is_favorite == own.favorite {
        return success(likes).map(Round::Done);
    }
    let effect = vec![own.becomes(&own.liked(is_favorite)), tags::touch(tg_id)];
    key.commit(table, &succeeded(likes), effect, now).await
}
