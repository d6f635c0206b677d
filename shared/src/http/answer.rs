//! Answers: `{"success":true, …}` and problems.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::Serialize;

use crate::problem::{Problem, Reported, Result};

/// What a handler gives.
pub type Answer = Result<Response>;

#[derive(Serialize)]
struct Success<T> {
    success: bool,
    #[serde(flatten)]
    body: T,
}

/// The bytes of `{"success":true, …body}`.
pub(crate) fn success_bytes<T: Serialize>(body: T) -> Result<Bytes> {
    let bytes = serde_json::to_vec(&Success { success: true, body }).map_err(Problem::bug)?;
    Ok(bytes.into())
}

/// A 200 with `{"success":true, …body}`.
///
/// # Errors
/// A bug, when the body does not serialise.
pub fn success<T: Serialize>(body: T) -> Answer {
    Ok(json(success_bytes(body)?))
}

/// A 200 with these JSON bytes.
pub(crate) fn json(bytes: Bytes) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (kind, Body::from(bytes)).into_response()
}

/// The same answer with the sentence for people in `error`, which the static forms show.
pub(super) fn in_russian(response: Response) -> Response {
    let Some(body) = response.extensions().get::<Reported>().and_then(Reported::in_russian) else {
        return response;
    };
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body))
}
