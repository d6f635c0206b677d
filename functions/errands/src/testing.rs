//! A whole service of its own for each test: table and queues in the embedded engine, and a clock
//! that stands still until it is moved.

mod launch;

use std::ops::Deref;

use serde_json::Value;
use shared::clock::Instant;
use shared::function::Function;
use stage::{Plan, Stage};

use crate::App;
use crate::money::Kopecks;
use crate::orders::Take;
use crate::users::{Profile, User, user_key};
pub(crate) use launch::{Person, signed};
pub(crate) use stage::{Reply, Request};

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
pub(crate) struct World(Stage<App>);

impl Deref for World {
    type Target = Stage<App>;

    fn deref(&self) -> &Stage<App> {
        &self.0
    }
}

impl World {
    /// A world at noon of 22 November 2026, UTC.
    pub(crate) async fn new() -> Self {
        Self::with(&[]).await
    }

    /// The same with settings of the test's own, which replace those that all tests share.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let mut all = fixed();
        all.extend(settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let plan = Plan {
            at: "2026-11-22T12:00:00Z",
            settings: all,
            queues: &QUEUES,
            table: table(),
            secrets: all_secrets,
        };
        Self(Stage::build(plan).await)
    }

    /// The same table, queues and clock, under a service that was configured anew.
    pub(crate) async fn with_changed(&self, settings: &[(&str, &str)]) -> Self {
        Self(self.0.with_changed(settings).await)
    }

    /// The `Authorization` of somebody, signed now.
    pub(crate) fn sign_in(&self, person: &Person) -> String {
        format!("tma {}", signed(person, self.now(), BOT_TOKEN))
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

fn table() -> Value {
    let local = [["listed", "pk", "listed_at", "ALL"], ["filtered", "pk", "filtered_at", "ALL"]];
    let global = [
        ["due", "due_pk", "due_at", "KEYS_ONLY"],
        ["registry", "registry_pk", "pk", "KEYS_ONLY"],
        ["feed_1", "feed_1_pk", "feed_at", "ALL"],
        ["feed_2", "feed_2_pk", "feed_at", "ALL"],
        ["feed_3", "feed_3_pk", "feed_at", "ALL"],
        ["feed_4", "feed_4_pk", "feed_at", "ALL"],
    ];
    stage::table(TABLE, &local, &global)
}
