//! Hints at what comes next, and the sweep that finds what was lost.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::function::{Function, Invocation};
use shared::problem::{Problem, Result};
use shared::queue::{MAX_DELAY_S, Message, Queue};
use shared::stream::Change;

use super::model::{DUE_SHARDS, Due, Hinted, Onboarding, Plan};
use super::store;
use crate::App;
use crate::shift::Shift;

/// What is further ahead is hinted at by the sweep: it would be sent anew too often.
const AHEAD: SignedDuration = SignedDuration::from_hours(4);
/// A step is lost when it is this late.
const LATE: SignedDuration = SignedDuration::from_mins(2);
/// So long before their time steps far ahead are hinted at: as long as until the next sweep.
const EARLY: SignedDuration = SignedDuration::from_secs(MAX_DELAY_S);
/// Hints sent at once.
const ABREAST: usize = 8;

/// The body of a message of the queue `onboarding`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// Whose onboarding, by Telegram id.
    pub member: i64,
    /// What is to be said.
    pub kind: String,
    /// In which cycle.
    pub cycle: String,
    /// When.
    pub due: Instant,
}

impl Reminder {
    /// The hint at what comes next.
    fn of(row: &Onboarding, plan: &Plan) -> Option<Self> {
        let next = row.next(plan)?;
        let (kind, cycle) = (next.line.to_string(), row.cycle.clone());
        Some(Self { member: row.tg_id, kind, cycle, due: next.due })
    }

    /// Sends it, to come when it is due, or as late as SQS can.
    async fn send(&self, app: &App, now: Instant) -> Result<()> {
        let wait = self.due.since(now).max(SignedDuration::ZERO);
        Ok(queue(app)?.send(self, wait).await?)
    }
}

fn queue(app: &App) -> Result<&Queue> {
    app.onboarding_queue.as_ref().ok_or_else(|| Problem::bug("ONBOARDING_QUEUE_URL is not set"))
}

/// Sends the hint at what comes next in an onboarding that has changed. One message.
///
/// # Errors
/// When it is not sent: the change is to come again.
pub async fn remind_of(app: &App, change: &Change, now: Instant) -> Result<()> {
    let Some(item) = &change.new else { return Ok(()) };
    let row: Onboarding = item.read()?;
    match Reminder::of(&row, &app.onboarding.plan).filter(|next| next.due.since(now) <= AHEAD) {
        Some(reminder) => reminder.send(app, now).await,
        None => Ok(()),
    }
}

/// Messages of the queue `onboarding`.
#[must_use]
pub fn remind() -> Function<App> {
    Function::<App>::queue("club-onboarding-remind", "onboarding", handle)
        .summary("Takes the next step of an onboarding")
}

/// One hint: one read, and one transaction of two items where it is time.
async fn handle(app: App, invocation: Invocation, message: Message<Reminder>) -> Result<()> {
    let (hint, now) = (message.body, invocation.now);
    let Some(row) = store::find(&app, hint.member).await? else { return Ok(()) };
    match row.hinted(&hint.cycle, &hint.kind, &app.onboarding.plan, now) {
        Hinted::Drop => Ok(()),
        Hinted::Later(wait) => {
            let hint = Reminder { due: now + wait, ..hint };
            hint.send(&app, now).await
        }
        Hinted::Take(step) => store::take(&app, &row, step, now).await,
    }
}

/// Every fifteen minutes.
#[must_use]
pub fn sweep() -> Function<App> {
    Function::<App>::schedule("club-onboarding-sweep", "rate(15 minutes)", handle_sweep)
        .summary("Sends hints at what is due in onboardings: shortly before, or anew")
}

/// What one run of the sweep came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Swept {
    /// Another run holds the lease: nothing was done.
    lease_held: bool,
    /// Hints sent.
    hints: usize,
    /// Was everything looked at that was due?
    complete: bool,
}

async fn handle_sweep(app: App, invocation: Invocation) -> Result<Swept> {
    let Some(shift) = Shift::begin(&app, "onboarding_sweep", &invocation).await? else {
        return Ok(Swept { lease_held: true, ..Swept::default() });
    };
    let swept = work(&app, &shift, &invocation).await;
    shift.end(&app).await;
    swept
}

/// Sends hints only, and a hint is worth nothing by itself: no write here needs a fence. How long a
/// hint waits goes by the clock: a job may run later than its own instant.
async fn work(app: &App, shift: &Shift, invocation: &Invocation) -> Result<Swept> {
    let (now, mut swept) = (invocation.now, Swept::default());
    for due in Due::ALL {
        let by = match due {
            Due::Soon => now - LATE,
            Due::Later => now + EARLY,
        };
        for shard in 0..DUE_SHARDS {
            let mut cursor = None;
            loop {
                if shift.is_over() {
                    return Ok(swept);
                }
                let (rows, next) = store::due(app, due, shard, by, cursor).await?;
                swept.hints += hint_at(app, &rows, invocation.clock).await?;
                cursor = next;
                if cursor.is_none() {
                    break;
                }
            }
        }
    }
    Ok(Swept { complete: true, ..swept })
}

/// Sends the hints at what comes next in these, some abreast.
async fn hint_at(app: &App, rows: &[Onboarding], now: Instant) -> Result<usize> {
    let plan = &app.onboarding.plan;
    let hints: Vec<_> = rows.iter().filter_map(|row| Reminder::of(row, plan)).collect();
    let (count, mut waiting) = (hints.len(), hints.into_iter().peekable());
    while waiting.peek().is_some() {
        let mut sent = tokio::task::JoinSet::new();
        for hint in waiting.by_ref().take(ABREAST) {
            let app = app.clone();
            sent.spawn(async move { hint.send(&app, now).await });
        }
        while let Some(one) = sent.join_next().await {
            one.map_err(Problem::bug).flatten()?;
        }
    }
    Ok(count)
}
