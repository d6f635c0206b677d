//! The stack under load: where it is, what it answers, and what it takes of the processor.

use benches::{Result, client};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// Microseconds of one tick of the processor's clock in `/proc`.
const TICK_US: u64 = 10_000;

/// A running stack.
#[derive(Clone, Debug)]
pub struct Stack {
    desk: String,
    api: String,
    http: Client<HttpConnector, Full<Bytes>>,
    pid: Option<u32>,
}

/// A request that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: &'static str,
    /// Path and query below the API's root.
    pub path: String,
    /// The value of `Authorization`.
    pub launch: String,
    /// Further headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body; empty for none.
    pub body: Bytes,
}

impl Call {
    /// A call without a body.
    pub fn new(method: &'static str, path: impl Into<String>, launch: &str) -> Self {
        let (path, launch) = (path.into(), launch.to_owned());
        Self { method, path, launch, headers: Vec::new(), body: Bytes::new() }
    }

    /// The call with this body.
    pub fn with(self, body: &Value) -> Self {
        Self { body: body.to_string().into(), ..self }
    }

    /// The call with one header more.
    pub fn under(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Stack {
    /// The stack whose HTTP front is at `url`, to call this service; its process is `STACK_PID`,
    /// if that is set.
    pub fn at(url: &str, service: &str) -> Self {
        let pid = std::env::var("STACK_PID").ok().and_then(|pid| pid.parse().ok());
        let (desk, api) = (format!("{url}/_local"), format!("{url}/{service}"));
        Self { desk, api, http: client(), pid }
    }

    /// The same stack over connections of its own.
    pub fn apart(&self) -> Self {
        Self { http: client(), ..self.clone() }
    }

    /// One request and its answer.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn send(&self, call: &Call) -> Result<Response<Bytes>> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.api, call.path))
            .header("content-type", "application/json");
        if !call.launch.is_empty() {
            request = request.header("authorization", &call.launch);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        self.answer(request.body(Full::new(call.body.clone()))?).await
    }

    /// One request that has to be done: the body of its answer.
    ///
    /// # Errors
    /// When nobody answers, or with a refusal.
    pub async fn done(&self, call: &Call) -> Result<Value> {
        let answer = self.send(call).await?;
        match answer.status().is_success() {
            true => Ok(serde_json::from_slice(answer.body())?),
            false => Err(format!("{} {}: {answer:?}", call.method, call.path).into()),
        }
    }

    /// Asks the control desk; without a body for `null`.
    ///
    /// # Errors
    /// When nobody answers, or with a refusal.
    pub async fn desk(&self, path: &str, body: &Value) -> Result<Value> {
        let (method, body) = match body {
            Value::Null => (Method::GET, Bytes::new()),
            body => (Method::POST, body.to_string().into()),
        };
        let request = Request::builder().method(method).uri(format!("{}/{path}", self.desk));
        let answer = self.answer(request.body(Full::new(body))?).await?;
        match answer.status().is_success() {
            true => Ok(serde_json::from_slice(answer.body())?),
            false => Err(format!("{path}: {answer:?}").into()),
        }
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>> {
        let (parts, body) = self.http.request(request).await?.into_parts();
        Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
    }

    /// Waits until what the last requests set off has been done.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn rest(&self) -> Result<()> {
        loop {
            let request = Request::post(format!("{}/idle", self.desk)).body(Full::default())?;
            if self.answer(request).await?.status().is_success() {
                return Ok(());
            }
        }
    }

    /// What its last invocation has cost a function, and how many milliseconds it took.
    ///
    /// # Errors
    /// When nobody answers, or the function was never invoked.
    pub async fn last_invocation(&self, function: &str) -> Result<Value> {
        let path = format!("invocations?function={function}&limit=1");
        let mut found = self.desk(&path, &json!(null)).await?;
        let last = found.pointer_mut("/invocations/0").map(Value::take);
        last.ok_or_else(|| format!("{function} was never invoked").into())
    }

    /// Microseconds of processor time that the stack's process has taken so far.
    pub fn processor_us(&self) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid?)).ok()?;
        let (_, fields) = stat.rsplit_once(')')?;
        let ticks =
            fields.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok());
        Some(ticks.sum::<u64>() * TICK_US)
    }
}
