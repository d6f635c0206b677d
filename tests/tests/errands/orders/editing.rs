//! Edit and delete, guard by guard.

use serde_json::{Value, json};
use tests::{Person, job};

use crate::scene::{NO_ORDER, busy, ids, leap, rich, takes};

const TAKEN_EDIT: &str = "Cannot edit order after executor has taken it";
const TAKEN_DELETE: &str = "Cannot delete order after executor has taken it";
const OTHER: &str = "Другая работа: повесить полку и собрать шкаф";

fn path(order: &str) -> String {
    format!("/api/orders/{order}")
}

async fn edited(client: &Person, order: &str, change: Value) -> Value {
    client.put(&path(order), &change).await.is(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_an_edit_changes_what_it_names_and_never_the_city() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    let first = client.sees(&order).await;
    leap(&world, 60).await;
    assert_eq!(edited(&client, &order, json!({})).await, first, "a no-op");
    let nothing = json!({"category": null, "description": null, "contact": null});
    assert_eq!(edited(&client, &order, nothing).await, first, "null is absent");
    let after = edited(&client, &order, json!({"city": "Омск", "status": "completed"})).await;
    assert_eq!(after, first, "the city is locked");
    let change = json!({"category": "Другое", "description": OTHER, "contact": "+79000000000"});
    let after = edited(&client, &order, change).await;
    let mut wanted = first.clone();
    wanted["category"] = json!("Другое");
    wanted["description"] = json!(OTHER);
    wanted["contact"] = json!("+79000000000");
    wanted["contact_kind"] = json!("phone");
    assert_eq!(after, wanted);
    assert_eq!(client.sees(&order).await, wanted);
    for (query, found) in [("category=Другое", 1), ("category=Сантехника", 0), ("city=Омск", 0)]
    {
        let list = world.get(&format!("/api/orders?{query}")).await.json();
        assert_eq!(ids(&list).len(), found, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_only_the_owner_edits_and_deletes() {
    let world = busy!();
    let (client, stranger) = (world.person(1, "Иван").await, world.person(3, "Чужой").await);
    let order = client.posts(&job("@ivan_123")).await;
    for (person, order) in [(&stranger, order.as_str()), (&client, NO_ORDER), (&client, "x")] {
        let edit = person.put(&path(order), &json!({"description": OTHER})).await;
        edit.detail(404, "order_not_found", "Order not found");
        let delete = person.delete(&path(order)).await;
        delete.detail(404, "order_not_found", "Order not found");
    }
    assert_eq!(client.sees(&order).await["status"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_a_taken_order_stays_as_it_is() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let order = client.posts(&job("@ivan_123")).await;
    takes(&executor, &order).await;
    let before = client.sees(&order).await;
    for change in [json!({"description": OTHER}), json!({"contact": "@ivan_new"})] {
        let answer = client.put(&path(&order), &change).await;
        answer.detail(403, "order_taken", TAKEN_EDIT);
    }
    client.delete(&path(&order)).await.detail(403, "order_taken", TAKEN_DELETE);
    executor.put(&path(&order), &json!({})).await.problem(404, "order_not_found");
    executor.delete(&path(&order)).await.problem(404, "order_not_found");
    assert_eq!(client.sees(&order).await, before);
    client.act(&order, "complete").await.is(200);
    let answer = client.put(&path(&order), &json!({"description": OTHER})).await;
    answer.detail(403, "order_taken", TAKEN_EDIT);
    client.delete(&path(&order)).await.detail(403, "order_taken", TAKEN_DELETE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_an_ended_order_is_gone_for_edits() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let deleted = client.posts(&job("@ivan_123")).await;
    client.delete(&path(&deleted)).await.is(204);
    let answer = client.put(&path(&deleted), &json!({"description": OTHER})).await;
    answer.detail(410, "order_not_active", "Order is no longer active");
    let old = client.posts(&job("@ivan_123")).await;
    leap(&world, 60 * 60).await;
    let answer = client.put(&path(&old), &json!({"description": OTHER})).await;
    answer.detail(410, "order_expired", "Order has expired");
    let answer = client.put(&path(&old), &json!({"description": "short"})).await;
    answer.problem(422, "validation_failed");
    client.delete(&path(&old)).await.is(204);
    assert_eq!(client.sees(&old).await["status"], "deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_deleting_twice_has_one_effect() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let (first, kept) =
        (client.posts(&job("@ivan_123")).await, client.posts(&job("@ivan_456")).await);
    for _ in 0..3 {
        client.delete(&path(&first)).await.is(204);
    }
    let me = client.me().await;
    assert_eq!((&me["active_orders"], &me["completed_orders"]), (&json!(1), &json!(0)));
    assert_eq!(ids(&client.get("/api/orders?mine=true").await.json()), [kept]);
    let expired = client.posts(&job("@ivan_789")).await;
    world.advance(60 * 60).await;
    for _ in 0..2 {
        client.delete(&path(&expired)).await.is(204);
    }
    assert_eq!(client.me().await["active_orders"], 0);
    let all = client.get("/api/orders?mine=true&status=all").await.json();
    assert_eq!(all["total"], 3, "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_edits_are_bounded_like_posts() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    for (change, message) in [
        (json!({"category": "Такси"}), None),
        (
            json!({"description": "x".repeat(19)}),
            Some("description: must be 20 to 1000 characters long"),
        ),
        (
            json!({"description": " ".repeat(30)}),
            Some("description: must be 20 to 1000 characters long"),
        ),
        (json!({"contact": "12"}), Some("contact: must be 3 to 100 characters long")),
        (json!({"contact": "x".repeat(101)}), Some("contact: must be 3 to 100 characters long")),
    ] {
        let answer = client.put(&path(&order), &change).await;
        let problem = answer.problem(422, "validation_failed");
        if let Some(message) = message {
            assert_eq!(problem["detail"], message, "{answer}");
        }
    }
    client.put(&path(&order), &json!({"city": 1})).await.is(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_an_open_order_is_found_under_what_it_says_now() {
    let world = busy!();
    let client = world.person(1, "Иван").await;
    let order = client.posts(&job("@ivan_123")).await;
    for category in ["Электрика", "Клининг", "Сантехника"] {
        edited(&client, &order, json!({"category": category})).await;
        world.idle().await;
        let path = format!("/api/orders?category={category}&city=москва");
        let list = world.get(&path).await.json();
        assert_eq!((ids(&list), &list["total"]), (vec![order.clone()], &json!(1)), "{category}");
    }
    let old = world.get("/api/orders?category=Электрика").await.json();
    assert_eq!((ids(&old).len(), &old["total"]), (0, &json!(0)), "{old}");
}
