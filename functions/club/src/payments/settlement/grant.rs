//! What a success grants: days and energies to the payer, or a gift.

use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::table::Write;

use super::LAST_PROVIDER;
use crate::App;
use crate::auth::{self, Member};
use crate::energies::{self, Award};
use crate::gifts::{self, Bought, Gift};
use crate::outbox::{self, Message};
use crate::payments::contracts::{self, ContractHandle, Standing};
use crate::payments::model::{Attempt, Payment, Success};
use crate::subscriptions::{SubscriptionEvent, extended, set_expiry};

/// What a success settles.
pub(super) struct Grant<'a> {
    pub(super) attempt: &'a Attempt,
    pub(super) payer: Option<&'a Member>,
    pub(super) standing: Standing,
    /// Is the subscription that it begins over already?
    pub(super) over: bool,
    /// Was nothing paid before?
    pub(super) first: bool,
}

/// The payment that is settled, before what it grants.
pub(super) fn payment(grant: &Grant<'_>, success: &Success, now: Instant) -> Payment {
    let attempt = grant.attempt;
    Payment {
        provider: success.provider,
        external_id: success.external_id.clone(),
        attempt_id: attempt.id.clone(),
        payer: attempt.payer,
        sum: attempt.price,
        purpose: attempt.purpose,
        days: attempt.days,
        energies: 0,
        gift: None,
        contract: grant.standing.contract_id().map(str::to_owned),
        refunded: 0,
        days_reversed: 0,
        energies_reversed: 0,
        at: now,
    }
}

/// More days and energies for the payer.
pub(super) fn grant_days(
    app: &App,
    grant: &Grant<'_>,
    payment: Payment,
    now: Instant,
) -> Result<(Payment, Vec<Write>)> {
    let Grant { attempt, standing, first, .. } = grant;
    let member = grant.payer.ok_or_else(|| Problem::bug("an attempt without its payer"))?;
    let id = payment.id();
    let until = extended(member.subscription_expires, attempt.days, now);
    let award = Award::payment(&id).of(app.payments.award);
    let income = energies::income(member, &award, now);
    let energies = income.energies;
    let event = SubscriptionEvent {
        tg_id: member.tg_id,
        cause: id.clone(),
        event: "payment".to_owned(),
        from: member.subscription_expires,
        until,
        at: now,
    };
    let (renewed_by, ends) = standing.follow(attempt.provider, member);
    // One row; whoever delivers it asks for all that follows, each under a key of its own.
    let follows = Message::Settled {
        tg_id: member.tg_id,
        attempt_id: attempt.id.clone(),
        payment_id: id.clone(),
        first: *first,
        newcomer: member.first_purchase_at.is_none(),
        until,
        energies,
        begins: standing.begun(attempt.provider),
        ends,
    };
    let span = (member.subscription_expires.unwrap_or(now).max(now), until);
    let mut writes = vec![
        income.on(extend(member, attempt, renewed_by.as_ref(), until, now)),
        income.entry,
        Write::insert("subscription", &event),
        outbox::ask(&format!("settled:{id}"), &follows, now)?,
    ];
    writes.extend(contracts::paid(standing, attempt, &payment, span, now));
    Ok((Payment { energies, ..payment }, writes))
}

fn extend(
    member: &Member,
    attempt: &Attempt,
    renewed_by: Option<&ContractHandle>,
    until: Instant,
    now: Instant,
) -> Write {
    let mut write = set_expiry(auth::change(member, now), member, until, now)
        .set("gifted", false)
        .remove("gifted_by")
        .set(LAST_PROVIDER, attempt.provider)
        .set_once("first_purchase_at", now);
    for (contact, given) in [("email", &attempt.email), ("phone", &attempt.phone)] {
        if let Some(given) = given {
            write = write.set_once(contact, given);
        }
    }
    match renewed_by {
        Some(handle) => write.set("auto_renewal", true).set("contract", handle),
        None => write,
    }
}

/// A gift for whoever gets its token; the giver gets neither days nor energies.
pub(super) fn grant_gift(
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
