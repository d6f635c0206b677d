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
    address: String,
}

impl Request {
    /// A request without a body.
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let address = "203.0.113.7".to_owned();
        Self { method, path: path.to_owned(), headers, body: None, address }
    }

    /// A `GET` of a path, with its query.
    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST` of JSON.
    pub(crate) fn post(path: &str, body: Value) -> Self {
        Self::new(Method::POST, path).body(body.to_string())
    }

    /// A `PUT` of JSON.
    pub(crate) fn put(path: &str, body: Value) -> Self {
        Self::new(Method::PUT, path).body(body.to_string())
    }

    /// Replaces the body.
    pub(crate) fn body(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// Adds or replaces a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs in, with what [`super::World::sign_in`] gives.
    pub(crate) fn by(self, authorization: &str) -> Self {
        self.header("authorization", authorization)
    }

    /// Comes from another address.
    pub(crate) fn from(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    pub(super) fn into_event(self, now: Instant) -> Value {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut headers: serde_json::Map<String, Value> =
            self.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        headers.insert("host".to_owned(), "errands.example.com".into());
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "0", "apiId": "test", "domainName": "errands.example.com",
                "domainPrefix": "errands", "requestId": "test", "routeKey": "$default",
                "stage": "$default", "time": "22/Nov/2026:12:00:00 +0000",
                "timeEpoch": now.millis(),
                "http": {
                    "method": self.method.as_str(), "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": self.address, "userAgent": "test",
                },
            },
            "isBase64Encoded": false,
            "body": self.body,
        })
    }
}

/// An answer as the API would send it.
#[derive(Clone, Debug)]
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

    /// Status, code and the sentence of a problem.
    pub(crate) fn refusal(&self) -> (u16, &str, &str) {
        let text = |name| self.body[name].as_str().unwrap_or_default();
        (self.status.as_u16(), text("code"), text("detail"))
    }
}
