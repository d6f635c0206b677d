//! Money that an administrator gives back.

use axum::extract::State;
use axum::routing::post;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, Json, Params};
use shared::idempotency::{Idempotency, mark_replayed};
use shared::money::Currency;
use shared::problem::Problem;
use utoipa::ToSchema;

use crate::App;
use crate::payments::{self, RefundAsked, RefundGiven};
use crate::wire::{self, success};

/// `POST /api/admin/payments/{id}/refund`.
#[must_use]
pub fn refund() -> Function<App> {
    let path = "/api/admin/payments/{id}/refund";
    payments::asking(
        Function::<App>::post("club-admin-refund", path)
            .summary("Gives a payment back at its provider, and takes back what it gave")
            .access(Access::Admin)
            .limited(wire::ADMIN)
            .takes::<RefundWish>()
            .answers::<RefundAnswer>()
            .handled_by(post(handle)),
    )
}

#[derive(Debug, Deserialize, ToSchema)]
struct RefundWish {
    /// A decimal string; all that is left unless given.
    // A number is taken as it is written: as a float it could round.
    #[schema(value_type = Option<String>)]
    amount: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RefundAnswer {
    refund: AdminRefund,
}

#[derive(Debug, Serialize, ToSchema)]
struct AdminRefund {
    /// The provider's id of it.
    id: String,
    payment_id: String,
    /// A decimal string.
    amount: String,
    currency: Currency,
    /// Of the payment: `partially_refunded` or `refunded`.
    status: &'static str,
}

impl AdminRefund {
    fn of(given: RefundGiven) -> Self {
        Self {
            id: given.refund_id,
            payment_id: given.payment_id,
            amount: given.sum.to_string(),
            currency: given.sum.currency,
            status: if given.full { "refunded" } else { "partially_refunded" },
        }
    }
}

async fn handle(
    State(app): State<App>,
    Now(now): Now,
    Params(id): Params<String>,
    key: Idempotency,
    Json(wanted): Json<RefundWish>,
) -> Answer {
    let (provider, external_id) =
        payments::read_id(&id).ok_or_else(|| Problem::not_found("Not Found"))?;
    let amount = wanted.amount.as_ref().map(|amount| {
        serde_json::from_str(amount.get()).unwrap_or_else(|_| amount.get().to_owned())
    });
    let asked = RefundAsked { provider, external_id, amount };
    // Boxed: it is a settlement turned round, with a provider in the middle.
    let given = Box::pin(payments::give_back(&app, &asked, &key, now)).await?;
    let replayed = given.replayed;
    let mut response = success(RefundAnswer { refund: AdminRefund::of(given) })?;
    if replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}
