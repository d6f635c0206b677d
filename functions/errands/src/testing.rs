//! A whole service of its own for each test: table and queues in the embedded engine, and a clock
//! that stands still until it is moved.

mod launch;
mod request;

use std::sync::Arc;
use std::time::Duration;

use engine::{Clock, Engine, QueueSpec};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use shared::aws::Aws;
use shared::clock::Instant;
use shared::function::{Function, Instance, Platform, Service as _};
use shared::meter::Cost;
use shared::settings::Environment;
use shared::table::{Entity, Item, Key, Table, Write};

use crate::App;
use crate::money::Kopecks;
use crate::orders::Take;
use crate::users::{Profile, User, user_key};
pub(crate) use launch::{Person, signed};
pub(crate) use request::{Reply, Request};

/// The table's name.
pub(crate) const TABLE: &str = "test-errands";
/// The bot whose signature counts.
pub(crate) const BOT_TOKEN: &str = "7000000002:local-errands";
/// The queues, each with the setting that names it.
pub(crate) const QUEUES: [(&str, &str); 5] = [
    ("DEADLINES_QUEUE_URL", "deadlines"),
    ("PAYMENT_CHECKS_QUEUE_URL", "payment-checks"),
    ("FANOUT_QUEUE_URL", "fanout"),
    ("DIGESTS_QUEUE_URL", "digests"),
    ("NOTICES_QUEUE_URL", "notices"),
];

/// Everything one test needs.
pub(crate) struct World {
    /// Table and queues.
    pub(crate) engine: Engine,
    /// Moves for everybody at once.
    pub(crate) clock: Clock,
    /// The service as its handlers see it, under the caller `local-test`.
    pub(crate) app: App,
    settings: Vec<(String, String)>,
}

impl World {
    /// A world at noon of 22 November 2026, UTC.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings of the test's own, which replace those that all tests share.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let clock = Clock::at("2026-11-22T12:00:00Z".parse().unwrap());
        let engine = Engine::memory(clock.clone()).unwrap();
        let mut all = fixed();
        for (name, queue) in QUEUES {
            engine.queues().create(&QueueSpec::new(queue)).unwrap();
            all.push((name, engine.queues().url(queue)));
        }
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let settings: Vec<_> =
            all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        create_table(&engine).await;
        let app = launched(&settings, &engine).await;
        Self { engine, clock, app, settings }
    }

    /// The same table, queues and clock, under a service that was configured anew.
    pub(crate) async fn with_changed(&self, settings: &[(&str, &str)]) -> Self {
        let changed =
            settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = self.settings.iter().cloned().chain(changed).collect();
        let (engine, clock) = (self.engine.clone(), self.clock.clone());
        let app = launched(&settings, &engine).await;
        Self { engine, clock, app, settings }
    }

    /// The table.
    pub(crate) fn table(&self) -> &Table {
        &self.app.platform.table
    }

    /// What the clock shows.
    pub(crate) fn now(&self) -> Instant {
        Instant::from_timestamp(self.clock.now())
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Starts a function under the caller `local-<its name>`.
    pub(crate) async fn start(&self, function: Function<App>) -> Instance<App> {
        let name = function.declaration().name;
        let (environment, aws) = surroundings(&self.settings, &self.engine, name);
        function.start(environment, aws).await.unwrap()
    }

    /// Starts an HTTP function and calls it once.
    pub(crate) async fn call(&self, function: Function<App>, request: Request) -> Reply {
        let instance = self.start(function).await;
        self.send(&instance, request).await
    }

    /// Calls a started HTTP function.
    pub(crate) async fn send(&self, instance: &Instance<App>, request: Request) -> Reply {
        let event = request.into_event(self.now());
        let invoked = self.invoke(instance, &event).await;
        let answer: Value = serde_json::from_slice(&invoked.0.unwrap()).unwrap();
        Reply::read(&answer, invoked.1)
    }

    /// Calls a started HTTP function with all of these at once. Only a runtime of several threads
    /// makes them meet: the embedded engine answers without ever waiting.
    pub(crate) async fn send_all(
        self: &Arc<Self>,
        instance: &Instance<App>,
        requests: impl IntoIterator<Item = Request>,
    ) -> Vec<Reply> {
        let mut calls = tokio::task::JoinSet::new();
        for request in requests {
            let (world, instance) = (Arc::clone(self), instance.clone());
            calls.spawn(async move { world.send(&instance, request).await });
        }
        calls.join_all().await
    }

    /// Runs a started job on an event. Answers what it answered and what it cost.
    pub(crate) async fn run(
        &self,
        instance: &Instance<App>,
        event: &Value,
    ) -> (Result<Value, String>, Cost) {
        let (result, cost) = self.invoke(instance, event).await;
        (result.map(|bytes| serde_json::from_slice(&bytes).unwrap()), cost)
    }

    /// Runs a scheduled function as of now.
    pub(crate) async fn tick(&self, function: Function<App>) -> Result<Value, String> {
        let instance = self.start(function).await;
        let event = json!({ "version": "0", "time": self.now(), "detail": {} });
        self.run(&instance, &event).await.0
    }

    /// Hands the messages that `queue` shows now to their consumer, and deletes those that did
    /// not fail. Answers how many there were and how many failed.
    pub(crate) async fn deliver(&self, function: Function<App>, queue: &str) -> (usize, usize) {
        let queues = self.engine.queues();
        let received = queues.receive(queue, 10, None).unwrap();
        if received.is_empty() {
            return (0, 0);
        }
        let records: Vec<_> = received
            .iter()
            .map(|message| {
                json!({
                    "messageId": message.message_id, "body": message.body,
                    "attributes": { "ApproximateReceiveCount": message.receives.to_string() },
                    "messageAttributes": {}, "eventSource": "aws:sqs",
                })
            })
            .collect();
        let instance = self.start(function).await;
        let answer = self.run(&instance, &json!({ "Records": records })).await.0.unwrap();
        let failed: Vec<_> = answer["batchItemFailures"]
            .as_array()
            .unwrap()
            .iter()
            .map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned())
            .collect();
        for message in received.iter().filter(|message| !failed.contains(&message.message_id)) {
            queues.delete(queue, &message.receipt_handle).unwrap();
        }
        (received.len(), failed.len())
    }

    /// How many messages a queue holds, hidden ones included.
    pub(crate) fn depth(&self, queue: &str) -> u64 {
        let depths = self.engine.queues().depths().unwrap();
        let depth = depths.iter().find(|depth| depth.name == queue).unwrap();
        depth.visible + depth.delayed + depth.in_flight
    }

    /// The `Authorization` of somebody, signed now.
    pub(crate) fn sign_in(&self, person: &Person) -> String {
        format!("tma {}", signed(person, self.now(), BOT_TOKEN))
    }

    /// Puts an item.
    pub(crate) async fn put<E: Entity>(&self, entity: &E) {
        self.table().write(Write::put("test", entity)).await.unwrap();
    }

    /// Makes a user of this first name, as a first call would.
    pub(crate) async fn known(&self, id: i64, first_name: &str) -> User {
        let profile = Profile {
            first_name: first_name.to_owned(),
            last_name: None,
            username: None,
            language: None,
            at: self.now().seconds(),
        };
        let user = profile.newcomer(id, self.now());
        self.put(&user).await;
        user
    }

    /// The user as the record stands.
    pub(crate) async fn user(&self, id: i64) -> User {
        self.table().get(&user_key(id)).await.unwrap().unwrap()
    }

    /// Every item of a kind, in the order of their keys.
    pub(crate) async fn items(&self, kind: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut start = Value::Null;
        loop {
            let mut body = json!({
                "TableName": TABLE,
                "ConsistentRead": true,
                "FilterExpression": "kind = :kind",
                "ExpressionAttributeValues": { ":kind": { "S": kind } },
            });
            if !start.is_null() {
                body["ExclusiveStartKey"] = start;
            }
            let answer = raw(&self.engine, "Scan", &body).await;
            all.extend(answer["Items"].as_array().unwrap().iter().cloned());
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
        all.sort_by_key(|item| format!("{}{}", item["pk"]["S"], item["sk"]["S"]));
        all
    }

    /// One item as it stands.
    pub(crate) async fn item(&self, key: &Key) -> Option<Item> {
        self.table().get_item(key).await.unwrap()
    }

    async fn invoke(
        &self,
        instance: &Instance<App>,
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

/// A take for two rubles that left eight.
pub(crate) fn take(executor_id: i64, taken_at: Instant) -> Take {
    Take { executor_id, taken_at, price: 200, left: Kopecks(800), left_at: taken_at }
}

/// A function that needs every secret.
fn all_secrets() -> Function<App> {
    let function = Function::<App>::schedule("test", "rate(1 minute)", |_, _| async { Ok(()) });
    fixed()
        .into_iter()
        .filter(|(name, _)| SECRETS.contains(name))
        .fold(function, |function, (name, _)| function.accepts(name))
}

const SECRETS: [&str; 5] = [
    "TELEGRAM_BOT_TOKEN",
    "TELEGRAM_WEBHOOK_SECRET",
    "CRYPTO_PAY_TOKEN",
    "CURSOR_SECRET",
    "SANDBOX_SECRET",
];

/// The settings that no test changes but by its own.
fn fixed() -> Vec<(&'static str, String)> {
    [
        ("STAGE", "test"),
        ("SERVICE", "errands"),
        ("TABLE_NAME", TABLE),
        ("CORS_ORIGIN", "https://app.example.com"),
        ("PUBLIC_URL", "https://errands.example.com"),
        ("TELEGRAM_BOT_USERNAME", "errands_test_bot"),
        ("TELEGRAM_API_URL", "http://127.0.0.1:1"),
        ("PAYMENTS_SANDBOX", "true"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("TELEGRAM_BOT_TOKEN", BOT_TOKEN),
        ("TELEGRAM_WEBHOOK_SECRET", "test-webhook-secret-0123456789abcdef"),
        ("CRYPTO_PAY_TOKEN", "10000:AAErrandsSandboxToken-0123456789abcdef"),
        ("CURSOR_SECRET", "test-cursor-secret-0123456789abcdef01"),
        ("SANDBOX_SECRET", "test-sandbox-secret-0123456789abcdef0"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

async fn launched(settings: &[(String, String)], engine: &Engine) -> App {
    let (environment, aws) = surroundings(settings, engine, "test");
    let secrets = all_secrets();
    let platform = Platform::start(environment, aws, secrets.declaration(), App::WIRE);
    App::start(platform.await.unwrap()).await.unwrap()
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

/// Asks DynamoDB directly, under the name of nobody.
async fn raw(engine: &Engine, operation: &str, body: &Value) -> Value {
    let call = engine::Call {
        service: engine::Service::Dynamodb,
        operation: operation.to_owned(),
        body: body.to_string().into(),
        caller: "tests".to_owned(),
    };
    let engine::Reply::Answer(answer) = engine.call(call).await else { panic!("no answer") };
    let value: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, 200, "{operation}: {value}");
    value
}

async fn create_table(engine: &Engine) {
    let keys = |hash: &str, range: &str| {
        json!([
            { "AttributeName": hash, "KeyType": "HASH" },
            { "AttributeName": range, "KeyType": "RANGE" },
        ])
    };
    let index = |name: &str, hash: &str, range: &str, projection: &str| {
        json!({
            "IndexName": name, "KeySchema": keys(hash, range),
            "Projection": { "ProjectionType": projection },
        })
    };
    let attributes = [
        "pk",
        "sk",
        "listed_at",
        "filtered_at",
        "due_pk",
        "due_at",
        "registry_pk",
        "feed_at",
        "feed_1_pk",
        "feed_2_pk",
        "feed_3_pk",
        "feed_4_pk",
    ]
    .map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": keys("pk", "sk"),
        "LocalSecondaryIndexes": [
            index("listed", "pk", "listed_at", "ALL"),
            index("filtered", "pk", "filtered_at", "ALL"),
        ],
        "GlobalSecondaryIndexes": [
            index("due", "due_pk", "due_at", "KEYS_ONLY"),
            index("registry", "registry_pk", "pk", "KEYS_ONLY"),
            index("feed_1", "feed_1_pk", "feed_at", "ALL"),
            index("feed_2", "feed_2_pk", "feed_at", "ALL"),
            index("feed_3", "feed_3_pk", "feed_at", "ALL"),
            index("feed_4", "feed_4_pk", "feed_at", "ALL"),
        ],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    });
    raw(engine, "CreateTable", &table).await;
}
