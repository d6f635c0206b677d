//! Errors: what a caller is refused or failed with, before the service has put it into its words.
//!
//! A problem has two messages that never meet: what the caller may see (`code`, `error`,
//! `message`) and what only the log may see ([`Problem::because`]). "A bug" is 500 and "try
//! again" is 503; which of the two it is decides the constructor, not the handler's mood.
//!
//! Nothing here is the wire's: the choke point has the service dress every problem, see
//! [`crate::http::Wire`].

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value};

/// One field that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name on the wire.
    pub name: Cow<'static, str>,
    /// A short reason in English.
    pub reason: Cow<'static, str>,
    #[serde(skip)]
    is_sentence: bool,
}

impl FieldError {
    /// The field `name` was refused for `reason`, which goes on after its name.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), reason: reason.into(), is_sentence: false }
    }

    /// The field `name` was refused, in a sentence that stands by itself.
    #[must_use]
    pub fn sentence(
        name: impl Into<Cow<'static, str>>,
        sentence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { is_sentence: true, ..Self::new(name, sentence) }
    }

    /// Field and reason: `<field>: <reason>`, or the sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self.is_sentence {
            true => self.reason.as_ref().to_owned(),
            false => format!("{}: {}", self.name, self.reason),
        }
    }
}

/// A refusal or a failure, as the caller will see it, and its cause, as the log will.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    error: Cow<'static, str>,
    message: Option<Cow<'static, str>>,
    fields: Vec<FieldError>,
    extra: Map<String, Value>,
    headers: HeaderMap,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The result of everything that can end in a problem.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem with a stable `code`. `error` says it in English, `message` is the sentence that
    /// people are shown.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        error: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let mut problem = Self::neutral(status, code, error);
        problem.0.message = Some(message.into());
        problem
    }

    /// A problem that any service has; each finds its own sentence for it.
    pub(crate) fn neutral(
        status: StatusCode,
        code: &'static str,
        error: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            error: error.into(),
            message: None,
            fields: Vec::new(),
            extra: Map::new(),
            headers: HeaderMap::new(),
            cause: None,
        }))
    }

    /// A refusal of one sentence, which is all that this service's clients read.
    #[must_use]
    pub fn refused(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        Self::new(status, code, detail.clone(), detail)
    }

    /// A field is missing, mistyped or out of its limits.
    #[must_use]
    pub fn invalid(
        name: impl Into<Cow<'static, str>>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::invalid_fields(vec![FieldError::new(name, reason)])
    }

    /// Several fields are wrong at once.
    #[must_use]
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        let status = StatusCode::BAD_REQUEST;
        let mut problem = Self::neutral(status, "validation_failed", "Validation Error");
        problem.0.fields = fields;
        problem
    }

    /// The body cannot be read at all.
    #[must_use]
    pub fn unreadable() -> Self {
        Self::neutral(StatusCode::BAD_REQUEST, "parse_error", "Parse Error")
    }

    /// The entity does not exist, or is not the caller's to know of.
    #[must_use]
    pub fn not_found(error: impl Into<Cow<'static, str>>) -> Self {
        Self::neutral(StatusCode::NOT_FOUND, "not_found", error)
    }

    /// No credential, or one that does not verify. `code` tells which.
    #[must_use]
    pub fn unauthorized(code: &'static str) -> Self {
        Self::neutral(StatusCode::UNAUTHORIZED, code, "Unauthorized")
    }

    /// The credential is good, the action is not the caller's.
    #[must_use]
    pub fn forbidden(code: &'static str) -> Self {
        Self::neutral(StatusCode::FORBIDDEN, code, "Forbidden")
    }

    /// A bug, or data that should not exist. The caller learns nothing but that.
    #[must_use]
    pub fn bug(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::neutral(status, "internal", "Internal Server Error").because(cause)
    }

    /// Nothing is wrong with the request and nothing was done: the same request may be sent again.
    #[must_use]
    pub fn try_again(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::neutral(status, "conflict_retry", "Service Unavailable")
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            .because(cause)
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Adds or replaces a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// The same problem, called something else in English.
    #[must_use]
    pub fn with_error(mut self, error: impl Into<Cow<'static, str>>) -> Self {
        self.0.error = error.into();
        self
    }

    /// Why, for the log alone.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into().into());
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What it is called in English.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.0.error
    }

    /// The sentence for people; what it is called in English where every service has its own.
    #[must_use]
    pub fn message(&self) -> &str {
        self.own_message().unwrap_or(self.error())
    }

    /// The sentence for people; `None` where every service has its own.
    #[must_use]
    pub fn own_message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The fields that were refused, in order.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// What else belongs into the body.
    #[must_use]
    pub fn extra(&self) -> &Map<String, Value> {
        &self.0.extra
    }

    /// The value of one of its headers.
    #[must_use]
    pub fn header(&self, name: &HeaderName) -> Option<&HeaderValue> {
        self.0.headers.get(name)
    }

    /// The cause, if it is an `E`.
    #[must_use]
    pub fn cause<E: Error + 'static>(&self) -> Option<&E> {
        self.0.cause.as_deref().and_then(|cause| cause.downcast_ref())
    }

    /// Is it our fault or our stores', so that it belongs into the log as an error?
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.0.status.is_server_error()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.code)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.0.cause.as_deref() {
            Some(cause) => Some(cause),
            None => None,
        }
    }
}

/// An error and its causes, on one line, for the log.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

impl IntoResponse for Problem {
    /// An answer without a body: the choke point finds the problem on it and has it dressed.
    fn into_response(self) -> Response {
        let mut response = (self.0.status, self.0.headers.clone()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_for_the_log_only() {
        let problem = Problem::bug("row 7 has no owner");
        assert!(!problem.to_string().contains("owner"));
        assert_eq!(chain(&problem), "500 internal: row 7 has no owner");
    }

    #[test]
    fn a_cause_is_found_by_its_type() {
        let error = "x".parse::<u8>().unwrap_err();
        let problem = Problem::unauthorized("unauthorized").because(error.clone());
        assert_eq!(problem.cause::<std::num::ParseIntError>(), Some(&error));
        assert!(problem.cause::<std::fmt::Error>().is_none());
    }

    #[test]
    fn a_complaint_names_its_field_or_stands_by_itself() {
        assert_eq!(FieldError::new("city", "is required").message(), "city: is required");
        assert_eq!(FieldError::sentence("city", "No such city").message(), "No such city");
    }
}
