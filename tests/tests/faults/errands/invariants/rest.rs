//! What holds at rest.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{Item, list, number, of, text};
use crate::bench::Bench;

/// Those whose orders anybody may list.
const LISTED: [&str; 3] = ["active", "expired", "completed"];

/// What must hold once everything has come to rest: nothing that is due waits, and what is derived
/// agrees with what it is derived from.
pub(in crate::errands) async fn unsettled(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let now = bench.stack.clock().now();
    let mut found = Vec::new();
    for item in items.iter().filter(|item| item.contains_key("due_pk")) {
        let at: Timestamp = text(item, "due_at").parse().expect("an instant");
        if at <= now {
            found.push(format!("{} {} was due at {at}", text(item, "pk"), text(item, "sk")));
        }
    }
    open(&items, now, &mut found);
    feeds(&items, &mut found);
    subscribers(&items, &mut found);
    for queue in bench.stack.engine().queues().depths().expect("depths") {
        if queue.dead_letters > 0 || (queue.dead_letter_queue.is_none() && queue.visible > 0) {
            found.push(format!("{}: {queue:?}", queue.name));
        }
    }
    found
}

/// Nothing is open whose time is over, whatever the indexes say.
fn open(items: &[Item], now: Timestamp, found: &mut Vec<String>) {
    let over =
        |item: &Item, name: &str| text(item, name).parse::<Timestamp>().is_ok_and(|at| at <= now);
    for order in of(items, "Order").filter(|order| text(order, "status") == "active") {
        if over(order, "end_at") {
            found.push(format!("{} is active after its end", text(order, "id")));
        }
    }
    for event in items.iter().filter(|item| item.contains_key("event")) {
        found.push(format!("{} {} tells of an event", text(event, "pk"), text(event, "sk")));
    }
    for payment in of(items, "Payment") {
        let status = text(payment, "status");
        if status == "creating" || (status == "pending" && over(payment, "expires_at")) {
            found.push(format!("payment {} is {status}", number(payment, "id")));
        }
    }
    for notice in of(items, "Notice") {
        let state = text(notice, "state");
        if matches!(state, "pending" | "dead") {
            found.push(format!("{} is {state}", text(notice, "id")));
        }
    }
    for state in of(items, "NotifyState") {
        let waits = !list(state, "pending").is_empty() || number(state, "beyond") > 0;
        if waits && over(state, "next_allowed_at") {
            found.push(format!("{} has a digest that is due", text(state, "pk")));
        }
    }
}

/// A feed's counters come to the number of its orders, or of its reviews.
fn feeds(items: &[Item], found: &mut Vec<String>) {
    let mut counted: BTreeMap<(i64, String), (i64, i64)> = BTreeMap::new();
    for order in of(items, "Order") {
        let (status, city) = (text(order, "status"), text(order, "city_key"));
        if !LISTED.contains(&status) {
            continue;
        }
        let category = text(order, "category");
        let partitions = [
            status.to_owned(),
            format!("{status}#{city}"),
            format!("{status}##{category}"),
            format!("{status}#{city}#{category}"),
        ];
        for (index, partition) in (1..).zip(partitions) {
            let stands = text(order, &format!("feed_{index}_pk"));
            if stands != partition {
                found.push(format!("{} stands in {stands}", text(order, "id")));
            }
            counted.entry((index, partition)).or_default().0 += 1;
        }
    }
    for review in of(items, "Review") {
        let of_rating = format!("reviews#{}", number(review, "rating"));
        for place in [(1, "reviews".to_owned()), (2, of_rating)] {
            counted.entry(place).or_default().0 += 1;
        }
    }
    for counter in of(items, "FeedCounter") {
        let feed = counter["feed"].as_object().expect("a feed");
        let place = (number(feed, "index"), text(feed, "partition").to_owned());
        counted.entry(place).or_default().1 += number(counter, "count");
    }
    let wrong = counted.iter().filter(|(_, (orders, counter))| orders != counter);
    found.extend(wrong.map(|(feed, (orders, counter))| format!("{feed:?}: {counter} of {orders}")));
}

/// The index of subscribers is what the settings say.
fn subscribers(items: &[Item], found: &mut Vec<String>) {
    let mut wanted = BTreeSet::new();
    let is = |user: &Item, name: &str| user.get(name).and_then(Value::as_bool).unwrap_or_default();
    for user in of(items, "User") {
        if !is(user, "notifications") || is(user, "bot_blocked") {
            continue;
        }
        for city in list(user, "cities").iter().filter_map(Value::as_str) {
            let city = city.trim().to_lowercase().replace('ё', "е");
            for category in list(user, "categories").iter().filter_map(Value::as_str) {
                wanted.insert((city.clone(), category.to_owned(), number(user, "id")));
            }
        }
    }
    let rows: BTreeSet<_> = of(items, "Subscription")
        .map(|row| {
            let words = ["city_key", "category"].map(|name| text(row, name).to_owned());
            let [city, category] = words;
            (city, category, number(row, "user_id"))
        })
        .collect();
    if rows != wanted {
        found.push(format!("subscriptions {rows:?} instead of {wanted:?}"));
    }
}
