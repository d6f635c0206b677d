//! Orders against the embedded engine.

mod clock;
mod crashes;
mod ending;
mod http;
mod invariants;
mod keys;
mod making;
mod races;
mod rules;
mod sabotage;
mod taking;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::meter::{Cost, Meter};
use shared::problem::Problem;
use shared::table::{Entity, Item, Key};

use super::category::Category;
use super::create::{Draft, create};
use super::edit::{Changes, delete, update};
use super::items::{Order, Status};
use super::respond::{Act, act};
use super::take::take;
use super::{deadline, sweep};
use crate::App;
use crate::events::DeadlineHint;
use crate::money::{Change, Kind, Kopecks, Reason};
use crate::testing::World;
use crate::users::User;

/// Everybody's client in these tests.
const CLIENT: i64 = 1_000_000_001;
/// The first of its executors.
const EXECUTOR: i64 = 1_000_000_002;

/// What a use case answered, and what it cost.
#[derive(Clone, Debug)]
struct Told {
    status: u16,
    body: Value,
    cost: Cost,
}

impl Told {
    async fn read(answer: Answer, cost: Cost) -> Self {
        match answer {
            Ok(response) => {
                let status = response.status().as_u16();
                let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
                let body = match bytes.is_empty() {
                    true => Value::Null,
                    false => serde_json::from_slice(&bytes).unwrap(),
                };
                Self { status, body, cost }
            }
            Err(problem) => Self { status: problem.status().as_u16(), body: told(&problem), cost },
        }
    }

    fn id(&self) -> String {
        assert_eq!(self.status, 201, "{}", self.body);
        self.body["id"].as_str().unwrap().to_owned()
    }

    fn code(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }
}

fn told(problem: &Problem) -> Value {
    json!({ "code": problem.code(), "detail": problem.message() })
}

/// A service with a client and as many executors as are asked for.
#[derive(Clone)]
struct Market {
    world: Arc<World>,
}

impl Market {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let market = Self { world: Arc::new(World::with(settings).await) };
        market.user(CLIENT, 0).await;
        market
    }

    /// The same market under a service that was configured anew.
    async fn configured(&self, settings: &[(&str, &str)]) -> Self {
        Self { world: Arc::new(self.world.with_changed(settings).await) }
    }

    /// A market with `count` executors of so many rubles each.
    async fn of(count: i64, rubles: i64) -> Self {
        let market = Self::open().await;
        for executor in EXECUTOR..EXECUTOR + count {
            market.user(executor, rubles).await;
        }
        market
    }

    fn app(&self) -> &App {
        &self.world.app
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn pass(&self, time: Duration) {
        self.world.pass(time);
    }

    /// Makes a user who has topped up by so many rubles.
    async fn user(&self, id: i64, rubles: i64) {
        let now = self.now();
        let record = json!({
            "id": id, "first_name": "Анна", "profile_at": 0, "created_at": now.to_string(),
        });
        let user: User = serde_json::from_value(record).unwrap();
        self.world.put(&user).await;
        if rubles > 0 {
            let reason = Reason {
                kind: Kind::Recharge,
                cause: "seed".to_owned(),
                order_id: None,
                payment_method: None,
                description: None,
            };
            let change = Change::of(&user, Kopecks::of_rubles(rubles), reason, now).unwrap();
            let writes = vec![change.balance(), change.line()];
            self.world.table().transact(writes).await.unwrap();
        }
    }

    async fn record(&self, id: i64) -> User {
        self.world.user(id).await
    }

    async fn balance(&self, id: i64) -> i64 {
        self.record(id).await.balance / 100
    }

    async fn order(&self, id: &str) -> Order {
        super::find(self.world.table(), id).await.unwrap().unwrap()
    }

    async fn metered(&self, work: impl Future<Output = Answer>) -> Told {
        let meter = Meter::default();
        meter.enter_function();
        let answer = meter.watch(work).await;
        Told::read(answer, meter.function()).await
    }

    async fn create(&self, draft: &Draft) -> Told {
        self.create_as(CLIENT, draft).await
    }

    async fn create_as(&self, client: i64, draft: &Draft) -> Told {
        self.create_by(&self.record(client).await, draft).await
    }

    /// The same with the record as it was read before.
    async fn create_by(&self, client: &User, draft: &Draft) -> Told {
        let key = Idempotency::none();
        self.metered(create(self.app(), client, draft, &key, self.now())).await
    }

    /// Makes the everyday order.
    async fn post(&self) -> String {
        self.create(&draft("@ivan_123")).await.id()
    }

    async fn take(&self, id: &str, executor: i64) -> Told {
        self.take_by(id, &self.record(executor).await).await
    }

    /// The same with the record as it was read before.
    async fn take_by(&self, id: &str, executor: &User) -> Told {
        let key = Idempotency::none();
        self.metered(take(self.app(), executor, id, &key, self.now())).await
    }

    /// Has so many executors take the order.
    async fn take_all(&self, id: &str, count: i64) {
        for executor in EXECUTOR..EXECUTOR + count {
            let told = self.take(id, executor).await;
            assert_eq!(told.status, 200, "{}", told.body);
        }
    }

    async fn act(&self, id: &str, what: Act) -> Told {
        self.act_as(CLIENT, id, what).await
    }

    async fn act_as(&self, caller: i64, id: &str, what: Act) -> Told {
        let key = Idempotency::none();
        self.metered(act(self.app(), caller, id, what, &key, self.now())).await
    }

    async fn update(&self, id: &str, changes: &Changes) -> Told {
        self.metered(update(self.app(), CLIENT, id, changes, self.now())).await
    }

    async fn delete(&self, id: &str) -> Told {
        self.metered(delete(self.app(), CLIENT, id, self.now())).await
    }

    async fn sweep(&self) -> Value {
        self.world.tick(sweep()).await.unwrap()
    }

    /// Puts the hint of a deadline into its queue, so many times, and delivers what is there.
    async fn remind(&self, id: &str, times: usize) -> (usize, usize) {
        let queue = self.app().queues.deadlines.as_ref().unwrap();
        for _ in 0..times {
            let hint = DeadlineHint { order_id: id.to_owned(), v: crate::events::V1 };
            queue.send(&hint, jiff::SignedDuration::ZERO).await.unwrap();
        }
        self.world.deliver(deadline(), "deadlines").await
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    /// All events that are not published, in their rows or carried, as the table has them.
    async fn events(&self) -> Vec<Value> {
        let rows = [self.world.items("OutboxEvent").await, self.world.items("OwnedOrder").await];
        let events = rows.iter().flatten().filter_map(|row| row.get("event"));
        events.map(|event| event["M"].clone()).collect()
    }

    async fn read<E: Entity>(&self) -> Vec<E> {
        let mut found = Vec::new();
        for item in self.world.items(E::KIND).await {
            let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
            let item: Option<Item> = self.world.item(&Key::new(text("pk"), text("sk"))).await;
            found.push(item.unwrap().read().unwrap());
        }
        found
    }
}

fn draft(contact: &str) -> Draft {
    Draft {
        category: Category::Plumbing,
        description: "Течёт кран на кухне, нужен мастер в течение часа".to_owned(),
        city: "Москва".to_owned(),
        contact: contact.to_owned(),
    }
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}
