//! Answers with a JSON body.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::problem::{Problem, Result};

/// What a handler gives.
pub type Answer = Result<Response>;

/// The bytes of a JSON body.
pub(crate) fn bytes_of<T: Serialize>(body: &T) -> Result<Bytes> {
    Ok(serde_json::to_vec(body).map_err(Problem::bug)?.into())
}

/// A 200 with this body.
///
/// # Errors
/// A bug, when the body does not serialise.
pub fn ok<T: Serialize>(body: &T) -> Answer {
    Ok(json(bytes_of(body)?))
}

/// A 201 with this body.
///
/// # Errors
/// A bug, when the body does not serialise.
pub fn created<T: Serialize>(body: &T) -> Answer {
    let mut response = ok(body)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// A 204.
///
/// # Errors
/// None; it is an answer as the others are.
pub fn no_content() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A 200 with these JSON bytes.
pub(crate) fn json(bytes: Bytes) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (kind, Body::from(bytes)).into_response()
}
