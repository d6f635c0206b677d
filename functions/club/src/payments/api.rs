//! The payer's endpoints.

use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Params, Subject};
use shared::idempotency::{Idempotency, mark_replayed};
use shared::money::Currency;
use shared::problem::{Problem, Result};
use utoipa::ToSchema;

use super::link::{self, Linked, Wanted};
use super::model::{self, Attempt, Status};
use super::offers::Purpose;
use super::providers::Provider;
use super::{settlement, store};
use crate::auth::{Member, find, member_key};
use crate::wire::{self, success};
use crate::{App, texts};

/// `POST /api/payments/generate-link`.
#[must_use]
pub fn link() -> Function<App> {
    Function::<App>::post("club-payments-link", "/api/payments/generate-link")
        .summary("Makes an attempt to pay and answers where")
        .limited(wire::PAYMENT)
        .dressed(wire::in_russian)
        .needs_with("SANDBOX_PROVIDER_URL", "SANDBOX_SECRET")
        .takes::<LinkRequest>()
        .answers::<LinkAnswer>()
        .handled_by(post(handle_link))
}

/// `GET /api/payments/status`.
#[must_use]
pub fn status() -> Function<App> {
    Function::<App>::get("club-payments-status", "/api/payments/status")
        .summary("The caller's subscription")
        .limited(wire::API)
        .dressed(wire::in_russian)
        .answers::<StatusAnswer>()
        .handled_by(get(handle_status))
}

/// `GET /api/payments/attempts/{id}`.
#[must_use]
pub fn attempt() -> Function<App> {
    Function::<App>::get("club-payments-attempt", "/api/payments/attempts/{id}")
        .summary("Where one of the caller's attempts stands")
        .limited(wire::API)
        .dressed(wire::in_russian)
        .answers::<AttemptAnswer>()
        .handled_by(get(handle_attempt))
}

#[derive(Debug, Deserialize, ToSchema)]
struct LinkRequest {
    /// The caller's own Telegram id, as a number or a string.
    #[schema(value_type = Option<String>)]
    telegram_id: Option<Value>,
    /// 3 to 254 characters with one `@`.
    email: Option<String>,
    /// 1 to 64 characters.
    offer_key: Option<String>,
    /// Used when it is enabled.
    provider: Option<String>,
    /// RUB, USD, EUR or XTR; anything else is RUB, of the provider `stars` XTR.
    currency: Option<String>,
    /// For whom a gift is, as a number or a string.
    #[schema(value_type = Option<String>)]
    recipient_id: Option<Value>,
    name: Option<String>,
    phone: Option<String>,
    code_word: Option<String>,
    utm_source: Option<String>,
    utm_medium: Option<String>,
    utm_campaign: Option<String>,
    utm_content: Option<String>,
    utm_term: Option<String>,
    /// Make a link although the subscription renews itself.
    #[schema(value_type = Option<bool>)]
    force_renew: Option<Value>,
}

/// Where to pay, or why nothing is to be paid.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum LinkAnswer {
    Link {
        payment_url: String,
        invoice_id: String,
        attempt_id: String,
        provider: Provider,
        /// A decimal string.
        amount: String,
        currency: Currency,
        /// Was the link made by an earlier call?
        reused: bool,
    },
    Active {
        active_subscription: bool,
        #[schema(value_type = String, format = "date-time")]
        expires_at: Instant,
        #[schema(value_type = String, format = "date-time")]
        subscription_expires: Instant,
    },
    Inactive {
        active_subscription: bool,
    },
}

impl LinkRequest {
    /// Checks what can be checked without a look at anything stored.
    fn check(self, subject: &Subject) -> Result<Wanted> {
        let filled = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        let id = self.telegram_id.as_ref().filter(|id| !id.is_null() && *id != "");
        let (Some(id), true, true) = (id, filled(&self.email), filled(&self.offer_key)) else {
            return Err(refused("field_required", texts::FIELD_REQUIRED));
        };
        let bad_id = || refused("bad_telegram_id", texts::BAD_TELEGRAM_ID);
        subject.must_be(Some(read_id(id).ok_or_else(bad_id)?))?;
        let email = self.email.unwrap_or_default();
        if !(3..=254).contains(&email.chars().count()) || email.matches('@').count() != 1 {
            return Err(Problem::invalid("email", "3 to 254 characters with one @"));
        }
        let offer = self.offer_key.unwrap_or_default();
        if offer.chars().count() > 64 {
            return Err(Problem::invalid("offer_key", "1 to 64 characters"));
        }
        let recipient = match self.recipient_id.filter(|id| !id.is_null() && *id != "") {
            Some(id) => {
                let bad = || Problem::invalid("recipient_id", "a Telegram id");
                Some(read_id(&id).ok_or_else(bad)?)
            }
            None => model::recipient_in(&email),
        };
        let told = [
            ("name", self.name),
            ("phone", self.phone.clone()),
            ("code_word", self.code_word),
            ("utm_source", self.utm_source),
            ("utm_medium", self.utm_medium),
            ("utm_campaign", self.utm_campaign),
            ("utm_content", self.utm_content),
            ("utm_term", self.utm_term),
        ];
        let mut details = Map::new();
        for (name, text) in told {
            let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
            if text.chars().count() > 255 {
                return Err(Problem::invalid(name, "255 characters at most"));
            }
            details.insert(name.to_owned(), text.into());
        }
        Ok(Wanted {
            offer,
            provider: self.provider,
            currency: self.currency.and_then(|code| code.parse().ok()),
            recipient,
            email,
            phone: self.phone.filter(|phone| !phone.is_empty()),
            details,
            force_renew: matches!(self.force_renew, Some(Value::Bool(true)))
                || self.force_renew.is_some_and(|value| value == "true"),
        })
    }
}

fn read_id(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => model::telegram_id(text.trim()),
        Value::Number(number) => model::telegram_id(&number.to_string()),
        _ => None,
    }
}

fn refused(code: &'static str, text: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, "Bad Request", text)
}

async fn handle_link(
    State(app): State<App>,
    Now(now): Now,
    subject: Subject,
    key: Idempotency,
    Json(body): Json<LinkRequest>,
) -> Answer {
    let wanted = body.check(&subject)?;
    if model::is_probe(&wanted.email) {
        let member = find(&app.platform.table, subject.telegram_id).await?;
        let expires = member.and_then(|member| link::renews_itself(&member, now));
        return success(expires.map_or(LinkAnswer::none(), LinkAnswer::active));
    }
    // Boxed: a link is the longest of all use cases.
    match Box::pin(link::link(&app, &subject, &wanted, &key, now)).await? {
        Linked::RenewsItself { expires } => success(LinkAnswer::active(expires)),
        Linked::Link { attempt, reused, replayed } => {
            let mut response = success(LinkAnswer::link(*attempt, reused))?;
            if replayed {
                mark_replayed(&mut response);
            }
            Ok(response)
        }
    }
}

impl LinkAnswer {
    fn none() -> Self {
        Self::Inactive { active_subscription: false }
    }

    fn active(expires: Instant) -> Self {
        Self::Active {
            active_subscription: true,
            expires_at: expires,
            subscription_expires: expires,
        }
    }

    fn link(attempt: Attempt, reused: bool) -> Self {
        Self::Link {
            payment_url: attempt.url.unwrap_or_default(),
            invoice_id: attempt.invoice_id.unwrap_or_default(),
            attempt_id: attempt.id,
            provider: attempt.provider,
            amount: attempt.price.to_string(),
            currency: attempt.price.currency,
            reused,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct StatusAnswer {
    #[serde(rename = "isPro")]
    is_pro: bool,
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Instant>,
    /// The same as `expires_at`.
    #[schema(value_type = Option<String>, format = "date-time")]
    subscription_expires: Option<Instant>,
    /// The same as `isPro`.
    active_subscription: bool,
    auto_renewal: bool,
    /// Who took the last payment.
    provider: Option<String>,
    /// May no subscription be bought now?
    blocked: bool,
    /// From when on one may, as `31.01.2026`.
    unlock_date: Option<String>,
}

async fn handle_status(State(app): State<App>, Now(now): Now, subject: Subject) -> Answer {
    let item = app.platform.table.get_item(&member_key(subject.telegram_id)).await?;
    let member = item.as_ref().map(|item| item.read::<Member>()).transpose()?;
    let provider = item.as_ref().and_then(|item| item.text(settlement::LAST_PROVIDER));
    let expires = member.as_ref().and_then(|member| member.subscription_expires);
    let paid = member.as_ref().is_some_and(|member| member.is_paid(now));
    let unlock = app.payments.cooldown.unlocks(expires, now);
    success(StatusAnswer {
        is_pro: paid,
        expires_at: expires,
        subscription_expires: expires,
        active_subscription: paid,
        auto_renewal: member.is_some_and(|member| member.auto_renewal),
        provider: provider.map(str::to_owned),
        blocked: unlock.is_some(),
        unlock_date: unlock.map(model::moscow_date),
    })
}

#[derive(Debug, Serialize, ToSchema)]
struct AttemptAnswer {
    attempt: AttemptView,
}

#[derive(Debug, Serialize, ToSchema)]
struct AttemptView {
    id: String,
    status: Status,
    purpose: Purpose,
    offer_key: String,
    /// A decimal string.
    amount: String,
    currency: Currency,
    provider: Provider,
    #[serde(rename = "checksDone")]
    checks_done: u32,
    #[serde(rename = "createdAt")]
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
}

async fn handle_attempt(
    State(app): State<App>,
    subject: Subject,
    Params(id): Params<String>,
) -> Answer {
    let unknown = || {
        let status = StatusCode::NOT_FOUND;
        Problem::new(status, "not_found", "Not Found", texts::ATTEMPT_NOT_FOUND)
    };
    if !Attempt::is_id(&id) {
        return Err(unknown());
    }
    let found = store::find(&app.platform.table, &id).await?;
    let attempt = found.filter(|attempt| attempt.payer == subject.telegram_id);
    let attempt = attempt.ok_or_else(unknown)?;
    success(AttemptAnswer {
        attempt: AttemptView {
            id: attempt.id,
            status: attempt.status,
            purpose: attempt.purpose,
            offer_key: attempt.offer,
            amount: attempt.price.to_string(),
            currency: attempt.price.currency,
            provider: attempt.provider,
            checks_done: attempt.checks_done,
            created_at: attempt.created_at,
        },
    })
}
