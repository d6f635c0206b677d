//! Clients respond, complete and close; the clock ends the rest.

use super::*;

#[tokio::test]
async fn a_response_ends_the_wait_and_any_refund() {
    let market = Market::of(2, 2).await;
    let id = market.post().await;
    market.take_all(&id, 2).await;
    market.pass(minutes(14));
    let told = market.act(&id, Act::Respond).await;
    assert_eq!((told.status, told.cost.requests, told.cost.items), (200, 2, 2));
    assert_eq!(
        (&told.body["customer_responded_at"], &told.body["response_deadline_at"]),
        (&json!("2026-11-22T12:14:00.000000Z"), &json!(null))
    );
    assert_eq!(market.order(&id).await.end_at, market.now() + jiff::SignedDuration::from_mins(46));
    let again = market.act(&id, Act::Respond).await;
    assert_eq!(
        (again.code(), &again.body["detail"]),
        ((409, "already_responded"), &json!("Already responded"))
    );
    market.check_invariants().await;
    market.pass(minutes(46));
    assert_eq!(market.sweep().await, json!({ "settled": 1, "failed": 0, "complete": true }));
    assert_eq!(
        (market.order(&id).await.status, market.balance(EXECUTOR).await),
        (Status::Expired, 0)
    );
    market.check_invariants().await;
}

#[tokio::test]
async fn a_completion_moves_everybodys_counters_and_no_money() {
    let market = Market::of(3, 2).await;
    let id = market.post().await;
    market.take_all(&id, 3).await;
    let told = market.act(&id, Act::Complete).await;
    assert_eq!((told.status, &told.body["status"]), (200, &json!("completed")));
    assert_eq!((told.cost.requests, told.cost.items), (2, 4 + 2 * 3));
    for user in [CLIENT, EXECUTOR, EXECUTOR + 1, EXECUTOR + 2] {
        let record = market.record(user).await;
        assert_eq!((record.active_orders, record.completed_orders, record.balance), (0, 1, 0));
    }
    market.check_invariants().await;
    for act in [Act::Respond, Act::Complete, Act::Close] {
        let told = market.act(&id, act).await;
        assert_eq!(told.code(), (410, "order_not_active"));
        assert_eq!(told.body["detail"], "Order is no longer active");
    }
}

#[tokio::test]
async fn the_client_cannot_burn_executors_money() {
    for answered in [false, true] {
        let market = Market::of(3, 2).await;
        let id = market.post().await;
        market.take_all(&id, 3).await;
        if answered {
            market.act(&id, Act::Respond).await;
        }
        let told = market.act(&id, Act::Close).await;
        assert_eq!((told.status, told.body), (204, Value::Null));
        let items = if answered { 4 + 2 * 3 } else { 4 + 3 * 3 };
        assert_eq!((told.cost.requests, told.cost.items), (2, items));
        assert_eq!(market.order(&id).await.status, Status::ClosedNoResponse);
        let left = if answered { 0 } else { 2 };
        for executor in EXECUTOR..EXECUTOR + 3 {
            assert_eq!(market.balance(executor).await, left);
        }
        market.check_invariants().await;
        let events = market.events().await;
        let ended: Vec<_> = events.iter().filter(|e| e["type"]["S"] == "order_ended").collect();
        assert_eq!(ended.len(), 1);
        let told = if answered { json!([]) } else { json!(vec![json!({ "N": "200" }); 3]) };
        assert_eq!(
            (&ended[0]["refunded"]["L"], &ended[0]["by_clock"]["BOOL"]),
            (&told, &json!(false))
        );
    }
}

#[tokio::test]
async fn balances_that_changed_since_the_takes_are_told_by_the_refusal() {
    for by_clock in [false, true] {
        let market = Market::of(3, 20).await;
        let id = market.post().await;
        market.take_all(&id, 3).await;
        // The second and the third have bought something else since.
        let other = market.create(&draft("another contact")).await.id();
        for executor in [EXECUTOR + 1, EXECUTOR + 2] {
            assert_eq!(market.take(&other, executor).await.status, 200);
        }
        if by_clock {
            market.pass(minutes(15));
        }
        // A read and two transactions, of which the first is refused; of the clock, another read.
        let told = market.act(&id, Act::Close).await;
        let (status, requests) = if by_clock { (410, 4) } else { (204, 3) };
        assert_eq!((told.status, told.cost.requests), (status, requests), "{by_clock}");
        for (executor, rubles) in (EXECUTOR..).zip([20, 18, 18]) {
            assert_eq!(market.balance(executor).await, rubles);
        }
        market.check_invariants().await;
    }
}

#[tokio::test]
async fn only_the_client_may_and_only_after_a_take() {
    let market = Market::of(1, 2).await;
    let id = market.post().await;
    for (act, verb) in
        [(Act::Respond, "respond"), (Act::Complete, "complete it"), (Act::Close, "close it")]
    {
        let told = market.act_as(EXECUTOR, &id, act).await;
        assert_eq!(told.code(), (403, "not_order_client"));
        assert_eq!(told.body["detail"], format!("Only the order client can {verb}"));
        let told = market.act(&id, act).await;
        assert_eq!(told.code(), (409, "no_takes"));
        assert_eq!(told.body["detail"], "No executor has taken this order yet");
        assert_eq!(market.act("------------", act).await.code(), (404, "order_not_found"));
    }
    market.check_invariants().await;
}

#[tokio::test]
async fn a_change_settles_what_is_due_and_answers_from_that() {
    for act in [Act::Respond, Act::Complete, Act::Close] {
        let market = Market::of(2, 2).await;
        let id = market.post().await;
        market.take_all(&id, 2).await;
        market.pass(minutes(15));
        let told = market.act(&id, act).await;
        assert_eq!(told.code(), (410, "order_not_active"));
        assert_eq!(market.order(&id).await.status, Status::ClosedNoResponse);
        assert_eq!((market.balance(EXECUTOR).await, market.balance(EXECUTOR + 1).await), (2, 2));
        market.check_invariants().await;
    }
}

#[tokio::test]
async fn counters_do_not_drift() {
    let market = Market::of(2, 20).await;
    let first = market.post().await;
    for _ in 0..2 {
        assert_eq!(market.delete(&first).await.status, 204);
    }
    let second = market.post().await;
    market.pass(minutes(60));
    assert_eq!(market.take(&second, EXECUTOR).await.code(), (410, "order_expired"));
    let third = market.post().await;
    market.take_all(&third, 2).await;
    market.pass(minutes(15));
    assert_eq!(market.act(&third, Act::Close).await.code(), (410, "order_not_active"));
    market.sweep().await;
    market.check_invariants().await;
    let client = market.record(CLIENT).await;
    assert_eq!(
        (
            client.active_orders,
            client.own_deleted,
            client.own_expired,
            client.own_closed_no_response
        ),
        (0, 1, 1, 1)
    );
}
