//! What members see of their reports.

use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::cache::Conditional;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Params, Search, Subject, page_limit};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::model::{Mark, Sums, WeeklyReport, hours_left, streaks};
use super::store;
use crate::App;
use crate::auth::{self, Member, member_key};
use crate::calendar::{self, Week};
use crate::wire::{self, succeeded, success};

const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 200;
/// More reports than a member can have.
const ALL: u32 = 10_000;
/// ISO years that can be asked for.
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9999;
/// Weeks that a year can have.
const WEEKS: std::ops::RangeInclusive<i8> = 1..=53;

/// `GET /api/reports/my` and its twin `GET /api/reports/user`.
#[must_use]
pub fn list(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::get(name, path)
        .summary("The caller's reports, newest week first")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("limit", "Reports, from 1; 50 by default, 200 at most.")])
        .answers::<ReportList>()
        .handled_by(get(handle_list))
}

/// `GET /api/reports/current`.
#[must_use]
pub fn current() -> Function<App> {
    Function::<App>::get("club-reports-current", "/api/reports/current")
        .summary("The caller's report of this week, if there is one")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<MaybeReport>()
        .handled_by(get(handle_current))
}

/// `GET /api/reports/week`.
#[must_use]
pub fn week() -> Function<App> {
    Function::<App>::get("club-reports-week", "/api/reports/week")
        .summary("The caller's report of a week, if there is one")
        .limited(wire::API)
        .cached(wire::USER)
        .reads(&[("weekNumber", "ISO week, 1 to 53."), ("year", "ISO year; this one by default.")])
        .answers::<MaybeReport>()
        .handled_by(get(handle_week))
}

/// `GET /api/reports/{id}`.
#[must_use]
pub fn one() -> Function<App> {
    Function::<App>::get("club-reports-one", "/api/reports/{id}")
        .summary("A report of the caller's")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<OneReport>()
        .handled_by(get(handle_one))
}

/// `GET /api/reports/deadline`.
#[must_use]
pub fn deadline() -> Function<App> {
    Function::<App>::get("club-reports-deadline", "/api/reports/deadline")
        .summary("Until when the report of this week can be submitted")
        .limited(wire::API)
        .answers::<Deadline>()
        .handled_by(get(handle_deadline))
}

/// `GET /api/reports/stats/my` and its twin `GET /api/reports/stats`.
#[must_use]
pub fn stats(name: &'static str, path: &'static str) -> Function<App> {
    Function::<App>::get(name, path)
        .summary("What the caller's reports add up to")
        .limited(wire::API)
        .cached(wire::USER)
        .answers::<OwnStats>()
        .handled_by(get(handle_stats))
}

/// A report as its member and administrators see it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportView {
    id: String,
    user_id: String,
    /// ISO week, 1 to 53.
    week_number: i8,
    /// ISO year.
    year: i16,
    content: String,
    /// Until when the week took it.
    #[schema(value_type = String, format = "date-time")]
    deadline: Instant,
    energies_earned: u32,
    #[schema(value_type = String, format = "date-time")]
    submitted_at: Instant,
    /// `wordCount`.
    #[schema(value_type = Object)]
    metadata: Map<String, Value>,
}

impl ReportView {
    pub(super) fn of(report: WeeklyReport) -> Self {
        Self {
            id: report.id,
            user_id: report.user_id,
            week_number: report.week.number,
            year: report.week.year,
            content: report.content,
            deadline: report.deadline,
            energies_earned: report.energies,
            submitted_at: report.submitted_at,
            metadata: [("wordCount".to_owned(), report.words.into())].into_iter().collect(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ReportList {
    reports: Vec<ReportView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MaybeReport {
    report: Option<ReportView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct OneReport {
    report: ReportView,
}

#[derive(Debug, Deserialize)]
struct Page {
    limit: Option<String>,
}

async fn handle_list(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(page): Search<Page>,
    cached: Conditional,
) -> Answer {
    let limit = page_limit(page.limit.as_deref(), LIMIT_DEFAULT, LIMIT_MAX)?;
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let body = async {
        let reports = store::newest(table, member.tg_id, limit).await?;
        let reports = reports.into_iter().map(ReportView::of).collect();
        Ok(succeeded(ReportList { reports }))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

async fn handle_current(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    answer_week(&app, &subject, &cached, Week::of(now), now).await
}

/// Which week somebody asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WeekWanted {
    week_number: Option<String>,
    year: Option<String>,
}

async fn handle_week(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(wanted): Search<WeekWanted>,
    cached: Conditional,
) -> Answer {
    let number = wanted.week_number.as_deref().and_then(week_number);
    let number = number.ok_or_else(|| Problem::invalid("weekNumber", "1 to 53"))?;
    let year = iso_year(wanted.year.as_deref(), now)?;
    answer_week(&app, &subject, &cached, Week { year, number }, now).await
}

/// The number of a week, as a path or a query has it.
pub(super) fn week_number(text: &str) -> Option<i8> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && WEEKS.contains(number))
}

/// The ISO year that was asked for; that of `now` by default.
pub(super) fn iso_year(text: Option<&str>, now: Instant) -> Result<i16> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Week::of(now).year) };
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let year = text.parse().ok().filter(|year| is_number && YEARS.contains(year));
    year.ok_or_else(|| Problem::invalid("year", "1970 to 9999"))
}

/// One read of member and report.
async fn answer_week(
    app: &App,
    subject: &Subject,
    cached: &Conditional,
    week: Week,
    now: Instant,
) -> Answer {
    let table = &app.platform.table;
    let report_at = WeeklyReport::key_of(subject.telegram_id, week);
    let (member, rows) = auth::ensure_with(table, subject, [report_at.clone()], now).await?;
    let report: Option<WeeklyReport> = rows.get(&report_at)?;
    // A batch is no snapshot: the report may be newer than the member.
    let id = report.as_ref().map(|report| report.id.clone()).unwrap_or_default();
    let body = async { Ok(succeeded(MaybeReport { report: report.map(ReportView::of) })) };
    cached.answer(&[&member.version.to_string(), &week.to_string(), &id], body).await
}

/// One read of member and mark, and another of the report where it is not known.
async fn handle_one(
    State(app): State<App>,
    subject: Subject,
    Params(id): Params<String>,
    cached: Conditional,
) -> Answer {
    let unknown = || Problem::not_found("Report not found");
    let table = &app.platform.table;
    let mark_at = Mark::key_of(&id).ok_or_else(unknown)?;
    let member_at = member_key(subject.telegram_id);
    let rows = table.batch(&[member_at.clone(), mark_at.clone()]).await?;
    let mark: Mark = rows.get(&mark_at)?.ok_or_else(unknown)?;
    let member: Member = rows.get(&member_at)?.ok_or_else(unknown)?;
    if !mark.is_standing(member.tg_id) {
        return Err(unknown());
    }
    let body = async {
        let report = store::of_marks(table, &[mark]).await?.pop().ok_or_else(unknown)?;
        Ok(succeeded(OneReport { report: ReportView::of(report) }))
    };
    cached.answer(&[&member.version.to_string()], body).await
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Deadline {
    #[schema(value_type = String, format = "date-time")]
    deadline: Instant,
    /// ISO week, 1 to 53.
    week_number: i8,
    /// ISO year.
    year: i16,
    /// Whole hours that are left.
    hours_remaining: i64,
    is_deadline_passed: bool,
}

async fn handle_deadline(Now(now): Now, _: Subject) -> Answer {
    let (week, deadline) = (Week::of(now), calendar::week_deadline(now));
    success(Deadline {
        deadline,
        week_number: week.number,
        year: week.year,
        hours_remaining: hours_left(now),
        is_deadline_passed: now > deadline,
    })
}

#[derive(Debug, Serialize, ToSchema)]
struct OwnStats {
    stats: ReportStats,
    /// The same beside `stats`.
    #[serde(flatten)]
    beside: ReportStats,
}

#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReportStats {
    total_reports: u32,
    /// The same as `totalEnergiesEarned`.
    total_ep_earned: u32,
    total_energies_earned: u32,
    /// Weeks in a row that end in this week, or in the last one while this one has no report yet.
    current_streak: u32,
    longest_streak: u32,
    average_word_count: u32,
    submitted_this_week: bool,
    hours_until_deadline: i64,
}

impl ReportStats {
    fn of(reports: &[WeeklyReport], now: Instant) -> Self {
        let mut sums = Sums::default();
        for report in reports {
            sums.add(report.energies, report.words);
        }
        let this_week = Week::of(now);
        let streaks = streaks(reports.iter().map(|report| report.week), this_week);
        Self {
            total_reports: sums.reports,
            total_ep_earned: sums.energies,
            total_energies_earned: sums.energies,
            current_streak: streaks.current,
            longest_streak: streaks.longest,
            average_word_count: sums.average_words(),
            submitted_this_week: reports.iter().any(|report| report.week == this_week),
            hours_until_deadline: hours_left(now),
        }
    }
}

async fn handle_stats(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    cached: Conditional,
) -> Answer {
    let table = &app.platform.table;
    let member = auth::ensure(table, &subject, now).await?;
    let (week, hours) = (Week::of(now).to_string(), hours_left(now).to_string());
    let body = async {
        let reports = store::newest(table, member.tg_id, ALL).await?;
        let stats = ReportStats::of(&reports, now);
        Ok(succeeded(OwnStats { beside: stats.clone(), stats }))
    };
    cached.answer(&[&member.version.to_string(), &week, &hours], body).await
}
