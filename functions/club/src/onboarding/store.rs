//! Onboardings in the table.

use shared::clock::Instant;
use shared::problem::Result;
use shared::retry::{Round, optimistic};
use shared::table::{Cursor, Query, Write};

use super::model::{Due, Heard, Line, Onboarding, Step};
use crate::outbox::{self, Message};
use crate::{App, auth};

/// Rows of one page of the index.
const DUE_PAGE: u32 = 100;

/// The onboarding of a member, if there is one. One read.
pub(super) async fn find(app: &App, tg_id: i64) -> Result<Option<Onboarding>> {
    Ok(app.platform.table.get(&Onboarding::key_of(tg_id)).await?)
}

/// Takes what a member has written in private, a command excepted. One read; one transaction of
/// three items where it comes to something. `once` goes with it: whoever has had its effect has no
/// second.
///
/// # Errors
/// When nothing was stored; the same may then be heard again.
pub async fn heard(app: &App, tg_id: i64, text: &str, once: &Write, now: Instant) -> Result<()> {
    optimistic(|| hear(app, tg_id, text, once, now)).await
}

async fn hear(app: &App, tg_id: i64, text: &str, once: &Write, now: Instant) -> Result<Round<()>> {
    let Some(row) = find(app, tg_id).await? else { return Ok(Round::Done(())) };
    let settings = &app.onboarding;
    let (next, line) = match row.heard(text, &settings.keyword, &settings.plan, now) {
        Heard::Keyword(next) => (next, Line::Ready),
        Heard::Other(next) => (next, Line::Hint),
        Heard::Nothing => return Ok(Round::Done(())),
    };
    commit(app, &row, &next, Some(line), Some(once), now).await
}

/// Takes a press of the "ready" button. One read; one transaction of three items where the button
/// is waited for.
///
/// # Errors
/// When nothing was stored; the same may then be pressed again.
pub async fn pressed(app: &App, tg_id: i64, once: &Write, now: Instant) -> Result<()> {
    optimistic(|| press(app, tg_id, once, now)).await
}

async fn press(app: &App, tg_id: i64, once: &Write, now: Instant) -> Result<Round<()>> {
    let row = find(app, tg_id).await?;
    let next = row.as_ref().and_then(|row| row.pressed(&app.onboarding.plan, now));
    match (row, next) {
        (Some(row), Some(next)) => {
            commit(app, &row, &next, Some(Line::Menu), Some(once), now).await
        }
        _ => Ok(Round::Done(())),
    }
}

/// Takes a step that is due, unless somebody was faster. One transaction of two items; one read
/// more for the offer of a gift, which those who were given one do not get.
pub(super) async fn take(app: &App, row: &Onboarding, step: Step, now: Instant) -> Result<()> {
    let next = row.stepped(step, &app.onboarding.plan, now);
    let line = match step.line {
        Line::GiftOffer if is_gifted(app, row.tg_id).await? => None,
        line => Some(line),
    };
    // Whoever was faster has changed the row, and the hint at what comes next then goes by that.
    commit(app, row, &next, line, None, now).await.map(|_| ())
}

async fn is_gifted(app: &App, tg_id: i64) -> Result<bool> {
    let member = auth::find(&app.platform.table, tg_id).await?;
    Ok(member.is_none_or(|member| member.gifted))
}

async fn commit(
    app: &App,
    row: &Onboarding,
    next: &Onboarding,
    line: Option<Line>,
    once: Option<&Write>,
    now: Instant,
) -> Result<Round<()>> {
    let mut writes: Vec<Write> = once.into_iter().cloned().collect();
    writes.push(changed(row, next));
    if let Some(line) = line {
        let said = Message::Onboarding { tg_id: row.tg_id, line };
        writes.push(outbox::ask(&said_id(row, line), &said, now)?);
    }
    let Err(error) = app.platform.table.transact(writes).await else {
        return Ok(Round::Done(()));
    };
    let refusal = error.refusal()?;
    let before = once.is_some_and(|once| refusal.has(once.name()));
    Ok(if before { Round::Done(()) } else { Round::Stale })
}

/// The id of what is said: a line is said once in a cycle, but for hints.
fn said_id(row: &Onboarding, line: Line) -> String {
    let (tg_id, cycle) = (row.tg_id, &row.cycle);
    match line {
        Line::Hint => format!("onboarding:{tg_id}:{line}:{cycle}:{}", row.version),
        _ => format!("onboarding:{tg_id}:{line}:{cycle}"),
    }
}

/// The write of the next row; refused under `onboarding` when the row is not any more as it was
/// seen.
fn changed(row: &Onboarding, next: &Onboarding) -> Write {
    Write::put("onboarding", next)
        .when("#cycle = :cycle AND #version = :version")
        .bind(":cycle", &row.cycle)
        .bind(":version", row.version)
}

/// One page of the rows of a partition of the index whose next step is due by then. One query and
/// one read: the index lags.
pub(super) async fn due(
    app: &App,
    due: Due,
    shard: u64,
    by: Instant,
    cursor: Option<Cursor>,
) -> Result<(Vec<Onboarding>, Option<Cursor>)> {
    let query = Query::global_index("due", ("due_pk", due.partition(shard)), "due_at")
        .up_to(by.to_string())
        .limit(DUE_PAGE)
        .after(cursor);
    let page = app.platform.table.query(&query).await?;
    let mut found: Vec<Onboarding> = app.platform.table.behind(&page.items).await?;
    found.retain(|row| row.due_at.is_some_and(|at| at <= by));
    Ok((found, page.next))
}
