//! One buyer.

use super::*;

#[tokio::test]
async fn a_purchase_is_paid_counted_and_shown() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 250).await;
    shop.describe("tea", json!({ "stock": 3, "imageUrl": "https://example.com/tea.png" })).await;
    let reply = shop.buy(BUYER, json!({ "itemId": "tea", "expectedPrice": 100 })).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body = &reply.body;
    assert_eq!((&body["success"], &body["newBalance"]), (&json!(true), &json!(150)));
    assert_eq!((&body["item"]["id"], &body["item"]["stock"]), (&json!("tea"), &json!(2)));
    let made = &body["purchase"];
    assert_eq!((&made["status"], &made["price"]), (&json!("completed"), &json!(100)));
    assert_eq!((&made["itemTitle"], &made["ticketNumbers"]), (&json!("Тайна"), &json!([])));
    assert_eq!(made["userId"], shop.member(BUYER).await.id);
    let entry = &shop.world.items("EnergyEntry").await;
    let reason = entry.iter().find(|entry| entry["delta"]["N"] == "-100").unwrap();
    assert_eq!(reason["reason"]["S"], "Покупка: Тайна");
    let listed = shop.get(purchases(), "/api/v1/shop/purchases").await;
    assert_eq!(listed.body["purchases"], json!([made]));
    let bought = shop.get(purchased(), "/api/v1/shop/purchased/tea").await;
    assert_eq!(bought.body["item"]["purchased_at"], made["purchasedAt"]);
    assert_eq!(bought.body["item"]["item_type"], "gift");
    let left = shop.get(balance(), "/api/v1/shop/balance").await;
    assert_eq!(left.body["balance"], 150);
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_purchase_costs_one_read_and_eight_items_at_most() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 1_000).await;
    shop.describe("plain", json!({})).await;
    let many = json!({ "itemType": "raffle_ticket", "stock": 5, "perUserLimit": 5 });
    shop.describe("raffle", many).await;
    let access = json!({ "itemType": "access", "metadata": { "days": 7 }, "stock": 5 });
    shop.describe("access", access).await;
    for (id, items) in [("plain", 6), ("raffle", 8), ("access", 8)] {
        let reply = shop.buy(BUYER, json!({ "itemId": id })).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert_eq!((reply.cost.requests, reply.cost.sequence), (2, 2), "{id}");
        assert_eq!(reply.cost.items, items, "{id}");
        shop.pass(1);
        let again = shop.buy(BUYER, json!({ "itemId": id })).await;
        assert_eq!(again.body, reply.body);
        assert_eq!((again.cost.requests, again.cost.items), (2, 1), "a duplicate is prolonged");
    }
    for (function, path, requests) in [
        (balance(), "/api/v1/shop/balance", 1),
        (purchased(), "/api/v1/shop/purchased/plain", 1),
        (purchases(), "/api/v1/shop/purchases", 2),
        (unused(), "/api/v1/shop/purchases/unused", 2),
        (stats(), "/api/v1/shop/stats", 2),
    ] {
        let reply = shop.get(function, path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.cost.requests, reply.cost.items),
            (200, requests, 0)
        );
    }
    shop.check_invariants().await;
}

#[tokio::test]
async fn what_cannot_be_bought_leaves_nothing() {
    let shop = Shop::open().await;
    let before = shop.buyer(BUYER, 99).await;
    shop.describe("dear", json!({})).await;
    shop.describe("gone", json!({ "stock": 0, "price": 1 })).await;
    shop.describe("hidden", json!({ "isActive": false, "price": 1 })).await;
    shop.describe("removed", json!({ "price": 1 })).await;
    let table = shop.world.table();
    table.transact(crate::shop::deleting("shop-item", "removed")).await.unwrap();
    for (body, status, code) in [
        (json!({ "itemId": "dear" }), 409, "insufficient_energies"),
        (json!({ "itemId": "gone" }), 409, "out_of_stock"),
        (json!({ "itemId": "dear", "expectedPrice": 99 }), 409, "price_changed"),
        (json!({ "itemId": "hidden" }), 404, "not_found"),
        (json!({ "itemId": "removed" }), 404, "not_found"),
        (json!({ "itemId": "none" }), 404, "not_found"),
        (json!({ "itemId": "../x y" }), 404, "not_found"),
        (json!({ "itemId": "" }), 404, "not_found"),
        (json!({}), 400, "validation_failed"),
        (json!({ "itemId": 7 }), 400, "validation_failed"),
        (json!({ "itemId": "dear", "expectedPrice": -1 }), 400, "validation_failed"),
        (json!({ "itemId": "dear", "expectedPrice": "100" }), 400, "validation_failed"),
    ] {
        assert_eq!(shop.refused(BUYER, body.clone()).await, (status, code.to_owned()), "{body}");
    }
    let poor = shop.buy(BUYER, json!({ "itemId": "dear" })).await;
    assert_eq!(poor.body["error"], "Insufficient energy points");
    assert_eq!(shop.buy(BUYER, json!({ "itemId": "none" })).await.body["error"], "Item not found");
    assert_eq!(shop.member(BUYER).await, before);
    for kind in ["Purchase", "Bought", "RaffleTicket", "Idempotency"] {
        assert_eq!(shop.count(kind).await, 0, "{kind}");
    }
}

#[tokio::test]
async fn only_members_with_a_paid_subscription_buy() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({})).await;
    shop.pass(10 * 86_400);
    let refused = shop.refused(BUYER, json!({ "itemId": "tea" })).await;
    assert_eq!(refused, (403, "subscription_required".to_owned()));
    let anonymous = Request::post(PURCHASE, json!({ "itemId": "tea" }));
    assert_eq!(shop.world.call(purchase(), anonymous).await.status, 401);
    assert_eq!(shop.count("Purchase").await, 0);
}

#[tokio::test]
async fn access_extends_the_subscription() {
    let shop = Shop::open().await;
    let before = shop.buyer(BUYER, 500).await;
    let fields = json!({ "itemType": "access", "metadata": { "days": 7 } });
    shop.describe("week", fields).await;
    shop.describe("words", json!({ "itemType": "access" })).await;
    let reply = shop.buy(BUYER, json!({ "itemId": "week" })).await;
    let until = before.subscription_expires.map(|until| until + days(7));
    assert_eq!(reply.body["purchase"]["metadata"]["subscriptionExpires"], json!(until));
    assert_eq!(shop.member(BUYER).await.subscription_expires, until);
    // The guard finds the new end where it looks for ends.
    let row = shop.world.item(&crate::auth::member_key(BUYER)).await.unwrap();
    assert_eq!(row.text("due_at"), until.map(|until| until.to_string()).as_deref());
    shop.buy(BUYER, json!({ "itemId": "words" })).await;
    assert_eq!(shop.member(BUYER).await.subscription_expires, until);
    shop.check_invariants().await;
}

#[tokio::test]
async fn equal_calls_without_a_key_are_one_for_45_seconds() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.buyer(2, 500).await;
    shop.describe("tea", json!({})).await;
    let first = shop.buy(BUYER, json!({ "itemId": "tea" })).await;
    for _ in 0..3 {
        shop.pass(40);
        let again = shop.buy(BUYER, json!({ "itemId": "tea" })).await;
        assert_eq!((&again.body, again.status), (&first.body, first.status));
        assert_eq!(again.headers["idempotency-replayed"], "true");
    }
    assert_eq!(shop.count("Purchase").await, 1);
    // Another member, another body, a key: other calls.
    shop.buy(2, json!({ "itemId": "tea" })).await;
    shop.buy(BUYER, json!({ "itemId": "tea", "expectedPrice": 100 })).await;
    let keyed = shop.wish(BUYER, json!({ "itemId": "tea" })).await;
    shop.world.call(purchase(), keyed.header("idempotency-key", "one")).await;
    assert_eq!(shop.count("Purchase").await, 4);
    shop.pass(45);
    shop.buy(BUYER, json!({ "itemId": "tea" })).await;
    assert_eq!((shop.count("Purchase").await, shop.member(BUYER).await.balance), (5, 100));
    shop.check_invariants().await;
}

#[tokio::test]
async fn a_key_gives_the_same_purchase_and_stands_for_one_body() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({})).await;
    shop.describe("cup", json!({})).await;
    let keyed = async |item: &str| {
        let wish = shop.wish(BUYER, json!({ "itemId": item })).await;
        shop.world.call(purchase(), wish.header("idempotency-key", "one")).await
    };
    let first = keyed("tea").await;
    shop.pass(3_600);
    assert_eq!(keyed("tea").await.body, first.body);
    assert_eq!(keyed("cup").await.body["code"], "idempotency_mismatch");
    assert_eq!(shop.count("Purchase").await, 1);
}

#[tokio::test]
async fn a_member_buys_no_more_than_the_limit() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({ "perUserLimit": 2 })).await;
    for expected in [200, 200, 409] {
        assert_eq!(shop.buy(BUYER, json!({ "itemId": "tea" })).await.status, expected);
        shop.pass(46);
    }
    let refused = shop.refused(BUYER, json!({ "itemId": "tea" })).await;
    assert_eq!(refused, (409, "purchase_limit".to_owned()));
    assert_eq!((shop.count("Purchase").await, shop.member(BUYER).await.balance), (2, 300));
    shop.check_invariants().await;
}

#[tokio::test]
async fn what_was_handed_over_is_used_once() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({})).await;
    let made = shop.buy(BUYER, json!({ "itemId": "tea" })).await;
    let id = made.body["purchase"]["id"].as_str().unwrap();
    let path = "/api/v1/shop/purchases/unused";
    let listed = shop.get(unused(), path).await;
    assert_eq!(listed.body["purchases"].as_array().unwrap().len(), 1);
    let used = shop.hand_over(id).await;
    assert_eq!(used.body["purchase"]["status"], "used", "{}", used.body);
    assert_eq!((used.cost.requests, used.cost.items), (2, 2));
    shop.pass(60);
    let again = shop.hand_over(id).await;
    assert_eq!((&again.body, again.cost.items), (&used.body, 0));
    let listed = shop.get(unused(), path).await;
    assert_eq!(listed.body["purchases"], json!([]));
    let bought = shop.get(purchased(), "/api/v1/shop/purchased/tea").await;
    assert_eq!(bought.status, 200);
    for id in ["x", "pur_x", "pur_01KFD5J3Z0ABCDEFGHJKMNPQRS", "pur_"] {
        assert_eq!(shop.hand_over(id).await.status, 404, "{id}");
    }
    let path = format!("/api/v1/shop/purchases/{id}/use");
    let reply = shop.world.call(use_purchase(), Request::post(&path, json!({}))).await;
    assert_eq!((reply.status.as_u16(), &reply.body["code"]), (403, &json!("admin_required")));
}

#[tokio::test]
async fn lists_and_sums_of_purchases() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 5_000).await;
    shop.describe("tea", json!({ "category": "elite" })).await;
    shop.describe("cup", json!({ "category": "savings", "itemType": "discount", "price": 7 }))
        .await;
    for id in ["tea", "cup", "tea"] {
        shop.buy(BUYER, json!({ "itemId": id })).await;
        shop.pass(60);
    }
    let titles = |reply: &Reply| -> Vec<Value> {
        let rows = reply.body["purchases"].as_array().unwrap();
        rows.iter().map(|row| row["itemId"].clone()).collect()
    };
    let all = shop.get(purchases(), "/api/v1/shop/purchases").await;
    assert_eq!(titles(&all), ["tea", "cup", "tea"]);
    let two = shop.get(purchases(), "/api/v1/shop/purchases?limit=2").await;
    assert_eq!(titles(&two), ["tea", "cup"]);
    let bad = shop.get(purchases(), "/api/v1/shop/purchases?limit=0").await;
    assert_eq!(bad.status, 400);
    let sums = shop.get(stats(), "/api/v1/shop/stats").await.body;
    assert_eq!((&sums["total"], &sums["totalSpent"]), (&json!(3), &json!(207)));
    assert_eq!(sums["byCategory"], json!({ "elite": 2, "savings": 1 }));
    assert_eq!(sums["byType"], json!({ "gift": 2, "discount": 1 }));
    let unknown = shop.get(purchased(), "/api/v1/shop/purchased/none").await;
    assert_eq!(
        (unknown.status.as_u16(), &unknown.body["error"]),
        (404, &json!("Item not found or not purchased"))
    );
}
