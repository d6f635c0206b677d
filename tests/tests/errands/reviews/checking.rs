//! Has it been reviewed? For one, for three, for a complaint.

use serde_json::{Value, json};
use tests::Person;

use super::{complaint, review};
use crate::scene::{NO_ORDER, brigade, busy, completed, leap, rich};

async fn check(person: &Person, query: &str) -> Value {
    person.get(&format!("/api/reviews/check?{query}")).await.is(200).json()
}

fn none() -> Value {
    json!({"submitted": false, "type": null, "executor_ids": []})
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_check_works_with_three_reviewed_executors() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = completed(&client, "@ivan_123", &executors).await;
    let query = format!("order_id={order}");
    assert_eq!(check(&client, &query).await, none());
    let mut reviewed: Vec<i64> = Vec::new();
    for (n, executor) in executors.iter().enumerate() {
        let one = format!("{query}&executor_id={}", executor.id());
        assert_eq!(check(&client, &one).await["submitted"], false);
        let wanted = (n > 0).then_some(executor.id());
        review(&client, &order, wanted, 5).await.ok();
        reviewed.push(executor.id());
        let answer = check(&client, &query).await;
        assert_eq!((&answer["submitted"], &answer["type"]), (&json!(true), &json!("review")));
        let mut shown: Vec<i64> = answer["executor_ids"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_i64().unwrap())
            .collect();
        shown.sort_unstable();
        assert_eq!(shown, reviewed);
        assert_eq!(check(&client, &one).await["submitted"], true);
        leap(&world, 60).await;
    }
    let answer = review(&client, &order, None, 5).await;
    answer.problem(409, "already_reviewed");
    assert_eq!(client.sees(&order).await["rating"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_the_first_review_stands_on_the_order() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = completed(&client, "@ivan_123", &executors).await;
    for (n, stars) in [(2, 2), (0, 5), (1, 4)] {
        review(&client, &order, Some(executors[n].id()), stars).await.ok();
        leap(&world, 1).await;
        assert_eq!(client.sees(&order).await["rating"], 2);
    }
    for (executor, rating) in executors.iter().zip([5.0, 4.0, 2.0]) {
        assert_eq!(executor.me().await["rating"].as_f64(), Some(rating));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a22_check_speaks_of_the_caller_alone() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let stranger = world.person(3, "Чужой").await;
    let order = completed(&client, "@ivan_123", std::slice::from_ref(&executor)).await;
    review(&client, &order, None, 5).await.ok();
    let query = format!("order_id={order}");
    assert_eq!(check(&executor, &query).await, none());
    complaint(&executor, &order).await.ok();
    let wanted = json!({"submitted": true, "type": "complaint", "executor_ids": []});
    assert_eq!(check(&executor, &query).await, wanted);
    assert_eq!(check(&stranger, &query).await, none());
    for order in [NO_ORDER, "x", "%D1%8B", "0"] {
        assert_eq!(check(&client, &format!("order_id={order}")).await, none(), "{order}");
    }
    let missing = client.get("/api/reviews/check").await;
    missing.problem(422, "validation_failed");
    let wrong = client.get(&format!("/api/reviews/check?{query}&executor_id=x")).await;
    wrong.problem(422, "validation_failed");
}
