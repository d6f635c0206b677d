//! An order's hour: what holds at its last instant, before anything of the clock ran, and after.

use serde_json::{Value, json};
use tests::{Person, World, job};

use super::sweep;
use crate::scene::{NO_ORDER, busy, ids, jump, leap, rich, stop, takes};

async fn listed(world: &World, status: &str) -> Value {
    world.get(&format!("/api/orders?status={status}")).await.is(200).json()
}

/// No timer of the service does anything until the world is healed.
async fn without_timers(world: &World) {
    stop(world, "errands-orders-sweep").await;
    stop(world, "errands-orders-deadline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_at_minute_60_it_is_expired_with_all_timers_stopped() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    world.idle().await;
    without_timers(&world).await;
    jump(&world, "2026-01-20T13:00:29.999Z").await;
    assert_eq!(client.sees(&order).await["status"], "active");
    assert_eq!(ids(&listed(&world, "active").await), [order.as_str()]);
    jump(&world, "2026-01-20T13:00:30Z").await;
    for person in [&client, &executor] {
        assert_eq!(person.sees(&order).await["status"], "expired");
    }
    let path = format!("/api/orders/{order}");
    assert_eq!(world.get(&path).await.is(200).json()["status"], "expired");
    for query in ["", "?city=Москва", "?category=Сантехника", "?category=Сантехника&city=москва"]
    {
        let list = world.get(&format!("/api/orders{query}")).await.is(200).json();
        assert_eq!((ids(&list).len(), &list["next_cursor"]), (0, &json!(null)), "{query}");
    }
    let mine = client.get("/api/orders?mine=true").await.json();
    assert_eq!(mine["orders"][0]["status"], "expired", "{mine}");
    leap(&world, 300).await;
    let take = executor.act(&order, "take").await;
    take.detail(410, "order_expired", "Order has expired");
    assert_eq!(executor.rubles().await, 100);
    world.heal().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_after_one_sweep_counters_and_lists_agree() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let client = world.person(1, "Иван").await;
    let mut orders = Vec::new();
    for n in 0..5 {
        orders.push(client.posts(&job(&format!("contact {n}"))).await);
    }
    world.idle().await;
    without_timers(&world).await;
    assert_eq!(listed(&world, "active").await["total"], 5);
    leap(&world, 60 * 60).await;
    assert_eq!(client.me().await["active_orders"], 5, "stored state follows the sweep");
    assert_eq!(ids(&listed(&world, "expired").await).len(), 0);
    world.heal().await;
    sweep(&world).await;
    let me = client.me().await;
    assert_eq!((&me["active_orders"], &me["completed_orders"]), (&json!(0), &json!(0)));
    let expired = listed(&world, "expired").await;
    let mut found = ids(&expired);
    found.sort();
    orders.sort();
    assert_eq!(found, orders);
    assert_eq!(expired["total"], 5, "{expired}");
    let active = listed(&world, "active").await;
    assert_eq!((ids(&active).len(), &active["total"]), (0, &json!(0)));
    let mine = client.get("/api/orders?mine=true&status=expired").await.json();
    assert_eq!((ids(&mine).len(), &mine["total"]), (5, &json!(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_a_sweep_settles_within_its_lag() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let client = world.person(1, "Иван").await;
    client.posts(&job("@ivan_123")).await;
    leap(&world, 60 * 60).await;
    assert_eq!(client.me().await["active_orders"], 1, "no sweep ran yet");
    world.advance(90).await;
    assert_eq!(client.me().await["active_orders"], 0);
    assert_eq!(ids(&listed(&world, "expired").await).len(), 1);
}

/// What everybody says of an order that has ended, before anything was written down.
async fn agrees(client: &Person, executor: &Person, order: &str, status: &str) {
    let world = &client.user.world;
    assert_eq!(client.sees(order).await["status"], status);
    assert_eq!(executor.sees(order).await["status"], status);
    assert!(!ids(&listed(world, "active").await).contains(&order.to_owned()));
    let stranger = world.person(3, "Чужой").await;
    let take = stranger.act(order, "take").await;
    if status == "expired" {
        take.detail(410, "order_expired", "Order has expired");
    } else {
        take.detail(410, "order_not_active", "Order is no longer active");
        stranger.get(&format!("/api/orders/{order}")).await.problem(404, "order_not_found");
    }
    for action in ["respond", "complete", "close"] {
        let answer = client.act(order, action).await;
        answer.detail(410, "order_not_active", "Order is no longer active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_all_agree_on_the_instant_of_every_end() {
    for (take_at, before, end, status) in [
        ("12:44:59.999", "12:59:59.998", "12:59:59.999", "closed_no_response"),
        ("12:45:00", "12:59:59.999", "13:00:00", "expired"),
        ("12:50:00", "12:59:59.999", "13:00:00", "expired"),
        ("12:10:00", "12:24:59.999", "12:25:00", "closed_no_response"),
    ] {
        let world = busy!();
        let instant = |time: &str| format!("2026-01-20T{time}Z");
        let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
        let order = client.posts(&job("@ivan_123")).await;
        jump(&world, &instant(take_at)).await;
        takes(&executor, &order).await;
        world.idle().await;
        without_timers(&world).await;
        jump(&world, &instant(before)).await;
        assert_eq!(client.sees(&order).await["status"], "active", "{before}");
        jump(&world, &instant(end)).await;
        agrees(&client, &executor, &order, status).await;
        assert_eq!(executor.rubles().await, 100, "the refund came with the first change: {end}");
        world.heal().await;
        sweep(&world).await;
        agrees(&client, &executor, &order, status).await;
        assert_eq!(executor.rubles().await, 100, "and once: {end}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_an_instant_is_judged_by_what_was_written_not_by_when() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    takes(&executor, &order).await;
    without_timers(&world).await;
    leap(&world, 3 * 60 * 60).await;
    assert_eq!(client.sees(&order).await["status"], "closed_no_response");
    world.heal().await;
    sweep(&world).await;
    assert_eq!(client.sees(&order).await["status"], "closed_no_response");
    assert_eq!(executor.rubles().await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a08_reading_a_due_order_writes_nothing() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    leap(&world, 60 * 60).await;
    for path in [&*format!("/api/orders/{order}"), "/api/orders", "/api/orders?mine=true"] {
        let cost = client.get(path).await.is(200).cost().unwrap();
        assert_eq!(cost.items, 0, "{path}: {cost:?}");
    }
    assert_eq!(client.me().await["active_orders"], 1);
    client.act(&order, "respond").await.problem(410, "order_not_active");
    assert_eq!(client.me().await["active_orders"], 0, "a change that meets it settles it");
    client.act(NO_ORDER, "respond").await.problem(404, "order_not_found");
}
