//! What other services say that a member has done: each thing earns once.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::{Instant, Now};
use shared::function::{Access, Declared, Function};
use shared::http::{Answer, Json};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::award::Award;
use super::office::read_user;
use super::store;
use crate::wire::{self, success};
use crate::{App, texts};

/// Characters of the id of a lesson or a practice.
const ID_MAX: usize = 128;
/// Characters of a title.
const TITLE_MAX: usize = 255;

/// `POST /api/v1/energies/triggers/daily-login`.
#[must_use]
pub fn daily_login() -> Function<App> {
    trigger("club-energies-daily-login", "/api/v1/energies/triggers/daily-login")
        .summary("A member was there today")
        .takes::<DailyLogin>()
        .handled_by(post(handle_daily_login))
}

/// `POST /api/v1/energies/triggers/lesson-view`.
#[must_use]
pub fn lesson_view() -> Function<App> {
    trigger("club-energies-lesson-view", "/api/v1/energies/triggers/lesson-view")
        .summary("A member has watched a lesson")
        .takes::<LessonView>()
        .handled_by(post(handle_lesson_view))
}

/// `POST /api/v1/energies/triggers/sunday-practice`.
#[must_use]
pub fn sunday_practice() -> Function<App> {
    trigger("club-energies-sunday-practice", "/api/v1/energies/triggers/sunday-practice")
        .summary("A member has done a Sunday's practice")
        .takes::<SundayPractice>()
        .handled_by(post(handle_sunday_practice))
}

fn trigger(name: &'static str, path: &'static str) -> Declared<App> {
    Function::<App>::post(name, path)
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<Triggered>()
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DailyLogin {
    /// Either id of the member.
    #[schema(value_type = String)]
    user_id: Value,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LessonView {
    /// Either id of the member.
    #[schema(value_type = String)]
    user_id: Value,
    /// 1 to 128 characters; a day of a course is `<course>:day<N>`.
    #[schema(value_type = String)]
    lesson_id: Value,
    /// 255 characters at most.
    lesson_title: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SundayPractice {
    /// Either id of the member.
    #[schema(value_type = String)]
    user_id: Value,
    /// 1 to 128 characters.
    #[schema(value_type = String)]
    practice_id: Value,
}

#[derive(Debug, Serialize, ToSchema)]
struct Triggered {
    /// Was it given now?
    awarded: bool,
    /// What was given; 0 where it had been before.
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

/// An id as other services write theirs: a text or a number.
fn read_id(name: &'static str, value: &Value) -> Result<String> {
    let id = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    match (1..=ID_MAX).contains(&id.chars().count()) {
        true => Ok(id),
        false => Err(Problem::invalid(name, "1 to 128 characters")),
    }
}

async fn handle_daily_login(
    State(app): State<App>,
    Now(now): Now,
    Json(told): Json<DailyLogin>,
) -> Answer {
    give(&app, &told.user_id, &Award::daily_login(now), now).await
}

async fn handle_lesson_view(
    State(app): State<App>,
    Now(now): Now,
    Json(told): Json<LessonView>,
) -> Answer {
    let lesson = read_id("lessonId", &told.lesson_id)?;
    let title = told.lesson_title.as_deref().map(str::trim).filter(|title| !title.is_empty());
    if title.is_some_and(|title| title.chars().count() > TITLE_MAX) {
        return Err(Problem::invalid("lessonTitle", "255 characters at most"));
    }
    give(&app, &told.user_id, &Award::lesson_view(&lesson, title), now).await
}

async fn handle_sunday_practice(
    State(app): State<App>,
    Now(now): Now,
    Json(told): Json<SundayPractice>,
) -> Answer {
    let practice = read_id("practiceId", &told.practice_id)?;
    give(&app, &told.user_id, &Award::sunday_practice(&practice), now).await
}

/// One read, one more for an opaque id, and one transaction of two items.
async fn give(app: &App, user_id: &Value, award: &Award, now: Instant) -> Answer {
    let tg_id = read_user(app, user_id).await?;
    let moved = store::award(&app.platform.table, tg_id, award, now).await?;
    success(match moved.awarded {
        true => Triggered { awarded: true, amount: moved.amount, message: None },
        false => Triggered { awarded: false, amount: 0, message: Some(texts::ALREADY_AWARDED) },
    })
}
