//! Scheduled jobs that an administrator runs now.
//!
//! The job runs inside this function, under its own lease and with its own limits: it begins nothing
//! new ten seconds before the function's end, and answers how far it came. So an answer is always
//! the job's result, and no run goes on unseen.

use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use shared::clock::Instant;
use shared::function::{Access, Function, Invocation};
use shared::http::{Answer, Params};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use crate::wire::{self, success};
use crate::{App, energies, gifts, onboarding, outbox, payments, ratings, subscriptions, texts};

/// `POST /api/admin/jobs/{name}`.
#[must_use]
pub fn run() -> Function<App> {
    payments::asking(
        Function::<App>::post("club-admin-job", "/api/admin/jobs/{name}")
            .summary("Runs a scheduled job now")
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
    /// What the job says of itself; `complete` is false where it had no time for all.
    #[schema(value_type = Object)]
    result: Value,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Refreshed {
    /// Grows with each publication.
    generation: i64,
    #[schema(value_type = String, format = "date-time")]
    generated_at: Instant,
}

/// The job of this name: that of its lease.
fn job(name: &str) -> Option<Function<App>> {
    Some(match name {
        "attempt_sweep" => payments::sweep(),
        "energies_audit" => energies::audit(),
        "gift_expiry" => gifts::expire(),
        "onboarding_sweep" => onboarding::sweep(),
        "outbox_sweep" => outbox::sweep(),
        "payments_reconcile" => payments::reconcile(),
        "ratings_publish" => ratings::publish(),
        "renewal_reminders" => subscriptions::remind(),
        "subscription_guard" => subscriptions::guard(),
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
    success(JobRun { run_id, result: finished(&job, app, invocation).await? })
}

/// What the job says of itself once it has run.
async fn finished(job: &Function<App>, app: App, invocation: Invocation) -> Result<Value> {
    let ran = Box::pin(job.run_inside(app, invocation)).await;
    let result = ran.ok_or_else(|| Problem::bug("a job that no schedule runs"))??;
    if result.get("lease_held") == Some(&Value::Bool(true)) {
        let status = StatusCode::CONFLICT;
        return Err(Problem::new(status, "lease_held", "Conflict", texts::LEASE_HELD));
    }
    Ok(result)
}

async fn handle_refresh(State(app): State<App>, invocation: Invocation) -> Answer {
    let now = invocation.now;
    let result = finished(&ratings::publish(), app, invocation).await?;
    let generation = result.get("generation").and_then(Value::as_i64);
    let generation = generation.ok_or_else(|| Problem::bug("ratings without a generation"))?;
    // A generation is named by the second that it is of; one of this second is not made twice.
    let fresh = result.get("published") == Some(&Value::Bool(true));
    let generated_at = if fresh { now } else { Instant::from_seconds(generation) };
    success(Refreshed { generation, generated_at })
}
