//! Money that was put aside, and what a person decides about it.
//!
//! ```text
//!          it is somebody's: settled        it is nobody's, or was given back by hand
//!  assigned ◀─────────────────────── open ───────────────────────────────────────────▶ dismissed
//! ```
//!
//! An assignment makes an attempt on the terms of the offer that the administrator names, at the
//! price that came, and settles the money as that attempt's: in one transaction with the mark on the
//! row, so that of any number of assignments one takes effect. The row names the attempt before, so
//! that an assignment that died in between goes on with it. Money of which a part or all went back is
//! assigned no more.

use http::StatusCode;
use shared::clock::Instant;
use shared::idempotency::{Idempotency, Outcome, Record};
use shared::money::Money;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Cursor, Entity as _, Query, Table, Write};

use super::catalogue;
use super::contracts::RecurringContract;
use super::items::{Assignment, Dismissal, Fate, UnassignedPayment};
use super::model::{Attempt, Said, Status, Success};
use super::offers::Offer;
use super::providers::Provider;
use super::settlement::{self, Settled};
use crate::{App, auth, bot, texts};

/// The most rows of one page.
pub const PAGE_MAX: u32 = 100;

/// One page of the rows with this fate, the newest first. One query of an index that may lag, and
/// one read.
///
/// # Errors
/// When the store does not answer.
pub async fn page(
    table: &Table,
    fate: Fate,
    limit: u32,
    cursor: Option<Cursor>,
) -> Result<(Vec<UnassignedPayment>, Option<Cursor>)> {
    let query = Query::global_index("due", ("due_pk", fate.partition().to_owned()), "due_at")
        .descending()
        .limit(limit.min(PAGE_MAX))
        .after(cursor);
    let page = table.query(&query).await?;
    let mut found: Vec<UnassignedPayment> = table.behind(&page.items).await?;
    found.retain(|row| row.fate == fate);
    Ok((found, page.next))
}

/// Whose money it is, as an administrator says.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Who took it.
    pub provider: Provider,
    /// The provider's id of the payment.
    pub external_id: String,
    /// Whose it is, by Telegram id.
    pub tg_id: i64,
    /// The key of the offer that it pays.
    pub offer: String,
}

/// What an assignment came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The payment's id.
    pub payment_id: String,
    /// What was assigned.
    pub assignment: Assignment,
    /// Was it done by an earlier call under the same key?
    pub replayed: bool,
}

/// Settles money that was put aside as the payment of this member for this offer. Two reads and
/// one transaction besides those of a settlement.
///
/// # Errors
/// 404 when there is no such row, member or offer; 409 `already_assigned`, `already_dismissed`,
/// `already_refunded`, `sum_unreadable`; 422 for a key of another request; 503 when nothing was
/// stored.
pub async fn assign(
    app: &App,
    wanted: &Wanted,
    key: &Idempotency,
    now: Instant,
) -> Result<Assigned> {
    optimistic(|| Box::pin(round(app, wanted, key, now))).await
}

async fn round(
    app: &App,
    wanted: &Wanted,
    key: &Idempotency,
    now: Instant,
) -> Result<Round<Assigned>> {
    let table = &app.platform.table;
    let (row_at, member_at) = (
        UnassignedPayment::key_of(wanted.provider, &wanted.external_id),
        auth::member_key(wanted.tg_id),
    );
    let offer_at = Offer::key_of(&wanted.offer);
    let key_at = key.key();
    let mut keys = vec![row_at.clone(), member_at.clone(), offer_at.clone()];
    keys.extend(key_at.clone());
    let rows = table.batch(&keys).await?;
    let record: Option<Record> = key_at.map_or(Ok(None), |at| rows.get(&at))?;
    // What was done under the key stands in the row; the record tells whether it is the same wish.
    let tied = key.replay(record.as_ref(), now)?;
    let mut row: UnassignedPayment = rows.get(&row_at)?.ok_or_else(unknown)?;
    if let Some(assigned) = decided(&row, wanted, key)? {
        return Ok(Round::Done(assigned));
    }
    if row.refunded_at.is_some() {
        return Err(already_refunded());
    }
    let member: Option<auth::Member> = rows.get(&member_at)?;
    let member = member.ok_or_else(|| Problem::not_found("User not found"))?;
    let offer = catalogue::known(&wanted.offer, rows.get(&offer_at)?);
    let offer = offer.ok_or_else(offer_unknown)?;
    catalogue::used(table, &offer).await?;
    if let Some(id) = &row.contract_id {
        let contract_at = RecurringContract::key_of(row.provider, id);
        if table.get::<RecurringContract>(&contract_at).await?.is_some() {
            // It is another attempt's: what came is one payment of this one.
            (row.recurs, row.contract_id) = (false, None);
        }
    }
    let intent = (&member, &offer);
    let Some(assignment) = intended(table, &row, intent, (key, tied.as_ref()), now).await? else {
        return Ok(Round::Stale);
    };
    let success = Success {
        provider: row.provider,
        attempt_id: assignment.attempt_id.clone(),
        external_id: row.external_id.clone(),
        // The attempt was made of what came.
        said: Said::default(),
        payer: None,
        recurs: row.recurs,
        contract_id: row.contract_id.clone(),
    };
    // Named so that a settlement takes a refusal for an effect that was had before.
    let mark = Write::update(bot::WRITE, row_at)
        .set("fate", Fate::Assigned)
        .set("due_pk", Fate::Assigned.partition())
        .when("#fate = :open AND #assignment = :assignment")
        .when("attribute_not_exists(#refunded_at)")
        .bind(":open", Fate::Open)
        .bind(":assignment", &assignment);
    match Box::pin(settlement::settle(app, &success, Some(&mark), now)).await? {
        Settled::Now => {
            Ok(Round::Done(Assigned { payment_id: row.id(), assignment, replayed: false }))
        }
        // Another assignment took the row, or an earlier try of this one did: the row tells.
        Settled::Before => Ok(Round::Stale),
        // It was settled by the attempt that it named, or put aside twice.
        Settled::Quarantined => Err(already_assigned()),
    }
}

/// What was decided before: an answer for the call that decided it, else a refusal.
fn decided(
    row: &UnassignedPayment,
    wanted: &Wanted,
    key: &Idempotency,
) -> Result<Option<Assigned>> {
    match (row.fate, &row.assignment) {
        (Fate::Open, _) => Ok(None),
        (Fate::Dismissed, _) => {
            let text = texts::ALREADY_DISMISSED;
            Err(Problem::new(StatusCode::CONFLICT, "already_dismissed", "Conflict", text))
        }
        (Fate::Assigned, Some(made)) if made.is_of(wanted.tg_id, &wanted.offer, key) => {
            Ok(Some(Assigned { payment_id: row.id(), assignment: made.clone(), replayed: true }))
        }
        (Fate::Assigned, _) => Err(already_assigned()),
    }
}

impl Assignment {
    /// Was it made by a call for this, under this key? A call without a key is like no other.
    fn is_of(&self, tg_id: i64, offer: &str, key: &Idempotency) -> bool {
        let under = key.key().map(|key| key.pk);
        under.is_some() && self.key == under && self.tg_id == tg_id && self.offer == offer
    }
}

/// The assignment that the row names, made now unless it names the same; the key of the call is
/// tied to it. `None` when the row or the key has changed. One transaction of three items at most.
async fn intended(
    table: &Table,
    row: &UnassignedPayment,
    (member, offer): (&auth::Member, &Offer),
    (key, tied): (&Idempotency, Option<&Outcome>),
    now: Instant,
) -> Result<Option<Assignment>> {
    let named = row.assignment.as_ref();
    let under = key.key().map(|key| key.pk);
    let same = |made: &&Assignment| {
        made.tg_id == member.tg_id && made.offer == offer.key && made.key == under
    };
    if let Some(named) = named.filter(same) {
        return Ok(Some(named.clone()));
    }
    let attempt = attempt(row, member, offer, now)?;
    let assignment = Assignment {
        attempt_id: attempt.id.clone(),
        tg_id: member.tg_id,
        offer: offer.key.clone(),
        key: under,
        at: now,
    };
    let change = Write::update("unassigned", row.key()).set("assignment", &assignment);
    let change = change.when("#fate = :open").bind(":open", Fate::Open);
    let change = match named {
        None => change.when("attribute_not_exists(#assignment)"),
        Some(named) => change.when("#assignment = :named").bind(":named", named),
    };
    let tied = match tied {
        Some(Outcome::Entity(id)) => Some(id.as_str()),
        Some(Outcome::Answer { .. }) | None => None,
    };
    let mut writes: Vec<Write> = key.naming(&attempt.id, tied, now).into_iter().collect();
    writes.extend([change, Write::insert("attempt", &attempt)]);
    match table.transact(writes).await {
        Ok(()) => Ok(Some(assignment)),
        Err(error) => error.refusal().map(|_| None).map_err(Problem::from),
    }
}

/// An attempt of the money that came. It is abandoned until it is paid: nobody can pay it, and
/// nobody is told of it.
fn attempt(
    row: &UnassignedPayment,
    member: &auth::Member,
    offer: &Offer,
    now: Instant,
) -> Result<Attempt> {
    Ok(Attempt {
        id: Attempt::new_id(member.tg_id, now),
        payer: member.tg_id,
        recipient: None,
        purpose: offer.purpose,
        offer: offer.key.clone(),
        days: offer.days,
        price: came(row, offer)?,
        provider: row.provider,
        recurs: row.recurs && offer.recurs(row.provider),
        contract: None,
        contract_over: false,
        status: Status::Abandoned,
        checks_done: 0,
        unrefunded: 0,
        due_at: None,
        lavatop: None,
        invoice_id: None,
        url: None,
        reason: Some("assigned".to_owned()),
        // LavaTop ends a subscription by it.
        email: member.email.clone(),
        phone: None,
        created_at: now,
        updated_at: now,
    })
}

/// How much came: what the provider said, and where it said nothing, the offer's price.
fn came(row: &UnassignedPayment, offer: &Offer) -> Result<Money> {
    let currency = match &row.currency {
        Some(code) => code.parse().ok(),
        None => Some(row.provider.currency()),
    };
    let sum = currency.and_then(|currency| match &row.amount {
        Some(amount) => Money::parse(amount, currency).ok().filter(|sum| sum.minor > 0),
        None => offer.price(currency),
    });
    sum.ok_or_else(|| {
        let text = texts::SUM_UNREADABLE;
        Problem::new(StatusCode::CONFLICT, "sum_unreadable", "Conflict", text)
    })
}

/// Writes down that nothing is to be done about a row. To do so again changes nothing. One read
/// and one write.
///
/// # Errors
/// 404 when there is no such row; 409 `already_assigned`; when the store does not answer.
pub async fn dismiss(
    table: &Table,
    provider: Provider,
    external_id: &str,
    reason: &str,
    now: Instant,
) -> Result<UnassignedPayment> {
    let at = UnassignedPayment::key_of(provider, external_id);
    optimistic(|| async {
        let row: UnassignedPayment = table.get(&at).await?.ok_or_else(unknown)?;
        match row.fate {
            Fate::Assigned => return Err(already_assigned()),
            Fate::Dismissed => return Ok(Round::Done(row)),
            Fate::Open => {}
        }
        let dismissal = Dismissal { reason: reason.to_owned(), at: now };
        let write = Write::update("unassigned", at.clone())
            .set("fate", Fate::Dismissed)
            .set("due_pk", Fate::Dismissed.partition())
            .set("dismissal", &dismissal)
            .when("#fate = :open")
            .bind(":open", Fate::Open);
        match table.write(write).await {
            Ok(_) => Ok(Round::Done(UnassignedPayment {
                fate: Fate::Dismissed,
                dismissal: Some(dismissal),
                ..row
            })),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await
}

fn unknown() -> Problem {
    let text = texts::ATTEMPT_NOT_FOUND;
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Not Found", text)
}

fn offer_unknown() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "offer_unknown", "Not Found", texts::OFFER_UNKNOWN)
}

fn already_assigned() -> Problem {
    let text = texts::ALREADY_ASSIGNED;
    Problem::new(StatusCode::CONFLICT, "already_assigned", "Conflict", text)
}

fn already_refunded() -> Problem {
    let text = texts::ASIDE_REFUNDED;
    Problem::new(StatusCode::CONFLICT, "already_refunded", "Conflict", text)
}
