//! Reviews and complaints against a table.

mod crashes;
mod listing;
mod over_http;
mod rules;
mod submitting;
mod totals;

use shared::clock::Instant;

use crate::orders::{Category, CityKey, ContactKey, Order, Status};
use crate::testing::World;

/// The client of every order here.
const CLIENT: i64 = 7_000_000_001;
/// Those who take them.
const EXECUTORS: [i64; 3] = [7_000_000_011, 7_000_000_012, 7_000_000_013];

/// An order that these have taken, an hour ago and a little more.
fn order(id: &str, status: Status, executors: &[i64], now: Instant) -> Order {
    let created_at = now - jiff::SignedDuration::from_mins(61);
    let contact = ContactKey::of("@ivan_123");
    let take = |executor_id: &i64| crate::testing::take(*executor_id, created_at);
    let order = Order {
        id: id.to_owned(),
        client_id: CLIENT,
        category: Category::Plumbing.name().to_owned(),
        description: "Течёт кран на кухне, нужен мастер".to_owned(),
        city: "Москва".to_owned(),
        city_key: CityKey::of("Москва").into(),
        contact: "@ivan_123".to_owned(),
        contact_kind: contact.kind().name().to_owned(),
        contact_key: contact.digest(),
        created_at,
        expires_in_minutes: 60,
        status,
        taken_by: executors.iter().map(take).collect(),
        response_deadline: None,
        customer_responded_at: Some(created_at),
        end_at: created_at,
        review: None,
        version: 3,
    };
    Order { end_at: order.ends_at(), ..order }
}

/// A world with the client and the executors in it.
async fn world() -> World {
    let world = World::new().await;
    world.known(CLIENT, "Анна").await;
    for id in EXECUTORS {
        world.known(id, "Иван").await;
    }
    world
}
