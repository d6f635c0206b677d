//! Health endpoints and the fallback.

use std::sync::LazyLock;
use std::time::Instant as Stopwatch;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use http::{Method, StatusCode, Uri};
use serde::Serialize;
use serde_json::Value;
use shared::clock::{Instant, Now};
use shared::function::{Access, Function, Platform, Service as _};
use shared::health::Report;
use shared::http::Answer;
use shared::http::fallback::Routes;
use shared::problem::Problem;
use shared::queue::{Queue, QueueError};
use shared::settings::Stage;
use utoipa::ToSchema;

use super::{cache_stats, metrics, openapi, probe, root};
use crate::wire::success;
use crate::{App, ratings, texts};

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        health(),
        live(),
        ready(),
        probe(),
        cache_stats(),
        metrics(),
        root(),
        openapi(),
        fallback(),
    ]
}

/// `GET /health`.
#[must_use]
pub fn health() -> Function<App> {
    Function::<App>::get("club-health", "/health")
        .summary("Is the service there?")
        .access(Access::Public)
        .answers::<Health>()
        .handled_by(get(handle_health))
}

/// `GET /health/live`.
#[must_use]
pub fn live() -> Function<App> {
    Function::<App>::get("club-health-live", "/health/live")
        .summary("Does a process run?")
        .access(Access::Public)
        .answers::<Live>()
        .handled_by(get(handle_live))
}

/// `GET /health/ready`.
#[must_use]
pub fn ready() -> Function<App> {
    Function::<App>::get("club-health-ready", "/health/ready")
        .summary("Does all that the service depends on answer?")
        .access(Access::Public)
        .answers::<Ready>()
        .handled_by(get(handle_ready))
}

/// `$default`: what no route matches.
#[must_use]
pub fn fallback() -> Function<App> {
    Function::<App>::fallback("club-fallback")
        .summary("404, 405 with Allow, preflights, 308 to the path without a trailing slash")
        .access(Access::Public)
        .handled_by(any(handle_fallback))
}

/// The queues whose depth shows how far the work is behind.
const QUEUES: [&str; 5] = [
    "PAYMENT_CHECKS_QUEUE_URL",
    "TELEGRAM_UPDATES_QUEUE_URL",
    "OUTBOX_QUEUE_URL",
    "ONBOARDING_QUEUE_URL",
    "ADMIN_JOBS_QUEUE_URL",
];
/// Where what failed for good is kept.
const DEAD_QUEUES: [&str; 5] = [
    "PAYMENT_CHECKS_DLQ_URL",
    "TELEGRAM_UPDATES_DLQ_URL",
    "OUTBOX_DLQ_URL",
    "ONBOARDING_DLQ_URL",
    "ADMIN_JOBS_DLQ_URL",
];

/// When this environment began.
static STARTED: LazyLock<Stopwatch> = LazyLock::new(Stopwatch::now);

#[derive(Debug, Serialize, ToSchema)]
struct Health {
    status: &'static str,
    #[schema(value_type = String, format = "date-time")]
    timestamp: Instant,
    /// Seconds since this environment began.
    uptime: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Live {
    status: &'static str,
    #[schema(value_type = String, format = "date-time")]
    timestamp: Instant,
}

#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    status: &'static str,
    #[schema(value_type = String, format = "date-time")]
    timestamp: Instant,
    /// Seconds since this environment began.
    uptime: u64,
    #[schema(value_type = Object)]
    checks: Value,
}

async fn handle_health(Now(now): Now) -> Answer {
    success(Health { status: "ok", timestamp: now, uptime: STARTED.elapsed().as_secs() })
}

async fn handle_live(Now(now): Now) -> Answer {
    success(Live { status: "alive", timestamp: now })
}

async fn handle_ready(State(app): State<App>, Now(now): Now) -> Answer {
    let report = examine(&app, now).await;
    let ready = report.is_ready();
    let checks = report.into_checks();
    if !ready {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        return Err(Problem::new(status, "not_ready", "Service Unavailable", texts::NOT_READY)
            .with("checks", checks));
    }
    let uptime = STARTED.elapsed().as_secs();
    success(Ready { status: "ready", timestamp: now, uptime, checks })
}

pub(super) async fn examine(app: &App, now: Instant) -> Report {
    let mut report = Report::default();
    let platform = app.platform();
    report.check("database", platform.table.ping()).await;
    let depth = report.check("queue", depths(platform, &QUEUES));
    let depth = depth.await;
    report.figure("scheduler_queue_size", depth);
    let dead = depths(platform, &DEAD_QUEUES);
    let dead = report.check("dead_letter_queue", dead).await;
    report.figure("dead_letters", dead);
    let last = report.check("ratings", ratings::last_refresh(&platform.table)).await.flatten();
    let age = last.map(|last| now.since(last).as_secs().max(0));
    report.figure("ratings_age_s", age);
    report
}

/// How many messages wait in these queues together; one that is not configured counts nothing.
async fn depths(platform: &Platform, settings: &[&str]) -> Result<u64, QueueError> {
    let mut sum = 0;
    for url in settings.iter().filter_map(|name| platform.environment.get(name)) {
        sum += Queue::new(&platform.aws, url).depth().await?;
    }
    Ok(sum)
}

/// The OpenAPI document as it was made last.
pub(super) const DOCUMENT: &str = include_str!("../../../../docs/openapi/club.json");

async fn handle_fallback(State(app): State<App>, method: Method, uri: Uri) -> Response {
    static ROUTES: LazyLock<Routes> = LazyLock::new(|| Routes::of_document(DOCUMENT));
    static PRODUCTION: LazyLock<Routes> =
        LazyLock::new(|| Routes::of_document(&without_sandbox(DOCUMENT)));
    let routes = match app.platform.stage {
        Stage::Prod => &PRODUCTION,
        Stage::Test => &ROUTES,
    };
    routes.answer(&method, &uri).into_response()
}

/// The document of production, which knows no route of the sandbox: what is absent there is 404,
/// not another method's.
fn without_sandbox(document: &str) -> String {
    let mut document: Value = serde_json::from_str(document).unwrap_or_default();
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        paths.retain(|path, _| !path.split('/').any(|part| part == "sandbox"));
    }
    document.to_string()
}
