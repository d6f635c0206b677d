//! What holds at every instant, and what holds at rest, read off the items themselves.

mod rest;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::bench::Bench;
pub(super) use rest::unsettled;

pub(super) type Item = Map<String, Value>;

/// The price of a take in kopecks.
const PRICE: i64 = 200;
/// The statuses of orders.
const STATUSES: [&str; 5] = ["active", "expired", "deleted", "closed_no_response", "completed"];

pub(super) fn of<'a>(items: &'a [Item], kind: &'a str) -> impl Iterator<Item = &'a Item> {
    items.iter().filter(move |item| text(item, "kind") == kind)
}

pub(super) fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn number(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn list<'a>(item: &'a Item, name: &str) -> &'a [Value] {
    item.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn executors(order: &Item) -> Vec<i64> {
    list(order, "taken_by").iter().filter_map(|take| take["executor_id"].as_i64()).collect()
}

/// Everything that is wrong, by the numbers of the invariants; empty when all is well.
pub(super) async fn violations(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let mut found = Vec::new();
    balances(&items, &mut found);
    takes(&items, &mut found);
    charges(&items, &mut found);
    payments(&items, &mut found);
    contacts(&items, &mut found);
    counters(&items, &mut found);
    ratings(&items, &mut found);
    total(&items, &mut found);
    found
}

/// I1: a balance is the sum of its lines, which chain from nothing to it, and is never below 0.
fn balances(items: &[Item], found: &mut Vec<String>) {
    for user in of(items, "User") {
        let (id, balance) = (number(user, "id"), number(user, "balance"));
        let mut lines: Vec<_> =
            of(items, "LedgerEntry").filter(|line| number(line, "user_id") == id).collect();
        lines.sort_by_key(|line| text(line, "created_at"));
        let mut sum = 0;
        for line in &lines {
            sum += number(line, "amount");
            let after = number(line, "balance_after");
            if after != sum || after < 0 {
                found.push(format!("I1: user {id}, {}: {after} after {sum}", text(line, "sk")));
            }
        }
        if balance != sum || balance < 0 {
            found.push(format!("I1: user {id} has {balance}, and the lines come to {sum}"));
        }
    }
    let users: BTreeSet<i64> = of(items, "User").map(|user| number(user, "id")).collect();
    let strays = of(items, "LedgerEntry").filter(|line| !users.contains(&number(line, "user_id")));
    found.extend(strays.map(|line| format!("I1: {} of nobody", text(line, "sk"))));
}

/// I2: an order's takes are its rows, three at most, of different people, none its client's; what
/// was deleted had none.
fn takes(items: &[Item], found: &mut Vec<String>) {
    for order in of(items, "Order") {
        let (id, takers) = (text(order, "id"), executors(order));
        let rows: BTreeSet<i64> = of(items, "TakenOrder")
            .filter(|row| text(row, "order_id") == id)
            .map(|row| number(row, "user_id"))
            .collect();
        let different: BTreeSet<i64> = takers.iter().copied().collect();
        if different.len() != takers.len() || takers.len() > 3 || different != rows {
            found.push(format!("I2: {id} was taken by {takers:?}, its rows are of {rows:?}"));
        }
        if different.contains(&number(order, "client_id")) {
            found.push(format!("I2: {id} was taken by its client"));
        }
        if text(order, "status") == "deleted" && !takers.is_empty() {
            found.push(format!("I2: {id} is deleted and was taken"));
        }
    }
}

/// I3: a take was paid once, and given back exactly where its order ended unanswered.
fn charges(items: &[Item], found: &mut Vec<String>) {
    let lines = |kind: &str, user: i64, order: &str| -> Vec<i64> {
        of(items, "LedgerEntry")
            .filter(|line| text(line, "entry") == kind && text(line, "order_id") == order)
            .filter(|line| number(line, "user_id") == user)
            .map(|line| number(line, "amount"))
            .collect()
    };
    for order in of(items, "Order") {
        let (id, status) = (text(order, "id"), text(order, "status"));
        let responded = order.get("customer_responded_at").is_some_and(|at| !at.is_null());
        let back = matches!(status, "expired" | "closed_no_response") && !responded;
        for executor in executors(order) {
            let (paid, refunds) =
                (lines("order_take", executor, id), lines("refund", executor, id));
            let due = if back { vec![PRICE] } else { Vec::new() };
            if paid != [-PRICE] || refunds != due {
                found.push(format!(
                    "I3: {executor} paid {paid:?} and got back {refunds:?} for {id}, {status}, \
                     responded: {responded}"
                ));
            }
        }
    }
    let bought: BTreeSet<(String, i64)> = of(items, "Order")
        .flat_map(|order| executors(order).into_iter().map(|e| (text(order, "id").to_owned(), e)))
        .collect();
    for line in of(items, "LedgerEntry") {
        let take = (text(line, "order_id").to_owned(), number(line, "user_id"));
        let of_take = matches!(text(line, "entry"), "order_take" | "refund");
        if of_take && !bought.contains(&take) {
            found.push(format!("I3: {} without its take", text(line, "sk")));
        }
    }
}

/// I4: a payment is on its balance once if it is paid, and else not; it has its receipt then, and
/// what a receipt says was taken back was taken off the balance once.
fn payments(items: &[Item], found: &mut Vec<String>) {
    let lines = |kind: &str, user: i64, cause: &str| -> Vec<i64> {
        of(items, "LedgerEntry")
            .filter(|line| text(line, "entry") == kind && text(line, "cause") == cause)
            .filter(|line| number(line, "user_id") == user)
            .map(|line| number(line, "amount"))
            .collect()
    };
    for payment in of(items, "Payment") {
        let (id, status) = (number(payment, "id"), text(payment, "status"));
        let credits = lines("recharge", number(payment, "user_id"), &id.to_string());
        let due = if status == "paid" { vec![number(payment, "kopecks")] } else { Vec::new() };
        let receipts =
            of(items, "ProviderReceipt").filter(|r| number(r, "payment_id") == id).count();
        if credits != due || receipts != due.len() {
            found.push(format!("I4: {id} is {status}: {credits:?}, {receipts} receipts"));
        }
    }
    for receipt in of(items, "ProviderReceipt") {
        let (id, user) = (text(receipt, "receipt_id"), number(receipt, "user_id"));
        let reversals: i64 = lines("reversal", user, id).iter().sum();
        if reversals != -number(receipt, "reversed") {
            found.push(format!("I4: {id} was taken back, and the line says {reversals}"));
        }
    }
}

/// I5: a contact is locked by the one active order that names it.
fn contacts(items: &[Item], found: &mut Vec<String>) {
    let pairs = |kind: &'static str, id: &'static str| -> Vec<(String, String)> {
        let mut pairs: Vec<_> = of(items, kind)
            .filter(|item| kind != "Order" || text(item, "status") == "active")
            .map(|item| (text(item, "contact_key").to_owned(), text(item, id).to_owned()))
            .collect();
        pairs.sort();
        pairs
    };
    let (active, locks) = (pairs("Order", "id"), pairs("ContactLock", "order_id"));
    if active != locks {
        found.push(format!("I5: active {active:?}, locked {locks:?}"));
    }
    let keys: BTreeSet<_> = active.iter().map(|(key, _)| key).collect();
    if keys.len() != active.len() {
        found.push(format!("I5: a contact has several active orders: {active:?}"));
    }
}

/// I6: a user's counters are the numbers of orders, and the rows of them say what they say.
fn counters(items: &[Item], found: &mut Vec<String>) {
    let orders: BTreeMap<&str, &Item> =
        of(items, "Order").map(|order| (text(order, "id"), order)).collect();
    for user in of(items, "User") {
        let id = number(user, "id");
        let mut both = BTreeMap::new();
        for status in STATUSES {
            let with = || orders.values().filter(|order| text(order, "status") == status);
            let own = with().filter(|order| number(order, "client_id") == id).count();
            let taken = with().filter(|order| executors(order).contains(&id)).count();
            both.insert(status, own + taken);
            for (name, count) in
                [(format!("own_{status}"), own), (format!("taken_{status}"), taken)]
            {
                let stored = number(user, &name);
                if stored != i64::try_from(count).unwrap() {
                    found.push(format!("I6: user {id} has {name} {stored} instead of {count}"));
                }
            }
        }
        for (name, status) in [("active_orders", "active"), ("completed_orders", "completed")] {
            let (stored, count) = (number(user, name), both[status]);
            if stored != i64::try_from(count).unwrap() {
                found.push(format!("I6: user {id} has {name} {stored} instead of {count}"));
            }
        }
    }
    for row in of(items, "OwnedOrder").chain(of(items, "TakenOrder")) {
        let order = orders.get(text(row, "order_id"));
        if order.is_none_or(|order| text(order, "status") != text(row, "status")) {
            let (pk, sk, status) = (text(row, "pk"), text(row, "sk"), text(row, "status"));
            found.push(format!("I6: {pk} {sk} says {status}, the order does not"));
        }
    }
    for order in orders.values() {
        let id = text(order, "id");
        let rows: Vec<i64> = of(items, "OwnedOrder")
            .filter(|row| text(row, "order_id") == id)
            .map(|row| number(row, "user_id"))
            .collect();
        if rows != [number(order, "client_id")] {
            found.push(format!("I6: {id} stands with {rows:?}"));
        }
    }
}

/// I7: a user's stars are those of the reviews about them, and the reviews by them count once their
/// ids carry no event; an order shows its first review.
fn ratings(items: &[Item], found: &mut Vec<String>) {
    for user in of(items, "User") {
        let id = number(user, "id");
        let about: Vec<i64> = of(items, "Review")
            .filter(|review| number(review, "executor_id") == id)
            .map(|review| number(review, "rating"))
            .collect();
        let complaints =
            of(items, "Complaint").filter(|complaint| number(complaint, "client_id") == id).count();
        let stored = ["rating_sum", "rating_count", "complaints"].map(|name| number(user, name));
        let counted = [about.len(), complaints].map(|count| i64::try_from(count).unwrap());
        if stored != [about.iter().sum(), counted[0], counted[1]] {
            found.push(format!("I7: user {id} has {stored:?}; reviews {about:?}, {complaints}"));
        }
    }
    let waiting: BTreeSet<i64> = of(items, "GivenId")
        .filter(|id| text(id, "kind_of") == "Review" && id.contains_key("event"))
        .map(|id| number(id, "id"))
        .collect();
    for user in of(items, "User") {
        let id = number(user, "id");
        for stars in 1..=5 {
            let with = || of(items, "Review").filter(|review| number(review, "rating") == stars);
            let about = with().filter(|review| number(review, "executor_id") == id).count();
            let by = with().filter(|review| number(review, "client_id") == id);
            let by = by.filter(|review| !waiting.contains(&number(review, "id"))).count();
            for (name, count) in [("rated", about), ("given", by)] {
                let stored = number(user, &format!("{name}_{stars}"));
                if stored != i64::try_from(count).unwrap() {
                    found.push(format!("I7: user {id} has {name}_{stars} {stored} of {count}"));
                }
            }
        }
    }
    for order in of(items, "Order") {
        let first = of(items, "Review")
            .filter(|review| text(review, "order_id") == text(order, "id"))
            .min_by_key(|review| (text(review, "created_at"), number(review, "id")));
        let shown = order.get("review").and_then(|review| review["review_id"].as_i64());
        if shown != first.map(|review| number(review, "id")) {
            found.push(format!("I7: {} shows {shown:?} of {first:?}", text(order, "id")));
        }
    }
}

/// I8: what came and did not go back is on balances, or was paid for takes.
fn total(items: &[Item], found: &mut Vec<String>) {
    let sum = |kind: &str| -> i64 {
        of(items, "LedgerEntry")
            .filter(|line| text(line, "entry") == kind)
            .map(|line| number(line, "amount"))
            .sum()
    };
    let balances: i64 = of(items, "User").map(|user| number(user, "balance")).sum();
    let takes: usize = of(items, "Order").map(|order| executors(order).len()).sum();
    let spent = PRICE * i64::try_from(takes).unwrap() - sum("refund");
    // A reversal is written as what was taken off.
    let came = sum("recharge") + sum("reversal");
    if balances + spent != came {
        found.push(format!("I8: balances {balances} and spent {spent} of {came} that came"));
    }
}
