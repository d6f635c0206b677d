//! Requests that read like sentences, and answers that are looked at closely.

use std::future::IntoFuture;
use std::pin::Pin;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::World;

/// A request to the service that is not sent yet; `.await` sends it.
#[derive(Clone, Debug)]
#[must_use = "a call is sent by awaiting it"]
pub struct Call {
    world: World,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
}

impl Call {
    pub(crate) fn new(world: &World, method: &str, path: &str) -> Self {
        Self {
            world: world.clone(),
            method: Method::from_bytes(method.as_bytes()).expect("a method"),
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: None,
        }
    }

    /// Adds a header; its bytes may be any that HTTP can carry.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        let value = HeaderValue::from_bytes(value.as_ref()).expect("a header's value");
        self.headers.append(name, value);
        self
    }

    /// `Authorization: Bearer …`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// `Authorization: tma …`.
    pub fn tma(self, init_data: &str) -> Self {
        self.header("authorization", format!("tma {init_data}"))
    }

    /// `Cookie: …`.
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.header("cookie", format!("{name}={value}"))
    }

    /// `Idempotency-Key: …`.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    /// Any body, said to be JSON unless another type was given before.
    pub fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        if !self.headers.contains_key("content-type") {
            self = self.header("content-type", "application/json");
        }
        self.body = Some(body.into());
        self
    }

    /// Sends it and checks what holds for every answer: no secret in it, and no 500.
    pub async fn send(self) -> Answer {
        let answer = self.world.exchange(&self).await;
        self.world.inspect(&answer);
        answer
    }

    pub(crate) fn request(&self, http: &reqwest::Client, root: &str) -> reqwest::RequestBuilder {
        let url = format!("{root}{}", self.path);
        let request = http.request(self.method.clone(), url).headers(self.headers.clone());
        match &self.body {
            Some(body) => request.body(body.clone()),
            None => request,
        }
    }

    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// An answer of a service.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The service that answered.
    pub service: &'static str,
    /// What was asked.
    pub call: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(
        service: &'static str,
        call: String,
        response: reqwest::Response,
    ) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.expect("the body arrives").to_vec();
        Self { service, call, status: StatusCode::as_u16(&status), headers, body }
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The status must be this one.
    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "wanted {status}: {self}");
        self
    }

    /// A success with `success:true`; its body.
    #[track_caller]
    pub fn ok(&self) -> Value {
        let body = self.is(200).json();
        assert_eq!(body["success"], true, "{self}");
        body
    }

    /// A problem of this status and code in the shape every refusal has; its body.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.is(status).refusal();
        assert_eq!(body["code"], code, "{self}");
        body
    }

    /// A problem of this status and code with exactly this `detail`.
    #[track_caller]
    pub fn detail(&self, status: u16, code: &str, detail: &str) {
        assert_eq!(self.problem(status, code)["detail"], detail, "{self}");
    }

    /// A problem in the shape every refusal has; its body.
    #[track_caller]
    pub fn refusal(&self) -> Value {
        assert!((400..600).contains(&self.status), "not refused: {self}");
        let kind = self.header("content-type").unwrap_or_default();
        assert!(kind.starts_with("application/problem+json"), "content type {kind:?}: {self}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{self}");
        let texts: &[&str] = if self.service == "club" {
            assert_eq!(body["success"], false, "{self}");
            &["code", "error", "message"]
        } else {
            &["code", "detail", "request_id"]
        };
        for field in texts.iter().copied() {
            let text = body[field].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "no {field}: {self}");
        }
        let code = body["code"].as_str().unwrap_or_default();
        let stable = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(code.bytes().all(stable), "code {code:?}: {self}");
        body
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A header that must be there.
    #[track_caller]
    #[must_use]
    pub fn must(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no header {name}: {self}"))
    }

    /// All values of a header that is a list, in lower case and apart.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .map(|part| part.trim().to_ascii_lowercase())
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// The cookies it sets.
    #[must_use]
    pub fn cookies(&self) -> Vec<SetCookie> {
        let values = self.headers.get_all("set-cookie").iter();
        values.filter_map(|value| value.to_str().ok()).map(SetCookie::parse).collect()
    }

    /// The cookie of that name, if it sets one.
    #[must_use]
    pub fn set_cookie(&self, name: &str) -> Option<SetCookie> {
        self.cookies().into_iter().find(|cookie| cookie.name == name)
    }

    /// What it cost, told by a local stack only.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.header("x-cost").map(Cost::parse)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {} {}", self.call, self.status, self.text())?;
        write!(f, " {:?}", self.headers)
    }
}

/// A `Set-Cookie` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The attributes in lower case, such as `path=/`.
    pub attributes: Vec<String>,
}

impl SetCookie {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).unwrap_or_default();
        let attributes = parts.map(str::to_ascii_lowercase).collect();
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    /// Has it this attribute?
    #[must_use]
    pub fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|own| own == &attribute.to_ascii_lowercase())
    }

    /// Does it take the cookie away?
    #[must_use]
    pub fn clears(&self) -> bool {
        self.has("max-age=0") || self.attributes.iter().any(|own| own.contains("1970"))
    }
}

/// What an invocation cost, behind the choke point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Requests to DynamoDB.
    pub requests: u64,
    /// Requests one after another.
    pub sequence: u64,
    /// Items written.
    pub items: u64,
    /// Thousandths of a read unit.
    pub read_milliunits: u64,
    /// Thousandths of a write unit.
    pub write_milliunits: u64,
    /// Messages sent to queues.
    pub messages: u64,
}

impl Cost {
    fn parse(text: &str) -> Self {
        let mut cost = Self::default();
        for part in text.split(';') {
            let (name, value) = part.trim().split_once('=').unwrap_or_default();
            let value = value.parse().unwrap_or_else(|_| panic!("X-Cost: {text}"));
            match name {
                "requests" => cost.requests = value,
                "sequence" => cost.sequence = value,
                "items" => cost.items = value,
                "read_milliunits" => cost.read_milliunits = value,
                "write_milliunits" => cost.write_milliunits = value,
                "messages" => cost.messages = value,
                _ => {}
            }
        }
        cost
    }
}
