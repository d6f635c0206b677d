//! `/_local/faults`: what goes wrong, at the engine and at the sandboxes.

use std::time::Duration;

use bytes::Bytes;
use engine::{Fault, FaultKind, Target, When};
use http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::front::Front;
use crate::reply;
use crate::sandbox::{Place, SandboxFault, SandboxFaults, Trouble};
use crate::serve::Exchange;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    target: String,
    kind: Value,
    /// The share of calls, 0 to 1; all by default.
    #[serde(default)]
    rate: Option<f64>,
    #[serde(default)]
    seed: u64,
    /// The numbers of the calls, counted from 0; instead of a rate.
    #[serde(default)]
    calls: Option<Vec<u64>>,
    /// Only calls of this function (engine).
    #[serde(default)]
    function: Option<String>,
    /// Only calls of this operation (engine).
    #[serde(default)]
    operation: Option<String>,
    /// How late an answer is (sandboxes, `delay`).
    #[serde(default)]
    delay_ms: Option<u64>,
}

pub(super) fn inject(front: &Front, exchange: &Exchange) -> Response<Bytes> {
    let body = match exchange.json::<Body>() {
        Ok(body) => body,
        Err(what) => return reply::bad(what),
    };
    let injected = match read::<Target>(&body.target) {
        Some(target) => at_engine(front, body, target),
        None => at_sandbox(front.sandboxes().faults(), body),
    };
    match injected {
        Ok(()) => reply::ok(&json!({ "ok": true })),
        Err(what) => reply::bad(what),
    }
}

/// For the sandboxes alone.
pub(crate) fn inject_at_sandbox(faults: &SandboxFaults, exchange: &Exchange) -> Response<Bytes> {
    let body = match exchange.json::<Body>() {
        Ok(body) => body,
        Err(what) => return reply::bad(what),
    };
    match at_sandbox(faults, body) {
        Ok(()) => reply::ok(&json!({ "ok": true })),
        Err(what) => reply::bad(what),
    }
}

pub(super) fn clear(front: &Front) -> Response<Bytes> {
    front.engine().faults().clear();
    front.sandboxes().faults().clear();
    reply::ok(&json!({ "ok": true }))
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(name.into()).ok()
}

impl Body {
    fn when(&self) -> When {
        match (&self.calls, self.rate) {
            (Some(calls), _) => When::Calls(calls.clone()),
            (None, Some(rate)) => When::rate(rate),
            (None, None) => When::Always,
        }
    }
}

fn at_engine(front: &Front, body: Body, target: Target) -> Result<(), String> {
    let kind: FaultKind =
        serde_json::from_value(body.kind.clone()).map_err(|_| unknown(&body.kind))?;
    let caller = body.function.as_ref().map(|function| format!("local-{function}"));
    let when = body.when();
    let (seed, operation) = (body.seed, body.operation);
    front.engine().faults().inject(Fault { target, kind, when, seed, caller, operation });
    Ok(())
}

fn at_sandbox(faults: &SandboxFaults, body: Body) -> Result<(), String> {
    let place: Place = read(&body.target)
        .ok_or("target must be dynamodb, sqs, telegram or provider".to_owned())?;
    let trouble: Trouble =
        serde_json::from_value(body.kind.clone()).map_err(|_| unknown(&body.kind))?;
    let delay = Duration::from_millis(body.delay_ms.unwrap_or(1_000));
    let when = body.when();
    faults.inject(SandboxFault { place, trouble, when, seed: body.seed, delay });
    Ok(())
}

fn unknown(kind: &Value) -> String {
    format!("{kind} is not a kind of fault of this target")
}
