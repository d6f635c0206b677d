//! What members see of their progress.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::{Instant, Now, days};
use shared::function::Function;
use shared::http::{Answer, Search, Subject};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::levels::standing;
use super::model::{Achievement, XpEntry};
use super::store;
use crate::auth::{self, Member};
use crate::tags::Tag;
use crate::wire::{self, succeeded};
use crate::{App, calendar};

/// Days of a history that says nothing.
const DAYS_DEFAULT: u32 = 7;
/// The most days of a history.
const DAYS_MAX: u32 = 90;
/// Lines of a history that are shown; its sums count all.
const LINES_MAX: usize = 1_000;

/// `GET /api/v1/gamification/stats`.
#[must_use]
pub fn stats() -> Function<App> {
    Function::<App>::get("club-gamification-stats", "/api/v1/gamification/stats")
        .summary("The caller's level, experience and streak")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<GamificationStats>()
        .handled_by(get(handle_stats))
}

/// `GET /api/v1/gamification/xp-history`.
#[must_use]
pub fn xp_history() -> Function<App> {
    Function::<App>::get("club-gamification-xp-history", "/api/v1/gamification/xp-history")
        .summary("The caller's experience as it came, newest first")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("days", "Days of Moscow, today among them, 1 to 90; 7 by default.")])
        .answers::<XpHistory>()
        .handled_by(get(handle_xp_history))
}

/// `GET /api/v1/gamification/achievements`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("club-gamification-achievements", "/api/v1/gamification/achievements")
        .summary("What the caller has reached, and what there is to reach")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<Achievements>()
        .handled_by(get(handle_list))
}

#[derive(Debug, Serialize, ToSchema)]
struct GamificationStats {
    stats: Stats,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stats {
    /// 1 to 15.
    level: u32,
    /// Points.
    experience: u32,
    /// Days in a row.
    streak: u32,
    #[schema(value_type = Option<String>, format = "date-time")]
    last_active_date: Option<Instant>,
    /// What the level began with.
    #[serde(rename = "currentLevelXP")]
    current_level_xp: u32,
    /// What the next one begins with.
    #[serde(rename = "nextLevelXP")]
    next_level_xp: u32,
    /// Points since the level began.
    progress_to_next_level: u32,
    /// Points from the beginning of the level to that of the next.
    xp_needed_for_next_level: u32,
    /// 0 to 100.
    progress_percent: u32,
}

impl Stats {
    fn of(member: &Member) -> Self {
        let standing = standing(member.experience);
        Self {
            level: standing.level,
            experience: member.experience,
            streak: member.streak,
            last_active_date: member.last_active_at,
            current_level_xp: standing.current,
            next_level_xp: standing.next,
            progress_to_next_level: standing.progress,
            xp_needed_for_next_level: standing.next.saturating_sub(standing.current),
            progress_percent: standing.percent,
        }
    }
}

async fn handle_stats(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let member = auth::ensure(&app.platform.table, &subject, now).await?;
    let body = async { Ok(succeeded(GamificationStats { stats: Stats::of(&member) })) };
    cached.answer(&[&member.version.to_string()], body).await
}

#[derive(Debug, Deserialize)]
struct Wanted {
    days: Option<String>,
}

impl Wanted {
    fn days(&self) -> Result<u32> {
        let Some(text) = &self.days else { return Ok(DAYS_DEFAULT) };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let days = text.parse().ok().filter(|days| is_number && (1..=DAYS_MAX).contains(days));
        days.ok_or_else(|| Problem::invalid("days", "an integer from 1 to 90"))
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct XpHistory {
    /// The newest thousand.
    history: Vec<XpLine>,
    /// Points by day of Moscow.
    by_day: BTreeMap<String, u32>,
    /// Points of all these days.
    total: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct XpLine {
    id: String,
    user_id: String,
    amount: u32,
    reason: String,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

impl XpHistory {
    fn of(entries: Vec<XpEntry>, member: &Member) -> Self {
        let mut by_day: BTreeMap<String, u32> = BTreeMap::new();
        let mut total = 0_u32;
        for entry in &entries {
            let sum = by_day.entry(calendar::moscow_day(entry.at)).or_default();
            *sum = sum.saturating_add(entry.amount);
            total = total.saturating_add(entry.amount);
        }
        let lines = entries.into_iter().take(LINES_MAX);
        let history = lines
            .map(|entry| XpLine {
                id: entry.key,
                user_id: member.id.clone(),
                amount: entry.amount,
                reason: entry.reason,
                created_at: entry.at,
            })
            .collect();
        Self { history, by_day, total }
    }
}

async fn handle_xp_history(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<Wanted>,
    cached: Conditional,
) -> Answer {
    let wanted = wanted.days()?;
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let today = calendar::moscow_day(now);
    let body = async {
        let from = calendar::day_start(now) - days(wanted - 1);
        let entries = store::earned(table, member.tg_id, from).await?;
        Ok(succeeded(XpHistory::of(entries, &member)))
    };
    cached.answer(&[&member.version.to_string(), &today], body).await
}

#[derive(Debug, Serialize, ToSchema)]
struct Achievements {
    achievements: Lists,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Lists {
    unlocked: Vec<AchievementView>,
    locked: Vec<AchievementView>,
    total: usize,
    unlocked_count: usize,
}

/// An achievement as its member sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AchievementView {
    /// The same as `code`.
    id: String,
    code: String,
    title: String,
    description: Option<String>,
    icon: Option<String>,
    /// Points that it brings.
    xp_reward: u32,
    #[schema(value_type = Option<String>, format = "date-time")]
    unlocked_at: Option<Instant>,
}

impl Lists {
    fn of(all: Vec<Achievement>, unlocked: &BTreeMap<String, Instant>) -> Self {
        let views = all.into_iter().map(|achievement| AchievementView {
            unlocked_at: unlocked.get(&achievement.code).copied(),
            id: achievement.code.clone(),
            code: achievement.code,
            title: achievement.title,
            description: achievement.description,
            icon: achievement.icon,
            xp_reward: achievement.xp_reward,
        });
        let (unlocked, locked): (Vec<_>, Vec<_>) =
            views.partition(|view| view.unlocked_at.is_some());
        Self {
            total: unlocked.len() + locked.len(),
            unlocked_count: unlocked.len(),
            unlocked,
            locked,
        }
    }
}

async fn handle_list(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let (member, rows) = auth::ensure_with(table, &subject, [Tag::Content.key()], now).await?;
    let version = Tag::Content.version(&rows)?;
    let body = async {
        let (all, unlocked) =
            tokio::try_join!(store::achievements(table), store::unlocked(table, member.tg_id))?;
        Ok(succeeded(Achievements { achievements: Lists::of(all, &unlocked) }))
    };
    cached.answer(&[&member.version.to_string(), &version], body).await
}
