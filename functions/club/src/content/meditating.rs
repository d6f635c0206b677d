//! Sessions of meditation: what members tell of them, and what they bring.

use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Params, Subject};
use shared::idempotency::Idempotency;
use shared::ids;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::Write;
use utoipa::ToSchema;

use super::earning::earning;
use super::meditations::UNKNOWN;
use super::model::Meditation;
use super::own::{MeditationDay, Session, Tally, experience};
use super::store;
use crate::gamification::{self, Activity, Xp};
use crate::wire::{self, succeeded};
use crate::{App, auth, calendar, texts};

/// How long equal calls without a key merge, in seconds.
const MERGED_S: u32 = 45;
/// Seconds of the longest session that is written down.
const SECONDS_MAX: i64 = 86_400;

/// `POST /api/v1/meditations/{id}/session`.
#[must_use]
pub fn session() -> Function<App> {
    Function::<App>::post("club-meditations-session", "/api/v1/meditations/{id}/session")
        .summary("Writes down a session; of each meditation and day the best one counts")
        .limited(wire::API)
        .merging(MERGED_S)
        .takes::<Listened>()
        .answers::<SessionAnswer>()
        .handled_by(post(handle_session))
}

/// How somebody has meditated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Listened {
    /// 0 to 86400 seconds.
    duration_listened: i64,
    /// To the end? No, where it is left out.
    completed: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SessionAnswer {
    /// The experience that this session has brought: 0 where an earlier one of the day was no
    /// worse.
    xp_awarded: u32,
}

async fn handle_session(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    key: Idempotency,
    Json(listened): Json<Listened>,
) -> Answer {
    store::check_id(&id, UNKNOWN)?;
    let seconds = Some(listened.duration_listened);
    let seconds = seconds.filter(|seconds| (0..=SECONDS_MAX).contains(seconds));
    let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
    let invalid = || Problem::invalid("durationListened", "0 to 86400");
    let listened = (seconds.ok_or_else(invalid)?, listened.completed.unwrap_or_default());
    optimistic(|| round(&app, &subject, &id, listened, &key, now)).await
}

/// One batch read, the achievements and one transaction.
async fn round(
    app: &App,
    subject: &Subject,
    id: &str,
    (seconds, completed): (u32, bool),
    key: &Idempotency,
    now: Instant,
) -> Result<Round<Response>> {
    let (table, tg_id) = (&app.platform.table, subject.telegram_id);
    let today = calendar::moscow_day(now);
    let (meditation_at, day_at) =
        (Meditation::key_of(id), MeditationDay::key_of(tg_id, id, &today));
    let more = [meditation_at.clone(), day_at.clone()].into_iter().chain(key.key());
    let ground = store::ground(app, subject, more, now).await?;
    if let Some(answer) = key.before(table, &ground.rows, now).await? {
        return Ok(Round::Done(answer));
    }
    let member = &ground.member;
    let meditation: Option<Meditation> = ground.rows.get(&meditation_at)?;
    let meditation = meditation.ok_or_else(|| Problem::not_found(UNKNOWN))?;
    if meditation.is_premium {
        auth::paid(member, now)?;
    }
    let before: Option<MeditationDay> = ground.rows.get(&day_at)?;
    let best = before.as_ref().map(|day| day.best).unwrap_or_default();
    let was_completed = before.as_ref().is_some_and(|day| day.completed);
    let reached = experience(seconds, completed);
    let xp_awarded = reached.saturating_sub(best);
    let day = MeditationDay {
        tg_id,
        meditation_id: id.to_owned(),
        day: today,
        best: best.max(reached),
        completed: was_completed || completed,
        at: now,
    };
    let xp = (xp_awarded > 0).then(|| Xp {
        key: format!("meditation:{id}:{}:{reached}", day.day),
        amount: xp_awarded,
        reason: texts::reason_meditation(&meditation.title).into(),
    });
    let activity = Activity::Meditation { completed, first: completed && !was_completed, xp };
    let achievements = gamification::achievements(table).await?;
    let session = Session {
        id: ids::ulid(now),
        tg_id,
        seconds,
        completed,
        meditation_id: meditation.id,
        title: meditation.title,
        duration: meditation.duration,
        cover_url: meditation.cover_url,
        at: now,
    };
    let mut effect = vec![
        Write::insert("session", &session),
        Tally::meditated(tg_id, seconds, completed),
        becoming(before.as_ref(), &day),
    ];
    effect.extend(earning(member, None, &activity, &achievements, now).writes);
    key.commit(table, &succeeded(SessionAnswer { xp_awarded }), effect, now).await
}

/// The day as it is after a session; refused under `day` when another session came first.
fn becoming(before: Option<&MeditationDay>, day: &MeditationDay) -> Write {
    let write = Write::put("day", day);
    match before {
        None => write.when("attribute_not_exists(#pk)"),
        Some(before) => write
            .when("#best = :best AND #completed = :completed")
            .bind(":best", before.best)
            .bind(":completed", before.completed),
    }
}
