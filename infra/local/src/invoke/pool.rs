//! Real binaries behind an own Runtime API, started when they are needed.
//!
//! An instance asks `next` under a path of its own, so the API knows who asks. An invocation
//! takes an idle instance or starts one; it ends with the instance's answer, with the instance's
//! exit, or, when its caller gives up (a time limit), with the instance's death.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;
use shared::meter::Cost;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch};

use super::Invocations;
use crate::logs::Logs;

/// What a pool of processes needs to know.
pub struct PoolSpec {
    /// The function.
    pub function: String,
    /// Its binary.
    pub binary: PathBuf,
    /// The whole environment of its processes, but for the Runtime API's address.
    pub environment: BTreeMap<String, String>,
    /// The runner's HTTP address.
    pub front: String,
    /// How many processes at most.
    pub concurrency: usize,
    /// Where its lines go.
    pub logs: Logs,
    /// Where the costs in its lines go.
    pub invocations: Invocations,
}

/// The processes of one function; clones share them.
#[derive(Clone)]
pub struct Pool {
    inner: Arc<Inner>,
}

struct Inner {
    spec: PoolSpec,
    permits: Semaphore,
    next_id: AtomicU64,
    instances: Mutex<BTreeMap<u64, Arc<Instance>>>,
    idle: Mutex<Vec<Arc<Instance>>>,
}

/// A running process.
#[derive(Clone, Debug, Serialize)]
pub struct InstanceInfo {
    /// The function.
    pub function: String,
    /// Its number among the function's instances.
    pub instance: u64,
    /// The operating system's number.
    pub pid: Option<u32>,
    /// Does it wait for work?
    pub idle: bool,
}

struct Instance {
    id: u64,
    pid: OnceLock<u32>,
    jobs: mpsc::Sender<Job>,
    queue: tokio::sync::Mutex<mpsc::Receiver<Job>>,
    current: Mutex<Option<Current>>,
    exited: watch::Sender<Option<String>>,
    kill: Notify,
    /// Invocations whose line with the cost has not been read yet.
    unpriced: Mutex<VecDeque<String>>,
}

struct Job {
    headers: HeaderMap,
    payload: Bytes,
}

struct Current {
    request_id: String,
    answer: oneshot::Sender<Result<Vec<u8>, String>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pool {
    /// A pool without processes.
    #[must_use]
    pub fn new(spec: PoolSpec) -> Self {
        let permits = Semaphore::new(spec.concurrency.max(1));
        let next_id = AtomicU64::new(1);
        let (instances, idle) = (Mutex::default(), Mutex::default());
        Self { inner: Arc::new(Inner { spec, permits, next_id, instances, idle }) }
    }

    pub(super) async fn invoke(
        &self,
        request_id: &str,
        payload: &Bytes,
        headers: &HeaderMap,
    ) -> Result<Vec<u8>, String> {
        let _permit = self.inner.permits.acquire().await.map_err(|error| error.to_string())?;
        let instance = match self.idle() {
            Some(instance) => instance,
            None => self.spawn()?,
        };
        // Dropped before the answer, the invocation takes its process along.
        let mut guard = Guard { instance: instance.clone(), armed: true };
        let (answer, answered) = oneshot::channel();
        let current = Current { request_id: request_id.to_owned(), answer };
        *lock(&instance.current) = Some(current);
        lock(&instance.unpriced).push_back(request_id.to_owned());
        let mut exited = instance.exited.subscribe();
        let job = Job { headers: headers.clone(), payload: payload.clone() };
        let _ = instance.jobs.send(job).await;
        let result = tokio::select! {
            biased;
            answered = answered => answered.map_err(|_| "the process gave no answer".to_owned())?,
            gone = exited.wait_for(Option::is_some) => {
                let status = gone.ok().and_then(|status| status.clone()).unwrap_or_default();
                Err(format!("Runtime.ExitError: the process ended with {status}"))
            }
        };
        guard.armed = false;
        if instance.exited.borrow().is_none() {
            lock(&self.inner.idle).push(instance);
        }
        result
    }

    fn idle(&self) -> Option<Arc<Instance>> {
        let mut idle = lock(&self.inner.idle);
        while let Some(instance) = idle.pop() {
            if instance.exited.borrow().is_none() {
                return Some(instance);
            }
        }
        None
    }

    /// Enters the instance before its process starts: on a busy machine the process may ask
    /// `next` before this thread runs again.
    fn spawn(&self) -> Result<Arc<Instance>, String> {
        let instance = Arc::new(Instance::new(self.inner.next_id.fetch_add(1, Ordering::Relaxed)));
        lock(&self.inner.instances).insert(instance.id, instance.clone());
        match self.start(instance.id) {
            Ok(child) => {
                self.attend(&instance, child);
                Ok(instance)
            }
            Err(error) => {
                lock(&self.inner.instances).remove(&instance.id);
                Err(error)
            }
        }
    }

    fn start(&self, id: u64) -> Result<Child, String> {
        let spec = &self.inner.spec;
        let api = format!("{}/.rt/{}/{id}", spec.front, spec.function);
        Command::new(&spec.binary)
            .env_clear()
            .envs(&spec.environment)
            .env("AWS_LAMBDA_RUNTIME_API", api)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{}: {error}", spec.binary.display()))
    }

    fn attend(&self, instance: &Arc<Instance>, mut child: Child) {
        if let Some(pid) = child.id() {
            let _ = instance.pid.set(pid);
        }
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(self.clone().read(instance.clone(), stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(self.clone().read(instance.clone(), stderr));
        }
        tokio::spawn(self.clone().watch(instance.clone(), child));
    }

    /// Waits for the process's end, which ends its invocation, too.
    async fn watch(self, instance: Arc<Instance>, mut child: Child) {
        let status = tokio::select! {
            status = child.wait() => status,
            () = instance.kill.notified() => {
                let _ = child.start_kill();
                child.wait().await
            }
        };
        let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        lock(&self.inner.instances).remove(&instance.id);
        lock(&self.inner.idle).retain(|idle| idle.id != instance.id);
        instance.exited.send_replace(Some(status));
    }

    async fn read(self, instance: Arc<Instance>, output: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.price(&instance, &line);
            self.inner.spec.logs.push(line);
        }
    }

    /// Each invocation writes one line of metrics by function, in their order.
    fn price(&self, instance: &Instance, line: &str) {
        if !line.contains("\"read_milliunits\"") {
            return;
        }
        let Ok(value) = serde_json::from_str::<Value>(line) else { return };
        if value.get("Function").is_none() {
            return;
        }
        if let Ok(cost) = serde_json::from_value::<Cost>(value)
            && let Some(request_id) = lock(&instance.unpriced).pop_front()
        {
            self.inner.spec.invocations.set_cost(&request_id, cost);
        }
    }

    /// The running processes.
    #[must_use]
    pub fn instances(&self) -> Vec<InstanceInfo> {
        let function = &self.inner.spec.function;
        let instances = lock(&self.inner.instances);
        let info = |instance: &Arc<Instance>| InstanceInfo {
            function: function.clone(),
            instance: instance.id,
            pid: instance.pid.get().copied(),
            idle: lock(&instance.current).is_none(),
        };
        instances.values().map(info).collect()
    }

    /// Ends all processes, without waiting.
    pub fn kill(&self) {
        for instance in lock(&self.inner.instances).values() {
            instance.kill.notify_one();
        }
    }

    /// Ends all processes and waits for their end.
    pub async fn close(&self) {
        self.kill();
        let instances: Vec<_> = lock(&self.inner.instances).values().cloned().collect();
        for instance in instances {
            let mut exited = instance.exited.subscribe();
            let gone = exited.wait_for(Option::is_some);
            let _ = tokio::time::timeout(Duration::from_secs(5), gone).await;
        }
    }

    /// Answers a request of one instance to its Runtime API; `call` is the path below
    /// `/2018-06-01/runtime/`.
    pub(crate) async fn runtime(&self, id: u64, call: &str, body: &Bytes) -> Response<Bytes> {
        let instance = lock(&self.inner.instances).get(&id).cloned();
        let Some(instance) = instance else { return status(StatusCode::GONE) };
        let parts: Vec<&str> = call.split('/').collect();
        match parts.as_slice() {
            ["invocation", "next"] => instance.next().await,
            ["invocation", request_id, "response"] => {
                instance.answer(request_id, Ok(body.to_vec()))
            }
            ["invocation", request_id, "error"] => {
                instance.answer(request_id, Err(error_text(body)))
            }
            ["init", "error"] => {
                let current = lock(&instance.current).take();
                if let Some(current) = current {
                    let _ = current.answer.send(Err(format!("INIT: {}", error_text(body))));
                }
                instance.kill.notify_one();
                status(StatusCode::ACCEPTED)
            }
            _ => status(StatusCode::NOT_FOUND),
        }
    }
}

impl Instance {
    fn new(id: u64) -> Self {
        let (jobs, queue) = mpsc::channel(1);
        Self {
            id,
            pid: OnceLock::new(),
            jobs,
            queue: tokio::sync::Mutex::new(queue),
            current: Mutex::default(),
            exited: watch::channel(None).0,
            kill: Notify::new(),
            unpriced: Mutex::default(),
        }
    }

    async fn next(&self) -> Response<Bytes> {
        let Some(job) = self.queue.lock().await.recv().await else {
            return status(StatusCode::GONE);
        };
        let mut response = Response::new(job.payload);
        *response.headers_mut() = job.headers;
        response
    }

    fn answer(&self, request_id: &str, result: Result<Vec<u8>, String>) -> Response<Bytes> {
        let mut current = lock(&self.current);
        if current.as_ref().is_none_or(|current| current.request_id != request_id) {
            return status(StatusCode::BAD_REQUEST);
        }
        if let Some(current) = current.take() {
            let _ = current.answer.send(result);
        }
        status(StatusCode::ACCEPTED)
    }
}

/// `errorType: errorMessage` of the error's JSON.
fn error_text(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    match (field("errorType"), field("errorMessage")) {
        (_, Some(message)) => message.to_owned(),
        (Some(kind), None) => kind.to_owned(),
        (None, None) => String::from_utf8_lossy(body).into_owned(),
    }
}

fn status(status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"{\"status\":\"OK\"}"));
    *response.status_mut() = status;
    response
}

struct Guard {
    instance: Arc<Instance>,
    armed: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.armed {
            self.instance.kill.notify_one();
        }
    }
}
