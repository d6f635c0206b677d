//! The end of energies that nobody has spent in time.

use serde::Serialize;
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Result, chain};

use super::lots::{self, Expired, SHARDS};
use crate::App;
use crate::shift::Shift;
use crate::wire::LEASE_LOST;

/// Every day at six in the morning of Moscow.
#[must_use]
pub fn expire() -> Function<App> {
    Function::<App>::schedule("club-energies-expire", "cron(0 3 * * ? *)", run_expire)
        .summary("Takes what is left of incomes after six months")
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Expiry {
    /// Was another run under way, so that this one did nothing?
    lease_held: bool,
    /// Incomes of which something was left.
    expired: u64,
    /// Energies that were taken.
    energies: u64,
    /// Incomes of which nothing was left.
    spent: u64,
    /// Incomes that have to be looked at again by the next run, as something failed.
    failed: u64,
    /// Was everything looked at that was due?
    complete: bool,
}

impl Expiry {
    fn count(&mut self, expired: Expired) {
        match expired {
            Expired::Taken(energies) => {
                self.expired += 1;
                self.energies += u64::from(energies);
            }
            Expired::Nothing => self.spent += 1,
            Expired::Before => {}
            Expired::Early => self.missed(),
        }
    }

    fn missed(&mut self) {
        self.failed += 1;
        self.complete = false;
    }
}

async fn run_expire(app: App, invocation: Invocation) -> Result<Expiry> {
    let Some(shift) = Shift::begin(&app, "energies_expire", &invocation).await? else {
        return Ok(Expiry { lease_held: true, ..Expiry::default() });
    };
    let mut done = Expiry { complete: true, ..Expiry::default() };
    let worked = work(&app, &shift, invocation.now, &mut done).await;
    shift.hand_over(&app, worked, done.complete).await?;
    Ok(done)
}

/// Takes what is due, page by page. No place is kept from run to run: what had its turn has left
/// the index, so that the next run, which follows at once, begins where this one stopped.
async fn work(app: &App, shift: &Shift, now: Instant, done: &mut Expiry) -> Result<()> {
    let table = &app.platform.table;
    for shard in SHARDS {
        let mut cursor = None;
        loop {
            let (incomes, next) = lots::overdue(table, shard, now, cursor).await?;
            for income in incomes {
                if shift.is_over() {
                    done.complete = false;
                    return Ok(());
                }
                match lots::expire(table, &income, &shift.lease, now).await {
                    Ok(expired) => done.count(expired),
                    Err(problem) if problem.code() == LEASE_LOST => return Err(problem),
                    // One that fails stays due and keeps no other from its turn.
                    Err(problem) => {
                        tracing::error!(error = %chain(&problem), pk = %income.pk, "not expired");
                        done.missed();
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
