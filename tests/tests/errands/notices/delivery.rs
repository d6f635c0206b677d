//! How notices get to Telegram (acceptance 15): who has blocked the bot, who must wait, how fast.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::{Person, World, at_once, job};

use super::{offer, posts, subscribe, subscriber, town};
use crate::payments::{telegram, update_id};

/// When each message went, oldest first.
async fn sent_at(world: &World) -> Vec<Timestamp> {
    world.idle().await;
    let sent = world.bot_calls("sendMessage").await;
    let mut at: Vec<Timestamp> =
        sent.iter().map(|message| message["at"].as_str().unwrap().parse().unwrap()).collect();
    at.sort_unstable();
    at
}

/// An order of this client that one executor after another takes.
async fn taken_by(client: &Person, executors: &[Person]) -> String {
    let order = client.posts(&job(&format!("@client_{}", client.id()))).await;
    at_once(executors.len(), |n| executors[n].act(&order, "take")).await;
    order
}

async fn executors(world: &World, count: i64) -> Vec<Person> {
    let mut executors = Vec::new();
    for id in 100..100 + count {
        let executor = world.person(id, "Пётр").await;
        executor.recharges(100).await;
        executors.push(executor);
    }
    executors
}

/// The settings as they are shown.
async fn enabled(person: &Person) -> bool {
    let settings = person.get("/api/users/me/notification-settings").await.is(200).json();
    settings["enabled"].as_bool().unwrap()
}

async fn block(world: &World, person: &Person) {
    world.bot_refuses(&json!({"chat_id": person.id(), "status": 403})).await;
}

/// Telegram says that somebody has blocked the bot (`kicked`) or taken it back (`member`).
async fn membership(person: &Person, status: &str) {
    let user = json!({"id": person.id(), "is_bot": false, "first_name": "Анна"});
    let bot = json!({"id": 7, "is_bot": true, "first_name": "errands"});
    let of = |status: &str| json!({"status": status, "user": bot});
    let was = if status == "member" { "kicked" } else { "member" };
    let update = json!({
        "update_id": update_id(),
        "my_chat_member": {
            "chat": {"id": person.id(), "type": "private", "first_name": "Анна"},
            "from": user, "date": 1_768_910_400,
            "old_chat_member": of(was), "new_chat_member": of(status),
        },
    });
    telegram(&person.user.world, &update).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_who_has_blocked_the_bot_is_left_alone() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let executors = executors(&world, 2).await;
    block(&world, &anna).await;
    posts(&client, 0, 1).await;
    world.advance(60).await;
    assert!(!enabled(&anna).await, "403 turns notices off");
    world.bot_recovers().await;
    // No notice of any kind: neither of an order to take nor of her own.
    posts(&client, 1, 1).await;
    let own = anna.posts(&job("@anna_123")).await;
    executors[0].act(&own, "take").await.is(200);
    world.advance(60).await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
    let settings = json!({"enabled": true});
    anna.put("/api/users/me/notification-settings", &settings).await.ok();
    world.advance(5).await;
    executors[1].act(&own, "take").await.is(200);
    let order = posts(&client, 2, 1).await.remove(0);
    let told = anna.notices().await;
    assert!(told.contains(&"🔧 Исполнитель взял ваш заказ «Сантехника» (2 из 3).".to_owned()));
    world.advance(700).await;
    let told = anna.notices().await;
    assert!(told.contains(&offer(&order)), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_who_takes_the_bot_back_is_told_again() {
    let world = town!();
    let anna = world.person(2, "Анна").await;
    let executors = executors(&world, 3).await;
    let order = anna.posts(&job("@anna_123")).await;
    block(&world, &anna).await;
    executors[0].act(&order, "take").await.is(200);
    world.advance(60).await;
    world.bot_recovers().await;
    executors[1].act(&order, "take").await.is(200);
    world.advance(60).await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
    membership(&anna, "member").await;
    executors[2].act(&order, "take").await.is(200);
    world.advance(5).await;
    assert_eq!(anna.notices().await, ["🔧 Исполнитель взял ваш заказ «Сантехника» (3 из 3)."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_the_bot_waits_as_long_as_it_is_told() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let wait = json!({"chat_id": anna.id(), "status": 429, "retry_after": 17, "times": 1});
    world.bot_refuses(&wait).await;
    let order = client.posts(&job("@ivan_123")).await;
    let refused = world.now().await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
    world.advance(16).await;
    assert_eq!(anna.notices().await, Vec::<String>::new(), "not yet");
    world.advance(4).await;
    assert_eq!(anna.notices().await, [offer(&order)]);
    let waited = sent_at(&world).await[0] - refused;
    let waited = SignedDuration::try_from(waited).unwrap();
    assert!(waited >= SignedDuration::from_secs(17), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_bot_api_that_is_down_is_tried_again() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let down = json!({"chat_id": anna.id(), "status": 502, "times": 3});
    world.bot_refuses(&down).await;
    let order = client.posts(&job("@ivan_123")).await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
    // 1, 2 and 4 seconds, and some for the pace.
    world.advance(10).await;
    assert_eq!(anna.notices().await, [offer(&order)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_another_refusal_is_final() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    world.bot_refuses(&json!({"chat_id": anna.id(), "status": 400, "times": 1})).await;
    posts(&client, 0, 1).await;
    world.advance(120).await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
    assert!(enabled(&anna).await, "400 does not turn notices off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_one_chat_gets_a_message_a_second() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    let executors = executors(&world, 3).await;
    for _ in 0..2 {
        let order = taken_by(&client, &executors).await;
        client.act(&order, "complete").await.is(200);
    }
    world.advance(15).await;
    let messages = client.messages().await;
    assert_eq!(messages.len(), 6, "{messages:?}");
    is_a_second_apart(&messages);
}

#[track_caller]
fn is_a_second_apart(messages: &[Value]) {
    let at = |message: &Value| -> Timestamp { message["at"].as_str().unwrap().parse().unwrap() };
    for pair in messages.windows(2) {
        let apart = SignedDuration::try_from(at(&pair[1]) - at(&pair[0])).unwrap();
        // A slot may be waited for inside the call that began up to half a second before it.
        assert!(apart >= SignedDuration::from_millis(500), "{apart:?}: {pair:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_all_chats_together_get_thirty_a_second() {
    const PEOPLE: i64 = 75;
    let world = town!();
    let client = world.person(1, "Иван").await;
    let mut people = Vec::new();
    for id in 1_000..1_000 + PEOPLE {
        people.push(world.person(id, "Анна").await);
    }
    let wishes = json!({"categories": ["Сантехника"], "cities": ["Москва"]});
    at_once(people.len(), |n| people[n].put("/api/users/me/preferences", &wishes)).await;
    let settings = json!({"enabled": true});
    at_once(people.len(), |n| people[n].put("/api/users/me/notification-settings", &settings))
        .await;
    world.advance(5).await;
    let order = client.posts(&job("@ivan_123")).await;
    world.advance(30).await;
    for person in &people {
        assert_eq!(person.notices().await, [offer(&order)], "{}", person.id());
    }
    let at = sent_at(&world).await;
    assert_eq!(at.len(), people.len());
    for (n, first) in at.iter().enumerate() {
        let end = *first + SignedDuration::from_secs(1);
        let within = at[n..].iter().take_while(|at| **at < end).count();
        assert!(within <= 30, "{within} from {first}");
    }
}

/// Somebody who wants everything, and is a client too.
#[tokio::test(flavor = "multi_thread")]
async fn a15_a_storm_loses_and_doubles_nothing() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    let mut people = Vec::new();
    for id in 2..8 {
        let person = world.person(id, "Анна").await;
        subscribe(&person, &["Сантехника"], &["Москва"]).await;
        people.push(person);
    }
    let trouble = json!({"target": "telegram", "kind": "error", "rate": 0.3, "seed": 7});
    world.desk_post("faults", &trouble).await;
    world.fault("sqs", "message_twice").await;
    let order = client.posts(&job("@ivan_123")).await;
    world.advance(120).await;
    world.heal().await;
    for person in &people {
        assert_eq!(person.notices().await, [offer(&order)], "{}", person.id());
    }
}
