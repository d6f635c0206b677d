//! Where parts stand, and how what administrators delete is taken away.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Table, Write};

use super::model::{Course, DayMark};
use super::shelf::{ContentItem, Listed, Part, Place};

/// The course with these days; refused under `course` when it was changed meanwhile.
pub(super) fn marking(course: &Course, days: &[DayMark]) -> Write {
    Write::update("course", course.key())
        .set("days", days)
        .set("version", course.version + 1)
        .when("#version = :seen")
        .bind(":seen", course.version)
}

/// What a part of an item is put into, by its id.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parent<'a> {
    /// The item itself.
    Item(&'a str),
    /// A section of it.
    Section(&'a str),
    /// A video of it.
    Video(&'a str),
}

impl Parent<'_> {
    /// The field that names it.
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Item(_) => "contentItemId",
            Self::Section(_) => "contentSectionId",
            Self::Video(_) => "videoId",
        }
    }

    fn key(self) -> Key {
        match self {
            Self::Item(id) => ContentItem::key_of(id),
            Self::Section(id) => Place::key_of(Part::Section, id),
            Self::Video(id) => Place::key_of(Part::Video, id),
        }
    }
}

/// Where a part is, if it is, and the item that its parent is, or is in; the parent has to be
/// there. One batch read.
pub(super) async fn in_item(
    table: &Table,
    (part, id): (Part, &str),
    parent: Parent<'_>,
) -> Result<(Option<Place>, String)> {
    let (place_at, parent_at) = (Place::key_of(part, id), parent.key());
    let rows = table.batch(&[place_at.clone(), parent_at.clone()]).await?;
    let item_id = match parent {
        Parent::Item(_) => rows.get::<ContentItem>(&parent_at)?.map(|item| item.id),
        Parent::Section(_) | Parent::Video(_) => {
            rows.get::<Place>(&parent_at)?.map(|place| place.within)
        }
    };
    Ok((rows.get(&place_at)?, item_id.ok_or_else(|| unknown(parent.field()))?))
}

/// Somebody names what is not there.
pub(super) fn unknown(field: &'static str) -> Problem {
    Problem::invalid(field, "is not known")
}

/// The writes that keep a part findable; refused under `place` when it was put elsewhere meanwhile.
pub(super) fn placed(
    seen: Option<Place>,
    (part, id): (Part, &str),
    (field, within): (&'static str, &str),
    at: Key,
    now: Instant,
) -> Result<Vec<Write>> {
    if seen.as_ref().is_some_and(|seen| seen.within != within) {
        return Err(Problem::invalid(field, "cannot be changed: delete it and make it anew"));
    }
    let place = Place::new(part, id, within, at, first_written(seen.as_ref(), now));
    let write = Write::put("place", &place);
    let Some(seen) = seen else {
        return Ok(vec![write.when("attribute_not_exists(#pk)")]);
    };
    let mut writes = vec![write.when("#row = :seen").bind(":seen", &seen.row)];
    if seen.row != place.row {
        writes.push(Write::delete("old", seen.leads_to()));
    }
    Ok(writes)
}

/// When a part was first written.
pub(super) fn first_written(seen: Option<&Place>, now: Instant) -> Instant {
    seen.map_or(now, |seen| seen.created_at)
}

/// The writes that delete a course, a meditation or an item.
pub(super) fn deleting_whole(at: Key) -> Vec<Write> {
    vec![Write::delete("whole", at)]
}

/// The writes that delete an item: both of its rows.
pub(super) fn deleting_item(id: &str) -> Vec<Write> {
    vec![
        Write::delete("item", ContentItem::key_of(id)),
        Write::delete("listed", Listed::key_of(id)),
    ]
}

/// The writes that delete a part; none where there is no such part. One read, of a day two.
pub(super) async fn deleting_part(table: &Table, part: Part, id: &str) -> Result<Vec<Write>> {
    let Some(place) = table.get::<Place>(&Place::key_of(part, id)).await? else {
        return Ok(Vec::new());
    };
    let gone = Write::delete("place", place.key()).when("#row = :seen").bind(":seen", &place.row);
    let mut writes = vec![gone, Write::delete("part", place.leads_to())];
    if part == Part::CourseDay
        && let Some(course) = table.get::<Course>(&Course::key_of(&place.within)).await?
        && course.days.iter().any(|mark| mark.id == id)
    {
        let others: Vec<DayMark> =
            course.days.iter().filter(|mark| mark.id != id).cloned().collect();
        writes.push(marking(&course, &others));
    }
    Ok(writes)
}
