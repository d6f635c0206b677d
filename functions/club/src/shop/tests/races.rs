//! Many buyers at once, and one buyer many times.

use super::*;

async fn buyers(shop: &Shop, count: i64, energies: u32) -> Vec<Request> {
    let mut wishes = Vec::new();
    for tg_id in 1..=count {
        shop.buyer(tg_id, energies).await;
        wishes.push(shop.wish(tg_id, json!({ "itemId": "tea" })).await);
    }
    wishes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_buyers_of_ten_pieces_make_ten_purchases() {
    let shop = Shop::open().await;
    shop.describe("tea", json!({ "stock": 10 })).await;
    let wishes = buyers(&shop, 100, 150).await;
    let instance = shop.world.start(purchase()).await;
    let mut rounds = 0;
    while shop.count("Purchase").await < 10 {
        shop.world.send_all(&instance, wishes.clone()).await;
        rounds += 1;
        assert!(rounds < 20);
    }
    let replies = shop.world.send_all(&instance, wishes).await;
    let status = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    // Those who have one are answered as before.
    assert_eq!((status(200), status(409)), (10, 90));
    assert_eq!(shop.count("Purchase").await, 10);
    assert_eq!(shop.item("tea").await.stock, Some(0));
    let rich = shop.all::<Member>().await.into_iter().filter(|one| one.balance == 150).count();
    assert_eq!(rich, 90);
    shop.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_administrator_who_counts_while_others_buy_puts_nothing_on_sale_again() {
    let shop = Shop::open().await;
    shop.describe("tea", json!({ "stock": 10 })).await;
    let wishes = buyers(&shop, 12, 150).await;
    let instance = shop.world.start(purchase()).await;
    let mut rounds = 0;
    while shop.count("Purchase").await < 10 {
        let counted = shop.item("tea").await.stock;
        let change = json!({ "title": "Чай", "stock": counted, "expectedStock": counted });
        let (reply, _) = tokio::join!(
            shop.replace("tea", change),
            shop.world.send_all(&instance, wishes.clone()),
        );
        assert!([200, 409, 503].contains(&reply.status.as_u16()), "{reply:?}");
        assert_eq!(shop.item("tea").await.initial, Some(10));
        shop.check_invariants().await;
        rounds += 1;
        assert!(rounds < 40);
    }
    assert_eq!((shop.count("Purchase").await, shop.item("tea").await.stock), (10, Some(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tickets_of_parallel_buyers_have_no_gaps() {
    let shop = Shop::open().await;
    shop.describe("tea", json!({ "itemType": "raffle_ticket" })).await;
    let wishes = buyers(&shop, 12, 100).await;
    let instance = shop.world.start(purchase()).await;
    let mut rounds = 0;
    while shop.count("Purchase").await < 12 {
        shop.world.send_all(&instance, wishes.clone()).await;
        rounds += 1;
        assert!(rounds < 40);
        shop.check_invariants().await;
    }
    assert_eq!(shop.item("tea").await.tickets, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keyless_posts_at_once_are_one_purchase() {
    let shop = Shop::open().await;
    shop.describe("tea", json!({})).await;
    shop.buyer(BUYER, 500).await;
    let wish = shop.wish(BUYER, json!({ "itemId": "tea" })).await;
    let instance = shop.world.start(purchase()).await;
    let replies = shop.world.send_all(&instance, vec![wish; 3]).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    assert!(replies.iter().all(|reply| reply.body == replies[0].body));
    assert_eq!((shop.count("Purchase").await, shop.member(BUYER).await.balance), (1, 400));
    shop.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_of_a_member_holds_whatever_comes_at_once() {
    let shop = Shop::open().await;
    shop.describe("tea", json!({ "perUserLimit": 3 })).await;
    shop.buyer(BUYER, 5_000).await;
    let mut wishes = Vec::new();
    for n in 0..12 {
        let wish = shop.wish(BUYER, json!({ "itemId": "tea" })).await;
        wishes.push(wish.header("idempotency-key", &format!("k{n}")));
    }
    let instance = shop.world.start(purchase()).await;
    let mut rounds = 0;
    while shop.count("Purchase").await < 3 {
        shop.world.send_all(&instance, wishes.clone()).await;
        rounds += 1;
        assert!(rounds < 20);
        shop.check_invariants().await;
    }
    let replies = shop.world.send_all(&instance, wishes).await;
    let status = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    // Three keys have their purchase, the others are refused.
    assert_eq!((status(200), status(409), shop.count("Purchase").await), (3, 9, 3));
    assert_eq!(shop.member(BUYER).await.balance, 4_700);
    shop.check_invariants().await;
}
