//! A stack of four small functions that write down what they were called with.

mod desk;
mod front;
mod jobs;
mod money;
mod processes;
mod restart;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use engine::{Call, Reply, Service};
use http::HeaderMap;
use serde_json::{Value, json};
use shared::aws::Aws;
use shared::function::Invoked;
use shared::meter::Cost;
use shared::outbound::{Answer, Outbound};
use shared::settings::{Environment, SettingError};

use crate::invoke::{Boxed, Program, Started};
use crate::{Mode, Move, Options, Running, Stack};

/// What a demo function answers to an event at an instant.
pub(crate) type Behaviour = dyn Fn(&Value, &str) -> Result<Value, String> + Send + Sync;

/// What was seen: function, the clock's now, event.
pub(crate) type Seen = Arc<Mutex<Vec<(String, String, Value)>>>;

struct Demo {
    name: &'static str,
    seen: Seen,
    behaviour: Arc<Behaviour>,
}

impl Program for Demo {
    fn name(&self) -> &'static str {
        self.name
    }

    fn start(
        self: Box<Self>,
        _environment: Environment,
        _aws: Aws,
    ) -> Boxed<'static, Result<Arc<dyn Started>, SettingError>> {
        let started: Box<dyn Started> = self;
        Box::pin(async move { Ok(Arc::from(started)) })
    }
}

impl Started for Demo {
    fn invoke<'a>(&'a self, payload: &'a [u8], headers: &'a HeaderMap) -> Boxed<'a, Invoked> {
        let event: Value = serde_json::from_slice(payload).unwrap();
        let context = headers["lambda-runtime-client-context"].to_str().unwrap();
        let context: Value = serde_json::from_str(context).unwrap();
        let now = context["custom"]["now"].as_str().unwrap().to_owned();
        self.seen.lock().unwrap().push((self.name.to_owned(), now.clone(), event.clone()));
        let result = (self.behaviour)(&event, &now);
        let result = result.map(|value| serde_json::to_vec(&value).unwrap());
        Box::pin(async move {
            if event["body"] == "slow" {
                tokio::time::sleep(Duration::from_secs(30)).await;
            }
            Invoked { result, choke: Cost::default(), function: Cost::default() }
        })
    }
}

/// A running demo stack.
pub(crate) struct World {
    pub(crate) stack: Running,
    pub(crate) seen: Seen,
    http: Outbound,
}

pub(crate) const START: &str = "2026-01-31T12:00:00Z";

pub(crate) fn options(
    seen: &Seen,
    behaviour: impl Fn(&Value, &str) -> Result<Value, String> + Send + Sync + 'static,
) -> Options {
    let behaviour: Arc<Behaviour> = Arc::new(behaviour);
    let program = |name| {
        let (seen, behaviour) = (seen.clone(), behaviour.clone());
        let program: Box<dyn Program> = Box::new(Demo { name, seen, behaviour });
        program
    };
    let template = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/demo.yaml");
    let programs = ["demo-echo", "demo-job", "demo-changes", "demo-tick"].map(program);
    let options = Options { template, programs: programs.into(), ..Options::memory() };
    options.frozen_at(START.parse().unwrap())
}

impl World {
    pub(crate) async fn start(
        behaviour: impl Fn(&Value, &str) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        let seen = Seen::default();
        let options = options(&seen, behaviour);
        Self::of(options, seen).await
    }

    pub(crate) async fn of(options: Options, seen: Seen) -> Self {
        assert_eq!(options.mode, Mode::InProcess);
        let stack = Stack::start(options).await.unwrap();
        Self { stack, seen, http: Outbound::new() }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(&format!("{}{path}", self.stack.base_url)).send().await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, body, &[]).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        body: &Value,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let mut call = self.http.post(&format!("{}{path}", self.stack.base_url));
        for (name, value) in headers {
            call = call.header(http::HeaderName::from_static(name), value);
        }
        call.json(body).send().await.unwrap()
    }

    pub(crate) async fn idle(&self) {
        assert!(self.stack.idle(Duration::from_secs(10)).await, "the stack does not come to rest");
    }

    pub(crate) async fn advance(&self, seconds: u64) {
        let change = Move { advance_seconds: Some(seconds), ..Move::default() };
        self.stack.move_clock(change).await.unwrap();
    }

    /// What was seen of one function: the clock's now, and the event.
    pub(crate) fn seen(&self, function: &str) -> Vec<(String, Value)> {
        let seen = self.seen.lock().unwrap();
        let own = seen.iter().filter(|(name, _, _)| name == function);
        own.map(|(_, now, event)| (now.clone(), event.clone())).collect()
    }

    pub(crate) async fn put(&self, item: Value) {
        let call = Call {
            service: Service::Dynamodb,
            operation: "PutItem".to_owned(),
            body: Bytes::from(json!({ "TableName": "test-demo", "Item": item }).to_string()),
            caller: "test".to_owned(),
        };
        let reply = self.stack.engine().call(call).await;
        assert!(matches!(reply, Reply::Answer(answer) if answer.status == 200));
    }

    pub(crate) fn dead(&self) -> Vec<Value> {
        let letters = self.stack.engine().queues().receive("test-dead", 10, None).unwrap();
        letters.iter().map(|l| serde_json::from_str(&l.body).unwrap_or(json!(l.body))).collect()
    }
}

pub(crate) fn body_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// An event that a demo function takes half a minute for.
fn slow() -> Value {
    json!({ "body": "slow" })
}
