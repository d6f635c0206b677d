//! Jobs that had no time to end, before an administrator's answer or in their own time, or failed at a
//! part: a message goes on with them.
//!
//! A function of Lambda stands still from its answer on, so nothing can go on behind one. What is
//! left of a job is handed over instead: to a function of its own, which does what the job's schedule
//! does, once more and again until the job says that it is complete.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::queue::{Message, Queue};

use super::runs::{finished, is_complete, job};
use crate::{App, payments};

/// Between two turns of one run, as the next one may find the lease of the one before, or whatever
/// failed failing still.
const PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// Turns of one run. What is not done by then is left to the job's schedule.
const TURNS: u32 = 20;

/// The body of a message of the queue `admin-jobs`: a run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Left {
    /// The job, by the name of its lease.
    pub(super) job: String,
    /// The run, as the administrator was told.
    pub(super) run_id: String,
    /// Which turn is the next, from 1.
    pub(super) turn: u32,
}

impl Left {
    /// Sends it. The run goes on at once, or after a pause.
    pub(super) async fn send(&self, app: &App, wait: SignedDuration) -> Result<()> {
        Ok(queue(app)?.send(self, wait).await?)
    }
}

/// Has a job gone on with that left something undone, after a pause. Where it ran inside another
/// function, that one sees to the rest.
///
/// # Errors
/// When the message cannot be sent.
pub(crate) async fn go_on_with(app: &App, name: String, run_id: String) -> Result<()> {
    let own = job(&name).is_some_and(|job| job.declaration().name == app.platform.function);
    if own { Left { job: name, run_id, turn: 1 }.send(app, PAUSE).await } else { Ok(()) }
}

fn queue(app: &App) -> Result<&Queue> {
    app.admin_jobs.as_ref().ok_or_else(|| Problem::try_again("ADMIN_JOBS_QUEUE_URL is not set"))
}

/// Messages of the queue `admin-jobs`.
#[must_use]
pub fn go_on() -> Function<App> {
    payments::asking(Function::<App>::queue("club-admin-job-run", "admin-jobs", handle))
        .summary("Goes on with a job that is not done")
}

/// One turn. What fails comes again by itself, and is a dead letter in the end.
async fn handle(app: App, invocation: Invocation, message: Message<Left>) -> Result<()> {
    let Left { job: name, run_id, turn } = message.body;
    let Some(job) = job(&name) else {
        tracing::error!(job = name, run_id, "no such job");
        return Ok(());
    };
    let ended = match finished(&job, app.clone(), invocation).await {
        Ok(result) => {
            tracing::info!(job = name, run_id, turn, %result, "a run went on");
            is_complete(&result)
        }
        // The run that holds it does the same work, but may not end either.
        Err(problem) if problem.code() == "lease_held" => false,
        Err(problem) => return Err(problem),
    };
    if ended {
        return Ok(());
    }
    if turn >= TURNS {
        tracing::error!(job = name, run_id, "a run is left to the job's schedule");
        return Ok(());
    }
    Left { job: name, run_id, turn: turn + 1 }.send(&app, PAUSE).await
}
