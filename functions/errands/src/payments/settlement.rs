//! What becomes of a proof of payment: the money on the balance, once, whoever brings the proof
//! and how often; or put aside, when it does not fit.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::retry::{Round, contended};
use shared::table::{Table, Write, WriteError};
use shared::telegram::TelegramUpdate;
use shared::telegram::taken;
use shared::telemetry;

use super::items::{InvoicePointer, Receipt, UnmatchedEvent};
use super::model::{Event, Payment, Provider};
use super::proof::{self, Doubt, Proof, Verdict};
use super::store;
use crate::App;
use crate::events::{self, emit};
use crate::money::{self, Change, Kind, Reason};
use crate::users::{User, user_key};

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The money is on the balance now.
    Now,
    /// It was there before.
    Before,
    /// It was put aside for a person to decide.
    Quarantined,
}

/// Puts money on its balance, once. `update`: the bot's update that brings the proof, committed
/// with its effect. One batch read, one or two reads and one transaction of at most six items, anew
/// for each time that another writer came first.
///
/// # Errors
/// 503 when nothing was stored; the same proof may then be brought again.
pub async fn settle(
    app: &App,
    proof: &Proof,
    update: Option<TelegramUpdate>,
    now: Instant,
) -> Result<Settled> {
    contended(money::TRIES, || round(app, proof, update, now)).await
}

async fn round(
    app: &App,
    proof: &Proof,
    update: Option<TelegramUpdate>,
    now: Instant,
) -> Result<Round<Settled>> {
    let table = &app.platform.table;
    let (payment, receipt) = read(table, proof).await?;
    let assets = &app.settings.crypto_assets;
    match (proof::judge(payment.as_ref(), receipt.as_ref(), proof, assets), payment) {
        (Verdict::Credit, Some(payment)) => credit(app, &payment, proof, update, now).await,
        (Verdict::Credit, None) => Err(Problem::bug("money for what does not exist")),
        (Verdict::Repeat, _) => match update {
            None => Ok(Round::Done(Settled::Before)),
            Some(update) => done(table.transact(vec![update.once()]).await, Settled::Before),
        },
        (Verdict::Quarantine(doubt), _) => put_aside(app, proof, doubt, update, now).await,
    }
}

/// The payment that a proof names, by our reference or else by the provider's id of the invoice,
/// and what was done with the same money before.
async fn read(table: &Table, proof: &Proof) -> Result<(Option<Payment>, Option<Receipt>)> {
    let payment_at = proof.payment_id().map(Payment::key_of);
    let receipt_at = Receipt::key_of(proof.provider, &proof.receipt_id);
    let invoice_at = proof.invoice_id.as_ref().map(|id| InvoicePointer::key_of(proof.provider, id));
    let keys = [Some(receipt_at.clone()), payment_at.clone(), invoice_at.clone()];
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    let rows = table.batch(&keys).await?;
    let receipt = rows.get(&receipt_at)?;
    let named: Option<Payment> = payment_at.map(|at| rows.get(&at)).transpose()?.flatten();
    let pointer: Option<InvoicePointer> = invoice_at.map(|at| rows.get(&at)).transpose()?.flatten();
    let payment = match (named, pointer) {
        (Some(payment), _) => Some(payment),
        (None, Some(pointer)) => store::find(table, pointer.payment_id).await?,
        (None, None) => None,
    };
    Ok((payment, receipt))
}

async fn credit(
    app: &App,
    payment: &Payment,
    proof: &Proof,
    update: Option<TelegramUpdate>,
    now: Instant,
) -> Result<Round<Settled>> {
    let table = &app.platform.table;
    let user: Option<User> = table.get(&user_key(payment.user_id)).await?;
    let user = user.ok_or_else(|| Problem::bug("a payment without its payer"))?;
    let reason = Reason {
        kind: Kind::Recharge,
        cause: payment.id.to_string(),
        order_id: None,
        payment_method: Some(payment.provider.name().to_owned()),
        description: Some(description(payment.provider, proof)),
    };
    let change = Change::of(&user, payment.kopecks, reason, now);
    let change = change.ok_or_else(|| Problem::bug("a balance beyond counting"))?;
    let paid = store::changed(payment, Event::Proven);
    let paid = paid.ok_or_else(|| Problem::bug("paying from a state that is not payable"))?;
    let receipt = Receipt {
        provider: proof.provider,
        receipt_id: proof.receipt_id.clone(),
        payment_id: payment.id,
        user_id: payment.user_id,
        kopecks: payment.kopecks,
        at: now,
        reversed: None,
        shortfall: None,
        reversed_at: None,
    };
    let mut writes: Vec<Write> = update.map(TelegramUpdate::once).into_iter().collect();
    writes.push(Write::insert("receipt", &receipt));
    writes.push(identified(paid.set("paid_at", now.micros()), proof));
    writes.extend([change.balance(), change.line()]);
    if payment.is_late(now) {
        let kopecks = payment.kopecks.0;
        let event =
            events::Event::PaymentLate { user_id: user.id, payment_id: payment.id, kopecks };
        writes.push(emit(event, now)?);
    }
    done(table.transact(writes).await, Settled::Now)
}

/// A webhook may be faster than the answer that names the invoice.
fn identified(paid: Write, proof: &Proof) -> Write {
    match &proof.invoice_id {
        Some(id) => paid.set_once("invoice_id", id),
        None => paid,
    }
}

fn description(provider: Provider, proof: &Proof) -> String {
    match provider {
        Provider::CryptoBot => format!("Crypto Bot payment #{}", proof.receipt_id),
        Provider::TelegramStars => "Telegram Stars payment".to_owned(),
        Provider::Sandbox => money::recharged_via(provider.name()),
    }
}

/// What a transaction came to that anybody may have been faster with: whatever was refused, the
/// next round sees why.
pub(super) fn done<T>(outcome: Result<(), WriteError>, value: T) -> Result<Round<T>> {
    match outcome {
        Ok(()) => Ok(Round::Done(value)),
        Err(error) => {
            let refusal = error.refusal()?;
            // Another delivery of the same update has had its effect.
            let repeated = refusal.has(taken::WRITE);
            Ok(if repeated { Round::Done(value) } else { Round::Stale })
        }
    }
}

/// Keeps money that fits nowhere, and tells those who run the service. Once is enough. One
/// transaction.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn put_aside(
    app: &App,
    proof: &Proof,
    doubt: Doubt,
    update: Option<TelegramUpdate>,
    now: Instant,
) -> Result<Round<Settled>> {
    let unmatched = UnmatchedEvent {
        provider: proof.provider,
        receipt_id: proof.receipt_id.clone(),
        invoice_id: proof.invoice_id.clone(),
        doubt,
        said: proof.said.clone(),
        at: now,
    };
    let mut writes: Vec<Write> = update.map(TelegramUpdate::once).into_iter().collect();
    writes.push(Write::insert("unmatched", &unmatched));
    match app.platform.table.transact(writes).await {
        Ok(()) => {
            let provider = proof.provider.name();
            tracing::error!(provider, doubt = doubt.name(), "money put aside");
            telemetry::metrics(&app.platform, &[("unmatched_payments", 1)]);
        }
        Err(error) => {
            let refusal = error.refusal()?;
            // Known money, told of by an update that is not: only the update is to be kept.
            if let Some(update) = update.filter(|_| !refusal.has(taken::WRITE)) {
                return done(
                    app.platform.table.transact(vec![update.once()]).await,
                    Settled::Quarantined,
                );
            }
        }
    }
    Ok(Round::Done(Settled::Quarantined))
}
