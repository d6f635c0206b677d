//! Links that are given again: the open attempt of equal terms, and the answer of a key.

use shared::clock::Instant;
use shared::idempotency::{Idempotency, Outcome};
use shared::problem::{Problem, Result};

use super::Linked;
use super::refusals::{failed, waiting};
use crate::App;
use crate::payments::model::{Attempt, Status};
use crate::payments::store;

/// What the attempt in a slot means for the next.
pub(super) enum Standing {
    /// There is a link to give again.
    Link(Box<Attempt>),
    /// Another may take its place; the attempt, when it is to fail by that.
    Over(Option<Box<Attempt>>),
}

/// What a key is tied to when its call found a link instead of making one: a replay must say so
/// again.
const FOUND: &str = "found:";

/// The answer from what a key is tied to: `None` when its try failed.
///
/// An attempt abandoned before it had a link counts as failed: nobody was told where to pay it. One
/// that was paid does not, also when our own call died before it wrote the link down: a new link
/// could take the money twice, and an error would break the promise of the same answer. Its
/// provider is asked for the same link again, by the attempt's id; one that would make a second
/// link refuses.
pub(super) async fn answer_of(app: &App, tied: &str, now: Instant) -> Result<Option<Linked>> {
    let found = tied.strip_prefix(FOUND);
    let (reused, id) = (found.is_some(), found.unwrap_or(tied));
    let Some(mut attempt) = store::find(&app.platform.table, id).await? else { return Ok(None) };
    match (attempt.status, &attempt.url) {
        (Status::Failed, _) | (Status::Abandoned, None) => return Ok(None),
        (Status::Created, _) => match attempt.awaited(app.payments.answer_limit(), now) {
            Some(left) => return Err(waiting(left)),
            None => return Ok(None),
        },
        (_, Some(_)) => {}
        (_, None) => {
            let invoice = attempt.provider.invoice(app, &attempt).await.map_err(failed)?;
            store::linked(&app.platform.table, &attempt, &invoice).await?;
            (attempt.invoice_id, attempt.url) = (Some(invoice.id), Some(invoice.url));
        }
    }
    Ok(Some(Linked::Link { attempt: Box::new(attempt), reused, replayed: true }))
}

/// The answer of the call that tied our key before we could.
pub(super) async fn won(app: &App, tied: &str, now: Instant) -> Result<Linked> {
    let linked = answer_of(app, tied, now).await?;
    linked.ok_or_else(|| Problem::try_again("the first call failed meanwhile"))
}

/// What the attempt in a slot means for the next.
pub(super) async fn standing(app: &App, id: &str, now: Instant) -> Result<Standing> {
    let Some(attempt) = store::find(&app.platform.table, id).await? else {
        return Ok(Standing::Over(None));
    };
    match attempt.status {
        Status::Pending => Ok(Standing::Link(Box::new(attempt))),
        Status::Created => match attempt.awaited(app.payments.answer_limit(), now) {
            Some(left) => Err(waiting(left)),
            None => Ok(Standing::Over(Some(Box::new(attempt)))),
        },
        _ => Ok(Standing::Over(None)),
    }
}

/// Gives a link again. A key that came with the call is tied to it from now on, also one whose
/// earlier try, `renewed`, failed.
pub(super) async fn reuse(
    app: &App,
    attempt: Box<Attempt>,
    key: &Idempotency,
    renewed: Option<&str>,
    now: Instant,
) -> Result<Linked> {
    let tied = format!("{FOUND}{}", attempt.id);
    if let Some(write) = key.naming(&tied, renewed, now)
        && let Err(error) = app.platform.table.write(write).await
        && let Some(Outcome::Entity(other)) = key.replay_refusal(&error.refusal()?, now)?
        && other != tied
    {
        return won(app, &other, now).await;
    }
    Ok(Linked::Link { attempt, reused: true, replayed: false })
}
