//! The endpoint.

use axum::extract::State;
use axum::routing::get;
use jiff::SignedDuration;
use serde::Serialize;
use shared::cache::Conditional;
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, Asked};
use utoipa::ToSchema;

use super::wanted::{List, Wanted};
use super::{Page, feed, own};
use crate::orders::OrderView;
use crate::users::Visitor;
use crate::{App, wire};

/// What seals cursors.
const CURSOR_SECRET: &str = "CURSOR_SECRET";

/// `GET /api/orders`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("errands-orders-list", "/api/orders")
        .summary("Orders, newest first: everybody's, the caller's, or those the caller has taken")
        .access(Access::Visitor(&["mine", "taken_by_me"]))
        .limited(wire::READ)
        .cached(wire::VALIDATED)
        .needs(CURSOR_SECRET)
        .reads(&[
            ("category", "string"),
            ("city", "string"),
            ("status", "string"),
            ("mine", "boolean"),
            ("taken_by_me", "boolean"),
            ("limit", "integer"),
            ("offset", "integer"),
            ("cursor", "string"),
        ])
        .answers::<Orders>()
        .handled_by(get(handle_list))
}

#[derive(Debug, Serialize, ToSchema)]
struct Orders {
    orders: Vec<OrderView>,
    /// How many there are, as far as is known.
    total: i64,
    /// Leads to the next page; null after the last.
    next_cursor: Option<String>,
}

async fn handle_list(
    State(app): State<App>,
    Now(now): Now,
    Visitor(visitor): Visitor,
    Asked(asked): Asked,
    cached: Conditional,
) -> Answer {
    let secret = app.platform.secret(CURSOR_SECRET)?;
    let wanted = Wanted::read(asked, visitor.as_ref(), secret)?;
    let (table, filter, slice) = (&app.platform.table, &wanted.filter, &wanted.slice);
    let page = match (wanted.list, &visitor) {
        (Some(List::Feed(status)), _) => {
            let lifetime = SignedDuration::from_mins(app.settings.order_lifetime_minutes);
            let viewer = visitor.as_ref().map(|user| user.id);
            let store = (table, &app.hot_pages);
            feed::page(store, status, filter, slice, viewer, (lifetime, now)).await?
        }
        (Some(List::Own(side, which)), Some(caller)) => {
            own::page(table, (side, which), filter, slice, caller, now).await?
        }
        _ => Page { total: i64::try_from(slice.offset).unwrap_or(i64::MAX), ..Page::default() },
    };
    let next_cursor = page.next.as_ref().map(|place| wanted.cursor(place, secret));
    cached.by_body(&Orders { orders: page.orders, total: page.total, next_cursor }, &[])
}
