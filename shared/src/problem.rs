//! Errors on the wire: RFC 9457 problem details, with the legacy fields that clients read.
//!
//! A problem has two messages that never meet: what the caller may see (`code`, `error`,
//! `message`) and what only the log may see ([`Problem::because`]). "A bug" is 500 and "try
//! again" is 503; which of the two it is decides the constructor, not the handler's mood.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

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
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    code: &'static str,
    error: Cow<'static, str>,
    message: Cow<'static, str>,
    extra: Map<String, Value>,
    headers: HeaderMap,
    keeps_error: bool,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The result of everything that can end in a problem.
pub type Result<T, E = Problem> = std::result::Result<T, E>;

impl Problem {
    /// A problem with a stable `code`. `error` is the text that existing clients compare,
    /// `message` the sentence they show.
    #[must_use]
    pub fn new(
        status: StatusCode,
        code: &'static str,
        error: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            error: error.into(),
            message: message.into(),
            extra: Map::new(),
            headers: HeaderMap::new(),
            keeps_error: false,
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
        Self::new(StatusCode::BAD_REQUEST, "validation_failed", "Validation Error", texts::INVALID)
            .with("fields", serde_json::to_value(fields).unwrap_or_default())
    }

    /// The body cannot be read at all.
    #[must_use]
    pub fn unreadable() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "parse_error", "Parse Error", texts::INVALID)
    }

    /// The entity does not exist, or is not the caller's to know of.
    #[must_use]
    pub fn not_found(error: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", error, texts::NOT_FOUND)
    }

    /// No credential, or one that does not verify. `code` tells which.
    #[must_use]
    pub fn unauthorized(code: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, "Unauthorized", texts::UNAUTHORIZED)
    }

    /// The credential is good, the action is not the caller's.
    #[must_use]
    pub fn forbidden(code: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, "Forbidden", texts::FORBIDDEN)
    }

    /// A bug, or data that should not exist. The caller learns nothing but that.
    #[must_use]
    pub fn bug(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "internal", "Internal Server Error", texts::INTERNAL).because(cause)
    }

    /// Nothing is wrong with the request and nothing was done: the same request may be sent again.
    #[must_use]
    pub fn try_again(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "conflict_retry", "Service Unavailable", texts::TRY_AGAIN)
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

    /// The same problem with another legacy text.
    #[must_use]
    pub fn with_error(mut self, error: impl Into<Cow<'static, str>>) -> Self {
        self.0.error = error.into();
        self
    }

    /// Keeps `error` a word that clients compare, even where routes show the sentence there.
    #[must_use]
    pub fn keeping_error(mut self) -> Self {
        self.0.keeps_error = true;
        self
    }

    /// Why, for the log alone.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
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

    /// Is it our fault or our stores', so that it belongs into the log as an error?
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.0.status.is_server_error()
    }

    /// The sentence shown to people.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    fn body(&self) -> Value {
        let inner = &self.0;
        let title = inner.status.canonical_reason().unwrap_or("Error");
        let mut body = Map::new();
        body.insert("type".into(), format!("urn:problem:{}", inner.code).into());
        body.insert("title".into(), title.into());
        body.insert("status".into(), inner.status.as_u16().into());
        body.insert("code".into(), inner.code.into());
        body.insert("success".into(), false.into());
        body.insert("error".into(), inner.error.as_ref().into());
        body.insert("message".into(), inner.message.as_ref().into());
        body.extend(inner.extra.clone());
        Value::Object(body)
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

/// What the choke point reads off an answer, to log it once, at the boundary, and to word it as
/// the route does.
#[derive(Clone, Debug)]
pub(crate) struct Reported {
    /// The stable code.
    pub(crate) code: &'static str,
    /// The chain of causes.
    pub(crate) cause: String,
    body: Value,
    keeps_error: bool,
}

impl Reported {
    /// The body with the sentence for people in `error`; `None` where the word must stay.
    pub(crate) fn in_russian(&self) -> Option<String> {
        let mut body = self.body.clone();
        let message = body.get("message")?.clone();
        let error = body.get_mut("error").filter(|_| !self.keeps_error)?;
        *error = message;
        Some(body.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.body();
        let text = body.to_string();
        let (code, cause, keeps_error) = (self.code(), chain(&self), self.0.keeps_error);
        let mut response = (self.0.status, self.0.headers.clone(), text).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.extensions_mut().insert(Reported { code, cause, body, keeps_error });
        response
    }
}

/// What people read when a platform rule refuses them.
pub mod texts {
    /// `validation_failed`, `parse_error`.
    pub const INVALID: &str = "Проверьте введённые данные";
    /// `not_found`.
    pub const NOT_FOUND: &str = "Не найдено";
    /// 401.
    pub const UNAUTHORIZED: &str = "Войдите заново";
    /// 403.
    pub const FORBIDDEN: &str = "Действие недоступно";
    /// 405.
    pub const METHOD: &str = "Действие недоступно";
    /// 413.
    pub const TOO_LARGE: &str = "Слишком большой запрос";
    /// 422.
    pub const IDEMPOTENCY: &str = "Этот ключ уже использован для другого запроса";
    /// 429.
    pub const TOO_MANY: &str = "Слишком много запросов. Попробуйте чуть позже";
    /// 500.
    pub const INTERNAL: &str = "Что-то пошло не так. Мы уже разбираемся";
    /// 503.
    pub const TRY_AGAIN: &str = "Сервис занят. Попробуйте ещё раз";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_for_the_log_only() {
        let problem = Problem::bug("row 7 has no owner");
        assert!(!problem.body().to_string().contains("owner"));
        assert_eq!(chain(&problem), "500 internal: row 7 has no owner");
    }

    #[test]
    fn legacy_fields_stand_beside_the_standard_ones() {
        let body = Problem::invalid("city", "longer than 80").body();
        insta::assert_json_snapshot!(body);
    }
}
