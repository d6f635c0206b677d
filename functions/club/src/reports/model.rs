//! Reports, and what adds up of them. No I/O.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ids;
use shared::table::{Entity, Key};

use crate::auth::Member;
use crate::calendar::{self, Week};

/// How long a report can be taken back.
const DELETE_WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// Characters of a report, once it is trimmed.
pub(super) const CONTENT_MAX: usize = 5_000;
/// Characters of an id: a ULID.
const ID_LENGTH: usize = 26;

/// The report of a member and a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WeeklyReport {
    /// A ULID.
    pub(super) id: String,
    pub(super) tg_id: i64,
    /// The member's opaque id.
    pub(super) user_id: String,
    pub(super) week: Week,
    pub(super) content: String,
    pub(super) words: u32,
    /// Until when the week took it.
    pub(super) deadline: Instant,
    /// What it earned.
    pub(super) energies: u32,
    pub(super) submitted_at: Instant,
}

impl WeeklyReport {
    /// The report of the week of `now`, before it is known what it earns.
    pub(super) fn new(member: &Member, content: &str, now: Instant) -> Self {
        Self {
            id: ids::ulid(now),
            tg_id: member.tg_id,
            user_id: member.id.clone(),
            week: Week::of(now),
            content: content.to_owned(),
            words: u32::try_from(content.split_whitespace().count()).unwrap_or(u32::MAX),
            deadline: calendar::week_deadline(now),
            energies: 0,
            submitted_at: now,
        }
    }

    /// Where all reports of a member are, in the order of their weeks.
    pub(super) fn partition(tg_id: i64) -> String {
        format!("REPORTS#{tg_id}")
    }

    /// Where the report of a member and a week is.
    pub(super) fn key_of(tg_id: i64, week: Week) -> Key {
        Key::new(Self::partition(tg_id), week.to_string())
    }
}

impl Entity for WeeklyReport {
    const KIND: &'static str = "WeeklyReport";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id, self.week)
    }
}

/// What is known of a report by its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) id: String,
    pub(super) tg_id: i64,
    pub(super) week: Week,
    pub(super) words: u32,
    pub(super) energies: u32,
    pub(super) submitted_at: Instant,
    /// When the report was taken back.
    pub(super) deleted_at: Option<Instant>,
}

/// Can a report of this id be taken back, or was it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It can.
    Delete,
    /// It was: the same is answered once more.
    Before,
    /// It is somebody else's.
    Foreign,
    /// It is too late.
    Late,
}

impl Mark {
    pub(super) fn of(report: &WeeklyReport) -> Self {
        Self {
            id: report.id.clone(),
            tg_id: report.tg_id,
            week: report.week,
            words: report.words,
            energies: report.energies,
            submitted_at: report.submitted_at,
            deleted_at: None,
        }
    }

    /// Where the mark of this id is; nowhere for what can be no id.
    pub(super) fn key_of(id: &str) -> Option<Key> {
        let is_id = id.len() == ID_LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_id.then(|| Key::new(format!("REPORT#{id}"), "MARK"))
    }

    /// Is it a report of this member that is still there?
    pub(super) fn is_standing(&self, tg_id: i64) -> bool {
        self.tg_id == tg_id && self.deleted_at.is_none()
    }

    pub(super) fn judge(&self, tg_id: i64, now: Instant) -> Verdict {
        if self.tg_id != tg_id {
            return Verdict::Foreign;
        }
        match self.deleted_at {
            Some(_) => Verdict::Before,
            None if now.since(self.submitted_at) > DELETE_WINDOW => Verdict::Late,
            None => Verdict::Delete,
        }
    }
}

/// The partition of the index that has the reports of a week, by when they came.
pub(super) fn week_partition(week: Week) -> String {
    format!("REPORTS#{week}")
}

impl Entity for Mark {
    const KIND: &'static str = "ReportMark";

    fn key(&self) -> Key {
        Key::new(format!("REPORT#{}", self.id), "MARK")
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        match self.deleted_at {
            Some(_) => Vec::new(),
            None => vec![
                ("rank_pk", week_partition(self.week)),
                ("rank_sk", format!("{}#{}", self.submitted_at, self.id)),
            ],
        }
    }
}

/// What adds up of a member's reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) reports: u32,
    pub(super) energies: u32,
    pub(super) words: u32,
}

impl Sums {
    pub(super) fn add(&mut self, energies: u32, words: u32) {
        self.reports = self.reports.saturating_add(1);
        self.energies = self.energies.saturating_add(energies);
        self.words = self.words.saturating_add(words);
    }

    /// Words of one report, rounded half up; 0 without reports.
    pub(super) fn average_words(self) -> u32 {
        let (words, reports) = (u64::from(self.words), u64::from(self.reports.max(1)));
        u32::try_from((words * 2 + reports) / (reports * 2)).unwrap_or(u32::MAX)
    }
}

/// Weeks in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Streaks {
    /// That end in this week, or in the last one while this one has no report yet.
    pub(super) current: u32,
    pub(super) longest: u32,
}

/// The streaks of these weeks, in any order, as of the week `now`.
pub(super) fn streaks(weeks: impl IntoIterator<Item = Week>, now: Week) -> Streaks {
    let mut weeks: Vec<i64> = weeks.into_iter().filter_map(Week::ordinal).collect();
    weeks.sort_unstable();
    weeks.dedup();
    let today = now.ordinal().unwrap_or_default();
    let (mut streaks, mut run, mut last) = (Streaks::default(), 0_u32, None);
    for week in weeks {
        run = if last == Some(week - 1) { run.saturating_add(1) } else { 1 };
        last = Some(week);
        streaks.longest = streaks.longest.max(run);
    }
    if last.is_some_and(|last| (today - 1..=today).contains(&last)) {
        streaks.current = run;
    }
    streaks
}

/// Whole hours that are left of the week of `now`.
pub(super) fn hours_left(now: Instant) -> i64 {
    calendar::week_deadline(now).since(now).as_hours().max(0)
}
