//! The HTTP front: the services' APIs, the control desk, the sandboxes, the Runtime API.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use engine::Engine;
use http::header::{HOST, LOCATION};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::conduct::Conducting;
use crate::desk;
use crate::event::http::{Incoming, own_answer, response};
use crate::invoke::{Failure, Invoker};
use crate::logs::Logs;
use crate::reply;
use crate::route::Routes;
use crate::sandbox::Sandboxes;
use crate::secrets::Secrets;
use crate::serve::{Exchange, Reply};
use crate::template::Wiring;

/// The largest event Lambda takes, in bytes.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
/// A caller of this machine may pretend to come from another address; functions do not see it.
const SOURCE_HEADER: &str = "x-local-source-ip";

/// Everything that answers HTTP.
pub(crate) struct Front {
    url: String,
    engine_url: String,
    engine: Engine,
    invoker: Invoker,
    conducting: Conducting,
    sandboxes: Sandboxes,
    secrets: Secrets,
    wiring: Wiring,
    routes: BTreeMap<String, Routes>,
    logs: Logs,
    calls: desk::Calls,
    refusing: AtomicBool,
}

impl Front {
    #[expect(clippy::too_many_arguments, reason = "the parts of the whole, put together once")]
    pub(crate) fn new(
        url: String,
        engine_url: String,
        engine: Engine,
        invoker: Invoker,
        conducting: Conducting,
        sandboxes: Sandboxes,
        secrets: Secrets,
        wiring: Wiring,
        logs: Logs,
    ) -> Self {
        let services = wiring.services();
        let routes = services.into_iter().map(|service| {
            let routes = Routes::of(&service, &wiring.routes);
            (service, routes)
        });
        let (routes, calls) = (routes.collect(), desk::Calls::default());
        Self {
            url,
            engine_url,
            engine,
            invoker,
            conducting,
            sandboxes,
            secrets,
            wiring,
            routes,
            logs,
            calls,
            refusing: AtomicBool::new(false),
        }
    }

    /// From now on nothing new is begun.
    pub(crate) fn refuse(&self) {
        self.refusing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn engine_url(&self) -> &str {
        &self.engine_url
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn invoker(&self) -> &Invoker {
        &self.invoker
    }

    pub(crate) fn conducting(&self) -> &Conducting {
        &self.conducting
    }

    pub(crate) fn sandboxes(&self) -> &Sandboxes {
        &self.sandboxes
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    pub(crate) fn wiring(&self) -> &Wiring {
        &self.wiring
    }

    pub(crate) fn routes(&self) -> &BTreeMap<String, Routes> {
        &self.routes
    }

    pub(crate) fn logs(&self) -> &Logs {
        &self.logs
    }

    pub(crate) fn calls(&self) -> &desk::Calls {
        &self.calls
    }

    pub(crate) fn settings(&self) -> Value {
        desk::settings(self)
    }

    pub(crate) async fn answer(&self, exchange: Exchange) -> Reply {
        let path = exchange.parts.uri.path().to_owned();
        if let Some(rest) = path.strip_prefix("/.rt/") {
            return Ok(self.runtime(rest, &exchange.body).await);
        }
        if path == "/" || path == "/_local" || path.starts_with("/_local/") {
            if !names_this_machine(&exchange) {
                let what = "the control desk answers to loopback names only";
                return Ok(reply::refused(StatusCode::FORBIDDEN, what));
            }
            if let Some(reply) = self.sandboxes.answer(&exchange).await {
                return reply;
            }
            return Ok(desk::answer(self, &exchange).await);
        }
        if self.refusing.load(Ordering::SeqCst) {
            return Ok(own_answer(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"));
        }
        let (service, rest) = split(&path);
        match self.routes.get(service) {
            Some(routes) => Ok(self.api(service, routes, rest, exchange).await),
            None => Ok(reply::not_found()),
        }
    }

    /// A request to a service's API.
    async fn api(
        &self,
        service: &str,
        routes: &Routes,
        path: &str,
        mut exchange: Exchange,
    ) -> Response<Bytes> {
        let pretended = exchange.parts.headers.remove(SOURCE_HEADER);
        let pretended = pretended.and_then(|ip| ip.to_str().ok()?.parse::<IpAddr>().ok());
        let Some((route, parameters)) = routes.find(exchange.parts.method.as_str(), path) else {
            return own_answer(StatusCode::NOT_FOUND, "Not Found");
        };
        let event = Incoming {
            parts: &exchange.parts,
            path,
            body: &exchange.body,
            host: self.host(&exchange),
            source: pretended.unwrap_or(exchange.peer),
            api: service,
            route: &route.key,
            parameters,
            request_id: &uuid::Uuid::new_v4().to_string(),
            now: self.engine.clock().now(),
        };
        let payload = Bytes::from(event.event().to_string());
        if payload.len() > MAX_PAYLOAD {
            return own_answer(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
        }
        let work = self.invoker.invoke(&route.function, "http", payload);
        match tokio::time::timeout(route.timeout, work).await {
            Ok(Ok(answer)) => below(service, response(&answer)),
            Ok(Err(Failure::Failed(_) | Failure::TimedOut(_) | Failure::Unknown(_))) => {
                own_answer(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
            }
            Ok(Err(Failure::Throttled)) | Err(_) => {
                own_answer(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable")
            }
        }
    }

    /// The name the event tells. An API is reached by its own names only, so that a function
    /// never sees a malformed one; here any other name is replaced by this machine's.
    fn host<'a>(&'a self, exchange: &'a Exchange) -> &'a str {
        let own = self.url.strip_prefix("http://").unwrap_or(&self.url);
        exchange.header(HOST.as_str()).filter(|host| is_loopback(host)).unwrap_or(own)
    }

    /// `<function>/<instance>/2018-06-01/runtime/<call>`.
    async fn runtime(&self, rest: &str, body: &Bytes) -> Response<Bytes> {
        let parts: Vec<&str> = rest.splitn(5, '/').collect();
        let [function, instance, "2018-06-01", "runtime", call] = parts.as_slice() else {
            return reply::not_found();
        };
        match (self.invoker.pool(function), instance.parse()) {
            (Some(pool), Ok(instance)) => pool.runtime(instance, call, body).await,
            _ => reply::not_found(),
        }
    }

    /// Invokes a function from the desk or from a test.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Result<Value, Failure> {
        let payload = Bytes::from(event.to_string());
        let answer = self.invoker.invoke(function, "desk", payload).await?;
        let text = || json!(String::from_utf8_lossy(&answer));
        Ok(serde_json::from_slice(&answer).unwrap_or_else(|_| text()))
    }
}

/// A redirect within the API, which does not know that its root is below another path here.
fn below(service: &str, mut response: Response<Bytes>) -> Response<Bytes> {
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let within = location.filter(|path| path.starts_with('/') && !path.starts_with("//"));
    let moved = within.and_then(|path| HeaderValue::from_str(&format!("/{service}{path}")).ok());
    if let Some(location) = moved {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// The first segment of a path, and what follows it.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    match path.find('/') {
        Some(at) => path.split_at(at),
        None => (path, "/"),
    }
}

/// Does the request name this machine by a loopback name? A page in a browser that had its own
/// name resolved to this machine does not.
fn names_this_machine(exchange: &Exchange) -> bool {
    !exchange.parts.headers.contains_key(HOST)
        || exchange.header(HOST.as_str()).is_some_and(is_loopback)
}

/// `localhost` or a loopback address, with or without a port.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let port = authority.as_str().strip_prefix(authority.host());
    let plain = matches!(port, Some("")) || authority.port_u16().is_some();
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    plain
        && (name == "localhost"
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_segment_names_the_service() {
        assert_eq!(split("/club/api/v1"), ("club", "/api/v1"));
        assert_eq!(split("/club/"), ("club", "/"));
        assert_eq!(split("/club"), ("club", "/"));
        assert_eq!(split("/"), ("", "/"));
        assert_eq!(split("//club/x"), ("", "/club/x"));
        assert_eq!(split("/club//x"), ("club", "//x"));
    }

    #[test]
    fn only_loopback_names_are_this_machine() {
        for (host, expected) in [
            ("localhost", true),
            ("localhost:9000", true),
            ("127.0.0.1:9000", true),
            ("[::1]:9000", true),
            ("127.0.0.1:99999999", false),
            ("me@localhost", false),
            ("example.com", false),
            ("localhost.example.com", false),
            ("", false),
            ("[::", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
