//! LavaTop's way in: its word of payments and subscriptions, in any order and any number of times.
//!
//! LavaTop delivers again until it is answered with success, so it is answered only once what
//! follows is stored. Events of payments and of subscriptions come to two addresses; each takes
//! all of them.

mod delivery;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, State};
use axum::routing::post;
use http::HeaderValue;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now, days};
use shared::function::{Access, Function};
use shared::http::Answer;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity, Key, Write};
use utoipa::ToSchema;

use super::contracts::{self, Closed, ContractHandle, RecurringContract};
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

/// Settles money, or keeps it apart. Two reads and one transaction; where it begins a subscription,
/// one read more: LavaTop may have said before that it is over.
async fn settle(app: &App, delivery: &Delivery, now: Instant) -> Result<()> {
    let named = delivery.named();
    let found = matching::look(app, Provider::Lavatop, named).await?;
    // Not whether this delivery began it: the one that did may have died before it looked.
    let is_first =
        |contract: &RecurringContract| contract.live && contract.newest == delivery.contract_id();
    let begins = found.contract.as_ref().is_none_or(is_first)
        && found.attempt.as_ref().is_none_or(|attempt| attempt.recurs);
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
    match begins {
        true => close_early(app, delivery.root(), now).await,
        false => Ok(()),
    }
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

/// A subscription that is over before we know that it began: LavaTop's words come in any order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct EarlyEnd {
    /// LavaTop's id of it.
    contract_id: String,
    /// Until when it is paid, where LavaTop says so.
    until: Option<Instant>,
    /// When LavaTop said so.
    at: Instant,
}

/// How long one is kept, in days: LavaTop delivers again for hours.
const EARLY_END_KEPT: u32 = 90;

impl EarlyEnd {
    fn key_of(contract_id: &str) -> Key {
        Key::new(format!("CONTRACT#lavatop#{contract_id}"), "EARLYEND")
    }
}

impl Entity for EarlyEnd {
    const KIND: &'static str = "EarlyEnd";

    fn key(&self) -> Key {
        Self::key_of(&self.contract_id)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.at + days(EARLY_END_KEPT))
    }
}

/// Takes LavaTop's word that a subscription is over. Of one that has not begun here, the word is
/// kept for when it does; and asked after once more, as it may have begun in between.
async fn close(app: &App, delivery: &Delivery, until: Option<Instant>, now: Instant) -> Result<()> {
    if contracts::closed(app, &handle_of(delivery.root()), until, now).await? != Closed::Unknown {
        return Ok(());
    }
    let early = EarlyEnd { contract_id: delivery.root().to_owned(), until, at: now };
    app.platform.table.write(Write::put("early", &early)).await?;
    contracts::closed(app, &handle_of(delivery.root()), until, now).await.map(|_| ())
}

/// Ends a subscription that was over before it began here.
async fn close_early(app: &App, contract_id: &str, now: Instant) -> Result<()> {
    let early: Option<EarlyEnd> = app.platform.table.get(&EarlyEnd::key_of(contract_id)).await?;
    let Some(early) = early else { return Ok(()) };
    contracts::closed(app, &handle_of(contract_id), early.until, now).await.map(|_| ())
}

fn handle_of(contract_id: &str) -> ContractHandle {
    ContractHandle { provider: Provider::Lavatop, contract_id: contract_id.to_owned() }
}
