//! The choke point itself.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use bytes::Bytes;
use futures::FutureExt as _;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use tracing::Instrument as _;

use super::auth::{self, Authenticated};
use super::{Wire, cors, extract, wire};
use crate::cache::Conditional;
use crate::clock::Now;
use crate::function::{Access, Declaration, Endpoint, Invocation, Platform, Service, invocation};
use crate::idempotency::{self, KeyContext};
use crate::ids;
use crate::limit::{Allowance, Counts};
use crate::meter::{self, Cost, Meter};
use crate::problem::{Problem, Result};
use crate::telemetry;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_COST: HeaderName = HeaderName::from_static("x-cost");

struct Choke {
    platform: Platform,
    endpoint: Endpoint,
    wire: &'static Wire,
}

/// Puts the choke point before the handler of one endpoint.
pub(crate) fn router<S: Service>(
    app: &S,
    declaration: &Declaration,
    handler: MethodRouter<S>,
) -> Router {
    let Some(endpoint) = declaration.endpoint().cloned() else { return Router::new() };
    let handler = handler.with_state(app.clone());
    let routes = match endpoint.path {
        "$default" => Router::new().fallback_service(handler),
        // The gateway matches what was sent, and this what is left once `..` is resolved.
        path => {
            Router::new().route(path, handler).fallback(async || Problem::not_found("Not Found"))
        }
    };
    let choke = Arc::new(Choke { platform: app.platform().clone(), endpoint, wire: S::WIRE });
    routes.layer(from_fn_with_state(choke, pass))
}

/// What is known of a call before anything is checked.
struct Call {
    invocation: Invocation,
    request_id: String,
    source: Option<IpAddr>,
    method: http::Method,
    origin: Option<HeaderValue>,
}

async fn pass(State(choke): State<Arc<Choke>>, request: Request, next: Next) -> Response {
    let call = Call::read(&choke.platform, &request);
    let span = tracing::info_span!(
        "request",
        request_id = %call.request_id,
        method = %call.method,
        route = choke.endpoint.path,
    );
    let started = Stopwatch::now();
    let meter = Meter::default();
    let response = {
        let work = Box::pin(guard(&choke, &call, &meter, request, next));
        let work = std::panic::AssertUnwindSafe(work);
        let work = telemetry::on_behalf(call.request_id.clone(), work.catch_unwind());
        let caught = meter.watch(work).instrument(span.clone()).await;
        let answered =
            caught.unwrap_or_else(|panic| Err(Problem::bug(telemetry::panic_text(&*panic))));
        answered.unwrap_or_else(IntoResponse::into_response)
    };
    meter::absorb(&meter);
    let response = finish(&choke, &call, &meter, response);
    let counters = &choke.platform.counters;
    let class = choke.endpoint.cache.map(|class| class.name);
    let (route, now) = ((choke.endpoint.path, &call.method), call.invocation.clock);
    counters.count(route, response.status(), (class, response.headers()), now);
    counters.keep(now).await;
    let _entered = span.enter();
    // The problem's own status, whatever the service calls it before its callers.
    let problem = response.extensions().get::<Problem>();
    let status = problem.map_or(response.status(), Problem::status);
    telemetry::request(&choke.platform, status, problem, started.elapsed(), meter.function());
    response
}

/// Everything that may refuse the call before its handler, and the handler.
async fn guard(
    choke: &Choke,
    call: &Call,
    meter: &Meter,
    request: Request,
    next: Next,
) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let platform = &choke.platform;
    let endpoint = &choke.endpoint;
    let bytes = read(choke, &parts, body).await?;
    let authenticated =
        auth::authenticate(platform, endpoint, (&parts, &bytes), call.invocation.now);
    let authenticated = authenticated.await;
    let authenticated = match authenticated {
        Ok(authenticated) => authenticated,
        Err(problem) => return Err(count_failure(choke, call, problem).await),
    };
    let allowance = limit(choke, call, &authenticated).await?;
    if choke.wire.json_only && endpoint.access != Access::Webhook && !bytes.is_empty() {
        require_json(&parts.headers)?;
    }
    let subject = authenticated.subject.as_ref();
    if let Some(class) = endpoint.cache {
        let conditional = Conditional::new(class, &parts, subject, call.invocation.now);
        parts.extensions.insert(conditional.in_store(platform.cache.clone()));
    }
    if let Some(subject) = subject {
        parts.extensions.insert(subject.clone());
    }
    if endpoint.merges.is_some() || idempotency::key_in(&parts.headers).is_some() {
        let (rules, route, merges) = (choke.wire.keys, endpoint.path, endpoint.merges);
        let body = idempotency::digest_of(&bytes);
        parts.extensions.insert(KeyContext { rules, route, merges, body });
    }
    parts.extensions.insert(Now(call.invocation.now));
    parts.extensions.insert(call.invocation.clone());
    parts.extensions.insert(super::Origin { secure: !platform.local, address: call.source });
    meter.enter_function();
    let mut response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    meter.leave_function();
    let refused = response.status() == StatusCode::UNAUTHORIZED;
    if refused && matches!(endpoint.access, Access::SignIn | Access::Webhook) {
        let allowance = failures(choke, call).await?;
        allowance.write(response.headers_mut());
    }
    if let Some(allowance) = allowance {
        allowance.write(response.headers_mut());
    }
    // A handler that sets the cookies itself, as logging out does, has the last word.
    if !response.headers().contains_key(header::SET_COOKIE) {
        authenticated.write(response.headers_mut());
    }
    Ok(response)
}

/// The request's body, within its bound.
async fn read(choke: &Choke, parts: &Parts, body: Body) -> Result<Bytes> {
    let wire = choke.wire;
    if wire.refuses_nul {
        extract::refuse_nul(&parts.uri)?;
    }
    let max = match choke.endpoint.access {
        Access::Webhook => wire.webhook_body_max,
        _ => wire.body_max,
    };
    axum::body::to_bytes(body, max).await.map_err(|error| {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        Problem::neutral(status, "payload_too_large", "Payload Too Large").because(error)
    })
}

/// Refuses a body that says to be anything but JSON.
fn require_json(headers: &HeaderMap) -> Result<()> {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json") {
        return Ok(());
    }
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Err(Problem::neutral(status, "unsupported_media_type", "Unsupported Media Type"))
}

/// Takes one call out of the caller's allowance, where all calls count.
async fn limit(
    choke: &Choke,
    call: &Call,
    authenticated: &Authenticated,
) -> Result<Option<Allowance>> {
    let Some(class) = &choke.endpoint.limit else { return Ok(None) };
    let key = match (class.counts, &authenticated.subject, call.source) {
        (Counts::Failures, ..) => return Ok(None),
        (Counts::Calls, Some(subject), _) => subject.telegram_id.to_string(),
        (_, _, Some(address)) if choke.platform.limiter.trusts(address) => return Ok(None),
        (_, _, Some(address)) => address.to_string(),
        (_, _, None) => return Ok(None),
    };
    let mutates = !call.method.is_safe();
    let limiter = &choke.platform.limiter;
    limiter.take(class, &key, mutates, call.invocation.now).await.map(Some)
}

/// Counts a failed sign-in or delivery against its address.
async fn failures(choke: &Choke, call: &Call) -> Result<Allowance> {
    let class = choke.endpoint.limit.as_ref().filter(|class| class.counts == Counts::Failures);
    let (Some(class), Some(address)) = (class, call.source) else {
        return Ok(Allowance::unlimited());
    };
    let limiter = &choke.platform.limiter;
    if limiter.trusts(address) {
        return Ok(Allowance::unlimited());
    }
    limiter.take(class, &address.to_string(), true, call.invocation.now).await
}

async fn count_failure(choke: &Choke, call: &Call, problem: Problem) -> Problem {
    match failures(choke, call).await {
        Err(refused) => refused,
        Ok(_) => problem,
    }
}

fn finish(choke: &Choke, call: &Call, meter: &Meter, response: Response) -> Response {
    let dress = choke.endpoint.dress.unwrap_or(choke.wire.dress);
    let mut response = wire::dressed(dress, &call.request_id, response);
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&call.request_id) {
        headers.insert(X_REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if choke.platform.stage == crate::settings::Stage::Prod {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let exposed = choke.wire.exposed_headers;
    cors::write(&choke.platform.origins, exposed, call.origin.as_ref(), headers);
    if choke.platform.local {
        write_cost(headers, meter.function());
    }
    response
}

/// The price of the call, for whoever measures the local stack; a deployed function keeps it to
/// its metrics.
fn write_cost(headers: &mut HeaderMap, cost: Cost) {
    let text = format!(
        "requests={}; sequence={}; items={}; read_milliunits={}; write_milliunits={}; messages={}",
        cost.requests,
        cost.sequence,
        cost.items,
        cost.read_milliunits,
        cost.write_milliunits,
        cost.messages
    );
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(X_COST, value);
    }
}

impl Call {
    fn read(platform: &Platform, request: &Request) -> Self {
        let context = request.lambda_context_ref();
        let invocation = match context {
            Some(context) => invocation(platform, context),
            None => Invocation {
                now: crate::clock::Instant::now(),
                clock: crate::clock::Instant::now(),
                request_id: String::new(),
                remaining_ms: 0,
            },
        };
        let gateway = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.http.source_ip.as_deref().and_then(|ip| ip.parse().ok())
            }
            _ => None,
        };
        let source = forwarded(request.headers(), platform.proxy_hops).or(gateway);
        let given = request.headers().get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
        let request_id = given.filter(|id| is_request_id(id)).map_or_else(ids::uuid, str::to_owned);
        Self {
            invocation,
            request_id,
            source,
            method: request.method().clone(),
            origin: request.headers().get(header::ORIGIN).cloned(),
        }
    }
}

/// The address that the first of `hops` trusted proxies saw: the entry of `X-Forwarded-For` that it
/// wrote, counted from the right. What stands left of it anybody could have written.
fn forwarded(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    let lines = headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok());
    let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    entries.get(entries.len().checked_sub(hops)?)?.trim().parse().ok()
}

fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nth_forwarded_address_from_the_right_counts() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.7".parse().unwrap());
        headers.append("x-forwarded-for", "2001:db8::1 ,10.0.0.1".parse().unwrap());
        let at = |hops| forwarded(&headers, hops).map(|address| address.to_string());
        let all = [
            None,
            Some("10.0.0.1"),
            Some("2001:db8::1"),
            Some("203.0.113.7"),
            Some("6.6.6.6"),
            None,
        ];
        for (hops, expected) in all.into_iter().enumerate() {
            assert_eq!(at(hops).as_deref(), expected, "{hops}");
        }
        assert_eq!(forwarded(&HeaderMap::new(), 1), None);
    }

    #[test]
    fn json_is_json_by_any_name() {
        let refused = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            require_json(&headers).is_err()
        };
        for kind in
            ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"]
        {
            assert!(!refused(kind), "{kind}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "",
            "application/jsonp",
            "text/json",
        ] {
            assert!(refused(kind), "{kind}");
        }
        assert!(require_json(&HeaderMap::new()).is_ok());
    }
}
