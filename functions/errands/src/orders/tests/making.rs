//! Orders are made, changed and withdrawn.

use super::*;

#[tokio::test]
async fn an_order_is_made_in_one_transaction_of_five_items() {
    let market = Market::open().await;
    let told = market.create(&draft("@ivan_123")).await;
    assert_eq!(told.status, 201);
    assert_eq!((told.cost.requests, told.cost.items), (1, 5));
    let id = told.id();
    assert!(Order::is_id(&id));
    assert_eq!(
        told.body,
        json!({
            "id": id, "category": "Сантехника",
            "description": "Течёт кран на кухне, нужен мастер в течение часа", "city": "Москва",
            "contact": "@ivan_123", "contact_kind": "telegram",
            "created_at": "2026-11-22T12:00:00.000000Z", "expires_in_minutes": 60,
            "expires_at": "2026-11-22T13:00:00.000000Z", "response_deadline_at": null,
            "status": "active", "taken_by": [], "customer_responded_at": null,
            "city_locked": true, "rating": null, "review_comment": null,
        })
    );
    assert_eq!(market.count("OutboxEvent").await, 1);
    market.check_invariants().await;
}

#[tokio::test]
async fn a_contact_has_one_active_order_in_whatever_spelling() {
    let market = Market::open().await;
    market.user(2, 0).await;
    market.post().await;
    for spelling in ["ivan_123", "https://t.me/IVAN_123", "@Ivan_123"] {
        for client in [CLIENT, 2] {
            let busy = market.create_as(client, &draft(spelling)).await;
            assert_eq!(busy.code(), (409, "contact_busy"));
            assert_eq!(busy.body["detail"], "This contact already has an active order");
        }
    }
    market.check_invariants().await;
}

#[tokio::test]
async fn a_contact_is_free_again_once_its_order_has_ended_also_before_a_sweep() {
    for taken in [false, true] {
        let market = Market::of(1, 2).await;
        let first = market.post().await;
        market.take_all(&first, i64::from(taken)).await;
        market.pass(minutes(if taken { 15 } else { 60 }));
        let told = market.create(&draft("t.me/ivan_123")).await;
        assert_eq!((told.status, told.cost.requests), (201, 4));
        let ended = if taken { Status::ClosedNoResponse } else { Status::Expired };
        assert_eq!(market.order(&first).await.status, ended);
        assert_eq!(market.balance(EXECUTOR).await, 2);
        market.check_invariants().await;
    }
}

#[tokio::test]
async fn a_client_has_so_many_active_orders_and_no_more() {
    let market = Market::with(&[("ACTIVE_ORDERS_PER_CLIENT_MAX", "2")]).await;
    let first = market.create(&draft("first")).await.id();
    market.create(&draft("second")).await.id();
    let told = market.create(&draft("third")).await;
    assert_eq!(told.code(), (409, "active_order_limit"));
    assert_eq!(told.body["detail"], "Too many active orders");
    assert_eq!(market.create(&draft("second")).await.code(), (409, "contact_busy"));
    market.delete(&first).await;
    market.create(&draft("third")).await.id();
    market.check_invariants().await;
}

#[tokio::test]
async fn an_edit_writes_what_differs() {
    let market = Market::open().await;
    let id = market.post().await;
    let nothing = market.update(&id, &Changes::default()).await;
    assert_eq!((nothing.status, nothing.cost.requests, nothing.cost.items), (200, 1, 0));
    let respelled = Changes { contact: Some("t.me/Ivan_123".to_owned()), ..Changes::default() };
    let told = market.update(&id, &respelled).await;
    assert_eq!((told.status, told.cost.requests, told.cost.items), (200, 2, 1));
    assert_eq!(
        (&told.body["contact"], &told.body["contact_kind"]),
        (&json!("t.me/Ivan_123"), &json!("telegram"))
    );
    let all = Changes {
        category: Some(Category::Other),
        description: Some("Замок не открывается, нужен слесарь".to_owned()),
        contact: Some("8 900 000 00 00".to_owned()),
    };
    let told = market.update(&id, &all).await;
    assert_eq!((told.status, told.cost.requests, told.cost.items), (200, 2, 4));
    assert_eq!(
        (&told.body["category"], &told.body["contact"], &told.body["contact_kind"]),
        (&json!("Другое"), &json!("8 900 000 00 00"), &json!("phone"))
    );
    assert_eq!((market.order(&id).await.version, market.count("OutboxEvent").await), (3, 2));
    market.check_invariants().await;
    // Again without any effect.
    assert_eq!(market.update(&id, &all).await.cost.items, 0);
    market.create(&draft("@ivan_123")).await.id();
    market.check_invariants().await;
}

#[tokio::test]
async fn an_edit_finds_another_contact_busy_or_makes_it_free() {
    let market = Market::open().await;
    let first = market.create(&draft("first contact")).await.id();
    market.pass(minutes(30));
    let second = market.create(&draft("second contact")).await.id();
    let to_first = Changes { contact: Some("FIRST  contact".to_owned()), ..Changes::default() };
    assert_eq!(market.update(&second, &to_first).await.code(), (409, "contact_busy"));
    market.pass(minutes(30));
    let told = market.update(&second, &to_first).await;
    assert_eq!((told.status, &told.body["contact"]), (200, &json!("FIRST  contact")));
    assert_eq!(market.order(&first).await.status, Status::Expired);
    market.check_invariants().await;
}

#[tokio::test]
async fn an_edit_is_refused_word_for_word() {
    let market = Market::of(1, 2).await;
    let other = Changes { description: Some("x".repeat(20)), ..Changes::default() };
    assert_eq!(market.update("------------", &other).await.code(), (404, "order_not_found"));
    assert_eq!(market.update("no id", &other).await.code(), (404, "order_not_found"));
    let id = market.post().await;
    let strangers = update(market.app(), EXECUTOR, &id, &other, market.now()).await;
    assert_eq!(strangers.unwrap_err().code(), "order_not_found");
    market.take_all(&id, 1).await;
    let told = market.update(&id, &other).await;
    assert_eq!(told.code(), (403, "order_taken"));
    assert_eq!(told.body["detail"], "Cannot edit order after executor has taken it");
    let id = market.create(&draft("another contact")).await.id();
    market.pass(minutes(60));
    let told = market.update(&id, &other).await;
    assert_eq!(
        (told.code(), &told.body["detail"]),
        ((410, "order_expired"), &json!("Order has expired"))
    );
    assert_eq!(market.order(&id).await.status, Status::Expired, "settled on the way");
    market.delete(&id).await;
    let told = market.update(&id, &other).await;
    assert_eq!(told.code(), (410, "order_not_active"));
    market.check_invariants().await;
}

#[tokio::test]
async fn an_order_is_withdrawn_once() {
    let market = Market::of(1, 2).await;
    let id = market.post().await;
    let told = market.delete(&id).await;
    assert_eq!((told.status, told.cost.requests, told.cost.items), (204, 2, 4));
    let again = market.delete(&id).await;
    assert_eq!((again.status, again.cost.requests), (204, 1));
    market.check_invariants().await;
    assert_eq!(market.take(&id, EXECUTOR).await.code(), (410, "order_not_active"));
    // An order that has expired untaken may be withdrawn, too.
    let id = market.post().await;
    market.pass(minutes(60));
    let told = market.delete(&id).await;
    assert_eq!((told.status, told.cost.items), (204, 8), "settled, then withdrawn");
    market.check_invariants().await;
    let id = market.post().await;
    market.take_all(&id, 1).await;
    let told = market.delete(&id).await;
    assert_eq!(told.code(), (403, "order_taken"));
    assert_eq!(told.body["detail"], "Cannot delete order after executor has taken it");
    let strangers = delete(market.app(), EXECUTOR, &id, market.now()).await;
    assert_eq!(strangers.unwrap_err().code(), "order_not_found");
    market.check_invariants().await;
}
