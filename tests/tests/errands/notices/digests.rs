//! Orders that come while a subscriber cools down (acceptance 15, P18).

use serde_json::json;
use tests::{Person, at_once, job};

use super::{digest, link, offer, posts, subscriber, town};

async fn frequency(person: &Person, minutes: i64) {
    let settings = json!({"frequency": minutes});
    person.put("/api/users/me/notification-settings", &settings).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_four_orders_are_one_message_and_one_digest() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let orders = posts(&client, 0, 4).await;
    assert_eq!(anna.notices().await, [offer(&orders[0])]);
    world.advance(590).await;
    assert_eq!(anna.notices().await.len(), 1, "she still cools down");
    world.advance(10).await;
    let told = anna.notices().await;
    assert_eq!(told, [offer(&orders[0]), digest(&orders[1..])]);
    // The cool-down begins anew with the digest.
    let late = posts(&client, 4, 1).await.remove(0);
    assert_eq!(anna.notices().await.len(), 2);
    world.advance(610).await;
    assert_eq!(anna.notices().await, [told, vec![offer(&late)]].concat());
    world.advance(3_600).await;
    assert_eq!(anna.notices().await.len(), 3, "nothing is told twice");
}

/// However they are posted, one comes at once and the others together.
#[tokio::test(flavor = "multi_thread")]
async fn a15_four_orders_at_once_are_one_message_and_one_digest() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    world.fault("sqs", "message_twice").await;
    let made = at_once(4, |n| client.post("/api/orders", &job(&format!("@ivan_{n:05}")))).await;
    let orders: Vec<String> =
        made.iter().map(|order| order.json()["id"].as_str().unwrap().to_owned()).collect();
    world.advance(601).await;
    world.heal().await;
    let told = anna.notices().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("Новый заказ") && told[1].starts_with("🔔 Новых заказов: 3\n"));
    for order in &orders {
        let times = told.iter().map(|text| text.matches(link(order).as_str()).count());
        assert_eq!(times.sum::<usize>(), 1, "{order}: {told:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_digest_shows_fifteen_and_counts_the_rest() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let orders = posts(&client, 0, 18).await;
    world.advance(610).await;
    assert_eq!(anna.notices().await, [offer(&orders[0]), digest(&orders[1..])]);
    assert!(digest(&orders[1..]).ends_with("\nи ещё 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_digest_leaves_out_what_has_ended() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let orders = posts(&client, 0, 4).await;
    for ended in [&orders[1], &orders[3]] {
        client.delete(&format!("/api/orders/{ended}")).await.is(204);
    }
    world.advance(610).await;
    assert_eq!(anna.notices().await, [offer(&orders[0]), offer(&orders[2])], "one is no digest");
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_digest_of_nothing_is_not_sent() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let orders = posts(&client, 0, 3).await;
    for ended in &orders[1..] {
        client.delete(&format!("/api/orders/{ended}")).await.is(204);
    }
    world.advance(660).await;
    assert_eq!(anna.notices().await, [offer(&orders[0])]);
    let next = posts(&client, 3, 1).await.remove(0);
    assert_eq!(anna.notices().await, [offer(&orders[0]), offer(&next)], "she does not cool down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_shorter_cool_down_brings_the_digest_forward() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let orders = posts(&client, 0, 3).await;
    frequency(&anna, 5).await;
    world.advance(290).await;
    assert_eq!(anna.notices().await.len(), 1);
    world.advance(10).await;
    assert_eq!(anna.notices().await, [offer(&orders[0]), digest(&orders[1..])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_longer_cool_down_puts_the_digest_off() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let orders = posts(&client, 0, 3).await;
    frequency(&anna, 15).await;
    world.advance(600).await;
    assert_eq!(anna.notices().await.len(), 1);
    world.advance(310).await;
    assert_eq!(anna.notices().await, [offer(&orders[0]), digest(&orders[1..])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_who_turns_notices_off_gets_no_digest() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let orders = posts(&client, 0, 3).await;
    for enabled in [false, true] {
        let settings = json!({"enabled": enabled});
        anna.put("/api/users/me/notification-settings", &settings).await.ok();
        world.advance(5).await;
    }
    world.advance(700).await;
    assert_eq!(anna.notices().await, [offer(&orders[0])], "what waited is forgotten");
    let next = posts(&client, 3, 1).await.remove(0);
    assert_eq!(anna.notices().await, [offer(&orders[0]), offer(&next)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_a_digest_survives_the_loss_of_its_message() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let mut orders = posts(&client, 0, 1).await;
    let lost = json!({
        "target": "sqs", "kind": "message_lost", "function": "errands-notify-fanout",
    });
    world.desk_post("faults", &lost).await;
    orders.extend(posts(&client, 1, 2).await);
    world.heal().await;
    world.advance(600).await;
    // The sweep looks every minute for what is a minute overdue.
    world.advance(120).await;
    assert_eq!(anna.notices().await, [offer(&orders[0]), digest(&orders[1..])]);
}

/// Two subscribers cool down apart from each other.
#[tokio::test(flavor = "multi_thread")]
async fn a15_everybody_cools_down_alone() {
    let world = town!();
    let (client, anna) = (world.person(1, "Иван").await, subscriber(&world, 2).await);
    let first = client.posts(&job("@ivan_123")).await;
    world.advance(60).await;
    let boris = subscriber(&world, 3).await;
    let second = client.posts(&job("@ivan_124")).await;
    assert_eq!(boris.notices().await, [offer(&second)]);
    assert_eq!(anna.notices().await, [offer(&first)]);
    world.advance(600).await;
    assert_eq!(anna.notices().await, [offer(&first), offer(&second)]);
    assert_eq!(boris.notices().await.len(), 1);
}
