//! Scheduled jobs that an administrator runs now.
//!
//! The job runs inside this function, under its own lease and with its own limits, for as long as an
//! administrator waits: it begins nothing new ten seconds before that is over, and says how far it
//! came. What is not done by then goes on by a message ([`super::handover`]), and the answer says so.

use std::time::{Duration, Instant as Stopwatch};

use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::clock::Instant;
use shared::function::{Access, Function, Invocation};
use shared::http::{Answer, Params};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::handover::Left;
use crate::wire::{self, success};
use crate::{
    App, bot, energies, gifts, health, onboarding, outbox, payments, ratings, subscriptions, teams,
    texts,
};

/// `POST /api/admin/jobs/{name}`.
#[must_use]
pub fn run() -> Function<App> {
    payments::asking(
        Function::<App>::post("club-admin-job", "/api/admin/jobs/{name}")
            .summary("Runs a scheduled job now; 202 where it takes longer and goes on by itself")
            .access(Access::Admin)
            .limited(wire::ADMIN)
            .answers::<JobRun>()
            .handled_by(post(handle)),
    )
}

/// `POST /api/admin/ratings/refresh`.
#[must_use]
pub fn refresh() -> Function<App> {
    Function::<App>::post("club-admin-ratings-refresh", "/api/admin/ratings/refresh")
        .summary("Publishes all ratings now")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<Refreshed>()
        .handled_by(post(handle_refresh))
}

#[derive(Debug, Serialize, ToSchema)]
struct JobRun {
    /// The id of this run in the logs.
    run_id: String,
    /// What the job says of itself, where it has ended; `complete` is false where something failed.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
}

/// What jobs keep of their time to end what they have begun: one that ended before was not stopped
/// by it.
const RESERVE: Duration = Duration::from_secs(10);

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    /// Grows with each publication.
    generation: i64,
    #[schema(value_type = String, format = "date-time")]
    generated_at: Instant,
}

/// The job of this name: that of its lease.
pub(super) fn job(name: &str) -> Option<Function<App>> {
    Some(match name {
        "attempt_sweep" => payments::sweep(),
        "chat_hours" => bot::hours(),
        "energies_audit" => energies::audit(),
        "energies_expire" => energies::expire(),
        "gift_expiry" => gifts::expire(),
        "health_probe" => health::probe(),
        "onboarding_sweep" => onboarding::sweep(),
        "outbox_sweep" => outbox::sweep(),
        "payments_reconcile" => payments::reconcile(),
        "ratings_publish" => ratings::publish(),
        "ratings_reconcile" => ratings::reconcile(),
        "renewal_reminders" => subscriptions::remind(),
        "subscription_guard" => subscriptions::guard(),
        "team_inactive_cleanup" => teams::cleanup(),
        "team_sync" => teams::sync(),
        _ => return None,
    })
}

async fn handle(
    State(app): State<App>,
    Params(name): Params<String>,
    invocation: Invocation,
) -> Answer {
    let job = job(&name).ok_or_else(|| Problem::not_found("Not Found"))?;
    let run_id = invocation.request_id.clone();
    // Its lease lasts no longer than its time, so that whoever goes on with it finds it free.
    let patience = app.admin.patience;
    let patience_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    let remaining_ms = invocation.remaining_ms.min(patience_ms);
    let invocation = Invocation { remaining_ms, ..invocation };
    let ran = within(patience, finished(&job, app.clone(), invocation)).await?;
    if ran.is_some() {
        return success(JobRun { run_id, result: ran });
    }
    let left = Left { job: name, run_id: run_id.clone(), turn: 1 };
    left.send(&app, SignedDuration::ZERO).await?;
    let mut response = success(JobRun { run_id, result: None })?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// What a job came to; `None` when the time was too short for it. Wherever it is cut, it is as if its
/// process had died there, which every job survives.
async fn within(
    patience: Duration,
    job: impl Future<Output = Result<Value>>,
) -> Result<Option<Value>> {
    let began = Stopwatch::now();
    let Ok(ended) = tokio::time::timeout(patience, job).await else { return Ok(None) };
    let result = ended?;
    let in_time = began.elapsed() < patience.saturating_sub(RESERVE);
    Ok(Some(result).filter(|result| is_complete(result) || in_time))
}

/// Does a job say that it has done all? One that does not count has.
pub(super) fn is_complete(result: &Value) -> bool {
    result.get("complete") != Some(&Value::Bool(false))
}

/// What the job says of itself once it has run.
pub(super) async fn finished(
    job: &Function<App>,
    app: App,
    invocation: Invocation,
) -> Result<Value> {
    let ran = Box::pin(job.run_inside(app, invocation)).await;
    let result = ran.ok_or_else(|| Problem::bug("a job that no schedule runs"))??;
    if result.get("lease_held") == Some(&Value::Bool(true)) {
        let status = StatusCode::CONFLICT;
        return Err(Problem::new(status, "lease_held", "Conflict", texts::LEASE_HELD));
    }
    Ok(result)
}

async fn handle_refresh(State(app): State<App>, invocation: Invocation) -> Answer {
    let result = finished(&ratings::publish(), app, invocation).await?;
    let generation = result.get("generation").and_then(Value::as_i64);
    let generated_at = result.get("generated_at").and_then(|at| Instant::deserialize(at).ok());
    let refreshed = generation.zip(generated_at);
    let (generation, generated_at) =
        refreshed.ok_or_else(|| Problem::bug("ratings without a generation"))?;
    success(Refreshed { generation, generated_at })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_job_is_answered_where_it_ends_in_time_and_cut_where_it_does_not() {
        let (long, short) = (Duration::from_secs(20), Duration::from_millis(50));
        let says = |complete: bool| json!({ "complete": complete });
        let ended = |result: Value| async { Ok(result) };
        for (patience, result, is_answer) in [
            (long, says(true), true),
            (short, says(true), true),
            (long, json!({ "published": true }), true),
            // Something failed.
            (long, says(false), true),
            // It stopped because its time was over.
            (short, says(false), false),
        ] {
            let ran = within(patience, ended(result.clone())).await.unwrap();
            assert_eq!(ran, is_answer.then_some(result), "{patience:?}");
        }
        assert_eq!(within(short, std::future::pending()).await.unwrap(), None);
        let failed = async { Err(Problem::try_again("the store is down")) };
        assert_eq!(within(short, failed).await.unwrap_err().code(), "conflict_retry");
    }
}
