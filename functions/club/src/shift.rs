//! A job's turn at its work: alone, and for as long as there is time.

use std::time::{Duration, Instant as Stopwatch};

use shared::clock::Instant;
use shared::function::Invocation;
use shared::lease::Lease;
use shared::problem::{Result, chain};

use crate::{App, admin};

/// What is left of a run's time when it begins nothing new: time to end what it has begun.
const RESERVE: Duration = Duration::from_secs(10);

/// One run's right to do a job's work.
#[derive(Debug)]
pub struct Shift {
    /// Its [`Lease::fence`] belongs into every write of the run.
    pub lease: Lease,
    /// The job, by the name of its lease.
    job: String,
    /// The run, in the logs.
    run_id: String,
    /// By the clock, which the job's own instant may be behind.
    clock: Instant,
    began: Stopwatch,
    time: Duration,
}

impl Shift {
    /// Takes the lease `name` for as long as the invocation may last; `None` when another run
    /// holds it. One request.
    ///
    /// # Errors
    /// When the store does not answer: the work does not run then.
    pub async fn begin(app: &App, name: &str, invocation: &Invocation) -> Result<Option<Self>> {
        let (clock, until) = (invocation.clock, invocation.deadline());
        let time = Duration::from_millis(invocation.remaining_ms).saturating_sub(RESERVE);
        match Lease::acquire(&app.platform.table, name, clock, until).await {
            Ok(lease) => {
                let (job, run_id) = (name.to_owned(), invocation.request_id.clone());
                Ok(Some(Self { lease, job, run_id, clock, began: Stopwatch::now(), time }))
            }
            Err(problem) if problem.code() == "lease_held" => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// The time that is left to begin something in.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.time.saturating_sub(self.began.elapsed())
    }

    /// Is it too late to begin anything?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }

    /// Gives the lease back. One request; where it fails, the lease ends by itself.
    pub async fn end(self, app: &App) {
        if let Err(problem) = self.lease.release(&app.platform.table, self.clock).await {
            tracing::warn!(error = %chain(&problem), "the lease ends by itself");
        }
    }

    /// The same after work of which the next run does what this one has left: that run follows by a
    /// message if anything was left, and not by the schedule alone.
    ///
    /// # Errors
    /// What the work failed with; or the message could not be sent.
    pub async fn hand_over(self, app: &App, worked: Result<()>, complete: bool) -> Result<()> {
        let (job, run_id) = (self.job.clone(), self.run_id.clone());
        self.end(app).await;
        worked?;
        if complete { Ok(()) } else { admin::go_on_with(app, job, run_id).await }
    }
}
