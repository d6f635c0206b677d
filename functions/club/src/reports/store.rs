//! Reports in the table.

use http::StatusCode;
use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::table::{Cursor, Key, Query, Table, Write};

use super::model::{Mark, WeeklyReport, week_partition};
use crate::auth;
use crate::auth::Member;
use crate::calendar::Week;
use crate::energies::{self, Award, Expense};
use crate::texts;

/// The refusal under which a week has a report already.
pub(super) const REPORT: &str = "report";

/// A report, and the four writes that submit it: refused under `report` when the week has one, under
/// `member` when the member has changed.
pub(super) fn submitting(
    member: &Member,
    content: &str,
    now: Instant,
) -> (WeeklyReport, Vec<Write>) {
    let report = WeeklyReport::new(member, content, now);
    let income = energies::income(member, &Award::weekly_report(&report.id), now);
    let report = WeeklyReport { energies: income.energies, ..report };
    let update = income.on(auth::change(member, now));
    let writes = vec![
        Write::insert(REPORT, &report),
        Write::insert("mark", &Mark::of(&report)),
        income.entry,
        update,
    ];
    (report, writes)
}

/// The four writes that take a report back.
///
/// # Errors
/// 409 `insufficient_energies`.
pub(super) fn deleting(member: &Member, mark: &Mark, now: Instant) -> Result<Vec<Write>> {
    let expense = Expense::report_reversal(&mark.id, mark.energies);
    let outgo = energies::expense(member, &expense, now)?;
    let update = outgo.on(auth::change(member, now));
    let deleted = Mark { deleted_at: Some(now), ..mark.clone() };
    Ok(vec![
        Write::put("mark", &deleted)
            .when("attribute_exists(#pk) AND attribute_not_exists(#deleted_at)"),
        Write::delete(REPORT, WeeklyReport::key_of(mark.tg_id, mark.week))
            .when("#id = :id")
            .bind(":id", &mark.id),
        outgo.entry,
        update,
    ])
}

/// The week has a report.
pub(super) fn exists() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "report_exists",
        "Report already submitted for this week",
        texts::WEEKLY_REPORT_EXISTS,
    )
}

/// A member's newest reports, the newest week first. One query, or more of very long reports.
pub(super) async fn newest(table: &Table, tg_id: i64, limit: u32) -> Result<Vec<WeeklyReport>> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut reports, mut cursor) = (Vec::new(), None);
    loop {
        let query = Query::partition(WeeklyReport::partition(tg_id))
            .descending()
            .limit(limit)
            .after(cursor);
        let page = table.query(&query).await?;
        reports.extend(page.read::<WeeklyReport>()?);
        cursor = page.next;
        if cursor.is_none() || reports.len() >= most {
            reports.truncate(most);
            return Ok(reports);
        }
    }
}

/// One page of the marks of a week, newest first. One query of an index that may lag.
pub(super) async fn marks(
    table: &Table,
    week: Week,
    limit: Option<u32>,
    cursor: Option<Cursor>,
) -> Result<(Vec<Mark>, Option<Cursor>)> {
    let partition = ("rank_pk", week_partition(week));
    let query = Query::global_index("rank", partition, "rank_sk").descending().after(cursor);
    let query = match limit {
        Some(limit) => query.limit(limit),
        None => query,
    };
    let page = table.query(&query).await?;
    Ok((page.read()?, page.next))
}

/// The reports of these marks, 100 at most, in their order; without those that were taken back
/// meanwhile. One read.
pub(super) async fn of_marks(table: &Table, marks: &[Mark]) -> Result<Vec<WeeklyReport>> {
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<Key> =
        marks.iter().map(|mark| WeeklyReport::key_of(mark.tg_id, mark.week)).collect();
    // A report that was taken back and written anew has two marks and one place, and no batch
    // takes a key twice.
    let mut wanted = keys.clone();
    wanted.sort_by(|one, other| (&one.pk, &one.sk).cmp(&(&other.pk, &other.sk)));
    wanted.dedup();
    let rows = table.batch(&wanted).await?;
    let mut reports = Vec::with_capacity(keys.len());
    for (key, mark) in keys.iter().zip(marks) {
        let report: Option<WeeklyReport> = rows.get(key)?;
        reports.extend(report.filter(|report| report.id == mark.id));
    }
    Ok(reports)
}
