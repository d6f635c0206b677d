//! Refunds: what one payment gave is taken back, and nothing of any other.

mod telling;

use serde_json::Map;
use shared::clock::Instant;
use shared::ledger;
use shared::money::Money;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity as _, Write};

use super::contracts::{self, ContractHandle, RecurringContract};
use super::items::{AnalyticsEvent, Refund};
use super::model::{Attempt, Event, Payment, Reversal, Said, Status};
use super::providers::Provider;
use super::store;
use crate::App;
use crate::auth::{self, Member};
use crate::bot;
use crate::energies::{EnergyEntry, Kind};
use crate::gifts::{self, Gift};
use crate::outbox::{self, Message};
use crate::subscriptions::{SubscriptionEvent, set_expiry, shortened};
use crate::texts;
use crate::wire::lease_lost;
use telling::{alert, aside, report};

/// A provider's word that money went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Who says so.
    pub provider: Provider,
    /// The attempt that it names; empty where only the payment leads to it.
    pub attempt_id: String,
    /// The provider's id of the payment.
    pub external_id: String,
    /// The provider's id of the refund.
    pub refund_id: String,
    /// How much, as it says; all that is left when it says nothing.
    pub said: Said,
}

/// Reverses what a refunded payment gave, once. Two reads, three for a gift or a standing
/// subscription, one more where the word names no attempt, and one transaction of ten items at most.
/// What fits no payment is reported; money that was put aside is marked, so that nobody gets
/// anything for it.
///
/// # Errors
/// 503 when nothing was stored, as where the money has not come yet; the same word may then be
/// sent again.
pub async fn refund(app: &App, word: &Word, also: Option<&Write>, now: Instant) -> Result<()> {
    if !word.attempt_id.is_empty() {
        return optimistic(|| round(app, word, also, now)).await;
    }
    optimistic(|| nameless(app, word, also, now)).await
}

/// The same for a word that names no attempt: only its payment leads to one.
async fn nameless(app: &App, word: &Word, also: Option<&Write>, now: Instant) -> Result<Round<()>> {
    let payment_at = Payment::key_of(word.provider, &word.external_id);
    match app.platform.table.get::<Payment>(&payment_at).await? {
        Some(payment) => {
            let word = Word { attempt_id: payment.attempt_id, ..word.clone() };
            round(app, &word, also, now).await
        }
        None => too_early(app, word, also, now).await,
    }
}

async fn round(app: &App, word: &Word, also: Option<&Write>, now: Instant) -> Result<Round<()>> {
    let table = &app.platform.table;
    let attempt_at = Attempt::key_of(&word.attempt_id);
    let payment_at = Payment::key_of(word.provider, &word.external_id);
    let refund_at = Refund::key_of(word.provider, &word.external_id, &word.refund_id);
    let keys = [attempt_at.clone(), payment_at.clone(), refund_at.clone()];
    let rows = table.batch(&keys).await?;
    if rows.get::<Refund>(&refund_at)?.is_some() {
        return Ok(Round::Done(()));
    }
    let attempt: Option<Attempt> = rows.get(&attempt_at)?;
    let payment: Option<Payment> = rows.get(&payment_at)?;
    if let Some(payment) = payment.as_ref().filter(|paid| paid.attempt_id != word.attempt_id) {
        // Money that was put aside and assigned: what it gave, it gave by another attempt than the
        // one that its provider names.
        let word = Word { attempt_id: payment.attempt_id.clone(), ..word.clone() };
        return Box::pin(round(app, &word, also, now)).await;
    }
    let (attempt, payment) = match (attempt, payment) {
        (Some(attempt), Some(payment)) => (attempt, payment),
        // Of an attempt that is paid once there is no other payment to come; a renewal may be on its way.
        (Some(attempt), None)
            if attempt.recurs || !matches!(attempt.status, Status::Paid | Status::Refunded) =>
        {
            return too_early(app, word, also, now).await;
        }
        _ => {
            return match aside(app, word, also, now).await? {
                Some(round) => Ok(round),
                None => report(app, word, "refund_of_unknown", also, now).await,
            };
        }
    };
    let gift = gift_of(app, &payment).await?;
    let Some((minor, reversal)) = reversal(&counted(&payment, gift.as_ref()), &word.said) else {
        return report(app, word, "refund_of_other_sum", also, now).await;
    };
    let record = Refund {
        provider: word.provider,
        external_id: word.external_id.clone(),
        refund_id: word.refund_id.clone(),
        minor,
        days: reversal.days,
        energies: 0,
        uncovered: 0,
        at: now,
    };
    let taken = match &gift {
        None => {
            let contract = newest_of(app, &payment, reversal).await?;
            let taken = take_days(app, attempt.payer, &payment, reversal, record, now).await?;
            match contract {
                Some(contract) => taken.ending(&contract, now)?,
                None => taken,
            }
        }
        Some(Gift { activation: Some(made), .. }) => {
            let taken = take_days(app, made.recipient, &payment, reversal, record, now).await?;
            // The payer's own subscription is not concerned.
            Taken { until: None, ..taken }
        }
        Some(gift) => match take_gift(gift, reversal, word, now)? {
            Some(writes) => Taken { record, until: None, renewed_by: None, member: None, writes },
            // Another refund came between the reads of the payment and its gift.
            None => return Ok(Round::Stale),
        },
    };
    let mut writes = vec![Write::insert("refund", &taken.record), given_back(&payment, reversal)];
    writes.extend(settled_back(&attempt, reversal, now));
    writes.extend(taken.member);
    writes.extend(taken.writes);
    if ends(&attempt, reversal) {
        let until = taken.until.filter(|until| *until > now);
        let message = Message::Refunded { tg_id: attempt.payer, until };
        // Under the payment, as a subscription that goes on may be given back once more.
        writes.push(outbox::ask(&format!("refunded:{}", payment.id()), &message, now)?);
    }
    let cause = format!("{}:{}", payment.id(), word.refund_id);
    let event = AnalyticsEvent::of(&attempt, "payment_refunded", &cause, now);
    writes.push(Write::put("analytics", &event));
    writes.extend(also.cloned());
    match table.transact(writes).await {
        Ok(()) => Ok(Round::Done(())),
        Err(error) => {
            let refusal = error.refusal()?;
            if refusal.has("lease") {
                return Err(lease_lost());
            }
            Ok(if refusal.has(bot::WRITE) { Round::Done(()) } else { Round::Stale })
        }
    }
}

/// The word of the refund has overtaken that of the payment: the provider is to say it again,
/// unless the payment is one that was put aside. One read.
async fn too_early(
    app: &App,
    word: &Word,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<()>> {
    let round = aside(app, word, also, now).await?;
    round.ok_or_else(|| Problem::try_again("a refund before its payment"))
}

/// The gift that a payment gave, if any. One read for a gift.
async fn gift_of(app: &App, payment: &Payment) -> Result<Option<Gift>> {
    let Some(token) = &payment.gift else { return Ok(None) };
    let gift = gifts::find(&app.platform.table, token).await?;
    gift.map(Some).ok_or_else(|| Problem::bug("a payment without its gift"))
}

/// The payment with the days and energies that it has given so far: those of a gift are nobody's
/// until somebody activates it.
fn counted(payment: &Payment, gift: Option<&Gift>) -> Payment {
    let (days, energies) = match gift {
        None => (payment.days, payment.energies),
        Some(Gift { activation: Some(made), .. }) => (payment.days, made.energies),
        Some(_) => (0, 0),
    };
    Payment { days, energies, ..payment.clone() }
}

/// How much is given back by that, and what it reverses.
fn reversal(payment: &Payment, said: &Said) -> Option<(u64, Reversal)> {
    let left = payment.sum.minor.saturating_sub(payment.refunded);
    let currency = payment.sum.currency;
    let minor = match (&said.amount, &said.currency) {
        (_, Some(code)) if code != currency.code() => return None,
        (Some(amount), _) => Money::parse(amount, currency).ok()?.minor,
        (None, _) => left,
    };
    payment.reversal(minor).map(|reversal| (minor, reversal))
}

fn given_back(payment: &Payment, reversal: Reversal) -> Write {
    Write::update("payment", payment.key())
        .set("refunded", reversal.refunded)
        .set("days_reversed", payment.days_reversed.saturating_add(reversal.days))
        .set("energies_reversed", payment.energies_reversed.saturating_add(reversal.energies))
        .when("#refunded = :seen")
        .bind(":seen", payment.refunded)
}

/// The standing subscription whose newest payment is given back whole. One read for one.
async fn newest_of(
    app: &App,
    payment: &Payment,
    reversal: Reversal,
) -> Result<Option<RecurringContract>> {
    let (true, Some(id)) = (reversal.full, &payment.contract) else { return Ok(None) };
    let handle = ContractHandle { provider: payment.provider, contract_id: id.clone() };
    let contract = contracts::find(&app.platform.table, &handle).await?;
    Ok(contract.filter(|contract| contract.live && contract.newest == payment.external_id))
}

impl Taken {
    /// The same, with the end of a standing subscription: it renews the member's no more, and its
    /// provider is to end it.
    fn ending(self, contract: &RecurringContract, now: Instant) -> Result<Self> {
        let handle = contract.handle();
        // A payment is given back whole once; a subscription may go on and be ended again.
        let told = outbox::end(contract.payer, &handle, &contract.newest, now)?;
        let mut writes = self.writes;
        writes.push(told);
        let member = match &self.renewed_by {
            Some(own) if *own == handle => {
                self.member.map(|member| member.set("auto_renewal", false))
            }
            _ => self.member,
        };
        Ok(Self { member, writes, ..self })
    }
}

/// What a refund takes back from whoever got it.
struct Taken {
    /// With the energies that were there.
    record: Refund,
    /// Until when the payer's subscription lasts now, where the refund concerns it.
    until: Option<Instant>,
    /// What renews the subscription of whoever got it.
    renewed_by: Option<ContractHandle>,
    /// The change of whoever got it.
    member: Option<Write>,
    writes: Vec<Write>,
}

/// Is this the last of what the attempt brought?
fn ends(attempt: &Attempt, reversal: Reversal) -> bool {
    reversal.full && attempt.unrefunded <= 1
}

/// The attempt is refunded when the last of its payments is.
fn settled_back(attempt: &Attempt, reversal: Reversal, now: Instant) -> Option<Write> {
    if !reversal.full {
        return None;
    }
    let write = match store::changed("attempt", attempt, Event::RefundedInFull, now) {
        Some(write) if ends(attempt, reversal) => write,
        _ => Write::update("attempt", attempt.key()).set("updated_at", now),
    };
    Some(
        write
            .add("unrefunded", -1)
            .when("#unrefunded = :unrefunded")
            .bind(":unrefunded", attempt.unrefunded),
    )
}

/// Takes days and energies back from whoever got them, as far as they are there. One read.
async fn take_days(
    app: &App,
    tg_id: i64,
    payment: &Payment,
    reversal: Reversal,
    record: Refund,
    now: Instant,
) -> Result<Taken> {
    let found = auth::find(&app.platform.table, tg_id).await?;
    let member = found.ok_or_else(|| Problem::bug("a payment that nobody profits from"))?;
    let there = u32::try_from(member.balance.max(0)).unwrap_or(u32::MAX);
    let energies = reversal.energies.min(there);
    let uncovered = reversal.energies - energies;
    let until = shortened(member.subscription_expires, reversal.days, now);
    let mut change = auth::change(&member, now);
    if let Some(until) = until {
        change = set_expiry(change, &member, until, now);
    }
    let cause = format!("{}:{}", payment.id(), record.refund_id);
    let mut writes = Vec::new();
    if energies > 0 {
        change = ledger::debit(change, energies);
        let entry = expense(&member, &cause, energies, uncovered, now);
        writes.push(Write::insert("entry", &entry));
    }
    if let Some(until) = until {
        let event = SubscriptionEvent {
            tg_id: member.tg_id,
            cause,
            event: "refund".to_owned(),
            from: member.subscription_expires,
            until,
            at: now,
        };
        writes.push(Write::insert("subscription", &event));
    }
    let record = Refund { energies, uncovered, ..record };
    let renewed_by = member.contract.clone().filter(|_| member.auto_renewal);
    Ok(Taken { record, until, renewed_by, member: Some(change), writes })
}

fn expense(
    member: &Member,
    cause: &str,
    energies: u32,
    uncovered: u32,
    now: Instant,
) -> EnergyEntry {
    let mut metadata = Map::new();
    if uncovered > 0 {
        metadata.insert("uncovered".to_owned(), uncovered.into());
    }
    EnergyEntry {
        tg_id: member.tg_id,
        key: format!("refund:{cause}"),
        delta: -i64::from(energies),
        energy_kind: Kind::Refund,
        reason: texts::REASON_REFUND.to_owned(),
        metadata,
        earned_before: member.earned_total,
        version: member.version + 1,
        created_at: now,
        expires_at: None,
        expired: false,
    }
}

/// Revokes a gift that was given back in full before anybody activated it; `None` when it is
/// revoked already. A part given back leaves it as it is, and a person is to look at it.
fn take_gift(
    gift: &Gift,
    reversal: Reversal,
    word: &Word,
    now: Instant,
) -> Result<Option<Vec<Write>>> {
    if reversal.full {
        return Ok(gifts::revoked(gift).map(Vec::from));
    }
    let alert = alert(word, "refund_of_part_of_a_gift", now)?;
    Ok(Some(vec![gifts::untouched(gift), alert]))
}
