//! The guard that closes what is over, and the reminders before.

use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};

use super::model::is_same_day;
use super::store::{self, Closing, DUE_SHARDS, Reminding};
use crate::App;
use crate::shift::Shift;
use crate::wire::LEASE_LOST;

/// Members reminded by one transaction, which takes a hundred items.
const TOGETHER: usize = 25;

/// Every day at nine in the morning of Moscow.
#[must_use]
pub fn guard() -> Function<App> {
    Function::<App>::schedule("club-subscriptions-guard", "cron(0 6 * * ? *)", run_guard)
        .summary("Closes the access of members whose subscription ended a day ago")
}

/// Every day at nine in the morning of Moscow.
#[must_use]
pub fn remind() -> Function<App> {
    Function::<App>::schedule("club-subscriptions-remind", "cron(0 6 * * ? *)", run_remind)
        .summary("Reminds members whose subscription ends within days")
}

/// What a run of the guard has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Guarded {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// Members whose access was closed.
    closed: usize,
    /// Members left alone, as they had paid meanwhile.
    kept: usize,
    /// Members who have to be looked at again by the next run, as something failed.
    failed: usize,
    /// Was everything looked at that was due?
    complete: bool,
}

async fn run_guard(app: App, invocation: Invocation) -> Result<Guarded> {
    let Some(shift) = Shift::begin(&app, "subscription_guard", &invocation).await? else {
        return Ok(Guarded { lease_held: true, ..Guarded::default() });
    };
    let mut done = Guarded { complete: true, ..Guarded::default() };
    let worked = close_all(&app, &shift, invocation.now, &mut done).await;
    shift.hand_over(&app, worked, done.complete).await?;
    Ok(done)
}

/// Closes what is due, page by page. No place is kept from run to run: what is done has left the
/// index, so that the next run, which follows at once, begins where this one stopped.
pub(super) async fn close_all(
    app: &App,
    shift: &Shift,
    now: Instant,
    done: &mut Guarded,
) -> Result<()> {
    let grace = app.subscriptions.grace;
    for shard in 0..DUE_SHARDS {
        let mut cursor = None;
        loop {
            let table = &app.platform.table;
            let (closing, next) = store::to_close(table, shard, grace, now, cursor).await?;
            for one in &closing {
                if shift.is_over() {
                    done.complete = false;
                    return Ok(());
                }
                close(app, one, shift, now, done).await?;
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Closes one. What fails stays due and keeps no other from its turn; only the loss of the lease
/// is an error.
async fn close(
    app: &App,
    one: &Closing,
    shift: &Shift,
    now: Instant,
    done: &mut Guarded,
) -> Result<()> {
    match one.close(&app.platform.table, &shift.lease, now).await {
        Ok(true) => done.closed += 1,
        Ok(false) => done.kept += 1,
        Err(problem) => {
            done.complete = false;
            done.failed += 1;
            give_up(problem, &one.member.id, "subscription not closed")?;
        }
    }
    Ok(())
}

/// What a run of the reminders has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Reminded {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// Members who are told.
    reminded: usize,
    /// Members left alone, as they had paid meanwhile.
    kept: usize,
    /// Members who are not told, as something failed.
    failed: usize,
    /// Was everybody looked at who is to be told today?
    complete: bool,
}

async fn run_remind(app: App, invocation: Invocation) -> Result<Reminded> {
    if !is_same_day(invocation.now, invocation.clock) {
        tracing::error!(scheduled = %invocation.now, "the day is over that this run is for");
        return Ok(Reminded::default());
    }
    let Some(shift) = Shift::begin(&app, "renewal_reminders", &invocation).await? else {
        return Ok(Reminded { lease_held: true, ..Reminded::default() });
    };
    let mut done = Reminded { complete: true, ..Reminded::default() };
    let worked = remind_all(&app, &shift, invocation.now, &mut done).await;
    shift.hand_over(&app, worked, done.complete).await?;
    Ok(done)
}

/// Reminds whom it is time for, page by page. No place is kept from run to run: who was reminded
/// costs the next one a read, so that it soon is where this one stopped.
pub(super) async fn remind_all(
    app: &App,
    shift: &Shift,
    now: Instant,
    done: &mut Reminded,
) -> Result<()> {
    for shard in 0..DUE_SHARDS {
        let mut cursor = None;
        loop {
            let table = &app.platform.table;
            let (reminding, next) = store::to_remind(table, shard, now, cursor).await?;
            for some in reminding.chunks(TOGETHER) {
                if !remind_some(app, some, shift, now, done).await? {
                    done.complete = false;
                    return Ok(());
                }
            }
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Reminds these together, or, where one of them keeps the others from it, each for itself. Was
/// there time?
pub(super) async fn remind_some(
    app: &App,
    some: &[Reminding],
    shift: &Shift,
    now: Instant,
    done: &mut Reminded,
) -> Result<bool> {
    let (table, lease) = (&app.platform.table, &shift.lease);
    if shift.is_over() {
        return Ok(false);
    }
    if some.len() > 1 {
        match Reminding::ask_all(some, table, lease, now).await {
            Ok(true) => {
                done.reminded += some.len();
                return Ok(true);
            }
            Err(problem) if problem.code() == LEASE_LOST => return Err(problem),
            Ok(false) | Err(_) => {}
        }
    }
    for one in some {
        if shift.is_over() {
            return Ok(false);
        }
        match Reminding::ask_all(std::slice::from_ref(one), table, lease, now).await {
            Ok(true) => done.reminded += 1,
            Ok(false) => done.kept += 1,
            Err(problem) => {
                done.complete = false;
                done.failed += 1;
                give_up(problem, &one.member.id, "member not reminded")?;
            }
        }
    }
    Ok(true)
}

/// Reports what failed for one member, unless it ends the run.
fn give_up(problem: Problem, member_id: &str, what: &'static str) -> Result<()> {
    if problem.code() == LEASE_LOST {
        return Err(problem);
    }
    tracing::error!(error = %chain(&problem), member_id, "{what}");
    Ok(())
}
