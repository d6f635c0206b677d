//! The use case of a new invoice: a payment is stored before its provider is asked, and a key that
//! comes with the wish is tied to it in the same transaction.

use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::idempotency::{self, Idempotency, Outcome, Record};
use shared::ids;
use shared::problem::{FieldError, Problem, Result, chain};
use shared::table::WriteError;

use super::jobs::CheckHint;
use super::model::{Event, Payment, Provider, Status};
use super::store;
use crate::App;
use crate::money::{Kopecks, balance_limit};
use crate::users::User;

/// What is wanted, read and checked.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// How much.
    pub rubles: i64,
    /// From whom; the configured one where it is not said.
    pub provider: Option<Provider>,
}

/// A payment with its links.
#[derive(Clone, Debug)]
pub struct Invoiced {
    /// The payment.
    pub payment: Payment,
    /// Was it answered before, by its key?
    pub replayed: bool,
}

/// How often another id is tried where one is taken.
const ID_TRIES: u32 = 3;

/// Makes a payment and its invoice, or finds those of the key. Without a key one transaction, the
/// provider's call and one transaction; with a key two reads more at most.
///
/// # Errors
/// The refusals of the rules; 503 when the provider makes no invoice, while another call under
/// the key waits for it, or when the store does not answer.
pub async fn create(
    app: &App,
    user: &User,
    wanted: Wanted,
    key: &Idempotency,
    now: Instant,
) -> Result<Invoiced> {
    let renewed = match replay(app, key, now).await? {
        Replay::None => None,
        Replay::Answer(invoiced) => return Ok(*invoiced),
        Replay::Renew(id) => Some(id),
    };
    let mut payment = planned(app, user, wanted, now)?;
    for _ in 0..ID_TRIES {
        let opened = store::open(&app.platform.table, &payment, key, renewed.as_deref()).await;
        let Err(error) = opened else { return ask(app, payment, now).await };
        if let Some(tied) = tied(key, error, now)? {
            // The answer to our own write was lost, and the write was repeated.
            if tied == payment.id.to_string() {
                return ask(app, payment, now).await;
            }
            return match answer_of(app, &tied, now).await? {
                Some(invoiced) => Ok(invoiced),
                None => Err(Problem::try_again("the first call under this key failed meanwhile")),
            };
        }
        payment.id = ids::numeric(now);
    }
    Err(Problem::try_again("every id was taken"))
}

/// What the key was tied to by whoever was faster; `None` where the id of the payment was taken.
fn tied(key: &Idempotency, error: WriteError, now: Instant) -> Result<Option<String>> {
    let refusal = error.refusal()?;
    if !refusal.has(idempotency::WRITE) {
        return Ok(None);
    }
    match key.replay_refusal(&refusal, now)? {
        Some(Outcome::Entity(id)) => Ok(Some(id)),
        _ => Err(Problem::try_again("the key in the way has gone")),
    }
}

enum Replay {
    None,
    Answer(Box<Invoiced>),
    Renew(String),
}

async fn replay(app: &App, key: &Idempotency, now: Instant) -> Result<Replay> {
    let Some(at) = key.key() else { return Ok(Replay::None) };
    let record: Option<Record> = app.platform.table.get(&at).await?;
    let Some(Outcome::Entity(id)) = key.replay(record.as_ref(), now)? else {
        return Ok(Replay::None);
    };
    Ok(match answer_of(app, &id, now).await? {
        Some(invoiced) => Replay::Answer(Box::new(invoiced)),
        None => Replay::Renew(id),
    })
}

/// The answer from the payment that a key is tied to; `None` when its try failed, so that the next
/// makes another. One that was paid before its links were written down did not fail: to make
/// another would take the money twice, so its provider is asked for the links again.
async fn answer_of(app: &App, tied: &str, now: Instant) -> Result<Option<Invoiced>> {
    let id = tied.parse().map_err(Problem::bug)?;
    let Some(mut payment) = store::find(&app.platform.table, id).await? else { return Ok(None) };
    match payment.status {
        Status::Failed => return Ok(None),
        Status::Creating => match payment.awaited(app.payments.answer_limit(), now) {
            Some(left) => return Err(waiting(left)),
            None => return Ok(None),
        },
        Status::Pending | Status::Paid | Status::Expired => {}
    }
    if payment.pay_url.is_none() {
        let invoice = payment.provider.links(app, &payment).await.map_err(unavailable)?;
        store::linked(&app.platform.table, &payment, &invoice).await?;
        payment.pay_url = Some(invoice.pay_url);
        payment.mini_app_url = invoice.mini_app_url;
    }
    Ok(Some(Invoiced { payment, replayed: true }))
}

/// The payment as it will be stored, if the rules allow it.
fn planned(app: &App, user: &User, wanted: Wanted, now: Instant) -> Result<Payment> {
    let provider = app.payments.provider(app, wanted.provider).ok_or_else(|| {
        let text = "Payment service not configured";
        Problem::refused(StatusCode::SERVICE_UNAVAILABLE, "payments_not_configured", text)
    })?;
    let kopecks = Kopecks::of_rubles(wanted.rubles);
    balance_limit(app, user, kopecks)?;
    let stars = match provider {
        Provider::TelegramStars => Some(kopecks.in_stars(app.settings.kopecks_per_star)),
        Provider::CryptoBot | Provider::Sandbox => None,
    };
    if stars.is_some_and(|stars| stars > app.settings.stars_per_invoice_max) {
        let text = "Amount is too large for Telegram Stars";
        return Err(Problem::invalid_fields(vec![FieldError::sentence("amount", text)]));
    }
    Ok(Payment {
        id: ids::numeric(now),
        user_id: user.id,
        provider,
        status: Status::Creating,
        kopecks,
        stars,
        created_at: now,
        expires_at: now + SignedDuration::from_mins(app.settings.invoice_ttl_minutes),
        paid_at: None,
        invoice_id: None,
        pay_url: None,
        mini_app_url: None,
        checks_done: 0,
        look_at: Some(now + super::model::CREATING_MAX),
    })
}

/// Asks the provider for the invoice of a payment that is stored, and answers with it.
async fn ask(app: &App, payment: Payment, now: Instant) -> Result<Invoiced> {
    let table = &app.platform.table;
    match payment.provider.invoice(app, &payment).await {
        Ok(invoice) => {
            let wait = app.payments.checks.delay;
            store::answered(table, &payment, &invoice, now + wait).await?;
            CheckHint::first(payment.id).send(app, wait).await;
            let (pay_url, mini_app_url) = (Some(invoice.pay_url), invoice.mini_app_url);
            Ok(Invoiced { payment: Payment { pay_url, mini_app_url, ..payment }, replayed: false })
        }
        Err(error) => {
            if let Err(problem) = store::end(table, &payment, Event::Refused).await {
                // The sweep ends it; the payer is told the same.
                tracing::warn!(error = %chain(&problem), "a failed payment stays open");
            }
            Err(unavailable(error))
        }
    }
}

/// The provider did not do what was asked.
pub(super) fn unavailable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Problem {
    let text = "Payment provider is unavailable. Try again later";
    Problem::refused(StatusCode::SERVICE_UNAVAILABLE, "payment_provider_unavailable", text)
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("5"))
        .because(cause)
}

fn waiting(left: SignedDuration) -> Problem {
    let seconds = left.as_secs().saturating_add(i64::from(left.subsec_nanos() > 0));
    Problem::try_again("another call waits for the provider")
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}
