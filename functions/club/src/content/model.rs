//! What the club shows its members, as it is stored and, but for what a caller may not see, as it
//! is answered. No I/O.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::table::{Entity, Key};
use utoipa::ToSchema;

/// The most days of a course: with bodies of 64 KiB, its days stay below what one answer carries.
pub const DAYS_MAX: u32 = 60;

/// What a course is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CourseCategory {
    /// Thinking and habits.
    Mindset,
    /// Inner practice.
    Spiritual,
    /// Esoteric knowledge.
    Esoteric,
    /// The body.
    Health,
}

/// A day of a course as its course knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayMark {
    /// 1 and up.
    pub number: u32,
    /// The day's id.
    pub id: String,
    /// The day's name.
    pub title: String,
    /// Is it for paid members only?
    pub is_premium: bool,
}

/// A course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it is about, in words.
    pub description: Option<String>,
    /// What it is about.
    pub category: CourseCategory,
    /// Its picture.
    pub cover_url: Option<String>,
    /// Is it for paid members only?
    pub is_premium: bool,
    /// Where it stands in the list.
    pub sort_order: u32,
    /// 1 to 12.
    pub key_number: Option<u32>,
    /// The theme of its month.
    pub month_theme: Option<String>,
    /// Its days, by number.
    #[serde(default)]
    pub days: Vec<DayMark>,
    /// Grows with every change.
    pub version: u64,
    /// When it was first written.
    pub created_at: Instant,
}

/// The partition of all courses.
pub(super) const COURSES: &str = "COURSES";

impl Course {
    /// Where the course of this id is.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(COURSES, format!("COURSE#{id}"))
    }

    /// The day of this number, if there is one.
    #[must_use]
    pub fn day(&self, number: u32) -> Option<&DayMark> {
        self.days.iter().find(|day| day.number == number)
    }
}

impl Entity for Course {
    const KIND: &'static str = "Course";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }
}

/// What a day of a course is in the first place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LessonType {
    /// Something to read.
    Text,
    /// Something to watch.
    Video,
    /// Something to listen to.
    Audio,
    /// Something to download.
    File,
}

/// Something that comes with a day of a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// Its name.
    pub title: String,
    /// Where it is.
    pub url: String,
    /// What it is, such as `pdf`.
    pub r#type: String,
}

/// A day of a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CourseDay {
    /// Its id.
    pub id: String,
    /// Its course.
    pub course_id: String,
    /// 1 to 60.
    pub day_number: u32,
    /// Its name.
    pub title: String,
    /// The lesson.
    pub content: Option<String>,
    /// What it is in the first place.
    pub lesson_type: LessonType,
    /// Something to listen to.
    pub audio_url: Option<String>,
    /// Something to watch.
    pub video_url: Option<String>,
    /// The same elsewhere.
    pub rutube_url: Option<String>,
    /// Something to read.
    pub pdf_url: Option<String>,
    /// What comes with it.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// A greeting.
    pub welcome_content: Option<String>,
    /// About the course.
    pub course_info: Option<String>,
    /// How to meditate.
    pub meditation_guide: Option<String>,
    /// What else there is.
    pub additional_content: Option<String>,
    /// A present.
    pub gift_content: Option<String>,
    /// A live meeting.
    pub stream_link: Option<String>,
    /// Is it for paid members only?
    pub is_premium: bool,
}

impl CourseDay {
    /// The partition of the days of a course.
    pub(super) fn partition(course_id: &str) -> String {
        format!("COURSE#{course_id}")
    }

    /// Where a day of a course is.
    #[must_use]
    pub fn key_of(course_id: &str, number: u32, id: &str) -> Key {
        Key::new(Self::partition(course_id), format!("DAY#{number:04}#{id}"))
    }

    /// What those see of it who may not have it: that it is there.
    #[must_use]
    pub fn closed(self) -> Self {
        Self {
            content: None,
            audio_url: None,
            video_url: None,
            rutube_url: None,
            pdf_url: None,
            attachments: Vec::new(),
            welcome_content: None,
            course_info: None,
            meditation_guide: None,
            additional_content: None,
            gift_content: None,
            stream_link: None,
            ..self
        }
    }
}

impl Entity for CourseDay {
    const KIND: &'static str = "CourseDay";

    fn key(&self) -> Key {
        Self::key_of(&self.course_id, self.day_number, &self.id)
    }
}

/// A recording of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Audio {
    /// Its name.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// A meditation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Meditation {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it is about, in words.
    pub description: Option<String>,
    /// How long it takes, in seconds.
    pub duration: u32,
    /// Its picture.
    pub cover_url: Option<String>,
    /// Its recording.
    pub audio_url: Option<String>,
    /// Its recordings, where it has several.
    #[serde(default)]
    pub audio_series: Vec<Audio>,
    /// What it is about.
    pub category: Option<String>,
    /// Is it for paid members only?
    pub is_premium: bool,
    /// When it was first written.
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Instant,
}

/// The partition of all meditations.
pub(super) const MEDITATIONS: &str = "MEDITATIONS";

impl Meditation {
    /// Where the meditation of this id is.
    #[must_use]
    pub fn key_of(id: &str) -> Key {
        Key::new(MEDITATIONS, format!("MEDITATION#{id}"))
    }

    /// What those see of it who may not have it: that it is there.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { audio_url: None, audio_series: Vec::new(), ..self }
    }
}

impl Entity for Meditation {
    const KIND: &'static str = "Meditation";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }
}
