//! What the bot tells people (acceptance 15, 16).

mod delivery;
mod digests;
mod offers;
mod participants;

use serde_json::json;
use tests::{Person, World, job};

/// What a subscriber is told of an order from [`job`].
fn offer(order: &str) -> String {
    format!("🔔 Новый заказ в категории «Сантехника» в городе Москва!\n\n{}", link(order))
}

fn link(order: &str) -> String {
    format!("https://t.me/uslugi_bot?startapp=order_{order}")
}

/// What a subscriber is told of several of them.
fn digest(orders: &[String]) -> String {
    let lines =
        orders.iter().take(15).map(|order| format!("\n• Сантехника, Москва: {}", link(order)));
    let text = format!("🔔 Новых заказов: {}\n{}", orders.len(), lines.collect::<String>());
    match orders.len().checked_sub(15) {
        Some(rest @ 1..) => format!("{text}\nи ещё {rest}"),
        _ => text,
    }
}

/// Wants to be told of such orders; the index has heard of it afterwards.
async fn subscribe(person: &Person, categories: &[&str], cities: &[&str]) {
    let wishes = json!({"categories": categories, "cities": cities});
    person.put("/api/users/me/preferences", &wishes).await.ok();
    let settings = json!({"enabled": true});
    person.put("/api/users/me/notification-settings", &settings).await.ok();
    person.user.world.advance(5).await;
}

/// Somebody who wants to be told of what [`job`] is.
async fn subscriber(world: &World, id: i64) -> Person {
    let person = world.person(id, "Анна").await;
    subscribe(&person, &["Сантехника"], &["Москва"]).await;
    person
}

/// Posts so many orders, a second apart, and lets what follows happen.
async fn posts(client: &Person, from: usize, count: usize) -> Vec<String> {
    let mut orders = Vec::new();
    for n in from..from + count {
        orders.push(client.posts(&job(&format!("@ivan_{n:05}"))).await);
        client.user.world.advance(1).await;
    }
    orders
}

/// A world where the bot has a name.
macro_rules! town {
    ($($name:literal => $value:expr),* $(,)?) => {
        tests::errands!("TELEGRAM_BOT_USERNAME" => "uslugi_bot", $($name => $value),*)
    };
}
use town;
