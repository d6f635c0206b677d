//! What holds at every instant, read off the items themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::bench::Bench;

type Item = Map<String, Value>;

fn of<'a>(items: &'a [Item], kind: &'a str) -> impl Iterator<Item = &'a Item> {
    items.iter().filter(move |item| item.get("kind").and_then(Value::as_str) == Some(kind))
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or_default()
}

/// Everything that is wrong; empty when all is well.
pub async fn violations(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let mut found = Vec::new();
    members(&items, &mut found);
    payments(&items, &mut found);
    attempts(&items, &mut found);
    subscriptions(&items, &mut found);
    keys(&items, &mut found);
    found
}

/// `balance = Σ delta = Σ what is left ≥ 0`; a member and its pointer stand together.
fn members(items: &[Item], found: &mut Vec<String>) {
    for member in of(items, "Member") {
        let entries: Vec<_> =
            of(items, "EnergyEntry").filter(|entry| entry["pk"] == member["pk"]).collect();
        let (balance, consumed) = (number(member, "balance"), number(member, "consumed_total"));
        let sum: i64 = entries.iter().map(|entry| number(entry, "delta")).sum();
        let left: i64 = entries
            .iter()
            .filter(|entry| number(entry, "delta") > 0)
            .map(|entry| {
                let reached = (consumed - number(entry, "earned_before")).max(0);
                (number(entry, "delta") - reached).max(0)
            })
            .sum();
        if balance != sum || balance != left || balance < 0 {
            found.push(format!("balance {balance}, sum {sum}, left {left}: {:?}", member["pk"]));
        }
        let pointers = of(items, "MemberPointer").filter(|p| p["tg_id"] == member["tg_id"]).count();
        if pointers != 1 {
            found.push(format!("{pointers} pointers to {:?}", member["pk"]));
        }
    }
    if of(items, "MemberPointer").count() != of(items, "Member").count() {
        found.push("a pointer without its member".to_owned());
    }
}

/// Every payment has its one entry, every payment entry its payment.
fn payments(items: &[Item], found: &mut Vec<String>) {
    let entries = of(items, "EnergyEntry").filter(|e| text(e, "sk").contains("payment:")).count();
    let payments = of(items, "Payment").count();
    if entries != payments {
        found.push(format!("{payments} payments, {entries} payment entries"));
    }
}

/// A paid attempt has one first payment; an open key stands exactly while its attempt is open.
fn attempts(items: &[Item], found: &mut Vec<String>) {
    let mut paid: BTreeMap<&str, usize> = BTreeMap::new();
    for payment in of(items, "Payment") {
        *paid.entry(text(payment, "attempt_id")).or_default() += 1;
    }
    let open: Vec<&str> = of(items, "OpenAttempt").map(|open| text(open, "attempt_id")).collect();
    for attempt in of(items, "Attempt") {
        let id = text(attempt, "pk").trim_start_matches("ATTEMPT#");
        let (status, payments) = (text(attempt, "status"), paid.get(id).copied().unwrap_or(0));
        if (status == "paid") != (payments == 1) {
            found.push(format!("{id} is {status} with {payments} payments"));
        }
        let is_open = matches!(status, "created" | "pending");
        if is_open != open.contains(&id) {
            found.push(format!("{id} is {status}, its terms are taken: {}", open.contains(&id)));
        }
    }
}

/// A subscription lasts as long as its payments have bought, one after another. (Nothing is said of
/// a member to whom money was given back.)
fn subscriptions(items: &[Item], found: &mut Vec<String>) {
    for member in of(items, "Member") {
        let own = |payment: &&Item| {
            payment["payer"] == member["tg_id"] && text(payment, "purpose") == "self"
        };
        let mut payments: Vec<_> = of(items, "Payment").filter(own).collect();
        if payments.iter().any(|payment| number(payment, "refunded") > 0) {
            continue;
        }
        payments.sort_by_key(|payment| text(payment, "at"));
        let mut bought: Option<Timestamp> = None;
        for payment in payments {
            let at: Timestamp = text(payment, "at").parse().expect("an instant");
            let days = SignedDuration::from_hours(24 * number(payment, "days"));
            bought = Some(bought.map_or(at, |until| until.max(at)) + days);
        }
        let until = member.get("subscription_expires").and_then(Value::as_str);
        let until: Option<Timestamp> = until.map(|until| until.parse().expect("an instant"));
        if until != bought {
            let pk = text(member, "pk");
            found
                .push(format!("{pk} has bought time until {bought:?}, and has it until {until:?}"));
        }
    }
}

/// The attempts that are named by keys of requests.
fn named(items: &[Item]) -> impl Iterator<Item = &str> {
    let tied = of(items, "Idempotency").filter_map(|record| record.get("outcome")?.get("entity"));
    let tied = tied.filter_map(Value::as_str);
    tied.map(|tied| tied.trim_start_matches("found:"))
}

fn attempt_ids(items: &[Item]) -> impl Iterator<Item = &str> {
    of(items, "Attempt").map(|attempt| text(attempt, "pk").trim_start_matches("ATTEMPT#"))
}

/// What a key names is there.
fn keys(items: &[Item], found: &mut Vec<String>) {
    let ids: BTreeSet<_> = attempt_ids(items).collect();
    let lost = named(items).filter(|id| !ids.contains(id));
    found.extend(lost.map(|id| format!("a key names {id}, which is not there")));
}

/// Where every link was asked for under a key and none failed: each attempt is named by its key.
pub async fn nameless(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let known: BTreeSet<_> = named(&items).collect();
    let unknown = attempt_ids(&items).filter(|id| !known.contains(id));
    unknown.map(|id| format!("no key names {id}")).collect()
}

/// The family of a refresh token knows that the token was issued.
pub async fn forgotten(bench: &Bench, token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (family, issued) = (parts.next()?, parts.next()?.parse().ok()?);
    let items = bench.items().await;
    let family = of(&items, "Family").find(|item| text(item, "id") == family)?;
    let newest = number(family, "newest");
    (newest < issued).then(|| format!("token {issued} was issued, and the newest is {newest}"))
}

/// What must hold once everything has come to rest: nothing waits, ratings agree with members.
pub async fn unsettled(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let mut found = Vec::new();
    for entry in of(&items, "Outbox") {
        if text(entry, "state") == "pending" {
            found.push(format!("{} was never sent", text(entry, "id")));
        }
    }
    for attempt in of(&items, "Attempt") {
        if matches!(text(attempt, "status"), "created" | "pending") {
            found.push(format!("{:?} is {}", attempt["pk"], text(attempt, "status")));
        }
    }
    for queue in bench.stack.engine().queues().depths().expect("depths") {
        if queue.dead_letters > 0 || (queue.dead_letter_queue.is_none() && queue.visible > 0) {
            found.push(format!("{}: {queue:?}", queue.name));
        }
    }
    let now = bench.stack.clock().now().to_string();
    let mut cities: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let counted =
        |m: &&Item| text(m, "subscription_expires") > now.as_str() && m.contains_key("city_key");
    for member in of(&items, "Member").filter(counted) {
        let city = cities.entry(text(member, "city_key")).or_default();
        *city = (city.0 + number(member, "balance"), city.1 + 1);
    }
    for total in of(&items, "CityTotal") {
        let (energies, members) = cities.remove(text(total, "city_key")).unwrap_or_default();
        let stored = (number(total, "energies"), number(total, "members"));
        if stored != (energies, members) {
            found.push(format!(
                "{}: {stored:?} instead of {:?}",
                text(total, "city_key"),
                (energies, members)
            ));
        }
    }
    found.extend(cities.keys().map(|city| format!("{city} has no total")));
    found
}
