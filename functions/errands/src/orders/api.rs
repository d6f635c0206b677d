//! The endpoints of orders, but for their list.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path, State};
use axum::routing;
use http::request::Parts;
use serde::Deserialize;
use shared::cache::Conditional;
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, Body, Fields};
use shared::idempotency::Idempotency;
use shared::problem::Result;
use utoipa::ToSchema;

use super::category::Category;
use super::create::{self, Draft};
use super::edit::{self, Changes};
use super::respond::{self, Act};
use super::take::{self, Bought};
use super::view::{self, OrderView};
use super::{model, store};
use crate::users::{Caller, Visitor};
use crate::{App, wire};

/// Code points of a description.
const DESCRIPTION: (usize, usize) = (20, 1000);
/// Code points of a contact.
const CONTACT: (usize, usize) = (3, 100);

/// `POST /api/orders`.
#[must_use]
pub fn create() -> Function<App> {
    Function::<App>::post("errands-orders-create", "/api/orders")
        .summary("Posts a job, which lives an hour")
        .access(Access::User)
        .limited(wire::ORDER)
        .takes::<NewOrder>()
        .creates::<OrderView>()
        .handled_by(routing::post(handle_create))
}

/// `GET /api/orders/{id}`.
#[must_use]
pub fn get() -> Function<App> {
    Function::<App>::get("errands-orders-get", "/api/orders/{id}")
        .summary("One order; with the contact for its client and those who took it")
        .access(Access::Visitor(&[]))
        .limited(wire::READ)
        .cached(wire::VALIDATED)
        .answers::<OrderView>()
        .handled_by(routing::get(handle_get))
}

/// `PUT /api/orders/{id}`.
#[must_use]
pub fn update() -> Function<App> {
    Function::<App>::put("errands-orders-update", "/api/orders/{id}")
        .summary("Changes an order that nobody has taken")
        .access(Access::User)
        .limited(wire::ORDER)
        .takes::<OrderChanges>()
        .answers::<OrderView>()
        .handled_by(routing::put(handle_update))
}

/// `DELETE /api/orders/{id}`.
#[must_use]
pub fn delete() -> Function<App> {
    Function::<App>::delete("errands-orders-delete", "/api/orders/{id}")
        .summary("Withdraws an order that nobody has taken")
        .access(Access::User)
        .limited(wire::ORDER)
        .answers_nothing()
        .handled_by(routing::delete(handle_delete))
}

/// `POST /api/orders/{id}/take`.
#[must_use]
pub fn take() -> Function<App> {
    Function::<App>::post("errands-orders-take", "/api/orders/{id}/take")
        .summary("Buys the contact, once")
        .access(Access::User)
        .limited(wire::TAKE)
        .answers::<Bought>()
        .handled_by(routing::post(handle_take))
}

/// `POST /api/orders/{id}/respond`.
#[must_use]
pub fn respond() -> Function<App> {
    Function::<App>::post("errands-orders-respond", "/api/orders/{id}/respond")
        .summary("The client says that they have responded to who took the order")
        .access(Access::User)
        .limited(wire::ORDER)
        .answers::<OrderView>()
        .handled_by(routing::post(handle_respond))
}

/// `POST /api/orders/{id}/complete`.
#[must_use]
pub fn complete() -> Function<App> {
    Function::<App>::post("errands-orders-complete", "/api/orders/{id}/complete")
        .summary("The client says that the job is done")
        .access(Access::User)
        .limited(wire::ORDER)
        .answers::<OrderView>()
        .handled_by(routing::post(handle_complete))
}

/// `POST /api/orders/{id}/close`.
#[must_use]
pub fn close() -> Function<App> {
    Function::<App>::post("errands-orders-close", "/api/orders/{id}/close")
        .summary("The client closes the order; unanswered executors get their money back")
        .access(Access::User)
        .limited(wire::ORDER)
        .answers_nothing()
        .handled_by(routing::post(handle_close))
}

/// The order that the path names; one that cannot exist where the path does not read.
struct OrderId(String);

impl FromRequestParts<App> for OrderId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        Ok(Self(path.map(|Path(id)| id).unwrap_or_default()))
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body for the document; it is read field by field")]
struct NewOrder {
    /// One of the seven.
    category: String,
    /// 20 to 1000 characters.
    description: String,
    /// 2 to 100 characters.
    city: String,
    /// 3 to 100 characters.
    contact: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body for the document; it is read field by field")]
struct OrderChanges {
    /// One of the seven.
    category: Option<String>,
    /// 20 to 1000 characters.
    description: Option<String>,
    /// 3 to 100 characters.
    contact: Option<String>,
}

async fn handle_create(
    State(app): State<App>,
    Now(now): Now,
    Caller(client): Caller,
    key: Idempotency,
    Body(fields): Body,
) -> Answer {
    let draft = draft(fields)?;
    Box::pin(create::create(&app, &client, &draft, &key, now)).await
}

fn draft(mut fields: Fields) -> Result<Draft> {
    let category = category(&mut fields, true);
    let draft = Draft {
        description: fields.required_text("description", DESCRIPTION.0, DESCRIPTION.1),
        city: fields.required_text("city", wire::CITY_LENGTH.0, wire::CITY_LENGTH.1),
        contact: fields.required_text("contact", CONTACT.0, CONTACT.1),
        category: category.unwrap_or(Category::Other),
    };
    fields.finish().map(|()| draft)
}

/// The category that is asked for. What is none of the seven, or absent though it is required, is
/// complained of.
fn category(fields: &mut Fields, is_required: bool) -> Option<Category> {
    let name = match is_required {
        true => Some(fields.required_text("category", 0, usize::MAX)),
        false => fields.text("category", 0, usize::MAX),
    };
    let category = name.as_deref().and_then(Category::parse);
    if name.is_some() && category.is_none() {
        fields.complain("category", Category::complaint());
    }
    category
}

async fn handle_get(
    State(app): State<App>,
    Now(now): Now,
    Visitor(user): Visitor,
    OrderId(id): OrderId,
    cached: Conditional,
) -> Answer {
    let order = store::find(&app.platform.table, &id).await?;
    let viewer = user.map(|user| user.id);
    let order = model::can_get(order.as_ref(), viewer, now)?;
    cached.by_body(&view::full_view(order, viewer, now), &[])
}

async fn handle_update(
    State(app): State<App>,
    Now(now): Now,
    Caller(caller): Caller,
    OrderId(id): OrderId,
    Body(mut fields): Body,
) -> Answer {
    let changes = Changes {
        category: category(&mut fields, false),
        description: fields.text("description", DESCRIPTION.0, DESCRIPTION.1),
        contact: fields.text("contact", CONTACT.0, CONTACT.1),
    };
    fields.finish()?;
    Box::pin(edit::update(&app, caller.id, &id, &changes, now)).await
}

async fn handle_delete(
    State(app): State<App>,
    Now(now): Now,
    Caller(caller): Caller,
    OrderId(id): OrderId,
) -> Answer {
    Box::pin(edit::delete(&app, caller.id, &id, now)).await
}

async fn handle_take(
    State(app): State<App>,
    Now(now): Now,
    Caller(caller): Caller,
    OrderId(id): OrderId,
    key: Idempotency,
) -> Answer {
    Box::pin(take::take(&app, &caller, &id, &key, now)).await
}

async fn handle_respond(
    State(app): State<App>,
    Now(now): Now,
    Caller(caller): Caller,
    OrderId(id): OrderId,
    key: Idempotency,
) -> Answer {
    Box::pin(respond::act(&app, caller.id, &id, Act::Respond, &key, now)).await
}

async fn handle_complete(
    State(app): State<App>,
    Now(now): Now,
    Caller(caller): Caller,
    OrderId(id): OrderId,
    key: Idempotency,
) -> Answer {
    Box::pin(respond::act(&app, caller.id, &id, Act::Complete, &key, now)).await
}

async fn handle_close(
    State(app): State<App>,
    Now(now): Now,
    Caller(caller): Caller,
    OrderId(id): OrderId,
    key: Idempotency,
) -> Answer {
    Box::pin(respond::act(&app, caller.id, &id, Act::Close, &key, now)).await
}
