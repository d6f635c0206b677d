//! What an activity brings beside energies. No I/O.

use std::borrow::Cow;

use shared::clock::Instant;
use shared::table::Write;

use super::model::{Achievement, Progress, Unlocked, XpEntry};
use crate::auth::Member;
use crate::{calendar, texts};

/// Lengths of a streak that bring experience: ten points for each of its days.
const REWARDED_STREAKS: [u32; 5] = [7, 14, 30, 60, 100];
/// Achievements that one activity unlocks at most, so that a transaction holds them; the rest come
/// with the next one.
const UNLOCKED_MAX: usize = 30;

/// What a member has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Completed a day of a course.
    Lesson {
        /// Was it the last that was missing?
        finishes_course: bool,
    },
    /// Completed a video.
    Video,
    /// Attended a stream.
    Stream,
    /// Listened to a meditation.
    Meditation {
        /// To its end? Only then does the day count for the streak.
        completed: bool,
        /// Is it the first completed session of this meditation in this day? Only then does it
        /// count among the completed meditations.
        first: bool,
        /// The experience that it brings.
        xp: Option<Xp>,
    },
}

/// Experience to be given, once for each key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xp {
    /// Idempotency key of the effect, unique for the member.
    pub key: String,
    /// Points.
    pub amount: u32,
    /// Why, as the member reads it.
    pub reason: Cow<'static, str>,
}

/// What has to be written for an activity, beside energies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gains {
    tg_id: i64,
    version: u64,
    now: Instant,
    before: Progress,
    after: Progress,
    entries: Vec<XpEntry>,
    unlocked: Vec<Unlocked>,
}

/// What an activity brings: streak, experience of the streak, unlocked achievements with their
/// experience, until nothing changes. Counts as of the version of the member it is given, which the
/// update under [`Gains::on`] has to be conditioned on, as [`crate::auth::change`] is.
#[must_use]
pub fn gains(
    member: &Member,
    activity: &Activity,
    achievements: &[Achievement],
    now: Instant,
) -> Gains {
    let mut gains = Gains::none(member, now);
    match activity {
        Activity::Lesson { finishes_course } => {
            gains.after.completed.courses += u32::from(*finishes_course);
            gains.count_day();
        }
        Activity::Video => {
            gains.after.completed.videos += 1;
            gains.count_day();
        }
        Activity::Stream => gains.count_day(),
        Activity::Meditation { completed, first, xp } => {
            if let Some(xp) = xp {
                gains.earn(xp.clone());
            }
            if *completed {
                gains.after.completed.meditations += u32::from(*first);
                gains.count_day();
            }
        }
    }
    gains.unlock(achievements);
    gains
}

/// What experience brings that came by no activity.
#[must_use]
pub fn granted(member: &Member, xp: Xp, achievements: &[Achievement], now: Instant) -> Gains {
    let mut gains = Gains::none(member, now);
    gains.earn(xp);
    gains.unlock(achievements);
    gains
}

impl Gains {
    fn none(member: &Member, now: Instant) -> Self {
        let before = Progress {
            experience: member.experience,
            streak: member.streak,
            streak_date: member.streak_date.clone(),
            completed: member.completed,
            achievements: member.achievements.clone(),
        };
        Self {
            tg_id: member.tg_id,
            version: member.version + 1,
            now,
            after: before.clone(),
            before,
            entries: Vec::new(),
            unlocked: Vec::new(),
        }
    }

    /// The rows: refused under `xp` or `achievement` where one is there already.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        let entries = self.entries.iter().map(|entry| Write::insert("xp", entry));
        let unlocked = self.unlocked.iter().map(|one| Write::insert("achievement", one));
        entries.chain(unlocked).collect()
    }

    /// Puts what changes of the member on the member's update.
    #[must_use]
    pub fn on(&self, mut update: Write) -> Write {
        let (before, after) = (&self.before, &self.after);
        if after.experience != before.experience {
            update = update.set("experience", after.experience);
        }
        if after.streak_date != before.streak_date {
            update = update.set("streak", after.streak).set("streak_date", &after.streak_date);
        }
        if after.completed != before.completed {
            update = update.set("completed", after.completed);
        }
        if after.achievements != before.achievements {
            update = update.set("achievements", &after.achievements);
        }
        update
    }

    /// Is there nothing to be written?
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.before == self.after && self.entries.is_empty()
    }

    /// Points of experience that come with it, all in all.
    #[must_use]
    pub fn xp(&self) -> u32 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.amount))
    }

    /// The member's experience with it.
    #[must_use]
    pub fn experience(&self) -> u32 {
        self.after.experience
    }

    /// The member's streak with it.
    #[must_use]
    pub fn streak(&self) -> u32 {
        self.after.streak
    }

    /// Codes of the achievements that it unlocks.
    pub fn unlocked(&self) -> impl Iterator<Item = &str> {
        self.unlocked.iter().map(|one| one.code.as_str())
    }

    fn earn(&mut self, xp: Xp) {
        if xp.amount == 0 {
            return;
        }
        self.after.experience = self.after.experience.saturating_add(xp.amount);
        self.entries.push(XpEntry {
            tg_id: self.tg_id,
            key: xp.key,
            amount: xp.amount,
            reason: xp.reason.into_owned(),
            at: self.now,
            version: self.version,
            place: self.entries.len(),
        });
    }

    /// Counts today for the streak, once.
    fn count_day(&mut self) {
        let today = calendar::moscow_day(self.now);
        let last = self.after.streak_date.as_deref();
        // Clocks differ: what was counted for tomorrow must not begin anew today.
        if last.is_some_and(|last| last >= today.as_str()) {
            return;
        }
        let goes_on = last == Some(calendar::moscow_yesterday(self.now).as_str());
        let streak = if goes_on { self.after.streak.saturating_add(1) } else { 1 };
        self.after.streak = streak;
        self.after.streak_date = Some(today.clone());
        if REWARDED_STREAKS.contains(&streak) {
            let (key, amount) = (format!("streak:{streak}:{today}"), streak.saturating_mul(10));
            self.earn(Xp { key, amount, reason: texts::xp_streak(streak).into() });
        }
    }

    fn unlock(&mut self, achievements: &[Achievement]) {
        while self.unlocked.len() < UNLOCKED_MAX {
            let reached = achievements.iter().find(|achievement| {
                !self.after.achievements.contains(&achievement.code)
                    && achievement.condition.is_met(&self.after)
            });
            let Some(reached) = reached else { return };
            self.after.achievements.push(reached.code.clone());
            let (tg_id, code, at) = (self.tg_id, reached.code.clone(), self.now);
            self.unlocked.push(Unlocked { tg_id, code, at });
            self.earn(Xp {
                key: format!("achievement:{}", reached.code),
                amount: reached.xp_reward,
                reason: texts::xp_achievement(&reached.title).into(),
            });
        }
    }
}
