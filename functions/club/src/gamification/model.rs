//! Achievements, and what members have earned. No I/O.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::table::{Entity, Key};

use super::levels::level;
use crate::auth::Completed;
use crate::texts;

/// Where all achievements are that administrators have written.
pub(super) const ACHIEVEMENTS: &str = "ACHIEVEMENT";

/// What an achievement asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What is counted.
    #[serde(rename = "type")]
    pub counted: Counted,
    /// How much of it, at least 1.
    pub value: u32,
}

/// What an achievement can count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// The level.
    Level,
    /// Points of experience.
    Experience,
    /// Days in a row.
    Streak,
    /// Meditations completed.
    MeditationsCompleted,
    /// Courses completed.
    CoursesCompleted,
    /// Videos completed.
    VideosCompleted,
}

/// What a member has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) experience: u32,
    pub(super) streak: u32,
    pub(super) streak_date: Option<String>,
    pub(super) completed: Completed,
    /// Codes of the achievements that are unlocked.
    pub(super) achievements: Vec<String>,
}

impl Condition {
    /// Does this progress do?
    pub(super) fn is_met(self, progress: &Progress) -> bool {
        let reached = match self.counted {
            Counted::Level => level(progress.experience),
            Counted::Experience => progress.experience,
            Counted::Streak => progress.streak,
            Counted::MeditationsCompleted => progress.completed.meditations,
            Counted::CoursesCompleted => progress.completed.courses,
            Counted::VideosCompleted => progress.completed.videos,
        };
        reached >= self.value
    }
}

/// Something that each member can reach once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Achievement {
    /// Its unique name, 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub code: String,
    /// What it is called.
    pub title: String,
    /// What one has to do.
    pub description: Option<String>,
    /// A picture: a character or an address.
    pub icon: Option<String>,
    /// Experience that it brings.
    pub xp_reward: u32,
    /// When it is reached.
    pub condition: Condition,
    /// Did an administrator take it away? Only a seeded one is kept so: it would come back else.
    #[serde(default)]
    pub removed: bool,
}

impl Achievement {
    /// Those that there are until an administrator changes them.
    #[must_use]
    pub fn seeded() -> Vec<Self> {
        use Counted::{CoursesCompleted, Level, MeditationsCompleted, Streak};
        let rows = [
            ("first_meditation", 50, MeditationsCompleted, 1, "🧘"),
            ("streak_7", 100, Streak, 7, "🔥"),
            ("streak_30", 500, Streak, 30, "🌟"),
            ("first_course", 200, CoursesCompleted, 1, "🎓"),
            ("level_5", 150, Level, 5, "🥉"),
            ("level_10", 300, Level, 10, "🥇"),
            ("meditations_10", 100, MeditationsCompleted, 10, "🌱"),
            ("meditations_50", 400, MeditationsCompleted, 50, "🌳"),
        ];
        let seeded = rows.into_iter().zip(texts::ACHIEVEMENTS);
        seeded
            .map(|((code, xp_reward, counted, value, icon), (title, description))| Self {
                code: code.to_owned(),
                title: title.to_owned(),
                description: Some(description.to_owned()),
                icon: Some(icon.to_owned()),
                xp_reward,
                condition: Condition { counted, value },
                removed: false,
            })
            .collect()
    }

    /// Can this be the code of an achievement?
    #[must_use]
    pub fn is_code(text: &str) -> bool {
        let takes = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        (1..=64).contains(&text.len()) && text.bytes().all(takes)
    }

    /// Where the achievement of this code is.
    #[must_use]
    pub fn key_of(code: &str) -> Key {
        Key::new(ACHIEVEMENTS, code)
    }
}

impl Entity for Achievement {
    const KIND: &'static str = "Achievement";

    fn key(&self) -> Key {
        Self::key_of(&self.code)
    }
}

/// An achievement that a member has reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unlocked {
    pub(super) tg_id: i64,
    pub(super) code: String,
    pub(super) at: Instant,
}

impl Unlocked {
    /// Where all are that a member has reached.
    pub(super) fn partition(tg_id: i64) -> String {
        format!("ACHIEVEMENTS#{tg_id}")
    }
}

impl Entity for Unlocked {
    const KIND: &'static str = "UserAchievement";

    fn key(&self) -> Key {
        Key::new(Self::partition(self.tg_id), self.code.clone())
    }
}

/// Experience that a member got once. Never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct XpEntry {
    pub(super) tg_id: i64,
    /// Idempotency key of the effect.
    pub(super) key: String,
    pub(super) amount: u32,
    /// Why, as the member reads it.
    pub(super) reason: String,
    pub(super) at: Instant,
    /// The member's version that this entry came with, and its place among those of that version.
    pub(super) version: u64,
    pub(super) place: usize,
}

impl XpEntry {
    /// Where all of a member's are. Not beside the member: the index there is the history of
    /// energies.
    pub(super) fn partition(tg_id: i64) -> String {
        format!("XP#{tg_id}")
    }
}

impl Entity for XpEntry {
    const KIND: &'static str = "XpEntry";

    fn key(&self) -> Key {
        Key::new(Self::partition(self.tg_id), self.key.clone())
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("history_at", format!("{}#{:012}#{:03}", self.at, self.version, self.place))]
    }
}
