//! Reviews as clients ask for them.

use serde_json::{Value, json};

use super::super::{check, complain, list, review};
use super::{CLIENT, EXECUTORS, order, world};
use crate::orders::Status;
use crate::testing::{Person, Reply, Request, World};

const ID: &str = "abcdefghijkl";

fn by(world: &World, id: i64) -> String {
    world.sign_in(&Person::new(id, if id == CLIENT { "Анна" } else { "Иван" }))
}

async fn post(world: &World, who: i64, body: Value) -> Reply {
    let request = Request::post("/api/reviews/client", body).by(&by(world, who));
    world.call(review(), request).await
}

async fn listed(world: &World, who: Option<i64>, query: &str) -> Reply {
    let request = Request::get(&format!("/api/reviews{query}"));
    let request = match who {
        Some(id) => request.by(&by(world, id)),
        None => request,
    };
    world.call(list(), request).await
}

fn ratings(reply: &Reply) -> Vec<i64> {
    reply.body.as_array().unwrap().iter().map(|review| review["rating"].as_i64().unwrap()).collect()
}

/// Orders that were reviewed, with these ratings of the executors in turn.
async fn reviewed(world: &World, ratings: &[i64]) {
    for (n, rating) in ratings.iter().enumerate() {
        let (id, executor) = (format!("order-{n:06}"), EXECUTORS[n % 3]);
        world.put(&order(&id, Status::Completed, &[executor], world.now())).await;
        let reply = post(world, CLIENT, json!({ "order_id": id, "rating": rating })).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        world.pass(std::time::Duration::from_millis(1));
    }
}

#[tokio::test]
async fn a_review_is_shown_without_contact_and_description() {
    let world = world().await;
    world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
    let body = json!({ "order_id": ID, "rating": "5", "comment": " Спасибо! ", "unknown": 1 });
    let reply = post(&world, CLIENT, body).await;
    assert_eq!((reply.status.as_u16(), &reply.body["success"]), (200, &json!(true)));
    assert_eq!((reply.cost.sequence, reply.cost.items), (2, 4));
    let at = world.now().micros();
    let expected = json!([{
        "id": reply.body["review_id"], "author_name": "Анна", "rating": 5, "comment": "Спасибо!",
        "category": "Сантехника", "created_at": at, "order_id": ID, "city": "Москва",
    }]);
    for who in [None, Some(CLIENT), Some(EXECUTORS[0]), Some(99)] {
        assert_eq!(listed(&world, who, "").await.body, expected);
    }
    let again = post(&world, CLIENT, json!({ "order_id": ID, "rating": 1 })).await;
    let detail = "Already reviewed this executor for this order";
    assert_eq!(again.refusal(), (409, "already_reviewed", detail));
}

#[tokio::test]
async fn a_key_repeats_the_answer_and_refuses_another_request() {
    let world = world().await;
    world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
    let send = |rating: i64| {
        let body = json!({ "order_id": ID, "rating": rating });
        let request = Request::post("/api/reviews/client", body).by(&by(&world, CLIENT));
        world.call(review(), request.header("idempotency-key", "k:1"))
    };
    let first = send(4).await;
    assert_eq!((first.cost.sequence, first.cost.items), (2, 5));
    let again = send(4).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = send(5).await;
    assert_eq!(other.refusal(), (422, "idempotency_mismatch", "Idempotency key reuse"));
    assert_eq!(world.user(EXECUTORS[0]).await.rating_count, 1);
}

#[tokio::test]
async fn reviews_are_checked_in_the_order_of_the_rules() {
    let world = world().await;
    let refused = post(&world, CLIENT, json!({ "rating": 6, "comment": "x".repeat(501) })).await;
    assert_eq!(
        refused.body["detail"],
        "order_id: is required; rating: must be an integer from 1 to 5; \
         comment: must be 0 to 500 characters long"
    );
    let none = post(&world, CLIENT, json!({ "order_id": "-", "rating": 5 })).await;
    assert_eq!(none.refusal().1, "review_order_not_found");
    world.put(&order(ID, Status::Expired, &[], world.now())).await;
    let nobody = post(&world, CLIENT, json!({ "order_id": ID, "rating": 5 })).await;
    assert_eq!(nobody.refusal().1, "no_executor");
    world.put(&order(ID, Status::ClosedNoResponse, &EXECUTORS, world.now())).await;
    let closed = post(&world, CLIENT, json!({ "order_id": ID, "rating": 5 })).await;
    assert_eq!(closed.refusal().1, "review_not_allowed");
    world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
    let body = json!({ "order_id": ID, "rating": 5, "executor_id": CLIENT });
    assert_eq!(post(&world, CLIENT, body).await.refusal().1, "executor_not_taker");
    let body = json!({ "order_id": ID, "rating": 5, "executor_id": EXECUTORS[2], "comment": " " });
    assert_eq!(post(&world, CLIENT, body).await.status, 200);
    assert_eq!(listed(&world, None, "").await.body[0]["comment"], Value::Null);
}

#[tokio::test]
async fn flags_choose_whose_reviews_are_listed() {
    let world = world().await;
    reviewed(&world, &[5, 4, 3, 2]).await;
    let executor = Some(EXECUTORS[0]);
    assert_eq!(ratings(&listed(&world, executor, "").await), [2, 3, 4, 5]);
    let mine = listed(&world, executor, "?mine=true").await;
    assert_eq!((ratings(&mine), &mine.headers["x-total-count"]), (vec![2, 5], &json!("2")));
    assert_eq!(listed(&world, executor, "?about_me=1").await.body, mine.body);
    assert_eq!(ratings(&listed(&world, executor, "?by_me=yes").await), [0; 0]);
    assert_eq!(ratings(&listed(&world, Some(CLIENT), "?by_me=on").await), [2, 3, 4, 5]);
    assert_eq!(ratings(&listed(&world, Some(CLIENT), "?by_me=1&mine=1").await), [0; 0]);
    assert_eq!(ratings(&listed(&world, executor, "?mine=1&rating=5").await), [5]);
    assert_eq!(ratings(&listed(&world, Some(CLIENT), "?by_me=1&rating=4").await), [4]);
    // The anonymous have nothing of their own; the flag is as good as absent.
    assert_eq!(ratings(&listed(&world, None, "?mine=true").await), [2, 3, 4, 5]);
    let expired = Request::get("/api/reviews?mine=true").by("tma user=1&hash=2");
    assert_eq!(world.call(list(), expired).await.status, 401);
    let expired = Request::get("/api/reviews").by("tma user=1&hash=2");
    assert_eq!(ratings(&world.call(list(), expired).await), [2, 3, 4, 5]);
    for query in ["?rating=0", "?rating=6", "?limit=0", "?limit=101", "?mine=2", "?cursor=x"] {
        assert_eq!(listed(&world, executor, query).await.refusal().0, 422, "{query}");
    }
    let detail = listed(&world, executor, "?cursor=x").await.body["detail"].clone();
    assert_eq!(detail, "Invalid cursor");
}

#[tokio::test]
async fn pages_lead_on_by_header() {
    let world = world().await;
    reviewed(&world, &[5, 4, 3, 2, 1]).await;
    let first = listed(&world, None, "?limit=2").await;
    assert_eq!((ratings(&first), first.cost.requests), (vec![1, 2], 1));
    // Not counted yet; there are more than are shown.
    assert_eq!(first.headers["x-total-count"], "3");
    let link = first.headers["link"].as_str().unwrap();
    let query = link.strip_prefix('<').unwrap().split_once('>').unwrap().0;
    assert_eq!(link, format!("<{query}>; rel=\"next\""));
    let second = listed(&world, None, query).await;
    assert_eq!((ratings(&second), &second.headers["x-total-count"]), (vec![3, 4], &json!("5")));
    let cursor = second.headers["x-next-cursor"].as_str().unwrap();
    let third = listed(&world, None, &format!("?limit=2&cursor={cursor}")).await;
    assert_eq!((ratings(&third), third.headers.get("x-next-cursor")), (vec![5], None));
    assert_eq!(third.headers["x-total-count"], "5");
    for query in [format!("?cursor={cursor}&rating=5"), format!("?cursor={cursor}x")] {
        assert_eq!(listed(&world, None, &query).await.body["detail"], "Invalid cursor");
    }
    let foreign = listed(&world, Some(CLIENT), &format!("?cursor={cursor}")).await;
    assert_eq!(foreign.status, 422);
    let tag = first.headers["etag"].as_str().unwrap();
    let known = Request::get("/api/reviews?limit=2").header("if-none-match", tag);
    assert_eq!(world.call(list(), known.clone()).await.status, 304);
    world.put(&order(ID, Status::Completed, &EXECUTORS, world.now())).await;
    assert_eq!(post(&world, CLIENT, json!({ "order_id": ID, "rating": 5 })).await.status, 200);
    assert_eq!(world.call(list(), known).await.status, 200);
}

#[tokio::test]
async fn complaints_are_told_to_nobody_but_their_author() {
    let world = world().await;
    world.put(&order(ID, Status::Completed, &EXECUTORS[..1], world.now())).await;
    let say = |who, body| {
        let request = Request::post("/api/reviews/executor", body).by(&by(&world, who));
        world.call(complain(), request)
    };
    let ask = |who, query: &str| {
        let path = format!("/api/reviews/check?order_id={ID}{query}");
        let request = Request::get(&path).by(&by(&world, who));
        world.call(check(), request)
    };
    let bad = say(EXECUTORS[0], json!({ "order_id": ID, "complaint": "Просто так" })).await;
    assert_eq!(
        bad.body["detail"],
        "Complaint must be one of: Не отвечал, Отменил заказ, Неадекватное поведение, \
         Ложная информация, Другое"
    );
    let body = json!({ "order_id": ID, "complaint": "Не отвечал", "comment": null });
    let reply = say(EXECUTORS[0], body.clone()).await;
    assert_eq!((reply.status.as_u16(), &reply.body["success"]), (200, &json!(true)));
    assert!(reply.body["complaint_id"].is_i64());
    assert_eq!((reply.cost.sequence, reply.cost.items), (2, 3));
    let again = say(EXECUTORS[0], body.clone()).await;
    let detail = "Already complained about this order";
    assert_eq!(again.refusal(), (409, "already_complained", detail));
    let stranger = say(EXECUTORS[1], body).await;
    assert_eq!(stranger.refusal(), (404, "not_taker", "You did not take this order"));
    let complained = json!({ "submitted": true, "type": "complaint", "executor_ids": [] });
    let checked = ask(EXECUTORS[0], "").await;
    assert_eq!((checked.body, checked.cost.requests), (complained, 1));
    let silent = json!({ "submitted": false, "type": null, "executor_ids": [] });
    assert_eq!(ask(CLIENT, "").await.body, silent);
    assert_eq!(ask(CLIENT, &format!("&executor_id={}", EXECUTORS[0])).await.body, silent);
    assert_eq!(listed(&world, Some(CLIENT), "").await.body, json!([]));
}
