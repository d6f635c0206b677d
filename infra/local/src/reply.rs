//! Answers of the control desk and the sandboxes, and how requests to them are read.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::serve::Exchange;

pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(body).unwrap_or_default();
    typed(status, "application/json", body)
}

pub(crate) fn ok(body: &impl Serialize) -> Response<Bytes> {
    json(StatusCode::OK, body)
}

pub(crate) fn html(page: String) -> Response<Bytes> {
    typed(StatusCode::OK, "text/html; charset=utf-8", page.into_bytes())
}

pub(crate) fn refused(status: StatusCode, what: impl std::fmt::Display) -> Response<Bytes> {
    json(status, &json!({ "error": what.to_string() }))
}

pub(crate) fn bad(what: impl std::fmt::Display) -> Response<Bytes> {
    refused(StatusCode::BAD_REQUEST, what)
}

pub(crate) fn not_found() -> Response<Bytes> {
    refused(StatusCode::NOT_FOUND, "there is nothing here; GET /_local lists what there is")
}

fn typed(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl Exchange {
    /// The parts of the path between slashes, decoded.
    pub(crate) fn segments(&self) -> Vec<String> {
        let path = self.parts.uri.path();
        path.split('/').filter(|part| !part.is_empty()).map(crate::route::decode).collect()
    }

    /// The value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        let query = self.parts.uri.query().unwrap_or_default();
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| crate::route::decode(&value.replace('+', " ")))
        })
    }

    /// The body as JSON; an empty one reads like `{}`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let body: &[u8] = if self.body.is_empty() { b"{}" } else { &self.body };
        serde_json::from_slice(body)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }
}
