//! What is a service's own about the way it speaks HTTP.
//!
//! The mechanisms are the same for all services; their words and numbers are data that a service
//! gives as [`crate::function::Service::WIRE`]. There are no defaults: a default would be one
//! service's habit that another takes over unasked.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::limit::LimitClass;
use crate::problem::Problem;

/// How a service speaks.
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    /// How a problem reads, unless its endpoint says otherwise.
    pub dress: Dress,
    /// The largest body of a request, in bytes.
    pub body_max: usize,
    /// The largest body of a provider's delivery, in bytes.
    pub webhook_body_max: usize,
    /// Is a body of another type than JSON refused with 415? Deliveries of providers are not, nor
    /// are bodies that do not say what they are.
    pub json_only: bool,
    /// Is a NUL in path or query refused before anything else looks at it? Where it is not, paths
    /// with one name nothing, and [`super::Fields`] complains of it in a query.
    pub refuses_nul: bool,
    /// What an idempotency key is, and what it stands for.
    pub keys: KeyRules,
    /// The headers that pages of other origins may read, as `Access-Control-Expose-Headers` lists
    /// them.
    pub exposed_headers: &'static str,
    /// The settings that say how old launch data may be.
    pub launch_data: LaunchSettings,
    /// Every class of calls that share a rate limit.
    pub limits: &'static [LimitClass],
    /// The schema of a problem, for the OpenAPI document.
    pub problem_schema: fn() -> Value,
    /// The schema of a success whose body has the given one, for the OpenAPI document.
    pub success_schema: fn(Value) -> Value,
}

/// Puts a problem into the service's words. The second argument is the request's id.
pub type Dress = fn(&Problem, &str) -> Dressed;

/// A problem as it goes out. Logs and metrics keep the problem's own status.
#[derive(Clone, Debug)]
pub struct Dressed {
    /// The status.
    pub status: StatusCode,
    /// Headers beside those of the problem, or instead of them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Value,
}

impl Dressed {
    /// A status and a body.
    #[must_use]
    pub fn new(status: StatusCode, body: impl Into<Value>) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into() }
    }

    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

/// What an idempotency key is, and what it stands for.
#[derive(Clone, Copy, Debug)]
pub struct KeyRules {
    /// May this byte be part of a key?
    pub takes: fn(u8) -> bool,
    /// What it must be, as the refusal of another says.
    pub says: &'static str,
    /// What a key stands for.
    pub scope: KeyScope,
}

/// What, beside subject and method, a key is bound to. Within it, another request under the same
/// key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    /// The path with its query; another request is one with another body.
    Path,
    /// The route with its `{parameters}`; another request is one with another path, query or body.
    Route,
}

/// The names of the settings of launch data, both in seconds.
#[derive(Clone, Copy, Debug)]
pub struct LaunchSettings {
    /// Its greatest age; a day by default.
    pub max_age: &'static str,
    /// How far ahead of the clock it may be dated; a minute by default.
    pub future_skew: &'static str,
    /// The largest id of its user, inclusive: a number, not a setting.
    pub user_id_max: i64,
}

/// Has the problem on an answer, if there is one, dressed.
pub(super) fn dressed(dress: Dress, request_id: &str, response: Response) -> Response {
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    let Dressed { status, headers, body } = dress(problem, request_id);
    let (mut parts, _) = response.into_parts();
    parts.status = status;
    let kind = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, kind);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(headers);
    Response::from_parts(parts, Body::from(body.to_string()))
}
