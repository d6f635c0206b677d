//! Two changes of one order at once: one of them wins, and the money follows the winner.

use serde_json::json;
use tests::{at_once, job};

use crate::scene::{brigade, busy, count, refunds, rich, taken};

#[tokio::test(flavor = "multi_thread")]
async fn a04_who_buys_a_contact_gets_the_one_that_stays() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    for round in 0..20 {
        let order = client.posts(&job(&format!("old {round}"))).await;
        let path = format!("/api/orders/{order}");
        let change = json!({"contact": format!("new {round}")});
        let answers = at_once(2, |n| match (n + round) % 2 {
            0 => executor.act(&order, "take"),
            _ => client.put(&path, &change),
        });
        let mut answers = answers.await;
        answers.sort_by_key(|answer| answer.call.starts_with("PUT"));
        let kept = client.sees(&order).await["contact"].clone();
        assert_eq!(answers[0].ok()["contact"], kept);
        if answers[1].status == 200 {
            assert_eq!(kept, change["contact"]);
        } else {
            answers[1].problem(403, "order_taken");
            assert_eq!(kept, format!("old {round}"));
        }
        assert_eq!(executor.sees(&order).await["contact"], kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a10_of_all_turns_at_once_the_money_follows_the_one_that_held() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let mut ended = std::collections::BTreeSet::new();
    for round in 0..15 {
        let order = taken(&client, &format!("contact {round}"), &executors).await;
        let actions = ["close", "complete", "respond"];
        let answers = at_once(6, |n| client.act(&order, actions[(n + round) % 3])).await;
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 204 | 409 | 410)));
        let closes = count(&answers, 204);
        let completes = answers
            .iter()
            .filter(|answer| answer.status == 200 && answer.call.ends_with("complete"))
            .count();
        assert_eq!(closes + completes, 1, "{answers:?}");
        let seen = client.sees(&order).await;
        let status = if closes == 1 { "closed_no_response" } else { "completed" };
        assert_eq!(seen["status"], status, "{seen}");
        let refunded = closes == 1 && seen["customer_responded_at"].is_null();
        for executor in &executors {
            assert_eq!(refunds(executor, &order).await, usize::from(refunded), "{seen}");
        }
        ended.insert((status, refunded));
    }
    let completed = client.me().await["completed_orders"].as_u64().unwrap();
    let list = client.get("/api/orders?mine=true&status=completed").await.json();
    assert_eq!(list["total"], completed, "{ended:?}");
    assert_eq!(client.me().await["active_orders"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_the_limit_of_active_orders_holds_at_once() {
    let world = busy!("ACTIVE_ORDERS_PER_CLIENT_MAX" => "3");
    let client = world.person(1, "Иван").await;
    for round in 0..3 {
        let jobs: Vec<_> = (0..10).map(|n| job(&format!("contact {round} {n}"))).collect();
        let answers = at_once(10, |n| client.post("/api/orders", &jobs[n])).await;
        assert_eq!((count(&answers, 201), count(&answers, 409)), (3, 7), "{answers:?}");
        assert_eq!(client.me().await["active_orders"], 3);
        let list = client.get("/api/orders?mine=true&status=active").await.json();
        for order in list["orders"].as_array().unwrap() {
            let path = format!("/api/orders/{}", order["id"].as_str().unwrap());
            let answers = at_once(3, |_| client.delete(&path)).await;
            assert_eq!(count(&answers, 204), 3, "{answers:?}");
        }
        assert_eq!(client.me().await["active_orders"], 0);
    }
}
