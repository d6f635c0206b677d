//! What the caller has watched.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Search, Subject};
use shared::problem::Problem;
use utoipa::ToSchema;

use super::model::{Stream, StreamAttendance};
use super::store;
use crate::wire::{self, succeeded};
use crate::{App, auth};

/// `GET /api/streams/attendance/my`.
#[must_use]
pub fn mine() -> Function<App> {
    Function::<App>::get("club-streams-mine", "/api/streams/attendance/my")
        .summary("What the caller has watched, the newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Mine>()
        .handled_by(get(handle_mine))
}

/// `GET /api/streams/attendance/stats`.
#[must_use]
pub fn totals() -> Function<App> {
    Function::<App>::get("club-streams-totals", "/api/streams/attendance/stats")
        .summary("How much the caller has watched")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Totals>()
        .handled_by(get(handle_totals))
}

/// `GET /api/streams/attendance`.
#[must_use]
pub fn of_one() -> Function<App> {
    Function::<App>::get("club-streams-own", "/api/streams/attendance")
        .summary("Has the caller watched this stream?")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("streamId", "The stream.")])
        .answers::<Own>()
        .handled_by(get(handle_own))
}

/// That somebody has watched a stream.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttendanceView {
    id: String,
    stream_id: String,
    user_id: String,
    watched_online: bool,
    energies_earned: u32,
    #[schema(value_type = String, format = "date-time")]
    joined_at: Instant,
    /// The same as `joinedAt`.
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl AttendanceView {
    pub(super) fn of(attendance: StreamAttendance) -> Self {
        Self {
            id: attendance.id,
            stream_id: attendance.stream_id,
            user_id: attendance.user_id,
            watched_online: attendance.online,
            energies_earned: attendance.energies,
            joined_at: attendance.at,
            created_at: attendance.at,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Mine {
    attendance: Vec<AttendanceView>,
    /// The same as `attendance`.
    attendances: Vec<AttendanceView>,
    total: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct Totals {
    stats: AttendanceStats,
}

#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttendanceStats {
    /// Streams, or those who have watched one.
    pub(super) total: u64,
    /// The same as `total`.
    pub(super) total_attended: u64,
    /// While they went on.
    pub(super) watched_online: u64,
    /// Later.
    pub(super) watched_recordings: u64,
    /// What was credited.
    pub(super) total_energies: u64,
}

impl AttendanceStats {
    pub(super) fn add(&mut self, attendance: &StreamAttendance) {
        self.total += 1;
        self.total_attended += 1;
        self.watched_online += u64::from(attendance.online);
        self.watched_recordings += u64::from(!attendance.online);
        self.total_energies += u64::from(attendance.energies);
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Own {
    attendance: Option<AttendanceView>,
}

/// What was watched changes with the member.
async fn handle_mine(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let found = store::attended(table, member.tg_id).await?;
        Ok(succeeded(Mine {
            total: found.len(),
            attendance: found.iter().cloned().map(AttendanceView::of).collect(),
            attendances: found.into_iter().map(AttendanceView::of).collect(),
        }))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

async fn handle_totals(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let mut stats = AttendanceStats::default();
        store::attended(table, member.tg_id).await?.iter().for_each(|one| stats.add(one));
        Ok(succeeded(Totals { stats }))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wanted {
    stream_id: Option<String>,
}

async fn handle_own(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let id = wanted.stream_id.filter(|id| !id.is_empty());
    let id = id.ok_or_else(|| Problem::invalid("streamId", "is required"))?;
    if !Stream::is_id(&id) {
        return Err(super::api::unknown_stream());
    }
    let own_at = StreamAttendance::key_of(subject.telegram_id, &id);
    let table = &app.platform.table;
    let (member, rows) = auth::ensure_with(table, &subject, [own_at.clone()], now).await?;
    let attendance: Option<StreamAttendance> = rows.get(&own_at)?;
    // A batch read is no snapshot: the attendance may be newer than the version.
    let seen = attendance.is_some().to_string();
    let attendance = attendance.map(AttendanceView::of);
    let body = async { Ok(succeeded(Own { attendance })) };
    cached.answer(&[&member.version.to_string(), &seen], body).await
}
