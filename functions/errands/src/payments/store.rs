//! Changes of a payment that bring no money, each one conditional write or transaction.

use shared::clock::Instant;
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use shared::table::{Table, Write, WriteError};

use super::items::InvoicePointer;
use super::model::{Event, Payment, Status};
use super::providers::Invoice;

/// The payment `id`. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn find(table: &Table, id: i64) -> Result<Option<Payment>> {
    Ok(table.get(&Payment::key_of(id)).await?)
}

/// The name under which [`open`] is refused where the payment's id is taken.
pub const OPENED: &str = "payment";

/// Stores a payment and the key of its request before anybody else knows of it. Refused under
/// `idempotency` or [`OPENED`]. One transaction.
///
/// # Errors
/// See [`WriteError`].
pub async fn open(
    table: &Table,
    payment: &Payment,
    key: &Idempotency,
    renewed: Option<&str>,
) -> Result<(), WriteError> {
    let mut writes: Vec<Write> =
        key.naming(&payment.id.to_string(), renewed, payment.created_at).into_iter().collect();
    writes.push(Write::insert(OPENED, payment));
    table.transact(writes).await
}

/// Writes down the provider's answer: the payment waits for money from now on, and is looked at
/// next at `look_at`. Where it has moved on already, id and links are added and nothing else. One
/// transaction, and one write at most.
///
/// # Errors
/// When the store does not answer, or the provider has named another payment's invoice.
pub async fn answered(
    table: &Table,
    payment: &Payment,
    invoice: &Invoice,
    look_at: Instant,
) -> Result<()> {
    let Some(write) = changed(payment, Event::Answered) else {
        return linked(table, payment, invoice).await;
    };
    let mut writes = vec![look(linking(write, invoice), payment, look_at)];
    writes.extend(pointing(payment, invoice));
    match table.transact(writes).await {
        Ok(()) => return Ok(()),
        Err(error) => {
            let refusal = error.refusal()?;
            if refusal.has(POINTER) {
                return Err(Problem::try_again("the provider named another payment's invoice"));
            }
        }
    }
    linked(table, payment, invoice).await
}

/// Adds id and links to a payment that has none, and changes nothing else. One transaction.
///
/// # Errors
/// When the store does not answer.
pub async fn linked(table: &Table, payment: &Payment, invoice: &Invoice) -> Result<()> {
    let write = Write::update(OPENED, Payment::key_of(payment.id));
    let mut writes = vec![linking(write, invoice).when("attribute_exists(#pk)")];
    writes.extend(pointing(payment, invoice));
    Ok(table.transact(writes).await?)
}

/// The name of the write that leads from the provider's id to the payment.
const POINTER: &str = "pointer";

fn linking(write: Write, invoice: &Invoice) -> Write {
    let write = write.set_once("pay_url", &invoice.pay_url);
    let write = match &invoice.mini_app_url {
        Some(url) => write.set_once("mini_app_url", url),
        None => write,
    };
    match &invoice.id {
        Some(id) => write.set_once("invoice_id", id),
        None => write,
    }
}

fn pointing(payment: &Payment, invoice: &Invoice) -> Option<Write> {
    let invoice_id = invoice.id.clone()?;
    let pointer = InvoicePointer { provider: payment.provider, invoice_id, payment_id: payment.id };
    let write = Write::put(POINTER, &pointer)
        .when("attribute_not_exists(#pk) OR #payment_id = :payment")
        .bind(":payment", payment.id);
    Some(write)
}

/// Ends a payment without money, as `event` has it. False when it had moved on: nothing is
/// written then. One write.
///
/// # Errors
/// When the store does not answer.
pub async fn end(table: &Table, payment: &Payment, event: Event) -> Result<bool> {
    let Some(write) = changed(payment, event) else { return Ok(false) };
    happened(table.write(write).await.map(|_| ()))
}

/// Notes that the provider was asked and knew of no money: so many delayed checks are done, and
/// it is to be asked again at `look_at`. False when the payment had moved on. One write.
///
/// # Errors
/// When the store does not answer.
pub async fn asked(table: &Table, payment: &Payment, done: u32, look_at: Instant) -> Result<bool> {
    let write = Write::update(OPENED, Payment::key_of(payment.id))
        .set("checks_done", done)
        .when("#status = :pending AND #checks_done = :seen")
        .bind(":pending", Status::Pending)
        .bind(":seen", payment.checks_done);
    happened(table.write(look(write, payment, look_at)).await.map(|_| ()))
}

/// The beginning of every change of a payment's state, refused where the state is not any more as
/// it was read; the payment is not looked at again. `None` when the event changes nothing.
pub(super) fn changed(payment: &Payment, event: Event) -> Option<Write> {
    let status = payment.status.after(event)?;
    let write = Write::update(OPENED, Payment::key_of(payment.id))
        .set("status", status)
        .when("#status = :seen")
        .bind(":seen", payment.status);
    Some(if status.is_open() {
        write
    } else {
        write.remove("look_at").remove("due_pk").remove("due_at")
    })
}

fn look(write: Write, payment: &Payment, at: Instant) -> Write {
    write
        .set("look_at", at.micros())
        .set("due_at", at.micros())
        .set("due_pk", Payment::partition_of(payment.id))
}

/// Did a conditional change happen? A refusal means that somebody else came first.
fn happened(outcome: Result<(), WriteError>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) => error.refusal().map(|_| false).map_err(Problem::from),
    }
}
