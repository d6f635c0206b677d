//! A whole service of its own for each of its tests: table and queues in the embedded engine, and a
//! clock that stands still until it is moved. Services have it among their `dev-dependencies` only.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a stage that does not stand fails the test that asked for it"
)]

mod delivery;
mod request;
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{Clock, Engine, QueueSpec};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use shared::aws::Aws;
use shared::clock::Instant;
use shared::function::{Function, Instance, Platform, Service};
use shared::meter::Cost;
use shared::settings::{Environment, SettingError};
use shared::table::{Entity, Item, Key, Table, Write};
use tokio::task::JoinSet;

pub use request::{Reply, Request};
pub use table::{Index, table};

/// What a stage is built of.
pub struct Plan<'a, A> {
    /// What the clock shows.
    pub at: &'a str,
    /// The settings; of those with the same name the last counts. `SERVICE` and `TABLE_NAME` are
    /// among them.
    pub settings: Vec<(&'a str, String)>,
    /// The queues, each after the setting that is to name it.
    pub queues: &'a [(&'a str, &'a str)],
    /// The table, as [`table`] has it.
    pub table: Value,
    /// A function that needs every secret.
    pub secrets: fn() -> Function<A>,
}

/// Table, queues, clock and the service over them.
#[derive(Clone)]
pub struct Stage<A: Service> {
    /// Table and queues.
    pub engine: Engine,
    /// Moves for everybody at once.
    pub clock: Clock,
    /// The service as its handlers see it, under the caller `local-test`.
    pub app: A,
    settings: Vec<(String, String)>,
    secrets: fn() -> Function<A>,
}

impl<A: Service> Stage<A> {
    /// A stage with an empty table.
    pub async fn build(plan: Plan<'_, A>) -> Self {
        let clock = Clock::at(plan.at.parse().unwrap());
        let engine = Engine::memory(clock.clone()).unwrap();
        let mut settings = Vec::new();
        for (name, queue) in plan.queues {
            engine.queues().create(&QueueSpec::new(queue)).unwrap();
            settings.push(((*name).to_owned(), engine.queues().url(queue)));
        }
        let others = plan.settings.into_iter().map(|(name, value)| (name.to_owned(), value));
        settings.extend(others);
        table::raw(&engine, "CreateTable", &plan.table).await;
        let app = launched(&settings, &engine, plan.secrets).await;
        Self { engine, clock, app, settings, secrets: plan.secrets }
    }

    /// The same table, queues and clock, under a service that was configured anew.
    pub async fn with_changed(&self, changes: &[(&str, &str)]) -> Self {
        let settings = self.changed(changes);
        let app = launched(&settings, &self.engine, self.secrets).await;
        Self { app, settings, ..self.clone() }
    }

    fn changed(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.settings.iter().cloned().chain(changes).collect()
    }

    fn setting(&self, wanted: &str) -> &str {
        let mut newest = self.settings.iter().rev();
        &newest.find(|(name, _)| name == wanted).unwrap().1
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.app.platform().table
    }

    /// What the clock shows.
    pub fn now(&self) -> Instant {
        Instant::from_timestamp(self.clock.now())
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Starts a function with other settings than this stage's; an empty one is none.
    ///
    /// # Errors
    /// When the function refuses them.
    pub async fn start_with(
        &self,
        function: Function<A>,
        changes: &[(&str, &str)],
    ) -> Result<Instance<A>, SettingError> {
        let name = function.declaration().name;
        let (environment, aws) = surroundings(&self.changed(changes), &self.engine, name);
        function.start(environment, aws).await
    }

    /// Starts a function under the caller `local-<its name>`.
    pub async fn start(&self, function: Function<A>) -> Instance<A> {
        self.start_with(function, &[]).await.unwrap()
    }

    /// Starts an HTTP function and calls it once.
    pub async fn call(&self, function: Function<A>, request: Request) -> Reply {
        let instance = self.start(function).await;
        self.send(&instance, request).await
    }

    /// Calls a started HTTP function.
    pub async fn send(&self, instance: &Instance<A>, request: Request) -> Reply {
        let event = request.into_event(self.setting("SERVICE"), self.now());
        let invoked = self.invoke(instance, &event).await;
        let answer: Value = serde_json::from_slice(&invoked.0.unwrap()).unwrap();
        Reply::read(&answer, invoked.1)
    }

    /// Calls a started HTTP function with all of these at once. Only a runtime of several threads
    /// makes them meet: the embedded engine answers without ever waiting.
    pub async fn send_all(
        &self,
        instance: &Instance<A>,
        requests: impl IntoIterator<Item = Request>,
    ) -> Vec<Reply> {
        let mut calls = JoinSet::new();
        for request in requests {
            let (stage, instance) = (self.clone(), instance.clone());
            calls.spawn(async move { stage.send(&instance, request).await });
        }
        calls.join_all().await
    }

    /// Runs a started job on an event. Answers what it answered and what it cost.
    pub async fn run(
        &self,
        instance: &Instance<A>,
        event: &Value,
    ) -> (Result<Value, String>, Cost) {
        let (result, cost) = self.invoke(instance, event).await;
        (result.map(|bytes| serde_json::from_slice(&bytes).unwrap()), cost)
    }

    /// Runs a scheduled function as of now.
    ///
    /// # Errors
    /// What the function failed with.
    pub async fn tick(&self, function: Function<A>) -> Result<Value, String> {
        let instance = self.start(function).await;
        let event = json!({ "version": "0", "time": self.now(), "detail": {} });
        self.run(&instance, &event).await.0
    }

    /// Puts an item.
    pub async fn put<E: Entity>(&self, entity: &E) {
        self.table().write(Write::put("test", entity)).await.unwrap();
    }

    /// One item as it stands.
    pub async fn item(&self, key: &Key) -> Option<Item> {
        self.table().get_item(key).await.unwrap()
    }

    /// Every item of a kind, in the order of their keys.
    pub async fn items(&self, kind: &str) -> Vec<Value> {
        table::items(&self.engine, self.setting("TABLE_NAME"), kind).await
    }

    /// Which actions on which resources a function has asked AWS for so far.
    pub fn asked(&self, function: &str) -> BTreeSet<(String, String)> {
        let calls = self.engine.calls().of(&format!("local-{function}"));
        let permissions = calls.into_iter().flat_map(|call| call.permissions);
        permissions.map(|permission| (permission.action, permission.resource)).collect()
    }

    async fn invoke(
        &self,
        instance: &Instance<A>,
        event: &Value,
    ) -> (Result<Vec<u8>, String>, Cost) {
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: String| {
            headers.insert(name, HeaderValue::from_str(&value).unwrap());
        };
        set("lambda-runtime-aws-request-id", "test-request".to_owned());
        let deadline = Instant::now().millis() + 30_000;
        set("lambda-runtime-deadline-ms", deadline.to_string());
        let context = json!({ "custom": { "now": self.now().micros() } });
        set("lambda-runtime-client-context", context.to_string());
        let payload = serde_json::to_vec(event).unwrap();
        let invoked = Box::pin(instance.invoke(&payload, &headers)).await;
        (invoked.result, invoked.function)
    }
}

async fn launched<A: Service>(
    settings: &[(String, String)],
    engine: &Engine,
    secrets: fn() -> Function<A>,
) -> A {
    let (environment, aws) = surroundings(settings, engine, "test");
    let secrets = secrets();
    let platform = Platform::start(environment, aws, secrets.declaration(), A::WIRE);
    A::start(platform.await.unwrap()).await.unwrap()
}

fn surroundings(
    settings: &[(String, String)],
    engine: &Engine,
    function: &str,
) -> (Environment, Aws) {
    let caller = ("AWS_ACCESS_KEY_ID".to_owned(), format!("local-{function}"));
    let environment: Environment = settings.iter().cloned().chain([caller]).collect();
    let aws = Aws::with_http_client(&environment, engine.http_client()).unwrap();
    (environment, aws)
}
