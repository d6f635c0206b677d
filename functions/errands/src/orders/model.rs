//! What holds of an order at an instant, and who may do what to it. No I/O, no clock.
//!
//! The end of an order follows from the instants that were written down with it, whoever looks and
//! however late: a timer that comes late changes nothing. Guards judge by that effective status,
//! in the order in which their refusals are to be told.

use http::StatusCode;
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::problem::Problem;

use super::items::{Order, Status};
use crate::Settings;

/// What the guards need to know of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long the client may leave the first take unanswered.
    pub response_time: SignedDuration,
    /// Takes per order.
    pub max_takes: usize,
    /// Kopecks per take.
    pub price: u32,
}

impl Rules {
    /// The rules by the settings.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            response_time: SignedDuration::from_mins(settings.no_response_close_minutes),
            max_takes: settings.max_executors,
            price: settings.take_price,
        }
    }
}

impl Order {
    /// The end of its hour.
    #[must_use]
    pub fn expires_at(&self) -> Instant {
        self.created_at + SignedDuration::from_mins(self.expires_in_minutes)
    }

    /// By when the client has to respond; never, unless it was taken and is unanswered.
    #[must_use]
    pub fn response_at(&self) -> Option<Instant> {
        self.response_deadline.filter(|_| self.customer_responded_at.is_none())
    }

    /// When it ends by the clock: at that instant it is over.
    #[must_use]
    pub fn ends_at(&self) -> Instant {
        let expires = self.expires_at();
        self.response_at().map_or(expires, |response| response.min(expires))
    }

    /// What holds of it at `now`.
    #[must_use]
    pub fn effective(&self, now: Instant) -> Status {
        if self.status != Status::Active || now < self.ends_at() {
            return self.status;
        }
        match self.response_at() {
            Some(response) if response < self.expires_at() => Status::ClosedNoResponse,
            _ => Status::Expired,
        }
    }

    /// Has the clock ended it without that having been written down?
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.effective(now) != self.status
    }

    /// Would its executors be given their money back if it ended without being completed?
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        !self.taken_by.is_empty() && self.customer_responded_at.is_none()
    }

    /// Has this user bought its contact?
    #[must_use]
    pub fn is_taken_by(&self, user: i64) -> bool {
        self.taken_by.iter().any(|take| take.executor_id == user)
    }

    /// May this viewer, or anybody where there is none, open it?
    #[must_use]
    pub fn is_visible(&self, viewer: Option<i64>, now: Instant) -> bool {
        let owns = viewer == Some(self.client_id);
        match self.effective(now) {
            Status::Active | Status::Expired | Status::Completed => true,
            Status::ClosedNoResponse => owns || viewer.is_some_and(|user| self.is_taken_by(user)),
            Status::Deleted => owns,
        }
    }

    /// Is this what ids of orders look like? Nothing else needs to be looked for.
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        text.len() == 12
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    }
}

/// Why something cannot be done to an order, or with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is none, or none that the caller may know of.
    NotFound,
    /// The contact has another active order.
    ContactBusy,
    /// The client has too many.
    ActiveLimit,
    /// It was taken, so that its client cannot do this any more: `edit` or `delete`.
    Taken(&'static str),
    /// Its hour is over.
    Expired,
    /// It ended in another way.
    NotActive,
    /// One cannot take what one posted.
    Own,
    /// So many have taken it.
    Full(usize),
    /// The balance is below the price of so many kopecks.
    Insufficient(u32),
    /// Only its client can do this: `respond`, `complete it` or `close it`.
    NotClient(&'static str),
    /// Nobody has taken it.
    NoTakes,
    /// Its client has responded before.
    AlreadyResponded,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        use StatusCode as S;
        let refusal = |status, code, detail: &str| Self::refused(status, code, detail.to_owned());
        match refused {
            Refused::NotFound => refusal(S::NOT_FOUND, "order_not_found", "Order not found"),
            Refused::ContactBusy => {
                let detail = "This contact already has an active order";
                refusal(S::CONFLICT, "contact_busy", detail)
            }
            Refused::ActiveLimit => {
                refusal(S::CONFLICT, "active_order_limit", "Too many active orders")
            }
            Refused::Taken(verb) => {
                let detail = format!("Cannot {verb} order after executor has taken it");
                refusal(S::FORBIDDEN, "order_taken", &detail)
            }
            Refused::Expired => refusal(S::GONE, "order_expired", "Order has expired"),
            Refused::NotActive => refusal(S::GONE, "order_not_active", "Order is no longer active"),
            Refused::Own => refusal(S::FORBIDDEN, "own_order", "Cannot take your own order"),
            Refused::Full(most) => {
                let detail = format!("Maximum {most} executors reached");
                refusal(S::CONFLICT, "executor_limit", &detail)
            }
            Refused::Insufficient(price) => {
                let detail = format!("Insufficient balance. Need {}₽", rubles(price));
                refusal(S::PAYMENT_REQUIRED, "insufficient_balance", &detail)
            }
            Refused::NotClient(verb) => {
                let detail = format!("Only the order client can {verb}");
                refusal(S::FORBIDDEN, "not_order_client", &detail)
            }
            Refused::NoTakes => {
                let detail = "No executor has taken this order yet";
                refusal(S::CONFLICT, "no_takes", detail)
            }
            Refused::AlreadyResponded => {
                refusal(S::CONFLICT, "already_responded", "Already responded")
            }
        }
    }
}

/// Kopecks as people say them: whole rubles without a fraction.
fn rubles(kopecks: u32) -> String {
    match kopecks % 100 {
        0 => (kopecks / 100).to_string(),
        rest => format!("{}.{rest:02}", kopecks / 100),
    }
}

/// A take that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taking {
    /// The caller has it already, whatever became of the order.
    Has,
    /// The caller can buy it.
    Buys,
}

/// A deletion that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleting {
    /// It was deleted before.
    Done,
    /// It can be deleted.
    Deletes,
}

/// What the hint of a response deadline means to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hinted {
    /// The clock has ended it: that is to be written down.
    Settle,
    /// It came early, by so much.
    Later(SignedDuration),
    /// Nothing: the client has responded, or the order is over.
    Drop,
}

/// What to do when the response deadline of `order` is said to have come.
#[must_use]
pub fn hinted(order: &Order, now: Instant) -> Hinted {
    match order.response_at() {
        _ if order.is_due(now) => Hinted::Settle,
        Some(_) if order.status == Status::Active => Hinted::Later(order.ends_at().since(now)),
        _ => Hinted::Drop,
    }
}

/// May `viewer` see it?
///
/// # Errors
/// 404 in every case in which not.
pub fn can_get(
    order: Option<&Order>,
    viewer: Option<i64>,
    now: Instant,
) -> Result<&Order, Refused> {
    order.filter(|order| order.is_visible(viewer, now)).ok_or(Refused::NotFound)
}

/// May `caller` edit it?
///
/// # Errors
/// Why not.
pub fn can_update(order: Option<&Order>, caller: i64, now: Instant) -> Result<&Order, Refused> {
    let order = own_untaken(order, caller, "edit")?;
    match order.effective(now) {
        Status::Active => Ok(order),
        ended => Err(over(ended)),
    }
}

/// May `caller` delete it?
///
/// # Errors
/// Why not.
pub fn can_delete(
    order: Option<&Order>,
    caller: i64,
    now: Instant,
) -> Result<(&Order, Deleting), Refused> {
    let order = own_untaken(order, caller, "delete")?;
    match order.effective(now) {
        Status::Deleted => Ok((order, Deleting::Done)),
        Status::Active | Status::Expired => Ok((order, Deleting::Deletes)),
        // Neither ever comes without a take.
        Status::Completed | Status::ClosedNoResponse => Err(Refused::Taken("delete")),
    }
}

/// May `caller`, who has `balance` kopecks, take it?
///
/// # Errors
/// Why not.
pub fn can_take<'a>(
    order: Option<&'a Order>,
    caller: i64,
    balance: i64,
    rules: &Rules,
    now: Instant,
) -> Result<(&'a Order, Taking), Refused> {
    let order = order.ok_or(Refused::NotFound)?;
    if order.is_taken_by(caller) {
        return Ok((order, Taking::Has));
    }
    match order.effective(now) {
        Status::Active if order.client_id == caller => Err(Refused::Own),
        Status::Active if order.taken_by.len() >= rules.max_takes => {
            Err(Refused::Full(rules.max_takes))
        }
        Status::Active if balance < i64::from(rules.price) => {
            Err(Refused::Insufficient(rules.price))
        }
        Status::Active => Ok((order, Taking::Buys)),
        ended => Err(over(ended)),
    }
}

/// May `caller` say that they have responded?
///
/// # Errors
/// Why not.
pub fn can_respond(order: Option<&Order>, caller: i64, now: Instant) -> Result<&Order, Refused> {
    let order = own_taken(order, caller, "respond", now)?;
    match order.customer_responded_at {
        None => Ok(order),
        Some(_) => Err(Refused::AlreadyResponded),
    }
}

/// May `caller` complete it?
///
/// # Errors
/// Why not.
pub fn can_complete(order: Option<&Order>, caller: i64, now: Instant) -> Result<&Order, Refused> {
    own_taken(order, caller, "complete it", now)
}

/// May `caller` close it?
///
/// # Errors
/// Why not.
pub fn can_close(order: Option<&Order>, caller: i64, now: Instant) -> Result<&Order, Refused> {
    own_taken(order, caller, "close it", now)
}

fn own_untaken<'a>(
    order: Option<&'a Order>,
    caller: i64,
    verb: &'static str,
) -> Result<&'a Order, Refused> {
    let own = order.filter(|order| order.client_id == caller).ok_or(Refused::NotFound)?;
    if own.taken_by.is_empty() { Ok(own) } else { Err(Refused::Taken(verb)) }
}

fn own_taken<'a>(
    order: Option<&'a Order>,
    caller: i64,
    verb: &'static str,
    now: Instant,
) -> Result<&'a Order, Refused> {
    let order = order.ok_or(Refused::NotFound)?;
    if order.client_id != caller {
        return Err(Refused::NotClient(verb));
    }
    if order.effective(now) != Status::Active {
        return Err(Refused::NotActive);
    }
    if order.taken_by.is_empty() { Err(Refused::NoTakes) } else { Ok(order) }
}

fn over(ended: Status) -> Refused {
    if ended == Status::Expired { Refused::Expired } else { Refused::NotActive }
}
