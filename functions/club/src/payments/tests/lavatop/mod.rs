//! LavaTop: links, deliveries, checks and the end of subscriptions.

mod asking;
mod crashes;
mod deliveries;
mod links;
mod permissions;
mod refunding;
mod stuck;
mod subscriptions;

use super::*;
use crate::payments::items::UnassignedPayment;
use crate::payments::offers::Offer;
use crate::payments::{lavatop_payment, lavatop_recurring};
use crate::testing::{LavatopMood, LavatopServer};

/// LavaTop's id of the monthly offer.
const MONTH: &str = "836b9fc5-7ae9-4a27-9642-000000000001";
/// LavaTop's id of the gift.
const GIFT: &str = "836b9fc5-7ae9-4a27-9642-000000000002";
/// The key of LavaTop's deliveries.
const KEY: &str = "test-lavatop-webhook-secret-0123456789";

const PAID: &str = "payment.success";
const FAILED: &str = "payment.failed";
const RENEWED: &str = "subscription.recurring.payment.success";
const UNRENEWED: &str = "subscription.recurring.payment.failed";
const CANCELLED: &str = "subscription.cancelled";

/// A shop that sells by LavaTop.
pub(super) struct Lava {
    pub(super) shop: Shop,
    pub(super) server: LavatopServer,
}

impl Lava {
    pub(super) async fn open() -> Self {
        Self::with(&[]).await
    }

    pub(super) async fn with(settings: &[(&str, &str)]) -> Self {
        let server = LavatopServer::start().await;
        let mut all = vec![("LAVATOP_API_URL", server.url.as_str())];
        all.extend_from_slice(settings);
        let shop = Shop::with(&all).await;
        for (key, id) in [("monthly_rub_2000", MONTH), ("gift_rub_2000", GIFT)] {
            let offer_id = Some(id.to_owned());
            shop.world.put(&Offer { offer_id, ..Offer::seeded(key).unwrap() }).await;
        }
        Self { shop, server }
    }

    /// A link of the monthly offer, and LavaTop's id of its purchase.
    pub(super) async fn linked(&self) -> (String, String) {
        let id = self.shop.linked().await;
        let (purchase, _) = self.server.marked(&id);
        (id, purchase)
    }

    /// Delivers a body to the address of payments.
    pub(super) async fn tell(&self, body: Value) -> Reply {
        self.shop.world.call(lavatop_payment(), told(body)).await
    }

    /// Pays a link and delivers the word of it.
    pub(super) async fn pay(&self, purchase: &str) -> Reply {
        self.server.pay(purchase);
        self.tell(self.server.word(PAID, purchase)).await
    }

    /// A link of the monthly offer that was paid: attempt and purchase.
    pub(super) async fn subscribed(&self) -> (String, String) {
        let (id, purchase) = self.linked().await;
        assert_eq!(self.pay(&purchase).await.status, 200);
        assert_eq!(self.shop.status(&id).await, Status::Paid);
        (id, purchase)
    }

    async fn unassigned(&self) -> Vec<UnassignedPayment> {
        self.shop.read("UnassignedPayment").await
    }
}

/// A delivery to the address of payments, as LavaTop makes it.
pub(super) fn told(body: Value) -> Request {
    Request::post("/api/webhooks/lavatop/payment", body).header("x-api-key", KEY)
}

/// A delivery to the address of subscriptions.
pub(super) fn told_again(body: Value) -> Request {
    Request::post("/api/webhooks/lavatop/recurring", body).header("x-api-key", KEY)
}

/// A body with some fields replaced.
fn but(mut body: Value, fields: Value) -> Value {
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
