//! A town: a world with a bot, people who want to hear of orders, and everything that follows a
//! commit carried on by hand.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::Instant;
use shared::function::Function;
use shared::table::{Entity as _, Write};

use super::bot::Bot;
use crate::events::{Event, OrderFacts, emit};
use crate::notify::{self, Notice};
use crate::orders::{Category, CityKey, ContactKey, Order, Status};
use crate::testing::{TABLE, World};
use crate::users::User;
use crate::{App, events};

/// The author of every order, unless a test says otherwise.
pub(crate) const CLIENT: i64 = 4_300_000_001;
/// The category of every order, unless a test says otherwise.
pub(crate) const CATEGORY: Category = Category::Cleaning;
/// The city of every order, unless a test says otherwise.
pub(crate) const CITY: &str = "Нижний Новгород";

pub(crate) struct Town {
    pub(crate) world: World,
    pub(crate) bot: Bot,
    /// How far the change stream has been read.
    read: Mutex<Option<Value>>,
}

impl Town {
    pub(crate) async fn open() -> Self {
        Self::with(&[]).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        let (bot, url) = Bot::start().await;
        let mut all = vec![("TELEGRAM_API_URL", url.as_str())];
        all.extend_from_slice(settings);
        let world = World::with(&all).await;
        let town = Self { world, bot, read: Mutex::new(None) };
        town.world.known(CLIENT, "Анна").await;
        town
    }

    /// Somebody who wants to hear of every order of the town, with the index following.
    pub(crate) async fn subscriber(&self, id: i64) -> User {
        let user = self.world.known(id, "Иван").await;
        let user = User {
            notifications: true,
            categories: vec![CATEGORY.name().to_owned()],
            cities: vec![CITY.to_owned()],
            ..user
        };
        self.world.put(&user).await;
        self.follow().await;
        user
    }

    /// Changes a user's record.
    pub(crate) async fn change(&self, id: i64, change: impl FnOnce(&mut User)) {
        let mut user = self.world.user(id).await;
        change(&mut user);
        self.world.put(&user).await;
    }

    /// An order made now, as creation would: with its event.
    pub(crate) async fn order(&self, n: u32) -> Order {
        let order = order(n, self.world.now());
        self.post(&order).await;
        order
    }

    /// Puts an order with its event.
    pub(crate) async fn post(&self, order: &Order) {
        let event = Event::OrderCreated { order: facts(order) };
        self.put_with(order, event).await;
    }

    /// Puts an order as a change has left it, with the event of the change.
    pub(crate) async fn put_with(&self, order: &Order, event: Event) {
        let event = emit(event, self.world.now()).unwrap();
        self.world.table().transact(vec![Write::put("order", order), event]).await.unwrap();
    }

    /// Lets seconds pass.
    pub(crate) fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// What the change stream has told since the last time, as an event of those of one kind.
    pub(crate) async fn changes(&self) -> Changes {
        let read = self.read.lock().unwrap().take();
        let iterator = match read {
            Some(iterator) => iterator,
            None => self.beginning().await,
        };
        let mut records = Vec::new();
        let mut next = iterator;
        loop {
            let answer = self.stream("GetRecords", &json!({ "ShardIterator": next })).await;
            let some = answer["Records"].as_array().unwrap().clone();
            next = answer["NextShardIterator"].clone();
            if some.is_empty() {
                break;
            }
            records.extend(some);
        }
        *self.read.lock().unwrap() = Some(next);
        Changes(records)
    }

    async fn beginning(&self) -> Value {
        let streams = self.stream("ListStreams", &json!({ "TableName": TABLE })).await;
        let arn = &streams["Streams"][0]["StreamArn"];
        let described = self.stream("DescribeStream", &json!({ "StreamArn": arn })).await;
        let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
        let from = json!({
            "StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        self.stream("GetShardIterator", &from).await["ShardIterator"].clone()
    }

    async fn stream(&self, operation: &str, body: &Value) -> Value {
        let call = engine::Call {
            service: engine::Service::DynamodbStreams,
            operation: operation.to_owned(),
            body: body.to_string().into(),
            caller: "tests".to_owned(),
        };
        let engine::Reply::Answer(answer) = self.world.engine.call(call).await else {
            panic!("no answer")
        };
        assert_eq!(answer.status, 200, "{operation}: {:?}", answer.body);
        serde_json::from_slice(&answer.body).unwrap()
    }

    /// Tells a stream's consumer of changes; they must not fail.
    pub(crate) async fn tell(&self, function: Function<App>, event: &Value) {
        let instance = self.world.start(function).await;
        let answer = self.world.run(&instance, event).await.0.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]));
    }

    /// The consumers of the stream follow what has been committed.
    pub(crate) async fn follow(&self) {
        loop {
            let changes = self.changes().await;
            if changes.0.is_empty() {
                return;
            }
            self.tell(notify::index(), &changes.of("User")).await;
            for kind in ["OutboxEvent", "OwnedOrder", "GivenId"] {
                self.tell(events::relay(), &changes.of(kind)).await;
            }
        }
    }

    /// Everything that can be done now is done.
    pub(crate) async fn settle(&self) {
        for _ in 0..200 {
            self.follow().await;
            let fanned = self.world.deliver(notify::fanout(), "fanout").await.0;
            let flushed = self.world.deliver(notify::digest(), "digests").await.0;
            let sent = self.world.deliver(notify::send(), "notices").await.0;
            if fanned + flushed + sent == 0 && self.changes().await.0.is_empty() {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// The same, second by second.
    pub(crate) async fn run(&self, seconds: u64) {
        self.settle().await;
        for _ in 0..seconds {
            self.pass(1);
            self.settle().await;
        }
    }

    /// Asks for a notice and has it hinted at.
    pub(crate) async fn ask(&self, notice: &Notice) {
        notify::ask(&self.world.app, vec![notice.clone()]).await.unwrap();
    }

    /// The notice as it stands.
    pub(crate) async fn notice(&self, id: &str) -> Notice {
        self.world.table().get(&Notice::key_of(id)).await.unwrap().unwrap()
    }
}

/// Records of the change stream.
pub(crate) struct Changes(pub(crate) Vec<Value>);

impl Changes {
    /// The event that a consumer of this kind of items gets.
    pub(crate) fn of(&self, kind: &str) -> Value {
        let image = |record: &Value, image: &str| {
            record["dynamodb"][image]["kind"]["S"].as_str().map(str::to_owned)
        };
        let wanted = |record: &&Value| {
            image(record, "NewImage").or(image(record, "OldImage")).as_deref() == Some(kind)
        };
        let records = self.0.iter().filter(wanted).map(|record| {
            let mut record = record.clone();
            record["awsRegion"] = "us-east-1".into();
            record
        });
        json!({ "Records": records.collect::<Vec<_>>() })
    }
}

/// The order number `n`, made at this instant.
pub(crate) fn order(n: u32, created_at: Instant) -> Order {
    let contact = ContactKey::of(&format!("@ivan_{n:04}"));
    let order = Order {
        id: format!("order-{n:06}"),
        client_id: CLIENT,
        category: CATEGORY.name().to_owned(),
        description: "Помыть окна на пятом этаже".to_owned(),
        city: CITY.to_owned(),
        city_key: CityKey::of(CITY).into(),
        contact: format!("@ivan_{n:04}"),
        contact_kind: contact.kind().name().to_owned(),
        contact_key: contact.digest(),
        created_at,
        expires_in_minutes: 60,
        status: Status::Active,
        taken_by: Vec::new(),
        response_deadline: None,
        customer_responded_at: None,
        end_at: created_at,
        review: None,
        version: 1,
    };
    Order { end_at: order.ends_at(), ..order }
}

/// What events say of an order.
pub(crate) fn facts(order: &Order) -> OrderFacts {
    OrderFacts {
        order_id: order.id.clone(),
        client_id: order.client_id,
        category: order.category.clone(),
        city: order.city.clone(),
        city_key: order.city_key.clone(),
        executors: order.taken_by.iter().map(|take| take.executor_id).collect(),
    }
}

/// The text that offers an order.
pub(crate) fn offer(n: u32) -> String {
    format!(
        "🔔 Новый заказ в категории «Клининг» в городе Нижний Новгород!\n\n\
         https://t.me/errands_test_bot?startapp=order_order-{n:06}"
    )
}

/// The text of a digest of these orders.
pub(crate) fn digest_of(orders: &[u32]) -> String {
    let mut text = format!("🔔 Новых заказов: {}\n", orders.len());
    for n in orders {
        text.push_str(&format!(
            "\n• Клининг, Нижний Новгород: \
             https://t.me/errands_test_bot?startapp=order_order-{n:06}"
        ));
    }
    text
}

#[tokio::test]
async fn keys_of_the_town_agree() {
    let order = order(7, "2026-11-22T12:00:00Z".parse().unwrap());
    assert_eq!(order.key().pk, "ORDER#order-000007");
    assert!(Order::is_id(&order.id));
}
