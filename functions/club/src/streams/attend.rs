//! Attending: energies once for each stream.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Params, Subject};
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Table, Write};
use utoipa::ToSchema;

use super::api::unknown_stream;
use super::model::{Stream, StreamAttendance};
use super::store;
use super::watched::AttendanceView;
use crate::energies::{self, Award};
use crate::gamification::{self, Achievement, Activity};
use crate::wire::{self, success};
use crate::{App, auth};

/// `POST /api/streams/{id}/attend`.
#[must_use]
pub fn attend() -> Function<App> {
    Function::<App>::post("club-streams-attend", "/api/streams/{id}/attend")
        .summary("Notes that the caller has watched a stream, which earns energies once")
        .limited(wire::API)
        .takes::<AttendanceWish>()
        .answers::<Attended>()
        .handled_by(post(handle))
}

/// `POST /api/streams/attendance`, with the stream in the body.
#[must_use]
pub fn attend_named() -> Function<App> {
    Function::<App>::post("club-streams-attend-named", "/api/streams/attendance")
        .summary("The same as `POST /api/streams/{id}/attend`")
        .limited(wire::API)
        .takes::<NamedAttendanceWish>()
        .answers::<Attended>()
        .handled_by(post(handle_named))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AttendanceWish {
    /// While it went on? No, unless given.
    watched_online: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NamedAttendanceWish {
    /// The stream.
    stream_id: String,
    /// While it went on? No, unless given.
    watched_online: Option<bool>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Attended {
    attendance: AttendanceView,
    /// What was credited now; 0 when it was before.
    energies_earned: u32,
    already_watched: bool,
}

impl Attended {
    fn of(attendance: StreamAttendance, is_new: bool) -> Self {
        Self {
            energies_earned: if is_new { attendance.energies } else { 0 },
            already_watched: !is_new,
            attendance: AttendanceView::of(attendance),
        }
    }
}

async fn handle(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    Json(wish): Json<AttendanceWish>,
) -> Answer {
    watch(&app, &subject, &id, wish.watched_online.unwrap_or_default(), now).await
}

async fn handle_named(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(wish): Json<NamedAttendanceWish>,
) -> Answer {
    watch(&app, &subject, &wish.stream_id, wish.watched_online.unwrap_or_default(), now).await
}

/// One read, one query of achievements and one transaction for what the member has; then one
/// transaction of three items for the stream's views.
async fn watch(app: &App, subject: &Subject, id: &str, online: bool, now: Instant) -> Answer {
    if !Stream::is_id(id) {
        return Err(unknown_stream());
    }
    let table = &app.platform.table;
    let (attendance, is_new) = optimistic(|| round(table, subject, id, online, now)).await?;
    if !attendance.counted {
        count(table, &attendance).await;
    }
    success(Attended::of(attendance, is_new))
}

async fn round(
    table: &Table,
    subject: &Subject,
    id: &str,
    online: bool,
    now: Instant,
) -> Result<Round<(StreamAttendance, bool)>> {
    let (stream_at, own_at) =
        (Stream::key_of(id), StreamAttendance::key_of(subject.telegram_id, id));
    let more = [stream_at.clone(), own_at.clone()];
    let (member, rows) = auth::ensure_with(table, subject, more, now).await?;
    auth::paid(&member, now)?;
    if let Some(before) = rows.get::<StreamAttendance>(&own_at)? {
        return Ok(Round::Done((before, false)));
    }
    let stream: Option<Stream> = rows.get(&stream_at)?;
    stream.filter(Stream::is_shown).ok_or_else(unknown_stream)?;
    let achievements: Vec<Achievement> = gamification::achievements(table).await?;
    let gains = gamification::gains(&member, &Activity::Stream, &achievements, now);
    let income = energies::income(&member, &Award::stream(id), now);
    let attendance = StreamAttendance {
        id: format!("{id}:{}", member.id),
        stream_id: id.to_owned(),
        tg_id: member.tg_id,
        user_id: member.id.clone(),
        online,
        energies: income.energies,
        at: now,
        counted: false,
    };
    let change = gains.on(income.on(auth::change(&member, now)));
    let mut writes = vec![Write::insert("attendance", &attendance), change, income.entry];
    writes.extend(gains.writes());
    match table.transact(writes).await {
        Ok(()) => Ok(Round::Done((attendance, true))),
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

/// What is lost here is made up for by the member's next call: nothing that the member has depends
/// on it.
async fn count(table: &Table, attendance: &StreamAttendance) {
    if let Err(error) = table.transact(store::counting(attendance)).await
        && let Err(error) = error.refusal()
    {
        tracing::warn!(%error, "a view was not counted");
    }
}
