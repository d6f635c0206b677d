//! A world: the system, and what tests may do with it from outside.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use crate::http::{Answer, Call};
use crate::stack::{self, Running};
use crate::{Member, Person, User};

/// When a world begins, unless told otherwise: a Tuesday, 15:00 in Moscow.
pub const START: &str = "2026-01-20T12:00:00Z";
/// The mini-app's origin.
pub const ORIGIN: &str = "https://app.example.com";
/// How long a state is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The system and its surroundings; clones are the same world.
#[derive(Clone, Debug)]
pub struct World {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    running: Running,
    /// Added to Telegram ids, so that runs against one deployed system do not meet.
    offset: i64,
}

impl World {
    /// Any world: the deployed one if there is one, else one of its own with a frozen clock.
    pub async fn any() -> Self {
        match stack::deployed() {
            Some(running) => {
                let offset = Timestamp::now().as_millisecond().rem_euclid(1_000_000_000) * 1_000;
                Self::over(running, offset)
            }
            None => Self::start("club", &[]).await,
        }
    }

    /// A world of its own; none where the system is deployed elsewhere. `CLOCK` among the
    /// settings is the instant it begins at.
    pub async fn local(settings: &[(&str, &str)]) -> Option<Self> {
        if stack::deployed().is_some() {
            skipped();
            return None;
        }
        Some(Self::start("club", settings).await)
    }

    /// A world of errands, as [`World::local`] is one of the club.
    pub async fn errands(settings: &[(&str, &str)]) -> Option<Self> {
        if stack::deployed().is_some() {
            skipped();
            return None;
        }
        Some(Self::start("errands", settings).await)
    }

    async fn start(service: &'static str, settings: &[(&str, &str)]) -> Self {
        let mut all = vec![("CLOCK", START), ("CORS_ORIGIN", ORIGIN)];
        all.retain(|(name, _)| !settings.iter().any(|(own, _)| own == name));
        all.extend_from_slice(settings);
        Self::over(stack::start(service, &all).await, 0)
    }

    fn over(running: Running, offset: i64) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(60))
            .pool_max_idle_per_host(64)
            .build()
            .expect("a client");
        Self { inner: Arc::new(Inner { http, running, offset }) }
    }

    /// Has it a clock to move and faults to inject?
    #[must_use]
    pub fn has_desk(&self) -> bool {
        self.inner.running.desk.is_some()
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.inner.http
    }

    pub(crate) fn running(&self) -> &Running {
        &self.inner.running
    }

    /// A secret by its plain name, such as `SANDBOX_SECRET`.
    #[must_use]
    pub fn secret(&self, name: &str) -> &str {
        self.inner.running.secrets.get(name).map_or("", String::as_str)
    }

    /// The bot's token.
    #[must_use]
    pub fn bot_token(&self) -> &str {
        self.secret("TELEGRAM_BOT_TOKEN")
    }

    /// Someone with a Telegram account.
    #[must_use]
    pub fn user(&self, id: i64, name: &str) -> User {
        User { world: self.clone(), id: self.inner.offset + id, name: name.to_owned() }
    }

    /// Someone who has signed in.
    pub async fn member(&self, id: i64, name: &str) -> Member {
        self.user(id, name).sign_in().await
    }

    /// A person who opens the mini-app of errands.
    pub async fn person(&self, id: i64, name: &str) -> Person {
        let user = self.user(id, name);
        let init_data = user.init_data().await;
        Person { user, init_data }
    }

    /// A call to the service.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self, method, path)
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// `POST` with a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Call {
        self.call("POST", path).json(body)
    }

    /// Signs in with this initData.
    pub async fn login(&self, init_data: &str) -> Answer {
        self.post("/api/v1/auth/telegram", &json!({"initData": init_data})).await
    }

    /// A delivery of the payment provider with its secret.
    pub fn webhook(&self, body: &Value) -> Call {
        self.post("/api/webhooks/sandbox/payment", body)
            .header("x-sandbox-secret", self.secret("SANDBOX_SECRET"))
    }

    /// Waits until `state` answers something.
    pub async fn until<T, F>(&self, what: &str, state: impl Fn() -> F) -> T
    where
        F: Future<Output = Option<T>>,
    {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.has_desk() {
                self.idle().await;
            }
            if let Some(found) = state().await {
                return found;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}");
            // A deployed system has no call that answers when it is idle.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    pub(crate) async fn exchange(&self, call: &Call) -> Answer {
        let request = call.request(self.http(), &self.inner.running.root);
        let response = request.send().await.unwrap_or_else(|error| {
            panic!("{}: {error}", call.title());
        });
        Answer::read(self.inner.running.service, call.title(), response).await
    }

    /// What holds for every answer: it is no 500, and no secret is in it.
    #[track_caller]
    pub(crate) fn inspect(&self, answer: &Answer) {
        if answer.status >= 500 && !matches!(answer.status, 502 | 503) {
            panic!("{answer}\n{}", self.inner.running.last_words());
        }
        let shown = format!("{:?} {}", answer.headers, answer.text());
        let secrets = self.inner.running.secrets.iter();
        for (name, secret) in secrets.filter(|(_, secret)| !secret.is_empty()) {
            assert!(!shown.contains(secret.as_str()), "{name} in the answer to {}", answer.call);
        }
    }
}

/// Sends `count` calls at once and answers what they got.
pub async fn at_once(count: usize, call: impl Fn(usize) -> Call) -> Vec<Answer> {
    let running: Vec<_> = (0..count).map(|n| tokio::spawn(call(n).send())).collect();
    let mut answers = Vec::with_capacity(count);
    for one in running {
        answers.push(one.await.expect("a call"));
    }
    answers
}

#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn skipped() {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("{test} is skipped: a deployed system has neither clock nor faults");
}
