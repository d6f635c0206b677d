//! The whole: started from the templates, running, stopped.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use engine::{Clock, Engine, EngineError};
use serde_json::Value;
use shared::aws::Aws;
use shared::settings::Environment;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::conduct::{self, ClockAnswer, ClockError, Conductor, Move};
use crate::environment;
use crate::front::Front;
use crate::invoke::{
    Backend, Failure, InstanceInfo, Invocation, Invocations, Invoker, Pool, PoolSpec, Program,
};
use crate::logs::Logs;
use crate::options::{Mode, Options, Storage};
use crate::resources;
use crate::sandbox::{Sandboxes, Tables};
use crate::secrets::Secrets;
use crate::serve::{Exchange, Handler, Hangup, Listener, handler};
use crate::store::{Store, StoreError};
use crate::template::{self, FunctionSpec, Names, TemplateError, Wiring};

/// How long jobs may go on after the stack was told to stop.
const DRAIN: Duration = Duration::from_secs(15);

/// A stack that could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port could not be bound.
    #[error("port {0}: {1}")]
    Port(u16, std::io::Error),
    /// The folder of the state could not be made.
    #[error("{0}: {1}")]
    Folder(String, std::io::Error),
    /// The templates.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Tables and queues.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A table that exists otherwise than the template says, or cannot be made.
    #[error("table {0}: {1}")]
    Table(String, String),
    /// The runner's own state.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The clock.
    #[error("clock: {0}")]
    Clock(#[from] conduct::RestoreError),
    /// A schedule, or what is stored of one.
    #[error(transparent)]
    Conduct(#[from] conduct::StartError),
    /// A function that did not start.
    #[error("{0} does not start: {1}")]
    Function(String, shared::settings::SettingError),
}

/// The deployed templates on one machine.
pub struct Stack;

/// A stack that runs. Dropping it stops it without waiting.
pub struct Running {
    /// The address of the HTTP front, without a path: services are below it.
    pub base_url: String,
    /// The address of DynamoDB and SQS for any AWS client.
    pub engine_url: String,
    front: Arc<Front>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    conductor: Option<JoinHandle<()>>,
    /// Held as long as the stack runs, so that no other one uses the same folder.
    _lock: Option<File>,
}

impl Stack {
    /// Starts everything the templates name.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let front_listener = bind(options.port).await?;
        let engine_listener = bind(options.engine_port).await?;
        let (front_url, engine_url) = (front_listener.url(), engine_listener.url());
        let names = Names {
            queue_base: format!("{engine_url}/{}", engine::sqs::ACCOUNT),
            front: front_url.clone(),
        };
        let only = options.services.as_slice();
        let wiring = template::read(&options.template, &options.parameters, &names, only)?;
        let (store, folder, lock) = match &options.storage {
            Storage::Memory => (Store::memory()?, None, None),
            Storage::Folder(folder) => {
                let lock = take(folder)
                    .map_err(|error| StartError::Folder(folder.display().to_string(), error))?;
                (Store::open(&folder.join("runner.db"))?, Some(folder), Some(lock))
            }
        };
        let clock = conduct::restore(&store, options.clock, options.frozen)?;
        let engine = make_engine(folder.map(std::path::PathBuf::as_path), &clock)?;
        engine.queues().set_base_url(&names.queue_base);
        resources::make(&engine, &wiring).await?;
        let secrets = Secrets::new(&wiring.services(), |service, name| {
            // What a setting tells the functions, the sandboxes have to know, too.
            let variable = format!("{}_{name}", service.to_uppercase());
            let outside = options.secrets_from_environment.then(|| std::env::var(variable).ok());
            options.settings.get(name).cloned().or(outside.flatten())
        });
        let (logs, log) = (Logs::of_process(), Invocations::default());
        let settings = options.settings.clone();
        let environments = wiring.functions.values().map(|function| {
            let endpoints = environment::Endpoints { front: &front_url, engine: &engine_url };
            let variables = environment::of(function, &endpoints, &secrets, &settings);
            (function.name.clone(), variables)
        });
        let environments: HashMap<_, _> = environments.collect();
        let backends = Backends {
            engine: &engine,
            environments: &environments,
            front: &front_url,
            logs: &logs,
            log: &log,
        };
        let functions = backends.start(&wiring, options.mode, options.programs).await?;
        let invoker = Invoker::new(functions, clock.clone(), log, engine.faults().clone());
        let (conductor, conducting) =
            Conductor::new(engine.clone(), invoker.clone(), store.clone(), &wiring)?;
        let roots = wiring.services().into_iter().map(|service| {
            let root = names.api_url(&service);
            (service, root)
        });
        let tables = Some(Tables::new(&engine, &wiring));
        let sandboxes =
            Sandboxes::new(store, clock, secrets.clone(), &front_url, roots.collect(), tables)?;
        let front = Front::new(
            front_url.clone(),
            engine_url.clone(),
            engine.clone(),
            invoker,
            conducting,
            sandboxes,
            secrets,
            wiring,
            logs,
        );
        let front = Arc::new(front);
        let stop = watch::channel(false).0;
        let serving = front.clone();
        let front_handler = handler(move |exchange| {
            let front = serving.clone();
            async move { front.answer(exchange).await }
        });
        let tasks = vec![
            tokio::spawn(front_listener.serve(front_handler, stop.subscribe())),
            tokio::spawn(engine_listener.serve(engine_handler(engine), stop.subscribe())),
        ];
        let conductor = Some(tokio::spawn(conductor.run()));
        let base_url = front_url;
        Ok(Running { base_url, engine_url, front, stop, tasks, conductor, _lock: lock })
    }
}

impl Running {
    /// Tables, queues, faults and the record of calls.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.front.engine()
    }

    /// The one clock. To move it and run what falls due, use [`Running::move_clock`].
    #[must_use]
    pub fn clock(&self) -> &Clock {
        self.front.engine().clock()
    }

    /// The root of a service's API, such as `http://127.0.0.1:9000/club`.
    #[must_use]
    pub fn api(&self, service: &str) -> String {
        format!("{}/{service}", self.base_url)
    }

    /// What the templates name.
    #[must_use]
    pub fn wiring(&self) -> &Wiring {
        self.front.wiring()
    }

    /// The services' secrets.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        self.front.secrets()
    }

    /// Invokes one function with an event and answers its result.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Value, Failure> {
        self.front.invoke(function, event).await
    }

    /// Moves the clock and waits until everything that fell due has run.
    ///
    /// # Errors
    /// [`ClockError`].
    pub async fn move_clock(&self, change: Move) -> Result<ClockAnswer, ClockError> {
        self.front.conducting().move_clock(change).await
    }

    /// Waits until no message, stream record or schedule is due any more. False when that takes
    /// longer than `limit`.
    pub async fn idle(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.front.conducting().idle()).await.unwrap_or(false)
    }

    /// The last invocations, newest first; of one function, or of all.
    #[must_use]
    pub fn invocations(&self, function: Option<&str>, limit: usize) -> Vec<Invocation> {
        self.front.invoker().log().last(function, limit)
    }

    /// The functions that the templates name and nobody linked in.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        self.front.invoker().missing()
    }

    /// The processes that run now.
    #[must_use]
    pub fn instances(&self) -> Vec<InstanceInfo> {
        self.front.invoker().instances()
    }

    /// The last lines that functions logged, oldest first.
    #[must_use]
    pub fn logs(&self, limit: usize) -> Vec<String> {
        self.front.logs().last(limit)
    }

    /// What the stack is and how it is used, as `GET /_local/settings` answers.
    #[must_use]
    pub fn settings(&self) -> Value {
        self.front.settings()
    }

    /// Takes no more work, lets what runs end, and stops.
    pub async fn stop(mut self) {
        // The servers go on until the last invocation has ended: functions that run as processes
        // bring their results, and their calls to DynamoDB, over HTTP.
        self.front.refuse();
        self.front.conducting().stop().await;
        if let Some(conductor) = self.conductor.take() {
            let _ = tokio::time::timeout(DRAIN, conductor).await;
        }
        let invoker = self.front.invoker();
        let _ = tokio::time::timeout(DRAIN, invoker.at_rest()).await;
        invoker.close().await;
        self.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(conductor) = self.conductor.take() {
            conductor.abort();
        }
        self.front.invoker().kill();
    }
}

pub(crate) async fn bind(port: u16) -> Result<Listener, StartError> {
    Listener::bind(port).await.map_err(|error| StartError::Port(port, error))
}

/// Makes the folder and marks it as in use.
fn take(folder: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(folder)?;
    let file = File::create(folder.join("lock"))?;
    file.try_lock().map_err(|_| std::io::Error::other("another stack uses this folder"))?;
    Ok(file)
}

fn make_engine(folder: Option<&Path>, clock: &Clock) -> Result<Engine, StartError> {
    Ok(match folder {
        Some(folder) => Engine::open(folder, clock.clone())?,
        None => Engine::memory(clock.clone())?,
    })
}

/// DynamoDB and SQS for programs outside.
fn engine_handler(engine: Engine) -> Handler {
    handler(move |Exchange { parts, body, .. }| {
        let engine = engine.clone();
        async move {
            match engine.http(&parts, body).await {
                engine::Reply::Silence(engine::NoAnswer::Timeout) => Err(Hangup::Later),
                reply => reply.into_http().ok_or(Hangup::Now),
            }
        }
    })
}

/// What it takes to start functions.
struct Backends<'a> {
    engine: &'a Engine,
    environments: &'a HashMap<String, BTreeMap<String, String>>,
    front: &'a str,
    logs: &'a Logs,
    log: &'a Invocations,
}

impl Backends<'_> {
    async fn start(
        &self,
        wiring: &Wiring,
        mode: Mode,
        programs: Vec<Box<dyn Program>>,
    ) -> Result<Vec<(FunctionSpec, Backend)>, StartError> {
        let mut programs: HashMap<&str, Box<dyn Program>> =
            programs.into_iter().map(|program| (program.name(), program)).collect();
        let mut functions = Vec::new();
        for spec in wiring.functions.values() {
            let environment = self.environments.get(&spec.name).cloned().unwrap_or_default();
            let backend = match &mode {
                Mode::InProcess => match programs.remove(spec.name.as_str()) {
                    Some(program) => self.link(spec, program, environment).await?,
                    None => Backend::Missing,
                },
                Mode::Processes { folder, concurrency } => {
                    let plain = folder.join(&spec.name);
                    let bootstrap = plain.join("bootstrap");
                    Backend::Processes(Pool::new(PoolSpec {
                        function: spec.name.clone(),
                        binary: if bootstrap.is_file() { bootstrap } else { plain },
                        environment: environment::of_process(spec, environment),
                        front: self.front.to_owned(),
                        concurrency: *concurrency,
                        logs: self.logs.clone(),
                        invocations: self.log.clone(),
                    }))
                }
            };
            functions.push((spec.clone(), backend));
        }
        Ok(functions)
    }

    async fn link(
        &self,
        spec: &FunctionSpec,
        program: Box<dyn Program>,
        environment: BTreeMap<String, String>,
    ) -> Result<Backend, StartError> {
        let refuse = |error| StartError::Function(spec.name.clone(), error);
        let environment: Environment = environment.into_iter().collect();
        let aws = Aws::with_http_client(&environment, self.engine.http_client()).map_err(refuse)?;
        Ok(Backend::Linked(program.start(environment, aws).await.map_err(refuse)?))
    }
}
