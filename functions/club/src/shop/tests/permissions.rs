//! What each function asks of AWS: neither more nor less than its role should allow.

use std::collections::BTreeSet;

use super::*;

const TABLE: &str = "table/test-club";

fn allowed(actions: &[&str]) -> BTreeSet<(String, String)> {
    actions.iter().map(|action| (format!("dynamodb:{action}"), TABLE.to_owned())).collect()
}

#[tokio::test]
async fn functions_ask_for_exactly_this() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 5_000).await;
    let raffle = json!({ "itemType": "raffle_ticket", "stock": 5, "perUserLimit": 5 });
    shop.describe("raffle", raffle).await;
    let access = json!({ "itemType": "access", "metadata": { "days": 7 } });
    shop.describe("access", access).await;
    for id in ["raffle", "raffle", "access"] {
        shop.buy(BUYER, json!({ "itemId": id })).await;
    }
    let made = shop.get(purchases(), "/api/v1/shop/purchases").await;
    let id = made.body["purchases"][0]["id"].as_str().unwrap();
    shop.get(unused(), "/api/v1/shop/purchases/unused").await;
    shop.get(stats(), "/api/v1/shop/stats").await;
    shop.get(balance(), "/api/v1/shop/balance").await;
    shop.get(purchased(), "/api/v1/shop/purchased/raffle").await;
    shop.get(items(), "/api/v1/shop/items").await;
    shop.get(by_category(), "/api/v1/shop/items/by-category").await;
    shop.get(item(), "/api/v1/shop/items/raffle").await;
    assert_eq!(shop.hand_over(id).await.status, 200);
    assert_eq!(shop.draw("raffle", json!({ "winners": 1 })).await.status, 200);
    let asked = |function: &str| shop.world.asked(function);
    // Each with the read of the session, or the count of the administrator's calls. A first
    // contact, which makes the member, puts too.
    for (function, actions) in [
        ("club-shop-items", &["BatchGetItem", "GetItem", "Query"][..]),
        ("club-shop-categories", &["BatchGetItem", "GetItem", "Query"]),
        ("club-shop-item", &["BatchGetItem", "GetItem"]),
        ("club-shop-purchase", &["BatchGetItem", "GetItem", "PutItem", "UpdateItem"]),
        ("club-shop-purchases", &["GetItem", "Query"]),
        ("club-shop-unused", &["GetItem", "Query"]),
        ("club-shop-stats", &["GetItem", "Query"]),
        ("club-shop-balance", &["GetItem"]),
        ("club-shop-purchased", &["BatchGetItem", "GetItem"]),
        ("club-shop-use", &["GetItem", "UpdateItem"]),
        ("club-shop-draw", &["BatchGetItem", "PutItem", "Query", "UpdateItem"]),
    ] {
        assert_eq!(asked(function), allowed(actions), "{function}");
    }
}
