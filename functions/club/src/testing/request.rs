//! Requests and answers as the API has them.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::clock::Instant;
use shared::meter::Cost;

/// A request as the API hands it to a function.
#[derive(Clone)]
pub(crate) struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    kind: &'static str,
}

impl Request {
    /// A `GET` of a path, with its query.
    pub(crate) fn get(path: &str) -> Self {
        let (path, kind) = (path.to_owned(), "application/json");
        Self { method: Method::GET, path, headers: Vec::new(), body: None, kind }
    }

    /// A `POST` of JSON.
    pub(crate) fn post(path: &str, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body.to_string()), ..Self::get(path) }
    }

    /// A `POST` of a body as it is, of this type.
    pub(crate) fn raw(path: &str, kind: &'static str, body: &str) -> Self {
        Self { method: Method::POST, body: Some(body.to_owned()), kind, ..Self::get(path) }
    }

    /// The same by another method.
    pub(crate) fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// Signs in with an access token.
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn into_event(self, now: Instant) -> Value {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut headers: serde_json::Map<String, Value> =
            self.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        headers.insert("host".to_owned(), "club.example.com".into());
        headers.insert("content-type".to_owned(), self.kind.into());
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "0", "apiId": "test", "domainName": "club.example.com",
                "domainPrefix": "club", "requestId": "test", "routeKey": "$default",
                "stage": "$default", "time": "31/Jan/2026:12:00:00 +0000",
                "timeEpoch": now.millis(),
                "http": {
                    "method": self.method.as_str(), "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.7", "userAgent": "test",
                },
            },
            "isBase64Encoded": false,
            "body": self.body,
        })
    }
}

/// An answer as the API would send it.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers, names in lower case.
    pub(crate) headers: Value,
    /// The body; `null` when there is none.
    pub(crate) body: Value,
    /// What the function itself cost.
    pub(crate) cost: Cost,
}

impl Reply {
    pub(super) fn read(answer: &Value, cost: Cost) -> Self {
        let status = u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap();
        Self {
            status: StatusCode::from_u16(status).unwrap(),
            headers: answer["headers"].clone(),
            body: serde_json::from_str(answer["body"].as_str().unwrap_or("null"))
                .unwrap_or_default(),
            cost,
        }
    }
}
