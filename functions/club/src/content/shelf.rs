//! Items of content and what they hold, as it is stored and answered. No I/O.
//!
//! An item is kept twice, written together: in the catalogue of all items, and at the head of its
//! own *shelf*, the partition that holds its sections, videos, timecodes and practices. One query
//! of a shelf answers whatever is asked of an item. What stands on a shelf is found by its own id
//! through a [`Place`].

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::table::{Entity, Key};
use utoipa::ToSchema;

/// What an item of content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemType {
    /// A course of videos.
    Course,
    /// A podcast.
    Podcast,
    /// The recording of a stream.
    StreamRecord,
    /// A practice.
    Practice,
}

/// An item of content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContentItem {
    /// Its id.
    pub id: String,
    /// What it is.
    pub r#type: ItemType,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Its picture.
    pub cover_url: Option<String>,
    /// The same, small.
    pub thumbnail_url: Option<String>,
    /// 1 to 12.
    pub key_number: Option<u32>,
    /// Does it belong to the programme of a month?
    pub month_program: bool,
    /// Of which, as `2026-01`.
    pub program_month: Option<String>,
    /// Where it stands in lists.
    pub order_index: u32,
    /// May members see it, and what it holds?
    pub is_published: bool,
    /// When it was first written.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Instant,
    /// When it was last written.
    #[schema(value_type = String, format = "date-time")]
    pub updated_at: Instant,
}

/// The partition of all items.
pub(super) const CATALOGUE: &str = "CONTENT";
/// Where an item stands on its own shelf.
const HEAD: &str = "ITEM";

/// The partition of what an item holds.
pub(super) fn shelf(item_id: &str) -> String {
    format!("SHELF#{item_id}")
}

impl ContentItem {
    /// Where the item of this id is, at the head of its shelf.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(shelf(id), HEAD)
    }
}

impl Entity for ContentItem {
    const KIND: &'static str = "ContentItem";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }
}

/// An item in the catalogue of all: a copy, written with the item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Listed(pub(super) ContentItem);

impl Listed {
    pub(super) fn key_of(id: &str) -> Key {
        Key::new(CATALOGUE, format!("ITEM#{id}"))
    }
}

impl Entity for Listed {
    const KIND: &'static str = "ListedItem";

    fn key(&self) -> Key {
        Self::key_of(&self.0.id)
    }
}

/// A part of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContentSection {
    /// Its id.
    pub id: String,
    /// Its item.
    pub content_item_id: String,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where it stands in its item.
    pub order_index: u32,
    /// When it was first written.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Instant,
}

impl ContentSection {
    /// Where a section of an item is.
    #[must_use]
    pub fn key_of(item_id: &str, id: &str) -> Key {
        Key::new(shelf(item_id), format!("SECTION#{id}"))
    }
}

impl Entity for ContentSection {
    const KIND: &'static str = "ContentSection";

    fn key(&self) -> Key {
        Self::key_of(&self.content_item_id, &self.id)
    }
}

/// A video of a section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Video {
    /// Its id.
    pub id: String,
    /// Its section.
    pub content_section_id: String,
    /// Its section's item.
    pub content_item_id: String,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where it is.
    pub video_url: Option<String>,
    /// The same elsewhere.
    pub rutube_url: Option<String>,
    /// What belongs to it, to read.
    pub pdf_url: Option<String>,
    /// How long it takes.
    pub duration_seconds: Option<u32>,
    /// Its picture.
    pub thumbnail_url: Option<String>,
    /// Where it stands in its section.
    pub order_index: u32,
    /// When it was first written.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Instant,
}

impl Video {
    /// Where a video of an item is.
    #[must_use]
    pub fn key_of(item_id: &str, id: &str) -> Key {
        Key::new(shelf(item_id), format!("VIDEO#{id}"))
    }
}

impl Entity for Video {
    const KIND: &'static str = "Video";

    fn key(&self) -> Key {
        Self::key_of(&self.content_item_id, &self.id)
    }
}

/// A moment of a video that has a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VideoTimecode {
    /// Its id.
    pub id: String,
    /// Its video.
    pub video_id: String,
    /// Its video's item.
    pub content_item_id: String,
    /// How far into the video it is.
    pub time_seconds: u32,
    /// Its name.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where it stands among moments of the same second.
    pub order_index: u32,
}

impl Entity for VideoTimecode {
    const KIND: &'static str = "VideoTimecode";

    fn key(&self) -> Key {
        Key::new(shelf(&self.content_item_id), format!("TIMECODE#{}", self.id))
    }
}

/// How the text of a practice is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContentType {
    /// As Markdown.
    Markdown,
    /// As HTML.
    Html,
}

/// The text of a practice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PracticeContent {
    /// Its id.
    pub id: String,
    /// Its item.
    pub content_item_id: String,
    /// How it is written.
    pub content_type: ContentType,
    /// The text.
    pub content: String,
    /// When it was first written.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Instant,
}

impl Entity for PracticeContent {
    const KIND: &'static str = "PracticeContent";

    fn key(&self) -> Key {
        Key::new(shelf(&self.content_item_id), format!("PRACTICE#{}", self.id))
    }
}

/// What has a place of its own within something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A day, in its course.
    CourseDay,
    /// A section, in its item.
    Section,
    /// A video, in the item of its section.
    Video,
    /// A timecode, in the item of its video.
    Timecode,
    /// A practice, in its item.
    Practice,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::CourseDay => "course-day",
            Self::Section => "section",
            Self::Video => "video",
            Self::Timecode => "timecode",
            Self::Practice => "practice",
        }
    }
}

/// Where something stands that is known by its own id. Written with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// What it is.
    pub part: Part,
    /// Its id.
    pub id: String,
    /// The course or the item that it is in.
    pub within: String,
    /// The partition that it stands in.
    pub shelf: String,
    /// And where there.
    pub row: String,
    /// When it was first written.
    pub created_at: Instant,
}

impl Place {
    /// Where the place of a part is written down.
    #[must_use]
    pub fn key_of(part: Part, id: &str) -> Key {
        Key::new(format!("PLACE#{}#{id}", part.name()), "PLACE")
    }

    /// The place of what stands under `at`.
    #[must_use]
    pub fn new(part: Part, id: &str, within: &str, at: Key, created_at: Instant) -> Self {
        let (id, within) = (id.to_owned(), within.to_owned());
        Self { part, id, within, shelf: at.pk, row: at.sk, created_at }
    }

    /// Where it leads to.
    #[must_use]
    pub fn leads_to(&self) -> Key {
        Key::new(self.shelf.as_str(), self.row.as_str())
    }
}

impl Entity for Place {
    const KIND: &'static str = "Place";

    fn key(&self) -> Key {
        Self::key_of(self.part, &self.id)
    }
}
