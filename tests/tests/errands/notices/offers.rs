//! Who is told of a new order, and in which words (acceptance 15).

use serde_json::{Value, json};
use tests::{errands, job};

use super::{offer, posts, subscribe, subscriber, town};

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_subscriber_gets_the_exact_text_and_the_author_nothing() {
    let world = town!();
    let client = subscriber(&world, 1).await;
    let anna = subscriber(&world, 2).await;
    let order = posts(&client, 0, 1).await.remove(0);
    assert_eq!(anna.notices().await, [offer(&order)]);
    assert_eq!(client.notices().await, Vec::<String>::new());
    let sent = anna.messages().await.remove(0);
    assert_eq!(sent["method"], "sendMessage");
    assert!(sent["payload"].get("parse_mode").is_none_or(Value::is_null), "{sent}");
    let payload = sent["payload"].to_string();
    assert!(!payload.contains("ivan_") && !payload.contains("Течёт"), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_an_id_stands_in_the_link_as_it_is() {
    let world = town!("NOTIFY_FREQUENCY_DEFAULT" => "5");
    let anna = subscriber(&world, 2).await;
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    let text = anna.notices().await.remove(0);
    let id = text.rsplit_once("startapp=order_").unwrap().1;
    assert_eq!(id, order);
    assert_eq!(anna.sees(id).await["id"], order.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_bot_without_a_name_gives_no_link() {
    let world = errands!("TELEGRAM_BOT_USERNAME" => "");
    let anna = subscriber(&world, 2).await;
    let client = world.person(1, "Иван").await;
    posts(&client, 0, 1).await;
    let text = "🔔 Новый заказ в категории «Сантехника» в городе Москва!\n\n\
                Откройте приложение, чтобы посмотреть детали.";
    assert_eq!(anna.notices().await, [text]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_only_who_asked_for_it_is_told() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    let wishes: [(&[&str], &[&str]); 6] = [
        (&["Электрика"], &["Москва"]),
        (&["Сантехника"], &["Казань"]),
        (&[], &["Москва"]),
        (&["Сантехника"], &[]),
        (&[], &[]),
        (&["Другое", "Сантехника"], &["Казань", "Москва"]),
    ];
    let mut people = Vec::new();
    for (id, (categories, cities)) in (10..).zip(wishes) {
        let person = world.person(id, "Анна").await;
        subscribe(&person, categories, cities).await;
        people.push(person);
    }
    let silent = subscriber(&world, 20).await;
    let off = json!({"enabled": false});
    silent.put("/api/users/me/notification-settings", &off).await.ok();
    let never = world.person(21, "Анна").await;
    let wishes = json!({"categories": ["Сантехника"], "cities": ["Москва"]});
    never.put("/api/users/me/preferences", &wishes).await.ok();
    world.advance(5).await;
    let order = posts(&client, 0, 1).await.remove(0);
    let right = people.pop().unwrap();
    assert_eq!(right.notices().await, [offer(&order)]);
    people.extend([silent, never]);
    for person in people {
        assert_eq!(person.notices().await, Vec::<String>::new(), "{}", person.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_cities_are_compared_by_their_key() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    for (id, city) in [(10, "ОРЁЛ"), (11, "орел"), (12, " Орёл ")] {
        subscribe(&world.person(id, "Анна").await, &["Сантехника"], &[city]).await;
    }
    for (id, city) in [(20, "Ростов-на-Дону"), (21, "ростов–на–дону"), (22, "РОСТОВ—НА—ДОНУ")]
    {
        subscribe(&world.person(id, "Анна").await, &["Сантехника"], &[city]).await;
    }
    for (contact, city, ids) in [("@ivan_1", "орёл", 10..13), ("@ivan_2", "Ростов‑на‑Дону", 20..23)]
    {
        let mut order = job(&format!("{contact}0000"));
        order["city"] = json!(city);
        let order = client.posts(&order).await;
        for id in ids {
            let told = world.person(id, "Анна").await.notices().await;
            assert_eq!(told.len(), 1, "{city} {id}: {told:?}");
            let start = format!("🔔 Новый заказ в категории «Сантехника» в городе {city}!");
            assert!(told[0].starts_with(&start) && told[0].ends_with(&order), "{told:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_removed_subscription_never_sends() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    let (anna, boris) = (subscriber(&world, 2).await, subscriber(&world, 3).await);
    // The index still holds her, as it may: settings are the truth.
    world
        .desk_post(
            "faults",
            &json!({
                "target": "dynamodb", "kind": "error", "function": "errands-subscriptions-index",
            }),
        )
        .await;
    let wishes = json!({"categories": ["Сантехника"], "cities": ["Казань"]});
    anna.put("/api/users/me/preferences", &wishes).await.ok();
    let order = client.posts(&job("@ivan_123")).await;
    let told = || async { Some(boris.notices().await).filter(|told| !told.is_empty()) };
    assert_eq!(world.until("another to be told", told).await, [offer(&order)]);
    let index = world.invocations("errands-subscriptions-index", 1).await;
    assert_eq!(index[0].items, 0, "it has not heard of it: {index:?}");
    world.heal().await;
    world.advance(60).await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_an_order_that_ended_before_it_was_sent_is_skipped() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    let anna = subscriber(&world, 2).await;
    let wait = json!({"chat_id": anna.id(), "status": 429, "retry_after": 20, "times": 1});
    world.bot_refuses(&wait).await;
    let order = client.posts(&job("@ivan_123")).await;
    world.idle().await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
    client.delete(&format!("/api/orders/{order}")).await.is(204);
    world.advance(120).await;
    assert_eq!(anna.notices().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_message_delivered_twice_is_one_notice() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    let anna = subscriber(&world, 2).await;
    world.fault("sqs", "message_twice").await;
    let order = posts(&client, 0, 1).await.remove(0);
    world.advance(5).await;
    assert_eq!(anna.notices().await, [offer(&order)]);
}
