//! Logs and metrics: JSON lines on standard output.
//!
//! Messages are constant, what varies stands in fields with units in their names, and an error is
//! logged once, at the boundary. Metrics use CloudWatch's embedded metric format, so that they
//! cost no request. See `docs/LOGGING.md`.

use std::any::Any;
use std::future::Future;
use std::io::Write as _;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Map, Value, json};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Instant;
use crate::function::Platform;
use crate::meter::Cost;
use crate::problem::{Problem, chain};
use crate::settings::Environment;

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Tamga";

tokio::task_local! {
    static REQUEST_ID: String;
}

/// Starts logging to standard output, at the level of `LOG_LEVEL` (default `info`), for the service
/// that `SERVICE` names. A second call changes nothing.
pub fn init(environment: &Environment) {
    let service = environment.get("SERVICE").unwrap_or_default();
    init_to(environment, &[service], std::io::stdout);
}

/// The same to somewhere else, for a process that keeps the lines of its functions. `crates` are
/// those whose lines are let through, beside this one.
pub fn init_to<W>(environment: &Environment, crates: &[&str], writer: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let level = environment.parse("LOG_LEVEL", LevelFilter::INFO).unwrap_or(LevelFilter::INFO);
    // Other crates' lines below warn may hold headers and bodies, so only ours are let through.
    let filter = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("shared", level)
        .with_targets(crates.iter().map(|name| (*name, level)));
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_writer(writer)
        .with_filter(filter);
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// Runs `work` on behalf of the request `id`, which messages it sends will carry on.
pub(crate) async fn on_behalf<F: Future>(id: String, work: F) -> F::Output {
    REQUEST_ID.scope(id, work).await
}

/// The id of the request on whose behalf this runs.
pub(crate) fn request_id() -> Option<String> {
    REQUEST_ID.try_with(Clone::clone).ok().filter(|id| !id.is_empty())
}

/// What a panic said, for the log.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

/// Reports an answered request: one line, an error with its causes if it is ours, and metrics.
pub(crate) fn request(
    platform: &Platform,
    status: StatusCode,
    problem: Option<&Problem>,
    duration: Duration,
    cost: Cost,
) {
    let status = status.as_u16();
    let duration_ms = millis(duration);
    let (requests, items) = (cost.requests, cost.items);
    match problem {
        Some(problem) if status >= 500 => {
            let (code, error) = (problem.code(), chain(problem));
            tracing::error!(status, code, error, duration_ms, "failed");
        }
        Some(problem) => {
            tracing::info!(status, code = problem.code(), duration_ms, requests, "refused");
        }
        None => tracing::info!(status, duration_ms, requests, items, "answered"),
    }
    let failed = u64::from(status >= 500);
    invocation(platform, duration_ms, cost, &[("failures", failed), ("status", status.into())]);
}

/// Reports a finished job: an error once, and metrics.
pub(crate) fn job(
    platform: &Platform,
    outcome: &Result<Value, Problem>,
    duration: Duration,
    cost: Cost,
) {
    let duration_ms = millis(duration);
    match outcome {
        Ok(result) => {
            let (requests, items) = (cost.requests, cost.items);
            tracing::info!(duration_ms, requests, items, %result, "done");
        }
        Err(problem) => {
            let (code, error) = (problem.code(), chain(problem));
            tracing::error!(code, error, duration_ms, "failed");
        }
    }
    invocation(platform, duration_ms, cost, &[("failures", u64::from(outcome.is_err()))]);
}

/// One line per invocation. Only `failures` is a metric, since each metric of each function is
/// paid for by the month; the rest are fields that a query over the log reads.
fn invocation(platform: &Platform, duration_ms: u64, cost: Cost, more: &[(&'static str, u64)]) {
    let mut fields = vec![
        ("duration_ms", duration_ms),
        ("requests", cost.requests.into()),
        ("sequence", cost.sequence.into()),
        ("items", cost.items.into()),
        ("read_milliunits", cost.read_milliunits),
        ("write_milliunits", cost.write_milliunits),
        ("messages", cost.messages.into()),
    ];
    fields.extend_from_slice(more);
    let dimensions = ["Service", "Stage", "Function"];
    write_line(platform, &embedded_metrics(platform, &dimensions, &["failures"], &fields));
}

/// Publishes metrics of the service, such as a job's findings.
pub fn metrics(platform: &Platform, values: &[(&'static str, u64)]) {
    let names: Vec<_> = values.iter().map(|(name, _)| *name).collect();
    write_line(platform, &embedded_metrics(platform, &["Service", "Stage"], &names, values));
}

/// One line of CloudWatch's embedded metric format
/// (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>).
fn embedded_metrics(
    platform: &Platform,
    dimensions: &[&str],
    metrics: &[&str],
    fields: &[(&'static str, u64)],
) -> Value {
    let definitions: Vec<_> =
        metrics.iter().map(|name| json!({ "Name": name, "Unit": "Count" })).collect();
    let mut line = Map::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": Instant::now().millis(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": definitions,
            }],
        }),
    );
    let stage = platform.environment.get("STAGE").unwrap_or_default();
    for (name, value) in
        [("Service", platform.service.as_str()), ("Stage", stage), ("Function", platform.function)]
    {
        line.insert(name.to_owned(), value.into());
    }
    line.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())));
    Value::Object(line)
}

/// Only a process of its own, as Lambda starts it, has a standard output that somebody collects.
fn write_line(platform: &Platform, line: &Value) {
    if platform.environment.get("AWS_LAMBDA_RUNTIME_API").is_none() {
        return;
    }
    let mut out = std::io::stdout().lock();
    // Standard output that is gone leaves nothing to report to.
    let _ = writeln!(out, "{line}");
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
