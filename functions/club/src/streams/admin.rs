//! What administrators do about streams.

use axum::extract::State;
use axum::routing::{get, patch, post};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Fields, Json, Params, Search, page_limit};
use shared::idempotency::Idempotency;
use shared::ids;
use shared::problem::{Problem, Result};
use shared::table::Write;
use utoipa::ToSchema;

use super::api::{StreamView, unknown_stream};
use super::model::{Stream, StreamStatus};
use super::store;
use super::watched::{AttendanceStats, AttendanceView};
use crate::content::admin::{Replacing, fields_of};
use crate::tags::Tag;
use crate::wire::{self, success};
use crate::{App, admin, auth};

/// What the content route calls a stream.
const KIND: &str = "stream";
/// What a stream earns whoever leads no team.
const REWARD: u32 = 20;
/// What metadata may take, in bytes of JSON.
const METADATA_MAX: usize = 8 * 1024;
/// Attendees of one answer.
const ATTENDEES_MAX: u32 = 1_000;
const ATTENDEES_DEFAULT: u32 = 100;

/// `POST /api/streams`.
#[must_use]
pub fn create() -> Function<App> {
    Function::<App>::post("club-streams-create", "/api/streams")
        .summary("Makes a stream; an equal call within 45 seconds is a duplicate")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .merging(wire::KEYLESS_DEDUPE_S)
        .takes::<StreamFields>()
        .answers::<Described>()
        .handled_by(post(handle_create))
}

/// `PATCH /api/streams/{id}/status`.
#[must_use]
pub fn set_status() -> Function<App> {
    Function::<App>::patch("club-streams-status", "/api/streams/{id}/status")
        .summary("Says where a stream stands")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .takes::<StatusWish>()
        .answers::<Described>()
        .handled_by(patch(handle_status))
}

/// `GET` of a path of those who have watched a stream.
#[must_use]
pub fn attendees(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::get(name, path)
        .summary("Who has watched a stream")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .reads(&[("limit", "Members, from 1; 100 by default, 1000 at most.")])
        .answers::<Attendees>()
        .handled_by(get(handle_attendees))
}

/// `GET /api/streams/{id}/stats`.
#[must_use]
pub fn stats() -> Function<App> {
    Function::<App>::get("club-streams-stats", "/api/streams/{id}/stats")
        .summary("How many have watched a stream")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<StreamStats>()
        .handled_by(get(handle_stats))
}

/// A stream's fields, as administrators write them. Only for the OpenAPI document: they are read
/// one by one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StreamFields {
    /// 1 to 64 of letters, digits, `-` and `_`; random unless given.
    id: Option<String>,
    /// 1 to 200 characters.
    title: String,
    /// 4000 characters at most.
    description: Option<String>,
    /// Or `recordedAt`.
    #[schema(value_type = String, format = "date-time")]
    scheduled_at: String,
    /// Seconds.
    duration: Option<u32>,
    /// Or `recordingUrl`.
    video_url: Option<String>,
    host: Option<String>,
    /// `scheduled` unless given.
    status: Option<StreamStatus>,
    category: Option<String>,
    thumbnail_url: Option<String>,
    /// Yes, unless given.
    is_published: Option<bool>,
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

/// A stream as it stands now.
#[derive(Debug, Serialize, ToSchema)]
struct Described {
    #[schema(value_type = StreamView)]
    entity: Value,
    /// The same as `entity`.
    #[schema(value_type = StreamView)]
    stream: Value,
}

impl Described {
    fn of(entity: Value) -> Self {
        Self { stream: entity.clone(), entity }
    }
}

/// Two writes, besides the call's key.
async fn handle_create(
    State(app): State<App>,
    Now(now): Now,
    key: Idempotency,
    Json(fields): Json<Map<String, Value>>,
) -> Answer {
    let id = match fields.get("id") {
        None | Some(Value::Null) => ids::uuid(),
        Some(Value::String(id)) if Stream::is_id(id) => id.clone(),
        Some(_) => {
            return Err(Problem::invalid("id", "1 to 64 of letters, digits, - and _"));
        }
    };
    let made = replacing(KIND, &id, &Value::Object(fields), now)?;
    admin::commit(&app, &key, &[], now, |_| {
        let mut writes = made.writes.clone();
        writes.push(made.tag.raise());
        Ok((Described::of(made.entity.clone()), writes))
    })
    .await
}

#[derive(Debug, Deserialize, ToSchema)]
struct StatusWish {
    /// Where it stands.
    status: StreamStatus,
}

/// One read and one transaction of two items.
async fn handle_status(
    State(app): State<App>,
    Params(id): Params<String>,
    Json(wish): Json<StatusWish>,
) -> Answer {
    let table = &app.platform.table;
    let stream = find(&app, &id).await?;
    let writes = vec![store::moved(&id, wish.status), Tag::Content.raise()];
    if let Err(error) = table.transact(writes).await {
        error.refusal()?;
        return Err(unknown_stream());
    }
    let stream = Stream { status: wish.status, ..stream };
    let view = serde_json::to_value(StreamView::described(stream, REWARD)).map_err(Problem::bug)?;
    success(Described::of(view))
}

/// A stream, shown or not. One read.
async fn find(app: &App, id: &str) -> Result<Stream> {
    if !Stream::is_id(id) {
        return Err(unknown_stream());
    }
    let found: Option<Stream> = app.platform.table.get(&Stream::key_of(id)).await?;
    found.filter(|stream| !stream.removed).ok_or_else(unknown_stream)
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Attendees {
    attendees: Vec<AttendanceView>,
    /// The same as `attendees`.
    attendance: Vec<AttendanceView>,
    /// Everybody who has watched it.
    total: u64,
}

/// One read, and one query and one read for each hundred.
async fn handle_attendees(
    State(app): State<App>,
    Params(id): Params<String>,
    Search(wanted): Search<Wanted>,
) -> Answer {
    let limit = page_limit(wanted.limit.as_deref(), ATTENDEES_DEFAULT, ATTENDEES_MAX)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let stream = find(&app, &id).await?;
    let (mut found, mut cursor) = (Vec::new(), None);
    while found.len() < limit {
        let (page, next) = store::audience_page(&app.platform.table, &id, cursor).await?;
        found.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    found.truncate(limit);
    let shown = u64::try_from(found.len()).unwrap_or(u64::MAX);
    success(Attendees {
        total: stream.views.max(shown),
        attendees: found.iter().cloned().map(AttendanceView::of).collect(),
        attendance: found.into_iter().map(AttendanceView::of).collect(),
    })
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StreamStats {
    stats: AttendanceStats,
    /// How many members have watched it.
    views_count: u64,
}

/// One read, and one query and one read for each hundred who have watched it.
async fn handle_stats(State(app): State<App>, Params(id): Params<String>) -> Answer {
    let stream = find(&app, &id).await?;
    let (mut stats, mut cursor) = (AttendanceStats::default(), None);
    loop {
        let (page, next) = store::audience_page(&app.platform.table, &id, cursor).await?;
        page.iter().for_each(|one| stats.add(one));
        cursor = next;
        if cursor.is_none() {
            return success(StreamStats { stats, views_count: stream.views });
        }
    }
}

/// Describes a stream anew, whole but for its views.
///
/// # Errors
/// 400 with every field that does not fit; 404 for another kind, or an id that no stream can have.
pub fn replacing(kind: &str, id: &str, fields: &Value, now: Instant) -> Result<Replacing> {
    if kind != KIND || !Stream::is_id(id) {
        return Err(unknown_stream());
    }
    let mut fields = fields_of(fields)?;
    let stream = read(&mut fields, id, now);
    fields.finish()?;
    let writes = vec![store::described(&stream)];
    let view = StreamView::described(stream, REWARD);
    let entity = serde_json::to_value(view).map_err(Problem::bug)?;
    Ok(Replacing { writes, entity, tag: Tag::Content })
}

/// Takes a stream away; refused under `stream` where there is none. What members have watched of it
/// stays.
#[must_use]
pub fn deleting(kind: &str, id: &str) -> Vec<Write> {
    match kind == KIND && Stream::is_id(id) {
        true => vec![store::removed(id)],
        false => Vec::new(),
    }
}

fn read(fields: &mut Fields, id: &str, now: Instant) -> Stream {
    let address = |fields: &mut Fields, name| {
        fields.text(name, 0, 2_048).filter(|address| !address.is_empty())
    };
    Stream {
        id: id.to_owned(),
        title: fields.required_text("title", 1, 200),
        description: fields.text("description", 0, 4_000).filter(|text| !text.is_empty()),
        at: begins(fields, now),
        duration: fields
            .integer("duration", 0..=604_800)
            .and_then(|seconds| u32::try_from(seconds).ok()),
        video_url: address(fields, "videoUrl").or_else(|| address(fields, "recordingUrl")),
        host: fields.text("host", 0, 200).filter(|text| !text.is_empty()),
        status: status(fields),
        category: fields.text("category", 0, 100).filter(|text| !text.is_empty()),
        thumbnail_url: address(fields, "thumbnailUrl"),
        published: fields.flag("isPublished").unwrap_or(true),
        metadata: metadata(fields),
        views: 0,
        removed: false,
        created_at: now,
    }
}

fn begins(fields: &mut Fields, now: Instant) -> Instant {
    let other = fields.raw("scheduledAt").is_none() && fields.raw("recordedAt").is_some();
    let name = if other { "recordedAt" } else { "scheduledAt" };
    let text = fields.required_text(name, 1, 40);
    text.parse().unwrap_or_else(|_| {
        fields.complain(name, "must be an instant, such as 2026-01-31T12:00:00Z");
        now
    })
}

fn status(fields: &mut Fields) -> StreamStatus {
    let Some(text) = fields.text("status", 1, 40) else { return StreamStatus::Scheduled };
    serde_json::from_value(Value::String(text)).unwrap_or_else(|_| {
        fields.complain("status", "must be scheduled, live, completed or cancelled");
        StreamStatus::Scheduled
    })
}

fn metadata(fields: &mut Fields) -> Map<String, Value> {
    let metadata = match fields.raw("metadata") {
        None => return Map::new(),
        Some(Value::Object(metadata)) => metadata.clone(),
        Some(_) => {
            fields.complain("metadata", "must be an object");
            return Map::new();
        }
    };
    let size = serde_json::to_string(&metadata).map_or(usize::MAX, |text| text.len());
    if size > METADATA_MAX || !auth::can_be_kept(&metadata) {
        fields.complain("metadata", "8 KiB at most, and no numbers of extreme size");
    }
    metadata
}
