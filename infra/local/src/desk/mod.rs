//! `/_local`, the control desk: a page for people, JSON for tests and scripts.

mod calls;
mod faults;
mod page;
mod users;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use calls::Calls;
pub(crate) use faults::inject_at_sandbox;

use crate::conduct::{ClockAnswer, ClockError, Move};
use crate::front::Front;
use crate::invoke::{Failure, error_of};
use crate::reply;
use crate::serve::Exchange;

/// How long `idle` waits when it is not told.
const IDLE: Duration = Duration::from_secs(5);

/// Answers a call of the desk.
pub(crate) async fn answer(front: &Front, exchange: &Exchange) -> Response<Bytes> {
    let segments = exchange.segments();
    let path: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    match (&exchange.parts.method, path.as_slice()) {
        (&Method::GET, []) => reply::html(page::render(front)),
        (&Method::GET, ["health"]) => reply::ok(&json!({ "status": "ok" })),
        (&Method::GET, ["settings"]) => reply::ok(&settings(front)),
        (&Method::GET, ["routes"]) => reply::ok(&routes(front)),
        (&Method::POST, ["users"]) => users::mint(front, exchange),
        (&Method::GET, ["clock"]) => reply::ok(&ClockAnswer::of(front.engine().clock())),
        (&Method::POST, ["clock"]) => move_clock(front, exchange).await,
        (&Method::POST, ["functions", name, "invoke"]) => invoke(front, exchange, name).await,
        (&Method::GET, ["functions"]) => reply::ok(&functions(front)),
        (&Method::GET, ["invocations"]) => invocations(front, exchange),
        (&Method::GET, ["instances"]) => {
            reply::ok(&json!({ "instances": front.invoker().instances() }))
        }
        (&Method::GET, ["queues"]) => queues(front),
        (&Method::POST, ["queues", name, "redrive"]) => redrive(front, name),
        (&Method::POST, ["idle"]) => idle(front, exchange).await,
        (&Method::POST, ["faults"]) => faults::inject(front, exchange),
        (&Method::DELETE, ["faults"]) => faults::clear(front),
        (&Method::GET, ["calls"]) => reply::ok(&front.calls().take_in(front.engine())),
        (&Method::DELETE, ["calls"]) => {
            front.calls().forget(front.engine());
            reply::ok(&json!({ "ok": true }))
        }
        (&Method::GET, ["logs"]) => {
            let limit = limit(exchange, 1_000);
            reply::ok(&json!({ "lines": front.logs().last(limit) }))
        }
        _ => reply::not_found(),
    }
}

fn limit(exchange: &Exchange, default: usize) -> usize {
    exchange.query("limit").and_then(|limit| limit.parse().ok()).unwrap_or(default)
}

/// What the stack is and how it is used.
pub(crate) fn settings(front: &Front) -> Value {
    let services: serde_json::Map<String, Value> = front
        .wiring()
        .services()
        .into_iter()
        .map(|service| {
            let settings = json!({
                "api_url": format!("{}/{service}", front.url()),
                "secrets": front.secrets().of(&service),
            });
            (service, settings)
        })
        .collect();
    let tables: Vec<&str> = front.wiring().tables.iter().map(|table| table.name.as_str()).collect();
    json!({
        "base_url": front.url(),
        "engine_url": front.engine_url(),
        "services": services,
        "tables": tables,
        "missing_functions": front.invoker().missing(),
    })
}

fn routes(front: &Front) -> Value {
    let routes: Vec<Value> = front
        .routes()
        .iter()
        .flat_map(|(service, routes)| {
            routes.all().iter().map(move |route| {
                json!({ "service": service, "route": route.key, "function": route.function })
            })
        })
        .collect();
    json!({ "routes": routes })
}

fn functions(front: &Front) -> Value {
    let functions = front.wiring().functions.values().map(|function| {
        let permissions = function.permissions.iter().map(
            |statement| json!({ "actions": statement.actions, "resources": statement.resources }),
        );
        json!({
            "name": function.name,
            "service": function.service,
            "deployed": function.deployed,
            "timeout_s": function.timeout.as_secs(),
            "memory_mib": function.memory,
            "reserved": function.reserved,
            "permissions": permissions.collect::<Vec<_>>(),
        })
    });
    json!({ "functions": functions.collect::<Vec<_>>() })
}

async fn move_clock(front: &Front, exchange: &Exchange) -> Response<Bytes> {
    let change: Move = match exchange.json() {
        Ok(change) => change,
        Err(what) => return reply::bad(what),
    };
    match front.conducting().move_clock(change).await {
        Ok(answer) => reply::ok(&answer),
        Err(error @ ClockError::Backwards(_)) => reply::refused(StatusCode::CONFLICT, error),
        Err(error @ ClockError::Unclear(_)) => reply::bad(error),
        Err(error @ ClockError::Stopping) => reply::refused(StatusCode::SERVICE_UNAVAILABLE, error),
    }
}

async fn invoke(front: &Front, exchange: &Exchange, name: &str) -> Response<Bytes> {
    let event: Value = match exchange.json() {
        Ok(event) => event,
        Err(what) => return reply::bad(what),
    };
    match front.invoke(name, &event).await {
        Ok(result) => reply::ok(&result),
        Err(error @ Failure::Unknown(_)) => reply::refused(StatusCode::NOT_FOUND, error),
        Err(error @ Failure::Throttled) => {
            reply::json(StatusCode::TOO_MANY_REQUESTS, &error_of(&error))
        }
        Err(error) => reply::json(StatusCode::BAD_GATEWAY, &error_of(&error)),
    }
}

fn invocations(front: &Front, exchange: &Exchange) -> Response<Bytes> {
    let function = exchange.query("function");
    let last = front.invoker().log().last(function.as_deref(), limit(exchange, 100));
    reply::ok(&json!({ "invocations": last }))
}

fn queues(front: &Front) -> Response<Bytes> {
    match front.engine().queues().depths() {
        Ok(depths) => {
            let queues: Vec<Value> = depths
                .iter()
                .map(|depth| {
                    json!({
                        "name": depth.name,
                        "depth": depth.visible,
                        "delayed": depth.delayed,
                        "in_flight": depth.in_flight,
                        "dead_letters": depth.dead_letters,
                        "dead_letter_queue": depth.dead_letter_queue,
                    })
                })
                .collect();
            reply::ok(&json!({ "queues": queues }))
        }
        Err(error) => reply::refused(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

fn redrive(front: &Front, queue: &str) -> Response<Bytes> {
    match front.engine().queues().redrive(queue) {
        Ok(moved) => reply::ok(&json!({ "moved": moved })),
        Err(error) => reply::bad(error),
    }
}

async fn idle(front: &Front, exchange: &Exchange) -> Response<Bytes> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(default)]
        timeout_ms: Option<u64>,
    }
    let body: Body = match exchange.json() {
        Ok(body) => body,
        Err(what) => return reply::bad(what),
    };
    let limit = body.timeout_ms.map_or(IDLE, Duration::from_millis);
    match tokio::time::timeout(limit, front.conducting().idle()).await {
        Ok(true) => reply::ok(&json!({ "idle": true })),
        _ => reply::json(StatusCode::REQUEST_TIMEOUT, &json!({ "idle": false })),
    }
}
