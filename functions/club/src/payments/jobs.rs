//! Delayed checks, and the sweep that finds what was lost.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::lease::Lease;
use shared::problem::{Problem, Result, chain};
use shared::queue::Message;
use shared::table::{Item, Query};

use super::items::{DUE_SHARDS, Due};
use super::model::{self, Attempt, Event, Hinted, Status, Success};
use super::providers::{Came, ProviderError, Told, asking};
use super::{settlement, store};
use crate::App;
use crate::shift::Shift;
use crate::wire::LEASE_LOST;

/// The body of a message of the queue `payment-checks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckHint {
    /// Which attempt to check.
    pub attempt_id: String,
    /// The number of the check, from 1.
    pub n: u32,
}

impl CheckHint {
    /// Sends it. A hint that is not taken is found missing by the sweep.
    pub async fn send(&self, app: &App, wait: SignedDuration) {
        let Some(queue) = &app.payment_checks else {
            return tracing::error!("no queue of payment checks");
        };
        if let Err(error) = queue.send(self, wait).await {
            tracing::warn!(%error, attempt_id = %self.attempt_id, "hint not sent");
        }
    }
}

/// The consumer of `payment-checks`.
#[must_use]
pub fn check() -> Function<App> {
    asking(Function::<App>::queue("club-payments-check", "payment-checks", handle_check))
        .summary("Asks the provider what became of an attempt")
}

/// Every fifteen minutes.
#[must_use]
pub fn sweep() -> Function<App> {
    asking(Function::<App>::schedule("club-payments-sweep", "rate(15 minutes)", handle_sweep))
        .summary("Sends lost hints anew and asks once more about attempts without money")
}

/// One check: one read, one question, one write and one message.
async fn handle_check(app: App, invocation: Invocation, message: Message<CheckHint>) -> Result<()> {
    let CheckHint { attempt_id, n } = message.body;
    let now = invocation.now;
    let Some(attempt) = store::find(&app.platform.table, &attempt_id).await? else {
        return Ok(());
    };
    match model::hinted(&attempt, n, message.receive_count > 1, now) {
        Hinted::Drop => Ok(()),
        Hinted::Next(hint) | Hinted::Later(hint) => {
            CheckHint { attempt_id, n: hint.n }.send(&app, hint.wait).await;
            Ok(())
        }
        Hinted::Ask(n) => perform(&app, &attempt, n, now).await,
    }
}

async fn perform(app: &App, attempt: &Attempt, n: u32, now: Instant) -> Result<()> {
    let table = &app.platform.table;
    match ask(app, attempt).await {
        Ok(Told::Paid(came)) => {
            let word = word(attempt, came);
            match settlement::settle(app, &word, None, now).await? {
                settlement::Settled::Now | settlement::Settled::Before => return Ok(()),
                // The money is another's or not enough: this attempt is unpaid.
                settlement::Settled::Quarantined => {}
            }
        }
        Ok(Told::Failed) => {
            return store::end(table, attempt, Event::Refused, "declined", None, now)
                .await
                .map(|_| ());
        }
        Ok(Told::Unpaid) => {}
        Err(error) => tracing::warn!(%error, attempt_id = %attempt.id, "provider silent"),
    }
    if n >= app.payments.checks {
        store::end(table, attempt, Event::LastCheckUnpaid, "unpaid", None, now).await?;
    } else if store::checked(table, attempt, app.payments.interval, now).await? {
        let next = CheckHint { attempt_id: attempt.id.clone(), n: n + 1 };
        next.send(app, app.payments.interval).await;
    }
    Ok(())
}

async fn ask(app: &App, attempt: &Attempt) -> Result<Told, ProviderError> {
    attempt.provider.ask(app, attempt, app.payments.check_timeout).await
}

fn word(attempt: &Attempt, came: Came) -> Success {
    let Came { external_id, said, payer, recurs, contract_id } = came;
    let (provider, attempt_id) = (attempt.provider, attempt.id.clone());
    Success { provider, attempt_id, external_id, said, payer, recurs, contract_id }
}

/// What one run of the sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Swept {
    /// Another run holds the lease: nothing was done.
    lease_held: bool,
    /// Hints sent anew.
    hints: usize,
    /// Attempts asked about once more.
    asked: usize,
    /// Of these, how many turned out to be paid.
    settled: usize,
    /// Of these, how many have to be asked about again in the next run, as something failed.
    failed: usize,
    /// Was everything looked at that was due?
    complete: bool,
}

/// A check is lost when it is this late.
const LATE: SignedDuration = SignedDuration::from_mins(2);
/// Attempts asked about at once.
const ABREAST: usize = 8;

async fn handle_sweep(app: App, invocation: Invocation) -> Result<Swept> {
    let Some(shift) = Shift::begin(&app, "attempt_sweep", &invocation).await? else {
        return Ok(Swept { lease_held: true, ..Swept::default() });
    };
    let mut swept = Swept { complete: true, ..Swept::default() };
    let worked = work(&app, &shift, invocation.now, &mut swept).await;
    shift.end(&app).await;
    worked.map(|()| swept)
}

async fn work(app: &App, shift: &Shift, now: Instant, swept: &mut Swept) -> Result<()> {
    for (due, by) in [(Due::Check, now - LATE), (Due::FollowUp, now)] {
        for shard in 0..DUE_SHARDS {
            let mut cursor = None;
            loop {
                if shift.is_over() {
                    swept.complete = false;
                    return Ok(());
                }
                let query = Query::global_index("due", ("due_pk", due.partition(shard)), "due_at")
                    .up_to(by.to_string())
                    .limit(100)
                    .after(cursor);
                let page = app.platform.table.query(&query).await?;
                let attempts = still_due(app, &page.items, due, by).await?;
                match due {
                    Due::Check => swept.hints += hint_again(app, &attempts).await?,
                    Due::FollowUp => {
                        follow_up(app, attempts, shift, now, swept).await?;
                    }
                }
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// The attempts behind a page of the index, which may lag, that are to be looked at indeed.
async fn still_due(app: &App, page: &[Item], due: Due, by: Instant) -> Result<Vec<Attempt>> {
    let mut attempts: Vec<Attempt> = app.platform.table.behind(page).await?;
    attempts.retain(|attempt| {
        Due::of(attempt.status) == Some(due) && attempt.due_at.is_some_and(|at| at <= by)
    });
    Ok(attempts)
}

async fn hint_again(app: &App, attempts: &[Attempt]) -> Result<usize> {
    let queue = app.payment_checks.as_ref();
    let queue = queue.ok_or_else(|| Problem::bug("no queue of payment checks"))?;
    let hint = |attempt: &Attempt| CheckHint {
        attempt_id: attempt.id.clone(),
        n: attempt.checks_done + 1,
    };
    let hints: Vec<_> = attempts.iter().map(hint).collect();
    queue.send_all(&hints).await?;
    Ok(hints.len())
}

/// Asks about attempts without money, some abreast. One that fails stays due and keeps no other
/// from its turn; only the loss of the lease ends the work.
async fn follow_up(
    app: &App,
    attempts: Vec<Attempt>,
    shift: &Shift,
    now: Instant,
    swept: &mut Swept,
) -> Result<()> {
    let mut waiting = attempts.into_iter().peekable();
    while waiting.peek().is_some() {
        if shift.is_over() {
            swept.complete = false;
            return Ok(());
        }
        let mut asked = tokio::task::JoinSet::new();
        for attempt in waiting.by_ref().take(ABREAST) {
            let (app, lease) = (app.clone(), shift.lease.clone());
            asked.spawn(async move {
                let settled = look_again(&app, &attempt, &lease, now).await;
                settled.inspect_err(|problem| {
                    let error = chain(problem);
                    tracing::error!(%error, attempt_id = %attempt.id, "attempt not looked at");
                })
            });
        }
        while let Some(settled) = asked.join_next().await {
            swept.asked += 1;
            match settled.map_err(Problem::bug).flatten() {
                Ok(settled) => swept.settled += usize::from(settled),
                Err(problem) if problem.code() == LEASE_LOST => return Err(problem),
                Err(_) => {
                    swept.failed += 1;
                    swept.complete = false;
                }
            }
        }
    }
    Ok(())
}

/// Asks about one attempt without money. Was it paid?
async fn look_again(app: &App, attempt: &Attempt, lease: &Lease, now: Instant) -> Result<bool> {
    match ask(app, attempt).await {
        Ok(Told::Paid(came)) => {
            let word = word(attempt, came);
            let settled = settlement::settle(app, &word, Some(&lease.fence()), now).await?;
            if settled != settlement::Settled::Quarantined {
                return Ok(settled == settlement::Settled::Now);
            }
        }
        Ok(Told::Unpaid | Told::Failed) => {}
        Err(error) => tracing::warn!(%error, attempt_id = %attempt.id, "provider silent"),
    }
    let table = &app.platform.table;
    if attempt.status == Status::Created {
        store::end(table, attempt, Event::Aged, "no_answer", Some(lease), now).await?;
    } else {
        store::put_off(table, attempt, lease, now).await?;
    }
    Ok(false)
}
