//! Money that its provider gave back: taken off the balance as far as it is there, once for each
//! charge.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::retry::{Round, contended};
use shared::table::Write;
use shared::telegram::TelegramUpdate;
use shared::telemetry;

use super::items::Receipt;
use super::proof::{Doubt, Proof};
use super::settlement::{self, Settled, done, put_aside, settle};
use crate::App;
use crate::money::{self, Change, Kind, Kopecks, Reason};
use crate::users::{User, user_key};

/// What became of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversed {
    /// The money was taken off the balance now.
    Now,
    /// It had been before.
    Before,
    /// It fits no money that came, and was put aside.
    Quarantined,
}

/// Takes back what a charge gave, once. A refund proves that its charge was paid: where the
/// payment was not told of, it is put on the balance first, so that a later word of it changes
/// nothing. Two reads and one transaction of at most four items, besides the payment's.
///
/// # Errors
/// 503 when nothing was stored; the same refund may then be brought again.
pub async fn reverse(
    app: &App,
    proof: &Proof,
    update: Option<TelegramUpdate>,
    now: Instant,
) -> Result<Reversed> {
    let receipt_at = Receipt::key_of(proof.provider, &proof.receipt_id);
    let known: Option<Receipt> = app.platform.table.get(&receipt_at).await?;
    if known.is_none() && Box::pin(settle(app, proof, None, now)).await? == Settled::Quarantined {
        let aside = || put_aside(app, proof, Doubt::UnknownRefund, update, now);
        contended(money::TRIES, aside).await?;
        return Ok(Reversed::Quarantined);
    }
    contended(money::TRIES, || round(app, proof, update, now)).await
}

async fn round(
    app: &App,
    proof: &Proof,
    update: Option<TelegramUpdate>,
    now: Instant,
) -> Result<Round<Reversed>> {
    let table = &app.platform.table;
    let receipt_at = Receipt::key_of(proof.provider, &proof.receipt_id);
    let receipt: Option<Receipt> = table.get(&receipt_at).await?;
    let receipt = receipt.ok_or_else(|| Problem::bug("a receipt is gone"))?;
    if receipt.reversed.is_some() {
        return match update {
            None => Ok(Round::Done(Reversed::Before)),
            Some(update) => done(table.transact(vec![update.once()]).await, Reversed::Before),
        };
    }
    let user: Option<User> = table.get(&user_key(receipt.user_id)).await?;
    let user = user.ok_or_else(|| Problem::bug("a receipt without its payer"))?;
    let taken = receipt.kopecks.min(Kopecks(user.balance));
    let shortfall = Kopecks(receipt.kopecks.0.saturating_sub(taken.0));
    let reason = Reason {
        kind: Kind::Reversal,
        cause: receipt.receipt_id.clone(),
        order_id: None,
        payment_method: Some(receipt.provider.name().to_owned()),
        description: Some("Telegram Stars refund".to_owned()),
    };
    let change = Change::of(&user, Kopecks(taken.0.saturating_neg()), reason, now);
    let change = change.ok_or_else(|| Problem::bug("a reversal beyond the balance"))?;
    let mut writes: Vec<Write> = update.map(TelegramUpdate::once).into_iter().collect();
    writes.push(
        Write::update("receipt", receipt_at)
            .set("reversed", taken)
            .set("shortfall", shortfall)
            .set("reversed_at", now.micros())
            .when("attribute_exists(#pk) AND attribute_not_exists(#reversed)"),
    );
    writes.extend([change.balance(), change.line()]);
    let round = settlement::done(table.transact(writes).await, Reversed::Now)?;
    if matches!(round, Round::Done(_)) && shortfall > Kopecks(0) {
        tracing::error!(shortfall_kopecks = shortfall.0, "money went back that was spent");
        telemetry::metrics(&app.platform, &[("reversal_shortfalls", 1)]);
    }
    Ok(round)
}
