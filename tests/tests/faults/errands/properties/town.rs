//! A town: a stack with errands, and people who use it over HTTP, many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use local::Options;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shared::telegram::{BotToken, sign};

use crate::bench::Bench;
use crate::storm::asks::Wire;
pub use crate::storm::asks::{Answer, Ask};

/// How long a request is sent again that finds others at the same work.
const PATIENCE: Duration = Duration::from_secs(60);
/// The first person of a town: beyond 32 bits, as real ids are.
const FIRST: i64 = 5_000_000_000;

/// A stack, and who lives there.
pub struct Town {
    pub bench: Bench,
    http: reqwest::Client,
    wire: Wire,
    next: AtomicI64,
}

/// Somebody with the mini-app open.
#[derive(Clone)]
pub struct Person {
    pub town: Arc<Town>,
    pub id: i64,
}

impl Town {
    pub async fn open() -> Arc<Self> {
        Self::over(Bench::errands().await)
    }

    /// A town where money is real.
    pub async fn open_for_real() -> Arc<Self> {
        Self::open_with(|options| options.set("PAYMENTS_SANDBOX", "false")).await
    }

    /// A town with options of its own.
    pub async fn open_with(change: impl FnOnce(Options) -> Options) -> Arc<Self> {
        Self::over(Bench::of("errands", change).await)
    }

    fn over(bench: Bench) -> Arc<Self> {
        let wire = Wire::of(&bench, "errands");
        Arc::new(Self { bench, http: wire.client(), wire, next: AtomicI64::new(FIRST) })
    }

    /// Somebody whom the service has never seen.
    pub fn person(self: &Arc<Self>) -> Person {
        Person { town: self.clone(), id: self.next.fetch_add(1, Ordering::Relaxed) }
    }

    pub fn people(self: &Arc<Self>, count: usize) -> Vec<Person> {
        (0..count).map(|_| self.person()).collect()
    }

    pub fn now(&self) -> Timestamp {
        self.bench.stack.clock().now()
    }

    /// Moves the clock at once; what falls due begins while others go on.
    pub fn jump(&self, to: Timestamp) {
        // Another round may have been there before.
        let _ = self.bench.stack.clock().set(to);
    }

    /// One request, sent once; nothing where the connection breaks.
    pub async fn try_send(&self, ask: &Ask) -> Result<Answer, reqwest::Error> {
        self.wire.try_send(ask).await
    }

    pub async fn send(&self, ask: &Ask) -> Answer {
        self.try_send(ask).await.expect("an answer")
    }

    /// One request, sent again while the store is too contended to say anything.
    pub async fn insist(&self, ask: &Ask) -> Answer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.send(ask).await;
            if answer.status != 503 {
                return answer;
            }
            assert!(Instant::now() < deadline, "{} {}: {}", ask.method, ask.path, answer.text);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The control desk.
    pub async fn desk(&self, path: &str, body: &Value) -> Value {
        self.try_desk(path, body).await.unwrap_or_else(|| panic!("{path} is refused: {body}"))
    }

    /// The control desk; nothing where it refuses.
    pub async fn try_desk(&self, path: &str, body: &Value) -> Option<Value> {
        let url = format!("{}/_local/{path}", self.bench.stack.base_url);
        let request = self.http.post(url).body(body.to_string());
        let response = request.send().await.expect("the desk answers");
        let status = response.status();
        let text = response.text().await.expect("a text");
        status.is_success().then(|| serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Ends all faults.
    pub async fn heal(&self) {
        self.end("faults").await;
    }

    /// Telegram refuses nobody any more by rules of the desk.
    pub async fn end_rules(&self) {
        self.end("sandbox/telegram/rules").await;
    }

    async fn end(&self, path: &str) {
        let url = format!("{}/_local/{path}", self.bench.stack.base_url);
        assert!(
            self.http.delete(url).send().await.expect("the desk answers").status().is_success()
        );
    }

    /// A function's run by its schedule.
    pub async fn sweep(&self, function: &str) {
        let id = "00000000-0000-4000-8000-000000000001";
        let event = local::event::schedule(id, function, self.now());
        self.bench.stack.invoke(function, &event).await.expect("the sweep runs");
    }

    /// The hint that an order's response deadline has come.
    pub async fn hint_deadline(&self, order: &str) {
        let body = json!({ "order_id": order, "v": 1 }).to_string();
        let event = json!({ "Records": [{
            "messageId": "1", "receiptHandle": "r", "body": body, "md5OfBody": "",
            "attributes": { "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:0:test-errands-deadlines",
        }] });
        let answer = self.bench.stack.invoke("errands-orders-deadline", &event).await;
        let answer = answer.expect("the deadline is looked at");
        assert_eq!(answer["batchItemFailures"].as_array().map_or(0, Vec::len), 0, "{answer}");
    }

    /// A delivery of Crypto Bot, signed by the holder of `token`.
    pub fn crypto_signed(&self, body: &str, token: &str) -> Ask {
        let mut mac = Hmac::<Sha256>::new_from_slice(&Sha256::digest(token)).expect("any key");
        mac.update(body.as_bytes());
        let hex: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
        let ask = Ask::new("POST", "/api/balance/webhook/crypto-bot").raw(body);
        ask.header("crypto-pay-api-signature", hex)
    }

    pub fn crypto(&self, body: &str) -> Ask {
        self.crypto_signed(body, &self.bench.secret("CRYPTO_PAY_TOKEN"))
    }

    /// An update of the bot.
    pub fn update(&self, update: &Value) -> Ask {
        let secret = self.bench.secret("TELEGRAM_WEBHOOK_SECRET");
        let ask = Ask::new("POST", "/api/telegram/webhook").json(update);
        ask.header("x-telegram-bot-api-secret-token", secret)
    }
}

impl Person {
    /// Launch data of this instant with these fields besides the user's.
    pub fn launch(&self, name: &str, auth_date: i64, more: &[(&str, &str)]) -> String {
        let token = BotToken::parse(&self.town.bench.secret("TELEGRAM_BOT_TOKEN")).unwrap();
        let (date, user) =
            (auth_date.to_string(), json!({ "id": self.id, "first_name": name }).to_string());
        let mut fields = vec![("auth_date", date.as_str()), ("user", user.as_str())];
        fields.extend_from_slice(more);
        sign(&fields, &token)
    }

    pub fn ask(&self, method: &'static str, path: impl Into<String>) -> Ask {
        let launch = self.launch("Анна", self.town.now().as_second(), &[]);
        Ask::new(method, path).header("authorization", format!("tma {launch}"))
    }

    pub fn post(&self, path: impl Into<String>, body: &Value) -> Ask {
        self.ask("POST", path).json(body)
    }

    pub async fn get(&self, path: impl Into<String>) -> Answer {
        self.town.insist(&self.ask("GET", path)).await
    }

    pub async fn posts(&self, path: impl Into<String>, body: &Value) -> Answer {
        self.town.insist(&self.post(path, body)).await
    }

    /// `take`, `respond`, `complete` or `close`.
    pub fn acting(&self, order: &str, act: &str) -> Ask {
        self.ask("POST", format!("/api/orders/{order}/{act}"))
    }

    pub async fn act(&self, order: &str, act: &str) -> Answer {
        self.town.insist(&self.acting(order, act)).await
    }

    /// A job of theirs with this contact.
    pub fn job(&self, contact: &str) -> Value {
        json!({
            "category": "Сантехника", "city": "Москва", "contact": contact,
            "description": "Течёт кран на кухне, нужен мастер в течение часа",
        })
    }

    /// A contact that nobody else has.
    pub fn contact(&self) -> String {
        let number = self.town.next.fetch_add(1, Ordering::Relaxed);
        format!("@of{}_{number}", self.id)
    }

    /// Posts an order with a contact of its own; its id.
    pub async fn orders(&self) -> String {
        let made = self.posts("/api/orders", &self.job(&self.contact())).await;
        assert_eq!(made.status, 201, "{}", made.text);
        made.json()["id"].as_str().expect("an id").to_owned()
    }

    pub async fn recharge(&self, rubles: i64) {
        let done = self.posts("/api/balance/recharge", &json!({ "amount": rubles })).await;
        assert_eq!(done.status, 200, "{}", done.text);
    }

    pub async fn me(&self) -> Value {
        self.get("/api/users/me").await.json()
    }

    pub async fn balance(&self) -> i64 {
        self.get("/api/balance").await.json()["balance"].as_i64().unwrap_or(-1)
    }

    /// The ledger's lines of a kind, newest first.
    pub async fn lines(&self, kind: &str) -> Vec<Value> {
        let page = self.get(format!("/api/balance/transactions?limit=100&type={kind}")).await;
        page.json()["transactions"].as_array().cloned().unwrap_or_default()
    }

    /// The order as this person sees it; `null` where it is none to them.
    pub async fn sees(&self, order: &str) -> Value {
        let seen = self.get(format!("/api/orders/{order}")).await;
        if seen.status == 200 { seen.json() } else { Value::Null }
    }
}

/// Sends all of them at once, each from a task of its own; the answers in the order of the asks.
pub async fn at_once(town: &Arc<Town>, asks: Vec<Ask>) -> Vec<Answer> {
    let running = asks.into_iter().map(|ask| {
        let town = town.clone();
        tokio::spawn(async move { town.insist(&ask).await })
    });
    let answers = join_all(running.collect::<Vec<_>>()).await;
    answers.into_iter().map(|answer| answer.expect("a task")).collect()
}

/// How many answers have each status, such as `200×1 402×9`.
pub fn tally(answers: &[Answer]) -> String {
    let mut counts = std::collections::BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_insert(0) += 1;
    }
    let counts = counts.iter().map(|(status, count)| format!("{status}×{count}"));
    counts.collect::<Vec<_>>().join(" ")
}

/// Notes a violation where what was seen is not what must be.
pub fn must<T: PartialEq + std::fmt::Debug>(found: &mut Vec<String>, what: &str, seen: T, due: T) {
    if seen != due {
        found.push(format!("{what}: {seen:?} instead of {due:?}"));
    }
}

pub fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}
