//! Calls of CloudPayments' API.

use std::fmt;
use std::time::{Duration, Instant as Stopwatch};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::money::Money;
use shared::outbound::{Cause, OutboundError};
use shared::problem::Problem;
use shared::settings::{Environment, SettingError, Stage};

use super::fields::Fields;
use crate::App;
use crate::payments::providers::ProviderError;

/// The setting that enables CloudPayments: the public id of the site there.
pub const PUBLIC_ID: &str = "CLOUDPAYMENTS_PUBLIC_ID";
/// The secret of its API, by which it signs its notifications as well.
pub const API_SECRET: &str = "CLOUDPAYMENTS_API_SECRET";
/// Where that secret is kept, of functions that read it.
const API_SECRET_ID: &str = "CLOUDPAYMENTS_API_SECRET_SECRET_ID";
/// The setting with the API's address, for tests.
const API_URL: &str = "CLOUDPAYMENTS_API_URL";
/// Where the API is.
const DEFAULT_URL: &str = "https://api.cloudpayments.ru";
/// Under this id a call has one effect, and the same answer, for an hour.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where CloudPayments is, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The site's public id.
    public_id: String,
    /// The API's address, without a slash at its end.
    url: String,
}

impl Settings {
    /// Reads them; `None` where CloudPayments is not enabled. The secret is read by each function
    /// that declares it, which does not start without.
    ///
    /// # Errors
    /// When one is malformed; in production, when there is a secret for nobody, or the API is not
    /// called over TLS.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>, SettingError> {
        let stage = environment.stage()?;
        let secret = [API_SECRET, API_SECRET_ID].into_iter().find_map(|name| environment.get(name));
        let Some(public_id) = environment.get(PUBLIC_ID) else {
            return match (stage, secret) {
                (Stage::Prod, Some(_)) => Err(SettingError::Missing(PUBLIC_ID.to_owned())),
                _ => Ok(None),
            };
        };
        let malformed = |name: &str| Err(SettingError::Malformed(name.to_owned()));
        if public_id.contains(':') || !public_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return malformed(PUBLIC_ID);
        }
        let url = environment.get(API_URL).unwrap_or(DEFAULT_URL).trim_end_matches('/');
        if stage == Stage::Prod && !url.starts_with("https://") {
            return malformed(API_URL);
        }
        Ok(Some(Self { public_id: public_id.to_owned(), url: url.to_owned() }))
    }
}

/// An answer: whether it was done, and what it is about.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    pub(super) success: bool,
    message: Option<String>,
    model: Option<Box<RawValue>>,
}

impl Answer {
    /// What it is about, where that is one object.
    pub(super) fn model(&self) -> Option<Fields> {
        self.model.as_ref().and_then(|model| Fields::of_json(model.get().as_bytes()))
    }

    /// What it is about, of an answer to something that was done.
    pub(super) fn done(&self) -> Result<Fields, ProviderError> {
        if !self.success {
            return Err(self.refused());
        }
        self.model().ok_or(UNREADABLE)
    }

    /// The list that it is, each object of which may be unreadable.
    pub(super) fn list(&self) -> Result<Vec<Option<Fields>>, ProviderError> {
        if !self.success {
            return Err(self.refused());
        }
        let list = self.model.as_ref().map(|model| serde_json::from_str(model.get()));
        let list: Vec<Box<RawValue>> =
            list.transpose().map_err(|_| UNREADABLE)?.unwrap_or_default();
        Ok(list.iter().map(|one| Fields::of_json(one.get().as_bytes())).collect())
    }

    /// Does it say that there is no such thing?
    pub(super) fn is_unknown(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        !self.success && self.model.is_none() && message.eq_ignore_ascii_case("not found")
    }

    /// The refusal that it is.
    pub(super) fn refused(&self) -> ProviderError {
        tracing::warn!(message = self.message, "CloudPayments refuses");
        ProviderError::Refused
    }
}

/// It answered, but nobody can tell what.
pub(super) const UNREADABLE: ProviderError =
    ProviderError::Call(OutboundError::Ambiguous(Cause::Unreadable));

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("success", &self.success).finish_non_exhaustive()
    }
}

/// An amount as JSON has numbers, exact to the last digit.
pub(super) fn exact(sum: Money) -> Result<Box<RawValue>, ProviderError> {
    RawValue::from_string(sum.to_string())
        .map_err(|error| ProviderError::Setup(Problem::bug(error)))
}

/// Calls a method once.
pub(super) async fn call(
    app: &App,
    method: &str,
    body: &impl Serialize,
    request_id: Option<&str>,
    limit: Duration,
) -> Result<Answer, ProviderError> {
    let settings = app.payments.cloudpayments.as_ref().ok_or(ProviderError::Disabled)?;
    let secret = app.platform.secret(API_SECRET).map_err(ProviderError::Setup)?;
    let login = STANDARD.encode(format!("{}:{}", settings.public_id, secret.expose()));
    let url = format!("{}/{method}", settings.url);
    let mut call = app.platform.outbound.post(&url).time_limit(limit);
    call = call.header(AUTHORIZATION, &format!("Basic {login}")).json(body);
    if let Some(id) = request_id {
        call = call.header(REQUEST_ID, id);
    }
    Ok(call.send().await?.success()?.json()?)
}

/// Calls a method that has one effect under its request's id: where the answer is lost and time is
/// left, the same call reads it. A repeat that fails says nothing of the call before it.
pub(super) async fn call_once(
    app: &App,
    method: &str,
    body: &impl Serialize,
    request_id: &str,
    limit: Duration,
) -> Result<Answer, ProviderError> {
    let began = Stopwatch::now();
    let answer = call(app, method, body, Some(request_id), limit).await;
    let lost = matches!(&answer, Err(ProviderError::Call(OutboundError::Ambiguous(_))));
    let left = limit.saturating_sub(began.elapsed());
    if !lost || left.is_zero() {
        return answer;
    }
    match call(app, method, body, Some(request_id), left).await {
        Ok(again) if again.success => Ok(again),
        _ => answer,
    }
}
