//! What administrators see of all reports.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Params, Search, page_limit};
use shared::problem::{Problem, Result};
use shared::table::{Cursor, Table};
use utoipa::ToSchema;

use super::api::{ReportView, iso_year, week_number};
use super::model::{Sums, hours_left};
use super::store;
use crate::App;
use crate::calendar::Week;
use crate::wire::{self, success};

const WEEK: &str = "club-reports-of-week";
const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;
/// Pages that the sums of a year read at most, a megabyte each.
const PAGES_MAX: u32 = 300;

/// `GET /api/reports/week/{n}`.
#[must_use]
pub fn of_week() -> Function<App> {
    Function::<App>::get(WEEK, "/api/reports/week/{n}")
        .summary("All reports of a week, newest first")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .reads(&[
            ("year", "ISO year; this one by default."),
            ("limit", "Reports of a page, from 1; 50 by default, 100 at most."),
            ("cursor", "Where to go on: `nextCursor` of the page before."),
        ])
        .answers::<WeekReports>()
        .handled_by(get(handle_week))
}

/// `GET /api/reports/stats/global`.
#[must_use]
pub fn global_stats() -> Function<App> {
    Function::<App>::get("club-reports-stats-global", "/api/reports/stats/global")
        .summary("What all reports of an ISO year add up to, week by week")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .reads(&[("year", "ISO year; this one by default.")])
        .answers::<GlobalStats>()
        .handled_by(get(handle_stats))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    year: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WeekReports {
    reports: Vec<ReportView>,
    /// ISO week, 1 to 53.
    week_number: i8,
    /// ISO year.
    year: i16,
    next_cursor: Option<String>,
}

/// One query and one read.
async fn handle_week(
    State(app): State<App>,
    Now(now): Now,
    Params(n): Params<String>,
    Search(wanted): Search<Wanted>,
) -> Answer {
    let number = week_number(&n).ok_or_else(|| Problem::not_found("Not Found"))?;
    let week = Week { year: iso_year(wanted.year.as_deref(), now)?, number };
    let limit = page_limit(wanted.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
    let secret = app.platform.secret("ADMIN_SECRET")?;
    let list = week.to_string();
    let scope = [WEEK, list.as_str()];
    let cursor = wanted.cursor.filter(|cursor| !cursor.is_empty());
    let cursor = cursor.map(|text| Cursor::open(&text, secret, &scope)).transpose()?;
    let table = &app.platform.table;
    let (marks, next) = store::marks(table, week, Some(limit), cursor).await?;
    let reports = store::of_marks(table, &marks).await?;
    success(WeekReports {
        reports: reports.into_iter().map(ReportView::of).collect(),
        week_number: week.number,
        year: week.year,
        next_cursor: next.map(|next| next.seal(secret, &scope)),
    })
}

#[derive(Debug, Deserialize)]
struct Year {
    year: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct GlobalStats {
    stats: YearStats,
    /// The same beside `stats`.
    #[serde(flatten)]
    beside: YearStats,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct YearStats {
    /// ISO year.
    year: i16,
    total_reports: u32,
    /// Who has submitted any of them.
    total_members: usize,
    /// The same as `totalEnergiesEarned`.
    total_ep_earned: u32,
    total_energies_earned: u32,
    average_word_count: u32,
    /// Reports of the week that it is now, if it is of this year.
    reports_this_week: u32,
    hours_until_deadline: i64,
    /// Weeks with reports, in order.
    weeks: Vec<WeekStats>,
    /// False when there was more than could be read.
    complete: bool,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WeekStats {
    week_number: i8,
    reports: u32,
    energies_earned: u32,
}

async fn handle_stats(
    State(app): State<App>,
    Now(now): Now,
    Search(wanted): Search<Year>,
) -> Answer {
    let year = iso_year(wanted.year.as_deref(), now)?;
    let stats = add_up(&app.platform.table, year, now).await?;
    success(GlobalStats { beside: stats.clone(), stats })
}

/// Adds up the weeks of a year until now. A query for each, of small rows.
async fn add_up(table: &Table, year: i16, now: Instant) -> Result<YearStats> {
    let this_week = Week::of(now);
    let weeks = (1..=53_i8).map(|number| Week { year, number });
    let weeks = weeks.filter(|week| *week <= this_week && week.ordinal().is_some());
    let (mut sums, mut members) = (Sums::default(), BTreeSet::new());
    let (mut shown, mut pages, mut complete) = (Vec::new(), 0, true);
    for week in weeks {
        let (mut of_week, mut cursor) = (Sums::default(), None);
        loop {
            if pages >= PAGES_MAX {
                complete = false;
                break;
            }
            pages += 1;
            let (marks, next) = store::marks(table, week, None, cursor).await?;
            for mark in marks {
                of_week.add(mark.energies, mark.words);
                sums.add(mark.energies, mark.words);
                members.insert(mark.tg_id);
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        if of_week.reports > 0 {
            let (reports, energies_earned) = (of_week.reports, of_week.energies);
            shown.push(WeekStats { week_number: week.number, reports, energies_earned });
        }
    }
    let is_now = |week: &&WeekStats| this_week == Week { year, number: week.week_number };
    Ok(YearStats {
        year,
        total_reports: sums.reports,
        total_members: members.len(),
        total_ep_earned: sums.energies,
        total_energies_earned: sums.energies,
        average_word_count: sums.average_words(),
        reports_this_week: shown.iter().find(is_now).map_or(0, |week| week.reports),
        hours_until_deadline: hours_left(now),
        weeks: shown,
        complete,
    })
}
