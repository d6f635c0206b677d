//! A new order.

use axum::response::Response;
use http::StatusCode;
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::{self, Idempotency};
use shared::ids;
use shared::problem::Result;
use shared::retry::{Round, contended};
use shared::table::{Refusal, Write};

use super::category::Category;
use super::city::CityKey;
use super::contact::ContactKey;
use super::items::{ContactLock, Order, OwnedOrder, Status};
use super::model::Refused;
use super::round::{self, Reply};
use super::settle;
use super::store::{self, CLIENT, CONTACT, Committed, ORDER, Side, TRIES};
use super::view;
use crate::App;
use crate::events::{self, Event};
use crate::users::User;

/// What a client asks for, read and checked.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) category: Category,
    pub(super) description: String,
    pub(super) city: String,
    pub(super) contact: String,
}

impl Draft {
    fn order(&self, client_id: i64, minutes: i64, now: Instant) -> Order {
        let contact = ContactKey::of(&self.contact);
        let order = Order {
            id: ids::short(),
            client_id,
            category: self.category.name().to_owned(),
            description: self.description.clone(),
            city: self.city.clone(),
            city_key: CityKey::of(&self.city).into(),
            contact: self.contact.clone(),
            contact_kind: contact.kind().name().to_owned(),
            contact_key: contact.digest(),
            created_at: now,
            expires_in_minutes: minutes,
            status: Status::Active,
            taken_by: Vec::new(),
            response_deadline: None,
            customer_responded_at: None,
            end_at: now,
            review: None,
            version: 1,
        };
        Order { end_at: order.ends_at(), ..order }
    }
}

/// Makes an order. One transaction of five items, six with a key; where the contact has an order
/// that is due, that one is settled first.
///
/// # Errors
/// 409 `contact_busy`, 409 `active_order_limit`; 503 when nothing was written.
pub(super) async fn create(
    app: &App,
    client: &User,
    draft: &Draft,
    key: &Idempotency,
    now: Instant,
) -> Answer {
    contended(TRIES, || async {
        let order = draft.order(client.id, app.settings.order_lifetime_minutes, now);
        let body = view::full_view(&order, Some(client.id), now);
        let reply = Reply::json(StatusCode::CREATED, &body)?;
        let mut writes: Vec<Write> = reply.stored(key, now).into_iter().collect();
        writes.extend(made(app, &order, now)?);
        match store::commit(&app.platform.table, writes).await? {
            Committed::Refused(refusal) if !refusal.has(idempotency::WRITE) => {
                refused(app, &refusal, now).await
            }
            committed => round::conclude(app, committed, reply, key, now).await,
        }
    })
    .await
}

/// The writes of a new order, in the order in which refusals are told.
fn made(app: &App, order: &Order, now: Instant) -> Result<Vec<Write>> {
    let client = store::counted(Side::Own, order.client_id, None, Status::Active)
        .when("attribute_not_exists(#own_active) OR #own_active < :most")
        .bind(":most", app.settings.active_orders_max);
    Ok(vec![
        Write::insert(CONTACT, &ContactLock::of(order)),
        client,
        Write::insert(ORDER, order),
        Write::insert("owned", &OwnedOrder::of(order)),
        events::emit(Event::OrderCreated { order: store::facts(order) }, now)?,
    ])
}

async fn refused(app: &App, refusal: &Refusal, now: Instant) -> Result<Round<Response>> {
    if refusal.has(CONTACT) {
        make_way(app, refusal, now).await?;
    } else if refusal.has(CLIENT) {
        return Err(Refused::ActiveLimit.into());
    }
    // The contact is free by now, or the id was not.
    Ok(Round::Stale)
}

/// Frees a contact from the order that has it, if that one is due. One read, and a settlement.
///
/// # Errors
/// 409 `contact_busy` when it is not.
pub(super) async fn make_way(app: &App, refusal: &Refusal, now: Instant) -> Result<()> {
    let Some(lock) = refusal.old(CONTACT) else { return Ok(()) };
    let lock: ContactLock = lock.read()?;
    let Some(holder) = store::find(&app.platform.table, &lock.order_id).await? else {
        return Ok(());
    };
    settle::settle_once(app, &holder, now).await?;
    let holds = holder.contact_key == lock.contact_key;
    if holds && holder.effective(now) == Status::Active {
        return Err(Refused::ContactBusy.into());
    }
    Ok(())
}
