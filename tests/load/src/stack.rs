//! The stack under load: where it is, and what it takes of the processor.

use benches::{Result, client};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::Value;

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
    /// The body; empty for none.
    pub body: Bytes,
}

impl Call {
    /// A call without a body.
    pub fn new(method: &'static str, path: impl Into<String>, launch: &str) -> Self {
        Self { method, path: path.into(), launch: launch.to_owned(), body: Bytes::new() }
    }

    /// The call with this body.
    pub fn with(self, body: &Value) -> Self {
        Self { body: body.to_string().into(), ..self }
    }
}

impl Stack {
    /// The stack whose HTTP front is at `url`; its process is `STACK_PID`, if that is set.
    pub fn at(url: &str) -> Self {
        let pid = std::env::var("STACK_PID").ok().and_then(|pid| pid.parse().ok());
        let (desk, api) = (format!("{url}/_local"), format!("{url}/errands"));
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
        let request = Request::builder()
            .method(call.method)
            .uri(format!("{}{}", self.api, call.path))
            .header("authorization", &call.launch)
            .header("content-type", "application/json")
            .body(Full::new(call.body.clone()))?;
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
            if self.http.request(request).await?.status().is_success() {
                return Ok(());
            }
        }
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
