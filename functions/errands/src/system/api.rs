//! Endpoints that belong to no capability.

use std::sync::LazyLock;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::{Method, StatusCode, Uri};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::cache::{CacheClass, Conditional};
use shared::function::{Access, Function};
use shared::http::Answer;
use shared::http::fallback::Routes;
use shared::problem::Problem;
use utoipa::ToSchema;

use crate::{App, wire};

/// The document of the service, as it was committed.
const DOCUMENT: &str = include_str!("../../../../docs/openapi/errands.json");
/// How long the root is good, in seconds.
const ROOT_GOOD_S: u32 = 60;
/// How long the document is good, in seconds.
const DOCUMENT_GOOD_S: u32 = 300;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![root(), health(), openapi(), fallback()]
}

/// `GET /`.
#[must_use]
pub fn root() -> Function<App> {
    Function::<App>::get("errands-root", "/")
        .summary("What this is")
        .access(Access::Public)
        .limited(wire::ANON)
        .cached(CacheClass::public(ROOT_GOOD_S))
        .answers::<Root>()
        .handled_by(get(handle_root))
}

/// `GET /health`.
#[must_use]
pub fn health() -> Function<App> {
    Function::<App>::get("errands-health", "/health")
        .summary("Does the store answer?")
        .access(Access::Public)
        .answers::<Health>()
        .handled_by(get(handle_health))
}

/// `GET /openapi.json`.
#[must_use]
pub fn openapi() -> Function<App> {
    Function::<App>::get("errands-openapi", "/openapi.json")
        .summary("This document")
        .access(Access::Public)
        .limited(wire::ANON)
        .cached(CacheClass::public(DOCUMENT_GOOD_S))
        .handled_by(get(handle_openapi))
}

/// `$default`: what no route matches.
#[must_use]
pub fn fallback() -> Function<App> {
    Function::<App>::fallback("errands-fallback")
        .summary("404, 405 with Allow, preflights, 308 to the path without a trailing slash")
        .access(Access::Public)
        .handled_by(any(handle_fallback))
}

#[derive(Debug, Serialize, ToSchema)]
struct Root {
    service: &'static str,
    version: &'static str,
    status: &'static str,
    /// Where the OpenAPI document is.
    docs: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `healthy` or `unhealthy`.
    status: &'static str,
}

async fn handle_root(cached: Conditional) -> Answer {
    let root = Root {
        service: "Срочные Услуги API",
        version: env!("CARGO_PKG_VERSION"),
        status: "operational",
        docs: "/openapi.json",
    };
    cached.by_body(&root, &[])
}

async fn handle_health(State(app): State<App>) -> Response {
    match app.platform.table.ping().await {
        Ok(()) => Json(Health { status: "healthy" }).into_response(),
        Err(error) => {
            tracing::error!(%error, "the store does not answer");
            let body = Json(Health { status: "unhealthy" });
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

async fn handle_openapi(cached: Conditional) -> Answer {
    let document: &RawValue = serde_json::from_str(DOCUMENT).map_err(Problem::bug)?;
    cached.by_body(&document, &[])
}

async fn handle_fallback(method: Method, uri: Uri) -> Response {
    static ROUTES: LazyLock<Routes> = LazyLock::new(|| Routes::of_document(DOCUMENT));
    ROUTES.answer(&method, &uri)
}
