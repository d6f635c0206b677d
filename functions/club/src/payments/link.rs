//! The use case of a link: at most one open attempt of equal terms, whoever asks how often.

use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use shared::clock::Instant;
use shared::http::Subject;
use shared::idempotency::{self, Idempotency, Outcome, Record};
use shared::money::{Currency, Money};
use shared::problem::{Problem, Result, chain};
use shared::table::{Key, Rows, WriteError};

use super::items::{AnalyticsEvent, OpenAttempt, Slot};
use super::jobs::CheckHint;
use super::model::{Attempt, Event, Status, moscow_date};
use super::offers::{Offer, Purpose};
use super::providers::Provider;
use super::store::{self, Replaced};
use crate::auth::{self, Member, member_key};
use crate::{App, texts};

/// What the form asks for, read and checked.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The offer's key.
    pub offer: String,
    /// The provider by its name.
    pub provider: Option<String>,
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
        /// Until when the subscription is paid.
        expires: Instant,
    },
}

/// Makes a link or finds the one that is open. Three reads and two writes at most, besides a first
/// contact's.
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
    let taker = app.payments.taker(wanted.provider.as_deref(), wanted.currency);
    let taker = taker.ok_or_else(|| failed("no provider is enabled"))?;
    let mut known = Known::read(app, subject, wanted, taker, key, now).await?;
    let renewed = match known.replay(app, key, now).await? {
        Replay::Answer(linked) => return Ok(linked),
        Replay::Renew(id) => Some(id),
        Replay::None => None,
    };
    let member = match known.member.take() {
        Some(member) => member,
        None => auth::ensure(&app.platform.table, subject, now).await?,
    };
    if let Some(expires) = known.refuse(app, &member, wanted, now)? {
        return Ok(Linked::RenewsItself { expires });
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
    let attempt = known.attempt(wanted, now)?;
    let event = event(&attempt, wanted, now);
    let table = &app.platform.table;
    match store::open(table, &attempt, &event, key, renewed, replaced).await {
        Ok(()) => invoice(app, attempt, now).await,
        Err(error) => lost(app, attempt, key, renewed, error, now).await,
    }
}

/// What one batch read tells.
struct Known {
    rows: Rows,
    member: Option<Member>,
    offer: Option<Offer>,
    slot: Slot,
    record: Option<Key>,
}

enum Replay {
    None,
    Answer(Linked),
    Renew(String),
}

enum Standing {
    /// There is a link to give again.
    Link(Box<Attempt>),
    /// Another may take its place; the attempt, when it is to fail by that.
    Over(Option<Box<Attempt>>),
}

impl Known {
    async fn read(
        app: &App,
        subject: &Subject,
        wanted: &Wanted,
        (provider, currency): (Provider, Currency),
        key: &Idempotency,
        now: Instant,
    ) -> Result<Self> {
        let slot = |recipient| Slot {
            payer: subject.telegram_id,
            offer: wanted.offer.clone(),
            provider,
            currency,
            recipient,
        };
        let (member_at, offer_at) = (member_key(subject.telegram_id), Offer::key_of(&wanted.offer));
        let (own, given) = (slot(None), slot(wanted.recipient));
        let mut keys = vec![member_at.clone(), offer_at.clone(), own.key()];
        // Whether it is a gift is known only with the offer.
        keys.extend(wanted.recipient.map(|_| given.key()));
        keys.extend(key.key());
        let rows = app.platform.table.batch(&keys).await?;
        let record = key.key();
        if let Some(at) = &record {
            key.replay(rows.get::<Record>(at)?.as_ref(), now)?;
        }
        let offer = rows.get(&offer_at)?.or_else(|| Offer::seeded(&wanted.offer));
        let is_gift = offer.as_ref().is_some_and(|offer| offer.purpose == Purpose::Gift);
        let slot = if is_gift { given } else { own };
        Ok(Self { member: rows.get(&member_at)?, offer, slot, record, rows })
    }

    async fn replay(&self, app: &App, key: &Idempotency, now: Instant) -> Result<Replay> {
        let Some(at) = &self.record else { return Ok(Replay::None) };
        let record = self.rows.get::<Record>(at)?;
        let Some(Outcome::Entity(id)) = key.replay(record.as_ref(), now)? else {
            return Ok(Replay::None);
        };
        Ok(match answer_of(app, &id, now).await? {
            Some(linked) => Replay::Answer(linked),
            None => Replay::Renew(id),
        })
    }

    /// Refuses what the rules refuse. Answers until when a subscription is paid that renews
    /// itself, so that no link is needed.
    fn refuse(
        &self,
        app: &App,
        member: &Member,
        wanted: &Wanted,
        now: Instant,
    ) -> Result<Option<Instant>> {
        let (offer, _) = self.terms()?;
        match offer.purpose {
            Purpose::Gift if self.slot.recipient == Some(member.tg_id) => {
                Err(refused("gift_self", texts::GIFT_SELF))
            }
            Purpose::Gift => Ok(None),
            Purpose::Own => {
                let expires = member.subscription_expires;
                if let Some(unlock) = app.payments.cooldown.unlocks(expires, now) {
                    return Err(cooling_down(unlock));
                }
                Ok(renews_itself(member, now).filter(|_| !wanted.force_renew))
            }
        }
    }

    fn terms(&self) -> Result<(&Offer, Money)> {
        let offer = self.offer.as_ref().ok_or_else(|| {
            let text = texts::OFFER_UNKNOWN;
            Problem::new(StatusCode::NOT_FOUND, "offer_unknown", "Not Found", text)
        })?;
        if !offer.active {
            return Err(refused("offer_inactive", texts::OFFER_INACTIVE));
        }
        let Slot { provider, currency, .. } = &self.slot;
        let price = offer.price(*currency).filter(|_| provider.takes(*currency));
        let missing = || refused("currency_not_offered", texts::CURRENCY_NOT_OFFERED);
        Ok((offer, price.ok_or_else(missing)?))
    }

    /// The attempt that stands in the slot.
    fn holder(&self) -> Result<Option<String>> {
        let open: Option<OpenAttempt> = self.rows.get(&self.slot.key())?;
        Ok(open.map(|open| open.attempt_id))
    }

    fn attempt(&self, wanted: &Wanted, now: Instant) -> Result<Attempt> {
        let (offer, price) = self.terms()?;
        Ok(Attempt {
            id: Attempt::new_id(self.slot.payer, now),
            payer: self.slot.payer,
            recipient: self.slot.recipient,
            purpose: offer.purpose,
            offer: offer.key.clone(),
            days: offer.days,
            price,
            provider: self.slot.provider,
            recurs: offer.recurs() && self.slot.provider.renews(),
            contract: None,
            contract_over: false,
            status: Status::Created,
            checks_done: 0,
            unrefunded: 0,
            due_at: Attempt::follow_up(now, now),
            invoice_id: None,
            url: None,
            reason: None,
            email: Some(wanted.email.clone()),
            phone: wanted.phone.clone(),
            created_at: now,
            updated_at: now,
        })
    }
}

/// Until when a subscription is paid that its provider renews.
#[must_use]
pub fn renews_itself(member: &Member, now: Instant) -> Option<Instant> {
    member.subscription_expires.filter(|expires| member.auto_renewal && *expires > now)
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
            Err(failed(error))
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
    match key.replay_item(refusal.old(idempotency::WRITE), now)? {
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

/// What a key is tied to when its call found a link instead of making one: a replay must say so
/// again.
const FOUND: &str = "found:";

/// The answer from what a key is tied to: `None` when its try failed.
///
/// An attempt abandoned before it had a link counts as failed: nobody was told where to pay it. One
/// that was paid does not, also when our own call died before it wrote the link down: a new link
/// could take the money twice, and an error would break the promise of the same answer. Its
/// provider is asked for the same link again, by the attempt's id.
async fn answer_of(app: &App, tied: &str, now: Instant) -> Result<Option<Linked>> {
    let found = tied.strip_prefix(FOUND);
    let (reused, id) = (found.is_some(), found.unwrap_or(tied));
    let Some(mut attempt) = store::find(&app.platform.table, id).await? else { return Ok(None) };
    match (attempt.status, &attempt.url) {
        (Status::Failed, _) | (Status::Abandoned, None) => return Ok(None),
        (Status::Created, _) => match attempt.awaited(app.payments.answer_limit(), now) {
            Some(left) => return Err(waiting(left)),
            None => return Ok(None),
        },
        (_, Some(_)) => {}
        (_, None) => {
            let invoice = attempt.provider.invoice(app, &attempt).await.map_err(failed)?;
            store::linked(&app.platform.table, &attempt.id, &invoice).await?;
            (attempt.invoice_id, attempt.url) = (Some(invoice.id), Some(invoice.url));
        }
    }
    Ok(Some(Linked::Link { attempt: Box::new(attempt), reused, replayed: true }))
}

/// The answer of the call that tied our key before we could.
async fn won(app: &App, tied: &str, now: Instant) -> Result<Linked> {
    let linked = answer_of(app, tied, now).await?;
    linked.ok_or_else(|| Problem::try_again("the first call failed meanwhile"))
}

/// What the attempt in a slot means for the next.
async fn standing(app: &App, id: &str, now: Instant) -> Result<Standing> {
    let Some(attempt) = store::find(&app.platform.table, id).await? else {
        return Ok(Standing::Over(None));
    };
    match attempt.status {
        Status::Pending => Ok(Standing::Link(Box::new(attempt))),
        Status::Created => match attempt.awaited(app.payments.answer_limit(), now) {
            Some(left) => Err(waiting(left)),
            None => Ok(Standing::Over(Some(Box::new(attempt)))),
        },
        _ => Ok(Standing::Over(None)),
    }
}

/// Gives a link again. A key that came with the call is tied to it from now on, also one whose
/// earlier try, `renewed`, failed.
async fn reuse(
    app: &App,
    attempt: Box<Attempt>,
    key: &Idempotency,
    renewed: Option<&str>,
    now: Instant,
) -> Result<Linked> {
    let tied = format!("{FOUND}{}", attempt.id);
    if let Some(write) = key.naming(&tied, renewed, now)
        && let Err(error) = app.platform.table.write(write).await
        && let Some(Outcome::Entity(other)) =
            key.replay_item(error.refusal()?.old(idempotency::WRITE), now)?
        && other != tied
    {
        return won(app, &other, now).await;
    }
    Ok(Linked::Link { attempt, reused: true, replayed: false })
}

fn refused(code: &'static str, text: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, "Bad Request", text)
}

fn cooling_down(unlock: Instant) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "cooldown_active", "cooldown_active", texts::COOLDOWN)
        .with("unlock_date", moscow_date(unlock))
        .with("error", "cooldown_active")
}

fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Problem {
    let status = StatusCode::BAD_GATEWAY;
    Problem::new(status, "provider_error", "Bad Gateway", texts::LINK_FAILED).because(cause)
}

fn waiting(left: SignedDuration) -> Problem {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
    Problem::new(status, "conflict_retry", "Service Unavailable", texts::LINK_PENDING)
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
        .because("another call waits for the provider")
}
