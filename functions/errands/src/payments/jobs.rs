//! Delayed checks, and the sweep that finds what was lost.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant as Stopwatch};

use futures::FutureExt as _;
use futures::future::join_all;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result, chain};
use shared::queue::Message;
use shared::table::{Item, Query};

use super::items::SHARDS;
use super::model::{self, CREATING_MAX, Event, Hinted, Payment, Status};
use super::providers::{Told, Traced};
use super::settlement::{Settled, settle};
use super::{asking, store};
use crate::App;
use crate::events::V1;

/// The body of a message of the queue `payment-checks`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckHint {
    /// Which payment to check.
    pub payment_id: i64,
    /// The number of the check, from 1.
    pub attempt: u32,
    /// Version.
    pub v: V1,
}

impl CheckHint {
    /// The hint of a payment's first check.
    #[must_use]
    pub const fn first(payment_id: i64) -> Self {
        Self { payment_id, attempt: 1, v: V1 }
    }

    /// Sends it. A hint that is not taken is found missing by the sweep.
    pub async fn send(&self, app: &App, wait: SignedDuration) {
        let Some(queue) = &app.queues.payment_checks else {
            return tracing::error!("no queue of payment checks");
        };
        if let Err(error) = queue.send(self, wait).await {
            tracing::warn!(%error, payment_id = self.payment_id, "hint not sent");
        }
    }
}

/// The consumer of `payment-checks`.
#[must_use]
pub fn check() -> Function<App> {
    asking(Function::<App>::queue("errands-payments-check", "payment-checks", handle_check))
        .summary("Asks the provider what became of a payment")
}

/// Every minute.
#[must_use]
pub fn sweep() -> Function<App> {
    asking(Function::<App>::schedule("errands-payments-sweep", "rate(1 minute)", handle_sweep))
        .summary("Asks about payments that nobody asked about, and ends those whose time is over")
}

/// One check: one read, one question, one write and one message.
async fn handle_check(app: App, invocation: Invocation, message: Message<CheckHint>) -> Result<()> {
    let CheckHint { payment_id, attempt, v: V1 } = message.body;
    let now = invocation.now;
    let Some(payment) = store::find(&app.platform.table, payment_id).await? else {
        return Ok(());
    };
    let most = app.payments.checks.count;
    match model::hinted(&payment, attempt, message.receive_count > 1, most, now) {
        Hinted::Drop => Ok(()),
        Hinted::Next(hint) | Hinted::Later(hint) => {
            CheckHint { payment_id, attempt: hint.attempt, v: V1 }.send(&app, hint.wait).await;
            Ok(())
        }
        Hinted::Ask(_) => look(&app, &payment, now).await.map(|_| ()),
    }
}

/// What became of a payment that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looked {
    Paid,
    Unpaid,
    Ended,
    Silent,
}

/// Asks about a pending payment, and acts on what is told: the money comes on the balance, or the
/// payment's time is over, or it is asked about again.
async fn look(app: &App, payment: &Payment, now: Instant) -> Result<Looked> {
    let table = &app.platform.table;
    let told = payment.provider.ask(app, payment).await;
    let is_known = told.is_ok();
    match told {
        Ok(Told::Paid(proof)) => match settle(app, &proof, None, now).await? {
            Settled::Now | Settled::Before => return Ok(Looked::Paid),
            // The money is not what was agreed: this payment is unpaid.
            Settled::Quarantined => {}
        },
        Ok(Told::Unpaid) => {}
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(%error, payment_id = payment.id, "provider silent");
        }
    }
    let checks = app.payments.checks;
    let done = payment.checks_done.saturating_add(1).min(checks.count);
    match payment.next_look(done, checks, now) {
        Some(at) => {
            if store::asked(table, payment, done, at).await? && done < checks.count {
                let hint =
                    CheckHint { attempt: done.saturating_add(1), ..CheckHint::first(payment.id) };
                hint.send(app, at.since(now)).await;
            }
            Ok(if is_known { Looked::Unpaid } else { Looked::Silent })
        }
        // Nobody knows whether it was paid: it stays open, and due, until the provider tells.
        None if !is_known => Ok(Looked::Silent),
        None => {
            store::end(table, payment, Event::RanOut).await?;
            Ok(Looked::Ended)
        }
    }
}

/// Looks for the invoice of a payment whose call was never answered.
async fn resolve(app: &App, payment: &Payment, now: Instant) -> Result<Looked> {
    let table = &app.platform.table;
    match payment.provider.trace(app, payment).await {
        Ok(Traced::Paid(proof)) => match settle(app, &proof, None, now).await? {
            Settled::Now | Settled::Before => Ok(Looked::Paid),
            Settled::Quarantined => {
                store::end(table, payment, Event::Unlisted).await?;
                Ok(Looked::Ended)
            }
        },
        Ok(Traced::Open(invoice)) => {
            store::answered(table, payment, &invoice, now + app.payments.checks.delay).await?;
            CheckHint::first(payment.id).send(app, app.payments.checks.delay).await;
            Ok(Looked::Unpaid)
        }
        Ok(Traced::Nothing) => {
            store::end(table, payment, Event::Unlisted).await?;
            Ok(Looked::Ended)
        }
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(%error, payment_id = payment.id, "provider silent");
            Ok(Looked::Silent)
        }
    }
}

/// What one run of the sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Swept {
    /// Payments that were looked at.
    looked_at: usize,
    /// Of these, how many were paid.
    paid: usize,
    /// Of these, how many ended without money.
    ended: usize,
    /// Of these, how many have to be looked at again in the next run, as something failed or the
    /// provider did not tell.
    failed: usize,
    /// Was everything looked at that was due?
    complete: bool,
}

/// A hint is lost when its check is this late; until then the check itself is on its way.
const LATE: SignedDuration = SignedDuration::from_secs(20);
/// Left of the function's time when the sweep begins nothing new: one question and its writes.
const RESERVE: Duration = Duration::from_secs(15);
/// The longest that one run begins anything.
const LONGEST: Duration = Duration::from_secs(45);
/// Payments looked at at once.
const ABREAST: usize = 8;

/// How much time the function has left.
pub(super) struct Budget {
    began: Stopwatch,
    time: Duration,
}

impl Budget {
    pub(super) fn of(invocation: &Invocation) -> Self {
        let left = Duration::from_millis(invocation.remaining_ms).saturating_sub(RESERVE);
        Self { began: Stopwatch::now(), time: left.min(LONGEST) }
    }

    pub(super) fn is_spent(&self) -> bool {
        self.began.elapsed() >= self.time
    }
}

async fn handle_sweep(app: App, invocation: Invocation) -> Result<Swept> {
    let (budget, now) = (Budget::of(&invocation), invocation.now);
    let mut swept = Swept { complete: true, ..Swept::default() };
    for shard in 0..SHARDS {
        let mut cursor = None;
        loop {
            if budget.is_spent() {
                swept.complete = false;
                return Ok(swept);
            }
            let partition = ("due_pk", Payment::partition(shard));
            let query = Query::global_index("due", partition, "due_at");
            let query = query.up_to(now.micros()).limit(100).after(cursor);
            let page = app.platform.table.query(&query).await?;
            let due = still_due(&app, &page.items, now).await?;
            look_at_all(&app, due, &budget, now, &mut swept).await;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    Ok(swept)
}

/// The payments behind a page of the index, which may lag, that are to be looked at indeed.
async fn still_due(app: &App, page: &[Item], now: Instant) -> Result<Vec<Payment>> {
    let mut payments: Vec<Payment> = app.platform.table.behind(page).await?;
    payments.retain(|payment| is_due(app, payment, now));
    Ok(payments)
}

fn is_due(app: &App, payment: &Payment, now: Instant) -> bool {
    let hinted = payment.checks_done < app.payments.checks.count && now < payment.expires_at;
    let late = if hinted { LATE } else { SignedDuration::ZERO };
    match payment.status {
        Status::Creating => payment.created_at + CREATING_MAX <= now,
        Status::Pending => payment.look_at.is_some_and(|at| at + late <= now),
        Status::Paid | Status::Expired | Status::Failed => false,
    }
}

/// Looks at payments, some abreast. One that fails stays due and keeps no other from its turn. All
/// of it in the job's own task, whose meter counts what it costs.
async fn look_at_all(
    app: &App,
    due: Vec<Payment>,
    budget: &Budget,
    now: Instant,
    swept: &mut Swept,
) {
    let mut waiting = due.into_iter().peekable();
    while waiting.peek().is_some() {
        if budget.is_spent() {
            swept.complete = false;
            return;
        }
        let some: Vec<_> = waiting.by_ref().take(ABREAST).collect();
        let asked = some.iter().map(|payment| async move {
            match payment.status {
                Status::Creating => resolve(app, payment, now).await,
                _ => look(app, payment, now).await,
            }
        });
        let asked = asked.map(|looking| AssertUnwindSafe(Box::pin(looking)).catch_unwind());
        for (payment, looked) in some.iter().zip(join_all(asked).await) {
            swept.looked_at += 1;
            match looked.unwrap_or_else(|_| Err(Problem::bug("a look at a payment panicked"))) {
                Ok(Looked::Paid) => swept.paid += 1,
                Ok(Looked::Ended) => swept.ended += 1,
                Ok(Looked::Unpaid) => {}
                Ok(Looked::Silent) => swept.failed += 1,
                Err(problem) => {
                    let error = chain(&problem);
                    tracing::error!(%error, payment_id = payment.id, "payment not looked at");
                    swept.failed += 1;
                }
            }
        }
    }
}
