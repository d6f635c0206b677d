//! What a member has of the content: progress, favourites, sessions, and sums that are kept rather
//! than counted. No I/O.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::table::{Entity, Key, Write};

use super::model::Course;

/// The partition of what a member has of the content.
pub(super) fn own(tg_id: i64) -> String {
    format!("PROGRESS#{tg_id}")
}

/// The partition of a member's sessions of meditation, by the time they were told of.
pub(super) fn sessions(tg_id: i64) -> String {
    format!("SESSIONS#{tg_id}")
}

/// How far a member is in a course, and whether it is a favourite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CourseProgress {
    pub(super) tg_id: i64,
    pub(super) course_id: String,
    pub(super) current_day: u32,
    /// Each once, in order.
    #[serde(default)]
    pub(super) completed_days: Vec<u32>,
    /// Was every day completed at some time?
    #[serde(default)]
    pub(super) finished: bool,
    /// `None` before the first progress.
    pub(super) last_accessed_at: Option<Instant>,
    #[serde(default)]
    pub(super) favorite: bool,
    pub(super) version: u64,
}

impl CourseProgress {
    pub(super) fn key_of(tg_id: i64, course_id: &str) -> Key {
        Key::new(own(tg_id), format!("COURSE#{course_id}"))
    }

    /// Before anything has happened.
    pub(super) fn none(tg_id: i64, course_id: &str) -> Self {
        Self {
            tg_id,
            course_id: course_id.to_owned(),
            current_day: 1,
            completed_days: Vec::new(),
            finished: false,
            last_accessed_at: None,
            favorite: false,
            version: 0,
        }
    }

    /// After the member has come to `current` or completed a day of the course.
    pub(super) fn advanced(
        &self,
        course: &Course,
        current: Option<u32>,
        completed: Option<u32>,
        now: Instant,
    ) -> Self {
        let mut next = self.clone();
        next.completed_days.extend(completed);
        next.completed_days.sort_unstable();
        next.completed_days.dedup();
        let reached = completed.map_or(self.current_day, |day| day.max(self.current_day));
        next.current_day = current.unwrap_or(reached);
        next.finished = self.finished
            || completed.is_some()
                && course.days.iter().all(|day| next.completed_days.contains(&day.number));
        next.last_accessed_at = Some(now);
        next.version += 1;
        next
    }

    /// With another mind about whether it is a favourite.
    pub(super) fn liked(&self, favorite: bool) -> Self {
        Self { favorite, version: self.version + 1, ..self.clone() }
    }

    /// The write of what came after `self`; refused under `progress` when it has changed.
    pub(super) fn becomes(&self, next: &Self) -> Write {
        let write = Write::put("progress", next);
        match self.version {
            0 => write.when("attribute_not_exists(#pk)"),
            version => write.when("#version = :seen").bind(":seen", version),
        }
    }
}

impl Entity for CourseProgress {
    const KIND: &'static str = "CourseProgress";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, &self.course_id)
    }
}

/// A video that a member has watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    pub(super) id: String,
    pub(super) tg_id: i64,
    pub(super) video_id: String,
    pub(super) content_item_id: String,
    pub(super) seconds: u32,
    pub(super) energies: u32,
    pub(super) at: Instant,
}

impl Watched {
    pub(super) fn key_of(tg_id: i64, video_id: &str) -> Key {
        Key::new(own(tg_id), format!("VIDEO#{video_id}"))
    }
}

impl Entity for Watched {
    const KIND: &'static str = "WatchedVideo";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, &self.video_id)
    }
}

/// A session of meditation, as the member told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// A ULID.
    pub(super) id: String,
    pub(super) tg_id: i64,
    pub(super) seconds: u32,
    pub(super) completed: bool,
    /// The meditation as it was then.
    pub(super) meditation_id: String,
    pub(super) title: String,
    pub(super) duration: u32,
    pub(super) cover_url: Option<String>,
    pub(super) at: Instant,
}

impl Entity for Session {
    const KIND: &'static str = "MeditationSession";

    fn key(&self) -> Key {
        Key::new(sessions(self.tg_id), self.id.as_str())
    }
}

/// What a member has done of one meditation in one day of Moscow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MeditationDay {
    pub(super) tg_id: i64,
    pub(super) meditation_id: String,
    /// As `2026-01-31`.
    pub(super) day: String,
    /// The best session's experience.
    pub(super) best: u32,
    /// Was one completed?
    pub(super) completed: bool,
    pub(super) at: Instant,
}

impl MeditationDay {
    pub(super) fn key_of(tg_id: i64, meditation_id: &str, day: &str) -> Key {
        Key::new(own(tg_id), format!("DAY#{day}#{meditation_id}"))
    }
}

impl Entity for MeditationDay {
    const KIND: &'static str = "MeditationDay";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, &self.meditation_id, &self.day)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(3))
    }
}

/// The experience of a session: 50 when it was completed, else 5 for each minute, 25 at most.
#[must_use]
pub(super) fn experience(seconds: u32, completed: bool) -> u32 {
    match completed {
        true => 50,
        false => (seconds / 60).saturating_mul(5).min(25),
    }
}

/// Sums over what a member has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) tg_id: i64,
    #[serde(default)]
    pub(super) videos: u64,
    #[serde(default)]
    pub(super) video_energies: u64,
    #[serde(default)]
    pub(super) video_seconds: u64,
    #[serde(default)]
    pub(super) sessions: u64,
    #[serde(default)]
    pub(super) completed_sessions: u64,
    #[serde(default)]
    pub(super) session_seconds: u64,
}

impl Tally {
    pub(super) fn key_of(tg_id: i64) -> Key {
        Key::new(own(tg_id), "TALLY")
    }

    fn more(tg_id: i64) -> Write {
        Write::update("tally", Self::key_of(tg_id)).set("kind", Self::KIND).set("tg_id", tg_id)
    }

    /// One more video.
    pub(super) fn watched(tg_id: i64, seconds: u32, energies: u32) -> Write {
        Self::more(tg_id)
            .add("videos", 1)
            .add("video_energies", energies.into())
            .add("video_seconds", seconds.into())
    }

    /// One more session.
    pub(super) fn meditated(tg_id: i64, seconds: u32, completed: bool) -> Write {
        Self::more(tg_id)
            .add("sessions", 1)
            .add("completed_sessions", completed.into())
            .add("session_seconds", seconds.into())
    }
}

impl Entity for Tally {
    const KIND: &'static str = "ContentTally";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id)
    }
}
