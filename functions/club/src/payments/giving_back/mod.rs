//! A refund that an administrator asks for: the money goes back once, whoever asks how often and
//! whatever fails in between.
//!
//! ```text
//!            intent, key and slot         the provider            what it gave is
//!            in one transaction           gives back              reversed (§ refunds)
//!   asked ───────────────────────▶ open ─────────────────────────────────────────────▶ done
//!                                   │ it refuses at once, or long after: refused, nothing happened
//!                                   │ its answer is lost: open; the next try reads what it has
//!                                   ▼ given back before it asks again
//! ```
//!
//! A payment has at most one open intent: its *slot* names the last, and whoever finds that open and
//! forsaken goes on with it before any other begins. Whoever works on an intent holds it for as long
//! as a function may run, so that no two ask the provider at once.

mod books;

use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::idempotency::{Idempotency, Outcome, Record};
use shared::ids;
use shared::money::Money;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity as _, Table, Write, WriteError};

use books::{Books, Intent, Slot, Stands};

use super::model::Said;
use super::providers::{GaveBack, Provider, ProviderError};
use super::refunds::{self, Word};
use crate::{App, texts};

/// How long whoever works on an intent has it alone: as long as the function may run.
const HELD: SignedDuration = SignedDuration::from_secs(30);
/// How long a provider may still be at a call whose answer was lost: far beyond any time limit of
/// theirs. Until then a refusal of the repeat does not say that nothing goes back.
const AT_WORK: SignedDuration = SignedDuration::from_mins(15);

/// What an administrator asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who took the money.
    pub provider: Provider,
    /// The provider's id of the payment.
    pub external_id: String,
    /// How much, as a decimal string; all that is left where there is none.
    pub amount: Option<String>,
}

/// Money that was given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The payment's id.
    pub payment_id: String,
    /// The provider's id of the refund.
    pub refund_id: String,
    /// How much.
    pub sum: Money,
    /// Is nothing of the payment left?
    pub full: bool,
    /// Was it done by an earlier call under the same key?
    pub replayed: bool,
}

/// Gives back what is asked for, once for each key.
///
/// # Errors
/// 404 when there is no such payment; 409 `already_refunded`; 400 for more than is left; 422 for
/// a key of another request; 502 when the provider refuses; 503 while nobody knows what it did, or
/// another call is at it: the same request may be sent again.
pub async fn give_back(app: &App, asked: &Asked, key: &Idempotency, now: Instant) -> Result<Given> {
    optimistic(|| Box::pin(round(app, asked, key, now))).await
}

async fn round(app: &App, asked: &Asked, key: &Idempotency, now: Instant) -> Result<Round<Given>> {
    let table = &app.platform.table;
    let record: Option<Record> = match key.key() {
        Some(at) => table.get(&at).await?,
        None => return Err(Problem::invalid("Idempotency-Key", "is required")),
    };
    let outcome = key.replay(record.as_ref(), now)?;
    let books = Books::open(table, asked.provider, &asked.external_id).await?;
    let books = books.ok_or_else(unknown)?;
    let mut renewed = None;
    if let Some(outcome) = outcome {
        let Outcome::Entity(id) = outcome else {
            return Err(Problem::bug("a refund's key with an answer of its own"));
        };
        let intent = books.intent(&id).ok_or_else(|| Problem::bug("a key without its intent"))?;
        match intent.stands {
            Stands::Done => return books.given(intent, true).map(Round::Done),
            Stands::Open => return go_on(app, &books, intent, now).await.map(Round::Done),
            Stands::Refused => renewed = Some(id),
        }
    }
    if let Some(intent) = books.unfinished() {
        // It is another's: what becomes of it decides what is left.
        return match go_on(app, &books, intent, now).await {
            Err(problem) if problem.status() == StatusCode::BAD_GATEWAY => Ok(Round::Stale),
            Err(problem) => Err(problem),
            Ok(_) => Ok(Round::Stale),
        };
    }
    let intent = Intent {
        id: format!("rfd_{}", ids::ulid(now)),
        provider: asked.provider,
        external_id: asked.external_id.clone(),
        minor: books.wanted(asked.amount.as_deref())?,
        known: books.refunds.iter().map(|refund| refund.refund_id.clone()).collect(),
        stands: Stands::Open,
        held_until: now + HELD,
        refund_id: None,
        full: false,
        created_at: now,
        lost_at: None,
    };
    match begin(table, &books, &intent, key, renewed.as_deref(), now).await {
        Ok(()) => ask(app, &books, &intent, Turn::First, now).await.map(Round::Done),
        Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
    }
}

/// Commits the intent: it, the slot, the key and the payment as it was read.
async fn begin(
    table: &Table,
    books: &Books,
    intent: &Intent,
    key: &Idempotency,
    renewed: Option<&str>,
    now: Instant,
) -> Result<(), WriteError> {
    let slot = Slot {
        provider: intent.provider,
        external_id: intent.external_id.clone(),
        intent: intent.id.clone(),
    };
    let mut writes: Vec<Write> = key.naming(&intent.id, renewed, now).into_iter().collect();
    writes.push(Write::insert("intent", intent));
    writes.push(match &books.slot {
        None => Write::insert("slot", &slot),
        Some(last) => Write::put("slot", &slot).when("#intent = :last").bind(":last", &last.intent),
    });
    let payment = Write::update("payment", books.payment.key()).set("refund_asked_at", now);
    writes.push(payment.when("#refunded = :seen").bind(":seen", books.payment.refunded));
    table.transact(writes).await
}

/// Goes on with an intent that somebody has left: the provider is read before it is asked again.
async fn go_on(app: &App, books: &Books, intent: &Intent, now: Instant) -> Result<Given> {
    let left = intent.held_until.since(now);
    if left > SignedDuration::ZERO {
        return Err(under_way(left));
    }
    let held_until = now + HELD;
    let hold = change(intent).set("held_until", held_until);
    let hold = hold.when("#held_until = :seen").bind(":seen", intent.held_until);
    if let Err(error) = app.platform.table.write(hold).await {
        error.refusal()?;
        return Err(Problem::try_again("another call goes on with the refund"));
    }
    let intent = Intent { held_until, ..intent.clone() };
    // The provider may have told of it meanwhile.
    let told = books
        .refunds
        .iter()
        .map(|refund| GaveBack { refund_id: refund.refund_id.clone(), minor: refund.minor });
    if let Some(gave) = mine(&intent, told.collect()) {
        return finish(app, books, &intent, gave, now).await;
    }
    match given_back(app, books, &intent).await {
        Ok(given) => match mine(&intent, given) {
            Some(gave) => finish(app, books, &intent, gave, now).await,
            None => ask(app, books, &intent, Turn::Again, now).await,
        },
        Err(error) => Err(leave(app, &intent, error, now).await?),
    }
}

/// Has the provider give the money back.
async fn ask(app: &App, books: &Books, intent: &Intent, turn: Turn, now: Instant) -> Result<Given> {
    let (payment, provider) = (&books.payment, intent.provider);
    let limit = app.payments.provider_timeout;
    let error = match provider.refund(app, payment, intent.minor, &intent.id, limit).await {
        Ok(gave) => return finish(app, books, intent, gave, now).await,
        Err(error) => error,
    };
    if error.is_clear() && turn == Turn::First {
        return Err(refuse(app, intent, error).await?);
    }
    // A provider that was asked before may refuse because it has done it.
    match given_back(app, books, intent).await {
        Ok(given) => match mine(intent, given) {
            Some(gave) => finish(app, books, intent, gave, now).await,
            None if error.is_clear() && now.since(intent.asked_at()) > AT_WORK => {
                Err(refuse(app, intent, error).await?)
            }
            None => Err(leave(app, intent, error, now).await?),
        },
        Err(_) => Err(leave(app, intent, error, now).await?),
    }
}

/// What was given back of the payment since the intent was: before it nothing was that is its own,
/// and the books of a busy provider are long.
async fn given_back(
    app: &App,
    books: &Books,
    intent: &Intent,
) -> Result<Vec<GaveBack>, ProviderError> {
    let limit = app.payments.check_timeout;
    intent.provider.given_back(app, &books.payment, intent.created_at, limit).await
}

/// Was the provider asked for this before?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    First,
    Again,
}

/// Writes down that nothing was given back, and answers so.
async fn refuse(app: &App, intent: &Intent, error: ProviderError) -> Result<Problem> {
    let refused = change(intent).set("stands", Stands::Refused);
    if let Err(error) = app.platform.table.write(refused).await {
        error.refusal()?;
    }
    let (status, text) = (StatusCode::BAD_GATEWAY, texts::REFUND_FAILED);
    Ok(Problem::new(status, "provider_error", "Bad Gateway", text).because(error))
}

/// Leaves the intent to the next try, as nobody knows what the provider did.
async fn leave(app: &App, intent: &Intent, error: ProviderError, now: Instant) -> Result<Problem> {
    let free = change(intent).set("held_until", now);
    let free = if error.is_clear() { free } else { free.set("lost_at", now) };
    release(app, free).await?;
    let cause = "nobody knows whether the provider gave the money back";
    tracing::warn!(%error, intent = %intent.id, cause);
    Ok(Problem::try_again(cause).because(error))
}

/// Which of the refunds that the provider knows is this intent's: the one under its id, else one
/// of as much that was not known before. A refund that somebody made by hand may be taken for it;
/// that gives back too little, which can be mended, and never too much.
fn mine(intent: &Intent, given: Vec<GaveBack>) -> Option<GaveBack> {
    let by_id = given.iter().position(|gave| gave.refund_id == intent.id);
    let like =
        |gave: &GaveBack| gave.minor == intent.minor && !intent.known.contains(&gave.refund_id);
    let found = by_id.or_else(|| given.iter().position(like))?;
    given.into_iter().nth(found)
}

/// Reverses what the refunded part gave, and writes down that the intent is done.
async fn finish(
    app: &App,
    books: &Books,
    intent: &Intent,
    gave: GaveBack,
    now: Instant,
) -> Result<Given> {
    let payment = &books.payment;
    let word = Word {
        provider: intent.provider,
        attempt_id: payment.attempt_id.clone(),
        external_id: payment.external_id.clone(),
        refund_id: gave.refund_id.clone(),
        said: Said::sum(Money::new(gave.minor, payment.sum.currency)),
    };
    if let Err(problem) = Box::pin(refunds::refund(app, &word, None, now)).await {
        let_go(app, intent, now).await?;
        return Err(problem);
    }
    let counted = books.refunds.iter().any(|refund| refund.refund_id == gave.refund_id);
    let before = if counted { 0 } else { gave.minor };
    let full = payment.refunded.saturating_add(before) >= payment.sum.minor;
    let done =
        Intent { refund_id: Some(gave.refund_id), minor: gave.minor, full, ..intent.clone() };
    let write = change(intent)
        .set("stands", Stands::Done)
        .set("refund_id", &done.refund_id)
        .set("minor", done.minor)
        .set("full", full);
    match app.platform.table.write(write).await {
        Ok(_) => books.given(&done, false),
        // Somebody else wrote the same down.
        Err(error) => {
            error.refusal().map_err(Problem::from).and_then(|_| books.given(&done, false))
        }
    }
}

/// Every change of an intent; refused under `intent` when it is not open any more.
fn change(intent: &Intent) -> Write {
    Write::update("intent", intent.key()).when("#stands = :open").bind(":open", Stands::Open)
}

/// Lets the next try begin at once: this one is over.
async fn let_go(app: &App, intent: &Intent, now: Instant) -> Result<()> {
    release(app, change(intent).set("held_until", now)).await
}

async fn release(app: &App, free: Write) -> Result<()> {
    match app.platform.table.write(free).await {
        Ok(_) => Ok(()),
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}

fn unknown() -> Problem {
    let text = texts::ATTEMPT_NOT_FOUND;
    Problem::new(StatusCode::NOT_FOUND, "not_found", "Not Found", text)
}

fn under_way(left: SignedDuration) -> Problem {
    let seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
    Problem::try_again("another call is at this refund")
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}

/// The provider and its own id of the payment that `id` names.
#[must_use]
pub fn read_id(id: &str) -> Option<(Provider, String)> {
    let (name, external_id) = id.split_once(':')?;
    let provider = Provider::ALL.into_iter().find(|provider| provider.name() == name)?;
    let fits = (1..=512).contains(&external_id.len())
        && external_id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then(|| (provider, external_id.to_owned()))
}
