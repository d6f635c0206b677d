//! Settlement: one transaction for each success, whoever brings it and how often.

use shared::clock::Instant;
use shared::lease::Lease;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity as _, Write, WriteError};

use super::items::{AnalyticsEvent, UnassignedPayment};
use super::model::{self, Attempt, Event, Payment, Success, Verdict};
use super::offers::Purpose;
use super::store;
use crate::App;
use crate::auth::{self, Member};
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

/// Settles a success, once. Two reads and one transaction of nine items at most, anew for each
/// time that another writer came first.
///
/// # Errors
/// 503 when nothing was stored; the same success may then be sent again.
pub async fn settle(
    app: &App,
    success: &Success,
    fence: Option<&Lease>,
    now: Instant,
) -> Result<Settled> {
    optimistic(|| round(app, success, fence, now)).await
}

async fn round(
    app: &App,
    success: &Success,
    fence: Option<&Lease>,
    now: Instant,
) -> Result<Round<Settled>> {
    let attempt_at = Attempt::key_of(&success.attempt_id);
    let payment_at = Payment::key_of(success.provider, &success.external_id);
    let rows = app.platform.table.batch(&[attempt_at.clone(), payment_at.clone()]).await?;
    let attempt: Option<Attempt> = rows.get(&attempt_at)?;
    let payment: Option<Payment> = rows.get(&payment_at)?;
    match (model::judge(attempt.as_ref(), payment.as_ref(), success), &attempt) {
        (Verdict::Duplicate, _) => Ok(Round::Done(Settled::Before)),
        (Verdict::Settle { first }, Some(attempt)) => {
            commit(app, attempt, success, first, fence, now).await
        }
        (Verdict::Settle { .. }, None) => Err(Problem::bug("settling what does not exist")),
        (Verdict::Quarantine(reason), _) => put_aside(app, success, reason, fence, now).await,
    }
}

async fn commit(
    app: &App,
    attempt: &Attempt,
    success: &Success,
    first: bool,
    fence: Option<&Lease>,
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
    let Some(paid) = store::changed("attempt", attempt, Event::Settled, now) else {
        return Err(Problem::bug("settling from a state that does not settle"));
    };
    let (payment, granted) = match attempt.purpose {
        Purpose::Own => grant_days(app, attempt, payment, first, now).await?,
        Purpose::Gift => grant_gift(app, attempt, payment, now)?,
    };
    let event = AnalyticsEvent::of(attempt, "payment_success", &payment.id(), now);
    let mut writes = vec![Write::insert("payment", &payment), paid.add("unrefunded", 1)];
    if attempt.status.is_open() {
        writes.push(store::freed(attempt));
    }
    writes.extend(granted);
    writes.push(Write::put("analytics", &event));
    writes.extend(fence.map(Lease::fence));
    match app.platform.table.transact(writes).await {
        Ok(()) => Ok(Round::Done(Settled::Now)),
        Err(error) if error_is_lease(&error) => Err(lease_lost()),
        // Whatever was refused, the next round sees why: the payment is there, the attempt or the
        // member has changed.
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

fn error_is_lease(error: &WriteError) -> bool {
    matches!(error, WriteError::Refused(refusal) if refusal.has("lease"))
}

/// More days and energies for the payer. One read.
async fn grant_days(
    app: &App,
    attempt: &Attempt,
    payment: Payment,
    first: bool,
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
        income.on(extend(&member, attempt, until, now)),
        income.entry,
        Write::insert("subscription", &event),
        outbox::ask(&told, &message, now)?,
    ];
    Ok((Payment { energies, ..payment }, writes))
}

fn extend(member: &Member, attempt: &Attempt, until: Instant, now: Instant) -> Write {
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
    write
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
    fence: Option<&Lease>,
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
    writes.extend(fence.map(Lease::fence));
    match app.platform.table.transact(writes).await {
        Ok(()) => {
            tracing::warn!(attempt_id = %success.attempt_id, reason, "payment put aside");
            Ok(Round::Done(Settled::Quarantined))
        }
        Err(error) if error_is_lease(&error) => Err(lease_lost()),
        Err(error) => {
            error.refusal()?;
            Ok(Round::Done(Settled::Quarantined))
        }
    }
}
