//! The shop against the embedded engine.

mod buying;
mod catalogue;
mod crashes;
mod permissions;
mod races;
mod raffles;
mod sabotage;
mod selling;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::clock::days;
use shared::table::{Entity, Key};

use super::model::{Bought, Purchase, ShopItem};
use super::raffle::Ticket;
use super::{
    Seen, balance, by_category, draw, item, items, purchase, purchased, purchases, replacing, seen,
    stats, unused, use_purchase,
};
use crate::auth::Member;
use crate::energies::{self, Award, EnergyEntry};
use crate::subscriptions::SubscriptionEvent;
use crate::testing::{Reply, Request, World};

/// Who buys in these tests.
const BUYER: i64 = 1_000_000_001;
const SECRET: &str = "test-admin-secret-0123456789abcdef01";
const PURCHASE: &str = "/api/v1/shop/purchase";

/// A world with a shop.
struct Shop {
    world: Arc<World>,
}

impl Shop {
    async fn open() -> Self {
        Self { world: Arc::new(World::new().await) }
    }

    /// Somebody whose subscription is paid for ten days, with so many energies.
    async fn buyer(&self, tg_id: i64, energies: u32) -> Member {
        let until = Some(self.world.now() + days(10));
        let member = self.world.member(tg_id).await;
        self.world.put(&Member { subscription_expires: until, ..member }).await;
        if energies > 0 {
            let award = Award::payment("seed").of(energies);
            energies::award(self.world.table(), tg_id, &award, self.world.now()).await.unwrap();
        }
        self.member(tg_id).await
    }

    /// Describes an item as the content route does.
    async fn describe(&self, id: &str, change: Value) -> Value {
        let mut fields = json!({
            "title": "Тайна", "price": 100, "category": "secret", "itemType": "gift",
        });
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let seen = seen(self.world.table(), id).await.unwrap();
        let made = replacing("shop-item", id, &fields, seen, self.world.now()).unwrap();
        let mut writes = made.writes;
        writes.push(made.tag.raise());
        self.world.table().transact(writes).await.unwrap();
        made.entity
    }

    /// An administrator replaces it, through the content route.
    async fn replace(&self, id: &str, change: Value) -> Reply {
        let mut fields = json!({
            "title": "Тайна", "price": 100, "category": "secret", "itemType": "gift",
        });
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let request = Request::post(&format!("/api/admin/content/shop-item/{id}"), fields)
            .method(http::Method::PUT)
            .header("x-admin-secret", SECRET);
        self.world.call(crate::content::admin::put(), request).await
    }

    async fn wish(&self, tg_id: i64, body: Value) -> Request {
        let token = self.world.token(&self.member(tg_id).await).await;
        Request::post(PURCHASE, body).token(&token)
    }

    async fn buy(&self, tg_id: i64, body: Value) -> Reply {
        let wish = self.wish(tg_id, body).await;
        self.world.call(purchase(), wish).await
    }

    /// The code of a refusal.
    async fn refused(&self, tg_id: i64, body: Value) -> (u16, String) {
        let reply = self.buy(tg_id, body).await;
        (reply.status.as_u16(), reply.body["code"].as_str().unwrap_or_default().to_owned())
    }

    async fn get(&self, function: shared::function::Function<crate::App>, path: &str) -> Reply {
        let token = self.world.token(&self.member(BUYER).await).await;
        self.world.call(function, Request::get(path).token(&token)).await
    }

    async fn draw(&self, id: &str, body: Value) -> Reply {
        let request = Request::post(&format!("/api/admin/shop/items/{id}/draw"), body);
        self.world.call(draw(), request.header("x-admin-secret", SECRET)).await
    }

    async fn hand_over(&self, id: &str) -> Reply {
        let request = Request::post(&format!("/api/v1/shop/purchases/{id}/use"), json!({}));
        self.world.call(use_purchase(), request.header("x-admin-secret", SECRET)).await
    }

    async fn member(&self, tg_id: i64) -> Member {
        self.world.member_now(tg_id).await
    }

    async fn item(&self, id: &str) -> ShopItem {
        self.world.table().get(&ShopItem::key_of(id)).await.unwrap().unwrap()
    }

    async fn catalogue(&self) -> String {
        super::store::version(self.world.table()).await.unwrap()
    }

    /// Everything of a kind.
    async fn all<E: Entity>(&self) -> Vec<E> {
        let mut all = Vec::new();
        for item in self.world.items(E::KIND).await {
            let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
            let key = Key::new(text("pk"), text("sk"));
            all.push(self.world.table().get(&key).await.unwrap().unwrap());
        }
        all
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// What must hold at any instant: an item's counts are those of its purchases, tickets have no
    /// gaps, and every purchase was paid once by whoever has it.
    async fn check_invariants(&self) {
        let purchases: Vec<Purchase> = self.all().await;
        let tickets: Vec<Ticket> = self.all().await;
        for item in self.all::<ShopItem>().await {
            let of = purchases.iter().filter(|one| one.item_id == item.id).count();
            assert_eq!(usize::try_from(item.sold).unwrap(), of, "{}", item.id);
            assert_eq!(item.stock.map(|stock| stock + item.sold), item.initial, "{}", item.id);
            let numbers: Vec<u32> =
                tickets.iter().filter(|one| one.item_id == item.id).map(|one| one.number).collect();
            assert_eq!(numbers, (1..=item.tickets).collect::<Vec<_>>(), "{}", item.id);
        }
        for one in &purchases {
            let has_ticket = |ticket: &&Ticket| {
                ticket.purchase_id == one.id
                    && ticket.tg_id == one.tg_id
                    && Some(ticket.number) == one.ticket
            };
            let expected = usize::from(one.goods.item_type == super::model::ItemType::RaffleTicket);
            assert_eq!(tickets.iter().filter(has_ticket).count(), expected, "{}", one.id);
        }
        self.check_counts(&purchases).await;
        self.check_accounts(&purchases).await;
    }

    async fn check_counts(&self, purchases: &[Purchase]) {
        let mut counts: BTreeMap<(i64, String), u32> = BTreeMap::new();
        for one in purchases {
            *counts.entry((one.tg_id, one.item_id.clone())).or_default() += 1;
        }
        let bought: Vec<Bought> = self.all().await;
        let bought = bought.into_iter().map(|one| ((one.tg_id, one.item_id), one.count));
        assert_eq!(bought.collect::<BTreeMap<_, _>>(), counts);
        let events: Vec<SubscriptionEvent> = self.all().await;
        for one in purchases {
            let of = events.iter().filter(|event| event.cause == one.id);
            let until: Vec<_> = of.map(|event| Some(event.until)).collect();
            let expected = Vec::from_iter(one.until.map(Some));
            assert_eq!(until, expected, "{}", one.id);
        }
    }

    async fn check_accounts(&self, purchases: &[Purchase]) {
        let entries: Vec<EnergyEntry> = self.all().await;
        for member in self.all::<Member>().await {
            let own = entries.iter().filter(|entry| entry.tg_id == member.tg_id);
            assert_eq!(member.balance, own.map(|entry| entry.delta).sum::<i64>());
            assert!(member.balance >= 0);
        }
        for one in purchases {
            let key = format!("purchase:{}", one.id);
            let paid: Vec<i64> = entries
                .iter()
                .filter(|entry| entry.tg_id == one.tg_id && entry.key == key)
                .map(|entry| entry.delta)
                .collect();
            assert_eq!(paid, [-i64::from(one.goods.price)], "{}", one.id);
        }
        let spent = entries.iter().filter(|entry| entry.key.starts_with("purchase:")).count();
        assert_eq!(spent, purchases.len());
    }
}
