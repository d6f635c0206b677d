//! Refunds that take nothing back from anybody: a person is to look at them.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::retry::Round;
use shared::table::Write;

use super::Word;
use crate::App;
use crate::outbox::{self, Message};
use crate::payments::items::{Fate, UnassignedPayment};

/// The refund of money that was put aside, whole or in part: those who run the club are told, and
/// the row keeps it, so that it is never assigned. `None` for any other money. One read and one
/// transaction of three items at most.
pub(super) async fn aside(
    app: &App,
    word: &Word,
    also: Option<&Write>,
    now: Instant,
) -> Result<Option<Round<()>>> {
    let table = &app.platform.table;
    let row_at = UnassignedPayment::key_of(word.provider, &word.external_id);
    let Some(row) = table.get::<UnassignedPayment>(&row_at).await? else { return Ok(None) };
    if row.fate == Fate::Assigned {
        // Since its payment was looked for: there is one now.
        return Ok(Some(Round::Stale));
    }
    let reason = "refund_of_unassigned";
    tracing::warn!(attempt_id = %word.attempt_id, reason, "refund not applied");
    let mark = Write::update("unassigned", row_at)
        .set_once("refunded_at", now)
        .when("#fate = :seen")
        .bind(":seen", row.fate);
    let writes = [alert(word, reason, now)?, mark].into_iter().chain(also.cloned()).collect();
    Ok(Some(match table.transact(writes).await {
        Ok(()) => Round::Done(()),
        Err(error) => match error.refusal()?.has("unassigned") {
            true => Round::Stale,
            // It was told before.
            false => Round::Done(()),
        },
    }))
}

/// What those who run the club are told of it.
pub(super) fn alert(word: &Word, reason: &str, now: Instant) -> Result<Write> {
    let Word { attempt_id, external_id, refund_id, said, .. } = word;
    let provider = word.provider.name();
    let amount = said.amount.as_deref().unwrap_or("all that is left");
    let currency = said.currency.as_deref().unwrap_or_default();
    let text = format!(
        "Refund to look at ({reason}): attempt {attempt_id}, {provider} payment {external_id}, \
         refund {refund_id}, {amount} {currency}"
    );
    // With the reason, so that the alert of an early word keeps no later one from its own.
    let id = format!("refund:{provider}:{external_id}:{refund_id}:{reason}");
    outbox::ask(&id, &Message::AdminAlert { text }, now)
}

/// Has those who run the club told of a refund that changes nothing. Once is enough.
pub(super) async fn report(
    app: &App,
    word: &Word,
    reason: &str,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<()>> {
    tracing::warn!(attempt_id = %word.attempt_id, reason, "refund not applied");
    let (table, alert) = (&app.platform.table, alert(word, reason, now)?);
    let reported = match also {
        None => table.write(alert).await.map(|_| ()),
        Some(also) => table.transact(vec![alert, also.clone()]).await,
    };
    match reported {
        Ok(()) => Ok(Round::Done(())),
        Err(error) => error.refusal().map(|_| Round::Done(())).map_err(Problem::from),
    }
}
