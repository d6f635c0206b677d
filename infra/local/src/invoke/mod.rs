//! Functions being invoked: concurrency, time limits, the record of what happened.

mod pool;
mod record;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use engine::{Clock, Faults};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use shared::aws::Aws;
use shared::function::{Function, Invoked, Service};
use shared::meter::Cost;
use shared::settings::{Environment, SettingError};
use tokio::sync::{Semaphore, watch};

pub use pool::{InstanceInfo, Pool, PoolSpec};
pub use record::{Invocation, Invocations};

use crate::event::instant;
use crate::template::{FunctionSpec, REGION};

/// How many invocations of one function run at once where nothing is reserved: the account's
/// limit.
const UNRESERVED: usize = 1_000;

/// A boxed future that may move between threads.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A function that can be started inside this process.
pub trait Program: Send {
    /// The name of its binary.
    fn name(&self) -> &'static str;

    /// Starts it, as INIT does.
    fn start(
        self: Box<Self>,
        environment: Environment,
        aws: Aws,
    ) -> Boxed<'static, Result<Arc<dyn Started>, SettingError>>;
}

/// A function that has been started inside this process.
pub trait Started: Send + Sync {
    /// Runs it on one event; `headers` are those of the Runtime API's answer to `next`.
    fn invoke<'a>(&'a self, payload: &'a [u8], headers: &'a HeaderMap) -> Boxed<'a, Invoked>;
}

impl<S: Service> Program for Function<S> {
    fn name(&self) -> &'static str {
        self.declaration().name
    }

    fn start(
        self: Box<Self>,
        environment: Environment,
        aws: Aws,
    ) -> Boxed<'static, Result<Arc<dyn Started>, SettingError>> {
        Box::pin(async move {
            let instance = Function::start(*self, environment, aws).await?;
            let started: Arc<dyn Started> = Arc::new(instance);
            Ok(started)
        })
    }
}

impl<S: Service> Started for shared::function::Instance<S> {
    fn invoke<'a>(&'a self, payload: &'a [u8], headers: &'a HeaderMap) -> Boxed<'a, Invoked> {
        Box::pin(self.invoke(payload, headers))
    }
}

/// How a function is run.
pub enum Backend {
    /// Inside this process.
    Linked(Arc<dyn Started>),
    /// As processes of its own.
    Processes(Pool),
    /// Not at all: nothing of that name is linked in.
    Missing,
}

/// Why an invocation has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No template names such a function.
    #[error("no such function: {0}")]
    Unknown(String),
    /// As many as may run are running.
    #[error("the function's concurrency is used up")]
    Throttled,
    /// It did not end in time.
    #[error("Task timed out after {} seconds", .0.as_secs())]
    TimedOut(Duration),
    /// It reported an error, or died.
    #[error("{0}")]
    Failed(String),
}

/// All functions; clones share them.
#[derive(Clone)]
pub struct Invoker {
    inner: Arc<Inner>,
}

struct Inner {
    functions: BTreeMap<String, Slot>,
    clock: Clock,
    log: Invocations,
    faults: Faults,
    ended: watch::Sender<u64>,
    running: watch::Sender<usize>,
}

struct Slot {
    spec: FunctionSpec,
    permits: Arc<Semaphore>,
    backend: Backend,
}

impl Invoker {
    /// The functions with their backends.
    #[must_use]
    pub fn new(
        functions: Vec<(FunctionSpec, Backend)>,
        clock: Clock,
        log: Invocations,
        faults: Faults,
    ) -> Self {
        let slot = |(spec, backend): (FunctionSpec, Backend)| {
            let permits = Arc::new(Semaphore::new(spec.reserved.unwrap_or(UNRESERVED)));
            (spec.name.clone(), Slot { spec, permits, backend })
        };
        let functions = functions.into_iter().map(slot).collect();
        let ended = watch::channel(0).0;
        let running = watch::channel(0).0;
        Self { inner: Arc::new(Inner { functions, clock, log, faults, ended, running }) }
    }

    /// Runs `function` on `payload`. The work goes on when the caller is dropped, as it does in
    /// Lambda.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn invoke(
        &self,
        function: &str,
        trigger: &'static str,
        payload: Bytes,
    ) -> Result<Vec<u8>, Failure> {
        let unknown = || Failure::Unknown(function.to_owned());
        let slot = self.inner.functions.get(function).ok_or_else(unknown)?;
        let request_id = uuid::Uuid::new_v4().to_string();
        let Ok(permit) = slot.permits.clone().try_acquire_owned() else {
            let throttled = Err(Failure::Throttled);
            let record = self.inner.record(function, trigger, &request_id);
            self.inner.log.add(record.ended(&throttled, Duration::ZERO, Cost::default()));
            return throttled;
        };
        let inner = self.inner.clone();
        let name = function.to_owned();
        let counted = Counted::new(self.inner.clone());
        let work = tokio::spawn(async move {
            let _counted = counted;
            let result = inner.run(&name, trigger, &request_id, &payload).await;
            inner.faults.revive(&format!("local-{name}"));
            drop(permit);
            inner.ended.send_modify(|count| *count = count.wrapping_add(1));
            result
        });
        work.await.unwrap_or_else(|error| Err(Failure::Failed(format!("panicked: {error}"))))
    }

    /// Could `function` be invoked right now?
    #[must_use]
    pub fn has_room(&self, function: &str) -> bool {
        let slot = self.inner.functions.get(function);
        slot.is_some_and(|slot| slot.permits.available_permits() > 0)
    }

    /// Waits until nothing runs.
    pub async fn at_rest(&self) {
        // The sender lives as long as `self`.
        let _ = self.inner.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Announces the end of every invocation.
    #[must_use]
    pub fn ended(&self) -> watch::Receiver<u64> {
        self.inner.ended.subscribe()
    }

    /// What was invoked.
    #[must_use]
    pub fn log(&self) -> &Invocations {
        &self.inner.log
    }

    /// The functions that nothing of their name is linked in for.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let missing = |slot: &&Slot| matches!(slot.backend, Backend::Missing);
        self.inner.functions.values().filter(missing).map(|slot| slot.spec.name.clone()).collect()
    }

    pub(crate) fn pool(&self, function: &str) -> Option<&Pool> {
        match &self.inner.functions.get(function)?.backend {
            Backend::Processes(pool) => Some(pool),
            _ => None,
        }
    }

    fn pools(&self) -> impl Iterator<Item = &Pool> {
        self.inner.functions.values().filter_map(|slot| match &slot.backend {
            Backend::Processes(pool) => Some(pool),
            _ => None,
        })
    }

    /// The processes that run now.
    #[must_use]
    pub fn instances(&self) -> Vec<InstanceInfo> {
        self.pools().flat_map(Pool::instances).collect()
    }

    /// Ends all processes, without waiting.
    pub fn kill(&self) {
        self.pools().for_each(Pool::kill);
    }

    /// Ends all processes and waits for their end.
    pub async fn close(&self) {
        for pool in self.pools() {
            pool.close().await;
        }
    }
}

impl Inner {
    fn record(&self, function: &str, trigger: &'static str, id: &str) -> record::Begun {
        record::Begun::new(function, trigger, id, self.clock.now())
    }

    async fn run(
        &self,
        function: &str,
        trigger: &'static str,
        request_id: &str,
        payload: &Bytes,
    ) -> Result<Vec<u8>, Failure> {
        let unknown = || Failure::Unknown(function.to_owned());
        let slot = self.functions.get(function).ok_or_else(unknown)?;
        let begun = self.record(function, trigger, request_id);
        let limit = slot.spec.timeout;
        let headers = headers(&slot.spec, request_id, limit, &self.clock);
        let started = tokio::time::Instant::now();
        let work = slot.backend.invoke(request_id, payload, &headers);
        let invoked = tokio::time::timeout(limit, work).await;
        let (result, choke, cost) = match invoked {
            Ok(invoked) => {
                (invoked.result.map_err(Failure::Failed), invoked.choke, invoked.function)
            }
            Err(_) => (Err(Failure::TimedOut(limit)), Cost::default(), Cost::default()),
        };
        self.log.add(begun.through(choke).ended(&result, started.elapsed(), cost));
        result
    }
}

/// Counts an invocation as long as it runs, however it ends.
struct Counted(Arc<Inner>);

impl Counted {
    fn new(inner: Arc<Inner>) -> Self {
        inner.running.send_modify(|running| *running = running.saturating_add(1));
        Self(inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running = running.saturating_sub(1));
    }
}

impl Backend {
    async fn invoke(&self, request_id: &str, payload: &Bytes, headers: &HeaderMap) -> Invoked {
        let plain = |result| Invoked { result, choke: Cost::default(), function: Cost::default() };
        match self {
            Self::Linked(started) => started.invoke(payload, headers).await,
            Self::Processes(pool) => plain(pool.invoke(request_id, payload, headers).await),
            Self::Missing => plain(Err("this function is not linked in".to_owned())),
        }
    }
}

/// The headers with which the Runtime API delivers an invocation.
fn headers(spec: &FunctionSpec, request_id: &str, limit: Duration, clock: &Clock) -> HeaderMap {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let deadline = since_epoch.saturating_add(limit).as_millis();
    let context = json!({
        "client": {
            "installation_id": "", "app_title": "", "app_version_name": "",
            "app_version_code": "", "app_package_name": "",
        },
        // Whole milliseconds: a frozen clock stands a few microseconds after what it was set to.
        "custom": { "now": instant(clock.now()) },
        "environment": {},
    });
    let arn =
        format!("arn:aws:lambda:{REGION}:{}:function:{}:live", engine::sqs::ACCOUNT, spec.deployed);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", request_id.to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-client-context", context.to_string()),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers
}

/// The error of a function as a JSON object.
#[must_use]
pub fn error_of(failure: &Failure) -> Value {
    json!({ "errorMessage": failure.to_string() })
}
