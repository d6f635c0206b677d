//! What replaces or deletes content: its rows, as one transaction.
//!
//! A replacement is whole: a field that is left out is absent afterwards. When something was first
//! written stays, and so does what it is in: a part cannot move to another course or item. What
//! stands in a course or an item that is deleted is invisible, and is there again with it.

use serde::Serialize;
use serde_json::Value;
use shared::clock::Instant;
use shared::http::Fields;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Table, Write};

use super::admin::Replacing;
use super::courses::{CourseView, DayView};
use super::fields::{
    ORDER_MAX, TITLE_MAX, attachments, choice, fields_of, id as id_of, month, number, order,
    recordings, required_choice, text, there, url,
};
use super::meditations::MeditationView;
use super::model::{Course, CourseDay, DAYS_MAX, DayMark, LessonType, Meditation};
use super::placing::{Parent, first_written, in_item, marking, placed, unknown};
use super::shelf::{
    ContentItem, ContentSection, ContentType, Listed, Part, Place, PracticeContent, Video,
    VideoTimecode,
};
use crate::tags::Tag;

/// Characters of a description.
const DESCRIPTION_MAX: usize = 2_000;
/// Characters of a lesson or a practice.
const CONTENT_MAX: usize = 20_000;
/// Characters of the texts that stand beside a lesson.
const BESIDE_MAX: usize = 5_000;
/// Characters of the name of a day: all of them stand in the course's row.
const DAY_TITLE_MAX: usize = 120;
/// Seconds of the longest recording, which are a day's.
const SECONDS_MAX: i64 = 86_400;

fn replacing<T: Serialize>(writes: Vec<Write>, entity: &T) -> Result<Replacing> {
    let entity = serde_json::to_value(entity).map_err(Problem::bug)?;
    Ok(Replacing { writes, entity, tag: Tag::Content })
}

fn flag(fields: &mut Fields, name: &'static str, default: bool) -> bool {
    fields.flag(name).unwrap_or(default)
}

/// One read.
pub(super) async fn course(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let mut fields = fields_of(fields)?;
    let title = fields.required_text("title", 1, TITLE_MAX);
    let description = text(&mut fields, "description", DESCRIPTION_MAX);
    let says = "must be mindset, spiritual, esoteric or health";
    let category = required_choice(&mut fields, "category", says);
    let cover_url = url(&mut fields, "coverUrl");
    let is_premium = flag(&mut fields, "isPremium", false);
    let sort_order = order(&mut fields, "sortOrder", ORDER_MAX);
    let key_number = number(&mut fields, "keyNumber", 1, 12);
    let month_theme = text(&mut fields, "monthTheme", TITLE_MAX);
    fields.finish()?;
    let category = there(category, "category")?;
    let old: Option<Course> = table.get(&Course::key_of(id)).await?;
    let seen = old.as_ref().map(|old| old.version);
    let (days, created_at) = old.map_or((Vec::new(), now), |old| (old.days, old.created_at));
    let course = Course {
        id: id.to_owned(),
        title,
        description,
        category,
        cover_url,
        is_premium,
        sort_order,
        key_number,
        month_theme,
        days,
        version: seen.unwrap_or_default() + 1,
        created_at,
    };
    let write = Write::put("course", &course);
    let write = match seen {
        None => write.when("attribute_not_exists(#pk)"),
        Some(version) => write.when("#version = :seen").bind(":seen", version),
    };
    replacing(vec![write], &CourseView::open(course))
}

/// One batch read.
pub(super) async fn course_day(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let day = read_day(id, fields)?;
    let place_at = Place::key_of(Part::CourseDay, id);
    let course_at = Course::key_of(&day.course_id);
    let rows = table.batch(&[place_at.clone(), course_at.clone()]).await?;
    let place: Option<Place> = rows.get(&place_at)?;
    let course: Course = rows.get(&course_at)?.ok_or_else(|| unknown("courseId"))?;
    let taken = course.days.iter().any(|mark| mark.number == day.day_number && mark.id != id);
    if taken {
        return Err(Problem::invalid("dayNumber", "is another day's"));
    }
    let within = day.course_id.clone();
    let mut writes = placed(place, (Part::CourseDay, id), ("courseId", &within), day.key(), now)?;
    let mark = DayMark {
        number: day.day_number,
        id: id.to_owned(),
        title: day.title.clone(),
        is_premium: day.is_premium,
    };
    let others = course.days.iter().filter(|mark| mark.id != id).cloned();
    let mut days: Vec<DayMark> = others.chain([mark]).collect();
    days.sort_by_key(|mark| mark.number);
    writes.push(Write::put("day", &day));
    writes.push(marking(&course, &days));
    replacing(writes, &DayView::open(day))
}

fn read_day(id: &str, fields: &Value) -> Result<CourseDay> {
    let mut fields = fields_of(fields)?;
    let says = "must be text, video, audio or file";
    let course_id = id_of(&mut fields, "courseId");
    let number = fields.required_integer("dayNumber", 1..=i64::from(DAYS_MAX));
    let day = CourseDay {
        id: id.to_owned(),
        course_id,
        day_number: u32::try_from(number).map_err(Problem::bug)?,
        title: fields.required_text("title", 1, DAY_TITLE_MAX),
        content: text(&mut fields, "content", CONTENT_MAX),
        lesson_type: choice(&mut fields, "lessonType", says).unwrap_or(LessonType::Text),
        audio_url: url(&mut fields, "audioUrl"),
        video_url: url(&mut fields, "videoUrl"),
        rutube_url: url(&mut fields, "rutubeUrl"),
        pdf_url: url(&mut fields, "pdfUrl"),
        attachments: attachments(&mut fields, "attachments"),
        welcome_content: text(&mut fields, "welcomeContent", BESIDE_MAX),
        course_info: text(&mut fields, "courseInfo", BESIDE_MAX),
        meditation_guide: text(&mut fields, "meditationGuide", BESIDE_MAX),
        additional_content: text(&mut fields, "additionalContent", BESIDE_MAX),
        gift_content: text(&mut fields, "giftContent", BESIDE_MAX),
        stream_link: url(&mut fields, "streamLink"),
        is_premium: flag(&mut fields, "isPremium", false),
    };
    fields.finish()?;
    Ok(day)
}

/// One read.
pub(super) async fn meditation(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let mut fields = fields_of(fields)?;
    let duration = fields.required_integer("duration", 0..=SECONDS_MAX);
    let old: Option<Meditation> = table.get(&Meditation::key_of(id)).await?;
    let meditation = Meditation {
        id: id.to_owned(),
        title: fields.required_text("title", 1, TITLE_MAX),
        description: text(&mut fields, "description", DESCRIPTION_MAX),
        duration: u32::try_from(duration).map_err(Problem::bug)?,
        cover_url: url(&mut fields, "coverUrl"),
        audio_url: url(&mut fields, "audioUrl"),
        audio_series: recordings(&mut fields, "audioSeries"),
        category: text(&mut fields, "category", 64),
        is_premium: flag(&mut fields, "isPremium", false),
        created_at: old.map_or(now, |old| old.created_at),
    };
    fields.finish()?;
    let writes = vec![Write::put("meditation", &meditation)];
    replacing(writes, &MeditationView::open(meditation))
}

/// One read.
pub(super) async fn item(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let mut fields = fields_of(fields)?;
    let says = "must be course, podcast, stream_record or practice";
    let kind = required_choice(&mut fields, "type", says);
    let title = fields.required_text("title", 1, TITLE_MAX);
    let description = text(&mut fields, "description", DESCRIPTION_MAX);
    let cover_url = url(&mut fields, "coverUrl");
    let thumbnail_url = url(&mut fields, "thumbnailUrl");
    let key_number = number(&mut fields, "keyNumber", 1, 12);
    let month_program = flag(&mut fields, "monthProgram", false);
    let program_month = month(&mut fields, "programMonth");
    let order_index = order(&mut fields, "orderIndex", ORDER_MAX);
    let is_published = flag(&mut fields, "isPublished", true);
    fields.finish()?;
    let old: Option<ContentItem> = table.get(&ContentItem::key_of(id)).await?;
    let item = ContentItem {
        id: id.to_owned(),
        r#type: there(kind, "type")?,
        title,
        description,
        cover_url,
        thumbnail_url,
        key_number,
        month_program,
        program_month,
        order_index,
        is_published,
        created_at: old.map_or(now, |old| old.created_at),
        updated_at: now,
    };
    let writes = vec![Write::put("item", &item), Write::put("listed", &Listed(item.clone()))];
    replacing(writes, &item)
}

/// Replaces a part of an item, which `made` tells of the item's id and of when it was first
/// written. One batch read.
async fn in_its_place<E: Entity + Serialize>(
    table: &Table,
    (part, id): (Part, &str),
    parent: Parent<'_>,
    now: Instant,
    made: impl FnOnce(String, Instant) -> E,
) -> Result<Replacing> {
    let (place, item_id) = in_item(table, (part, id), parent).await?;
    let entity = made(item_id.clone(), first_written(place.as_ref(), now));
    let within = (parent.field(), item_id.as_str());
    let mut writes = placed(place, (part, id), within, entity.key(), now)?;
    writes.push(Write::put("part", &entity));
    replacing(writes, &entity)
}

/// One batch read.
pub(super) async fn section(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let mut fields = fields_of(fields)?;
    let item_id = id_of(&mut fields, "contentItemId");
    let title = fields.required_text("title", 1, TITLE_MAX);
    let description = text(&mut fields, "description", DESCRIPTION_MAX);
    let order_index = order(&mut fields, "orderIndex", ORDER_MAX);
    fields.finish()?;
    let made = |content_item_id, created_at| ContentSection {
        id: id.to_owned(),
        content_item_id,
        title,
        description,
        order_index,
        created_at,
    };
    in_its_place(table, (Part::Section, id), Parent::Item(&item_id), now, made).await
}

/// One batch read.
pub(super) async fn video(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let mut fields = fields_of(fields)?;
    let video = Video {
        id: id.to_owned(),
        content_section_id: id_of(&mut fields, "contentSectionId"),
        content_item_id: String::new(),
        title: fields.required_text("title", 1, TITLE_MAX),
        description: text(&mut fields, "description", DESCRIPTION_MAX),
        video_url: url(&mut fields, "videoUrl"),
        rutube_url: url(&mut fields, "rutubeUrl"),
        pdf_url: url(&mut fields, "pdfUrl"),
        duration_seconds: number(&mut fields, "durationSeconds", 0, SECONDS_MAX),
        thumbnail_url: url(&mut fields, "thumbnailUrl"),
        order_index: order(&mut fields, "orderIndex", ORDER_MAX),
        created_at: now,
    };
    fields.finish()?;
    let section_id = video.content_section_id.clone();
    let made = |content_item_id, created_at| Video { content_item_id, created_at, ..video };
    in_its_place(table, (Part::Video, id), Parent::Section(&section_id), now, made).await
}

/// One batch read.
pub(super) async fn timecode(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let mut fields = fields_of(fields)?;
    let time = fields.required_integer("timeSeconds", 0..=SECONDS_MAX);
    let timecode = VideoTimecode {
        id: id.to_owned(),
        video_id: id_of(&mut fields, "videoId"),
        content_item_id: String::new(),
        time_seconds: u32::try_from(time).map_err(Problem::bug)?,
        title: fields.required_text("title", 1, TITLE_MAX),
        description: text(&mut fields, "description", DESCRIPTION_MAX),
        order_index: order(&mut fields, "orderIndex", ORDER_MAX),
    };
    fields.finish()?;
    let video_id = timecode.video_id.clone();
    let made = |content_item_id, _| VideoTimecode { content_item_id, ..timecode };
    in_its_place(table, (Part::Timecode, id), Parent::Video(&video_id), now, made).await
}

/// One batch read.
pub(super) async fn practice(
    table: &Table,
    id: &str,
    fields: &Value,
    now: Instant,
) -> Result<Replacing> {
    let mut fields = fields_of(fields)?;
    let item_id = id_of(&mut fields, "contentItemId");
    let says = "must be markdown or html";
    let kind = choice(&mut fields, "contentType", says).unwrap_or(ContentType::Markdown);
    let content = fields.required_text("content", 1, CONTENT_MAX);
    fields.finish()?;
    let made = |content_item_id, created_at| PracticeContent {
        id: id.to_owned(),
        content_item_id,
        content_type: kind,
        content,
        created_at,
    };
    in_its_place(table, (Part::Practice, id), Parent::Item(&item_id), now, made).await
}
