//! Submitting a report, and taking it back.

use axum::extract::State;
use axum::routing::{delete as by_delete, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Params, Subject};
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use utoipa::ToSchema;

use super::api::ReportView;
use super::model::{CONTENT_MAX, Mark, Verdict, WeeklyReport};
use super::store;
use crate::auth::{self, Member, member_key};
use crate::calendar::Week;
use crate::wire::{self, success};
use crate::{App, texts};

/// `POST /api/reports/submit`.
#[must_use]
pub fn submit() -> Function<App> {
    Function::<App>::post("club-reports-submit", "/api/reports/submit")
        .summary("Submits the report of this week")
        .limited(wire::API)
        .takes::<Submission>()
        .answers::<Submitted>()
        .handled_by(post(handle_submit))
}

/// `DELETE /api/reports/{id}`.
#[must_use]
pub fn delete() -> Function<App> {
    Function::<App>::delete("club-reports-delete", "/api/reports/{id}")
        .summary("Takes a report back within a day, with the energies that it earned")
        .limited(wire::API)
        .answers::<Deleted>()
        .handled_by(by_delete(handle_delete))
}

#[derive(Debug, Deserialize, ToSchema)]
struct Submission {
    /// 1 to 5000 characters without the space around them.
    content: String,
}

impl Submission {
    fn check(&self) -> Result<&str> {
        let content = self.content.trim();
        match (1..=CONTENT_MAX).contains(&content.chars().count()) {
            true => Ok(content),
            false => Err(Problem::invalid("content", "1 to 5000 characters")),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Submitted {
    report: ReportView,
    energies_earned: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    energies_returned: u32,
}

/// One read and one transaction of four items, anew for each time that another writer came first.
async fn handle_submit(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Json(wanted): Json<Submission>,
) -> Answer {
    let content = wanted.check()?;
    let report = optimistic(|| submit_once(&app, &subject, content, now)).await?;
    success(Submitted { energies_earned: report.energies, report: ReportView::of(report) })
}

async fn submit_once(
    app: &App,
    subject: &Subject,
    content: &str,
    now: Instant,
) -> Result<Round<WeeklyReport>> {
    let table = &app.platform.table;
    let report_at = WeeklyReport::key_of(subject.telegram_id, Week::of(now));
    let (member, rows) = auth::ensure_with(table, subject, [report_at.clone()], now).await?;
    auth::paid(&member, now)?;
    if rows.get::<WeeklyReport>(&report_at)?.is_some() {
        return Err(store::exists());
    }
    let (report, writes) = store::submitting(&member, content, now);
    let Err(error) = table.transact(writes).await else { return Ok(Round::Done(report)) };
    match error.refusal()?.has(store::REPORT) {
        true => Err(store::exists()),
        false => Ok(Round::Stale),
    }
}

/// One read and one transaction of four items, anew for each time that another writer came first.
async fn handle_delete(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Params(id): Params<String>,
) -> Answer {
    let energies_returned = optimistic(|| delete_once(&app, &subject, &id, now)).await?;
    success(Deleted { energies_returned })
}

async fn delete_once(app: &App, subject: &Subject, id: &str, now: Instant) -> Result<Round<u32>> {
    let table = &app.platform.table;
    let unknown = || Problem::not_found("Report not found");
    let mark_at = Mark::key_of(id).ok_or_else(unknown)?;
    let member_at = member_key(subject.telegram_id);
    let rows = table.batch(&[member_at.clone(), mark_at.clone()]).await?;
    let mark: Mark = rows.get(&mark_at)?.ok_or_else(unknown)?;
    match mark.judge(subject.telegram_id, now) {
        Verdict::Delete => {}
        Verdict::Before => return Ok(Round::Done(mark.energies)),
        Verdict::Foreign => return Err(Problem::forbidden("not_owner")),
        Verdict::Late => return Err(late()),
    }
    let member: Member = rows.get(&member_at)?.ok_or_else(unknown)?;
    match table.transact(store::deleting(&member, &mark, now)?).await {
        Ok(()) => Ok(Round::Done(mark.energies)),
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

fn late() -> Problem {
    let text = texts::REPORT_DELETE_WINDOW_OVER;
    Problem::new(StatusCode::CONFLICT, "delete_window_over", "Conflict", text)
}
