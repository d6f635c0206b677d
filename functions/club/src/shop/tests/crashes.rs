//! The process dies at every call to the store; what comes after heals it.

use engine::{CrashMode, CrashPlan};

use super::*;

const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];

fn plan(function: &str, at: u64, mode: CrashMode) -> CrashPlan {
    CrashPlan { caller: Some(format!("local-{function}")), at, mode }
}

#[tokio::test]
async fn a_purchase_that_dies_anywhere_happens_once() {
    let fields = json!({ "itemType": "raffle_ticket", "stock": 5, "perUserLimit": 5 });
    for key in [None, Some("one")] {
        let mut struck = 0;
        for at in 0..5 {
            for mode in MODES {
                let shop = Shop::open().await;
                shop.buyer(BUYER, 500).await;
                shop.describe("tea", fields.clone()).await;
                let wish = shop.wish(BUYER, json!({ "itemId": "tea" })).await;
                let wish = key.map_or(wish.clone(), |key| wish.header("idempotency-key", key));
                shop.world.engine.faults().crash(plan("club-shop-purchase", at, mode));
                let reply = shop.world.call(purchase(), wish.clone()).await;
                shop.world.engine.faults().clear();
                struck += usize::from(reply.status != 200);
                shop.check_invariants().await;
                let again = shop.world.call(purchase(), wish).await;
                assert_eq!(again.status, 200, "{mode:?} at {at}: {}", again.body);
                assert_eq!(shop.count("Purchase").await, 1, "{mode:?} at {at}");
                assert_eq!(shop.member(BUYER).await.balance, 400);
                shop.check_invariants().await;
            }
        }
        assert!(struck >= 6, "{struck}");
    }
}

#[tokio::test]
async fn a_duplicate_that_dies_anywhere_is_still_one() {
    for at in 0..5 {
        for mode in MODES {
            let shop = Shop::open().await;
            shop.buyer(BUYER, 500).await;
            shop.describe("tea", json!({})).await;
            let wish = shop.wish(BUYER, json!({ "itemId": "tea" })).await;
            let first = shop.world.call(purchase(), wish.clone()).await;
            shop.pass(44);
            shop.world.engine.faults().crash(plan("club-shop-purchase", at, mode));
            let reply = shop.world.call(purchase(), wish.clone()).await;
            shop.world.engine.faults().clear();
            if reply.status == 200 {
                // Whoever was answered has begun the time anew.
                shop.pass(44);
            }
            let again = shop.world.call(purchase(), wish).await;
            assert_eq!(again.body, first.body, "{mode:?} at {at}");
            assert_eq!(shop.count("Purchase").await, 1);
        }
    }
}

#[tokio::test]
async fn a_draw_that_dies_anywhere_is_drawn_once() {
    let mut struck = 0;
    for at in 0..5 {
        for mode in MODES {
            let shop = Shop::open().await;
            shop.buyer(BUYER, 500).await;
            shop.describe("tea", json!({ "itemType": "raffle_ticket" })).await;
            shop.buy(BUYER, json!({ "itemId": "tea" })).await;
            shop.world.engine.faults().crash(plan("club-shop-draw", at, mode));
            let reply = shop.draw("tea", json!({ "winners": 1 })).await;
            shop.world.engine.faults().clear();
            struck += usize::from(reply.status != 200);
            let again = shop.draw("tea", json!({ "winners": 1 })).await;
            assert_eq!(again.status, 200, "{mode:?} at {at}: {}", again.body);
            if reply.status == 200 {
                assert_eq!(again.body, reply.body);
            }
            assert_eq!(shop.count("RaffleDraw").await, 1);
            assert!(!shop.item("tea").await.is_sold());
        }
    }
    assert!(struck >= 6, "{struck}");
}

#[tokio::test]
async fn a_use_that_dies_anywhere_is_noted_once() {
    for at in 0..4 {
        for mode in MODES {
            let shop = Shop::open().await;
            shop.buyer(BUYER, 500).await;
            shop.describe("tea", json!({})).await;
            let made = shop.buy(BUYER, json!({ "itemId": "tea" })).await;
            let id = made.body["purchase"]["id"].as_str().unwrap();
            let before = shop.member(BUYER).await.version;
            shop.world.engine.faults().crash(plan("club-shop-use", at, mode));
            shop.hand_over(id).await;
            shop.world.engine.faults().clear();
            let again = shop.hand_over(id).await;
            assert_eq!(again.body["purchase"]["status"], "used", "{mode:?} at {at}");
            assert_eq!(shop.member(BUYER).await.version, before + 1);
        }
    }
}
