//! The end of gifts that nobody activated.

use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::lease::Lease;
use shared::problem::{Result, chain};

use super::model::Gift;
use super::store::{self, DUE_SHARDS};
use crate::App;
use crate::shift::Shift;
use crate::wire::{LEASE_LOST, lease_lost};

/// Every day at nine in the morning of Moscow.
#[must_use]
pub fn expire() -> Function<App> {
    Function::<App>::schedule("club-gifts-expire", "cron(0 6 * * ? *)", run_expire)
        .summary("Ends gifts that nobody activated in time, and tells their givers")
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Expired {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// Gifts that expired by it.
    expired: usize,
    /// Gifts that have to be looked at again by the next run, as something failed.
    failed: usize,
    /// Was everything looked at that was due?
    complete: bool,
}

async fn run_expire(app: App, invocation: Invocation) -> Result<Expired> {
    let Some(shift) = Shift::begin(&app, "gift_expiry", &invocation).await? else {
        return Ok(Expired { lease_held: true, ..Expired::default() });
    };
    let mut done = Expired { complete: true, ..Expired::default() };
    let worked = work(&app, &shift, invocation.now, &mut done).await;
    shift.hand_over(&app, worked, done.complete).await?;
    Ok(done)
}

/// Ends what is due, page by page. No place is kept from run to run: what is done has left the
/// index, so that the next run, which follows at once, begins where this one stopped.
async fn work(app: &App, shift: &Shift, now: Instant, done: &mut Expired) -> Result<()> {
    for shard in 0..DUE_SHARDS {
        let mut cursor = None;
        loop {
            let (gifts, next) = store::overdue(&app.platform.table, shard, now, cursor).await?;
            for gift in gifts {
                if shift.is_over() {
                    done.complete = false;
                    return Ok(());
                }
                match end(app, &gift, &shift.lease, now).await {
                    Ok(ended) => done.expired += usize::from(ended),
                    Err(problem) if problem.code() == LEASE_LOST => return Err(problem),
                    // One that fails stays due and keeps no other from its turn.
                    Err(problem) => {
                        let error = chain(&problem);
                        tracing::error!(%error, gift_id = %gift.id, "gift not expired");
                        done.failed += 1;
                        done.complete = false;
                    }
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

/// Ends one gift, unless somebody was faster. One transaction of four items.
async fn end(app: &App, gift: &Gift, lease: &Lease, now: Instant) -> Result<bool> {
    let Some(mut writes) = store::expiring(gift, now)? else { return Ok(false) };
    writes.push(lease.fence());
    let Err(error) = app.platform.table.transact(writes).await else { return Ok(true) };
    if error.refusal()?.has("lease") { Err(lease_lost()) } else { Ok(false) }
}
