//! What the scenes of these tests have in common.

use serde_json::{Value, json};
use tests::{Answer, InitData, Person, World, job};

/// A world where nobody is too fast.
macro_rules! busy {
    ($($name:literal => $value:expr),* $(,)?) => {
        tests::errands!(
            "RATE_READ" => "1000000/60", "RATE_POLL" => "1000000/60", "RATE_ANON" => "1000000/60",
            "RATE_ORDER" => "1000000/60", "RATE_TAKE" => "1000000/60",
            "RATE_SETTINGS" => "1000000/60", "RATE_REVIEW" => "1000000/60",
            "RATE_PAYMENT" => "1000000/60", $($name => $value),*
        )
    };
}
pub(crate) use busy;

/// An id of the right shape that no order has.
pub(crate) const NO_ORDER: &str = "AAAAAAAAAAAA";

/// Someone with 100 rubles.
pub(crate) async fn rich(world: &World, id: i64) -> Person {
    let person = world.person(id, &format!("Мастер {id}")).await;
    person.recharges(100).await;
    person
}

/// Three executors with 100 rubles each.
pub(crate) async fn brigade(world: &World) -> Vec<Person> {
    vec![rich(world, 11).await, rich(world, 12).await, rich(world, 13).await]
}

/// Someone whom Telegram describes so, at this moment.
pub(crate) async fn described(world: &World, profile: &Value) -> Person {
    let id = profile["id"].as_i64().unwrap();
    let user = world.user(id, profile["first_name"].as_str().unwrap_or_default());
    let now_s = world.now().await.as_second();
    let init_data = InitData::new(profile, now_s).signed(world.bot_token());
    Person { user, init_data }
}

/// Takes an order, which must succeed.
pub(crate) async fn takes(executor: &Person, order: &str) -> Value {
    executor.act(order, "take").await.ok()
}

/// A new order that all of them have taken.
pub(crate) async fn taken(client: &Person, contact: &str, executors: &[Person]) -> String {
    let order = client.posts(&job(contact)).await;
    for executor in executors {
        takes(executor, &order).await;
    }
    order
}

/// An order that all of them have taken and its client has completed.
pub(crate) async fn completed(client: &Person, contact: &str, executors: &[Person]) -> String {
    let order = taken(client, contact, executors).await;
    client.act(&order, "complete").await.is(200);
    order
}

/// Moves the clock by so many seconds with each schedule fired once, at its last time.
pub(crate) async fn leap(world: &World, seconds: u64) {
    let change = json!({"advance_seconds": seconds, "catch_up": "last"});
    world.desk_post("clock", &change).await;
}

/// Moves the clock to an instant with each schedule fired once, at its last time.
pub(crate) async fn jump(world: &World, instant: &str) {
    world.desk_post("clock", &json!({"set": instant, "catch_up": "last"})).await;
}

/// Lets every call of this function to the table fail until the world is healed.
pub(crate) async fn stop(world: &World, function: &str) {
    let fault = json!({"target": "dynamodb", "kind": "error", "function": function});
    world.desk_post("faults", &fault).await;
}

/// The ids of a list's orders.
pub(crate) fn ids(list: &Value) -> Vec<String> {
    let orders = list["orders"].as_array().unwrap_or_else(|| panic!("no orders: {list}"));
    orders.iter().map(|order| order["id"].as_str().unwrap().to_owned()).collect()
}

/// The names of an object's fields, sorted.
pub(crate) fn fields(object: &Value) -> Vec<&str> {
    let object = object.as_object().unwrap_or_else(|| panic!("no object: {object}"));
    let mut names: Vec<&str> = object.keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

/// How many of the answers have this status.
pub(crate) fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

/// The texts the bot has written to someone, oldest first, all slots of the pace passed.
pub(crate) async fn told(person: &Person) -> Vec<String> {
    let messages = person.messages().await;
    messages.iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// Amounts of the ledger's newest page, oldest first.
pub(crate) async fn amounts(person: &Person) -> Vec<i64> {
    let ledger = person.ledger().await;
    ledger.iter().rev().map(|entry| entry["amount"].as_i64().unwrap()).collect()
}

/// How often the money of a take has come back.
pub(crate) async fn refunds(person: &Person, order: &str) -> usize {
    let ledger = person.ledger().await;
    let of_order = ledger.iter().filter(|entry| entry["order_id"] == order);
    of_order.filter(|entry| entry["type"] == "refund").count()
}

/// The error of a field, by the validation's list.
#[track_caller]
pub(crate) fn invalid(answer: &Answer, field: &str) {
    let body = answer.problem(422, "validation_failed");
    let errors = body["errors"].as_array().unwrap_or_else(|| panic!("no errors: {answer}"));
    assert!(errors.iter().any(|error| error["field"] == field), "{field}: {answer}");
    let messages: Vec<&str> =
        errors.iter().map(|error| error["message"].as_str().unwrap()).collect();
    assert_eq!(body["detail"], messages.join("; "), "{answer}");
}
