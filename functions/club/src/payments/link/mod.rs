//! The use case of a link: at most one open attempt of equal terms, whoever asks how often.

mod again;
mod known;
mod refusals;
mod taker;

use serde_json::{Map, Value};
use shared::clock::Instant;
use shared::http::Subject;
use shared::idempotency::{Idempotency, Outcome};
use shared::money::Currency;
use shared::problem::{Problem, Result, chain};
use shared::table::WriteError;

use super::catalogue;
use super::items::AnalyticsEvent;
use super::jobs::CheckHint;
use super::model::{Attempt, Event, Status};
use super::providers::Provider;
use super::store::{self, Replaced};
use crate::App;
use crate::auth::{self, Member};
use again::{Standing, reuse, standing, won};
use known::{Known, Replay};

pub use refusals::refused;
pub use taker::{Preference, served_by_hand};

/// What the form asks for, read and checked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The offer's key.
    pub offer: String,
    /// The provider by its name.
    pub provider: Option<String>,
    /// Who else.
    pub prefers: Preference,
    /// By PayPal, where LavaTop takes the money?
    pub paypal: bool,
    /// The currency, where the form names one.
    pub currency: Option<Currency>,
    /// For whom, if it is a gift.
    pub recipient: Option<i64>,
    /// The payer's e-mail.
    pub email: String,
    /// The payer's phone.
    pub phone: Option<String>,
    /// What else the form told, for analytics.
    pub details: Map<String, Value>,
    /// Make a link although the subscription renews itself.
    pub force_renew: bool,
}

/// What comes of it.
#[derive(Clone, Debug)]
pub enum Linked {
    /// Pay here.
    Link {
        /// The attempt.
        attempt: Box<Attempt>,
        /// Was it made by an earlier call of another wish?
        reused: bool,
        /// Was this wish answered before, by its key?
        replayed: bool,
    },
    /// No payment is needed.
    RenewsItself {
        /// Who renews the subscription, where that is known.
        by: Option<Provider>,
        /// Until when the subscription is paid.
        expires: Instant,
    },
}

/// Makes a link or finds the one that is open. Three reads and two writes at most, besides a first
/// contact's and the mark on an offer that it is sold for the first time.
///
/// # Errors
/// The refusals of the rules; 502 when the provider makes no link; 503 while another call waits
/// for it, or when the store does not answer.
pub async fn link(
    app: &App,
    subject: &Subject,
    wanted: &Wanted,
    key: &Idempotency,
    now: Instant,
) -> Result<Linked> {
    let mut known = Known::read(app, subject, wanted, key, now).await?;
    let renewed = match known.replay(app, key, now).await? {
        Replay::Answer(linked) => return Ok(linked),
        Replay::Renew(id) => Some(id),
        Replay::None => None,
    };
    let member = match known.member.take() {
        Some(member) => member,
        None => auth::ensure(&app.platform.table, subject, now).await?,
    };
    if let Some(renewing) = known.refuse(app, &member, wanted, now)? {
        return Ok(renewing);
    }
    let renewed = renewed.as_deref();
    let holder = known.holder()?;
    let replaced = match &holder {
        None => None,
        Some(id) => match standing(app, id, now).await? {
            Standing::Link(attempt) => return reuse(app, attempt, key, renewed, now).await,
            Standing::Over(unanswered) => Some((id, unanswered)),
        },
    };
    let replaced = replaced.as_ref().map(|(id, old)| Replaced { id, unanswered: old.as_deref() });
    catalogue::used(&app.platform.table, known.terms()?.0).await?;
    let attempt = known.attempt(wanted, now)?;
    let event = event(&attempt, wanted, now);
    let table = &app.platform.table;
    match store::open(table, &attempt, &event, key, renewed, replaced).await {
        Ok(()) => invoice(app, attempt, now).await,
        Err(error) => lost(app, attempt, key, renewed, error, now).await,
    }
}

/// Until when a subscription is paid that its provider renews.
#[must_use]
pub fn renews_itself(member: &Member, now: Instant) -> Option<Instant> {
    member.subscription_expires.filter(|expires| member.auto_renewal && *expires > now)
}

/// Why a member needs no link: the subscription renews itself. Whoever insists gets a link all the
/// same, but not where CloudPayments renews it: there two subscriptions would go on side by side.
fn renewal(member: &Member, insists: bool, now: Instant) -> Option<Linked> {
    let expires = renews_itself(member, now)?;
    let by = member.contract.as_ref().map(|contract| contract.provider);
    let stands = !insists || by == Some(Provider::Cloudpayments);
    stands.then_some(Linked::RenewsItself { by, expires })
}

fn event(attempt: &Attempt, wanted: &Wanted, now: Instant) -> AnalyticsEvent {
    let details = wanted.details.clone();
    AnalyticsEvent { details, ..AnalyticsEvent::of(attempt, "payment_attempt", "", now) }
}

/// Asks the provider for the link of a new attempt, and answers with it.
async fn invoice(app: &App, attempt: Attempt, now: Instant) -> Result<Linked> {
    let table = &app.platform.table;
    match attempt.provider.invoice(app, &attempt).await {
        Ok(invoice) => {
            let wait = app.payments.interval;
            let stands = store::answered(table, &attempt, &invoice, now + wait, now).await?;
            if matches!(stands, Status::Failed | Status::Abandoned) {
                // The provider took its time, and another call the place. The payer gets that
                // call's link: a second one could take the money twice.
                return Err(Problem::try_again("another attempt took the place"));
            }
            CheckHint { attempt_id: attempt.id.clone(), n: 1 }.send(app, wait).await;
            let (invoice_id, url) = (Some(invoice.id), Some(invoice.url));
            let attempt = Box::new(Attempt { invoice_id, url, ..attempt });
            Ok(Linked::Link { attempt, reused: false, replayed: false })
        }
        Err(error) => {
            let ended = store::end(table, &attempt, Event::Unanswered, "no_link", None, now).await;
            if let Err(problem) = ended {
                // The sweep ends it; the payer is told the same.
                tracing::warn!(error = %chain(&problem), "a failed attempt stays open");
            }
            Err(refusals::failed(error))
        }
    }
}

/// Answers when another call was faster, or when the answer to our own write was lost.
async fn lost(
    app: &App,
    attempt: Attempt,
    key: &Idempotency,
    renewed: Option<&str>,
    error: WriteError,
    now: Instant,
) -> Result<Linked> {
    let refusal = error.refusal()?;
    match key.replay_refusal(&refusal, now)? {
        Some(Outcome::Entity(id)) if id == attempt.id => return invoice(app, attempt, now).await,
        Some(Outcome::Entity(other)) => return won(app, &other, now).await,
        _ => {}
    }
    match store::holder(&refusal) {
        Some(id) if id == attempt.id => invoice(app, attempt, now).await,
        Some(id) => match standing(app, &id, now).await? {
            Standing::Link(attempt) => reuse(app, attempt, key, renewed, now).await,
            Standing::Over(_) => Err(Problem::try_again("another attempt was opened and ended")),
        },
        None => Err(Problem::try_again("the attempt in the way moved on")),
    }
}
