//! Contacts are bought.

use super::*;

#[tokio::test]
async fn a_take_is_one_read_and_five_items() {
    let market = Market::of(1, 100).await;
    let id = market.post().await;
    let told = market.take(&id, EXECUTOR).await;
    assert_eq!(
        told.body,
        json!({ "success": true, "contact": "@ivan_123", "executor_count": 1, "new_balance": 98 })
    );
    assert_eq!((told.cost.requests, told.cost.items), (2, 5));
    let order = market.order(&id).await;
    assert_eq!(order.end_at, market.now() + jiff::SignedDuration::from_mins(15));
    let events = market.world.items("OutboxEvent").await;
    let taken: Vec<_> = events
        .iter()
        .map(|row| &row["event"]["M"])
        .filter(|e| e["type"]["S"] == "order_taken")
        .collect();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0]["response_deadline"]["S"], "2026-11-22T12:15:00.000Z");
    market.check_invariants().await;
}

#[tokio::test]
async fn a_take_is_charged_once_whatever_becomes_of_the_order() {
    let market = Market::of(2, 100).await;
    let id = market.post().await;
    market.take_all(&id, 2).await;
    let again = market.take(&id, EXECUTOR).await;
    assert_eq!(
        (again.status, &again.body["executor_count"], &again.body["new_balance"]),
        (200, &json!(2), &json!(98))
    );
    assert_eq!(again.cost.items, 0);
    market.pass(minutes(15));
    // It is settled first, so that the balance is the one after the refund.
    let late = market.take(&id, EXECUTOR).await;
    assert_eq!((late.status, &late.body["new_balance"]), (200, &json!(100)));
    assert_eq!(late.body["contact"], "@ivan_123");
    assert_eq!(market.order(&id).await.status, Status::ClosedNoResponse);
    market.check_invariants().await;
}

#[tokio::test]
async fn a_take_is_refused_word_for_word() {
    let market = Market::of(4, 2).await;
    market.user(9, 1).await;
    assert_eq!(market.take("------------", EXECUTOR).await.code(), (404, "order_not_found"));
    let id = market.post().await;
    let told = market.take(&id, CLIENT).await;
    assert_eq!(
        (told.code(), &told.body["detail"]),
        ((403, "own_order"), &json!("Cannot take your own order"))
    );
    let told = market.take(&id, 9).await;
    assert_eq!(
        (told.code(), &told.body["detail"]),
        ((402, "insufficient_balance"), &json!("Insufficient balance. Need 2₽"))
    );
    market.take_all(&id, 3).await;
    let told = market.take(&id, EXECUTOR + 3).await;
    assert_eq!(
        (told.code(), &told.body["detail"]),
        ((409, "executor_limit"), &json!("Maximum 3 executors reached"))
    );
    assert_eq!(market.take(&id, 9).await.code(), (409, "executor_limit"), "before the balance");
    market.act(&id, Act::Complete).await;
    assert_eq!(market.take(&id, EXECUTOR + 3).await.code(), (410, "order_not_active"));
    assert_eq!(market.take(&id, CLIENT).await.code(), (410, "order_not_active"));
    let id = market.create(&draft("another contact")).await.id();
    market.pass(minutes(60));
    let told = market.take(&id, 9).await;
    assert_eq!(
        (told.code(), &told.body["detail"]),
        ((410, "order_expired"), &json!("Order has expired"))
    );
    market.check_invariants().await;
}

#[tokio::test]
async fn a_balance_that_changed_since_it_was_read_is_read_again() {
    let market = Market::of(1, 4).await;
    let executor = market.record(EXECUTOR).await;
    let first = market.post().await;
    let second = market.create(&draft("another contact")).await.id();
    assert_eq!(market.take(&first, EXECUTOR).await.body["new_balance"], 2);
    // As the extractor may have read it before the other take.
    for _ in 0..2 {
        let told = market.take_by(&second, &executor).await;
        assert_eq!((told.status, &told.body["new_balance"]), (200, &json!(0)));
    }
    market.check_invariants().await;
}

#[tokio::test]
async fn what_a_take_costs_is_a_setting() {
    let market =
        Market::with(&[("TAKE_PRICE_KOPECKS", "500"), ("MAX_EXECUTORS_PER_ORDER", "1")]).await;
    market.user(EXECUTOR, 5).await;
    market.user(EXECUTOR + 1, 4).await;
    let id = market.post().await;
    let poor = market.take(&id, EXECUTOR + 1).await;
    assert_eq!(poor.body["detail"], "Insufficient balance. Need 5₽");
    assert_eq!(market.take(&id, EXECUTOR).await.body["new_balance"], 0);
    let full = market.take(&id, EXECUTOR + 1).await;
    assert_eq!(full.body["detail"], "Maximum 1 executors reached");
    market.act(&id, Act::Close).await;
    assert_eq!(market.balance(EXECUTOR).await, 5);
}

#[tokio::test]
async fn what_was_paid_is_given_back_whatever_a_take_costs_by_then() {
    for (by_clock, price) in [(false, "300"), (false, "100"), (true, "300"), (true, "100")] {
        let before = Market::of(2, 10).await;
        let id = before.post().await;
        before.take_all(&id, 1).await;
        let market = before.configured(&[("TAKE_PRICE_KOPECKS", price)]).await;
        assert_eq!(market.take(&id, EXECUTOR + 1).await.status, 200);
        let paid: Vec<_> = market.order(&id).await.taken_by.iter().map(|take| take.price).collect();
        assert_eq!(paid, [200, price.parse().unwrap()]);
        market.check_invariants().await;
        assert_eq!(crate::audit::check(market.app()).await.unwrap().violations, []);
        if by_clock {
            market.pass(minutes(15));
            assert_eq!(market.sweep().await["settled"], 1);
        } else {
            assert_eq!(market.act(&id, Act::Close).await.status, 204);
        }
        for executor in [EXECUTOR, EXECUTOR + 1] {
            assert_eq!(market.record(executor).await.balance, 1_000, "{price} {by_clock}");
        }
        market.check_invariants().await;
        assert_eq!(crate::audit::check(market.app()).await.unwrap().violations, []);
    }
}
