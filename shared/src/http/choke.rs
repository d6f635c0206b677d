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
use futures::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use tracing::Instrument as _;

use super::auth::{self, Authenticated};
use super::{cors, extract};
use crate::cache::Conditional;
use crate::clock::Now;
use crate::function::{Access, Declaration, Endpoint, Invocation, Platform, Service, invocation};
use crate::idempotency::BodyDigest;
use crate::ids;
use crate::limit::Allowance;
use crate::meter::{self, Cost, Meter};
use crate::problem::{Problem, Reported, Result, texts};
use crate::telemetry;

/// The largest body of a request, in bytes.
pub(crate) const MAX_BODY: usize = 64 * 1024;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_COST: HeaderName = HeaderName::from_static("x-cost");

struct Choke {
    platform: Platform,
    endpoint: Endpoint,
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
        path => Router::new().route(path, handler),
    };
    let choke = Arc::new(Choke { platform: app.platform().clone(), endpoint });
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
    let _entered = span.enter();
    let reported = response.extensions().get::<Reported>();
    let status = response.status();
    telemetry::request(&choke.platform, status, reported, started.elapsed(), meter.function());
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
    extract::refuse_nul(&parts.uri)?;
    let bytes = axum::body::to_bytes(body, MAX_BODY).await.map_err(|_| too_large())?;
    let platform = &choke.platform;
    let endpoint = &choke.endpoint;
    let authenticated =
        auth::authenticate(platform, endpoint, &parts.headers, &parts.method, call.invocation.now)
            .await;
    let authenticated = match authenticated {
        Ok(authenticated) => authenticated,
        Err(problem) => return Err(count_failure(choke, call, problem).await),
    };
    let allowance = limit(choke, call, &authenticated).await?;
    let subject = authenticated.subject.as_ref();
    if let Some(class) = endpoint.cache {
        let conditional = Conditional::new(class, &parts, subject, call.invocation.now);
        parts.extensions.insert(conditional.in_store(platform.cache.clone()));
    }
    if let Some(subject) = subject {
        parts.extensions.insert(subject.clone());
    }
    if ["idempotency-key", "x-idempotency-key"].iter().any(|name| parts.headers.contains_key(*name))
    {
        parts.extensions.insert(BodyDigest::of(&bytes));
    }
    parts.extensions.insert(Now(call.invocation.now));
    parts.extensions.insert(call.invocation.clone());
    parts.extensions.insert(super::Origin { secure: !platform.local, address: call.source });
    meter.enter_function();
    let mut response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    meter.leave_function();
    let refused = response.status() == StatusCode::UNAUTHORIZED;
    if refused && matches!(endpoint.access, Access::SignIn | Access::Webhook(_)) {
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

/// Takes one call out of the caller's allowance, where all calls count.
async fn limit(
    choke: &Choke,
    call: &Call,
    authenticated: &Authenticated,
) -> Result<Option<Allowance>> {
    let Some(class) = choke.endpoint.limit else { return Ok(None) };
    if class.counts_failures_only() {
        return Ok(None);
    }
    let key = match (&authenticated.subject, call.source) {
        (Some(subject), _) => subject.telegram_id.to_string(),
        (None, Some(address)) if choke.platform.limiter.trusts(address) => return Ok(None),
        (None, Some(address)) => address.to_string(),
        (None, None) => return Ok(None),
    };
    let mutates = !call.method.is_safe();
    let limiter = &choke.platform.limiter;
    limiter.take(class, &key, mutates, call.invocation.now).await.map(Some)
}

/// Counts a failed sign-in or delivery against its address.
async fn failures(choke: &Choke, call: &Call) -> Result<Allowance> {
    let class = choke.endpoint.limit.filter(|class| class.counts_failures_only());
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

fn finish(choke: &Choke, call: &Call, meter: &Meter, mut response: Response) -> Response {
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
    cors::write(&choke.platform.origins, call.origin.as_ref(), headers);
    if choke.platform.local {
        write_cost(headers, meter.function());
    }
    if choke.endpoint.russian_errors {
        return super::answer::in_russian(response);
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

fn too_large() -> Problem {
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    Problem::new(status, "payload_too_large", "Payload Too Large", texts::TOO_LARGE)
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
        let source = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.http.source_ip.as_deref().and_then(|ip| ip.parse().ok())
            }
            _ => None,
        };
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

fn is_request_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
