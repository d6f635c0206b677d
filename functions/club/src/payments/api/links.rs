//! The forms that make links.

use axum::extract::State;
use axum::routing::post;
use serde::Serialize;
use shared::clock::{Instant, Now};
use shared::function::Function;
use shared::http::{Answer, Json, Subject};
use shared::idempotency::{Idempotency, mark_replayed};
use shared::money::Currency;
use shared::problem::Result;
use utoipa::ToSchema;

use super::form::LinkRequest;
use crate::App;
use crate::auth::find;
use crate::payments::link::{self, Linked, Wanted};
use crate::payments::model::{self, Attempt};
use crate::payments::providers::{self, Provider};
use crate::wire::{self, success};

/// `POST /api/payments/generate-link`.
#[must_use]
pub fn link() -> Function<App> {
    let does = "Makes an attempt to pay and answers where";
    form("club-payments-link", "/api/payments/generate-link", does, |_, body, subject| {
        body.of_offer(subject)
    })
}

/// `POST /api/payments/generate-link-support`.
#[must_use]
pub fn support_link() -> Function<App> {
    let path = "/api/payments/generate-link-support";
    let does = "Makes an attempt to pay the support form's offer and answers where";
    form("club-payments-support-link", path, does, |app, body, subject| {
        body.of_support(subject, &app.payments.support_offer)
    })
}

/// A form, and how it says what is wanted.
fn form(
    name: &'static str,
    path: &'static str,
    does: &'static str,
    wanted: fn(&App, LinkRequest, &Subject) -> Result<Wanted>,
) -> Function<App> {
    let handle = move |State(app): State<App>,
                       Now(now): Now,
                       subject: Subject,
                       key: Idempotency,
                       Json(body): Json<LinkRequest>| async move {
        let wanted = wanted(&app, body, &subject)?;
        answer(&app, &subject, &wanted, &key, now).await
    };
    let function = Function::<App>::post(name, path)
        .summary(does)
        .limited(wire::PAYMENT)
        .dressed(wire::in_russian)
        .takes::<LinkRequest>()
        .answers::<LinkAnswer>()
        .handled_by(post(handle));
    providers::asking(function)
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
    /// CloudPayments renews the subscription.
    Auto {
        provider: Provider,
        auto_renewal: bool,
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

    fn renewing(by: Option<Provider>, expires: Instant) -> Self {
        match by {
            Some(provider @ Provider::Cloudpayments) => Self::Auto { provider, auto_renewal: true },
            _ => Self::active(expires),
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

async fn answer(
    app: &App,
    subject: &Subject,
    wanted: &Wanted,
    key: &Idempotency,
    now: Instant,
) -> Answer {
    if model::is_probe(&wanted.email) {
        let member = find(&app.platform.table, subject.telegram_id).await?;
        let expires = member.and_then(|member| link::renews_itself(&member, now));
        return success(expires.map_or(LinkAnswer::none(), LinkAnswer::active));
    }
    // Boxed: a link is the longest of all use cases.
    match Box::pin(link::link(app, subject, wanted, key, now)).await? {
        Linked::RenewsItself { by, expires } => success(LinkAnswer::renewing(by, expires)),
        Linked::Link { attempt, reused, replayed } => {
            let mut response = success(LinkAnswer::link(*attempt, reused))?;
            if replayed {
                mark_replayed(&mut response);
            }
            Ok(response)
        }
    }
}
