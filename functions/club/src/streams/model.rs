//! Streams and attendances. No I/O.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::Instant;
use utoipa::ToSchema;

use crate::auth::MemberId;

/// Characters of a stream's id.
const ID_MAX: usize = 64;

/// Where a stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamStatus {
    /// It is to come.
    Scheduled,
    /// It goes on.
    Live,
    /// It is over; there may be a recording.
    Completed,
    /// It does not take place.
    Cancelled,
}

/// A live meeting, and its recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// As the administrator has called it.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// When it begins, or has begun.
    pub at: Instant,
    /// Seconds.
    pub duration: Option<u32>,
    /// Where its recording is.
    pub video_url: Option<String>,
    /// Who leads it.
    pub host: Option<String>,
    /// Where it stands.
    pub status: StreamStatus,
    /// As the app sorts it.
    pub category: Option<String>,
    /// Its picture.
    pub thumbnail_url: Option<String>,
    /// May members see it?
    pub published: bool,
    /// What the app knows of it besides.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// How many members have watched it.
    #[serde(default)]
    pub views: u64,
    /// Was it deleted? It is kept for those who have watched it.
    #[serde(default)]
    pub removed: bool,
    /// When it was first described.
    pub created_at: Instant,
}

impl Stream {
    /// Can this be the id of a stream?
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        (1..=ID_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    }

    /// Do members see it?
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.published && !self.removed
    }

    /// Is it still to come, or going on?
    #[must_use]
    pub fn is_upcoming(&self, now: Instant) -> bool {
        match self.status {
            StreamStatus::Live => true,
            StreamStatus::Scheduled => self.at > now,
            StreamStatus::Completed | StreamStatus::Cancelled => false,
        }
    }
}

/// That a member has watched a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamAttendance {
    /// `<stream>:<member>`.
    pub id: String,
    /// The stream.
    pub stream_id: String,
    /// Who, by Telegram id.
    pub tg_id: i64,
    /// Who.
    pub user_id: MemberId,
    /// While it went on?
    pub online: bool,
    /// What was credited for it.
    pub energies: u32,
    /// When.
    pub at: Instant,
    /// Is it among the stream's views?
    #[serde(default)]
    pub counted: bool,
}
