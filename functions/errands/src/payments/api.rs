//! The payer's endpoints.

use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, Now};
use shared::function::{Access, Function};
use shared::http::{Answer, Body, Fields, Params, no_content, ok};
use shared::idempotency::{Idempotency, mark_replayed};
use shared::problem::{Problem, Result};
use shared::table::Table;
use utoipa::ToSchema;

use super::invoice::{self, Wanted, unavailable};
use super::model::{Payment, Provider, Shown, Status};
use super::providers;
use super::settlement::settle;
use super::store;
use crate::money::{self, Kopecks};
use crate::users::{Caller, User, user_key};
use crate::{App, wire};

/// `POST /api/balance/create-invoice`.
#[must_use]
pub fn create() -> Function<App> {
    Function::<App>::post("errands-payments-create", "/api/balance/create-invoice")
        .summary("Makes an invoice to top up the balance by")
        .access(Access::User)
        .limited(wire::PAYMENT)
        .accepts(providers::TOKEN)
        .needs_with("SANDBOX_PROVIDER_URL", "SANDBOX_SECRET")
        .takes::<InvoiceRequest>()
        .answers::<InvoiceAnswer>()
        .handled_by(post(handle_create))
}

/// `GET /api/balance/payment/{payment_id}/status`.
#[must_use]
pub fn status() -> Function<App> {
    Function::<App>::get("errands-payments-status", "/api/balance/payment/{payment_id}/status")
        .summary("Where one of the caller's payments stands")
        .access(Access::User)
        .limited(wire::POLL)
        .answers::<StatusAnswer>()
        .handled_by(get(handle_status))
}

/// `POST /api/sandbox/payments/{payment_id}/pay`.
#[must_use]
pub fn sandbox_pay() -> Function<App> {
    Function::<App>::post("errands-payments-sandbox-pay", "/api/sandbox/payments/{payment_id}/pay")
        .summary("Pays an invoice of the sandbox with pretended money")
        .access(Access::User)
        .limited(wire::PAYMENT)
        .needs_with("SANDBOX_PROVIDER_URL", "SANDBOX_SECRET")
        .takes::<PayRequest>()
        .answers_nothing()
        .handled_by(post(handle_sandbox_pay))
}

#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body for the document; it is read field by field")]
struct InvoiceRequest {
    /// Rubles, 1 to 100000.
    amount: i64,
    /// The configured one unless given.
    provider: Option<Provider>,
}

/// Where to pay.
#[derive(Debug, Serialize, ToSchema)]
struct InvoiceAnswer {
    payment_id: i64,
    pay_url: String,
    /// Where to pay inside Telegram.
    mini_app_invoice_url: Option<String>,
    provider: Provider,
    #[serde(with = "shared::clock::micros")]
    #[schema(value_type = String, format = "date-time")]
    expires_at: Instant,
}

async fn handle_create(
    State(app): State<App>,
    Now(now): Now,
    Caller(user): Caller,
    key: Idempotency,
    Body(mut body): Body,
) -> Answer {
    let (least, most) = app.settings.recharge_rub;
    let rubles = body.required_integer("amount", least..=most);
    let name = body.text("provider", 1, 50);
    let provider = name.as_deref().and_then(Provider::named);
    if name.is_some() && provider.is_none() {
        let known = Provider::ALL.map(Provider::name).join(", ");
        body.complain("provider", format!("Provider must be one of: {known}"));
    }
    body.finish()?;
    let wanted = Wanted { rubles, provider };
    let invoiced = Box::pin(invoice::create(&app, &user, wanted, &key, now)).await?;
    let payment = invoiced.payment;
    let answer = InvoiceAnswer {
        payment_id: payment.id,
        pay_url: payment.pay_url.unwrap_or_default(),
        mini_app_invoice_url: payment.mini_app_url,
        provider: payment.provider,
        expires_at: payment.expires_at,
    };
    let mut response = ok(&answer)?;
    if invoiced.replayed {
        mark_replayed(&mut response);
    }
    Ok(response)
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusAnswer {
    payment_id: i64,
    status: Shown,
    /// Rubles.
    amount: i64,
    /// Rubles, once it is paid.
    new_balance: Option<i64>,
}

async fn handle_status(
    State(app): State<App>,
    Caller(user): Caller,
    Params(id): Params<String>,
) -> Answer {
    let table = &app.platform.table;
    let payment = own(table, &user, &id).await?;
    let status = payment.status.shown();
    let new_balance = match status {
        // The caller was read before the payment, and perhaps before the money came.
        Shown::Paid => table.get::<User>(&user_key(user.id)).await?,
        Shown::Pending | Shown::Expired => None,
    };
    ok(&StatusAnswer {
        payment_id: payment.id,
        status,
        amount: payment.kopecks.rubles(),
        new_balance: new_balance.map(|user| Kopecks(user.balance).rubles()),
    })
}

/// The caller's payment of this id. One read.
async fn own(table: &Table, user: &User, id: &str) -> Result<Payment> {
    let payment = match read_id(id)? {
        Some(id) => store::find(table, id).await?,
        None => None,
    };
    payment.filter(|payment| payment.user_id == user.id).ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::refused(StatusCode::NOT_FOUND, "payment_not_found", "Payment not found")
}

/// A payment's id as it stands in a path; `None` for a number that no payment has.
fn read_id(text: &str) -> Result<Option<i64>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::invalid("payment_id", "must be an integer"));
    }
    Ok(text.parse().ok().filter(|id| Payment::is_id(*id)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body for the document; it is read field by field")]
struct PayRequest {
    /// Is the service told? If not, it finds out by asking.
    webhook: Option<bool>,
}

async fn handle_sandbox_pay(
    State(app): State<App>,
    Now(now): Now,
    Caller(user): Caller,
    Params(id): Params<String>,
    body: Option<Body>,
) -> Answer {
    let mut body = body.map_or_else(Fields::default, |Body(fields)| fields);
    let told = body.flag("webhook").unwrap_or(true);
    body.finish()?;
    money::sandbox_only(&app)?;
    let payment = own(&app.platform.table, &user, &id).await?;
    if payment.provider != Provider::Sandbox {
        return Err(unknown());
    }
    if payment.status != Status::Paid {
        money::balance_limit(&app, &user, payment.kopecks)?;
    }
    let paid = providers::mark_paid(&app, &payment).await.map_err(unavailable)?;
    let proof = paid.ok_or_else(unknown)?;
    if told {
        Box::pin(settle(&app, &proof, None, now)).await?;
    }
    no_content()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_numbers_and_may_be_nobodys() {
        for (text, id) in [
            ("1", Some(1)),
            ("2147483000", Some(2_147_483_000)),
            ("9007199254740991", Some(9_007_199_254_740_991)),
            ("9007199254740992", None),
            ("1180591620717411303424", None),
            ("0", None),
            ("-1", None),
        ] {
            assert_eq!(read_id(text).unwrap(), id, "{text}");
        }
        for text in ["", "x", "1.5", "1e3", "-", "1 ", "١"] {
            assert_eq!(read_id(text).unwrap_err().code(), "validation_failed", "{text}");
        }
    }
}
