//! Streams as members see them.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject, page_limit};
use shared::problem::{Problem, Result};
use shared::table::Table;
use utoipa::ToSchema;

use super::model::{Stream, StreamStatus};
use super::store;
use crate::App;
use crate::auth::{self, Member};
use crate::energies::{self, Award};
use crate::tags::Tag;
use crate::wire::{self, succeeded};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

/// `GET /api/streams`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("club-streams", "/api/streams")
        .summary("All streams, the latest first")
        .limited(wire::API)
        .cached(wire::SHARED)
        .reads(&[
            ("limit", "Streams of a page, from 1; 50 by default, 100 at most."),
            ("page", "Which page, from 1."),
            ("upcoming", "`true`: only those to come, the next first."),
        ])
        .answers::<Streams>()
        .handled_by(get(handle_list))
}

/// `GET /api/streams/upcoming`.
#[must_use]
pub fn upcoming() -> Function<App> {
    Function::<App>::get("club-streams-upcoming", "/api/streams/upcoming")
        .summary("Streams that go on or are to come, the next first")
        .limited(wire::API)
        .cached(wire::SHARED)
        .reads(&[("limit", "Streams, from 1; 50 by default, 100 at most.")])
        .answers::<Upcoming>()
        .handled_by(get(handle_upcoming))
}

/// `GET /api/streams/next`.
#[must_use]
pub fn next() -> Function<App> {
    Function::<App>::get("club-streams-next", "/api/streams/next")
        .summary("The stream that goes on or comes next")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<Next>()
        .handled_by(get(handle_next))
}

/// `GET /api/streams/{id}`.
#[must_use]
pub fn one() -> Function<App> {
    Function::<App>::get("club-streams-one", "/api/streams/{id}")
        .summary("One stream")
        .limited(wire::API)
        .cached(wire::SHARED)
        .answers::<One>()
        .handled_by(get(handle_one))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    limit: Option<String>,
    page: Option<String>,
    upcoming: Option<String>,
}

impl Wanted {
    fn limit(&self) -> Result<usize> {
        let limit = page_limit(self.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
        Ok(usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// How many streams come before the page.
    fn skipped(&self) -> Result<usize> {
        let page = page_limit(self.page.as_deref(), 1, u32::MAX);
        let page = page.map_err(|_| Problem::invalid("page", "an integer from 1"))?;
        let before = usize::try_from(page.saturating_sub(1)).unwrap_or(usize::MAX);
        Ok(before.saturating_mul(self.limit()?))
    }

    fn is_upcoming(&self) -> Result<bool> {
        match self.upcoming.as_deref() {
            None | Some("" | "false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Problem::invalid("upcoming", "true or false")),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Streams {
    streams: Vec<StreamView>,
    /// All of them, whatever the page.
    total: usize,
}

#[derive(Debug, Serialize, ToSchema)]
struct Upcoming {
    streams: Vec<StreamView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Next {
    stream: Option<StreamView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct One {
    stream: StreamView,
}

/// A live meeting, and its recording.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamView {
    id: String,
    title: String,
    description: Option<String>,
    #[schema(value_type = String, format = "date-time")]
    scheduled_at: Instant,
    /// The same as `scheduledAt`.
    #[schema(value_type = String, format = "date-time")]
    recorded_at: Instant,
    /// Seconds.
    duration: Option<u32>,
    /// Always null.
    stream_url: Option<String>,
    /// The same as `videoUrl`.
    recording_url: Option<String>,
    /// For those whose subscription is paid.
    video_url: Option<String>,
    host: Option<String>,
    status: StreamStatus,
    /// The energies that the caller gets for it.
    ep_reward: u32,
    /// The same as `epReward`.
    energies_reward: u32,
    views_count: u64,
    category: Option<String>,
    thumbnail_url: Option<String>,
    is_published: bool,
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
    #[schema(value_type = Option<String>, format = "date-time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Instant>,
}

/// What streams look like to somebody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    /// Is the subscription paid?
    is_paid: bool,
    /// What one stream earns.
    reward: u32,
}

impl Looks {
    pub(super) fn to(member: &Member, now: Instant) -> Self {
        // As it would be credited: whoever leads an active team gets twice as much.
        let reward = energies::income(member, &Award::stream(""), now).energies;
        Self { is_paid: member.is_paid(now), reward }
    }

    /// Everything of them that an answer depends on.
    fn told(self) -> String {
        format!("{} {}", self.is_paid, self.reward)
    }
}

impl StreamView {
    pub(super) fn of(stream: Stream, looks: Looks) -> Self {
        let video_url = stream.video_url.filter(|_| looks.is_paid);
        Self {
            id: stream.id,
            title: stream.title,
            description: stream.description,
            scheduled_at: stream.at,
            recorded_at: stream.at,
            duration: stream.duration,
            stream_url: None,
            recording_url: video_url.clone(),
            video_url,
            host: stream.host,
            status: stream.status,
            ep_reward: looks.reward,
            energies_reward: looks.reward,
            views_count: stream.views,
            category: stream.category,
            thumbnail_url: stream.thumbnail_url,
            is_published: stream.published,
            metadata: stream.metadata,
            created_at: Some(stream.created_at),
        }
    }

    /// As administrators are answered who have just described it: what stood there before, and
    /// since when, is not read.
    pub(super) fn described(stream: Stream, reward: u32) -> Self {
        let looks = Looks { is_paid: true, reward };
        Self { created_at: None, ..Self::of(stream, looks) }
    }
}

/// Who asks, and the versions of the content and of the views that lists show. One read.
async fn asker(table: &Table, subject: &Subject, now: Instant) -> Result<(Looks, String)> {
    let (content, views) = (Tag::Content, Tag::Views);
    let keys = [content.key(), views.key()];
    let (member, rows) = auth::ensure_with(table, subject, keys, now).await?;
    let version = format!("{} {}", content.version(&rows)?, views.version(&rows)?);
    Ok((Looks::to(&member, now), version))
}

/// Those that go on, then those to come, the next first.
async fn to_come(table: &Table, now: Instant) -> Result<Vec<Stream>> {
    let mut streams = store::shown(table).await?;
    streams.retain(|stream| stream.is_upcoming(now));
    streams.reverse();
    streams.sort_by_key(|stream| stream.status != StreamStatus::Live);
    Ok(streams)
}

/// What is to come changes with the clock, so that a list of it is validated by what is in it, too.
fn ids_of(streams: &[Stream]) -> String {
    streams.iter().map(|stream| stream.id.as_str()).collect::<Vec<_>>().join(" ")
}

async fn handle_list(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let (limit, skipped, upcoming) = (wanted.limit()?, wanted.skipped()?, wanted.is_upcoming()?);
    let table = &app.platform.table;
    let (looks, version) = asker(table, &subject, now).await?;
    let streams = if upcoming { Some(to_come(table, now).await?) } else { None };
    let ids = streams.as_deref().map(ids_of).unwrap_or_default();
    let body = async {
        let streams = match streams {
            Some(streams) => streams,
            None => store::shown(table).await?,
        };
        let total = streams.len();
        let page = streams.into_iter().skip(skipped).take(limit);
        let streams = page.map(|stream| StreamView::of(stream, looks)).collect();
        Ok(succeeded(Streams { streams, total }))
    };
    cached.answer(&[&looks.told(), &version, &ids], body).await
}

async fn handle_upcoming(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let limit = wanted.limit()?;
    let table = &app.platform.table;
    let (looks, version) = asker(table, &subject, now).await?;
    let streams = to_come(table, now).await?;
    let ids = ids_of(&streams);
    let streams = streams.into_iter().take(limit);
    let streams = streams.map(|stream| StreamView::of(stream, looks)).collect();
    let body = async { Ok(succeeded(Upcoming { streams })) };
    cached.answer(&[&looks.told(), &version, &ids], body).await
}

async fn handle_next(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let (looks, version) = asker(table, &subject, now).await?;
    let mut streams = to_come(table, now).await?;
    streams.truncate(1);
    let ids = ids_of(&streams);
    let stream = streams.pop().map(|stream| StreamView::of(stream, looks));
    let body = async { Ok(succeeded(Next { stream })) };
    cached.answer(&[&looks.told(), &version, &ids], body).await
}

async fn handle_one(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    if !Stream::is_id(&id) {
        return Err(unknown_stream());
    }
    let (table, tag, stream_at) = (&app.platform.table, Tag::Content, Stream::key_of(&id));
    let keys = [stream_at.clone(), tag.key()];
    let (member, rows) = auth::ensure_with(table, &subject, keys, now).await?;
    let stream: Option<Stream> = rows.get(&stream_at)?;
    let stream = stream.filter(Stream::is_shown).ok_or_else(unknown_stream)?;
    let looks = Looks::to(&member, now);
    // A batch read is no snapshot: the stream may be newer than the version.
    let seen = serde_json::to_string(&stream).map_err(Problem::bug)?;
    let body = async { Ok(succeeded(One { stream: StreamView::of(stream, looks) })) };
    cached.answer(&[&looks.told(), &tag.version(&rows)?, &seen], body).await
}

/// No stream of this name is shown.
pub(super) fn unknown_stream() -> Problem {
    Problem::not_found("Stream not found")
}
