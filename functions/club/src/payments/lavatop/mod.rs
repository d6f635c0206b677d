//! LavaTop's way in: its word of payments and subscriptions, in any order and any number of times.
//!
//! LavaTop delivers again until it is answered with success, so it is answered only once what
//! follows is stored. Events of payments and of subscriptions come to two addresses; each takes
//! all of them.
//!
//! None of them tells of money that went back. What LavaTop lets one subscribe to are results of
//! payments and recurring payments (<https://developers.lava.top/en>), and among its methods
//! (<https://faq.lava.top/article/68571>) there is none that gives money back or lists what was: it is
//! done by hand there. So an administrator's refund is how the club learns of it: it asks LavaTop for
//! nothing and reverses here what the payment gave. An event of any kind that is not known changes
//! nothing, whatever it says.

mod delivery;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::routing::post;
use http::HeaderValue;
use http::request::Parts;
use serde::Serialize;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::Answer;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::Write;
use utoipa::ToSchema;

use super::contracts::{self, ContractHandle};
use super::items::AnalyticsEvent;
use super::matching::{self, Matched};
use super::model::Event;
use super::providers::Provider;
use super::providers::lavatop::{KEY_HEADER, URL, WEBHOOK_SECRET};
use super::{settlement, store};
use crate::App;
use crate::wire::{self, success};

pub use delivery::Delivery;
use delivery::Word;

/// `POST /api/webhooks/lavatop/payment`.
#[must_use]
pub fn lavatop_payment() -> Function<App> {
    webhook(
        "club-lavatop-payment",
        "/api/webhooks/lavatop/payment",
        "Takes LavaTop's word that money came or failed to come",
    )
}

/// `POST /api/webhooks/lavatop/recurring`.
#[must_use]
pub fn lavatop_recurring() -> Function<App> {
    webhook(
        "club-lavatop-recurring",
        "/api/webhooks/lavatop/recurring",
        "Takes LavaTop's word that a subscription was renewed, was not, or is over",
    )
}

fn webhook(name: &'static str, path: &'static str, summary: &'static str) -> Function<App> {
    Function::<App>::post(name, path)
        .summary(summary)
        .access(Access::Webhook)
        .needs_with(URL, WEBHOOK_SECRET)
        .limited(wire::WEBHOOK)
        .takes::<Delivery>()
        .answers::<Done>()
        .handled_by(post(handle))
}

/// The caller holds the key that we gave LavaTop. Where there is none, nobody does.
struct Authentic;

impl FromRequestParts<App> for Authentic {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let guess = parts.headers.get(KEY_HEADER).map(HeaderValue::as_bytes).unwrap_or_default();
        let key = app.platform.secret_if_set(WEBHOOK_SECRET);
        match key.is_some_and(|key| key.matches(guess)) {
            true => Ok(Self),
            false => Err(Problem::unauthorized("unauthorized")),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Done {}

async fn handle(State(app): State<App>, Now(now): Now, _: Authentic, body: Bytes) -> Answer {
    let delivery = Delivery::read(&body)?;
    match delivery.word() {
        Word::Success => Box::pin(settle(&app, &delivery, now)).await?,
        Word::Failure => fail(&app, &delivery, now).await?,
        Word::RenewalFailure => note(&app, &delivery, now).await?,
        Word::Cancelled { until } => close(&app, &delivery, until, now).await?,
        Word::Other => tracing::info!(contract = delivery.root(), "an event of no concern"),
    }
    success(Done {})
}

/// Settles money, or keeps it apart. Two reads and one transaction.
async fn settle(app: &App, delivery: &Delivery, now: Instant) -> Result<()> {
    let named = delivery.named();
    let found = matching::look(app, Provider::Lavatop, named).await?;
    let attempt_id = match found.matched() {
        Matched::Attempt(id) => id,
        Matched::Two => {
            let success = delivery.success(named.attempt_id.unwrap_or_default());
            settlement::quarantine(app, &success, "two_attempts", now).await?;
            return Ok(());
        }
        Matched::Nobody => {
            let reason = match named.attempt_id {
                Some(_) => "unknown_attempt",
                None if delivery.root() != delivery.contract_id() => "unknown_contract",
                None => "unknown_invoice",
            };
            let success = delivery.success(named.attempt_id.unwrap_or_default());
            settlement::quarantine(app, &success, reason, now).await?;
            return Ok(());
        }
    };
    settlement::settle(app, &delivery.success(&attempt_id), None, now).await?;
    Ok(())
}

/// Takes a final failure: a pending attempt fails, anything else stays as it is, and so does one
/// whose link is another's than the one that failed.
async fn fail(app: &App, delivery: &Delivery, now: Instant) -> Result<()> {
    let matched = matching::find(app, Provider::Lavatop, delivery.named()).await?;
    let Matched::Attempt(id) = matched else { return Ok(()) };
    let table = &app.platform.table;
    optimistic(|| async {
        let Some(attempt) = store::find(table, &id).await? else { return Ok(Round::Done(())) };
        let own = attempt.invoice_id.as_deref().is_none_or(|own| own == delivery.root());
        let fails = attempt.provider == Provider::Lavatop
            && own
            && attempt.status.after(Event::Refused).is_some();
        if !fails {
            return Ok(Round::Done(()));
        }
        let ended = store::end(table, &attempt, Event::Refused, "declined", None, now).await?;
        Ok(if ended { Round::Done(()) } else { Round::Stale })
    })
    .await
}

/// Writes down that a subscription was not renewed this time: paid time stays, and LavaTop tries
/// again or says that it is over. One read and one write.
async fn note(app: &App, delivery: &Delivery, now: Instant) -> Result<()> {
    let matched = matching::find(app, Provider::Lavatop, delivery.named()).await?;
    let Matched::Attempt(id) = matched else { return Ok(()) };
    let table = &app.platform.table;
    let Some(attempt) = store::find(table, &id).await? else { return Ok(()) };
    let event = AnalyticsEvent::of(&attempt, "renewal_failed", delivery.contract_id(), now);
    match table.write(Write::insert("event", &event)).await {
        Ok(_) => Ok(()),
        // It is written down already.
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}

/// Takes LavaTop's word that a subscription is over.
async fn close(app: &App, delivery: &Delivery, until: Option<Instant>, now: Instant) -> Result<()> {
    let handle =
        ContractHandle { provider: Provider::Lavatop, contract_id: delivery.root().to_owned() };
    contracts::over(app, &handle, until, now).await.map(|_| ())
}
