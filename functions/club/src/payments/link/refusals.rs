//! What keeps a link from being given, in the words of its answers.

use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use shared::clock::Instant;
use shared::problem::Problem;

use crate::payments::model::moscow_date;
use crate::texts;

/// A rule of the club.
pub fn refused(code: &'static str, text: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, "Bad Request", text)
}

/// The offer is not known.
pub(super) fn unknown_offer() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "offer_unknown", "Not Found", texts::OFFER_UNKNOWN)
}

/// A subscription has ended too long ago, and not long enough.
pub(super) fn cooling_down(unlock: Instant) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "cooldown_active", "cooldown_active", texts::COOLDOWN)
        .with("unlock_date", moscow_date(unlock))
        .with("error", "cooldown_active")
}

/// The provider made no link.
pub(super) fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Problem {
    let status = StatusCode::BAD_GATEWAY;
    Problem::new(status, "provider_error", "Bad Gateway", texts::LINK_FAILED).because(cause)
}

/// The provider may still make the link that another call waits for.
pub(super) fn waiting(left: SignedDuration) -> Problem {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
    Problem::new(status, "conflict_retry", "Service Unavailable", texts::LINK_PENDING)
        .with_header(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
        .because("another call waits for the provider")
}
