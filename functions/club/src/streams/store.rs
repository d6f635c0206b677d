//! Streams and attendances in the table.

use shared::problem::Result;
use shared::table::{Cursor, Entity, Key, Query, Table, Write};

use super::model::{Stream, StreamAttendance, StreamStatus};
use crate::auth::member_key;
use crate::tags::Tag;

/// The partition of all streams: one query lists them.
const STREAMS: &str = "STREAMS";
/// What the sort keys of a member's attendances begin with.
const ATTENDED: &str = "STREAM#";
/// Attendances of one page of the index: what one read takes.
pub(super) const PAGE: u32 = 100;

impl Stream {
    /// Where the stream of this id is.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(STREAMS, format!("STREAM#{id}"))
    }
}

impl Entity for Stream {
    const KIND: &'static str = "Stream";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }
}

impl StreamAttendance {
    /// Where it is told that the member has watched the stream.
    #[must_use]
    pub fn key_of(tg_id: i64, stream_id: &str) -> Key {
        Key::new(member_key(tg_id).pk, format!("{ATTENDED}{stream_id}"))
    }
}

impl Entity for StreamAttendance {
    const KIND: &'static str = "StreamAttendance";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, &self.stream_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("registry_pk", audience(&self.stream_id))]
    }
}

fn audience(stream_id: &str) -> String {
    format!("STREAM#{stream_id}")
}

/// Every stream that members see, the latest first. One query for each megabyte.
pub(super) async fn shown(table: &Table) -> Result<Vec<Stream>> {
    let mut streams: Vec<Stream> = table.query_all(&Query::partition(STREAMS)).await?.read()?;
    streams.retain(Stream::is_shown);
    streams.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.id.cmp(&other.id)));
    Ok(streams)
}

/// What a member has watched. One query for each megabyte.
pub(super) async fn attended(table: &Table, tg_id: i64) -> Result<Vec<StreamAttendance>> {
    let query = Query::partition(member_key(tg_id).pk).beginning_with(ATTENDED);
    let mut found: Vec<StreamAttendance> = table.query_all(&query).await?.read()?;
    found.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.id.cmp(&other.id)));
    Ok(found)
}

/// One page of who has watched a stream, by the index, which lags. One query and one read.
pub(super) async fn audience_page(
    table: &Table,
    stream_id: &str,
    cursor: Option<Cursor>,
) -> Result<(Vec<StreamAttendance>, Option<Cursor>)> {
    let query = Query::global_index("registry", ("registry_pk", audience(stream_id)), "pk")
        .limit(PAGE)
        .after(cursor);
    let page = table.query(&query).await?;
    Ok((table.behind(&page.items).await?, page.next))
}

/// The writes that count an attendance among its stream's views, once, and make the lists that show
/// them fresh; refused under `attendance` when it is, under `stream` when there is no such stream
/// any more.
pub(super) fn counting(attendance: &StreamAttendance) -> Vec<Write> {
    let counted = Write::update("attendance", attendance.key())
        .set("counted", true)
        .when("#counted = :no")
        .bind(":no", false);
    let stream = Write::update("stream", Stream::key_of(&attendance.stream_id))
        .add("views", 1)
        .when("attribute_exists(#pk)");
    vec![counted, stream, Tag::Views.raise()]
}

/// Describes a stream anew, but for its views, or makes it.
pub(super) fn described(stream: &Stream) -> Write {
    Write::update("stream", stream.key())
        .set("kind", Stream::KIND)
        .set("id", &stream.id)
        .set("title", &stream.title)
        .set_or_remove("description", stream.description.as_ref())
        .set("at", stream.at)
        .set_or_remove("duration", stream.duration)
        .set_or_remove("video_url", stream.video_url.as_ref())
        .set_or_remove("host", stream.host.as_ref())
        .set("status", stream.status)
        .set_or_remove("category", stream.category.as_ref())
        .set_or_remove("thumbnail_url", stream.thumbnail_url.as_ref())
        .set("published", stream.published)
        .set("metadata", &stream.metadata)
        .set("removed", false)
        .set_once("created_at", stream.created_at)
}

/// Moves a stream to another status; refused under `stream` where there is none.
pub(super) fn moved(id: &str, status: StreamStatus) -> Write {
    Write::update("stream", Stream::key_of(id))
        .set("status", status)
        .when("#removed = :no")
        .bind(":no", false)
}

/// Takes a stream away; refused under `stream` where there is none.
pub(super) fn removed(id: &str) -> Write {
    Write::update("stream", Stream::key_of(id)).set("removed", true).when("attribute_exists(#pk)")
}
