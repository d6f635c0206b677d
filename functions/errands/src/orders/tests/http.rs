//! The endpoints as clients see them.

use ::http::Method;
use shared::function::Function;

use super::super::{
    close, complete, delete as withdraw, get, respond, take as buy, update as edit,
};
use super::*;
use crate::testing::{Person, Reply, Request};

pub(super) fn post_body() -> Value {
    json!({
        "category": "Сантехника",
        "description": "Течёт кран на кухне, нужен мастер в течение часа",
        "city": "Москва", "contact": "@ivan_123",
    })
}

impl Market {
    pub(super) fn authorization(&self, id: i64) -> String {
        self.world.sign_in(&Person::new(id, "Анна"))
    }

    pub(super) async fn http(&self, function: Function<App>, request: Request) -> Reply {
        self.world.call(function, request).await
    }

    async fn shown(&self, id: &str, viewer: Option<i64>) -> Reply {
        let request = Request::get(&format!("/api/orders/{id}"));
        let request = match viewer {
            Some(viewer) => request.by(&self.authorization(viewer)),
            None => request,
        };
        self.http(get(), request).await
    }

    pub(super) async fn posted(&self, body: Value) -> Reply {
        let request = Request::post("/api/orders", body).by(&self.authorization(CLIENT));
        self.http(super::super::create(), request).await
    }
}

pub(super) fn order_path(id: &str, act: &str) -> Request {
    Request::new(Method::POST, &format!("/api/orders/{id}/{act}"))
}

#[tokio::test]
async fn an_order_lives_over_http() {
    let market = Market::of(2, 100).await;
    let made = market.posted(post_body()).await;
    assert_eq!((made.status.as_u16(), made.cost.requests, made.cost.items), (201, 1, 5));
    assert_eq!(
        (&made.body["expires_in_minutes"], &made.body["city_locked"]),
        (&json!(60), &json!(true))
    );
    assert_eq!((&made.body["taken_by"], &made.body["contact"]), (&json!([]), &json!("@ivan_123")));
    let id = made.body["id"].as_str().unwrap().to_owned();
    let path = format!("/api/orders/{id}");

    let changes = json!({ "city": "Тверь", "contact": "@ivan_1234", "description": null });
    let edited = Request::put(&path, changes).by(&market.authorization(CLIENT));
    let edited = market.http(edit(), edited).await;
    assert_eq!(
        (edited.status.as_u16(), &edited.body["city"], &edited.body["contact"]),
        (200, &json!("Москва"), &json!("@ivan_1234"))
    );
    let anonymous = market.shown(&id, None).await;
    assert_eq!((anonymous.status.as_u16(), &anonymous.body["contact"]), (200, &Value::Null));
    assert_eq!(anonymous.cost.requests, 1);

    let bought = order_path(&id, "take").by(&market.authorization(EXECUTOR));
    let bought = market.http(buy(), bought).await;
    assert_eq!(
        bought.body,
        json!({ "success": true, "contact": "@ivan_1234", "executor_count": 1, "new_balance": 98 })
    );
    let seen = market.shown(&id, Some(EXECUTOR)).await.body;
    assert_eq!(
        (&seen["contact"], &seen["taken_by"][0]["executor_id"]),
        (&json!("@ivan_1234"), &json!(EXECUTOR))
    );
    let stranger = market.shown(&id, Some(EXECUTOR + 1)).await.body;
    assert_eq!(
        (&stranger["contact"], &stranger["taken_by"][0]["executor_id"]),
        (&Value::Null, &json!(0))
    );

    let refused = Request::new(Method::DELETE, &path).by(&market.authorization(CLIENT));
    let refused = market.http(withdraw(), refused).await;
    let detail = "Cannot delete order after executor has taken it";
    assert_eq!(refused.refusal(), (403, "order_taken", detail));

    let client = market.authorization(CLIENT);
    let responded = market.http(respond(), order_path(&id, "respond").by(&client)).await;
    assert_eq!(responded.body["customer_responded_at"], "2026-11-22T12:00:00.000000Z");
    let completed = market.http(complete(), order_path(&id, "complete").by(&client)).await;
    assert_eq!(
        (completed.status.as_u16(), &completed.body["status"], &completed.body["contact"]),
        (200, &json!("completed"), &json!("@ivan_1234"))
    );
    let closed = market.http(close(), order_path(&id, "close").by(&client)).await;
    assert_eq!(closed.refusal(), (410, "order_not_active", "Order is no longer active"));
    market.check_invariants().await;
}

#[tokio::test]
async fn closed_and_deleted_orders_are_hidden_from_strangers() {
    let market = Market::of(2, 2).await;
    let id = market.post().await;
    market.take_all(&id, 1).await;
    let request = order_path(&id, "close").by(&market.authorization(CLIENT));
    let closed = market.http(close(), request).await;
    assert_eq!((closed.status.as_u16(), &closed.body), (204, &Value::Null));
    for (viewer, status) in
        [(None, 404), (Some(EXECUTOR + 1), 404), (Some(EXECUTOR), 200), (Some(CLIENT), 200)]
    {
        assert_eq!(market.shown(&id, viewer).await.status.as_u16(), status, "{viewer:?}");
    }
    let id = market.post().await;
    let request = Request::new(Method::DELETE, &format!("/api/orders/{id}"));
    let deleted = market.http(withdraw(), request.by(&market.authorization(CLIENT))).await;
    assert_eq!((deleted.status.as_u16(), &deleted.body), (204, &Value::Null));
    for (viewer, status) in [(None, 404), (Some(EXECUTOR), 404), (Some(CLIENT), 200)] {
        assert_eq!(market.shown(&id, viewer).await.status.as_u16(), status, "{viewer:?}");
    }
    for unknown in ["------------", "no-id", "%ff", "%00", &"x".repeat(200)] {
        let refused = market.shown(unknown, None).await;
        assert_eq!(refused.refusal(), (404, "order_not_found", "Order not found"), "{unknown}");
    }
}

#[tokio::test]
async fn what_is_no_order_is_refused_with_every_complaint() {
    let market = Market::open().await;
    let with = |field: &str, value: Value| {
        let mut body = post_body();
        body[field] = value;
        body
    };
    for (field, value) in [
        ("category", json!("Такси")),
        ("category", json!("сантехника")),
        ("category", json!("")),
        ("category", json!(1)),
        ("category", Value::Null),
        ("description", json!("x".repeat(19))),
        ("description", json!("x".repeat(1001))),
        ("description", json!(" ".repeat(20))),
        ("description", json!("a\u{0}".repeat(20))),
        ("city", json!("М")),
        ("city", json!("М".repeat(101))),
        ("contact", json!("ab")),
        ("contact", json!("x".repeat(101))),
        ("contact", json!(79_000_000_000_i64)),
    ] {
        let refused = market.posted(with(field, value.clone())).await;
        let (status, code, detail) = refused.refusal();
        assert_eq!((status, code), (422, "validation_failed"), "{field} {value}: {detail}");
        assert_eq!(refused.body["errors"][0]["field"], field);
    }
    let all = market.posted(json!({})).await;
    let fields: Vec<_> =
        all.body["errors"].as_array().unwrap().iter().map(|e| e["field"].clone()).collect();
    assert_eq!(fields, ["category", "description", "city", "contact"]);
    let wrong = market.posted(with("category", json!("Такси"))).await;
    assert_eq!(wrong.body["detail"], Category::complaint());
    for (city, contact) in [("Нью-Йорк", "Viber: 099…"), (" Ко ", " +7 900 000-00-01 ")]
    {
        let mut body = with("city", json!(city));
        body["contact"] = json!(contact);
        let made = market.posted(body).await;
        assert_eq!((made.status.as_u16(), &made.body["city"]), (201, &json!(city.trim())));
        assert_eq!(made.body["contact"], contact.trim());
    }
    assert_eq!(market.count("Order").await, 2);
    let id = market.post().await;
    for bad in
        [json!({ "category": "Такси" }), json!({ "description": "" }), json!({ "contact": "ab" })]
    {
        let request =
            Request::put(&format!("/api/orders/{id}"), bad).by(&market.authorization(CLIENT));
        assert_eq!(market.http(edit(), request).await.refusal().1, "validation_failed");
    }
}

#[tokio::test]
async fn an_order_that_ended_is_never_confirmed_as_it_was() {
    let market = Market::open().await;
    let id = market.post().await;
    let path = format!("/api/orders/{id}");
    let first = market.shown(&id, None).await;
    let tag = first.headers["etag"].as_str().unwrap().to_owned();
    let again = || Request::get(&path).header("if-none-match", &tag);
    assert_eq!(market.http(get(), again()).await.status.as_u16(), 304);
    let client = again().by(&market.authorization(CLIENT));
    assert_eq!(market.http(get(), client).await.status.as_u16(), 200, "another viewer");
    market.pass(minutes(60) - Duration::from_micros(1));
    assert_eq!(market.http(get(), again()).await.status.as_u16(), 304);
    market.pass(Duration::from_micros(1));
    let ended = market.http(get(), again()).await;
    assert_eq!((ended.status.as_u16(), &ended.body["status"]), (200, &json!("expired")));
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    assert!(first.headers["vary"].as_str().unwrap().contains("Authorization"));
}

#[tokio::test]
async fn nobody_changes_orders_without_signing_in() {
    let market = Market::open().await;
    let id = market.post().await;
    for (function, request) in [
        (super::super::create(), Request::post("/api/orders", post_body())),
        (edit(), Request::put(&format!("/api/orders/{id}"), json!({}))),
        (withdraw(), Request::new(Method::DELETE, &format!("/api/orders/{id}"))),
        (buy(), order_path(&id, "take")),
        (respond(), order_path(&id, "respond")),
        (complete(), order_path(&id, "complete")),
        (close(), order_path(&id, "close")),
    ] {
        let refused = market.http(function, request).await;
        assert_eq!(refused.refusal(), (401, "not_authenticated", "Not authenticated"));
    }
}
