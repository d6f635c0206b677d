//! DynamoDB and SQS inside one process, spoken to through the real AWS SDK.
//!
//! * Tables are an embedded `dynoxide`, queues an engine of this crate; both keep their state in
//!   memory ([`Engine::memory`]) or in files of one folder ([`Engine::open`]).
//! * All time (delays, visibility, retention, TTL, stream records, request tokens) is one movable
//!   [`Clock`].
//! * The SDK reaches the engine without a socket through [`Engine::http_client`]; a server hands
//!   the requests of other programs to [`Engine::http`]. Both see the same [`Faults`], so what a
//!   test injects strikes a function in the process and a real binary alike.
//! * [`Engine::calls`] records who called what and which permissions that needs. The caller is the
//!   access key id of the request's signature; signatures are not checked.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use engine::{Clock, Engine, QueueSpec};
//!
//! let clock = Clock::at("2026-01-31T12:00:00Z".parse()?);
//! let engine = Engine::memory(clock.clone())?;
//! engine.queues().create(&QueueSpec::new("outbox").delay_s(5))?;
//!
//! // let config = aws_sdk_sqs::Config::builder().http_client(engine.http_client())…
//! engine.queues().send("outbox", "hello", None)?;
//! assert!(engine.queues().receive("outbox", 10, None)?.is_empty());
//! clock.advance(std::time::Duration::from_secs(5));
//! assert_eq!(engine.queues().receive("outbox", 10, None)?.len(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! What is durable: once a call has been answered, its effect survives the death of the process
//! (both databases run SQLite's write-ahead log with `synchronous=NORMAL`); only the loss of the
//! machine itself may take the last commits. `ClientRequestToken`s live in memory.

pub mod calls;
pub mod clock;
mod connector;
mod dynamodb;
mod error;
pub mod faults;
pub mod sqs;
pub mod tamper;
#[cfg(test)]
mod tests;
mod ttl;
mod wire;

use std::path::Path;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use tokio::sync::watch;

pub use calls::{CallLog, CallRecord, Permission};
pub use clock::Clock;
pub use error::{EngineError, QueueError};
pub use faults::{CrashMode, CrashPlan, Fault, FaultKind, Faults, Target, When};
pub use sqs::{QueueDepth, QueueSpec, Queues, Received};
pub use tamper::Tamper;
pub use wire::{Answer, Call, NoAnswer, Reply, Service};

use faults::Decision;
use faults::messages::{self, Delivery};

/// The engine; clones share one state.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    tables: dynamodb::Tables,
    queues: Queues,
    faults: Faults,
    calls: CallLog,
    tamper: Tamper,
    changes: watch::Sender<u64>,
}

impl Engine {
    /// An engine that forgets everything when it is dropped.
    ///
    /// # Errors
    /// When SQLite cannot be set up.
    pub fn memory(clock: Clock) -> Result<Self, EngineError> {
        let tables = dynamodb::Tables::memory(clock.clone())?;
        let queues = Queues::memory(clock.clone())?;
        Ok(Self::assemble(clock, tables, queues))
    }

    /// An engine whose state lives in `dir` (`dynamodb.db`, `queues.db`), which is created when it
    /// is missing. One process at a time.
    ///
    /// # Errors
    /// When the folder or the files cannot be made or read.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, EngineError> {
        std::fs::create_dir_all(dir)?;
        let tables = dynamodb::Tables::open(&dir.join("dynamodb.db"), clock.clone())?;
        let queues = Queues::open(&dir.join("queues.db"), clock.clone())?;
        Ok(Self::assemble(clock, tables, queues))
    }

    fn assemble(clock: Clock, tables: dynamodb::Tables, queues: Queues) -> Self {
        let (faults, calls, changes) = (Faults::default(), CallLog::default(), watch::channel(0).0);
        let tamper = Tamper::default();
        Self { inner: Arc::new(Inner { clock, tables, queues, faults, calls, tamper, changes }) }
    }

    /// The clock given at the start.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The queues, for pollers and for the control desk: no faults, no record of calls.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.inner.queues
    }

    /// What goes wrong, and when.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// What is changed about requests before they are performed.
    #[must_use]
    pub fn tamper(&self) -> &Tamper {
        &self.inner.tamper
    }

    /// Who called what.
    #[must_use]
    pub fn calls(&self) -> &CallLog {
        &self.inner.calls
    }

    /// Announces every write to a table, so that readers of streams need not look when nothing
    /// happened. For queues there is [`Queues::changes`].
    #[must_use]
    pub fn table_changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// Deletes the items whose TTL attribute lies in the past by the engine's clock, with stream
    /// records under the service's identity as DynamoDB writes them, and answers their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_ttl(&self) -> Result<usize, EngineError> {
        let swept = self.inner.tables.sweep_ttl().await?;
        if swept > 0 {
            self.announce();
        }
        Ok(swept)
    }

    /// Answers one call as the service would, faults included.
    pub async fn call(&self, call: Call) -> Reply {
        let call = self.inner.tamper.apply(call);
        let seen = calls::Peek::of(&call);
        let decision = self.inner.faults.decide(&call, &seen);
        let reply = match decision {
            Decision::Proceed => Reply::Answer(self.perform(&call).await),
            Decision::Refuse(reply) => reply,
            Decision::LoseAnswer(how) => {
                self.perform(&call).await;
                Reply::Silence(how)
            }
            Decision::Deliver(how) => Reply::Answer(self.deliver(&call, how).await),
            Decision::DoPart => match faults::partial::split(&call) {
                Some((part, rest)) => Reply::Answer(rest.add_to(self.perform(&part).await)),
                None => Reply::Answer(self.perform(&call).await),
            },
            Decision::HideIndex => match self.inner.tables.behind_index(&call.body).await {
                Some(empty) => Reply::Answer(empty),
                None => Reply::Answer(self.perform(&call).await),
            },
        };
        self.inner.calls.record(seen.into_record(&call, reply.status()));
        reply
    }

    /// Sends messages with something that goes wrong on their way.
    async fn deliver(&self, call: &Call, how: Delivery) -> Answer {
        match how {
            Delivery::Lost => {
                let answer = self.perform(&messages::held(call)).await;
                self.inner.queues.forget(&messages::sent(&answer));
                answer
            }
            Delivery::Twice => {
                self.perform(call).await;
                self.perform(call).await
            }
            Delivery::Late(seed) => self.perform(&messages::late(call, seed)).await,
        }
    }

    async fn perform(&self, call: &Call) -> Answer {
        let Call { operation, body, caller, .. } = call;
        match call.service {
            Service::Dynamodb | Service::DynamodbStreams => {
                let answer = self.inner.tables.call(operation, body).await;
                if answer.status == 200 && dynamodb::writes(operation) {
                    self.announce();
                }
                answer
            }
            Service::Sqs => self.inner.queues.call(operation, body, caller).await,
        }
    }

    fn announce(&self) {
        self.inner.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Answers a request that came over HTTP. [`Reply::into_http`] makes the response of it;
    /// where it makes none, the connection has to be closed without an answer.
    pub async fn http(&self, parts: &http::request::Parts, body: Bytes) -> Reply {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        match Call::from_headers(header, body) {
            Ok(call) => self.call(call).await,
            Err(answer) => Reply::Answer(answer),
        }
    }

    /// The SDK's way in without a socket: give it to a client's `Config::builder().http_client`.
    /// The endpoint URL in that configuration is then never connected to.
    #[must_use]
    pub fn http_client(&self) -> SharedHttpClient {
        connector::http_client(self.clone())
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("clock", &self.inner.clock).finish_non_exhaustive()
    }
}
