//! The facts by the model beside the facts by the service: the stored rows, what members are
//! answered, what they were told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::acts::PEOPLE;
use super::driver::{Driver, date, iso};
use super::rules::{DAY, Held, Instant, Model, Provider, Told};
use crate::invariants::{unsettled, violations};

type Item = Map<String, Value>;
/// A fact by what it is about.
type Facts = BTreeMap<String, String>;

/// What messages of each kind have in them.
const MARKS: [(Told, &str); 9] = [
    (Told::Congratulated, "Оплата прошла"),
    (Told::NotCompleted, "Мы не увидели оплату"),
    (Told::GiftLink, "?start=gift_"),
    (Told::GiftActivated, "подарок активирован"),
    (Told::GiftExpired, "не активировали"),
    (Told::Refunded, "Платёж возвращён"),
    (Told::Reminded, "Ваша подписка заканчивается"),
    (Told::Reminded, "Ваша подписка продлится"),
    (Told::AccessClosed, "Ваша подписка закончилась"),
];

fn seconds(value: Option<&Value>) -> Option<Instant> {
    let at: Timestamp = value?.as_str()?.parse().expect("an instant");
    Some(at.as_second())
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(item: &Item, name: &str) -> i64 {
    item.get(name).and_then(Value::as_i64).unwrap_or_default()
}

fn held(held: Held) -> &'static str {
    match held {
        Held::Paid => "paid",
        Held::Activated => "activated",
        Held::Expired => "expired",
        Held::Revoked => "revoked",
    }
}

/// What the table has to hold.
fn expected(model: &Model) -> Facts {
    let mut facts = Facts::new();
    for (id, member) in &model.members {
        let fact = format!(
            "until {:?}, {} energies in {} lines, gifted {}, since {:?}, renews {}",
            member.expires,
            member.balance,
            member.entries,
            member.gifted,
            member.first_purchase,
            member.contract.is_some(),
        );
        facts.insert(format!("member {id}"), fact);
    }
    let id = |index: usize| model.attempts[index].id.as_str();
    for a in &model.attempts {
        let fact = format!("{} after {} checks", a.status.name(), a.checks);
        facts.insert(format!("attempt {}", a.id), fact);
    }
    for p in &model.payments {
        let fact = format!(
            "of {}, {} back, with {} days and {} energies",
            id(p.attempt),
            p.refunded,
            p.days_back,
            p.energies_back,
        );
        facts.insert(format!("payment {}:{}", p.provider.name(), p.external), fact);
    }
    for gift in &model.gifts {
        let used = gift.used.map(|(by, at, _)| (by, at));
        let fact = format!("{} for {:?}, used {used:?}", held(gift.held), gift.recipient);
        facts.insert(format!("gift of {}", id(gift.attempt)), fact);
    }
    for (provider, external) in &model.aside {
        facts.insert(format!("aside {}:{external}", provider.name()), String::new());
    }
    for ((provider, name), contract) in &model.contracts {
        let fact = format!("of {}, newest {}", id(contract.attempt), contract.newest);
        facts.insert(format!("contract {}:{name}", provider.name()), fact);
    }
    facts
}

/// What the table holds.
fn stored(items: &[Item]) -> Facts {
    let mut facts = Facts::new();
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in items.iter().filter(|item| text(item, "kind") == "EnergyEntry") {
        *lines.entry(text(entry, "pk")).or_default() += 1;
    }
    for item in items {
        let external = format!("{}:{}", text(item, "provider"), text(item, "external_id"));
        let (about, fact) = match text(item, "kind") {
            "Member" => (
                format!("member {}", number(item, "tg_id")),
                format!(
                    "until {:?}, {} energies in {} lines, gifted {}, since {:?}, renews {}",
                    seconds(item.get("subscription_expires")),
                    number(item, "balance"),
                    lines.get(text(item, "pk")).copied().unwrap_or_default(),
                    item.get("gifted").is_some_and(|gifted| gifted == true),
                    seconds(item.get("first_purchase_at")),
                    item.get("auto_renewal").is_some_and(|renews| renews == true),
                ),
            ),
            "Attempt" => (
                format!("attempt {}", text(item, "pk").trim_start_matches("ATTEMPT#")),
                format!("{} after {} checks", text(item, "status"), number(item, "checks_done")),
            ),
            "Payment" => (
                format!("payment {external}"),
                format!(
                    "of {}, {} back, with {} days and {} energies",
                    text(item, "attempt_id"),
                    number(item, "refunded"),
                    number(item, "days_reversed"),
                    number(item, "energies_reversed"),
                ),
            ),
            "Gift" => {
                let made = item.get("activation").and_then(Value::as_object);
                let used = made.map(|made| (number(made, "recipient"), seconds(made.get("at"))));
                let used = used.map(|(by, at)| (by, at.expect("an instant")));
                let recipient = item.get("recipient").and_then(Value::as_i64);
                (
                    format!("gift of {}", text(item, "attempt_id")),
                    format!("{} for {recipient:?}, used {used:?}", text(item, "status")),
                )
            }
            "UnassignedPayment" => (format!("aside {external}"), String::new()),
            "RecurringContract" => (
                format!("contract {}:{}", text(item, "provider"), text(item, "contract_id")),
                format!("of {}, newest {}", text(item, "attempt_id"), text(item, "newest")),
            ),
            _ => continue,
        };
        facts.insert(about, fact);
    }
    facts
}

fn differences(expected: &Facts, found: &Facts) -> Vec<String> {
    let about: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let differs = |about: &&String| expected.get(*about) != found.get(*about);
    let about = about.into_iter().filter(differs);
    about
        .map(|about| {
            let say = |facts: &Facts| facts.get(about).cloned().unwrap_or("not there".to_owned());
            format!("{about}: {}, by the rules {}", say(found), say(expected))
        })
        .collect()
}

/// What a member is answered about themselves.
fn answers(model: &Model, id: i64, now: Instant) -> Facts {
    let member = &model.members[&id];
    let expires = member.expires.map_or(Value::Null, |at| json!(iso(at)));
    let (paid, renews) = (member.is_paid(now), member.contract.is_some());
    let unlocks = member.unlocks(now);
    let status =
        json!([paid, expires, expires, paid, renews, unlocks.is_some(), unlocks.map(date),]);
    let me = json!([paid, expires, renews, member.gifted, member.balance]);
    let given = model.gifts.iter().filter(|gift| gift.giver == id);
    let mut gifts: Vec<String> = given
        .map(|gift| {
            let to = gift.used.map(|(by, ..)| by).or(gift.recipient);
            let at = gift.used.map(|(_, at, _)| iso(at));
            let state = gift.held_at(now);
            let over = iso(gift.made + 365 * DAY);
            let open = state == Held::Paid;
            json!([held(state), to, 30, open, iso(gift.made), at, over]).to_string()
        })
        .collect();
    gifts.sort();
    Facts::from([
        (format!("{id}: status"), status.to_string()),
        (format!("{id}: me"), me.to_string()),
        (format!("{id}: balance"), member.balance.to_string()),
        (format!("{id}: gifts"), gifts.join(" ")),
    ])
}

fn fields(body: &Value, names: &[&str]) -> String {
    Value::Array(names.iter().map(|name| body[name].clone()).collect()).to_string()
}

impl Driver {
    async fn get(&mut self, id: i64, path: &str) -> Value {
        let launch = self.bench.launch(id);
        let headers = [("authorization", launch.as_str())];
        let reply = self.bench.send("GET", path, &headers, &Value::Null).await;
        if reply.status != 200 {
            self.differ(format!("GET {path}: {} {}", reply.status, reply.body));
        }
        reply.body
    }

    /// What a member is told when they look.
    async fn seen_by(&mut self, id: i64) {
        let status = self.get(id, "/api/payments/status").await;
        let names = [
            "isPro",
            "expires_at",
            "subscription_expires",
            "active_subscription",
            "auto_renewal",
            "blocked",
            "unlock_date",
        ];
        let status = fields(&status, &names);
        let me = self.get(id, "/api/v1/users/me").await;
        let names = ["isPro", "subscriptionExpires", "autoRenewalEnabled", "gifted", "energies"];
        let me = fields(&me["user"], &names);
        let balance = self.get(id, "/api/v1/energies/balance").await["balance"].to_string();
        let given = self.get(id, "/api/v1/gifts/my").await;
        let given = given["gifts"].as_array().cloned().unwrap_or_default();
        let mut gifts: Vec<String> = given
            .iter()
            .map(|gift| {
                let (to, open) = (&gift["recipientId"], gift["deepLink"].is_string());
                let (made, at, over) =
                    (&gift["createdAt"], &gift["activatedAt"], &gift["expiresAt"]);
                json!([gift["status"], to, gift["days"], open, made, at, over]).to_string()
            })
            .collect();
        gifts.sort();
        let found = Facts::from([
            (format!("{id}: status"), status),
            (format!("{id}: me"), me),
            (format!("{id}: balance"), balance),
            (format!("{id}: gifts"), gifts.join(" ")),
        ]);
        let expected = answers(&self.model, id, self.now());
        for difference in differences(&expected, &found) {
            self.differ(difference);
        }
    }

    /// An attempt as its payer sees it, and as somebody else does not.
    async fn seen_attempt(&mut self, index: usize) {
        let attempt = self.model.attempts[index].clone();
        let path = format!("/api/payments/attempts/{}", attempt.id);
        let body = self.get(attempt.payer, &path).await;
        let names = ["status", "checksDone", "purpose", "provider"];
        let found = fields(&body["attempt"], &names);
        let purpose = if attempt.gift { "gift" } else { "self" };
        let (status, provider) = (attempt.status.name(), attempt.provider.name());
        let expected = json!([status, attempt.checks, purpose, provider]).to_string();
        if found != expected {
            self.differ(format!("{path}: {found}, by the rules {expected}"));
        }
        let other = PEOPLE.into_iter().find(|id| *id != attempt.payer).expect("somebody else");
        let launch = self.bench.launch(other);
        let headers = [("authorization", launch.as_str())];
        let reply = self.bench.send("GET", &path, &headers, &Value::Null).await;
        if reply.status != 404 {
            self.differ(format!("{other} sees {path}: {}", reply.status));
        }
    }

    /// What everybody was told so far.
    async fn told(&self) -> BTreeMap<(i64, Told), usize> {
        let sent = self.bench.desk("GET", "telegram/messages", &Value::Null).await;
        let mut told = BTreeMap::new();
        for call in sent["messages"].as_array().expect("calls") {
            let line = call["text"].as_str().unwrap_or_default();
            let known = MARKS.iter().find(|(_, mark)| line.contains(mark));
            if let (Some((kind, _)), Some(chat)) = (known, call["chat_id"].as_i64()) {
                *told.entry((chat, *kind)).or_default() += 1;
            }
        }
        told
    }

    /// Looks at everything after an act.
    pub async fn compare(&mut self) {
        let items = self.bench.items().await;
        for gift in items.iter().filter(|item| text(item, "kind") == "Gift") {
            self.tokens.insert(text(gift, "attempt_id").to_owned(), text(gift, "token").to_owned());
        }
        let contracts = items.iter().filter(|item| text(item, "kind") == "RecurringContract");
        let live = contracts.filter(|contract| contract.get("live") == Some(&true.into()));
        self.live = live.map(|contract| text(contract, "contract_id").to_owned()).collect();
        for difference in differences(&expected(&self.model), &stored(&items)) {
            self.differ(difference);
        }
        for difference in self.contracts(&items, false) {
            self.differ(difference);
        }
        for ((who, what), count) in self.told().await {
            let due = self.model.told.get(&(who, what)).copied().unwrap_or_default();
            if count > due {
                self.differ(format!("{who} was told {what:?} {count} times, {due} by the rules"));
            }
        }
        for wrong in violations(&self.bench).await {
            self.differ(wrong);
        }
        let (who, attempt) = self.touched;
        self.seen_by(who).await;
        if let Some(index) = attempt {
            self.seen_attempt(index).await;
        }
    }

    /// A contract is live until its end was asked for, and in the end until then only.
    fn contracts(&self, items: &[Item], at_rest: bool) -> Vec<String> {
        let mut found = Vec::new();
        for item in items.iter().filter(|item| text(item, "kind") == "RecurringContract") {
            let provider = Provider::of(text(item, "provider"));
            let id = text(item, "contract_id");
            let live = item.get("live").is_some_and(|live| live == true);
            let Some(contract) = self.model.contracts.get(&(provider, id.to_owned())) else {
                continue;
            };
            if live == contract.ending && (at_rest || !live) {
                found.push(format!(
                    "contract {id}: live {live}, its end was due: {}",
                    contract.ending
                ));
            }
        }
        found
    }

    /// Looks at everything when all has come to rest: who was told what, and what still waits.
    pub async fn compare_at_rest(&mut self) {
        for id in PEOPLE {
            self.touched = (id, None);
            self.compare().await;
        }
        let items = self.bench.items().await;
        let mut found = self.contracts(&items, true);
        let told = self.told().await;
        for (key, due) in &self.model.told {
            let count = told.get(key).copied().unwrap_or_default();
            if count != *due {
                found.push(format!("{} was told {:?} {count} times, not {due}", key.0, key.1));
            }
        }
        found.extend(unsettled(&self.bench).await);
        for difference in found {
            self.differ(difference);
        }
    }
}
