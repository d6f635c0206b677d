//! A whole club of its own for each test: table and queues in the embedded engine, a payment
//! provider over HTTP, a clock that stands still until it is moved.

mod bot_api;
mod cloudpayments;
mod lavatop;
mod provider;

use std::collections::BTreeSet;
use std::ops::Deref;

use serde_json::{Value, json};
use shared::function::Function;
use stage::{Plan, Stage};

use crate::App;
use crate::auth::Member;
pub(crate) use bot_api::{BotMood, BotServer};
pub(crate) use cloudpayments::{
    API_SECRET as CLOUD_SECRET, CloudCall, CloudMood, CloudServer, PUBLIC_ID as CLOUD_ID,
};
pub(crate) use lavatop::{LavatopMood, LavatopServer};
pub(crate) use provider::{Mood, Provider};
pub(crate) use stage::{Reply, Request};

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

/// The queues, each with the setting that names it.
const QUEUES: [(&str, &str); 5] = [
    ("PAYMENT_CHECKS_QUEUE_URL", CHECKS),
    ("TELEGRAM_UPDATES_QUEUE_URL", UPDATES),
    ("OUTBOX_QUEUE_URL", OUTBOX),
    ("ONBOARDING_QUEUE_URL", ONBOARDING),
    ("ADMIN_JOBS_QUEUE_URL", ADMIN_JOBS),
];

/// Everything one test needs.
pub(crate) struct World {
    stage: Stage<App>,
    /// The sandbox provider.
    pub(crate) provider: Provider,
}

impl Deref for World {
    type Target = Stage<App>;

    fn deref(&self) -> &Stage<App> {
        &self.stage
    }
}

impl World {
    /// A world at noon of 31 January 2026, UTC.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings of the test's own.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let provider = Provider::start().await;
        let mut all = fixed();
        all.push(("SANDBOX_PROVIDER_URL", provider.url()));
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let stage = Stage::build(Plan {
            at: "2026-01-31T12:00:00Z",
            settings: all,
            queues: &QUEUES,
            table: table(),
            secrets,
        })
        .await;
        Self { stage, provider }
    }

    /// Makes a member.
    pub(crate) async fn member(&self, tg_id: i64) -> Member {
        let member = Member::new(tg_id, None, None, self.now());
        self.put(&member).await;
        member
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
}

/// A function that needs every secret.
fn secrets() -> Function<App> {
    Function::<App>::schedule("test", "rate(1 minute)", |_, _| async { Ok(()) })
        .needs("SANDBOX_SECRET")
        .needs("TELEGRAM_BOT_TOKEN")
        .given_with("LAVATOP_API_URL", "LAVATOP_API_KEY")
        .given_with("CLOUDPAYMENTS_PUBLIC_ID", "CLOUDPAYMENTS_API_SECRET")
        .needs("JWT_SECRET")
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

fn table() -> Value {
    let local = [["history", "pk", "history_at", "ALL"]];
    let global = [
        ["due", "due_pk", "due_at", "KEYS_ONLY"],
        ["rank", "rank_pk", "rank_sk", "ALL"],
        ["registry", "registry_pk", "pk", "KEYS_ONLY"],
        ["invoice", "invoice_pk", "pk", "KEYS_ONLY"],
        ["payer", "payer_pk", "payer_at", "KEYS_ONLY"],
    ];
    stage::table(TABLE, &local, &global)
}

/// Actions on the table, and queries of its indexes, as [`Stage::asked`] has them.
pub(crate) fn allowed(table: &[&str], indexes: &[&str]) -> BTreeSet<(String, String)> {
    let on_table = |action: &&str| (format!("dynamodb:{action}"), format!("table/{TABLE}"));
    let query =
        |index: &&str| ("dynamodb:Query".to_owned(), format!("table/{TABLE}/index/{index}"));
    table.iter().map(on_table).chain(indexes.iter().map(query)).collect()
}

#[tokio::test]
async fn a_member_of_this_world_can_call() {
    let world = World::new().await;
    let token = world.token(&world.member(7).await).await;
    world.pass(std::time::Duration::from_secs(86_400));
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
