//! The audit of everything.

use std::time::{Duration, Instant as Stopwatch};

use futures::future::try_join_all;
use serde::Serialize;
use shared::function::{Function, Invocation};
use shared::lease::Lease;
use shared::problem::Result;
use shared::table::Key;
use shared::telemetry;

use super::feeds::{Correction, Tally};
use super::model::Violation;
use super::readings;
use super::registry::{self, Kind, Place};
use crate::App;

/// What is left of a run's time to compare counters, keep the place and report.
const RESERVE: Duration = Duration::from_secs(10);
/// Subjects that are read at once.
const AT_ONCE: usize = 8;
/// Violations that are told of by name; all are counted.
const NAMED: usize = 50;

/// Daily at 00:17.
#[must_use]
pub fn audit() -> Function<App> {
    Function::<App>::schedule("errands-audit", "cron(17 0 * * ? *)", run_audit)
        .summary("Checks the invariants of users, orders and payments")
}

/// What a run has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Was another run under way, so that this one did nothing?
    pub lease_held: bool,
    /// Users, orders and payments that it has looked at.
    pub users: u64,
    /// Orders.
    pub orders: u64,
    /// Payments.
    pub payments: u64,
    /// What does not hold.
    pub violations: Vec<Violation>,
    /// Counters of feeds that it has set right.
    pub corrections: Vec<Correction>,
    /// Has it come to the end? If not, the next run goes on from there.
    pub complete: bool,
}

async fn run_audit(app: App, invocation: Invocation) -> Result<Report> {
    let table = &app.platform.table;
    let lease = Lease::acquire(table, "errands_audit", invocation.clock, invocation.deadline());
    let lease = match lease.await {
        Ok(lease) => lease,
        Err(problem) if problem.code() == "lease_held" => {
            return Ok(Report { lease_held: true, ..Report::default() });
        }
        Err(problem) => return Err(problem),
    };
    let budget = Duration::from_millis(invocation.remaining_ms).saturating_sub(RESERVE);
    let audited = resumed(&app, &lease, budget).await;
    lease.release(table, invocation.clock).await?;
    let report = audited?;
    tell(&app, &report);
    Ok(report)
}

/// Checks everything from the beginning, however long it takes, and sets counters of feeds right.
///
/// # Errors
/// When the store does not answer.
pub async fn check(app: &App) -> Result<Report> {
    let (report, _) = pass(app, Place::default(), Duration::MAX).await?;
    Ok(report)
}

/// Goes on from where the last run stopped.
pub(super) async fn resumed(app: &App, lease: &Lease, budget: Duration) -> Result<Report> {
    let table = &app.platform.table;
    let begun_at = registry::place(table).await?;
    let (report, place) = pass(app, begun_at.clone(), budget).await?;
    if place != begun_at {
        registry::keep_place(table, &place, lease).await?;
    }
    Ok(report)
}

/// Audits from `place` on until all was seen or time is up, and answers where to go on.
async fn pass(app: &App, mut place: Place, budget: Duration) -> Result<(Report, Place)> {
    let started = Stopwatch::now();
    let mut report = Report::default();
    let mut tally = Some(Tally::new()).filter(|_| place.is_beginning());
    loop {
        let (keys, next) = registry::page(&app.platform.table, &place).await?;
        match (tally.as_mut(), place.among) {
            (Some(tally), Kind::Users) => tally.add_users(&app.platform.table, &keys).await?,
            (Some(tally), Kind::Orders) => tally.add_orders(&app.platform.table, &keys).await?,
            _ => {}
        }
        for some in keys.chunks(AT_ONCE) {
            let found = some.iter().map(|key| Box::pin(examine(app, place.among, key)));
            report.violations.extend(try_join_all(found).await?.into_iter().flatten());
        }
        let seen = u64::try_from(keys.len()).unwrap_or(u64::MAX);
        match place.among {
            Kind::Users => report.users += seen,
            Kind::Orders => report.orders += seen,
            Kind::Payments => report.payments += seen,
        }
        let Some(next) = next else { break };
        place = next;
        if started.elapsed() >= budget {
            return Ok((report, place));
        }
    }
    if let Some(tally) = tally {
        report.corrections = tally.correct(app).await?;
    }
    report.violations.sort();
    report.complete = true;
    Ok((report, Place::default()))
}

async fn examine(app: &App, kind: Kind, key: &Key) -> Result<Vec<Violation>> {
    match kind {
        Kind::Users => readings::user(app, &key.pk).await,
        Kind::Orders => readings::order(app, key).await,
        Kind::Payments => readings::payment(app, key).await,
    }
}

/// Alarms: an error for each of the first violations, and counts of all.
fn tell(app: &App, report: &Report) {
    for Violation { invariant, subject } in report.violations.iter().take(NAMED) {
        tracing::error!(invariant, subject, "an invariant does not hold");
    }
    for Correction { feed, from, to } in &report.corrections {
        tracing::warn!(feed = feed.index, from, to, "a counter of a feed was set right");
    }
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let found = [
        ("audit_users", report.users),
        ("audit_orders", report.orders),
        ("audit_payments", report.payments),
        ("audit_violations", count(report.violations.len())),
        ("audit_corrections", count(report.corrections.len())),
    ];
    telemetry::metrics(&app.platform, &found);
}
