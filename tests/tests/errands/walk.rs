//! The walk that everything else varies: post, find, take, respond, complete.

use tests::{errands, job};

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_posted_taken_and_completed() {
    let world = errands!();
    let (client, executor) = (world.person(1, "Иван").await, world.person(2, "Пётр").await);
    let order = client.posts(&job("@ivan_123")).await;
    let list = world.get("/api/orders").await.is(200).json();
    assert_eq!(list["orders"][0]["id"], order.as_str(), "{list}");
    assert!(list["orders"][0]["contact"].is_null(), "{list}");
    executor.act(&order, "take").await.detail(
        402,
        "insufficient_balance",
        "Insufficient balance. Need 2₽",
    );
    executor.recharges(100).await;
    let taken = executor.act(&order, "take").await.is(200).json();
    assert_eq!(taken["contact"], "@ivan_123");
    assert_eq!(taken["new_balance"], 98);
    assert_eq!(executor.ledger().await.len(), 2);
    client.act(&order, "respond").await.is(200);
    let done = client.act(&order, "complete").await.is(200).json();
    assert_eq!(done["status"], "completed");
    assert_eq!(executor.sees(&order).await["contact"], "@ivan_123");
    assert!(!client.messages().await.is_empty());
}
