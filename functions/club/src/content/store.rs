//! Content in the table, and what a caller's answer depends on.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::clock::Instant;
use shared::http::Subject;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Item, Key, Query, Rows, Table};

use super::fields::is_id;
use super::model::{COURSES, Course, CourseDay, MEDITATIONS, Meditation};
use super::own::{CourseProgress, Session, Watched, own, sessions};
use super::shelf::{
    CATALOGUE, ContentItem, ContentSection, Listed, PracticeContent, Video, VideoTimecode, shelf,
};
use crate::App;
use crate::auth::{self, Member};
use crate::tags::Tag;

/// Pages of a list, of a megabyte each: what an answer can carry.
const PAGES_MAX: usize = 5;

/// What every answer about content depends on, in one batch read.
#[derive(Debug)]
pub(super) struct Ground {
    /// Who asks.
    pub(super) member: Member,
    /// The version of all content.
    pub(super) version: String,
    /// What else was read.
    pub(super) rows: Rows,
}

/// Who asks, the version of all content and what is under `more`. One batch read; a first contact
/// makes the member.
pub(super) async fn ground(
    app: &App,
    subject: &Subject,
    more: impl IntoIterator<Item = Key>,
    now: Instant,
) -> Result<Ground> {
    let keys = std::iter::once(Tag::Content.key()).chain(more);
    let (member, rows) = auth::ensure_with(&app.platform.table, subject, keys, now).await?;
    Ok(Ground { version: Tag::Content.version(&rows)?, member, rows })
}

/// A row as it was read, for the validator of an answer that shows it: a batch is no snapshot, so
/// that the row may be newer or older than the versions that were read beside it.
pub(super) fn as_read(row: &impl Serialize) -> Result<String> {
    serde_json::to_string(row).map_err(Problem::bug)
}

/// Refuses what cannot be the id of anything, before the table is asked for it.
pub(super) fn check_id(id: &str, error: &'static str) -> Result<()> {
    match is_id(id) {
        true => Ok(()),
        false => Err(Problem::not_found(error)),
    }
}

/// At most `most` items of a query, page by page.
async fn items_of(table: &Table, query: Query, most: usize) -> Result<Vec<Item>> {
    let (mut items, mut cursor) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = table.query(&query.clone().after(cursor)).await?;
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() || items.len() >= most {
            break;
        }
    }
    items.truncate(most);
    Ok(items)
}

async fn all<E: Entity>(table: &Table, query: Query) -> Result<Vec<E>> {
    let items = items_of(table, query, usize::MAX).await?;
    Ok(items.iter().map(Item::read).collect::<std::result::Result<_, _>>()?)
}

/// All courses in their order. One query for each megabyte.
pub(super) async fn courses(table: &Table) -> Result<Vec<Course>> {
    let mut courses: Vec<Course> = all(table, Query::partition(COURSES)).await?;
    courses.sort_by(|one, other| {
        let order = one.sort_order.cmp(&other.sort_order);
        order.then(other.created_at.cmp(&one.created_at)).then(one.id.cmp(&other.id))
    });
    Ok(courses)
}

/// The days of a course, by number. One query for each megabyte.
pub(super) async fn days(table: &Table, course: &Course) -> Result<Vec<CourseDay>> {
    let query = Query::partition(CourseDay::partition(&course.id)).beginning_with("DAY#");
    let mut days: Vec<CourseDay> = all(table, query).await?;
    // Those of an earlier course of this id are none of its days.
    days.retain(|day| course.day(day.day_number).is_some_and(|mark| mark.id == day.id));
    Ok(days)
}

/// What a member has of all courses, by course. One query.
pub(super) async fn own_courses(
    table: &Table,
    tg_id: i64,
) -> Result<BTreeMap<String, CourseProgress>> {
    let query = Query::partition(own(tg_id)).beginning_with("COURSE#");
    let rows: Vec<CourseProgress> = all(table, query).await?;
    Ok(rows.into_iter().map(|row| (row.course_id.clone(), row)).collect())
}

/// All videos that a member has watched. One query for each megabyte.
pub(super) async fn watched(table: &Table, tg_id: i64) -> Result<Vec<Watched>> {
    all(table, Query::partition(own(tg_id)).beginning_with("VIDEO#")).await
}

/// A member's newest sessions of meditation, without the first `offset`. One query for each
/// megabyte.
pub(super) async fn newest_sessions(
    table: &Table,
    tg_id: i64,
    offset: u32,
    limit: u32,
) -> Result<Vec<Session>> {
    let most = offset.saturating_add(limit);
    let query = Query::partition(sessions(tg_id)).descending().limit(most);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let items = items_of(table, query, most).await?;
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let shown = items.iter().skip(offset).map(Item::read);
    Ok(shown.collect::<std::result::Result<_, _>>()?)
}

/// All meditations, the newest first. One query for each megabyte.
pub(super) async fn meditations(table: &Table) -> Result<Vec<Meditation>> {
    let mut meditations: Vec<Meditation> = all(table, Query::partition(MEDITATIONS)).await?;
    meditations
        .sort_by(|one, other| other.created_at.cmp(&one.created_at).then(one.id.cmp(&other.id)));
    Ok(meditations)
}

/// All items that members may see, in their order. One query for each megabyte.
pub(super) async fn items(table: &Table) -> Result<Vec<ContentItem>> {
    let listed: Vec<Listed> = all(table, Query::partition(CATALOGUE)).await?;
    let items = listed.into_iter().map(|listed| listed.0);
    let mut items: Vec<ContentItem> = items.filter(|item| item.is_published).collect();
    items.sort_by(|one, other| {
        let order = one.order_index.cmp(&other.order_index);
        order.then(other.created_at.cmp(&one.created_at)).then(one.id.cmp(&other.id))
    });
    Ok(items)
}

/// What an item holds, in order.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) sections: Vec<ContentSection>,
    pub(super) videos: Vec<Video>,
    pub(super) timecodes: Vec<VideoTimecode>,
    pub(super) practices: Vec<PracticeContent>,
}

/// What an item holds that members may see. One query for each megabyte.
///
/// # Errors
/// 404 when there is no such item, or it is not published.
pub(super) async fn whole_shelf(table: &Table, item_id: &str) -> Result<Shelf> {
    let (mut head, mut found) = (None, Shelf::default());
    for row in items_of(table, Query::partition(shelf(item_id)), usize::MAX).await? {
        match row.text("kind") {
            Some(ContentItem::KIND) => head = Some(row.read::<ContentItem>()?),
            Some(ContentSection::KIND) => found.sections.push(row.read()?),
            Some(Video::KIND) => found.videos.push(row.read()?),
            Some(VideoTimecode::KIND) => found.timecodes.push(row.read()?),
            Some(PracticeContent::KIND) => found.practices.push(row.read()?),
            _ => {}
        }
    }
    head.filter(|item| item.is_published).ok_or_else(|| Problem::not_found("Not Found"))?;
    found.sections.sort_by(|one, other| {
        let order = one.order_index.cmp(&other.order_index);
        order.then(one.created_at.cmp(&other.created_at)).then(one.id.cmp(&other.id))
    });
    let places: BTreeMap<&str, usize> =
        found.sections.iter().enumerate().map(|(at, section)| (section.id.as_str(), at)).collect();
    // What stood in a section that is gone is not seen.
    found.videos.retain(|video| places.contains_key(video.content_section_id.as_str()));
    found.videos.sort_by_key(|video| {
        let section = places.get(video.content_section_id.as_str()).copied();
        (section, video.order_index, video.created_at, video.id.clone())
    });
    found
        .timecodes
        .sort_by_key(|moment| (moment.time_seconds, moment.order_index, moment.id.clone()));
    found.practices.sort_by_key(|practice| (practice.created_at, practice.id.clone()));
    Ok(found)
}
