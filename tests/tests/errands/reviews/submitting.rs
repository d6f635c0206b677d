//! Writing reviews and complaints, guard by guard.

use serde_json::{Value, json};
use tests::{at_once, job};

use super::{complaint, listed, review};
use crate::scene::{
    NO_ORDER, brigade, busy, completed, count, described, invalid, leap, rich, taken,
};

const NOT_CLIENT: &str = "Order not found or you are not the client";

#[tokio::test(flavor = "multi_thread")]
async fn a21_a_review_moves_the_rating_and_stands_on_the_order() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    assert_eq!(executor.me().await["rating"].as_f64(), Some(0.0));
    for (n, (stars, mean)) in [(4, 4.0), (4, 4.0), (5, 4.33)].into_iter().enumerate() {
        let contact = format!("contact {n}");
        let order = completed(&client, &contact, std::slice::from_ref(&executor)).await;
        let made = review(&client, &order, None, stars).await.ok();
        assert!(made["review_id"].as_i64().is_some_and(|id| id > 0 && id < 1 << 53), "{made}");
        assert_eq!(executor.me().await["rating"].as_f64(), Some(mean), "{n}");
        let path = format!("/api/orders/{order}");
        for seen in [
            client.sees(&order).await,
            executor.sees(&order).await,
            world.get(&path).await.is(200).json(),
            client.get("/api/orders?mine=true&limit=1").await.json()["orders"][0].clone(),
            executor.get("/api/orders?taken_by_me=true&limit=1").await.json()["orders"][0].clone(),
        ] {
            assert_eq!(seen["rating"], stars, "{seen}");
            assert_eq!(seen["review_comment"], "Пришёл вовремя", "{seen}");
        }
        world.idle().await;
        let public = world.get("/api/orders?status=completed&limit=1").await.json();
        let first = &public["orders"][0];
        assert_eq!((&first["id"], &first["rating"]), (&json!(order), &json!(stars)), "{public}");
        leap(&world, 60).await;
    }
    assert_eq!(client.me().await["rating"].as_f64(), Some(0.0), "clients have no rating");
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_a_review_carries_the_first_name_of_that_day() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = completed(&client, "@ivan_123", std::slice::from_ref(&executor)).await;
    review(&client, &order, None, 5).await.ok();
    leap(&world, 60).await;
    let renamed = described(&world, &json!({"id": 1, "first_name": "Иоанн"})).await;
    renamed.me().await;
    let nameless = described(&world, &json!({"id": 3, "first_name": ""})).await;
    let other = completed(&nameless, "@noname_1", std::slice::from_ref(&executor)).await;
    review(&nameless, &other, None, 4).await.ok();
    world.idle().await;
    let list = listed(&executor, "?about_me=true").await;
    let names: Vec<_> = list.iter().map(|one| one["author_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Клиент", "Иван"]);
    let wanted = json!({
        "id": list[1]["id"], "author_name": "Иван", "rating": 5, "comment": "Пришёл вовремя",
        "category": "Сантехника", "created_at": "2026-01-20T12:00:00.000000Z", "order_id": order,
        "city": "Москва",
    });
    assert_eq!(list[1], wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_nobody_reads_a_contact_or_a_description_in_a_review() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let stranger = world.person(3, "Чужой").await;
    let mut body = job("Телефон Ромашка");
    body["description"] = json!("Секретное описание работы на кухне");
    let order = client.posts(&body).await;
    executor.act(&order, "take").await.ok();
    client.act(&order, "complete").await.is(200);
    review(&client, &order, None, 5).await.ok();
    complaint(&executor, &order).await.ok();
    world.idle().await;
    for query in ["", "?mine=true", "?about_me=true", "?by_me=true", "?rating=5"] {
        for answer in [
            world.get(&format!("/api/reviews{query}")).await,
            client.get(&format!("/api/reviews{query}")).await,
            executor.get(&format!("/api/reviews{query}")).await,
            stranger.get(&format!("/api/reviews{query}")).await,
        ] {
            let text = answer.is(200).text();
            for secret in ["Ромашка", "Секретное", "Не пришёл", "Отменил"]
            {
                assert!(!text.contains(secret), "{answer}");
            }
        }
    }
    assert_eq!(listed(&stranger, "").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_guards_of_a_review_are_asked_in_their_order() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let stranger = world.person(3, "Чужой").await;
    let (first, second) = (executors[0].id(), executors[1].id());
    let order = taken(&client, "@ivan_123", &executors[..1]).await;
    for (person, order) in
        [(&client, NO_ORDER), (&client, "x"), (&stranger, &*order), (&executors[0], &*order)]
    {
        let answer = review(person, order, None, 5).await;
        answer.detail(404, "review_order_not_found", NOT_CLIENT);
    }
    let early = review(&client, &order, Some(second), 5).await;
    early.detail(400, "review_not_allowed", "Can only review completed or expired orders");
    client.act(&order, "complete").await.is(200);
    let wrong = review(&client, &order, Some(second), 5).await;
    wrong.detail(400, "executor_not_taker", "This executor did not take this order");
    review(&client, &order, Some(first), 5).await.ok();
    for again in [Some(first), None] {
        let answer = review(&client, &order, again, 1).await;
        answer.detail(409, "already_reviewed", "Already reviewed this executor for this order");
    }
    let closed = taken(&client, "@ivan_456", &executors[..1]).await;
    client.act(&closed, "close").await.is(204);
    let answer = review(&client, &closed, None, 5).await;
    answer.detail(400, "review_not_allowed", "Can only review completed or expired orders");
    let lonely = client.posts(&job("@ivan_789")).await;
    review(&client, &lonely, None, 5).await.problem(400, "review_not_allowed");
    leap(&world, 60 * 60).await;
    let answer = review(&client, &lonely, Some(first), 5).await;
    answer.detail(400, "no_executor", "No executor has taken this order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_an_expired_order_may_be_reviewed() {
    let world = busy!("CLOCK" => "2026-01-20T12:00:30Z");
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = taken(&client, "@ivan_123", std::slice::from_ref(&executor)).await;
    client.act(&order, "respond").await.is(200);
    leap(&world, 60 * 60).await;
    review(&client, &order, None, 3).await.ok();
    assert_eq!(executor.me().await["rating"].as_f64(), Some(3.0));
    assert_eq!(client.sees(&order).await["rating"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_reviews_are_bounded() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = completed(&client, "@ivan_123", std::slice::from_ref(&executor)).await;
    let body = |field: &str, value: Value| {
        let mut body = json!({"order_id": order, "rating": 5, "comment": "Хорошо"});
        body[field] = value;
        body
    };
    for (field, value) in [
        ("rating", json!(0)),
        ("rating", json!(6)),
        ("rating", json!(4.5)),
        ("rating", json!(null)),
        ("rating", json!("пять")),
        ("comment", json!("ж".repeat(501))),
        ("comment", json!("плохо\u{0}")),
        ("comment", json!(5)),
        ("executor_id", json!("мастер")),
        ("order_id", json!(null)),
    ] {
        invalid(&client.post("/api/reviews/client", &body(field, value)).await, field);
    }
    for (field, value) in [("complaint", json!("Опоздал")), ("comment", json!("ж".repeat(501)))]
    {
        let mut body = json!({"order_id": order, "complaint": "Другое"});
        body[field] = value;
        invalid(&executor.post("/api/reviews/executor", &body).await, field);
    }
    let blank = body("comment", json!("  \n "));
    client.post("/api/reviews/client", &blank).await.ok();
    assert!(client.sees(&order).await["review_comment"].is_null(), "blank is none");
    let longest = json!({"order_id": order, "complaint": "Другое", "comment": "ж".repeat(500)});
    executor.post("/api/reviews/executor", &longest).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_of_equal_reviews_at_once_one_counts() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let order = completed(&client, "@ivan_123", &executors).await;
    for executor in &executors {
        let answers = at_once(10, |_| review(&client, &order, Some(executor.id()), 4)).await;
        assert_eq!((count(&answers, 200), count(&answers, 409)), (1, 9), "{answers:?}");
        assert_eq!(executor.me().await["rating"].as_f64(), Some(4.0));
    }
    world.idle().await;
    assert_eq!(listed(&client, "?by_me=true").await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_executors_complain_once_whatever_became_of_the_order() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    let executor = &executors[0];
    for ending in ["active", "complete", "close", "silence"] {
        let order = taken(&client, &format!("contact {ending}"), &executors[..2]).await;
        match ending {
            "complete" => _ = client.act(&order, "complete").await.is(200),
            "close" => _ = client.act(&order, "close").await.is(204),
            "silence" => leap(&world, 15 * 60).await,
            _ => {}
        }
        let made = complaint(executor, &order).await.ok();
        assert!(made["complaint_id"].is_i64(), "{made}");
        let again = complaint(executor, &order).await;
        again.detail(409, "already_complained", "Already complained about this order");
        let answers = at_once(5, |_| complaint(&executors[1], &order)).await;
        assert_eq!((count(&answers, 200), count(&answers, 409)), (1, 4), "{answers:?}");
        for person in [&client, &executors[2]] {
            let answer = complaint(person, &order).await;
            answer.detail(404, "not_taker", "You did not take this order");
        }
    }
    for order in [NO_ORDER, "x"] {
        complaint(executor, order).await.detail(404, "not_taker", "You did not take this order");
    }
    assert_eq!(client.me().await["rating"].as_f64(), Some(0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_reviews_of_three_at_once_all_count_and_the_first_stands() {
    let world = busy!();
    let (client, executors) = (world.person(1, "Иван").await, brigade(&world).await);
    for round in 0..5 {
        let order = completed(&client, &format!("contact {round}"), &executors).await;
        let answers =
            at_once(3, |n| review(&client, &order, Some(executors[n].id()), [3, 4, 5][n])).await;
        let made = |answer: &tests::Answer| answer.ok()["review_id"].as_i64().unwrap();
        let first = (0..3).min_by_key(|n| made(&answers[*n])).unwrap();
        assert_eq!(client.sees(&order).await["rating"], [3, 4, 5][first]);
        for (executor, stars) in executors.iter().zip([3.0, 4.0, 5.0]) {
            assert_eq!(executor.me().await["rating"].as_f64(), Some(stars));
        }
        leap(&world, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a21_a_mean_is_rounded_half_up() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let steps =
        [(5, 5.0), (4, 4.5), (4, 4.33), (4, 4.25), (4, 4.2), (4, 4.17), (4, 4.14), (4, 4.13)];
    for (n, (stars, mean)) in steps.into_iter().enumerate() {
        let contact = format!("contact {n}");
        let order = completed(&client, &contact, std::slice::from_ref(&executor)).await;
        review(&client, &order, None, stars).await.ok();
        assert_eq!(executor.me().await["rating"].as_f64(), Some(mean), "{n}");
    }
}
