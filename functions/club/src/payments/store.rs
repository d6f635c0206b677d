//! Changes of an attempt that bring no money, each one conditional write or transaction.

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::idempotency::Idempotency;
use shared::lease::Lease;
use shared::problem::Result;
use shared::table::{Item, Refusal, Table, Write, WriteError};

use super::items::{AnalyticsEvent, Due, INVOICE_INDEXED, OpenAttempt, invoice_partition};
use super::model::{Attempt, Event, Status};
use super::providers::Invoice;
use crate::outbox::{self, Message};
use crate::wire::lease_lost;

/// The attempt `id`. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn find(table: &Table, id: &str) -> Result<Option<Attempt>> {
    Ok(table.get(&Attempt::key_of(id)).await?)
}

/// What an attempt replaces in its slot.
#[derive(Clone, Copy, Debug)]
pub struct Replaced<'a> {
    /// The id that the slot holds.
    pub id: &'a str,
    /// The attempt, when it is to fail because the provider has had its time.
    pub unanswered: Option<&'a Attempt>,
}

/// Opens an attempt: key of the request, slot, attempt and event in one transaction. Refused under
/// `idempotency`, `open` or, when what it replaces has moved on, `replaced`.
///
/// # Errors
/// See [`WriteError`].
pub async fn open(
    table: &Table,
    attempt: &Attempt,
    event: &AnalyticsEvent,
    key: &Idempotency,
    renewed: Option<&str>,
    replaced: Option<Replaced<'_>>,
) -> Result<(), WriteError> {
    let slot = OpenAttempt { slot: attempt.slot(), attempt_id: attempt.id.clone() };
    let mut writes: Vec<Write> =
        key.naming(&attempt.id, renewed, attempt.created_at).into_iter().collect();
    writes.push(match replaced {
        None => Write::insert("open", &slot),
        Some(replaced) => Write::put("open", &slot)
            .when("attribute_not_exists(#pk) OR #attempt_id = :replaced")
            .bind(":replaced", replaced.id),
    });
    writes.push(Write::insert("attempt", attempt));
    writes.push(Write::insert("event", event));
    if let Some(old) = replaced.and_then(|replaced| replaced.unanswered) {
        let failed = changed("replaced", old, Event::Unanswered, attempt.created_at);
        writes.extend(failed.map(|write| write.set("reason", "timeout")));
    }
    table.transact(writes).await
}

/// Writes down the provider's answer: the attempt waits for money from now on. Where it has moved
/// on already, the link is added and nothing else. Answers where it stands. One write, two at most.
///
/// # Errors
/// When the store does not answer.
pub async fn answered(
    table: &Table,
    attempt: &Attempt,
    invoice: &Invoice,
    due_at: Instant,
    now: Instant,
) -> Result<Status> {
    let Some(write) = changed("attempt", attempt, Event::Answered, now) else {
        return Ok(attempt.status);
    };
    let write = found_by(write, attempt, invoice)
        .set("invoice_id", &invoice.id)
        .set("url", &invoice.url)
        .set("due_pk", Due::Check.partition_of(&attempt.id))
        .set("due_at", due_at);
    let refusal = match table.write(write).await {
        Ok(_) => return Ok(Status::Pending),
        Err(error) => error.refusal()?,
    };
    linked(table, attempt, invoice).await?;
    let found = refusal.old("attempt").map(Item::read::<Attempt>).transpose()?;
    Ok(found.map_or(Status::Failed, |found| found.status))
}

/// Adds the link to an attempt that has none, and changes nothing else. One write.
///
/// # Errors
/// When the store does not answer.
pub async fn linked(table: &Table, attempt: &Attempt, invoice: &Invoice) -> Result<()> {
    let write = Write::update("attempt", Attempt::key_of(&attempt.id));
    let write = found_by(write, attempt, invoice)
        .set_once("invoice_id", &invoice.id)
        .set_once("url", &invoice.url)
        .when("attribute_exists(#pk)");
    table.write(write).await?;
    Ok(())
}

/// Lets the index `invoice` find the attempt by its invoice.
fn found_by(write: Write, attempt: &Attempt, invoice: &Invoice) -> Write {
    match invoice_partition(attempt.provider, &invoice.id) {
        Some(partition) => write.set_once(INVOICE_INDEXED, partition),
        None => write,
    }
}

/// Ends an attempt without money, as `event` has it. False when it had moved on: nothing is
/// written then. One transaction.
///
/// # Errors
/// 409 `lease_lost` when the work's lease is another's; when the store does not answer.
pub async fn end(
    table: &Table,
    attempt: &Attempt,
    event: Event,
    reason: &str,
    fence: Option<&Lease>,
    now: Instant,
) -> Result<bool> {
    let Some(write) = changed("attempt", attempt, event, now) else { return Ok(false) };
    let write = write.set("reason", reason);
    let write = match event {
        Event::LastCheckUnpaid => write
            .set("checks_done", attempt.checks_done + 1)
            .when("#checks_done = :done")
            .bind(":done", attempt.checks_done),
        _ => write,
    };
    let mut writes = vec![write, freed(attempt)];
    if event == Event::Refused {
        let failed = AnalyticsEvent::of(attempt, "payment_failed", reason, now);
        writes.push(Write::put("event", &failed));
    }
    if matches!(event, Event::Refused | Event::LastCheckUnpaid) {
        let message = Message::PaymentNotCompleted { tg_id: attempt.payer };
        // One for each attempt, however it ends: an attempt never becomes pending again.
        writes.push(outbox::ask(&format!("payment_not_completed:{}", attempt.id), &message, now)?);
    }
    writes.extend(fence.map(Lease::fence));
    happened(table.transact(writes).await)
}

/// Counts a check that found nothing, and says when the next is due. False when the attempt had
/// moved on. One write.
///
/// # Errors
/// When the store does not answer.
pub async fn checked(
    table: &Table,
    attempt: &Attempt,
    interval: SignedDuration,
    now: Instant,
) -> Result<bool> {
    let write = Write::update("attempt", Attempt::key_of(&attempt.id))
        .set("checks_done", attempt.checks_done + 1)
        .set("due_at", now + interval)
        .set("updated_at", now)
        .when("#status = :pending AND #checks_done = :done")
        .bind(":pending", Status::Pending)
        .bind(":done", attempt.checks_done);
    happened(table.write(write).await.map(|_| ()))
}

/// Says when an attempt without money is to be looked at again, if ever. One transaction.
///
/// # Errors
/// 409 `lease_lost` when the work's lease is another's; when the store does not answer.
pub async fn put_off(table: &Table, attempt: &Attempt, fence: &Lease, now: Instant) -> Result<()> {
    let next = Attempt::follow_up(attempt.created_at, now);
    let write = looked_at(Write::update("attempt", Attempt::key_of(&attempt.id)), attempt, next)
        .when("#status = :seen")
        .bind(":seen", attempt.status);
    happened(table.transact(vec![write, fence.fence()]).await).map(|_| ())
}

/// The beginning of every change of an attempt's state; refused under `name` when the state is not
/// any more as it was read. `None` when the event changes nothing.
pub(super) fn changed(
    name: &'static str,
    attempt: &Attempt,
    event: Event,
    now: Instant,
) -> Option<Write> {
    let status = attempt.status.after(event)?;
    let write = Write::update(name, Attempt::key_of(&attempt.id))
        .set("status", status)
        .set("updated_at", now)
        .when("#status = :seen")
        .bind(":seen", attempt.status);
    Some(match Due::of(status) {
        // Whoever makes it pending says when it is checked.
        Some(Due::Check) => write,
        Some(Due::FollowUp) => {
            let next = Attempt::follow_up(attempt.created_at, now);
            looked_at(write, &Attempt { status, ..attempt.clone() }, next)
        }
        None => write.remove("due_pk").remove("due_at"),
    })
}

fn looked_at(write: Write, attempt: &Attempt, next: Option<Instant>) -> Write {
    match (next, Due::of(attempt.status)) {
        (Some(at), Some(due)) => {
            write.set("due_at", at).set("due_pk", due.partition_of(&attempt.id))
        }
        _ => write.remove("due_pk").remove("due_at"),
    }
}

/// Lets another attempt of the same terms be opened. Harmless where one is already.
pub(super) fn freed(attempt: &Attempt) -> Write {
    Write::delete("open", attempt.slot().key())
        .when("attribute_not_exists(#pk) OR #attempt_id = :attempt")
        .bind(":attempt", &attempt.id)
}

/// Did a conditional change happen? A refusal means that somebody else came first.
fn happened(outcome: Result<(), WriteError>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) => {
            let refusal = error.refusal()?;
            if refusal.has("lease") { Err(lease_lost()) } else { Ok(false) }
        }
    }
}

/// The attempt that refused the write `open`.
pub(super) fn holder(refusal: &Refusal) -> Option<String> {
    refusal.old("open").and_then(|item: &Item| item.text("attempt_id")).map(str::to_owned)
}
