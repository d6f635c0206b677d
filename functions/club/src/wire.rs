//! How the service speaks HTTP: what its existing clients read, its rate limits, its cache classes.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::cache::{CacheClass, Scope};
use shared::http::{Answer, Dressed, KeyRules, KeyScope, LaunchSettings, Wire, ok};
use shared::limit::{Counts, Kept, LimitClass};
use shared::problem::Problem;

use crate::{payments, texts};

/// The conventions of every endpoint.
pub static WIRE: Wire = Wire {
    dress,
    body_max: 64 * 1024,
    webhook_body_max: 64 * 1024,
    json_only: false,
    refuses_nul: true,
    keys: KeyRules {
        takes: |byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
        says: "must be 1 to 255 of A-Z a-z 0-9 _ -",
        scope: KeyScope::Path,
    },
    exposed_headers: "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID, \
                      ETag, X-Cache, X-Cache-Age, X-Access-Token, Idempotency-Replayed, Retry-After",
    launch_data: LaunchSettings {
        max_age: "INIT_DATA_MAX_AGE_S",
        future_skew: "INIT_DATA_FUTURE_SKEW_S",
        user_id_max: (1 << 52) - 1,
    },
    limits: &[AUTH, API, PAYMENT, PUBLIC, ADMIN, WEBHOOK],
    problem_schema,
    success_schema,
};

/// Sign-in: failures per address, verified sign-ins per Telegram id.
pub const AUTH: LimitClass = LimitClass {
    name: "AUTH",
    tokens: 5,
    seconds: 60,
    counts: Counts::Failures,
    kept: Kept::Exact,
    fails_closed: true,
};
/// Everyday calls of a member.
pub const API: LimitClass = LimitClass {
    name: "API",
    tokens: 100,
    seconds: 60,
    counts: Counts::Calls,
    kept: Kept::ByMethod,
    fails_closed: false,
};
/// Calls about money.
pub const PAYMENT: LimitClass =
    LimitClass { name: "PAYMENT", tokens: 10, kept: Kept::Exact, fails_closed: true, ..API };
/// Calls of anyone.
pub const PUBLIC: LimitClass = LimitClass { name: "PUBLIC", tokens: 20, ..API };
/// Calls of administrators, by their address.
pub const ADMIN: LimitClass =
    LimitClass { name: "ADMIN", tokens: 1_000, kept: Kept::Exact, fails_closed: true, ..API };
/// Deliveries of providers: failed authentications per address.
pub const WEBHOOK: LimitClass =
    LimitClass { name: "WEBHOOK", tokens: 30, seconds: 10, fails_closed: false, ..AUTH };

/// Within how many seconds of its success, or of its last duplicate, a call without an idempotency
/// key is a duplicate: clients repeat a `POST` up to nine times.
pub const KEYLESS_DEDUPE_S: u32 = 45;

/// Lists that change by the hour: 5 minutes.
pub const HOT: CacheClass =
    CacheClass { name: "hot", scope: Scope::BySubject, kept_s: 300, ..CacheClass::public(300) };
/// What is for everybody and changes when somebody changes it: 30 minutes, always revalidated.
pub const SHARED: CacheClass = CacheClass {
    name: "public",
    max_age_s: Some(1_800),
    is_revalidated: true,
    kept_s: 1_800,
    ..HOT
};
/// What only a deployment changes: an hour.
pub const STATIC: CacheClass =
    CacheClass { name: "static", kept_s: 3_600, ..CacheClass::public(3_600) };
/// Everything of the member: always revalidated.
pub const USER: CacheClass = CacheClass {
    name: "user",
    max_age_s: Some(60),
    kept_s: 60,
    ..CacheClass::private("Authorization, Cookie")
};

#[derive(Serialize)]
struct Success<T> {
    success: bool,
    #[serde(flatten)]
    body: T,
}

/// A body as clients know it: `{"success":true, …body}`.
pub fn succeeded<T: Serialize>(body: T) -> impl Serialize {
    Success { success: true, body }
}

/// A 200 with `{"success":true, …body}`.
///
/// # Errors
/// A bug, when the body does not serialise.
pub fn success<T: Serialize>(body: T) -> Answer {
    ok(&succeeded(body))
}

/// RFC 9457 with the fields that clients read: `error` is a word that they compare, `message` the
/// sentence that they show.
fn dress(problem: &Problem, _: &str) -> Dressed {
    let status = problem.status();
    let message = problem.own_message().unwrap_or_else(|| sentence(status));
    let mut body = Map::new();
    body.insert("type".into(), format!("urn:problem:{}", problem.code()).into());
    body.insert("title".into(), status.canonical_reason().unwrap_or("Error").into());
    body.insert("status".into(), status.as_u16().into());
    body.insert("code".into(), problem.code().into());
    body.insert("success".into(), false.into());
    body.insert("error".into(), problem.error().into());
    body.insert("message".into(), message.into());
    if !problem.fields().is_empty() {
        body.insert("fields".into(), json!(problem.fields()));
    }
    body.extend(problem.extra().clone());
    Dressed::new(status, body)
}

/// The same for the payment forms, which show `error`: it holds the sentence, unless the problem
/// itself says which word must stay there.
pub fn in_russian(problem: &Problem, request_id: &str) -> Dressed {
    let mut dressed = dress(problem, request_id);
    if !problem.extra().contains_key("error")
        && let Some(message) = dressed.body.get("message").cloned()
        && let Some(error) = dressed.body.get_mut("error")
    {
        *error = message;
    }
    dressed
}

/// What people read when a rule of the platform refuses them.
fn sentence(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => texts::INVALID,
        401 => texts::UNAUTHORIZED,
        403 | 405 => texts::FORBIDDEN,
        404 => texts::NOT_FOUND,
        413 => texts::TOO_LARGE,
        422 => texts::KEY_REUSED,
        429 => texts::TOO_MANY,
        503 => texts::TRY_AGAIN,
        _ => texts::INTERNAL,
    }
}

/// A Telegram id as clients write it: a number, or its digits in a string.
#[must_use]
pub fn telegram_id(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => payments::telegram_id(text.trim()),
        Value::Number(number) => payments::telegram_id(&number.to_string()),
        _ => None,
    }
}

/// The code of [`lease_lost`].
pub const LEASE_LOST: &str = "lease_lost";

/// The work of a job belongs to another run by now.
#[must_use]
pub fn lease_lost() -> Problem {
    Problem::new(StatusCode::CONFLICT, LEASE_LOST, "Conflict", texts::TRY_AGAIN)
}

fn success_schema(body: Value) -> Value {
    let success = json!({
        "type": "object", "required": ["success"], "properties": { "success": { "const": true } },
    });
    json!({ "allOf": [success, body] })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "success", "error", "message"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string" },
            "success": { "const": false },
            "error": { "type": "string" },
            "message": { "type": "string" },
            "fields": { "type": "array", "items": {
                "type": "object",
                "properties": { "name": { "type": "string" }, "reason": { "type": "string" } },
            }},
            "retryAfter": { "type": "integer" },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_fields_stand_beside_the_standard_ones() {
        let dressed = dress(&Problem::invalid("city", "longer than 80"), "");
        let expected = json!({
            "type": "urn:problem:validation_failed", "title": "Bad Request", "status": 400,
            "code": "validation_failed", "success": false, "error": "Validation Error",
            "message": "Проверьте введённые данные",
            "fields": [{ "name": "city", "reason": "longer than 80" }],
        });
        assert_eq!((dressed.status, dressed.body), (StatusCode::BAD_REQUEST, expected));
    }

    #[test]
    fn payment_forms_show_the_sentence_unless_the_word_must_stay() {
        let error = |problem: &Problem| in_russian(problem, "").body["error"].clone();
        assert_eq!(error(&Problem::bug("x")), texts::INTERNAL);
        let word = Problem::forbidden("cooldown_active").with("error", "cooldown_active");
        assert_eq!(error(&word), "cooldown_active");
    }

    #[test]
    fn every_refusal_of_the_platform_has_its_sentence() {
        assert_eq!(
            dress(&Problem::unauthorized("unauthorized"), "").body["message"],
            "Войдите заново"
        );
        assert_eq!(dress(&Problem::try_again("x"), "").body["message"], texts::TRY_AGAIN);
    }

    #[test]
    fn classes_are_kept_as_long_as_clients_know_them() {
        assert_eq!(USER.control(true), "private, no-cache, max-age=60");
        assert_eq!(HOT.control(true), "private, max-age=300");
        assert_eq!(HOT.control(false), "public, max-age=300");
    }
}
