//! Requests and answers as the API has them.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use shared::clock::Instant;
use shared::meter::Cost;

/// A request as the API hands it to a function.
#[derive(Clone, Debug)]
pub struct Request {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    address: String,
}

impl Request {
    /// A request without a body.
    #[must_use]
    pub fn new(method: Method, path: &str) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let address = "203.0.113.7".to_owned();
        Self { method, path: path.to_owned(), headers, body: None, address }
    }

    /// A `GET` of a path, with its query.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST` of JSON.
    #[must_use]
    pub fn post(path: &str, body: Value) -> Self {
        Self::new(Method::POST, path).body(body.to_string())
    }

    /// A `PUT` of JSON.
    #[must_use]
    pub fn put(path: &str, body: Value) -> Self {
        Self::new(Method::PUT, path).body(body.to_string())
    }

    /// A `POST` of a body as it is, of this type.
    #[must_use]
    pub fn raw(path: &str, kind: &str, body: &str) -> Self {
        Self::new(Method::POST, path).body(body).header("content-type", kind)
    }

    /// The same by another method.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// Adds or replaces a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs in with an access token.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.by(&format!("Bearer {token}"))
    }

    /// Signs in, with a whole `Authorization`.
    #[must_use]
    pub fn by(self, authorization: &str) -> Self {
        self.header("authorization", authorization)
    }

    /// Comes from another address.
    #[must_use]
    pub fn from(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    pub(crate) fn into_event(self, service: &str, now: Instant) -> Value {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let domain = format!("{service}.example.com");
        let mut headers: serde_json::Map<String, Value> =
            self.headers.into_iter().map(|(name, value)| (name, value.into())).collect();
        headers.insert("host".to_owned(), domain.as_str().into());
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "0", "apiId": "test", "domainName": domain,
                "domainPrefix": service, "requestId": "test", "routeKey": "$default",
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
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers, names in lower case.
    pub headers: Value,
    /// The body; `null` when there is none.
    pub body: Value,
    /// What the function itself cost.
    pub cost: Cost,
}

impl Reply {
    pub(crate) fn read(answer: &Value, cost: Cost) -> Self {
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
    #[must_use]
    pub fn refusal(&self) -> (u16, &str, &str) {
        let text = |name| self.body[name].as_str().unwrap_or_default();
        (self.status.as_u16(), text("code"), text("detail"))
    }
}
