//! What holds at every instant, read off the items themselves.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::bench::Bench;
use crate::community::invariants as community;

pub type Item = Map<String, Value>;

pub fn of<'a>(items: &'a [Item], kind: &'a str) -> impl Iterator<Item = &'a Item> {
    items.iter().filter(move |item| item.get("kind").and_then(Value::as_str) == Some(kind))
}

pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or_default()
}

/// Everything that is wrong; empty when all is well.
pub async fn violations(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let mut found = Vec::new();
    members(&items, &mut found);
    payments(&items, &mut found);
    gifts(&items, &mut found);
    contracts(&items, &mut found);
    attempts(&items, &mut found);
    subscriptions(&items, &mut found);
    keys(&items, &mut found);
    community::hold(&items, bench.stack.clock().now(), &mut found);
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

/// What a payment is called by what came of it.
fn payment_id(payment: &Item) -> String {
    format!("{}:{}", text(payment, "provider"), text(payment, "external_id"))
}

fn price(payment: &Item) -> i64 {
    payment["sum"]["minor"].as_i64().unwrap_or_default()
}

/// The entries of the ledger under this key, with the partitions of their members.
fn entries<'a>(items: &'a [Item], key: &str) -> Vec<&'a str> {
    let entries = of(items, "EnergyEntry").filter(|entry| text(entry, "key") == key);
    entries.map(|entry| text(entry, "pk")).collect()
}

/// The partition of a member's rows.
fn member_pk<'a>(items: &'a [Item], tg_id: &Value) -> Option<&'a str> {
    of(items, "Member").find(|member| member["tg_id"] == *tg_id).map(|member| text(member, "pk"))
}

/// Every payment has one entry or one gift, by what it was for; every payment entry its payment.
fn payments(items: &[Item], found: &mut Vec<String>) {
    let mut known = BTreeSet::new();
    for payment in of(items, "Payment") {
        let id = payment_id(payment);
        let key = format!("payment:{id}");
        let owners = entries(items, &key);
        let gifts: Vec<_> =
            of(items, "Gift").filter(|gift| text(gift, "payment_id") == id).collect();
        let fine = match text(payment, "purpose") {
            "gift" => {
                let token = gifts.first().and_then(|gift| gift.get("token"));
                owners.is_empty() && gifts.len() == 1 && token == payment.get("gift")
            }
            _ => gifts.is_empty() && owners == member_pk(items, &payment["payer"]).as_slice(),
        };
        if !fine {
            let (purpose, entries) = (text(payment, "purpose"), owners.len());
            found.push(format!("{id} ({purpose}) has {entries} entries, {} gifts", gifts.len()));
        }
        known.insert(key);
    }
    let strays = of(items, "EnergyEntry").map(|entry| text(entry, "key"));
    let strays = strays.filter(|key| key.starts_with("payment:") && !known.contains(*key));
    found.extend(strays.map(|key| format!("{key} has no payment")));
}

/// A gift has its payment, its giver's copy, and the recipient's one entry once it was activated.
fn gifts(items: &[Item], found: &mut Vec<String>) {
    let payments: BTreeSet<String> = of(items, "Payment").map(payment_id).collect();
    for gift in of(items, "Gift") {
        let (id, status) = (text(gift, "id"), text(gift, "status"));
        if !payments.contains(text(gift, "payment_id")) {
            found.push(format!("{id} was never paid"));
        }
        let copies: Vec<_> =
            of(items, "GivenGift").filter(|copy| copy.get("id") == gift.get("id")).collect();
        let same = |name: &str| copies.iter().all(|copy| copy.get(name) == gift.get(name));
        let names = ["status", "activation", "recipient", "token", "days"];
        if copies.len() != 1 || !names.iter().all(|name| same(name)) {
            found.push(format!("{id} has {} copies, or others", copies.len()));
        }
        let made = gift.get("activation").filter(|made| !made.is_null());
        let owner = made.and_then(|made| member_pk(items, &made["recipient"]));
        let owners = entries(items, &format!("gift:{id}"));
        if (status == "activated") != made.is_some() || owners != owner.as_slice() {
            found.push(format!("{id} is {status}, by {owner:?}, with entries of {owners:?}"));
        }
        if gift.contains_key("due_pk") != (status == "paid") {
            found.push(format!("{id} is {status}, and stands among those that may end or not"));
        }
    }
    if of(items, "GivenGift").count() != of(items, "Gift").count() {
        found.push("a copy without its gift".to_owned());
    }
}

/// A paid attempt has one first payment, and of a gift no other; what was given back of all of them
/// says whether it is refunded. An open key stands exactly while its attempt is open.
fn attempts(items: &[Item], found: &mut Vec<String>) {
    // Payments of an attempt, and those of them that were not given back in full.
    let mut paid: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for payment in of(items, "Payment") {
        let counts = paid.entry(text(payment, "attempt_id")).or_default();
        let kept = number(payment, "refunded") < price(payment);
        *counts = (counts.0 + 1, counts.1 + i64::from(kept));
    }
    let open: Vec<&str> = of(items, "OpenAttempt").map(|open| text(open, "attempt_id")).collect();
    for attempt in of(items, "Attempt") {
        let id = text(attempt, "pk").trim_start_matches("ATTEMPT#");
        let status = text(attempt, "status");
        let (count, kept) = paid.remove(id).unwrap_or_default();
        let fine = match status {
            "paid" => kept > 0,
            "refunded" => count > 0 && kept == 0,
            _ => count == 0,
        };
        let single = count <= 1 || text(attempt, "purpose") == "self";
        if !fine || !single || number(attempt, "unrefunded") != kept {
            let counted = number(attempt, "unrefunded");
            found.push(format!("{id} is {status} with {count} payments, {kept} kept ({counted})"));
        }
        let is_open = matches!(status, "created" | "pending");
        if is_open != open.contains(&id) {
            found.push(format!("{id} is {status}, its terms are taken: {}", open.contains(&id)));
        }
    }
    found.extend(paid.keys().map(|id| format!("payments of {id}, which is not there")));
}

/// A standing subscription is its payer's, began with an attempt, and its newest payment came by that;
/// what renews a member is one that is live.
fn contracts(items: &[Item], found: &mut Vec<String>) {
    for contract in of(items, "RecurringContract") {
        let id = text(contract, "contract_id");
        let pk = format!("ATTEMPT#{}", text(contract, "attempt_id"));
        let begun = of(items, "Attempt").find(|attempt| {
            text(attempt, "pk") == pk
                && attempt.get("payer") == contract.get("payer")
                && text(attempt, "contract") == id
        });
        let newest = of(items, "Payment").any(|payment| {
            payment.get("provider") == contract.get("provider")
                && payment.get("external_id") == contract.get("newest")
                && payment.get("attempt_id") == contract.get("attempt_id")
        });
        if begun.is_none() || !newest {
            found.push(format!("contract {id}: {contract:?}"));
        }
    }
    for member in
        of(items, "Member").filter(|member| member.get("auto_renewal") == Some(&true.into()))
    {
        let live = live_contracts(items, member);
        let handle = member.get("contract").and_then(|handle| handle["contract_id"].as_str());
        if !handle.map_or(!live.is_empty(), |own| live.contains(&own)) {
            found.push(format!("{:?} is renewed by {handle:?}, live are {live:?}", member["pk"]));
        }
    }
}

/// The standing subscriptions of a member whose ends their providers have not confirmed.
fn live_contracts<'a>(items: &'a [Item], member: &Item) -> Vec<&'a str> {
    let own = of(items, "RecurringContract").filter(|contract| {
        contract.get("payer") == member.get("tg_id") && contract.get("live") == Some(&true.into())
    });
    own.map(|contract| text(contract, "contract_id")).collect()
}

/// A subscription lasts as long as payments and gifts have made it, one after another. (Nothing is
/// said of a member to whom or from whom something was given back, and whom an administrator gave
/// or took something.)
fn subscriptions(items: &[Item], found: &mut Vec<String>) {
    let at = |value: Option<&Value>| -> Option<Timestamp> {
        value.and_then(Value::as_str).map(|at| at.parse().expect("an instant"))
    };
    let refunded: BTreeSet<String> =
        of(items, "Payment").filter(|p| number(p, "refunded") > 0).map(payment_id).collect();
    for member in of(items, "Member") {
        // When days came, how many, and by which payment.
        let mut came: Vec<(Option<Timestamp>, i64, String)> = Vec::new();
        for payment in of(items, "Payment").filter(|p| text(p, "purpose") == "self") {
            if payment["payer"] == member["tg_id"] {
                came.push((at(payment.get("at")), number(payment, "days"), payment_id(payment)));
            }
        }
        for gift in of(items, "Gift") {
            let made = gift.get("activation").filter(|made| !made.is_null());
            if let Some(made) = made.filter(|made| made["recipient"] == member["tg_id"]) {
                let id = text(gift, "payment_id").to_owned();
                came.push((at(made.get("at")), number(gift, "days"), id));
            }
        }
        let moved = of(items, "SubscriptionEvent").any(|event| {
            event["tg_id"] == member["tg_id"]
                && event.get("from") != event.get("until")
                && !matches!(text(event, "event"), "payment" | "gift")
        });
        if moved || came.iter().any(|(_, _, id)| refunded.contains(id)) {
            continue;
        }
        came.sort();
        let mut bought: Option<Timestamp> = None;
        for (at, days, _) in came {
            let (at, days) = (at.expect("an instant"), SignedDuration::from_hours(24 * days));
            bought = Some(bought.map_or(at, |until| until.max(at)) + days);
        }
        let until = at(member.get("subscription_expires"));
        if until != bought {
            let pk = text(member, "pk");
            found
                .push(format!("{pk} has bought time until {bought:?}, and has it until {until:?}"));
        }
    }
}

/// What is named by keys of requests: attempts, and refunds that were asked for.
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
    let refunds = of(items, "RefundIntent").map(|intent| text(intent, "id"));
    let ids: BTreeSet<_> = attempt_ids(items).chain(refunds).collect();
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
    for member in of(&items, "Member") {
        let (live, renews) = (live_contracts(&items, member), member.get("auto_renewal"));
        if live.len() != usize::from(renews == Some(&true.into())) {
            found.push(format!("{:?} renews: {renews:?}, live are {live:?}", member["pk"]));
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
