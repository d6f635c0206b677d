//! What must hold at any instant between transactions.

use std::collections::{BTreeMap, BTreeSet};

use super::super::items::{ContactLock, OwnedOrder, TakenOrder};
use super::*;
use crate::events::{CarriedEvent, Event, OutboxEvent};
use crate::money::Entry;

impl Market {
    /// The events that the clients' rows carry.
    async fn carried(&self) -> Vec<CarriedEvent> {
        let mut carried = Vec::new();
        for row in self.read::<OwnedOrder>().await {
            let item = self.world.item(&row.key()).await.unwrap();
            carried.extend(CarriedEvent::id_on(&item).map(|_| item.read().unwrap()));
        }
        carried
    }

    pub(super) async fn check_invariants(&self) {
        let orders: Vec<Order> = self.read().await;
        let entries: Vec<Entry> = self.read().await;
        let users: Vec<User> = self.read().await;
        let locks: Vec<ContactLock> = self.read().await;
        let taken: Vec<TakenOrder> = self.read().await;
        let owned: Vec<OwnedOrder> = self.read().await;
        for user in &users {
            check_balance(user, &entries);
            check_counters(user, &orders);
        }
        for order in &orders {
            check_order(order, &entries);
            check_lock(order, &locks);
            check_rows(order, &owned, &taken);
        }
        let active = orders.iter().filter(|order| order.status == Status::Active).count();
        assert_eq!(locks.len(), active);
        assert_eq!(owned.len(), orders.len());
        assert_eq!(taken.len(), orders.iter().map(|order| order.taken_by.len()).sum::<usize>());
        check_indexes(self, &orders).await;
        let rows = self.read::<OutboxEvent>().await.into_iter().map(|row| row.event);
        let carried = self.carried().await.into_iter().map(|carried| carried.event);
        check_events(&orders, &rows.chain(carried).collect::<Vec<_>>());
    }
}

/// I1; I8 follows from it and from I3.
fn check_balance(user: &User, entries: &[Entry]) {
    let own = || entries.iter().filter(|entry| entry.user_id == user.id);
    let sum: i64 = own().map(|entry| entry.amount).sum();
    assert_eq!((user.balance, user.earned_total - user.consumed_total), (sum, sum));
    assert!(user.balance >= 0);
    assert!(own().all(|entry| entry.balance_after >= 0));
    let newest = own().max_by_key(|entry| (entry.created_at, entry.id));
    assert_eq!(newest.map_or(0, |entry| entry.balance_after), user.balance);
}

/// I2 and I3.
fn check_order(order: &Order, entries: &[Entry]) {
    let executors: BTreeSet<i64> = order.taken_by.iter().map(|take| take.executor_id).collect();
    assert_eq!(executors.len(), order.taken_by.len());
    assert!(executors.len() <= 3 && !executors.contains(&order.client_id));
    assert!(order.status != Status::Deleted || executors.is_empty());
    let ended = matches!(order.status, Status::Expired | Status::ClosedNoResponse);
    let refunds = i64::from(ended && order.customer_responded_at.is_none());
    let mut found: BTreeMap<(i64, &str), i64> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.order_id.as_ref() == Some(&order.id)) {
        *found.entry((entry.user_id, entry.entry.name())).or_default() += entry.amount;
    }
    for take in &order.taken_by {
        let (executor, price) = (take.executor_id, i64::from(take.price));
        assert_eq!(found.remove(&(executor, "order_take")), Some(-price), "{order:?}");
        let refunded = found.remove(&(executor, "refund")).unwrap_or_default();
        assert_eq!(refunded, price * refunds, "{order:?}");
    }
    assert!(found.is_empty(), "{found:?}");
}

/// I5.
fn check_lock(order: &Order, locks: &[ContactLock]) {
    let locks = locks.iter().filter(|lock| lock.order_id == order.id);
    let keys: Vec<_> = locks.map(|lock| lock.contact_key.clone()).collect();
    match order.status {
        Status::Active => assert_eq!(keys, std::slice::from_ref(&order.contact_key)),
        _ => assert_eq!(keys, [""; 0]),
    }
}

fn check_rows(order: &Order, owned: &[OwnedOrder], taken: &[TakenOrder]) {
    let own = owned.iter().filter(|row| row.order_id == order.id);
    assert_eq!(own.collect::<Vec<_>>(), [&OwnedOrder::of(order)]);
    for take in &order.taken_by {
        assert!(taken.contains(&TakenOrder::of(order, take)), "{order:?}");
    }
}

/// I6.
fn check_counters(user: &User, orders: &[Order]) {
    let own = |status| {
        let own = orders.iter().filter(|order| order.client_id == user.id);
        i64::try_from(own.filter(|order| order.status == status).count()).unwrap()
    };
    let taken = |status| {
        let taken = orders.iter().filter(|order| order.is_taken_by(user.id));
        i64::try_from(taken.filter(|order| order.status == status).count()).unwrap()
    };
    let counters = [
        (user.own_active, own(Status::Active)),
        (user.own_expired, own(Status::Expired)),
        (user.own_deleted, own(Status::Deleted)),
        (user.own_closed_no_response, own(Status::ClosedNoResponse)),
        (user.own_completed, own(Status::Completed)),
        (user.taken_active, taken(Status::Active)),
        (user.taken_expired, taken(Status::Expired)),
        (user.taken_closed_no_response, taken(Status::ClosedNoResponse)),
        (user.taken_completed, taken(Status::Completed)),
        (user.active_orders, own(Status::Active) + taken(Status::Active)),
        (user.completed_orders, own(Status::Completed) + taken(Status::Completed)),
    ];
    for (stored, counted) in counters {
        assert_eq!(stored, counted, "{user:?}");
    }
}

/// Whatever is to follow from a change was written down with it; nothing relays events here.
fn check_events(orders: &[Order], events: &[Event]) {
    let mut created = 0;
    let mut taken = 0;
    let mut responded = 0;
    let mut ended = BTreeSet::new();
    let mut before = BTreeSet::new();
    for event in events {
        match event {
            Event::OrderCreated { .. } => created += 1,
            Event::OrderTaken { .. } => taken += 1,
            Event::OrderResponded { .. } => responded += 1,
            Event::OrderEnded { order, from, to, .. } => {
                assert!(ended.insert((order.order_id.as_str(), to.name())), "{order:?}");
                before.insert((order.order_id.as_str(), from.name()));
            }
            Event::OrderMoved { .. } | Event::Reviewed { .. } | Event::PaymentLate { .. } => {}
        }
    }
    assert_eq!(created, orders.len());
    assert_eq!(taken, orders.iter().map(|order| order.taken_by.len()).sum::<usize>());
    assert_eq!(responded, orders.iter().filter(|o| o.customer_responded_at.is_some()).count());
    // An end that followed another is told after that one.
    assert!(before.iter().all(|from| from.1 == "active" || ended.contains(from)));
    for order in orders.iter().filter(|order| order.status != Status::Active) {
        assert!(ended.contains(&(order.id.as_str(), order.status.name())), "{order:?}");
    }
}

/// Whatever was changed piece by piece is what it would be if it were written whole.
async fn check_indexes(market: &Market, orders: &[Order]) {
    for order in orders {
        let stored = market.world.item(&order.key()).await.unwrap();
        assert_eq!(stored, Item::of(order).unwrap());
        let row = OwnedOrder::of(order);
        let stored = market.world.item(&row.key()).await.unwrap();
        assert_eq!(stored.read::<OwnedOrder>().unwrap(), row);
        let index: BTreeMap<_, _> = row.index().into_iter().collect();
        for name in ["listed_at", "filtered_at"] {
            assert_eq!(stored.text(name), index.get(name).map(String::as_str), "{row:?}");
        }
        let carries = CarriedEvent::id_on(&stored).is_some();
        assert_eq!(
            (stored.text("due_pk").is_some(), stored.text("due_at").is_some()),
            (carries, carries)
        );
        for take in &order.taken_by {
            let row = TakenOrder::of(order, take);
            let stored = market.world.item(&row.key()).await.unwrap();
            assert_eq!(stored, Item::of(&row).unwrap());
        }
    }
}
