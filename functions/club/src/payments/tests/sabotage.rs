//! A settlement is all or nothing: each entry of its transaction is refused alone, once and for as
//! long as somebody likes. Nothing half-done is left, and what comes again settles once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use shared::clock::days;

use super::lavatop::Lava;
use super::stars::star_shop;
use super::updates::{paid, told};
use super::*;
use crate::bot::{update, webhook};
use crate::payments::{lavatop_payment, lavatop_recurring};
use crate::testing::{BotServer, TABLE, UPDATES};

/// What is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    /// Somebody pays for himself.
    Own,
    /// The first payment of a standing subscription.
    Recurring,
    /// One more of it.
    Renewal,
    /// Stars, by an update of the bot that must not have its effect twice.
    Stars,
    /// A gift.
    Gift,
    /// Money of another sum than was agreed.
    Quarantine,
}

/// A shop, and money that comes there.
struct Scene {
    shop: Shop,
    /// The attempt that is paid.
    attempt: String,
    word: Word,
    /// They end with the test.
    _servers: (Option<Lava>, Option<BotServer>),
}

/// Who tells of the money, and what.
enum Word {
    Sandbox(Value),
    Payment(Value),
    Renewal(Value),
    Update(Value),
}

impl Case {
    async fn scene(self) -> Scene {
        match self {
            Self::Own | Self::Gift | Self::Quarantine => {
                let shop = Shop::open().await;
                let attempt = match self {
                    Self::Gift => shop.gift_linked(77).await,
                    _ => shop.linked().await,
                };
                let mut word = json!({ "attempt_id": attempt, "event": "success" });
                if self == Self::Quarantine {
                    word["amount"] = json!("1999.99");
                }
                Scene { shop, attempt, word: Word::Sandbox(word), _servers: (None, None) }
            }
            Self::Stars => {
                let (shop, bot) = star_shop(&[]).await;
                let attempt = shop.star_linked().await;
                let word = Word::Update(paid(7, &attempt, "charge"));
                Scene { shop, attempt, word, _servers: (None, Some(bot)) }
            }
            Self::Recurring | Self::Renewal => self.at_lavatop().await,
        }
    }

    async fn at_lavatop(self) -> Scene {
        let lava = Lava::open().await;
        let (attempt, purchase) = lava.linked().await;
        lava.server.pay(&purchase);
        let first = lava.server.word("payment.success", &purchase);
        let word = if self == Self::Recurring {
            Word::Payment(first)
        } else {
            assert_eq!(lava.tell(first).await.status, 200);
            let next = lava.server.renew(&purchase);
            let renewed = "subscription.recurring.payment.success";
            Word::Renewal(lava.server.word(renewed, &next))
        };
        // The shop is the same world, for whoever looks at it.
        let shop = Shop { world: Arc::clone(&lava.shop.world), token: lava.shop.token.clone() };
        Scene { shop, attempt, word, _servers: (Some(lava), None) }
    }

    /// How many entries its transaction has.
    const fn entries(self) -> usize {
        match self {
            Self::Own | Self::Renewal => 8,
            Self::Recurring => 9,
            Self::Stars => 10,
            Self::Gift => 7,
            Self::Quarantine => 2,
        }
    }
}

impl Scene {
    /// The money is told of, as one delivery. Is it acknowledged?
    async fn deliver(&self) -> bool {
        let world = &self.shop.world;
        match &self.word {
            Word::Sandbox(body) => self.shop.deliver(body.clone()).await.status == 200,
            Word::Payment(body) => {
                let request = lavatop::told(body.clone());
                world.call(lavatop_payment(), request).await.status == 200
            }
            Word::Renewal(body) => {
                let request = lavatop::told_again(body.clone());
                world.call(lavatop_recurring(), request).await.status == 200
            }
            Word::Update(body) => {
                world.engine.queues().purge(UPDATES).unwrap();
                let reply = world.call(webhook(), told(body.clone())).await;
                assert_eq!(reply.status, 200);
                world.deliver(update(), UPDATES).await == (1, 0)
            }
        }
    }

    /// Has the entry number `nth` of a transaction refused, of the next `times` of them. Answers
    /// how many entries the largest had.
    fn refuse(&self, nth: usize, times: usize) -> Arc<AtomicUsize> {
        let (most, left) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(times));
        let seen = Arc::clone(&most);
        self.shop.world.engine.tamper().with(move |_, operation, body| {
            if operation != "TransactWriteItems" {
                return;
            }
            let entries = body["TransactItems"].as_array_mut().unwrap();
            seen.fetch_max(entries.len(), Ordering::Relaxed);
            let take = |left: usize| left.checked_sub(1);
            if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                spoil(&mut entries[nth]);
            }
        });
        most
    }

    /// Whatever there is.
    async fn everything(&self) -> Vec<Value> {
        everything(&self.shop).await
    }

    /// What must hold once the money was settled once.
    async fn check(&self, case: Case) {
        let shop = &self.shop;
        let (payments, balance, until) = match case {
            Case::Own | Case::Recurring | Case::Stars => (1, 500, Some(days(30))),
            Case::Renewal => (2, 1_000, Some(days(60))),
            Case::Gift => (1, 0, None),
            Case::Quarantine => (0, 0, None),
        };
        let payer = shop.payer().await;
        assert_eq!((shop.count("Payment").await, payer.balance), (payments, balance), "{case:?}");
        assert_eq!(payer.subscription_expires, until.map(|until| shop.world.now() + until));
        let paid = if payments == 0 { Status::Pending } else { Status::Paid };
        assert_eq!(shop.status(&self.attempt).await, paid);
        let told = [
            shop.messages("congratulation").await,
            shop.messages("gift_link").await,
            shop.messages("admin_alert").await,
        ];
        let expected = match case {
            Case::Gift => [0, 1, 0],
            Case::Quarantine => [0, 0, 1],
            _ => [payments, 0, 0],
        };
        assert_eq!(told, expected, "{case:?}");
        shop.check_invariants().await;
    }
}

/// Whatever the table holds, but for how much its callers may still ask.
pub(super) async fn everything(shop: &Shop) -> Vec<Value> {
    let call = engine::Call {
        service: engine::Service::Dynamodb,
        operation: "Scan".to_owned(),
        body: json!({ "TableName": TABLE, "ConsistentRead": true }).to_string().into(),
        caller: "tests".to_owned(),
    };
    let engine::Reply::Answer(answer) = shop.world.engine.call(call).await else {
        panic!("no answer")
    };
    let found: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(found.get("LastEvaluatedKey"), None, "one page");
    let mut items = found["Items"].as_array().unwrap().clone();
    items.retain(|item| !item["pk"]["S"].as_str().unwrap().starts_with("LIMIT#"));
    items.sort_by_key(|item| format!("{}{}", item["pk"]["S"], item["sk"]["S"]));
    items
}

/// How many items of each kind there are.
fn shape(items: &[Value]) -> BTreeMap<String, usize> {
    let mut shape = BTreeMap::new();
    for item in items {
        *shape.entry(item["kind"]["S"].to_string()).or_default() += 1;
    }
    shape
}

/// Adds to an entry's condition what never holds.
fn spoil(entry: &mut Value) {
    let never = "attribute_exists(pk) AND attribute_not_exists(pk)";
    let write = entry.as_object_mut().unwrap().values_mut().next().unwrap();
    write["ConditionExpression"] = match write["ConditionExpression"].as_str() {
        Some(condition) => json!(format!("({condition}) AND {never}")),
        None => json!(never),
    };
}

async fn no_entry_can_fail_alone(case: Case) {
    let scene = case.scene().await;
    let most = scene.refuse(0, 0);
    assert!(scene.deliver().await);
    scene.check(case).await;
    assert_eq!(most.load(Ordering::Relaxed), case.entries(), "{case:?}");
    let expected = shape(&scene.everything().await);
    for nth in 0..case.entries() {
        // It never holds: nothing is acknowledged, nothing is there.
        let scene = case.scene().await;
        let before = scene.everything().await;
        scene.refuse(nth, usize::MAX);
        assert!(!scene.deliver().await, "{case:?} without {nth} is acknowledged");
        scene.shop.world.engine.tamper().stop();
        assert_eq!(scene.everything().await, before, "{case:?} without {nth} is half-done");
        settles_once(&scene, case, &expected, nth).await;

        // It fails once: another round settles.
        let scene = case.scene().await;
        scene.refuse(nth, 1);
        settles_once(&scene, case, &expected, nth).await;
    }
}

/// The money comes, and comes again.
async fn settles_once(scene: &Scene, case: Case, expected: &BTreeMap<String, usize>, nth: usize) {
    assert!(scene.deliver().await, "{case:?} {nth}");
    scene.check(case).await;
    let settled = scene.everything().await;
    assert_eq!(&shape(&settled), expected, "{case:?} {nth}");
    for _ in 0..2 {
        assert!(scene.deliver().await, "{case:?} {nth}");
    }
    assert_eq!(scene.everything().await, settled, "{case:?} {nth}");
}

#[tokio::test]
async fn no_entry_of_a_payment_can_fail_alone() {
    no_entry_can_fail_alone(Case::Own).await;
}

#[tokio::test]
async fn no_entry_of_a_subscriptions_first_payment_can_fail_alone() {
    no_entry_can_fail_alone(Case::Recurring).await;
}

#[tokio::test]
async fn no_entry_of_a_renewal_can_fail_alone() {
    no_entry_can_fail_alone(Case::Renewal).await;
}

#[tokio::test]
async fn no_entry_of_a_charge_in_stars_can_fail_alone() {
    no_entry_can_fail_alone(Case::Stars).await;
}

#[tokio::test]
async fn no_entry_of_a_gift_can_fail_alone() {
    no_entry_can_fail_alone(Case::Gift).await;
}

#[tokio::test]
async fn no_entry_of_money_that_is_put_aside_can_fail_alone() {
    no_entry_can_fail_alone(Case::Quarantine).await;
}
