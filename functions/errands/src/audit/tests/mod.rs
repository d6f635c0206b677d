//! Worlds that hold, and worlds that do not.

mod corrections;
mod crashes;
mod rules;
mod runs;

use shared::clock::Instant;
use shared::table::Write;

use crate::money::{Entry, Kind};
use crate::notify::tests::town::{CLIENT, Town, order};
use crate::orders::{ContactLock, Order, OwnedOrder, Status, TakenOrder};
use crate::reviews::Review;
use crate::users::{User, user_key};

/// Who takes orders here.
const EXECUTOR: i64 = 4_300_000_011;
/// Kopecks per take.
const PRICE: i64 = 200;

/// A line of somebody's ledger.
fn entry(user_id: i64, kind: Kind, cause: &str, amount: i64, after: i64, at: Instant) -> Entry {
    let about_order = matches!(kind, Kind::OrderTake | Kind::Refund);
    Entry {
        id: shared::ids::numeric(at),
        user_id,
        entry: kind,
        cause: cause.to_owned(),
        amount,
        balance_after: after,
        order_id: about_order.then(|| cause.to_owned()),
        payment_method: None,
        description: None,
        created_at: at,
    }
}

/// An order that the executor has taken.
fn taken(n: u32, status: Status, now: Instant) -> Order {
    let take = crate::testing::take(EXECUTOR, now);
    Order { taken_by: vec![take], status, ..order(n, now) }
}

/// A town in which everything holds: two untaken orders, one that is taken and active, one that
/// was taken and ended unanswered.
async fn sound() -> Town {
    let town = Town::open().await;
    let now = town.world.now();
    town.world.known(EXECUTOR, "Иван").await;
    let orders = [
        order(1, now),
        Order { status: Status::Expired, ..order(2, now) },
        taken(3, Status::Active, now),
        taken(4, Status::ClosedNoResponse, now),
    ];
    for order in &orders {
        town.world.put(order).await;
        town.world.put(&OwnedOrder::of(order)).await;
        if order.status == Status::Active {
            town.world.put(&ContactLock::of(order)).await;
        }
        for take in &order.taken_by {
            town.world.put(&TakenOrder::of(order, take)).await;
        }
    }
    for (kind, cause, amount, after) in [
        (Kind::Recharge, "direct#1", 1_000, 1_000),
        (Kind::OrderTake, "order-000003", -PRICE, 800),
        (Kind::OrderTake, "order-000004", -PRICE, 600),
        (Kind::Refund, "order-000004", PRICE, 800),
    ] {
        town.world.put(&entry(EXECUTOR, kind, cause, amount, after, now)).await;
    }
    town.change(EXECUTOR, |user| {
        *user = User {
            balance: 800,
            active_orders: 1,
            taken_active: 1,
            taken_closed_no_response: 1,
            ..user.clone()
        };
    })
    .await;
    town.change(CLIENT, |user| {
        *user = User {
            active_orders: 2,
            own_active: 2,
            own_expired: 1,
            own_closed_no_response: 1,
            ..user.clone()
        };
    })
    .await;
    town
}

/// What the client says of the executor of one of these orders.
fn review(now: Instant) -> Review {
    Review {
        id: 1,
        order_id: "order-000003".to_owned(),
        client_id: CLIENT,
        executor_id: EXECUTOR,
        author_name: "Анна".to_owned(),
        rating: 4,
        comment: None,
        category: "Клининг".to_owned(),
        city: "Тула".to_owned(),
        created_at: now,
    }
}

/// Changes one attribute of a user.
async fn spoil(town: &Town, user: i64, attribute: &str, by: i64) {
    let write = Write::update("spoil", user_key(user)).add(attribute, by);
    town.world.table().write(write).await.unwrap();
}
