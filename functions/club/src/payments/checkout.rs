//! The last veto before money moves: may this attempt be paid, by this payer, at this price?

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::problem::Result;

use super::model::{Attempt, Cooldown, Said, Status};
use super::offers::Purpose;
use super::providers::Provider;
use crate::App;
use crate::auth::{Member, member_key};

/// A payment that is about to be made, as its provider tells it.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// Who asks.
    pub provider: Provider,
    /// The attempt that it names.
    pub attempt_id: String,
    /// Who is about to pay, by Telegram id.
    pub payer: i64,
    /// How much.
    pub said: Said,
}

/// How long attempts may be paid, and when subscriptions may not be bought.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long a link may be paid at.
    pub link_ttl: SignedDuration,
    /// When a subscription that has ended may not be bought.
    pub cooldown: Cooldown,
}

/// What keeps a payment from being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// There is no such attempt with this provider.
    Unknown,
    /// The attempt is another payer's.
    Payer,
    /// Another sum, or another currency, was agreed.
    Sum,
    /// It was paid, its link failed, or the payer may not buy now.
    State,
    /// Its link was to be paid earlier.
    Expired,
}

/// May this payment be made? One read.
///
/// # Errors
/// When the store does not answer.
pub async fn admits(app: &App, checkout: &Checkout, now: Instant) -> Result<bool> {
    Ok(obstacle(app, checkout, now).await?.is_none())
}

/// What keeps this payment from being made, if anything does. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn obstacle(app: &App, checkout: &Checkout, now: Instant) -> Result<Option<Obstacle>> {
    if !Attempt::is_id(&checkout.attempt_id) {
        return Ok(Some(Obstacle::Unknown));
    }
    let (attempt_at, payer_at) =
        (Attempt::key_of(&checkout.attempt_id), member_key(checkout.payer));
    let rows = app.platform.table.batch(&[attempt_at.clone(), payer_at.clone()]).await?;
    let attempt: Option<Attempt> = rows.get(&attempt_at)?;
    let payer: Option<Member> = rows.get(&payer_at)?;
    let expires = payer.and_then(|payer| payer.subscription_expires);
    let settings = &app.payments;
    let terms = Terms { link_ttl: settings.link_ttl, cooldown: settings.cooldown };
    Ok(match attempt {
        None => Some(Obstacle::Unknown),
        Some(attempt) => hinders(&attempt, checkout, expires, terms, now),
    })
}

/// What keeps an attempt from being paid, if anything does. One that the checks have given up can
/// be paid as long as its link lives; one whose link failed, or that was paid, cannot.
#[must_use]
pub fn hinders(
    attempt: &Attempt,
    checkout: &Checkout,
    expires: Option<Instant>,
    terms: Terms,
    now: Instant,
) -> Option<Obstacle> {
    let stands = matches!(attempt.status, Status::Created | Status::Pending | Status::Abandoned);
    let cools_down =
        attempt.purpose == Purpose::Own && terms.cooldown.unlocks(expires, now).is_some();
    if attempt.provider != checkout.provider {
        Some(Obstacle::Unknown)
    } else if attempt.payer != checkout.payer {
        Some(Obstacle::Payer)
    } else if !checkout.said.agrees(attempt.price) {
        Some(Obstacle::Sum)
    } else if !stands || cools_down {
        Some(Obstacle::State)
    } else if now >= attempt.created_at + terms.link_ttl {
        Some(Obstacle::Expired)
    } else {
        None
    }
}
