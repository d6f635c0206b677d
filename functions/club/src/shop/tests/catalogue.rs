//! What anyone sees.

use super::*;

async fn ask(shop: &Shop, path: &str, tag: Option<&str>) -> Reply {
    let function = match path.split('?').next().unwrap() {
        "/api/v1/shop/items" => items(),
        "/api/v1/shop/items/by-category" => by_category(),
        _ => item(),
    };
    let request = Request::get(path);
    let request = tag.map_or(request.clone(), |tag| request.header("if-none-match", tag));
    shop.world.call(function, request).await
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_on_sale_stands_in_its_order() {
    let shop = Shop::open().await;
    shop.describe("b", json!({ "category": "elite", "sortOrder": 2 })).await;
    shop.pass(1);
    shop.describe("c", json!({ "category": "elite", "sortOrder": 2 })).await;
    shop.describe("a", json!({ "sortOrder": -5 })).await;
    shop.describe("hidden", json!({ "isActive": false })).await;
    let all = ask(&shop, "/api/v1/shop/items", None).await;
    assert_eq!(ids(&all.body["items"]), ["a", "b", "c"]);
    assert_eq!((all.cost.requests, all.cost.items), (2, 0));
    assert_eq!(all.headers["cache-control"], "public, no-cache, max-age=1800");
    let elite = ask(&shop, "/api/v1/shop/items?category=elite", None).await;
    assert_eq!(ids(&elite.body["items"]), ["b", "c"]);
    let bad = ask(&shop, "/api/v1/shop/items?category=other", None).await;
    assert_eq!(bad.status, 400);
    let shelves = ask(&shop, "/api/v1/shop/items/by-category", None).await.body;
    assert_eq!(ids(&shelves["categories"]["elite"]), ["b", "c"]);
    assert_eq!(ids(&shelves["categories"]["secret"]), ["a"]);
    assert_eq!((&shelves["categories"]["savings"], &shelves["items"]), (&json!([]), &json!(null)));
    let shelf = ask(&shop, "/api/v1/shop/items/by-category?category=secret", None).await.body;
    assert_eq!(ids(&shelf["items"]), ["a"]);
    let one = ask(&shop, "/api/v1/shop/items/b", None).await;
    assert_eq!((&one.body["item"]["id"], one.cost.requests), (&json!("b"), 1));
    for id in ["hidden", "none", "n%20o", &"x".repeat(65)] {
        let reply = ask(&shop, &format!("/api/v1/shop/items/{id}"), None).await;
        assert_eq!((reply.status.as_u16(), &reply.body["error"]), (404, &json!("Item not found")));
    }
}

#[tokio::test]
async fn the_catalogue_is_validated_by_its_version() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({ "stock": 3 })).await;
    shop.describe("cup", json!({})).await;
    let first = ask(&shop, "/api/v1/shop/items", None).await;
    let tag = first.headers["etag"].as_str().unwrap();
    let known = ask(&shop, "/api/v1/shop/items", Some(tag)).await;
    assert_eq!((known.status.as_u16(), known.cost.requests), (304, 1));
    // What has no stock looks the same after a purchase.
    shop.buy(BUYER, json!({ "itemId": "cup" })).await;
    assert_eq!(ask(&shop, "/api/v1/shop/items", Some(tag)).await.status, 304);
    shop.buy(BUYER, json!({ "itemId": "tea" })).await;
    let changed = ask(&shop, "/api/v1/shop/items", Some(tag)).await;
    let tea = changed.body["items"].as_array().unwrap().iter().find(|item| item["id"] == "tea");
    assert_eq!(tea.unwrap()["stock"], 2);
    let tag = changed.headers["etag"].as_str().unwrap();
    shop.describe("cup", json!({ "title": "Чашка" })).await;
    assert_eq!(ask(&shop, "/api/v1/shop/items", Some(tag)).await.status, 200);
}

#[tokio::test]
async fn a_warm_process_repeats_what_it_has_and_asks_for_the_version_alone() {
    let shop = Shop::open().await;
    shop.describe("tea", json!({})).await;
    let instance = shop.world.start(items()).await;
    let ask = async || shop.world.send(&instance, Request::get("/api/v1/shop/items")).await;
    assert_eq!(ask().await.headers["x-cache"], "MISS");
    let hit = ask().await;
    assert_eq!((&hit.headers["x-cache"], hit.cost.requests), (&json!("HIT"), 1));
    shop.describe("tea", json!({ "price": 7 })).await;
    let fresh = ask().await;
    assert_eq!(
        (&fresh.headers["x-cache"], &fresh.body["items"][0]["price"]),
        (&json!("MISS"), &json!(7))
    );
}

#[tokio::test]
async fn what_members_have_bought_is_validated_by_the_member() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({})).await;
    let made = shop.buy(BUYER, json!({ "itemId": "tea" })).await;
    let id = made.body["purchase"]["id"].as_str().unwrap();
    let token = shop.world.token(&shop.member(BUYER).await).await;
    let ask = async |path: &str, tag: &str| {
        let function = if path.contains("purchased") { purchased() } else { purchases() };
        let request = Request::get(path).token(&token).header("if-none-match", tag);
        shop.world.call(function, request).await
    };
    for path in ["/api/v1/shop/purchases", "/api/v1/shop/purchased/tea"] {
        let first = ask(path, "\"none\"").await;
        let tag = first.headers["etag"].as_str().unwrap();
        assert_eq!(first.headers["cache-control"], "private, no-cache, max-age=60");
        let known = ask(path, tag).await;
        assert_eq!((known.status.as_u16(), known.cost.requests), (304, 1), "{path}");
        shop.pass(46);
        shop.buy(BUYER, json!({ "itemId": "tea" })).await;
        assert_eq!(ask(path, tag).await.status, 200, "{path}");
    }
    let tag = ask("/api/v1/shop/purchases", "\"none\"").await.headers["etag"].clone();
    shop.hand_over(id).await;
    assert_eq!(ask("/api/v1/shop/purchases", tag.as_str().unwrap()).await.status, 200);
    // What is bought is shown as it is now.
    let path = "/api/v1/shop/purchased/tea";
    let tag = ask(path, "\"none\"").await.headers["etag"].clone();
    shop.describe("tea", json!({ "metadata": { "link": "x" } })).await;
    let changed = ask(path, tag.as_str().unwrap()).await;
    assert_eq!(changed.body["item"]["item_data"]["link"], "x");
}

#[tokio::test]
async fn what_is_seen_before_its_version_is_in_the_validator() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({ "stock": 3 })).await;
    shop.buy(BUYER, json!({ "itemId": "tea" })).await;
    let token = shop.world.token(&shop.member(BUYER).await).await;
    let mine = async |tag: &str| {
        let request = Request::get("/api/v1/shop/purchased/tea").token(&token);
        shop.world.call(purchased(), request.header("if-none-match", tag)).await
    };
    let path = "/api/v1/shop/items/tea";
    let tag_of = |reply: &Reply| reply.headers["etag"].as_str().unwrap().to_owned();
    for change in [
        |item: ShopItem| ShopItem { stock: Some(1), ..item },
        |item: ShopItem| ShopItem { revision: "other".to_owned(), ..item },
    ] {
        let tag = tag_of(&ask(&shop, path, None).await);
        assert_eq!(ask(&shop, path, Some(&tag)).await.status, 304);
        shop.world.put(&change(shop.item("tea").await)).await;
        assert_eq!(ask(&shop, path, Some(&tag)).await.status, 200);
    }
    let bought: Bought = shop.all().await.remove(0);
    let at = bought.at + days(1);
    for changed in [Bought { count: 2, ..bought.clone() }, Bought { count: 2, at, ..bought }] {
        let tag = tag_of(&mine("\"none\"").await);
        assert_eq!(mine(&tag).await.status, 304);
        shop.world.put(&changed).await;
        assert_eq!(mine(&tag).await.status, 200);
    }
}
