//! A function that has been started: what Lambda calls an execution environment.

use std::sync::Arc;

use axum::Router;
use http::HeaderMap;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Context, LambdaEvent, Service as _};
use serde_json::Value;
use tracing::Instrument as _;

use super::declare::{Body, Job};
use super::plain::plain;
use super::runtime::invocation;
use super::{Declaration, Function, Invocation, Platform, Service};
use crate::aws::Aws;
use crate::http::choke;
use crate::meter::{Cost, Meter};
use crate::problem::{Problem, Result, chain};
use crate::settings::{Environment, SettingError};
use crate::telemetry;

/// A started function: takes events, gives answers.
#[derive(Clone)]
pub struct Instance<S> {
    pub(super) declaration: Declaration,
    pub(crate) platform: Platform,
    pub(super) body: Started<S>,
}

#[derive(Clone)]
pub(super) enum Started<S> {
    Http(Router),
    Job(S, Job<S>),
}

/// The answer to one invocation, and its price.
#[derive(Debug)]
pub struct Invoked {
    /// The answer as JSON, or the error's type and message as Lambda reports them.
    pub result: std::result::Result<Vec<u8>, String>,
    /// What the choke point cost.
    pub choke: Cost,
    /// What the function itself cost.
    pub function: Cost,
}

impl<S: Service> Function<S> {
    /// Starts the function: reads its settings, builds its clients.
    ///
    /// # Errors
    /// Names the setting that is missing or malformed.
    pub async fn start(
        self,
        environment: Environment,
        aws: Aws,
    ) -> Result<Instance<S>, SettingError> {
        let platform = Platform::start(environment, aws, &self.declaration, S::WIRE).await?;
        let app = S::start(platform.clone()).await?;
        let body = match self.body {
            Body::Http(route) => Started::Http(choke::router(&app, &self.declaration, *route)),
            Body::Job(job) => Started::Job(app, job),
        };
        Ok(Instance { declaration: self.declaration, platform, body })
    }
}

impl<S: Service> Instance<S> {
    /// The declaration it was started from.
    #[must_use]
    pub fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    /// Opens the connection to DynamoDB while the CPU is not throttled yet. Bounded, and a
    /// failure is not fatal: the first request would open it instead.
    pub async fn warm_up(&self) {
        let limit = std::time::Duration::from_millis(900);
        let _ = tokio::time::timeout(limit, self.platform.table.ping()).await;
    }

    /// Runs the function on one event, exactly as the Lambda runtime does: `payload` is the
    /// event's JSON, `headers` those of the Runtime API's answer to `next`.
    pub async fn invoke(&self, payload: &[u8], headers: &HeaderMap) -> Invoked {
        let meter = Meter::default();
        let id = headers.get("lambda-runtime-aws-request-id").and_then(|id| id.to_str().ok());
        let context = Context::new(id.unwrap_or_default(), Arc::default(), headers);
        let result = match context {
            Ok(context) => meter.watch(self.answer(payload, context)).await,
            Err(error) => Err(error.to_string()),
        };
        Invoked { result, choke: meter.choke(), function: meter.function() }
    }

    async fn answer(&self, payload: &[u8], context: Context) -> Result<Vec<u8>, String> {
        match &self.body {
            Started::Http(router) => {
                let request: LambdaRequest =
                    serde_json::from_slice(payload).map_err(|error| error.to_string())?;
                let event = LambdaEvent::new(request, context);
                // The adapter is no part of the future it makes: kept over the await, it would
                // tie the invocation to one thread.
                let answering = Adapter::from(plain(router.clone())).call(event);
                let Ok(response) = answering.await;
                serde_json::to_vec(&response).map_err(|error| error.to_string())
            }
            Started::Job(app, job) => {
                let event = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
                let value = run_job(&self.platform, app, job, event, &context).await?;
                serde_json::to_vec(&value).map_err(|error| error.to_string())
            }
        }
    }
}

/// Runs a job under its own span and reports how it ended, once.
pub(super) async fn run_job<S: Service>(
    platform: &Platform,
    app: &S,
    job: &Job<S>,
    event: Value,
    context: &Context,
) -> Result<Value, String> {
    let invocation = invocation(platform, context);
    let span = tracing::info_span!("job", request_id = %invocation.request_id);
    let meter = Meter::default();
    meter.enter_function();
    let started = std::time::Instant::now();
    let outcome = {
        let id = invocation.request_id.clone();
        let work = telemetry::on_behalf(id, guarded(job(app.clone(), invocation, event)));
        meter.watch(work).instrument(span.clone()).await
    };
    let _entered = span.enter();
    crate::meter::absorb(&meter);
    telemetry::job(platform, &outcome, started.elapsed(), meter.function());
    outcome.map_err(|problem| chain(&problem))
}

async fn guarded(work: super::declare::JobFuture) -> Result<Value> {
    use futures::FutureExt as _;
    let caught = std::panic::AssertUnwindSafe(work).catch_unwind().await;
    caught.unwrap_or_else(|panic| Err(Problem::bug(telemetry::panic_text(&*panic))))
}

/// What a job is told of its invocation.
impl Invocation {
    /// The instant by which the function is over at the latest: a lease must last that long.
    #[must_use]
    pub fn deadline(&self) -> crate::clock::Instant {
        let millis = i64::try_from(self.remaining_ms).unwrap_or(i64::MAX);
        self.clock + jiff::SignedDuration::from_millis(millis)
    }
}
