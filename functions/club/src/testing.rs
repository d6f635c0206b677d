//! A whole club of its own for each test: table and queues in the embedded engine, a payment
//! provider over HTTP, a clock that stands still until it is moved.

mod bot_api;
mod cloudpayments;
mod lavatop;
mod provider;
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
use shared::settings::{Environment, SettingError};
use shared::table::{Entity, Item, Key, Table, Write};

use crate::App;
use crate::auth::Member;
pub(crate) use bot_api::{BotMood, BotServer};
pub(crate) use cloudpayments::{
    API_SECRET as CLOUD_SECRET, CloudCall, CloudMood, CloudServer, PUBLIC_ID as CLOUD_ID,
};
pub(crate) use lavatop::{LavatopMood, LavatopServer};
pub(crate) use provider::{Mood, Provider};
pub(crate) use request::{Reply, Request};

/// The table's name.
pub(crate) const TABLE: &str = "test-club";
/// The shared secret of the sandbox provider and its webhook.
pub(crate) const SANDBOX_SECRET: &str = "test-sandbox-secret-0123456789abcdef";
/// The queue of delayed payment checks.
pub(crate) const CHECKS: &str = "payment-checks";
/// The queue of the bot's updates.
pub(crate) const UPDATES: &str = "telegram-updates";
/// The secret of the bot's webhook.
pub(crate) const WEBHOOK_SECRET: &str = "test-webhook-secret-0123456789abcdef";
/// The queue of outbox deliveries.
pub(crate) const OUTBOX: &str = "outbox";
/// The queue of steps of onboardings.
pub(crate) const ONBOARDING: &str = "onboarding";
/// The queue of jobs that outlast an administrator's call.
pub(crate) const ADMIN_JOBS: &str = "admin-jobs";

/// Everything one test needs.
pub(crate) struct World {
    /// Table and queues.
    pub(crate) engine: Engine,
    /// Moves for everybody at once.
    pub(crate) clock: Clock,
    /// The service as its handlers see it, under the caller `local-test`.
    pub(crate) app: App,
    /// The sandbox provider.
    pub(crate) provider: Provider,
    settings: Vec<(String, String)>,
}

impl World {
    /// A world at noon of 31 January 2026, UTC.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings of the test's own.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let clock = Clock::at("2026-01-31T12:00:00Z".parse().unwrap());
        let engine = Engine::memory(clock.clone()).unwrap();
        let provider = Provider::start().await;
        let mut all = fixed();
        all.push(("SANDBOX_PROVIDER_URL", provider.url()));
        for (name, queue) in [
            ("PAYMENT_CHECKS_QUEUE_URL", CHECKS),
            ("TELEGRAM_UPDATES_QUEUE_URL", UPDATES),
            ("OUTBOX_QUEUE_URL", OUTBOX),
            ("ONBOARDING_QUEUE_URL", ONBOARDING),
            ("ADMIN_JOBS_QUEUE_URL", ADMIN_JOBS),
        ] {
            engine.queues().create(&QueueSpec::new(queue)).unwrap();
            all.push((name, engine.queues().url(queue)));
        }
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let settings: Vec<_> =
            all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        create_table(&engine).await;
        let all_secrets =
            Function::<App>::schedule("test", "rate(1 minute)", |_, _| async { Ok(()) })
                .needs("SANDBOX_SECRET")
                .needs("TELEGRAM_BOT_TOKEN")
                .given_with("LAVATOP_API_URL", "LAVATOP_API_KEY")
                .given_with("CLOUDPAYMENTS_PUBLIC_ID", "CLOUDPAYMENTS_API_SECRET")
                .needs("JWT_SECRET");
        let (environment, aws) = surroundings(&settings, &engine, "test");
        let platform =
            Platform::start(environment, aws, all_secrets.declaration(), App::WIRE).await.unwrap();
        let app = App::start(platform).await.unwrap();
        Self { engine, clock, app, provider, settings }
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

    /// Starts a function with other settings than this world's; an empty one is none.
    pub(crate) async fn start_with(
        &self,
        function: Function<App>,
        changes: &[(&str, &str)],
    ) -> Result<Instance<App>, SettingError> {
        let changes = changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = self.settings.iter().cloned().chain(changes).collect();
        let (environment, aws) = surroundings(&settings, &self.engine, function.declaration().name);
        function.start(environment, aws).await
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

    /// Makes a member.
    pub(crate) async fn member(&self, tg_id: i64) -> Member {
        let member = Member::new(tg_id, None, None, self.now());
        self.put(&member).await;
        member
    }

    /// Puts an item.
    pub(crate) async fn put<E: Entity>(&self, entity: &E) {
        self.table().write(Write::put("test", entity)).await.unwrap();
    }

    /// The member as it stands.
    pub(crate) async fn member_now(&self, tg_id: i64) -> Member {
        crate::auth::find(self.table(), tg_id).await.unwrap().unwrap()
    }

    /// An access token of a member that lasts for all tests.
    pub(crate) async fn token(&self, member: &Member) -> String {
        let sessions = self.app.platform.sessions().unwrap();
        let (family, renewal) = sessions.open(&member.id, member.tg_id, self.now()).unwrap();
        self.table().write(family).await.unwrap();
        renewal.access_token
    }

    /// Every item of a kind, in the order of their keys.
    pub(crate) async fn items(&self, kind: &str) -> Vec<Value> {
        let body = json!({
            "TableName": TABLE,
            "ConsistentRead": true,
            "FilterExpression": "kind = :kind",
            "ExpressionAttributeValues": { ":kind": { "S": kind } },
        });
        let answer = raw(&self.engine, "Scan", &body).await;
        let mut items = answer["Items"].as_array().unwrap().clone();
        items.sort_by_key(|item| format!("{}{}", item["pk"]["S"], item["sk"]["S"]));
        items
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
        let context = json!({ "custom": { "now": self.now() } });
        set("lambda-runtime-client-context", context.to_string());
        let payload = serde_json::to_vec(event).unwrap();
        let invoked = Box::pin(instance.invoke(&payload, &headers)).await;
        (invoked.result, invoked.function)
    }
}

/// The settings that no test changes but by its own.
fn fixed() -> Vec<(&'static str, String)> {
    [
        ("STAGE", "test"),
        ("SERVICE", "club"),
        ("TABLE_NAME", TABLE),
        ("CORS_ORIGIN", "https://app.example.com"),
        ("PUBLIC_URL", "https://club.example.com"),
        ("BOT_USERNAME", "club_test_bot"),
        ("TELEGRAM_API_URL", "http://127.0.0.1:1"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("TELEGRAM_BOT_TOKEN", "7000000001:local-club"),
        ("JWT_SECRET", "test-jwt-secret-0123456789abcdef0123"),
        ("ADMIN_SECRET", "test-admin-secret-0123456789abcdef01"),
        ("SANDBOX_SECRET", SANDBOX_SECRET),
        ("TELEGRAM_WEBHOOK_SECRET", WEBHOOK_SECRET),
        ("LAVATOP_API_KEY", lavatop::API_KEY),
        ("LAVATOP_WEBHOOK_SECRET", lavatop::WEBHOOK_SECRET),
        ("CLOUDPAYMENTS_API_SECRET", CLOUD_SECRET),
        ("ACCESS_TTL_S", "315360000"),
        ("RATE_API", "10000/1"),
        ("RATE_PAYMENT", "10000/1"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
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
        "history_at",
        "due_pk",
        "due_at",
        "rank_pk",
        "rank_sk",
        "registry_pk",
        "invoice_pk",
        "payer_pk",
        "payer_at",
    ]
    .map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": keys("pk", "sk"),
        "LocalSecondaryIndexes": [index("history", "pk", "history_at", "ALL")],
        "GlobalSecondaryIndexes": [
            index("due", "due_pk", "due_at", "KEYS_ONLY"),
            index("rank", "rank_pk", "rank_sk", "ALL"),
            index("registry", "registry_pk", "pk", "KEYS_ONLY"),
            index("invoice", "invoice_pk", "pk", "KEYS_ONLY"),
            index("payer", "payer_pk", "payer_at", "KEYS_ONLY"),
        ],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    });
    raw(engine, "CreateTable", &table).await;
}

#[tokio::test]
async fn a_member_of_this_world_can_call() {
    let world = World::new().await;
    let token = world.token(&world.member(7).await).await;
    world.pass(Duration::from_secs(86_400));
    let request = Request::get("/api/v1/auth/me").token(&token).header("x-request-id", "seven");
    let me = crate::auth::me("club-auth-me", "/api/v1/auth/me");
    let reply = world.call(me, request).await;
    assert_eq!(
        (reply.status, &reply.body["user"]["telegramId"]),
        (http::StatusCode::OK, &json!(7))
    );
    assert_eq!((reply.cost.requests, &reply.headers["x-request-id"]), (1, &json!("seven")));
    assert_eq!(world.items("Member").await.len(), 1);
    assert!(world.item(&crate::auth::member_key(7)).await.is_some());
    assert_eq!((world.depth(CHECKS), world.depth(OUTBOX)), (0, 0));
}
