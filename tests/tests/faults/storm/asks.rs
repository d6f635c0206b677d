//! Requests and answers as they are, for clients that look at everything.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::bench::Bench;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request that may be sent any number of times.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Vec<u8>>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Ask {
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        // As the existing clients do, whatever the method.
        let headers = vec![("content-type", "application/json".to_owned())];
        Self { method, path: path.into(), headers, body: None }
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string().into_bytes());
        self
    }

    pub fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What is wrong with its looks; a refusal has these texts.
    pub fn shape(&self, texts: &[&str]) -> Vec<&'static str> {
        let mut wrong = Vec::new();
        let kind = self.header("content-type").unwrap_or_default();
        let is_json =
            kind.starts_with("application/json") || kind.starts_with("application/problem+");
        if self.status == 204 || self.status == 304 {
            if !self.text.is_empty() {
                wrong.push("a body");
            }
            return wrong;
        }
        if !is_json || serde_json::from_str::<Value>(&self.text).is_err() {
            wrong.push("no JSON");
        }
        if self.status >= 500 && self.status != 503 {
            wrong.push("a failure that is not ours to tell");
        }
        if self.status >= 400 {
            let body = self.json();
            if texts.iter().any(|name| !body[*name].is_string()) {
                wrong.push("no problem");
            }
            if self.code() == "idempotency_mismatch" {
                wrong.push("a key that was never used for anything else");
            }
            if matches!(self.status, 429 | 503) && self.header("retry-after").is_none() {
                wrong.push("no Retry-After");
            }
        }
        wrong
    }
}

/// A way to the front of a service.
pub struct Wire {
    http: reqwest::Client,
    root: String,
}

impl Wire {
    pub fn of(bench: &Bench, service: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE);
        let http = http.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { http, root: bench.stack.api(service) }
    }

    pub fn client(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// One request, sent once; nothing where the connection breaks.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_send(&self, ask: &Ask) -> Result<Answer, reqwest::Error> {
        let method = ask.method.parse().expect("a method");
        let mut request = self.http.request(method, format!("{}{}", self.root, ask.path));
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }
}
