//! The ledger, line by line.

use serde_json::{Value, json};
use tests::{Person, job};

use crate::scene::{busy, leap, rich, takes};

const PATH: &str = "/api/balance/transactions";

/// All lines by cursor, newest first; each page is one query.
async fn walked(person: &Person, query: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = person.get(&format!("{PATH}?limit={limit}{query}{cursor}")).await;
        let page = answer.is(200).json();
        let cost = answer.cost().unwrap();
        assert!(cost.requests == 1 && cost.items == 0, "{cost:?}");
        let lines = page["transactions"].as_array().unwrap();
        assert!(lines.len() <= limit);
        found.extend(lines.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Recharges, takes and refunds in turn; the ids of the orders.
async fn busy_day(client: &Person, executor: &Person) -> Vec<String> {
    let mut orders = Vec::new();
    for n in 0..8 {
        let order = client.posts(&job(&format!("contact {n}"))).await;
        takes(executor, &order).await;
        let ending = if n % 2 == 0 { "close" } else { "complete" };
        client.act(&order, ending).await;
        if n % 3 == 0 {
            executor.recharges(n + 1).await;
        }
        leap(&client.user.world, 1).await;
        orders.push(order);
    }
    orders
}

/// Each line's balance follows from the one before it, and the last is the balance.
async fn adds_up(person: &Person, lines: &[Value]) {
    let mut balance = 0;
    for line in lines.iter().rev() {
        balance += line["amount"].as_i64().unwrap();
        assert_eq!(line["balance_after"], balance, "{line}");
        assert!(balance >= 0, "{line}");
    }
    assert_eq!(balance, person.rubles().await);
    assert_eq!(balance, person.me().await["balance"].as_i64().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a20_the_ledger_lists_every_change_and_adds_up() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    let orders = busy_day(&client, &executor).await;
    let lines = executor.ledger().await;
    assert_eq!(lines.len(), 1 + 8 + 4 + 3);
    adds_up(&executor, &lines).await;
    for (n, order) in orders.iter().enumerate() {
        let of_order: Vec<_> = lines.iter().filter(|line| line["order_id"] == **order).collect();
        let take = of_order.last().unwrap();
        assert_eq!((&take["type"], &take["amount"]), (&json!("order_take"), &json!(-2)));
        assert_eq!(take["description"], format!("Took order {order}"));
        if n % 2 == 0 {
            let refund = of_order[0];
            assert_eq!((&refund["type"], &refund["amount"]), (&json!("refund"), &json!(2)));
            assert_eq!(refund["description"], format!("Refund for order {order}"));
        }
        assert_eq!(of_order.len(), 2 - n % 2);
    }
    let first = lines.last().unwrap();
    let wanted = json!({
        "id": first["id"], "type": "recharge", "amount": 100, "balance_after": 100,
        "order_id": null, "payment_method": "telegram_stars",
        "description": "Balance recharge via telegram_stars", "created_at": first["created_at"],
    });
    assert_eq!(first, &wanted);
    assert_eq!(client.ledger().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a20_cursors_page_without_gap() {
    let world = busy!();
    let (client, executor) = (world.person(1, "Иван").await, rich(&world, 2).await);
    busy_day(&client, &executor).await;
    let lines = executor.ledger().await;
    for limit in [1, 2, 3, 7, 16, 100] {
        assert_eq!(walked(&executor, "", limit).await, lines, "{limit}");
    }
    for (kind, count) in [("recharge", 4), ("order_take", 8), ("refund", 4), ("reversal", 0)] {
        let some: Vec<_> = lines.iter().filter(|line| line["type"] == kind).cloned().collect();
        assert_eq!(some.len(), count, "{kind}");
        for limit in [1, 3, 100] {
            assert_eq!(walked(&executor, &format!("&type={kind}"), limit).await, some, "{kind}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a20_a_cursor_is_good_for_its_owner_and_its_filter() {
    let world = busy!();
    let (anna, boris) = (rich(&world, 42).await, rich(&world, 43).await);
    for person in [&anna, &boris] {
        person.recharges(1).await;
    }
    let page = anna.get(&format!("{PATH}?limit=1")).await.is(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    anna.get(&format!("{PATH}?limit=1&cursor={cursor}")).await.is(200);
    for (person, query) in [
        (&boris, format!("cursor={cursor}")),
        (&anna, format!("cursor={cursor}&type=recharge")),
        (&anna, format!("cursor={cursor}x")),
        (&anna, format!("cursor=A{cursor}")),
        (&anna, "cursor=x".to_owned()),
    ] {
        let answer = person.get(&format!("{PATH}?limit=1&{query}")).await;
        assert_eq!(answer.is(422).refusal()["detail"], "Invalid cursor", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a20_lines_of_one_instant_keep_their_order() {
    let world = busy!();
    let anna = world.person(42, "Анна").await;
    for rubles in 1..21 {
        anna.recharges(rubles).await;
    }
    let lines = anna.ledger().await;
    adds_up(&anna, &lines).await;
    assert_eq!(walked(&anna, "", 3).await, lines);
}
