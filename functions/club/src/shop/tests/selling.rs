//! Items as administrators describe them, and the stock through all of it.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

#[tokio::test]
async fn replacing_an_item_keeps_its_counts() {
    let shop = Shop::open().await;
    shop.buyer(BUYER, 5_000).await;
    shop.describe("tea", json!({ "stock": 5, "itemType": "raffle_ticket" })).await;
    let made = shop.item("tea").await.created_at;
    for _ in 0..2 {
        shop.buy(BUYER, json!({ "itemId": "tea" })).await;
        shop.pass(46);
    }
    for (change, stock, initial) in [
        (json!({ "stock": 3 }), Some(3), Some(5)),
        (json!({ "stock": 10 }), Some(10), Some(12)),
        (json!({}), None, None),
        (json!({ "stock": 0 }), Some(0), Some(2)),
    ] {
        let mut fields = change.clone();
        fields["itemType"] = json!("raffle_ticket");
        shop.describe("tea", fields).await;
        let item = shop.item("tea").await;
        assert_eq!((item.stock, item.initial, item.sold, item.tickets), (stock, initial, 2, 2));
        assert_eq!(item.created_at, made);
        shop.check_invariants().await;
    }
    let table = shop.world.table();
    table.transact(crate::shop::deleting("shop-item", "tea")).await.unwrap();
    assert!(!shop.item("tea").await.is_sold());
    // Whoever has bought it still sees it.
    let bought = shop.get(purchased(), "/api/v1/shop/purchased/tea").await;
    assert_eq!(bought.status, 200);
    shop.describe("tea", json!({ "stock": 1 })).await;
    assert!(shop.item("tea").await.is_sold());
    shop.check_invariants().await;
    let gone = table.transact(crate::shop::deleting("shop-item", "none")).await;
    assert!(gone.unwrap_err().refusal().unwrap().has("item"));
}

#[tokio::test]
async fn a_stock_that_has_changed_since_it_was_counted_is_not_replaced() {
    let shop = Shop::open().await;
    shop.describe("tea", json!({ "stock": 3 })).await;
    shop.buyer(BUYER, 500).await;
    assert_eq!(shop.buy(BUYER, json!({ "itemId": "tea" })).await.status, 200);
    let stale = shop.replace("tea", json!({ "stock": 3, "expectedStock": 3 })).await;
    assert_eq!(
        (stale.status.as_u16(), &stale.body["code"], &stale.body["stock"]),
        (409, &json!("stock_changed"), &json!(2))
    );
    assert_eq!(shop.item("tea").await.stock, Some(2));
    let fresh = shop.replace("tea", json!({ "stock": 12, "expectedStock": 2 })).await;
    assert_eq!((fresh.status.as_u16(), &fresh.body["entity"]["stock"]), (200, &json!(12)));
    shop.check_invariants().await;
    // What has no stock, and what there is not, has none that could be expected.
    assert_eq!(shop.replace("tea", json!({ "expectedStock": 12 })).await.status, 200);
    for id in ["tea", "new"] {
        let reply = shop.replace(id, json!({ "stock": 1, "expectedStock": 0 })).await;
        assert_eq!((reply.status.as_u16(), &reply.body["stock"]), (409, &Value::Null), "{id}");
    }
    assert_eq!(shop.replace("tea", json!({ "stock": 1, "expectedStock": -1 })).await.status, 400);
}

#[tokio::test]
async fn a_price_that_changes_before_the_write_is_not_paid() {
    let shop = Shop::open().await;
    let member = shop.buyer(BUYER, 500).await;
    shop.describe("tea", json!({})).await;
    let (item, now) = (shop.item("tea").await, shop.world.now());
    shop.describe("tea", json!({ "price": 200 })).await;
    let purchase = Purchase::of(&item, &member, &Purchase::id_for(BUYER, now), now);
    let expense = energies::Expense::purchase(&purchase.id, "x", 100);
    let outgo = energies::expense(&member, &expense, now).unwrap();
    let sale =
        super::super::store::Sale { item: &item, member: &member, purchase: &purchase, outgo };
    let refused = shop.world.table().transact(sale.writes(now)).await;
    assert!(refused.unwrap_err().refusal().unwrap().has("item"));
    assert_eq!(shop.count("Purchase").await, 0);
}

#[test]
fn fields_are_checked_one_by_one() {
    let now = "2026-01-31T12:00:00Z".parse().unwrap();
    let wrong = |fields: Value| -> Vec<String> {
        let problem = replacing("shop-item", "tea", &fields, Seen::default(), now).unwrap_err();
        problem.fields().iter().map(|field| field.name.to_string()).collect()
    };
    assert_eq!(wrong(json!({})), ["title", "price", "category", "itemType"]);
    let with = |name: &str, value: Value| {
        let mut fields =
            json!({ "title": "t", "price": 1, "category": "elite", "itemType": "access" });
        fields[name] = value;
        fields
    };
    for (name, value) in [
        ("price", json!(0)),
        ("price", json!("x")),
        ("category", json!("other")),
        ("itemType", json!("Gift")),
        ("stock", json!(-1)),
        ("perUserLimit", json!(0)),
        ("metadata", json!([])),
        ("metadata", json!({ "days": 0 })),
        ("metadata", json!({ "days": "7" })),
        ("metadata", json!({ "n": 1e300 })),
        ("metadata", json!({ "text": "x".repeat(9_000) })),
        ("itemData", json!("x")),
        ("isActive", json!("maybe")),
        ("title", json!("x".repeat(201))),
        ("sortOrder", json!(1.5)),
    ] {
        assert_eq!(wrong(with(name, value.clone())), [name], "{name} {value}");
    }
    let fields = with("itemData", json!({ "days": 7 }));
    let made = replacing("shop-item", "tea", &fields, Seen::default(), now).unwrap();
    assert_eq!((&made.entity["id"], &made.entity["metadata"]["days"]), (&json!("tea"), &json!(7)));
    for (kind, id) in [("stream", "tea"), ("shop-item", ""), ("shop-item", "a b")] {
        let refused =
            replacing(kind, id, &with("price", json!(1)), Seen::default(), now).unwrap_err();
        assert_eq!(refused.status(), 404);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Buy(i64),
    Restock(Option<u32>),
}

/// Whatever is bought and restocked: `stock + sold = initial`, and nothing is sold that is not there.
#[test]
fn stock_and_sold_are_what_there_was() {
    let step = prop_oneof![
        4 => (1_i64..4).prop_map(Step::Buy),
        1 => prop::option::of(0_u32..4).prop_map(Step::Restock),
    ];
    let mut runner = TestRunner::new(Config { cases: 12, ..Config::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runner
        .run(&prop::collection::vec(step, 1..25), |steps| {
            runtime.block_on(async {
                let shop = Shop::open().await;
                shop.describe("tea", json!({ "stock": 2, "perUserLimit": 3 })).await;
                for tg_id in 1..4 {
                    shop.buyer(tg_id, 350).await;
                }
                for step in steps {
                    let before = shop.item("tea").await;
                    match step {
                        Step::Restock(stock) => {
                            let fields = json!({ "stock": stock, "perUserLimit": 3 });
                            shop.describe("tea", fields).await;
                            assert_eq!(shop.item("tea").await.stock, stock);
                        }
                        Step::Buy(tg_id) => {
                            shop.pass(46);
                            let bought = shop.buy(tg_id, json!({ "itemId": "tea" })).await;
                            let after = shop.item("tea").await;
                            let sold = u32::from(bought.status == 200);
                            assert_eq!(after.sold, before.sold + sold);
                            assert_eq!(after.stock, before.stock.map(|stock| stock - sold));
                        }
                    }
                    shop.check_invariants().await;
                }
            });
            Ok(())
        })
        .unwrap();
}
