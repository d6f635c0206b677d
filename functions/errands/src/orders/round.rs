//! One round of a change: what it begins with, how it is answered.
//!
//! A change reads the order, judges and writes conditionally, anew for each time that another
//! writer came first. Every round begins with [`open`], which settles what is due, and ends with
//! [`conclude`] or [`refuse`]; both know of the answer that may be stored under the caller's key.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use shared::clock::Instant;
use shared::idempotency::Idempotency;
use shared::problem::{Problem, Result};
use shared::retry::Round;
use shared::table::Write;

use super::items::{Order, order_key};
use super::model::Refused;
use super::settle::{self, Settled};
use super::store::Committed;
use crate::App;
use crate::users::{User, user_key};

/// An answer as it can be stored under the caller's key, together with what it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    status: StatusCode,
    body: String,
}

impl Reply {
    /// JSON.
    pub(super) fn json<T: Serialize>(status: StatusCode, body: &T) -> Result<Self> {
        Ok(Self { status, body: serde_json::to_string(body).map_err(Problem::bug)? })
    }

    /// Nothing to tell.
    pub(super) fn none() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: String::new() }
    }

    /// The write that stores it, where the caller brought a key.
    pub(super) fn stored(&self, key: &Idempotency, now: Instant) -> Option<Write> {
        key.saving(self.status, &self.body, now)
    }

    /// The answer itself.
    pub(super) fn response(self) -> Response {
        if self.body.is_empty() {
            return self.status.into_response();
        }
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        (self.status, kind, Body::from(self.body)).into_response()
    }
}

/// What a round begins with.
#[expect(clippy::large_enum_variant, reason = "it lives for one match")]
pub(super) enum Opened {
    /// This was answered before.
    Answered(Response),
    /// The order was due: it is to be read anew.
    Settled,
    /// The order as it stands, and the user that was asked for.
    Found(Option<Order>, Option<User>),
}

/// Begins a round: reads the order, what is stored under the key, and the record of `user` where it
/// is asked for. One read; a settlement where the order is due.
pub(super) async fn open(
    app: &App,
    id: &str,
    key: &Idempotency,
    user: Option<i64>,
    now: Instant,
) -> Result<Opened> {
    if !Order::is_id(id) {
        return Ok(Opened::Found(None, None));
    }
    let (order_at, user_at) = (order_key(id), user.map(user_key));
    let keys: Vec<_> =
        [Some(order_at.clone()), key.key(), user_at.clone()].into_iter().flatten().collect();
    let rows = app.platform.table.batch(&keys).await?;
    if let Some(response) = key.before(&app.platform.table, &rows, now).await? {
        return Ok(Opened::Answered(response));
    }
    let order: Option<Order> = rows.get(&order_at)?;
    if let Some(order) = &order
        && settle::settle_once(app, order, now).await? != Settled::NotDue
    {
        return Ok(Opened::Settled);
    }
    let user = user_at.map(|at| rows.get::<User>(&at)).transpose()?.flatten();
    Ok(Opened::Found(order, user))
}

/// Ends a round whose writes were tried.
pub(super) async fn conclude(
    app: &App,
    committed: Committed,
    reply: Reply,
    key: &Idempotency,
    now: Instant,
) -> Result<Round<Response>> {
    match committed {
        Committed::Yes => Ok(Round::Done(reply.response())),
        Committed::Refused(refusal) => key.after(&app.platform.table, &refusal, now).await,
        Committed::Outrun => Ok(Round::Stale),
    }
}

/// Ends a round whose guard refused. A call under the same key may have been what changed the
/// order after its answer was looked for: it is looked for again, which costs one read where there
/// is a key.
pub(super) async fn refuse(
    app: &App,
    refused: Refused,
    key: &Idempotency,
    now: Instant,
) -> Result<Round<Response>> {
    match key.look(&app.platform.table, now).await? {
        Some(response) => Ok(Round::Done(response)),
        None => Err(refused.into()),
    }
}
