//! What commits, and what of it when many come at once.

use std::sync::Arc;

use http::StatusCode;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::problem::Problem;

use super::super::list::{List, Whose};
use super::super::model::Reason;
use super::super::submit::{Blame, Praise, complain, review};
use super::{CLIENT, EXECUTORS, order, world};
use crate::orders::{self, Order, Status};
use crate::testing::World;

const ID: &str = "abcdefghijkl";

fn praise(executor_id: Option<i64>, rating: i64) -> Praise {
    Praise {
        order_id: ID.to_owned(), executor_id, rating, comment: Some("Спасибо".to_owned())
    }
}

async fn praised(world: &World, executor: Option<i64>, rating: i64) -> Result<StatusCode, Problem> {
    let client = world.user(CLIENT).await;
    let none = Idempotency::none();
    let answer: Answer =
        review(&world.app, &client, &praise(executor, rating), &none, world.now()).await;
    answer.map(|response| response.status())
}

async fn found(world: &World) -> Order {
    orders::find(world.table(), ID).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_equal_reviews_at_once_one_counts() {
    let world = Arc::new(world().await);
    world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let world = Arc::clone(&world);
        calls.spawn(async move { praised(&world, None, 4).await.map_err(|error| error.code()) });
    }
    let answers = calls.join_all().await;
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    assert_eq!((count(Ok(StatusCode::OK)), count(Err("already_reviewed"))), (1, 9));
    let executor = world.user(EXECUTORS[0]).await;
    assert_eq!((executor.rating_sum, executor.rating_count), (4, 1));
    assert_eq!(world.items("Review").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reviews_of_three_executors_at_once_all_count() {
    for round in 0..10 {
        let world = Arc::new(world().await);
        world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
        let mut calls = tokio::task::JoinSet::new();
        for (executor, rating) in EXECUTORS.into_iter().zip(3..) {
            let world = Arc::clone(&world);
            calls.spawn(async move { praised(&world, Some(executor), rating).await });
        }
        for answer in calls.join_all().await {
            assert_eq!(answer.unwrap(), StatusCode::OK, "round {round}");
        }
        for (executor, rating) in EXECUTORS.into_iter().zip(3..) {
            let user = world.user(executor).await;
            assert_eq!((user.rating_sum, user.rating_count), (rating, 1));
        }
        let all = List { whose: Whose::By(CLIENT), rating: None };
        let page = all.page(world.table(), None, 50, None).await.unwrap();
        let first = page.reviews.0.last().unwrap();
        let shown = found(&world).await.review.unwrap();
        assert_eq!((shown.review_id, shown.rating), (first.id, first.rating));
    }
}

#[tokio::test]
async fn a_rating_is_the_mean_of_its_reviews() {
    let world = world().await;
    for (n, rating) in [4, 4, 5].into_iter().enumerate() {
        let id = format!("order-{n:06}");
        world.put(&order(&id, Status::Completed, &EXECUTORS[..1], world.now())).await;
        let client = world.user(CLIENT).await;
        let praise = Praise { order_id: id, ..praise(None, rating) };
        review(&world.app, &client, &praise, &Idempotency::none(), world.now()).await.unwrap();
    }
    let user = world.user(EXECUTORS[0]).await;
    assert_eq!((user.rating_sum, user.rating_count), (13, 3));
    assert_eq!(crate::users::rating::mean(user.rating_sum, user.rating_count).to_string(), "4.33");
}

#[tokio::test]
async fn the_order_keeps_showing_its_first_review() {
    let world = world().await;
    world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
    praised(&world, Some(EXECUTORS[1]), 2).await.unwrap();
    let version = found(&world).await.version;
    world.pass(std::time::Duration::from_millis(1));
    praised(&world, None, 5).await.unwrap();
    let order = found(&world).await;
    assert_eq!((order.review.unwrap().rating, order.version), (2, version));
    let again = praised(&world, Some(EXECUTORS[1]), 5).await.unwrap_err();
    assert_eq!((again.status().as_u16(), again.code()), (409, "already_reviewed"));
}

#[tokio::test]
async fn an_order_that_the_clock_has_ended_is_settled_first() {
    let world = world().await;
    let active = order(ID, Status::Active, &EXECUTORS[..1], world.now());
    world.put(&active).await;
    world.put(&orders::ContactLock::of(&active)).await;
    world.put(&orders::OwnedOrder::of(&active)).await;
    world.put(&orders::TakenOrder::of(&active, &active.taken_by[0])).await;
    praised(&world, None, 5).await.unwrap();
    let order = found(&world).await;
    assert_eq!((order.status, order.review.unwrap().rating), (Status::Expired, 5));
}

#[tokio::test]
async fn what_is_no_order_needs_no_read() {
    let world = world().await;
    let client = world.user(CLIENT).await;
    for id in ["", "abc", "abcdefghijkl\u{0}", "абвгдежзийкл"] {
        let praise = Praise { order_id: id.to_owned(), ..praise(None, 5) };
        let refused = review(&world.app, &client, &praise, &Idempotency::none(), world.now()).await;
        assert_eq!(refused.unwrap_err().code(), "review_order_not_found");
    }
}

#[tokio::test]
async fn a_complaint_is_counted_once() {
    let world = world().await;
    world.put(&order(ID, Status::Completed, &EXECUTORS[..1], world.now())).await;
    let blame = Blame { order_id: ID.to_owned(), reason: Reason::Silent, comment: None };
    let say = |id| {
        let (world, blame) = (&world, &blame);
        async move {
            let executor = world.user(id).await;
            complain(&world.app, &executor, blame, &Idempotency::none(), world.now()).await
        }
    };
    assert_eq!(say(EXECUTORS[0]).await.unwrap().status(), StatusCode::OK);
    assert_eq!(say(EXECUTORS[0]).await.unwrap_err().code(), "already_complained");
    assert_eq!(say(EXECUTORS[1]).await.unwrap_err().code(), "not_taker");
    assert_eq!(say(CLIENT).await.unwrap_err().code(), "not_taker");
    assert_eq!(world.user(CLIENT).await.complaints, 1);
    assert_eq!(world.items("Complaint").await.len(), 1);
}

/// An id has 4096 values in one millisecond: of so many reviews some would share theirs.
#[tokio::test]
async fn reviews_of_one_instant_have_ids_of_their_own() {
    let world = world().await;
    let client = world.user(CLIENT).await;
    for n in 0..400 {
        let id = format!("order-{n:06}");
        world.put(&order(&id, Status::Completed, &EXECUTORS[..1], world.now())).await;
        let praise = Praise { order_id: id, ..praise(None, 5) };
        review(&world.app, &client, &praise, &Idempotency::none(), world.now()).await.unwrap();
    }
    let reviews = world.items("Review").await;
    let ids: std::collections::HashSet<_> =
        reviews.iter().map(|review| review["id"]["N"].to_string()).collect();
    assert_eq!((reviews.len(), ids.len()), (400, 400));
    assert_eq!(world.user(EXECUTORS[0]).await.rating_count, 400);
}
