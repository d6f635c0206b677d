//! What a member can still earn by hashtags.

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Subject};
use shared::table::{Entity, Item};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

use super::slots::{ChatType, Period, RULES, Rule};
use crate::App;
use crate::auth;
use crate::calendar::{moscow_day, week_start};
use crate::wire::{self, succeeded};

/// `GET /api/v1/energies/weekly-progress`.
#[must_use]
pub fn weekly_progress() -> Function<App> {
    Function::<App>::get("club-energies-progress", "/api/v1/energies/weekly-progress")
        .summary("What the caller has earned by hashtags this week, and can still earn")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<WeeklyProgress>()
        .handled_by(get(handle))
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WeeklyProgress {
    /// By rule: `otchet`, `praktika`, `insight`, `sozvon`, `storis`, `combo`, `challeng`.
    progress: BTreeMap<&'static str, RuleProgress>,
    /// Does the caller lead an active team, and earn twice the rewards?
    is_leader: bool,
    /// When the week began: Monday, 00:00 in Moscow.
    #[schema(value_type = String, format = "date-time")]
    week_start_msk: Instant,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RuleProgress {
    /// Any of these; for `combo`, both.
    hashtags: &'static [&'static str],
    /// How often it has earned in the period.
    used: usize,
    /// How often it can.
    max: u32,
    /// `day` or `week`.
    #[schema(value_type = String)]
    period: Period,
    /// Energies for each time; twice as many for a leader.
    reward: u32,
    /// `decade` or `city`.
    #[schema(value_type = String)]
    chat: ChatType,
    /// Does it take a photo, a video or a document?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    requires_media: bool,
    /// Does it count at weekends alone?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    weekend_only: bool,
    description: &'static str,
}

impl RuleProgress {
    fn of(rule: Rule, tg_id: i64, taken: &BTreeSet<String>, now: Instant) -> Self {
        let terms = rule.terms();
        let places = rule.places(tg_id, now);
        Self {
            hashtags: terms.hashtags,
            used: places.iter().filter(|place| taken.contains(&place.key().sk)).count(),
            max: terms.max,
            period: terms.period,
            reward: terms.reward,
            chat: terms.chat,
            requires_media: terms.needs_media,
            weekend_only: terms.weekend_only,
            description: terms.description,
        }
    }
}

/// One batch read. It is no snapshot, so that besides the member's version and the day, which ends
/// before its week does, the places that were seen taken tell what there is to tell.
async fn handle(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let (table, tg_id) = (&app.platform.table, subject.telegram_id);
    let places = RULES.into_iter().flat_map(|rule| rule.places(tg_id, now));
    let places = places.map(|place| place.key());
    let (member, rows) = auth::ensure_with(table, &subject, places, now).await?;
    let taken: BTreeSet<String> = rows.iter().filter_map(Item::key).map(|key| key.sk).collect();
    let seen: Vec<&str> = taken.iter().map(String::as_str).collect();
    let version = member.version.to_string();
    let body = async {
        let progress = RULES.map(|rule| (rule.name(), RuleProgress::of(rule, tg_id, &taken, now)));
        Ok(succeeded(WeeklyProgress {
            progress: BTreeMap::from(progress),
            is_leader: member.is_team_leader,
            week_start_msk: week_start(now),
        }))
    };
    cached.answer(&[&version, &moscow_day(now), &seen.join(" ")], body).await
}
