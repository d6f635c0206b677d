//! What client and executors of an order are told (acceptance 16). None of them has turned notices
//! on: these concern their own order.

use tests::{Person, World, job};

use super::town;

fn taken(k: usize, until: Option<&str>) -> String {
    let text = format!("🔧 Исполнитель взял ваш заказ «Сантехника» ({k} из 3).");
    match until {
        Some(until) => format!("{text}\nОтветьте ему до {until} МСК, иначе заказ закроется."),
        None => text,
    }
}

const AUTO_CLOSED: &str = "⏱ Заказ «Сантехника» закрыт: вы не ответили исполнителю за 15 минут.";
const RESPONDED: &str = "✅ Клиент ответил по заказу «Сантехника».";
const COMPLETED: &str = "🏁 Клиент завершил заказ «Сантехника».";
const CLOSED: &str = "🚪 Клиент закрыл заказ «Сантехника».";
const REFUNDED: &str = "↩️ Клиент не ответил по заказу «Сантехника». Возвращено 2 ₽.";

/// A client's order that three executors have taken, and what the client was told of it.
async fn scene(world: &World) -> (Person, Vec<Person>, String) {
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    let mut executors = Vec::new();
    for id in 2..5 {
        let executor = world.person(id, "Пётр").await;
        executor.recharges(100).await;
        executor.act(&order, "take").await.is(200);
        executors.push(executor);
        world.advance(2).await;
    }
    let told = [taken(1, Some("15:15")), taken(2, None), taken(3, None)];
    assert_eq!(client.notices().await, told);
    (client, executors, order)
}

async fn are_told(executors: &[Person], texts: &[&str]) {
    for executor in executors {
        assert_eq!(executor.notices().await, texts, "{}", executor.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_a_response_and_a_completion_are_told_to_the_executors() {
    let world = town!();
    let (client, executors, order) = scene(&world).await;
    client.act(&order, "respond").await.is(200);
    world.advance(5).await;
    are_told(&executors, &[RESPONDED]).await;
    client.act(&order, "complete").await.is(200);
    world.advance(5).await;
    are_told(&executors, &[RESPONDED, COMPLETED]).await;
    world.advance(3_700).await;
    are_told(&executors, &[RESPONDED, COMPLETED]).await;
    assert_eq!(client.notices().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_a_completion_without_a_response_is_told_alone() {
    let world = town!();
    let (client, executors, order) = scene(&world).await;
    client.act(&order, "complete").await.is(200);
    world.advance(3_700).await;
    are_told(&executors, &[COMPLETED]).await;
    assert_eq!(client.notices().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_closing_tells_of_the_refund_or_of_the_end() {
    let world = town!();
    let (client, executors, order) = scene(&world).await;
    client.act(&order, "close").await.is(204);
    world.advance(5).await;
    are_told(&executors, &[REFUNDED]).await;
    let order = client.posts(&job("@ivan_124")).await;
    executors[0].act(&order, "take").await.is(200);
    client.act(&order, "respond").await.is(200);
    world.advance(5).await;
    client.act(&order, "close").await.is(204);
    world.advance(5).await;
    are_told(&executors[..1], &[REFUNDED, RESPONDED, CLOSED]).await;
    world.advance(3_700).await;
    are_told(&executors[1..], &[REFUNDED]).await;
    assert_eq!(client.notices().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_an_unanswered_order_is_told_to_both_sides() {
    let world = town!();
    let (client, executors, order) = scene(&world).await;
    world.advance(900 - 6 - 1).await;
    are_told(&executors, &[]).await;
    world.advance(1 + 5).await;
    assert_eq!(client.sees(&order).await["status"], "closed_no_response");
    are_told(&executors, &[REFUNDED]).await;
    let told = client.notices().await;
    assert_eq!(told[3..], [AUTO_CLOSED]);
    world.advance(3_700).await;
    are_told(&executors, &[REFUNDED]).await;
    assert_eq!(client.notices().await.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_an_expiry_without_a_response_tells_of_the_refund() {
    let world = town!();
    let client = world.person(1, "Иван").await;
    let executor = world.person(2, "Пётр").await;
    executor.recharges(100).await;
    let order = client.posts(&job("@ivan_123")).await;
    let untaken = client.posts(&job("@ivan_124")).await;
    world.advance(50 * 60).await;
    executor.act(&order, "take").await.is(200);
    world.advance(12 * 60).await;
    for order in [&order, &untaken] {
        assert_eq!(client.sees(order).await["status"], "expired");
    }
    assert_eq!(executor.notices().await, [REFUNDED]);
    // The deadline that the first take sets, though the order ends before it.
    let told = client.notices().await;
    assert!(
        told[0].starts_with("🔧 Исполнитель взял ваш заказ «Сантехника» (1 из 3)."),
        "{told:?}"
    );
    assert!(!told.iter().any(|text| text == AUTO_CLOSED), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_an_expiry_after_a_response_tells_nobody() {
    let world = town!();
    let (client, executors, order) = scene(&world).await;
    client.act(&order, "respond").await.is(200);
    world.advance(3_700).await;
    assert_eq!(client.sees(&order).await["status"], "expired");
    are_told(&executors, &[RESPONDED]).await;
    assert_eq!(client.notices().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_messages_delivered_twice_tell_once() {
    let world = town!();
    world.fault("sqs", "message_twice").await;
    let (client, executors, _) = scene(&world).await;
    world.advance(1_000).await;
    are_told(&executors, &[REFUNDED]).await;
    assert_eq!(client.notices().await.len(), 4);
    assert_eq!(executors[0].rubles().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_no_notice_holds_a_contact_or_a_description() {
    let world = town!();
    let (client, _, order) = scene(&world).await;
    client.act(&order, "respond").await.is(200);
    world.advance(5).await;
    client.act(&order, "close").await.is(204);
    world.advance(60).await;
    for message in world.bot_calls("sendMessage").await {
        let all = message["payload"].to_string();
        assert!(!all.contains("ivan_123") && !all.contains("Течёт"), "{message}");
    }
}
