//! Settlement: one transaction for each success, whoever brings it and how often.

mod grant;
mod late;

use shared::clock::Instant;
use shared::problem::{Problem, Result, chain};
use shared::retry::{Round, optimistic};
use shared::table::{Entity, Key, Rows, Write, WriteError};

use super::contracts::{self, ContractHandle, RecurringContract, Standing};
use super::items::{AnalyticsEvent, Fate, UnassignedPayment};
use super::model::{self, Attempt, Event, Payment, Status, Success, Verdict};
use super::offers::Purpose;
use super::providers::Provider;
use super::store;
use crate::App;
use crate::auth::{Member, member_key};
use crate::bot;
use crate::outbox::{self, Message};
use crate::wire::lease_lost;
use grant::{Grant, grant_days, grant_gift, payment};
use late::Late;

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

/// Settles a success, once: one read and one transaction of ten items at most, anew for each time
/// that another writer came first. `also` goes with the effect: the fence of a job, or the update
/// of the bot that must not have it twice.
///
/// The one read holds all that decides: attempt, payment, contract and payer. It can, because an
/// attempt's id tells its payer. Only money that names a contract and no attempt takes a second
/// read, as the contract alone tells which attempt it renews, and so does money that names another
/// payer than the attempt's.
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

/// Keeps money apart that names two attempts, or is refused by another rule of its provider; see
/// [`settle`].
///
/// # Errors
/// 503 when nothing was stored; the same success may then be sent again.
pub async fn quarantine(
    app: &App,
    success: &Success,
    reason: &'static str,
    now: Instant,
) -> Result<Settled> {
    optimistic(|| put_aside(app, success, reason, None, now)).await
}

async fn round(
    app: &App,
    success: &Success,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<Settled>> {
    let known = Known::read(app, success).await?;
    let (attempt, payment) = (known.attempt.as_ref(), known.payment.as_ref());
    if let Some(reason) = known.contradiction(success) {
        return put_aside(app, success, reason, also, now).await;
    }
    let standing = attempt.map_or(Standing::Single, |attempt| {
        Standing::of(attempt, success, known.contract.as_ref())
    });
    match (model::judge(attempt, payment, success, standing.goes_on()), attempt) {
        (Verdict::Duplicate, _) => match Late::of(&known, success) {
            Some(late) => late.begin(app, also, now).await,
            None => Ok(Round::Done(Settled::Before)),
        },
        (Verdict::Settle { .. }, _) if known.is_foreign(success) => {
            put_aside(app, success, "other_invoice", also, now).await
        }
        (Verdict::Settle { first }, Some(attempt)) => {
            let (payer, over) = (known.payer.as_ref(), known.over);
            let grant = Grant { attempt, payer, standing, over, first };
            commit(app, &grant, success, also, now).await
        }
        (Verdict::Settle { .. }, None) => Err(Problem::bug("settling what does not exist")),
        (Verdict::Quarantine(reason), _) => put_aside(app, success, reason, also, now).await,
    }
}

/// What is stored of what a success names.
struct Known {
    attempt: Option<Attempt>,
    payment: Option<Payment>,
    contract: Option<RecurringContract>,
    /// Has the provider said that the contract is over, before it began here?
    over: bool,
    payer: Option<Member>,
}

impl Known {
    /// One read, two where the attempt's id does not lead to all.
    async fn read(app: &App, success: &Success) -> Result<Self> {
        let table = &app.platform.table;
        let attempt_at = |id: &str| (!id.is_empty()).then(|| Attempt::key_of(id));
        let (mut attempt_key, payment_at) = (
            attempt_at(&success.attempt_id),
            Payment::key_of(success.provider, &success.external_id),
        );
        let contract_at = success.contract_id.as_deref();
        let contract_at = contract_at.map(|id| RecurringContract::key_of(success.provider, id));
        let early_at = contract_at.as_ref().map(contracts::early_end_at);
        let hinted = success.payer.or_else(|| Attempt::payer_in(&success.attempt_id));
        let payer_at = hinted.map(member_key);
        let mut keys = vec![payment_at.clone()];
        let named = [&attempt_key, &contract_at, &early_at, &payer_at];
        keys.extend(named.into_iter().flatten().cloned());
        let rows = table.batch(&keys).await?;
        let payment: Option<Payment> = rows.get(&payment_at)?;
        let contract: Option<RecurringContract> = read(&rows, contract_at.as_ref())?;
        let over = rows.iter().any(|row| row.key().is_some() && row.key() == early_at);
        let mut attempt: Option<Attempt> = read(&rows, attempt_key.as_ref())?;
        let mut payer: Option<Member> = read(&rows, payer_at.as_ref())?;
        let missing = match (&attempt, &contract) {
            (Some(attempt), _) => Some((attempt.id.clone(), attempt.payer)),
            (None, Some(contract)) if attempt_key.is_none() => {
                Some((contract.attempt_id.clone(), contract.payer))
            }
            (None, _) => None,
        };
        if let Some((id, tg_id)) = missing
            && (attempt.is_none() || payer.as_ref().is_none_or(|payer| payer.tg_id != tg_id))
        {
            attempt_key = attempt_at(&id);
            let payer_at = member_key(tg_id);
            let keys: Vec<_> = attempt_key.iter().cloned().chain([payer_at.clone()]).collect();
            let rows = table.batch(&keys).await?;
            (attempt, payer) = (read(&rows, attempt_key.as_ref())?, rows.get(&payer_at)?);
        }
        Ok(Self { attempt, payment, contract, over, payer })
    }

    /// Do the attempt and the contract that are named belong to different intentions?
    fn contradiction(&self, success: &Success) -> Option<&'static str> {
        let (attempt, contract) = (self.attempt.as_ref()?, self.contract.as_ref()?);
        let settled = self.payment.as_ref().is_some_and(|paid| paid.attempt_id == attempt.id);
        let two = contract.attempt_id != attempt.id && contract.provider == success.provider;
        (two && !settled).then_some("two_attempts")
    }

    /// Was it bought by another of LavaTop's links? Whatever is sold by those may carry the mark of
    /// an attempt, too.
    fn is_foreign(&self, success: &Success) -> bool {
        let invoice = self.attempt.as_ref().and_then(|attempt| attempt.invoice_id.as_ref());
        let named = success.contract_id.as_ref();
        let known = success.provider == Provider::Lavatop && self.contract.is_none();
        known && invoice.zip(named).is_some_and(|(own, named)| own != named)
    }
}

fn read<E: Entity>(rows: &Rows, key: Option<&Key>) -> Result<Option<E>> {
    Ok(key.map_or(Ok(None), |key| rows.get(key))?)
}

async fn commit(
    app: &App,
    grant: &Grant<'_>,
    success: &Success,
    also: Option<&Write>,
    now: Instant,
) -> Result<Round<Settled>> {
    let attempt = grant.attempt;
    let payment = payment(grant, success, now);
    let renewed = attempt.status == Status::Refunded;
    let event = if renewed { Event::Renewed } else { Event::Settled };
    let Some(mut paid) = store::changed("attempt", attempt, event, now) else {
        return Err(Problem::bug("settling from a state that does not settle"));
    };
    if let Standing::Begins(id) = &grant.standing {
        paid = paid.set("contract", id).set("contract_over", false);
    }
    let (payment, granted) = match attempt.purpose {
        Purpose::Own => grant_days(app, grant, payment, now)?,
        Purpose::Gift => grant_gift(app, attempt, payment, now)?,
    };
    let event = AnalyticsEvent::of(attempt, "payment_success", &payment.id(), now);
    let mut writes = vec![Write::insert("payment", &payment), paid.add("unrefunded", 1)];
    if attempt.status.is_open() {
        writes.push(store::freed(attempt));
    }
    writes.extend(granted);
    writes.push(Write::put("analytics", &event));
    writes.extend(also.cloned());
    match app.platform.table.transact(writes).await {
        Ok(()) => {
            if let Some(begun) = grant.standing.begun(attempt.provider).filter(|_| grant.over) {
                catch_up(app, &begun, now).await;
            }
            Ok(Round::Done(Settled::Now))
        }
        Err(error) if refuses(&error, "lease") => Err(lease_lost()),
        Err(error) if is_there(&error, bot::WRITE) => Ok(Round::Done(Settled::Before)),
        // Whatever was refused, the next round sees why: the payment is there, the attempt, the
        // contract or the member has changed.
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

/// A subscription that its provider ended before it began here ends now. Whoever performs what
/// follows the payment looks once more, so that nothing is lost where this fails, or where the end
/// was told while the payment was settled.
async fn catch_up(app: &App, begun: &ContractHandle, now: Instant) {
    if let Err(problem) = Box::pin(contracts::catch_up(app, begun, now)).await {
        tracing::warn!(error = %chain(&problem), "an early end is looked for later");
    }
}

fn refuses(error: &WriteError, name: &str) -> bool {
    matches!(error, WriteError::Refused(refusal) if refusal.has(name))
}

/// Is there already what the write `name` was to add?
fn is_there(error: &WriteError, name: &str) -> bool {
    matches!(error, WriteError::Refused(refusal) if refusal.old(name).is_some())
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
        payer: success.payer,
        contract_id: success.contract_id.clone(),
        recurs: success.recurs,
        reason: reason.to_owned(),
        fate: Fate::Open,
        assignment: None,
        dismissal: None,
        refunded_at: None,
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
        // Kept before, or the update had its effect. What was refused for any other reason is not
        // kept, and must not be acknowledged.
        Err(error) if is_there(&error, "unassigned") || is_there(&error, bot::WRITE) => {
            Ok(Round::Done(Settled::Quarantined))
        }
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}
