//! Endpoints of the payment forms.

use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Search, Subject};
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::model::Form;
use super::store;
use crate::auth::{self, Member};
use crate::payments::{moscow_date, telegram_id};
use crate::wire::{self, success};
use crate::{App, texts};

/// `POST /api/analytics/form-open`.
#[must_use]
pub fn form_open() -> Function<App> {
    let does = "Takes down that the caller has opened a payment form";
    form::<FormOpened>("club-analytics-form-open", "/api/analytics/form-open", does, &FORM_OPEN)
}

/// `POST /api/analytics/gift-attempt`.
#[must_use]
pub fn gift_attempt() -> Function<App> {
    let (name, path) = ("club-analytics-gift-attempt", "/api/analytics/gift-attempt");
    form::<GiftTried>(name, path, "Takes down that the caller means to give a gift", &GIFT_ATTEMPT)
}

/// `POST /api/analytics/payment-success`.
#[must_use]
pub fn payment_success() -> Function<App> {
    let (name, path) = ("club-analytics-payment-success", "/api/analytics/payment-success");
    let does = "Takes down that a form calls the caller's payment made; it gives nothing";
    form::<PaymentTold>(name, path, does, &PAYMENT_SUCCESS)
}

/// `POST /api/analytics/payment-attempt`.
#[must_use]
pub fn payment_attempt() -> Function<App> {
    let (name, path) = ("club-analytics-payment-attempt", "/api/analytics/payment-attempt");
    let does = "Takes down that the caller is about to pay, unless that has to wait";
    form::<PaymentTold>(name, path, does, &PAYMENT_ATTEMPT)
}

/// A form that tells of something.
fn form<T: ToSchema>(
    name: &'static str,
    path: &'static str,
    does: &'static str,
    told: &'static Told,
) -> Function<App> {
    let handle = |State(app): State<App>, Now(now): Now, subject: Subject, Json(body): Body| {
        take_down(app, subject, Form(body), told, now)
    };
    Function::<App>::post(name, path)
        .summary(does)
        .limited(wire::PAYMENT)
        .dressed(wire::in_russian)
        .takes::<T>()
        .answers::<Tracked>()
        .handled_by(post(handle))
}

/// `GET /api/analytics/check-cooldown`.
#[must_use]
pub fn check_cooldown() -> Function<App> {
    Function::<App>::get("club-analytics-cooldown", "/api/analytics/check-cooldown")
        .summary("Says whether the caller may buy a subscription now")
        .limited(wire::PAYMENT)
        .dressed(wire::in_russian)
        .reads(&[("telegram_id", "The caller's own Telegram id.")])
        .answers::<CooldownAnswer>()
        .handled_by(get(handle_cooldown))
}

/// What a form tells when it is opened. Contacts and UTM strings have 255 characters at most.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document: bodies are read field by field")]
struct FormOpened {
    /// The caller's own, a number or a string.
    telegram_id: String,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    code_word: Option<String>,
    metka: Option<String>,
    utm_source: Option<String>,
    utm_medium: Option<String>,
    utm_campaign: Option<String>,
    utm_content: Option<String>,
    utm_term: Option<String>,
}

/// What the form of a gift tells.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document: bodies are read field by field")]
struct GiftTried {
    /// The caller's own, a number or a string.
    gifter_id: String,
    /// For whom the gift is, a number or a string.
    recipient_id: String,
}

/// What a form tells of a payment.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "for the OpenAPI document: bodies are read field by field")]
struct PaymentTold {
    /// The caller's own, a number or a string.
    telegram_id: String,
    /// 1 to 255 characters.
    payment_method: String,
    /// A decimal number, also in a string.
    amount: String,
    /// `gift_payment` where a gift is paid.
    metka: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Tracked {
    message: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct CooldownAnswer {
    /// May no subscription be bought now?
    blocked: bool,
    /// From when on one may, as `31.01.2026`.
    #[serde(skip_serializing_if = "Option::is_none")]
    unlock_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
}

type Body = Json<Map<String, Value>>;

/// The caller, who must be the one that the form names.
async fn caller(app: &App, subject: &Subject, claimed: i64, now: Instant) -> Result<Member> {
    subject.must_be(Some(claimed))?;
    auth::ensure(&app.platform.table, subject, now).await
}

/// What a form tells of.
struct Told {
    event: &'static str,
    /// The field that names the caller.
    caller: &'static str,
    details: fn(&Form) -> Result<Map<String, Value>>,
    /// May it have to wait for a day when a subscription may be bought again?
    waits: bool,
    message: &'static str,
}

const FORM_OPEN: Told = Told {
    event: "form_open",
    caller: "telegram_id",
    details: Form::details,
    waits: false,
    message: "Form open tracked",
};

const GIFT_ATTEMPT: Told = Told {
    event: "gift_attempt",
    caller: "gifter_id",
    details: |form| {
        let recipient = form.id("recipient_id")?;
        let mut details = form.details()?;
        details.insert("recipient_id".to_owned(), recipient.into());
        Ok(details)
    },
    message: "Gift attempt tracked",
    ..FORM_OPEN
};

const PAYMENT_SUCCESS: Told = Told {
    event: "payment_success",
    details: Form::payment,
    message: "Payment success tracked",
    ..FORM_OPEN
};

const PAYMENT_ATTEMPT: Told = Told {
    event: "payment_attempt",
    waits: true,
    message: "Payment attempt tracked",
    ..PAYMENT_SUCCESS
};

async fn take_down(app: App, subject: Subject, form: Form, told: &Told, now: Instant) -> Answer {
    let member = caller(&app, &subject, form.id(told.caller)?, now).await?;
    let details = (told.details)(&form)?;
    let unlock = app.payments.cooldown.unlocks(member.subscription_expires, now);
    let waits = told.waits && !form.is_gift().unwrap_or_default();
    if let Some(unlock) = unlock.filter(|_| waits) {
        return Err(cooling_down(&member, unlock));
    }
    store::tell(&app.platform.table, member.tg_id, told.event, details, now).await?;
    success(Tracked { message: told.message })
}

fn cooling_down(member: &Member, unlock: Instant) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "cooldown_active", "cooldown_active", texts::COOLDOWN)
        .with("unlock_date", moscow_date(unlock))
        .with("first_name", member.first_name.clone())
        .with("error", "cooldown_active")
}

#[derive(Debug, Deserialize)]
struct Claimed {
    telegram_id: Option<String>,
}

async fn handle_cooldown(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    Search(claimed): Search<Claimed>,
) -> Answer {
    let id = claimed.telegram_id.as_deref().and_then(telegram_id);
    let id = id.ok_or_else(|| {
        let text = texts::BAD_TELEGRAM_ID;
        Problem::new(StatusCode::BAD_REQUEST, "bad_telegram_id", "Bad Request", text)
    })?;
    let member = caller(&app, &subject, id, now).await?;
    let unlock = app.payments.cooldown.unlocks(member.subscription_expires, now);
    success(CooldownAnswer {
        blocked: unlock.is_some(),
        unlock_date: unlock.map(moscow_date),
        first_name: unlock.map(|_| member.first_name),
    })
}
