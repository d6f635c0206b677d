//! What the existing client asks for, with the fields and the statuses it reads.

use serde_json::{Value, json};
use tests::{ORIGIN, Person, World};

use crate::scene::{busy, fields, leap, rich};

const ORDER: [&str; 15] = [
    "category",
    "city",
    "city_locked",
    "contact",
    "contact_kind",
    "created_at",
    "customer_responded_at",
    "description",
    "expires_at",
    "expires_in_minutes",
    "id",
    "rating",
    "response_deadline_at",
    "review_comment",
    "status",
];

#[track_caller]
fn is_order(order: &Value) {
    let names: Vec<&str> = fields(order).into_iter().filter(|name| *name != "taken_by").collect();
    assert_eq!(names, ORDER, "{order}");
    assert!(order["taken_by"].is_array(), "{order}");
    for take in order["taken_by"].as_array().unwrap() {
        assert_eq!(fields(take), ["executor_id", "taken_at"], "{order}");
        is_instant(&take["taken_at"]);
    }
    is_instant(&order["created_at"]);
    is_instant(&order["expires_at"]);
}

/// Microseconds and `Z`: the existing client reads nothing else.
#[track_caller]
fn is_instant(value: &Value) {
    let text = value.as_str().unwrap_or_default();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z", "{value}");
}

async fn orders(client: &Person, executor: &Person, world: &World) -> String {
    let job = tests::job("@ivan_123");
    let made = client.post("/api/orders", &job).header("origin", ORIGIN).await.is(201).json();
    is_order(&made);
    let order = made["id"].as_str().unwrap().to_owned();
    let list = client.get("/api/orders?limit=50&offset=0").await.is(200).json();
    assert_eq!(fields(&list), ["next_cursor", "orders", "total"]);
    is_order(&list["orders"][0]);
    is_order(&client.sees(&order).await);
    let edit = json!({"description": "Течёт кран в ванной, мастер нужен сейчас", "city": "Омск"});
    let edited = client.put(&format!("/api/orders/{order}"), &edit).await.is(200).json();
    is_order(&edited);
    assert_eq!(edited["city"], "Москва");
    let took = executor.act(&order, "take").json(&json!({})).await.is(200).json();
    assert_eq!(fields(&took), ["contact", "executor_count", "new_balance", "success"]);
    let responded = client.act(&order, "respond").await.is(200).json();
    is_order(&responded);
    is_instant(&responded["customer_responded_at"]);
    let done = client.act(&order, "complete").await.is(200).json();
    is_order(&done);
    assert_eq!(done["status"], "completed");
    let closed = client.posts(&job).await;
    executor.act(&closed, "take").await.ok();
    assert!(client.act(&closed, "close").await.is(204).body.is_empty());
    let deleted = client.posts(&job).await;
    let gone = client.delete(&format!("/api/orders/{deleted}")).await;
    assert!(gone.is(204).body.is_empty());
    world.idle().await;
    order
}

async fn users(client: &Person) {
    let names = ["active_orders", "balance", "completed_orders", "first_name", "id", "last_name"];
    let me = client.me().await;
    assert_eq!(fields(&me)[..6], names);
    assert_eq!(fields(&me)[6..], ["rating", "username"]);
    let path = "/api/users/me/preferences";
    assert_eq!(fields(&client.get(path).await.is(200).json()), ["categories", "cities"]);
    let saved = client.put(path, &json!({"categories": ["Другое"], "cities": ["Омск"]})).await;
    assert_eq!(saved.is(200).json(), json!({"success": true}));
    let path = "/api/users/me/notification-settings";
    assert_eq!(fields(&client.get(path).await.is(200).json()), ["enabled", "frequency"]);
    let saved = client.put(path, &json!({"enabled": true, "frequency": 5})).await;
    assert_eq!(saved.is(200).json(), json!({"success": true}));
}

async fn money(executor: &Person) {
    assert_eq!(fields(&executor.get("/api/balance").await.is(200).json()), ["balance"]);
    let ledger = executor.get("/api/balance/transactions").await.is(200).json();
    assert_eq!(fields(&ledger), ["next_cursor", "transactions"]);
    let names = [
        "amount",
        "balance_after",
        "created_at",
        "description",
        "id",
        "order_id",
        "payment_method",
        "type",
    ];
    for entry in ledger["transactions"].as_array().unwrap() {
        assert_eq!(fields(entry), names);
        is_instant(&entry["created_at"]);
    }
    let wish = json!({"amount": 100, "method": "telegram_stars"});
    let recharged = executor.post("/api/balance/recharge", &wish).await.is(200).json();
    assert_eq!(fields(&recharged), ["new_balance", "success", "transaction_id"]);
    assert!(recharged["transaction_id"].is_i64());
    let wish = json!({"amount": 300});
    let invoice = executor.post("/api/balance/create-invoice", &wish).await.is(200).json();
    let names = ["expires_at", "mini_app_invoice_url", "pay_url", "payment_id", "provider"];
    assert_eq!(fields(&invoice), names);
    is_instant(&invoice["expires_at"]);
    let path = format!("/api/balance/payment/{}/status", invoice["payment_id"]);
    let status = executor.get(&path).await.is(200).json();
    let wanted = json!({
        "payment_id": invoice["payment_id"], "status": "pending", "amount": 300,
        "new_balance": null,
    });
    assert_eq!(status, wanted);
}

async fn reviews(client: &Person, executor: &Person, order: &str) {
    let check = format!("/api/reviews/check?order_id={order}");
    let none = json!({"submitted": false, "type": null, "executor_ids": []});
    assert_eq!(client.get(&check).await.is(200).json(), none);
    let review = json!({"order_id": order, "rating": 5, "comment": null});
    let made = client.post("/api/reviews/client", &review).await.is(200).json();
    assert_eq!(fields(&made), ["review_id", "success"]);
    let complaint = json!({"order_id": order, "complaint": "Не отвечал", "comment": ""});
    let made = executor.post("/api/reviews/executor", &complaint).await.is(200).json();
    assert_eq!(fields(&made), ["complaint_id", "success"]);
    let list = executor.get("/api/reviews?mine=true&limit=50").await.is(200).json();
    let names =
        ["author_name", "category", "city", "comment", "created_at", "id", "order_id", "rating"];
    assert_eq!(fields(&list[0]), names);
    is_instant(&list[0]["created_at"]);
    let wanted = json!({
        "submitted": true, "type": "review", "executor_ids": [executor.id()],
    });
    assert_eq!(client.get(&check).await.is(200).json(), wanted);
    let wanted = json!({"submitted": true, "type": "complaint", "executor_ids": []});
    assert_eq!(executor.get(&check).await.is(200).json(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_every_request_of_the_existing_client_succeeds() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let root = world.get("/").await.is(200).json();
    assert_eq!(root["service"], "Срочные Услуги API");
    assert_eq!(root["status"], "operational");
    assert_eq!(root["docs"], "/openapi.json");
    assert_eq!(fields(&root), ["docs", "service", "status", "version"]);
    let order = orders(&client, &executor, &world).await;
    users(&client).await;
    money(&executor).await;
    reviews(&client, &executor, &order).await;
    let reviewed = client.sees(&order).await;
    is_order(&reviewed);
    assert_eq!(reviewed["rating"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_anonymous_first_calls_answer() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let order = client.posts(&tests::job("@ivan_123")).await;
    let paths = [
        "/api/orders".to_owned(),
        "/api/orders?mine=true".to_owned(),
        format!("/api/orders/{order}"),
        "/api/reviews".to_owned(),
        "/api/reviews?about_me=true".to_owned(),
        "/api/cities".to_owned(),
    ];
    for path in &paths {
        world.get(path).header("content-type", "application/json").await.is(200);
    }
    assert_eq!(world.get("/api/reviews").await.json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_times_of_an_order_follow_from_each_other() {
    let world = busy!("CLOCK" => "2026-11-22T00:51:47.845Z");
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&tests::job("@ivan_123")).await;
    leap(&world, 100).await;
    executor.act(&order, "take").await.ok();
    let seen = client.sees(&order).await;
    assert_eq!(seen["created_at"], "2026-11-22T00:51:47.845000Z");
    assert_eq!(seen["expires_at"], "2026-11-22T01:51:47.845000Z");
    assert_eq!(seen["taken_by"][0]["taken_at"], "2026-11-22T00:53:27.845000Z");
    assert_eq!(seen["response_deadline_at"], "2026-11-22T01:08:27.845000Z");
    client.act(&order, "respond").await.is(200);
    let seen = client.sees(&order).await;
    assert!(seen["response_deadline_at"].is_null(), "{seen}");
    assert_eq!(seen["customer_responded_at"], "2026-11-22T00:53:27.845000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn a02_russian_is_written_as_it_is() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let answer = client.post("/api/orders", &tests::job("@ivan_123")).await;
    assert!(answer.is(201).text().contains("Сантехника"), "{answer}");
    assert!(answer.must("content-type").starts_with("application/json"), "{answer}");
    let refused = client.get("/api/orders?status=foo").await;
    assert!(!refused.text().contains("\\u"), "{refused}");
}
