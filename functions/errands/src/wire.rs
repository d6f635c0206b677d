//! How the service speaks HTTP: what its existing clients read, its rate limits, its cache classes.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use shared::cache::CacheClass;
use shared::http::{Dressed, KeyRules, KeyScope, LaunchSettings, Wire};
use shared::limit::{Counts, Kept, LimitClass};
use shared::problem::{FieldError, Problem};
use shared::telegram::InitDataError;

/// The conventions of every endpoint.
pub static WIRE: Wire = Wire {
    dress,
    body_max: 16 * 1024,
    webhook_body_max: 64 * 1024,
    json_only: true,
    refuses_nul: false,
    keys: KeyRules {
        takes: |byte| byte.is_ascii_graphic(),
        says: "must be 1 to 255 visible ASCII characters",
        scope: KeyScope::Route,
    },
    exposed_headers: "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID, \
                      ETag, X-Cache, Idempotency-Replayed, Retry-After, Link, X-Next-Cursor, \
                      X-Total-Count",
    launch_data: LaunchSettings {
        max_age: "INIT_DATA_MAX_AGE_SECONDS",
        future_skew: "INIT_DATA_CLOCK_SKEW_SECONDS",
        user_id_max: ID_MAX,
    },
    limits: &[READ, POLL, ANON, ORDER, TAKE, SETTINGS, REVIEW, PAYMENT, WEBHOOK],
    problem_schema,
    success_schema: |body| body,
};

/// Entries of a page where no number is asked for.
pub const LIST_LIMIT_DEFAULT: u32 = 50;
/// Entries of a page at most.
pub const LIST_LIMIT_MAX: u32 = 100;
/// Code points of a city, trimmed, at least and at most.
pub const CITY_LENGTH: (usize, usize) = (2, 100);
/// The largest id: what JavaScript holds exactly.
pub const ID_MAX: i64 = (1 << 53) - 1;

/// Reads: 300 at once, 20 a second.
pub const READ: LimitClass = LimitClass {
    name: "READ",
    tokens: 300,
    seconds: 15,
    counts: Counts::Calls,
    kept: Kept::ByMethod,
    fails_closed: false,
};
/// Clients that wait for a payment: 60 at once, 1 a second.
pub const POLL: LimitClass = LimitClass { name: "POLL", tokens: 60, seconds: 60, ..READ };
/// Calls of anyone: 300 at once, 50 a second.
pub const ANON: LimitClass =
    LimitClass { name: "ANON", seconds: 6, counts: Counts::Addresses, ..READ };
/// Changes of orders: 120 at once, 1 a second.
pub const ORDER: LimitClass = LimitClass { name: "ORDER", tokens: 120, seconds: 120, ..READ };
/// Takes: 40 at once, 1 a second.
pub const TAKE: LimitClass =
    LimitClass { name: "TAKE", tokens: 40, seconds: 40, fails_closed: true, ..READ };
/// Changes of settings: 30 at once, 1 a second.
pub const SETTINGS: LimitClass = LimitClass { name: "SETTINGS", tokens: 30, seconds: 30, ..READ };
/// Reviews and complaints: 30 at once, 1 a second.
pub const REVIEW: LimitClass = LimitClass { name: "REVIEW", ..SETTINGS };
/// Calls about money: 30 at once, 1 in 5 seconds.
pub const PAYMENT: LimitClass =
    LimitClass { name: "PAYMENT", seconds: 150, fails_closed: true, ..SETTINGS };
/// Deliveries: 600 at once, 100 a second. A provider is not made to wait for our table.
pub const WEBHOOK: LimitClass = LimitClass {
    name: "WEBHOOK",
    tokens: 600,
    seconds: 6,
    counts: Counts::Addresses,
    kept: Kept::Warm,
    fails_closed: false,
};

/// What the caller sees, and only the caller: always revalidated.
pub const VALIDATED: CacheClass = CacheClass::private("Authorization");

/// RFC 9457 with a `detail` that the client shows as it is.
fn dress(problem: &Problem, request_id: &str) -> Dressed {
    let (status, code) = named(problem);
    let messages: Vec<_> = problem.fields().iter().map(FieldError::message).collect();
    let detail = match problem.own_message() {
        _ if !messages.is_empty() => messages.join("; "),
        Some(detail) => detail.to_owned(),
        None => detail(problem, code),
    };
    let mut body = Map::new();
    body.insert("type".to_owned(), format!("urn:problem:{code}").into());
    body.insert("title".to_owned(), status.canonical_reason().unwrap_or("Error").into());
    body.insert("status".to_owned(), status.as_u16().into());
    body.insert("code".to_owned(), code.into());
    body.insert("detail".to_owned(), detail.into());
    body.insert("request_id".to_owned(), request_id.into());
    if !messages.is_empty() {
        let errors = problem.fields().iter().zip(messages);
        let errors =
            errors.map(|(field, message)| json!({ "field": field.name, "message": message }));
        body.insert("errors".to_owned(), errors.collect());
    }
    let dressed = Dressed::new(status, body);
    match status {
        StatusCode::UNAUTHORIZED => {
            dressed.with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        }
        StatusCode::SERVICE_UNAVAILABLE if problem.header(&header::RETRY_AFTER).is_none() => {
            dressed.with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
        }
        _ => dressed,
    }
}

/// Status and code of a problem: the service's own as they are, the platform's by our names.
fn named(problem: &Problem) -> (StatusCode, &'static str) {
    let status = problem.status();
    match problem.code() {
        "validation_failed" => (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
        "parse_error" => (StatusCode::UNPROCESSABLE_ENTITY, "invalid_json"),
        "payload_too_large" => (status, "body_too_large"),
        "too_many_requests" => (status, "rate_limited"),
        _ if problem.is_ours() && problem.own_message().is_none() => {
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
        }
        code => (status, code),
    }
}

/// The sentence for a problem that any service has.
fn detail(problem: &Problem, code: &'static str) -> String {
    match code {
        "invalid_json" => "Request body is not valid JSON",
        "body_too_large" => "Request body is too large",
        "rate_limited" => "Too many requests. Try again later",
        "unavailable" => "Service is temporarily unavailable",
        "not_authenticated" => "Not authenticated",
        "unsupported_auth_scheme" => "Invalid authentication credentials",
        "invalid_init_data" | "init_data_expired" => return refused_launch(problem.cause()),
        _ => problem.error(),
    }
    .to_owned()
}

fn refused_launch(error: Option<&InitDataError>) -> String {
    use InitDataError as E;
    let why = match error {
        Some(E::UserIdInvalid) => return "Invalid user ID in initData".to_owned(),
        Some(E::HashMissing | E::TooLong) | None => "Missing hash in initData",
        Some(E::DuplicateKey) => "Duplicate field in initData",
        Some(E::AuthDateMissing | E::AuthDateMalformed) => "Missing auth_date in initData",
        Some(E::Expired | E::Future) => "initData has expired",
        Some(E::UserMissing | E::UserBlank) => "Missing user data in initData",
        Some(E::UserMalformed) => "Malformed user data in initData",
        Some(
            E::Malformed
            | E::HashMalformed
            | E::HashMismatch
            | E::SignatureMissing
            | E::SignatureMalformed
            | E::SignatureMismatch,
        ) => "Invalid hash - data integrity check failed",
    };
    format!("Invalid Telegram initData: {why}")
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail", "request_id"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string" },
            "detail": { "type": "string" },
            "request_id": { "type": "string" },
            "errors": { "type": "array", "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": { "field": { "type": "string" }, "message": { "type": "string" } },
            }},
        },
    })
}

#[cfg(test)]
mod tests;
