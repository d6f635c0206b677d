//! The control desk of a local stack: clock, jobs, sandboxes, faults.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::World;

/// What becomes of the webhook of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Webhook {
    /// It arrives.
    Delivered,
    /// It arrives so many times.
    Times(u32),
    /// It never arrives.
    Lost,
}

/// One run of a function.
#[derive(Clone, Debug, Deserialize)]
pub struct Invocation {
    /// The function.
    pub function: String,
    /// How it ended.
    pub outcome: String,
    /// Requests to DynamoDB, behind the choke point.
    pub requests: u64,
    /// Requests one after another.
    #[serde(default)]
    pub sequence: u64,
    /// Items written.
    #[serde(default)]
    pub items: u64,
    /// Read units.
    #[serde(default)]
    pub read_units: f64,
    /// Write units.
    #[serde(default)]
    pub write_units: f64,
    /// Messages sent to queues.
    #[serde(default)]
    pub messages: u64,
}

impl World {
    fn desk(&self) -> &str {
        self.running().desk.as_deref().expect("a local stack")
    }

    async fn asked(&self, request: reqwest::RequestBuilder) -> Value {
        let response = request.send().await.expect("the desk answers");
        let (url, status) = (response.url().clone(), response.status());
        let text = response.text().await.expect("the desk's answer");
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// `GET /_local/…`.
    pub async fn desk_get(&self, path: &str) -> Value {
        self.asked(self.http().get(format!("{}/_local/{path}", self.desk()))).await
    }

    /// `POST /_local/…`.
    pub async fn desk_post(&self, path: &str, body: &Value) -> Value {
        let request = self.http().post(format!("{}/_local/{path}", self.desk()));
        self.asked(request.json(body)).await
    }

    /// The instant it is in this world.
    pub async fn now(&self) -> Timestamp {
        if !self.has_desk() {
            return Timestamp::now();
        }
        let clock = self.desk_get("clock").await;
        let now = clock["now"].as_str().unwrap_or_else(|| panic!("clock: {clock}"));
        now.parse().expect("an instant")
    }

    /// Moves the clock forward by so many seconds; what falls due runs first.
    pub async fn advance(&self, seconds: u64) {
        self.desk_post("clock", &json!({"advance_seconds": seconds})).await;
    }

    /// Moves the clock to an instant.
    pub async fn set_clock(&self, instant: &str) {
        self.desk_post("clock", &json!({"set": instant})).await;
    }

    /// Waits until nothing is due any more.
    pub async fn idle(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let request = self.http().post(format!("{}/_local/idle", self.desk()));
            let response = request.json(&json!({"timeout_ms": 5_000})).send().await;
            let status = response.expect("the desk answers").status();
            if status.is_success() {
                return;
            }
            assert!(Instant::now() < deadline, "never idle: {status}");
        }
    }

    /// What the bot wrote to a chat, oldest first.
    pub async fn messages(&self, chat_id: i64) -> Vec<Value> {
        if self.has_desk() {
            self.idle().await;
        }
        let root = &self.running().sandboxes;
        let url = format!("{root}/_local/telegram/messages?chat_id={chat_id}");
        let found = self.asked(self.http().get(url)).await;
        let list = found.as_array().or_else(|| found["messages"].as_array());
        list.cloned().unwrap_or_else(|| panic!("messages: {found}"))
    }

    /// Pays at the provider, then waits for what follows at once.
    pub async fn pay(&self, attempt: &str, webhook: Webhook) {
        if self.has_desk() {
            let deliveries = match webhook {
                Webhook::Delivered | Webhook::Lost => 1,
                Webhook::Times(count) => count,
            };
            let body = json!({
                "outcome": "paid",
                "webhook": webhook != Webhook::Lost,
                "deliveries": deliveries,
            });
            self.desk_post(&format!("payments/{attempt}"), &body).await;
            return self.idle().await;
        }
        match webhook {
            Webhook::Lost => self.provider_says(attempt, "paid").await,
            Webhook::Delivered => self.delivered(attempt, 1).await,
            Webhook::Times(count) => self.delivered(attempt, count).await,
        }
    }

    async fn delivered(&self, attempt: &str, count: u32) {
        for _ in 0..count {
            self.webhook(&json!({"attempt_id": attempt, "event": "success"})).await.is(200);
        }
    }

    /// Sets what the provider's API will say about an attempt.
    pub async fn provider_says(&self, attempt: &str, state: &str) {
        self.post(&format!("/api/payments/sandbox/{attempt}/state"), &json!({"state": state}))
            .header("x-sandbox-secret", self.secret("SANDBOX_SECRET"))
            .await
            .is(200);
    }

    /// What the payment provider answers at a path of its sandbox.
    pub async fn provider_knows(&self, path: &str) -> Value {
        let url = format!("{}/_local/{path}", self.running().sandboxes);
        self.asked(self.http().get(url).bearer_auth(self.secret("SANDBOX_SECRET"))).await
    }

    /// A call to Crypto Pay with the service's token; what it answers.
    pub async fn crypto_pay(&self, method: &str, body: &Value) -> Value {
        let root = &self.running().sandboxes;
        let url = format!("{root}/_local/sandbox/crypto-pay/api/{method}");
        let request = self.http().post(url).json(body);
        self.asked(request.header("crypto-pay-api-token", self.secret("CRYPTO_PAY_TOKEN"))).await
    }

    /// The bot's calls of one method of the Bot API, oldest first.
    pub async fn bot_calls(&self, method: &str) -> Vec<Value> {
        let url = format!("{}/_local/telegram/messages", self.running().sandboxes);
        let found = self.asked(self.http().get(url)).await;
        let calls = found["messages"].as_array().unwrap_or_else(|| panic!("calls: {found}"));
        calls.iter().filter(|call| call["method"] == method).cloned().collect()
    }

    /// Has the Bot API answer calls for a chat with this status, by a rule of the sandbox.
    pub async fn bot_refuses(&self, rule: &Value) {
        self.desk_post("sandbox/telegram/rules", rule).await;
    }

    /// Has the Bot API answer as usual again.
    pub async fn bot_recovers(&self) {
        let url = format!("{}/_local/sandbox/telegram/rules", self.desk());
        self.asked(self.http().delete(url)).await;
    }

    /// Runs a scheduled function now; its answer.
    pub async fn run(&self, function: &str) -> Value {
        let event = json!({
            "version": "0",
            "id": "00000000-0000-4000-8000-000000000001",
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": "123456789012",
            "time": self.now().await.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": "us-east-1",
            "resources": [],
            "detail": "{}",
        });
        let result = self.invoke(function, &event).await;
        self.idle().await;
        result
    }

    /// Runs a function with an event; its answer.
    pub async fn invoke(&self, function: &str, event: &Value) -> Value {
        self.desk_post(&format!("functions/{function}/invoke"), event).await
    }

    /// Publishes the ratings a second later, with everything counted that has happened: the same
    /// scheduled instant twice is one publishing.
    pub async fn publish(&self) {
        self.advance(1).await;
        self.idle().await;
        self.run("club-ratings-publish").await;
    }

    /// The last runs of a function, newest first.
    pub async fn invocations(&self, function: &str, limit: usize) -> Vec<Invocation> {
        let found = self.desk_get(&format!("invocations?function={function}&limit={limit}")).await;
        let list = found.as_array().cloned().or_else(|| found["invocations"].as_array().cloned());
        let list = list.unwrap_or_else(|| panic!("invocations: {found}"));
        serde_json::from_value(Value::Array(list)).expect("invocations")
    }

    /// Lets calls to `target` fail until [`World::heal`].
    pub async fn fault(&self, target: &str, kind: &str) {
        let body = json!({"target": target, "kind": kind, "rate": 1.0, "seed": 1});
        self.desk_post("faults", &body).await;
    }

    /// Ends all faults.
    pub async fn heal(&self) {
        self.asked(self.http().delete(format!("{}/_local/faults", self.desk()))).await;
    }
}
