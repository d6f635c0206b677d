//! Payments against the embedded engine.

mod assigned;
mod cancelling;
mod checks;
mod cloudpayments;
mod contracts;
mod crashes;
mod deliveries;
mod dying;
mod following;
mod keys;
mod lavatop;
mod links;
mod matching;
mod permissions;
mod production;
mod reconciling;
mod refunds;
mod rules;
mod sabotage;
mod settling;
mod standing;
mod stars;
mod support;
mod updates;
mod waiting;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::function::Instance;
use shared::money::{Currency, Money};
use shared::outbox::{Entry, Hint, State};
use shared::table::Item;

use super::items::OpenAttempt;
use super::model::{Attempt, Payment, Status};
use super::offers::Offer;
use super::{link, sandbox_webhook};
use crate::App;
use crate::auth::Member;
use crate::outbox::deliver;
use crate::testing::{OUTBOX, Reply, Request, SANDBOX_SECRET, World};

/// The payer of these tests.
const PAYER: i64 = 1_000_000_001;

/// A world with one member who is about to pay.
struct Shop {
    world: Arc<World>,
    token: String,
}

impl Shop {
    async fn open() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let world = Arc::new(World::with(settings).await);
        let token = world.token(&world.member(PAYER).await).await;
        Self { world, token }
    }

    fn request(&self, body: Value) -> Request {
        Request::post("/api/payments/generate-link", body).token(&self.token)
    }

    async fn ask(&self, body: Value) -> Reply {
        self.world.call(link(), self.request(body)).await
    }

    /// Asks for the monthly offer's link and answers the attempt's id.
    async fn linked(&self) -> String {
        let reply = self.ask(monthly()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["attempt_id"].as_str().unwrap().to_owned()
    }

    /// Gives the monthly offer more prices than the seed has.
    async fn sell_for_every_currency(&self) {
        let price = |minor, currency| Money::new(minor, currency);
        let more =
            [price(2_500, Currency::Usd), price(2_300, Currency::Eur), price(1_500, Currency::Xtr)];
        let mut offer = Offer::seeded("monthly_rub_2000").unwrap();
        offer.prices.extend(more);
        self.world.put(&offer).await;
    }

    async fn gift_linked(&self, recipient: i64) -> String {
        let email = format!("{recipient}_giftclub@mail.ru");
        let reply = self.ask(json!({
            "telegram_id": PAYER.to_string(), "email": email, "offer_key": "gift_rub_2000",
        }));
        let reply = reply.await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body["attempt_id"].as_str().unwrap().to_owned()
    }

    async fn webhook(&self) -> Instance<App> {
        self.world.start(sandbox_webhook()).await
    }

    async fn deliver(&self, body: Value) -> Reply {
        self.world.send(&self.webhook().await, delivery(body)).await
    }

    async fn succeed(&self, attempt_id: &str) -> Reply {
        self.deliver(json!({ "attempt_id": attempt_id, "event": "success" })).await
    }

    async fn attempt(&self, id: &str) -> Attempt {
        super::store::find(self.world.table(), id).await.unwrap().unwrap()
    }

    async fn status(&self, id: &str) -> Status {
        self.attempt(id).await.status
    }

    async fn payer(&self) -> Member {
        self.world.member_now(PAYER).await
    }

    async fn count(&self, kind: &str) -> usize {
        self.world.items(kind).await.len()
    }

    /// The outbox, by message: what was asked for, and congratulations that a row stands for which
    /// nobody has performed yet.
    async fn messages(&self, message: &str) -> usize {
        let outbox = self.world.items("Outbox").await;
        let says = |item: &Value, what: &str| item["payload"]["M"]["message"]["S"] == what;
        let is = |item: &&Value| {
            says(item, message)
                || message == "congratulation"
                    && says(item, "settled")
                    && item["state"]["S"] == "pending"
        };
        outbox.iter().filter(is).count()
    }

    /// Has every outbox row performed, and what follows from it, as far as it can be now.
    async fn perform_all(&self) {
        let queue = self.world.app.outbox_queue.as_ref().unwrap();
        for _ in 0..8 {
            let rows: Vec<Entry> = self.read("Outbox").await;
            let pending = rows.into_iter().filter(|row| row.state == State::Pending);
            let hints: Vec<_> = pending.map(|row| Hint { outbox_id: row.id }).collect();
            if hints.is_empty() {
                return;
            }
            for some in hints.chunks(10) {
                queue.send_all(some).await.unwrap();
                self.world.deliver(deliver(), OUTBOX).await;
            }
            self.pass(3);
        }
    }

    fn pass(&self, seconds: u64) {
        self.world.pass(Duration::from_secs(seconds));
    }

    /// What must hold at any instant, whatever happened.
    async fn check_invariants(&self) {
        let attempts: Vec<Attempt> = self.read("Attempt").await;
        let payments: Vec<Payment> = self.read("Payment").await;
        let open: Vec<OpenAttempt> = self.read("OpenAttempt").await;
        for attempt in &attempts {
            let paid = payments.iter().filter(|payment| payment.attempt_id == attempt.id).count();
            let settled = matches!(attempt.status, Status::Paid | Status::Refunded);
            assert_eq!(settled, paid > 0, "{attempt:?}");
            let slots = open.iter().filter(|slot| slot.attempt_id == attempt.id).count();
            assert_eq!(slots, usize::from(attempt.status.is_open()), "{attempt:?}");
        }
        assert!(open.iter().all(|slot| attempts.iter().any(|a| a.id == slot.attempt_id)));
        let entries = self.world.items("EnergyEntry").await;
        for member in self.read::<Member>("Member").await {
            let own = entries.iter().filter(|entry| number(&entry["tg_id"]) == member.tg_id);
            let sum: i64 = own.map(|entry| number(&entry["delta"])).sum();
            let paid = payments.iter().filter(|payment| payment.payer == member.tg_id);
            let earned: u64 = paid.map(|payment| u64::from(payment.energies)).sum();
            let left = i64::try_from(earned - member.consumed_total).unwrap();
            assert_eq!((member.balance, member.earned_total), (sum, earned));
            assert_eq!(member.balance, left);
        }
    }

    async fn read<E: shared::table::Entity>(&self, kind: &str) -> Vec<E> {
        let mut found = Vec::new();
        for item in self.world.items(kind).await {
            let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
            let key = shared::table::Key::new(text("pk"), text("sk"));
            let item: Option<Item> = self.world.item(&key).await;
            found.push(item.unwrap().read().unwrap());
        }
        found
    }
}

fn number(attribute: &Value) -> i64 {
    attribute["N"].as_str().unwrap().parse().unwrap()
}

fn monthly() -> Value {
    json!({ "telegram_id": PAYER, "email": "anna@example.com", "offer_key": "monthly_rub_2000" })
}

fn delivery(body: Value) -> Request {
    Request::post("/api/webhooks/sandbox/payment", body).header("x-sandbox-secret", SANDBOX_SECRET)
}
