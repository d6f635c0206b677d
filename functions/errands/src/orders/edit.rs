//! What a client may do to an order that nobody has taken: change it, withdraw it.

use http::StatusCode;
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::problem::Result;
use shared::retry::{Round, contended};
use shared::table::Write;

use super::category::Category;
use super::contact::ContactKey;
use super::create::make_way;
use super::items::{ContactLock, Order};
use super::model::{self, Deleting};
use super::round::{self, Opened, Reply};
use super::settle::{self, End};
use super::store::{self, CONTACT, Committed, ORDER, TRIES};
use super::view;
use crate::App;
use crate::events::{self, Event};

/// What a client wants to be otherwise, read and checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    pub(super) category: Option<Category>,
    pub(super) description: Option<String>,
    pub(super) contact: Option<String>,
}

impl Changes {
    fn on(&self, order: &Order) -> Order {
        let mut changed = order.clone();
        if let Some(category) = self.category {
            category.name().clone_into(&mut changed.category);
        }
        if let Some(description) = &self.description {
            changed.description.clone_from(description);
        }
        if let Some(contact) = &self.contact {
            let key = ContactKey::of(contact);
            changed.contact.clone_from(contact);
            key.kind().name().clone_into(&mut changed.contact_kind);
            changed.contact_key = key.digest();
        }
        changed
    }
}

/// Changes an order. One read; one transaction of four items at most, none where nothing would
/// differ.
///
/// # Errors
/// The refusals of [`model::can_update`], 409 `contact_busy`; 503 when nothing was written.
pub(super) async fn update(
    app: &App,
    caller: i64,
    id: &str,
    changes: &Changes,
    now: Instant,
) -> Answer {
    let key = &Idempotency::none();
    contended(TRIES, || async {
        let order = match round::open(app, id, key, None, now).await? {
            Opened::Answered(response) => return Ok(Round::Done(response)),
            Opened::Settled => return Ok(Round::Stale),
            Opened::Found(order, _) => order,
        };
        let order = model::can_update(order.as_ref(), caller, now)?;
        let changed = changes.on(order);
        let body = view::full_view(&changed, Some(caller), now);
        let reply = Reply::json(StatusCode::OK, &body)?;
        if changed == *order {
            return Ok(Round::Done(reply.response()));
        }
        let writes = edited(order, changed, now)?;
        match store::commit(&app.platform.table, writes).await? {
            Committed::Refused(refusal) if refusal.has(CONTACT) && !refusal.has(ORDER) => {
                make_way(app, &refusal, now).await?;
                Ok(Round::Stale)
            }
            committed => round::conclude(app, committed, reply, key, now).await,
        }
    })
    .await
}

fn edited(order: &Order, changed: Order, now: Instant) -> Result<Vec<Write>> {
    let after = store::next(order, changed);
    let mut writes = vec![store::revised(order, &after)?];
    if after.contact_key != order.contact_key {
        writes.push(store::released(order));
        writes.push(Write::insert(CONTACT, &ContactLock::of(&after)));
    }
    if after.category != order.category {
        let from_category = order.category.clone();
        writes.push(events::emit(
            Event::OrderMoved { order: store::facts(&after), from_category },
            now,
        )?);
    }
    Ok(writes)
}

/// Withdraws an order; again without any effect. One read and one transaction of four items.
///
/// # Errors
/// The refusals of [`model::can_delete`]; 503 when nothing was written.
pub(super) async fn delete(app: &App, caller: i64, id: &str, now: Instant) -> Answer {
    let key = &Idempotency::none();
    contended(TRIES, || async {
        let order = match round::open(app, id, key, None, now).await? {
            Opened::Answered(response) => return Ok(Round::Done(response)),
            Opened::Settled => return Ok(Round::Stale),
            Opened::Found(order, _) => order,
        };
        match model::can_delete(order.as_ref(), caller, now)? {
            (_, Deleting::Done) => Ok(Round::Done(Reply::none().response())),
            (order, Deleting::Deletes) => {
                let committed = settle::end(app, order, End::Deleted, None, now).await?;
                round::conclude(app, committed, Reply::none(), key, now).await
            }
        }
    })
    .await
}
