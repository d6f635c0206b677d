//! What the clock ends, and who writes it down.

use shared::table::Write;

use super::super::items::ContactLock;
use super::*;

#[tokio::test]
async fn at_its_end_everybody_agrees_before_any_timer_ran() {
    for taken in [false, true] {
        let market = Market::of(2, 2).await;
        let id = market.post().await;
        market.take_all(&id, i64::from(taken)).await;
        let end = market.order(&id).await.end_at;
        market.pass(Duration::from_secs(u64::try_from(end.since(market.now()).as_secs()).unwrap()));
        assert_eq!(market.now(), end);
        let order = market.order(&id).await;
        assert_eq!(order.status, Status::Active, "nothing is written yet");
        let shown = super::super::full_view(&order, Some(CLIENT), market.now());
        let over = if taken { Status::ClosedNoResponse } else { Status::Expired };
        assert_eq!(shown.status, over);
        assert_eq!(order.is_visible(None, market.now()), !taken);
        let late = market.take(&id, EXECUTOR + 1).await;
        assert_eq!(late.code(), (410, if taken { "order_not_active" } else { "order_expired" }));
        assert_eq!(market.act(&id, Act::Respond).await.code(), (410, "order_not_active"));
        assert_eq!(market.act(&id, Act::Complete).await.code(), (410, "order_not_active"));
        market.check_invariants().await;
    }
}

#[tokio::test]
async fn a_microsecond_before_its_end_it_is_active() {
    let market = Market::of(1, 2).await;
    let id = market.post().await;
    market.pass(minutes(60) - Duration::from_micros(1));
    assert_eq!(market.sweep().await["settled"], 0);
    assert_eq!(market.take(&id, EXECUTOR).await.status, 200);
    market.pass(Duration::from_micros(1));
    assert_eq!(market.sweep().await["settled"], 1);
    assert_eq!(
        (market.order(&id).await.status, market.balance(EXECUTOR).await),
        (Status::Expired, 2)
    );
    market.check_invariants().await;
}

#[tokio::test]
async fn a_sweep_knows_what_it_costs() {
    let market = Market::of(3, 40).await;
    for n in 0..20 {
        let id = market.create(&draft(&format!("contact {n}"))).await.id();
        market.take_all(&id, n % 4).await;
    }
    market.pass(minutes(60));
    let instance = market.world.start(sweep()).await;
    let faults = market.world.engine.faults();
    faults.reset_counts();
    let event = json!({ "version": "0", "time": market.now(), "detail": {} });
    let (swept, cost) = market.world.run(&instance, &event).await;
    assert_eq!(swept.unwrap()["settled"], 20);
    assert_eq!(u64::from(cost.requests), faults.seen(Some("local-errands-orders-sweep")));
    // Every end is a transaction, of four items at the least.
    assert!(cost.items >= 80, "{cost:?}");
}

#[tokio::test]
async fn the_sweep_settles_everything_that_is_due_and_nothing_else() {
    let market = Market::of(3, 40).await;
    let mut ids = Vec::new();
    // More in each partition of the index than it reads at once.
    for client in 1..=10 {
        market.user(client, 0).await;
        for n in 0..48 {
            let told = market.create_as(client, &draft(&format!("contact {client} {n}"))).await;
            ids.push(told.id());
        }
    }
    let mut taken = 0;
    for (count, id) in (0..4).cycle().zip(&ids).take(20) {
        market.take_all(id, count).await;
        taken += i32::from(count > 0);
    }
    let swept = |settled| json!({ "settled": settled, "failed": 0, "complete": true });
    assert_eq!(market.sweep().await, swept(0));
    market.pass(minutes(15));
    assert_eq!(market.sweep().await, swept(taken));
    assert_eq!(market.balance(EXECUTOR).await, 40);
    let young = market.post().await;
    market.pass(minutes(45));
    assert_eq!(market.sweep().await, swept(480 - taken));
    assert_eq!(market.sweep().await, swept(0));
    assert_eq!(market.order(&young).await.status, Status::Active);
    market.check_invariants().await;
}

#[tokio::test]
async fn an_order_that_cannot_be_settled_keeps_no_other_from_its_turn() {
    let market = Market::open().await;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(market.create(&draft(&format!("contact {n}"))).await.id());
    }
    market.pass(minutes(60));
    // Its contact's lock is gone, which cannot be: it is not settled as if nothing were wrong.
    let lock = ContactLock::of(&market.order(&ids[0]).await);
    market.world.table().write(Write::delete("test", lock.key())).await.unwrap();
    let swept = market.sweep().await;
    assert_eq!(swept, json!({ "settled": 19, "failed": 1, "complete": false }));
    market.world.put(&lock).await;
    market.check_invariants().await;
    assert_eq!(market.sweep().await, json!({ "settled": 1, "failed": 0, "complete": true }));
    market.check_invariants().await;
}

#[tokio::test]
async fn a_deadline_is_settled_however_often_it_is_told() {
    let market = Market::of(3, 2).await;
    let id = market.post().await;
    market.take_all(&id, 3).await;
    market.pass(minutes(15));
    assert_eq!(market.remind(&id, 5).await, (5, 0));
    assert_eq!(market.order(&id).await.status, Status::ClosedNoResponse);
    assert_eq!((market.balance(EXECUTOR).await, market.balance(EXECUTOR + 2).await), (2, 2));
    assert_eq!(market.sweep().await["settled"], 0);
    market.check_invariants().await;
    let events = market.events().await;
    let ended: Vec<_> = events.iter().filter(|e| e["type"]["S"] == "order_ended").collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (&ended[0]["by_clock"]["BOOL"], &ended[0]["refunded"]["L"], &ended[0]["to"]["S"]),
        (&json!(true), &json!(vec![json!({ "N": "200" }); 3]), &json!("closed_no_response"))
    );
}

#[tokio::test]
async fn a_deadline_that_comes_early_is_told_again_in_time() {
    let market = Market::of(1, 2).await;
    let id = market.post().await;
    market.take_all(&id, 1).await;
    market.pass(minutes(15) - Duration::from_millis(2500));
    assert_eq!(market.remind(&id, 1).await, (1, 0));
    assert_eq!(
        (market.order(&id).await.status, market.world.depth("deadlines")),
        (Status::Active, 1)
    );
    assert_eq!(market.world.deliver(deadline(), "deadlines").await, (0, 0), "it waits");
    market.pass(Duration::from_secs(3));
    assert_eq!(market.world.deliver(deadline(), "deadlines").await, (1, 0));
    assert_eq!(market.order(&id).await.status, Status::ClosedNoResponse);
    assert_eq!(market.world.depth("deadlines"), 0);
}

#[tokio::test]
async fn a_deadline_of_nothing_changes_nothing() {
    let market = Market::of(1, 2).await;
    let id = market.post().await;
    assert_eq!(market.remind("------------", 1).await, (1, 0));
    assert_eq!(market.remind(&id, 1).await, (1, 0));
    market.take_all(&id, 1).await;
    market.act(&id, Act::Respond).await;
    market.pass(minutes(15));
    assert_eq!(market.remind(&id, 1).await, (1, 0));
    assert_eq!(
        (market.order(&id).await.status, market.world.depth("deadlines")),
        (Status::Active, 0)
    );
    // What does not read fails alone.
    let queue = market.app().queues.deadlines.as_ref().unwrap();
    for bad in [json!({ "order_id": id }), json!({ "order_id": id, "v": 2 }), json!("x")] {
        queue.send(&bad, jiff::SignedDuration::ZERO).await.unwrap();
    }
    assert_eq!(market.remind(&id, 1).await, (4, 3));
    market.check_invariants().await;
}
