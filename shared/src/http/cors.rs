//! Which browsers' pages may read our answers. The functions answer, never the API's own CORS.

use http::{HeaderMap, HeaderValue, header};

use crate::function::Platform;
use crate::problem::{Problem, Result};

const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Content-Type, Authorization, X-Request-ID, Idempotency-Key, X-Idempotency-Key, If-None-Match",
);
/// Is `origin` one of the allowed?
fn allows(origins: &[String], origin: &HeaderValue) -> bool {
    origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes())
}

/// A cookie travels by itself, so that a request which changes something by a cookie alone must
/// say which page it comes from.
///
/// # Errors
/// 403 `origin_refused`.
pub fn require_origin(platform: &Platform, headers: &HeaderMap) -> Result<()> {
    let origin = headers.get(header::ORIGIN);
    match origin.is_some_and(|origin| allows(&platform.origins, origin)) {
        true => Ok(()),
        false => Err(Problem::forbidden("origin_refused")),
    }
}

/// Lets the page of an allowed origin read the answer.
pub(super) fn write(
    origins: &[String],
    exposed: &'static str,
    origin: Option<&HeaderValue>,
    headers: &mut HeaderMap,
) {
    // One line: API Gateway's payload 2.0 has no place for a header that comes twice.
    let vary = match headers.get(header::VARY).and_then(|vary| vary.to_str().ok()) {
        Some(vary) => HeaderValue::from_str(&format!("{vary}, Origin")),
        None => Ok(HeaderValue::from_static("Origin")),
    };
    headers.insert(header::VARY, vary.unwrap_or(HeaderValue::from_static("*")));
    let Some(origin) = origin.filter(|origin| allows(origins, origin)) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    let exposed = HeaderValue::from_static(exposed);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
}

/// What a preflight asks, beyond what every answer carries.
pub(super) fn write_preflight(allowed_methods: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allowed_methods.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}
