//! The courses as a member sees them.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject};
use shared::problem::Problem;
use utoipa::ToSchema;

use super::model::{Course, CourseCategory, CourseDay};
use super::own::CourseProgress;
use super::store;
use crate::App;
use crate::wire::{self, succeeded};

/// What those are told who ask for a course that is not there.
pub(super) const UNKNOWN: &str = "Course not found";

/// `GET /api/v1/courses`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("club-courses-list", "/api/v1/courses")
        .summary("All courses, and how far the caller is in each")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("category", "Of this category alone.")])
        .answers::<Courses>()
        .handled_by(get(handle_list))
}

/// `GET /api/v1/courses/favorites/list`.
#[must_use]
pub fn favorites() -> Function<App> {
    Function::<App>::get("club-courses-favorites", "/api/v1/courses/favorites/list")
        .summary("The caller's favourite courses")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Favorites>()
        .handled_by(get(handle_favorites))
}

/// `GET /api/v1/courses/{id}`.
#[must_use]
pub fn one() -> Function<App> {
    Function::<App>::get("club-courses-one", "/api/v1/courses/{id}")
        .summary("A course with its days; none of a course that is closed to the caller")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<CourseWithDays>()
        .handled_by(get(handle_one))
}

#[derive(Debug, Serialize, ToSchema)]
struct Courses {
    courses: Vec<CourseView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Favorites {
    favorites: Vec<CourseView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct CourseWithDays {
    course: CourseView,
    days: Vec<DayView>,
}

/// A course as a member sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CourseView {
    id: String,
    title: String,
    description: Option<String>,
    category: CourseCategory,
    cover_url: Option<String>,
    is_premium: bool,
    /// Is it closed to the caller?
    is_locked: bool,
    is_favorite: bool,
    sort_order: u32,
    /// 1 to 12.
    key_number: Option<u32>,
    month_theme: Option<String>,
    /// `null` before the first.
    progress: Option<ProgressView>,
}

/// How far the caller is in a course.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProgressView {
    current_day: u32,
    completed_days: Vec<u32>,
    #[schema(value_type = String, format = "date-time")]
    last_accessed_at: Instant,
}

impl ProgressView {
    pub(super) fn of(progress: &CourseProgress) -> Option<Self> {
        Some(Self {
            current_day: progress.current_day,
            completed_days: progress.completed_days.clone(),
            last_accessed_at: progress.last_accessed_at?,
        })
    }
}

impl CourseView {
    /// As an administrator is shown it.
    pub(super) fn open(course: Course) -> Self {
        Self::of(course, true, None)
    }

    fn of(course: Course, is_paid: bool, own: Option<&CourseProgress>) -> Self {
        Self {
            is_locked: course.is_premium && !is_paid,
            is_favorite: own.is_some_and(|own| own.favorite),
            progress: own.and_then(ProgressView::of),
            id: course.id,
            title: course.title,
            description: course.description,
            category: course.category,
            cover_url: course.cover_url,
            is_premium: course.is_premium,
            sort_order: course.sort_order,
            key_number: course.key_number,
            month_theme: course.month_theme,
        }
    }
}

/// A day of a course as a member sees it: without texts and media where it is closed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DayView {
    #[serde(flatten)]
    day: CourseDay,
    /// Is it closed to the caller?
    is_locked: bool,
}

impl DayView {
    /// As an administrator is shown it.
    pub(super) fn open(day: CourseDay) -> Self {
        Self::of(day, true)
    }

    fn of(day: CourseDay, is_paid: bool) -> Self {
        let is_locked = day.is_premium && !is_paid;
        Self { day: if is_locked { day.closed() } else { day }, is_locked }
    }
}

#[derive(Debug, Deserialize)]
struct Wanted {
    category: Option<String>,
}

impl Wanted {
    fn takes(&self, course: &CourseView) -> bool {
        let wanted = self.category.as_deref().filter(|category| !category.is_empty());
        wanted.is_none_or(|wanted| {
            serde_json::to_value(course.category).is_ok_and(|category| category == wanted)
        })
    }
}

async fn handle_list(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    seen_by(&app, &subject, &cached, now, |mut courses| {
        courses.retain(|course| wanted.takes(course));
        succeeded(Courses { courses })
    })
    .await
}

async fn handle_favorites(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    seen_by(&app, &subject, &cached, now, |mut favorites| {
        favorites.retain(|course| course.is_favorite);
        succeeded(Favorites { favorites })
    })
    .await
}

/// All courses as the caller sees them, or some. One batch read; two queries where the answer is
/// not known.
async fn seen_by<T: Serialize>(
    app: &App,
    subject: &Subject,
    cached: &Conditional,
    now: Instant,
    body: impl FnOnce(Vec<CourseView>) -> T,
) -> Answer {
    let ground = store::ground(app, subject, [], now).await?;
    let is_paid = ground.member.is_paid(now);
    let version = ground.member.version.to_string();
    let answer = async {
        let table = &app.platform.table;
        let own = store::own_courses(table, ground.member.tg_id).await?;
        let courses = store::courses(table).await?.into_iter();
        let courses = courses.map(|course| {
            let own = own.get(&course.id);
            CourseView::of(course, is_paid, own)
        });
        Ok(body(courses.collect()))
    };
    cached.answer(&[&version, &ground.version, &is_paid.to_string()], answer).await
}

async fn handle_one(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    store::check_id(&id, UNKNOWN)?;
    let course_at = Course::key_of(&id);
    let own_at = CourseProgress::key_of(subject.telegram_id, &id);
    let more = [course_at.clone(), own_at.clone()];
    let ground = store::ground(&app, &subject, more, now).await?;
    let course: Option<Course> = ground.rows.get(&course_at)?;
    let course = course.ok_or_else(|| Problem::not_found(UNKNOWN))?;
    let own: Option<CourseProgress> = ground.rows.get(&own_at)?;
    let is_paid = ground.member.is_paid(now);
    let version = ground.member.version.to_string();
    // A batch is no snapshot: each of these may be newer than the others.
    let own_version = own.as_ref().map_or(0, |own| own.version).to_string();
    let read = [own_version, course.version.to_string(), is_paid.to_string()];
    let [own_version, course_version, is_paid_text] = &read;
    let inputs = [&version, &ground.version, own_version, course_version, is_paid_text];
    let body = async {
        let days = match course.is_premium && !is_paid {
            true => Vec::new(),
            false => store::days(&app.platform.table, &course).await?,
        };
        let days = days.into_iter().map(|day| DayView::of(day, is_paid)).collect();
        let course = CourseView::of(course, is_paid, own.as_ref());
        Ok(succeeded(CourseWithDays { course, days }))
    };
    cached.answer(&inputs.map(String::as_str), body).await
}
