//! What a client may do to an order that was taken: respond, complete, close.

use http::StatusCode;
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::problem::Result;
use shared::retry::{Round, contended};
use shared::table::Write;

use super::items::Order;
use super::model::{self, Refused};
use super::round::{self, Opened, Reply};
use super::settle::{self, End};
use super::store::{self, Committed, TRIES};
use super::view;
use crate::App;
use crate::events::{self, Event};

/// What the client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Says that they have responded to who took the order: no executor gets money back any more.
    Respond,
    /// Says that it is done.
    Complete,
    /// Wants it no more.
    Close,
}

impl Act {
    fn judge(self, order: Option<&Order>, caller: i64, now: Instant) -> Result<&Order, Refused> {
        match self {
            Self::Respond => model::can_respond(order, caller, now),
            Self::Complete => model::can_complete(order, caller, now),
            Self::Close => model::can_close(order, caller, now),
        }
    }

    /// The order after it.
    fn on(self, order: &Order, now: Instant) -> Order {
        match self {
            Self::Respond => responded(order, now),
            Self::Complete => settle::ended(order, End::Completed),
            Self::Close => settle::ended(order, End::Closed),
        }
    }

    fn reply(self, after: &Order, caller: i64, now: Instant) -> Result<Reply> {
        match self {
            Self::Respond | Self::Complete => {
                Reply::json(StatusCode::OK, &view::full_view(after, Some(caller), now))
            }
            Self::Close => Ok(Reply::none()),
        }
    }

    async fn commit(
        self,
        app: &App,
        order: &Order,
        key: Option<Write>,
        now: Instant,
    ) -> Result<Committed> {
        match self {
            Self::Respond => respond(app, order, key, now).await,
            Self::Complete => settle::end(app, order, End::Completed, key, now).await,
            Self::Close => settle::end(app, order, End::Closed, key, now).await,
        }
    }
}

/// Does it. One read and one transaction.
///
/// # Errors
/// The refusals of the act's guard; 503 when nothing was written.
pub(super) async fn act(
    app: &App,
    caller: i64,
    id: &str,
    act: Act,
    key: &Idempotency,
    now: Instant,
) -> Answer {
    contended(TRIES, || async {
        let order = match round::open(app, id, key, None, now).await? {
            Opened::Answered(response) => return Ok(Round::Done(response)),
            Opened::Settled => return Ok(Round::Stale),
            Opened::Found(order, _) => order,
        };
        let order = match act.judge(order.as_ref(), caller, now) {
            Ok(order) => order,
            Err(refused) => return round::refuse(app, refused, key, now).await,
        };
        let reply = act.reply(&act.on(order, now), caller, now)?;
        let committed = act.commit(app, order, reply.stored(key, now), now).await?;
        round::conclude(app, committed, reply, key, now).await
    })
    .await
}

/// The order once its client has responded.
pub(super) fn responded(order: &Order, now: Instant) -> Order {
    store::next(order, Order { customer_responded_at: Some(now), ..order.clone() })
}

async fn respond(app: &App, order: &Order, key: Option<Write>, now: Instant) -> Result<Committed> {
    let after = responded(order, now);
    let mut writes: Vec<Write> = key.into_iter().collect();
    writes.push(store::revised(order, &after)?);
    writes.push(events::emit(Event::OrderResponded { order: store::facts(&after) }, now)?);
    store::commit(&app.platform.table, writes).await
}
