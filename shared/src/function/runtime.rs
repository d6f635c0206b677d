//! The way into and out of Lambda.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::SignedDuration;
use lambda_http::{Context, LambdaEvent, service_fn};
use serde_json::Value;

use super::instance::{Started, run_job};
use super::plain::plain;
use super::{Function, Invocation, Platform, Service};
use crate::aws::Aws;
use crate::clock::Instant;
use crate::problem::{Problem, Result};
use crate::settings::Environment;
use crate::telemetry;

/// The key of the invocation's client context that carries the local stack's clock.
const NOW: &str = "now";
/// How far ahead of the clock a schedule's own time may be.
const SCHEDULE_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Runs `function` as a Lambda binary until the environment is shut down.
///
/// # Errors
/// When a setting is missing (its name is in the error) or the Runtime API goes away.
pub fn run<S: Service>(function: Function<S>) -> Result<(), lambda_http::Error> {
    let environment = Environment::of_process();
    telemetry::init(&environment);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let aws = Aws::from_environment(&environment)?;
        let instance = function.start(environment, aws).await?;
        if instance.platform.environment.get("WARM_UP") != Some("off") {
            instance.warm_up().await;
        }
        let platform = instance.platform.clone();
        match instance.body {
            Started::Http(router) => lambda_http::run(plain(router)).await,
            Started::Job(app, job) => {
                lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
                    let (app, job, platform) = (app.clone(), job.clone(), platform.clone());
                    async move {
                        run_job(&platform, &app, &job, event.payload, &event.context).await
                    }
                }))
                .await
            }
        }
    })
}

/// What the invocation's context tells: the instant, the id, the time left.
pub(crate) fn invocation(platform: &Platform, context: &Context) -> Invocation {
    let told = || {
        let client = context.client_context.as_ref()?;
        client.custom.get(NOW)?.parse::<Instant>().ok()
    };
    let now = if platform.local { told() } else { None };
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = Duration::from_millis(context.deadline);
    let remaining = deadline.saturating_sub(elapsed);
    let clock = now.unwrap_or_else(Instant::now);
    Invocation {
        now: clock,
        clock,
        request_id: context.request_id.clone(),
        remaining_ms: u64::try_from(remaining.as_millis()).unwrap_or(u64::MAX),
    }
}

/// A schedule's job decides as of the schedule's time, not of its delivery, so that a late or
/// repeated delivery comes to the same result.
pub(super) fn as_scheduled(invocation: Invocation, event: &Value) -> Result<Invocation> {
    let Some(time) = event.get("time").and_then(Value::as_str) else { return Ok(invocation) };
    let time: Instant = time.parse().map_err(|_| Problem::invalid("time", "not an instant"))?;
    if time > invocation.now + SCHEDULE_SKEW {
        return Err(Problem::invalid("time", "more than 60 s ahead"));
    }
    Ok(Invocation { now: time, ..invocation })
}
