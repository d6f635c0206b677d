//! A whole stack in this process, with its engine at hand: HTTP in front, faults behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::CrashPlan;
use local::{CatchUp, Move, Options, Running, Stack};
use serde_json::{Map, Value, json};
use shared::telegram::{BotToken, sign};

use crate::points::Point;

/// When every bench begins.
pub const START: &str = "2026-01-20T12:00:30Z";
/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a client sends a request again before it gives up.
const TRIES: usize = 8;

/// The rate limits of all services.
const LIMITS: [&str; 12] = [
    "RATE_AUTH",
    "RATE_API",
    "RATE_PAYMENT",
    "RATE_PUBLIC",
    "RATE_WEBHOOK",
    "RATE_READ",
    "RATE_POLL",
    "RATE_ANON",
    "RATE_ORDER",
    "RATE_TAKE",
    "RATE_SETTINGS",
    "RATE_REVIEW",
];

/// A stack under test.
pub struct Bench {
    pub stack: Arc<Running>,
    /// The one service of the stack.
    service: &'static str,
    http: reqwest::Client,
}

/// Status and body of an answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Bench {
    /// A new stack of the club, its clock standing still, its limits out of the way.
    pub async fn start() -> Self {
        Self::start_with(|options| options).await
    }

    pub async fn start_with(change: impl FnOnce(Options) -> Options) -> Self {
        Self::of("club", change).await
    }

    /// The same of errands.
    pub async fn errands() -> Self {
        Self::of("errands", |options| options).await
    }

    /// The same of any service, with options of the test's own.
    pub async fn of(service: &'static str, change: impl FnOnce(Options) -> Options) -> Self {
        let options = Options::memory().service(service).frozen_at(START.parse().unwrap());
        let options = LIMITS.iter().fold(options, |options, name| options.set(name, "1000000/1"));
        // What a function does is its own: counters are kept by every role alike.
        let options = options.set("COUNTERS", "off");
        let stack = Stack::start(change(options)).await.expect("the stack starts");
        Self { stack: Arc::new(stack), service, http: reqwest::Client::new() }
    }

    /// One request, sent once.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let url = format!("{}{path}", self.stack.api(self.service));
        let mut request = self.http.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.body(body.to_string());
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = response.text().await.unwrap_or_default();
        Reply { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    /// One request, sent again as a client would until something other than a failure comes.
    pub async fn insist(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        for _ in 0..TRIES {
            let killed = self.killed();
            let reply = self.send(method, path, headers, body).await;
            if self.killed() > killed {
                // Whatever it says, a client of a dead process would not have read it.
            } else if reply.status < 500 {
                return reply;
            } else if reply.headers.contains_key("retry-after") {
                // Somebody else's intent may have to grow old before it can be replaced.
                self.advance(9).await;
            }
        }
        panic!("{method} {path}: only failures");
    }

    /// One request, sent again while another call is at the same work. The clock stands still
    /// meanwhile: moved, it would run out for that call, which another would then take over.
    pub async fn outwait(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = self.send(method, path, headers, body).await;
            if reply.status != 503 {
                return reply;
            }
            assert!(Instant::now() < deadline, "{method} {path}: {}", reply.body);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Launch data of the user `id`, as the value of `Authorization`. Where a service takes either
    /// scheme, people come with either.
    pub fn launch(&self, id: i64) -> String {
        self.launch_as(id, "Анна")
    }

    /// The same of somebody with this first name.
    pub fn launch_as(&self, id: i64, name: &str) -> String {
        let token = BotToken::parse(&self.secret("TELEGRAM_BOT_TOKEN")).unwrap();
        let now = self.stack.clock().now().as_second().to_string();
        let user = json!({ "id": id, "first_name": name }).to_string();
        let scheme = if self.service == "errands" && id % 2 == 1 { "Bearer" } else { "tma" };
        format!("{scheme} {}", sign(&[("auth_date", &now), ("user", &user)], &token))
    }

    pub fn secret(&self, name: &str) -> String {
        self.stack.secrets().get(self.service, name)
    }

    /// Moves the clock and lets everything happen that falls due.
    pub async fn advance(&self, seconds: u64) {
        let step = Move { advance_seconds: Some(seconds), set: None, frozen: None, catch_up: None };
        self.stack.move_clock(step).await.expect("the clock moves");
        assert!(self.stack.idle(PATIENCE).await, "the stack comes to rest");
    }

    /// The same with every schedule running once, as it last fell due: what many idle runs would do
    /// over again.
    pub async fn pass(&self, seconds: u64) {
        let last = Some(CatchUp::Last);
        let step = Move { advance_seconds: Some(seconds), set: None, frozen: None, catch_up: last };
        self.stack.move_clock(step).await.expect("the clock moves");
        assert!(self.stack.idle(PATIENCE).await, "the stack comes to rest");
    }

    /// Lets every redelivery, sweep and schedule of the next hours happen. The last step is for what
    /// falls due at the end of the one before it, and may have to be done twice.
    pub async fn converge(&self) {
        for seconds in [60, 240, 900, 3_600, 600] {
            self.advance(seconds).await;
        }
    }

    /// Makes a process die at this point, its calls counted from now on. Whoever is invoked next is a
    /// new process.
    pub fn kill(&self, point: &Point) {
        let faults = self.stack.engine().faults();
        faults.clear();
        faults.reset_counts();
        let caller = Some(format!("local-{}", point.function));
        faults.crash(CrashPlan { caller, at: point.at, mode: point.mode });
    }

    /// How many processes were killed.
    pub fn killed(&self) -> u64 {
        self.stack.engine().faults().revived()
    }

    /// How many calls each function made since the counts were reset.
    pub fn calls(&self) -> Vec<(String, u64)> {
        let faults = self.stack.engine().faults();
        let functions = self.stack.wiring().functions.keys();
        functions.map(|name| (name.clone(), faults.seen(Some(&format!("local-{name}"))))).collect()
    }

    /// Every item of the table as plain JSON, past every layer of the service.
    pub async fn items(&self) -> Vec<Map<String, Value>> {
        self.images().await.iter().map(plain_item).collect()
    }

    /// Every item of the table as its stream shows it.
    pub async fn images(&self) -> Vec<Value> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut body = json!({});
            if !start.is_null() {
                body["ExclusiveStartKey"] = start;
            }
            let page = self.inspect("Scan", body).await;
            items.extend(page["Items"].as_array().expect("items").iter().cloned());
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }

    /// Puts an item, as its stream shows it, past every layer of the service.
    pub async fn put(&self, image: &Value) {
        self.inspect("PutItem", json!({ "Item": image })).await;
    }

    async fn inspect(&self, operation: &str, mut body: Value) -> Value {
        let table = &self.stack.wiring().tables.first().expect("a table").name;
        body["TableName"] = table.as_str().into();
        let call = engine::Call {
            service: engine::Service::Dynamodb,
            operation: operation.to_owned(),
            body: body.to_string().into(),
            caller: "inspector".to_owned(),
        };
        let engine::Reply::Answer(answer) = self.stack.engine().call(call).await else {
            panic!("the inspector gets an answer");
        };
        assert_eq!(answer.status, 200, "{operation}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Makes the payment provider answer every call with a failure, or stop doing so.
    pub async fn provider_fails(&self, fails: bool) {
        let fault = json!({ "target": "provider", "kind": "error", "rate": 1.0, "seed": 1 });
        match fails {
            true => self.desk("POST", "faults", &fault).await,
            false => self.desk("DELETE", "faults", &Value::Null).await,
        };
    }

    /// A call of the desk, and its answer.
    pub async fn desk(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/_local/{path}", self.stack.base_url);
        let request = self.http.request(method.parse().unwrap(), url);
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let response = request.send().await.expect("an answer");
        assert!(response.status().is_success(), "{path}: {}", response.status());
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// What the bot sent to a chat, but for what new members are told by the clock.
    pub async fn messages(&self, chat: i64) -> Vec<String> {
        let path = format!("telegram/messages?chat_id={chat}");
        let body = self.desk("GET", &path, &Value::Null).await;
        let texts = body["messages"].as_array().expect("messages").iter();
        let texts = texts.map(|message| message["text"].as_str().unwrap_or_default().to_owned());
        texts.filter(|text| !tests::is_of_onboarding(text)).collect()
    }
}

fn plain_item(item: &Value) -> Map<String, Value> {
    let attributes = item.as_object().expect("an item").iter();
    attributes.map(|(name, value)| (name.clone(), plain(value))).collect()
}

fn plain(value: &Value) -> Value {
    let (kind, inner) = value.as_object().and_then(|map| map.iter().next()).expect("an attribute");
    match kind.as_str() {
        "N" => inner.as_str().and_then(|n| n.parse::<i64>().ok()).map_or(Value::Null, Value::from),
        "M" => Value::Object(plain_item(inner)),
        "L" => inner.as_array().expect("a list").iter().map(plain).collect(),
        "NULL" => Value::Null,
        _ => inner.clone(),
    }
}
