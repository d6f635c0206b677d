//! The audit of all accounts.
//!
//! Members are found through the registry, page by page; a run that has no time left keeps its
//! place, and the next one goes on from there. The audit only reads, so that it may disagree with
//! nobody but the ledger itself.

use std::time::{Duration, Instant as Stopwatch};

use serde::Serialize;
use shared::function::{Function, Invocation};
use shared::lease::Lease;
use shared::problem::Result;
use shared::telemetry;

use super::model::{Finding, findings};
use super::store::{self, Place};
use crate::App;
use crate::shift::Shift;

/// How often an account that does not add up is read again before it is believed.
const READINGS: u32 = 5;

/// Every 15 minutes.
#[must_use]
pub fn audit() -> Function<App> {
    Function::<App>::schedule("club-energies-audit", "rate(15 minutes)", run_audit)
        .summary("Checks every account against its entries")
}

/// What a run has seen.
#[derive(Debug, Default, Serialize)]
pub(super) struct Audited {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    pub(super) members: u64,
    violations: u64,
    /// Has every member been seen since the pass began?
    pub(super) complete: bool,
}

async fn run_audit(app: App, invocation: Invocation) -> Result<Audited> {
    let Some(shift) = Shift::begin(&app, "energies_audit", &invocation).await? else {
        return Ok(Audited { lease_held: true, ..Audited::default() });
    };
    let audited = pass(&app, &shift.lease, shift.left()).await;
    shift.end(&app).await;
    let audited = audited?;
    let found = [("audit_members", audited.members), ("audit_violations", audited.violations)];
    telemetry::metrics(&app.platform, &found);
    Ok(audited)
}

/// Goes on from the place of the last run until every member was seen or time is up.
pub(super) async fn pass(app: &App, lease: &Lease, budget: Duration) -> Result<Audited> {
    let table = &app.platform.table;
    let started = Stopwatch::now();
    let begun_at = store::place(table).await?;
    let mut place = begun_at.clone();
    let mut audited = Audited::default();
    loop {
        let (members, next) = store::registered(table, &place).await?;
        for key in members {
            audited.members += 1;
            audited.violations += examine(app, &key).await?;
        }
        match next {
            Some(next) => place = next,
            None => {
                audited.complete = true;
                place = Place::default();
                break;
            }
        }
        if started.elapsed() >= budget {
            break;
        }
    }
    if place != begun_at {
        store::keep_place(table, &place, lease).await?;
    }
    Ok(audited)
}

/// Reports what is wrong with one account, and answers how much that is.
async fn examine(app: &App, pk: &str) -> Result<u64> {
    let found = wrong(app, pk).await?;
    let Some((member_id, found)) = found else { return Ok(0) };
    tracing::error!(member_id, findings = ?found, "an account does not add up");
    Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
}

/// An award may commit between the reads of its two items, so only what two readings in a row
/// find in the same version of the member counts.
async fn wrong(app: &App, pk: &str) -> Result<Option<(String, Vec<Finding>)>> {
    let mut last = None;
    for _ in 0..READINGS {
        let Some((member, entries)) = store::account(&app.platform.table, pk).await? else {
            return Ok(None);
        };
        let seen = (member.version, findings(&member, &entries));
        if seen.1.is_empty() {
            return Ok(None);
        }
        if last.as_ref() == Some(&seen) {
            return Ok(Some((member.id, seen.1)));
        }
        last = Some(seen);
    }
    Ok(None)
}
