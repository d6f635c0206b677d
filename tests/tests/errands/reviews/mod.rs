//! What clients say of executors, and executors of clients.

mod checking;
mod lists;
mod submitting;

use serde_json::{Value, json};
use tests::{Call, Person};

/// A client's review of one executor of an order.
pub(crate) fn review(client: &Person, order: &str, executor: Option<i64>, rating: i64) -> Call {
    let mut body = json!({"order_id": order, "rating": rating, "comment": "Пришёл вовремя"});
    if let Some(executor) = executor {
        body["executor_id"] = json!(executor);
    }
    client.post("/api/reviews/client", &body)
}

/// An executor's complaint about an order's client.
pub(crate) fn complaint(executor: &Person, order: &str) -> Call {
    let body = json!({"order_id": order, "complaint": "Отменил заказ", "comment": "Не пришёл"});
    executor.post("/api/reviews/executor", &body)
}

/// A list of reviews.
pub(crate) async fn listed(person: &Person, query: &str) -> Vec<Value> {
    let list = person.get(&format!("/api/reviews{query}")).await.is(200).json();
    list.as_array().cloned().unwrap_or_else(|| panic!("no array: {list}"))
}
