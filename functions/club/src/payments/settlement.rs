//! Settlement: one transaction for each success, whoever brings it and how often.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity as _, Write, WriteError};

use super::contracts::{self, RecurringContract};
use super::items::{AnalyticsEvent, UnassignedPayment};
use super::model::{self, Attempt, Event, Payment, Status, Success, Verdict};
use super::offers::Purpose;
use super::store;
use crate::App;
use crate::auth::{self, Member};
use crate::bot;
use crate::energies::{self, Award};
use crate::gifts::{self, Bought, Gift};
use crate::outbox::{self, Message};
use crate::subscriptions::{SubscriptionEvent, extended};
use crate::wire::lease_lost;

/// The attribute of a member that names who took the last payment.
pub const LAST_PROVIDER: &str = "last_provider";

/// What became of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was settled now.
    Now,
    /// It had been settled before.
    Before,
    /// It was put aside for a person to decide.
    Quarantined,
}

/// Settles a success, once. Two reads, three where a refunded subscription goes on, and one
/// transaction of ten items at most, anew for each time that another writer came first. `also` goes
/// with the effect: the fence of a job, or the update of the bot that must not have it twice.
///
/// # Errors
/// 409 `lease_lost` when the fence is another's; 503 when nothing was stored; the same success may
/// then be sent again.
pub async fn settle(
    app: &App,
    success: &Success,
    also: Option<&Write>,
    now: Instant,
) -> Result<Settled> {
    optimistic(|| round(app, success, also, now)).await
}

async fn round(
    app: &App,
    success: &Success,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<Settled>> {
    let attempt_at = Attempt::key_of(&success.attempt_id);
    let payment_at = Payment::key_of(success.provider, &success.external_id);
    let rows = app.platform.table.batch(&[attempt_at.clone(), payment_at.clone()]).await?;
    let attempt: Option<Attempt> = rows.get(&attempt_at)?;
    let payment: Option<Payment> = rows.get(&payment_at)?;
    let renewed = renews(app, attempt.as_ref(), success).await?;
    match (model::judge(attempt.as_ref(), payment.as_ref(), success, renewed), &attempt) {
        (Verdict::Duplicate, _) => Ok(Round::Done(Settled::Before)),
        (Verdict::Settle { first }, Some(attempt)) => {
            commit(app, attempt, success, first, also, now).await
        }
        (Verdict::Settle { .. }, None) => Err(Problem::bug("settling what does not exist")),
        (Verdict::Quarantine(reason), _) => put_aside(app, success, reason, also, now).await,
    }
}

/// Does the success belong to a standing subscription of a refunded attempt that its provider has
/// not ended? One read for such an attempt.
async fn renews(app: &App, attempt: Option<&Attempt>, success: &Success) -> Result<bool> {
    let attempt = attempt.filter(|attempt| attempt.status == Status::Refunded);
    let Some(attempt) = attempt.filter(|attempt| success.is_of_contract(attempt)) else {
        return Ok(false);
    };
    let contract: Option<RecurringContract> = contracts::of(&app.platform.table, attempt).await?;
    Ok(contract.is_some_and(|contract| contract.live))
}

async fn commit(
    app: &App,
    attempt: &Attempt,
    success: &Success,
    first: bool,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<Settled>> {
    let payment = Payment {
        provider: success.provider,
        external_id: success.external_id.clone(),
        attempt_id: attempt.id.clone(),
        payer: attempt.payer,
        sum: attempt.price,
        purpose: attempt.purpose,
        days: attempt.days,
        energies: 0,
        gift: None,
        refunded: 0,
        days_reversed: 0,
        energies_reversed: 0,
        at: now,
    };
    let renewed = attempt.status == Status::Refunded;
    let event = if renewed { Event::Renewed } else { Event::Settled };
    let Some(mut paid) = store::changed("attempt", attempt, event, now) else {
        return Err(Problem::bug("settling from a state that does not settle"));
    };
    let recurs = success.is_of_contract(attempt);
    let contract = recurs.then(|| contracts::paid(attempt, &payment, now));
    if recurs && attempt.contract.is_none() {
        paid = paid.set("contract", &payment.external_id);
    }
    let (payment, granted) = match attempt.purpose {
        // What is paid while its end is under way renews itself no more.
        Purpose::Own => grant_days(app, attempt, payment, (first, recurs && !renewed), now).await?,
        Purpose::Gift => grant_gift(app, attempt, payment, now)?,
    };
    let event = AnalyticsEvent::of(attempt, "payment_success", &payment.id(), now);
    let mut writes = vec![Write::insert("payment", &payment), paid.add("unrefunded", 1)];
    if attempt.status.is_open() {
        writes.push(store::freed(attempt));
    }
    writes.extend(granted);
    writes.extend(contract);
    writes.push(Write::put("analytics", &event));
    writes.extend(also.cloned());
    match app.platform.table.transact(writes).await {
        Ok(()) => Ok(Round::Done(Settled::Now)),
        Err(error) if refuses(&error, "lease") => Err(lease_lost()),
        Err(error) if refuses(&error, bot::WRITE) => Ok(Round::Done(Settled::Before)),
        // Whatever was refused, the next round sees why: the payment is there, the attempt or the
        // member has changed.
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

fn refuses(error: &WriteError, name: &str) -> bool {
    matches!(error, WriteError::Refused(refusal) if refusal.has(name))
}

/// More days and energies for the payer. One read.
async fn grant_days(
    app: &App,
    attempt: &Attempt,
    payment: Payment,
    (first, recurs): (bool, bool),
    now: Instant,
) -> Result<(Payment, Vec<Write>)> {
    let found = auth::find(&app.platform.table, attempt.payer).await?;
    let member = found.ok_or_else(|| Problem::bug("an attempt without its payer"))?;
    let id = payment.id();
    let until = extended(member.subscription_expires, attempt.days, now);
    let award = Award::payment(&id).of(app.payments.award);
    let income = energies::income(&member, &award, now);
    let energies = income.energies;
    let event = SubscriptionEvent {
        tg_id: member.tg_id,
        cause: id.clone(),
        event: "payment".to_owned(),
        from: member.subscription_expires,
        until,
        at: now,
    };
    let message = Message::Congratulation { tg_id: member.tg_id, until, energies };
    let told = if first { format!("congrats:{}", attempt.id) } else { format!("congrats:{id}") };
    let writes = vec![
        income.on(extend(&member, attempt, recurs, until, now)),
        income.entry,
        Write::insert("subscription", &event),
        outbox::ask(&told, &message, now)?,
    ];
    Ok((Payment { energies, ..payment }, writes))
}

fn extend(member: &Member, attempt: &Attempt, recurs: bool, until: Instant, now: Instant) -> Write {
    let mut write = auth::change(member, now)
        .set("subscription_expires", until)
        .set("gifted", false)
        .remove("gifted_by")
        .set(LAST_PROVIDER, attempt.provider)
        .set_once("first_purchase_at", now);
    for (contact, given) in [("email", &attempt.email), ("phone", &attempt.phone)] {
        if let Some(given) = given {
            write = write.set_once(contact, given);
        }
    }
    if recurs { write.set("auto_renewal", true) } else { write }
}

/// A gift for whoever gets its token; the giver gets neither days nor energies.
fn grant_gift(
    app: &App,
    attempt: &Attempt,
    payment: Payment,
    now: Instant,
) -> Result<(Payment, Vec<Write>)> {
    let bought = Bought {
        attempt_id: &attempt.id,
        payment_id: &payment.id(),
        giver: attempt.payer,
        recipient: attempt.recipient,
        days: attempt.days,
    };
    let gift = Gift::new(bought, app.gifts.ttl_days, now);
    let link = app.payments.bot.gift_link(&gift.token).map_err(Problem::bug)?;
    let message = Message::GiftLink { tg_id: gift.giver, link };
    // The attempt pays one gift only; the token, a secret, would show in logs as an id.
    let told = outbox::ask(&format!("gift_link:{}", attempt.id), &message, now)?;
    let payment = Payment { gift: Some(gift.token.clone()), ..payment };
    let mut writes = Vec::from(gifts::granted(&gift));
    writes.push(told);
    Ok((payment, writes))
}

/// Keeps money that fits nowhere, and has those who run the club told. One transaction of two
/// items; once is enough.
async fn put_aside(
    app: &App,
    success: &Success,
    reason: &'static str,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<Settled>> {
    let unassigned = UnassignedPayment {
        provider: success.provider,
        external_id: success.external_id.clone(),
        attempt_id: success.attempt_id.clone(),
        amount: success.said.amount.clone(),
        currency: success.said.currency.clone(),
        reason: reason.to_owned(),
        at: now,
    };
    let key = unassigned.key().pk;
    let alert = Message::AdminAlert {
        text: format!("Unassigned payment ({reason}): attempt {}", success.attempt_id),
    };
    let mut writes =
        vec![Write::insert("unassigned", &unassigned), outbox::ask(&key, &alert, now)?];
    writes.extend(also.cloned());
    match app.platform.table.transact(writes).await {
        Ok(()) => {
            tracing::warn!(attempt_id = %success.attempt_id, reason, "payment put aside");
            Ok(Round::Done(Settled::Quarantined))
        }
        Err(error) if refuses(&error, "lease") => Err(lease_lost()),
        Err(error) => {
            error.refusal()?;
            Ok(Round::Done(Settled::Quarantined))
        }
    }
}
