//! Taken and unanswered: fifteen minutes, one message, one refund each.

use serde_json::Value;
use tests::{World, job};

use super::{deadline, sweep};
use crate::scene::{amounts, brigade, busy, jump, leap, refunds, rich, stop, taken, takes, told};

/// The queue of deadlines.
async fn deadlines(world: &World) -> Value {
    let queues = world.desk_get("queues").await;
    let queues = queues["queues"].as_array().unwrap().clone();
    let found = queues
        .into_iter()
        .find(|queue| queue["name"].as_str().unwrap().ends_with("errands-deadlines"));
    found.unwrap_or_else(|| panic!("no queue of deadlines"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_the_first_take_sends_one_message_for_900_seconds() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = client.posts(&job("@ivan_123")).await;
    world.idle().await;
    assert_eq!(deadlines(&world).await["delayed"], 0);
    for executor in &executors {
        takes(executor, &order).await;
        world.idle().await;
        let queue = deadlines(&world).await;
        assert_eq!((&queue["delayed"], &queue["depth"]), (&1.into(), &0.into()), "{queue}");
        world.advance(1).await;
    }
    let delivered = async || {
        let runs = world.invocations("errands-orders-deadline", 10).await;
        runs.iter().filter(|run| run.outcome == "ok").count()
    };
    jump(&world, "2026-01-20T12:14:59.999Z").await;
    assert_eq!((delivered().await, deadlines(&world).await["delayed"].as_i64()), (0, Some(1)));
    jump(&world, "2026-01-20T12:15:00Z").await;
    world.idle().await;
    assert_eq!((delivered().await, deadlines(&world).await["delayed"].as_i64()), (1, Some(0)));
    assert_eq!(client.sees(&order).await["status"], "closed_no_response");
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_however_often_it_is_closed_everybody_is_refunded_and_told_once() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = taken(&client, "@ivan_123", &executors).await;
    assert_eq!(executors[0].rubles().await, 98);
    leap(&world, 15 * 60).await;
    let seen = client.sees(&order).await;
    assert_eq!(seen["status"], "closed_no_response", "{seen}");
    for _ in 0..5 {
        deadline(&world, &order).await;
        sweep(&world).await;
    }
    leap(&world, 60).await;
    for executor in &executors {
        assert_eq!(amounts(executor).await, [100, -2, 2]);
        assert_eq!(refunds(executor, &order).await, 1);
        let newest = &executor.ledger().await[0];
        assert_eq!(newest["description"], format!("Refund for order {order}"));
        let refunded = "↩️ Клиент не ответил по заказу «Сантехника». Возвращено 2 ₽.";
        assert_eq!(told(executor).await, [refunded]);
        assert_eq!(executor.me().await["active_orders"], 0);
    }
    let texts = told(&client).await;
    let closed = "⏱ Заказ «Сантехника» закрыт: вы не ответили исполнителю за 15 минут.";
    assert_eq!(texts.iter().filter(|text| *text == closed).count(), 1, "{texts:?}");
    assert_eq!(texts.iter().filter(|text| text.starts_with('🔧')).count(), 3, "{texts:?}");
    let first = "🔧 Исполнитель взял ваш заказ «Сантехника» (1 из 3).\n\
                 Ответьте ему до 15:15 МСК, иначе заказ закроется.";
    assert_eq!(texts.iter().filter(|text| *text == first).count(), 1, "{texts:?}");
    assert_eq!(texts.len(), 4, "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_a_lost_message_is_made_good_by_the_sweep() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    takes(&executor, &order).await;
    stop(&world, "errands-orders-deadline").await;
    leap(&world, 15 * 60).await;
    world.advance(90).await;
    world.heal().await;
    assert_eq!(client.sees(&order).await["status"], "closed_no_response");
    assert_eq!(refunds(&executor, &order).await, 1);
    assert_eq!(client.me().await["active_orders"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_an_early_message_changes_nothing_and_a_foreign_one_neither() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    deadline(&world, &order).await;
    takes(&executor, &order).await;
    for _ in 0..5 {
        deadline(&world, &order).await;
        deadline(&world, "AAAAAAAAAAAA").await;
    }
    assert_eq!(client.sees(&order).await["status"], "active");
    assert_eq!(executor.rubles().await, 98);
    client.act(&order, "respond").await.is(200);
    leap(&world, 20 * 60).await;
    deadline(&world, &order).await;
    sweep(&world).await;
    assert_eq!(client.sees(&order).await["status"], "active");
    assert_eq!(executor.rubles().await, 98);
}

#[tokio::test(flavor = "multi_thread")]
async fn a09_the_deadline_counts_from_the_first_take() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = client.posts(&job("@ivan_123")).await;
    takes(&executors[0], &order).await;
    leap(&world, 14 * 60).await;
    takes(&executors[1], &order).await;
    let seen = client.sees(&order).await;
    assert_eq!(seen["response_deadline_at"], "2026-01-20T12:15:00.000000Z");
    leap(&world, 60).await;
    assert_eq!(client.sees(&order).await["status"], "closed_no_response");
    for executor in &executors[..2] {
        assert_eq!(executor.rubles().await, 100);
    }
    let late = executors[2].act(&order, "take").await;
    late.detail(410, "order_not_active", "Order is no longer active");
}
