//! What the invariants are worth: with any entry of any transaction gone they do not hold.

use std::sync::atomic::{AtomicUsize, Ordering};

use engine::tamper::drop_entries;

use super::*;

/// What is played with a part of it missing.
#[derive(Clone, Copy, Debug)]
enum Case {
    /// A ticket is bought, of a stock.
    Ticket,
    /// Days are bought, of a stock.
    Days,
    /// Something is handed over.
    Used,
    /// A raffle is drawn.
    Drawn,
}

impl Case {
    fn fields(self) -> Value {
        match self {
            Self::Days => json!({
                "itemType": "access", "metadata": { "days": 7 }, "stock": 5, "perUserLimit": 2,
            }),
            _ => json!({ "itemType": "raffle_ticket", "stock": 5, "perUserLimit": 2 }),
        }
    }

    async fn prepare(self, shop: &Shop) -> String {
        shop.buyer(BUYER, 500).await;
        shop.describe("tea", self.fields()).await;
        if matches!(self, Self::Ticket | Self::Days) {
            return String::new();
        }
        let made = shop.buy(BUYER, json!({ "itemId": "tea" })).await;
        made.body["purchase"]["id"].as_str().unwrap().to_owned()
    }

    async fn play(self, shop: &Shop, id: &str) {
        let reply = match self {
            Self::Ticket | Self::Days => shop.buy(BUYER, json!({ "itemId": "tea" })).await,
            Self::Used => shop.hand_over(id).await,
            Self::Drawn => shop.draw("tea", json!({ "winners": 1 })).await,
        };
        assert_eq!(reply.status, 200);
    }

    async fn check(self, shop: &Shop, (version, catalogue): (u64, String)) {
        shop.check_invariants().await;
        let member = shop.member(BUYER).await;
        let (raised, drawn, used) = match self {
            Self::Ticket | Self::Days => (true, false, false),
            Self::Used => (false, false, true),
            Self::Drawn => (true, true, false),
        };
        assert_eq!(shop.catalogue().await != catalogue, raised);
        assert_eq!(member.version != version, !drawn);
        assert_eq!(
            (shop.count("RaffleDraw").await, shop.item("tea").await.drawn),
            (usize::from(drawn), drawn)
        );
        assert_eq!(shop.count("Purchase").await, 1);
        let bought: Vec<Purchase> = shop.all().await;
        assert!(bought.iter().all(|one| one.used_at.is_some() == used));
        let until = bought.iter().find_map(|one| one.until);
        assert!(until.is_none() || member.subscription_expires == until);
        if matches!(self, Self::Ticket | Self::Days) {
            shop.buy(BUYER, json!({ "itemId": "tea" })).await;
            assert_eq!(shop.count("Purchase").await, 1, "a duplicate");
        }
    }
}

/// Plays a case with the entry number `nth` of each transaction gone. Answers whether anything was
/// noticed, and how many entries the largest transaction had.
async fn played(case: Case, nth: usize) -> (bool, usize) {
    let shop = Shop::open().await;
    let id = case.prepare(&shop).await;
    let before = (shop.member(BUYER).await.version, shop.catalogue().await);
    let entries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&entries);
    shop.world.engine.tamper().with(move |_, operation, body| {
        let items = body["TransactItems"].as_array().map_or(0, Vec::len);
        seen.fetch_max(items, Ordering::Relaxed);
        let place = AtomicUsize::new(0);
        drop_entries(operation, body, |_| place.fetch_add(1, Ordering::Relaxed) == nth);
    });
    let played = tokio::spawn(async move {
        case.play(&shop, &id).await;
        shop.world.engine.tamper().stop();
        case.check(&shop, before).await;
    });
    (played.await.is_err(), entries.load(Ordering::Relaxed))
}

#[tokio::test]
async fn no_entry_of_any_transaction_can_be_left_out() {
    for (case, most) in [(Case::Ticket, 8), (Case::Days, 8), (Case::Used, 2), (Case::Drawn, 3)] {
        assert_eq!(played(case, usize::MAX).await, (false, most), "{case:?}");
        for nth in 0..most {
            assert!(played(case, nth).await.0, "{case:?} without {nth}");
        }
    }
}
