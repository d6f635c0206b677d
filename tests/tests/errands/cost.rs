//! The price of every function: requests to DynamoDB, items written, units, dollars (§10).
//!
//! The table is a snapshot: a change in it is a decision. HTTP rows come from the header `X-Cost`,
//! jobs from the desk's list of invocations. Neither holds what the choke point costs: the caller's
//! record and the limiter. Prices are those of [`tests::Table`]; what DynamoDB charges for a refused
//! write it does not tell, and it is not in them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Answer, Call, Cost, Person, Table, Webhook, World, errands, job};

use crate::payments::{Crypto, Stars, says};

/// Everybody who appears.
struct Town {
    world: World,
    client: Person,
    executors: [Person; 3],
}

impl Town {
    async fn open(world: &World) -> Self {
        let mut executors = Vec::new();
        for (id, name) in [(2, "Пётр"), (3, "Олег"), (4, "Юрий")] {
            let executor = world.person(id, name).await;
            executor.recharges(100).await;
            executors.push(executor);
        }
        let client = world.person(1, "Иван").await;
        Self { world: world.clone(), client, executors: executors.try_into().unwrap() }
    }

    /// An order of the client with so many takes.
    async fn taken(&self, contact: &str, takes: usize) -> String {
        let order = self.client.posts(&job(contact)).await;
        for executor in self.executors.iter().take(takes) {
            executor.act(&order, "take").await.is(200);
        }
        self.world.idle().await;
        order
    }

    async fn job(&self, table: &mut Table, function: &str, what: &str) -> Cost {
        self.world.idle().await;
        table.job(&self.world, function, what).await
    }
}

/// A write of an order: so many reads before it and so many items at most.
#[track_caller]
fn writes(cost: Cost, reads: u64, items: u64) {
    assert!(cost.requests <= reads + 1 && cost.sequence <= reads + 1, "{cost:?}");
    assert!(cost.items <= items, "{cost:?}");
}

/// A read: so many requests at most, and no write.
#[track_caller]
fn reads(cost: Cost, requests: u64) {
    assert!(cost.requests <= requests && cost.items == 0, "{cost:?}");
    assert_eq!((cost.write_milliunits, cost.messages), (0, 0), "{cost:?}");
}

fn unless(call: Call, answer: &Answer) -> Call {
    call.header("if-none-match", answer.must("etag"))
}

async fn system(table: &mut Table, world: &World) {
    for (name, path) in [
        ("errands-root", "/"),
        ("errands-openapi", "/openapi.json"),
        ("errands-cities", "/api/cities"),
        ("errands-cities (search)", "/api/cities?search=%D0%BC%D0%BE%D1%81"),
        ("errands-fallback", "/nowhere"),
    ] {
        reads(table.http(name, &world.get(path).await), 0);
    }
    reads(table.http("errands-health", &world.get("/health").await), 1);
}

async fn users(table: &mut Table, town: &Town) -> Person {
    let anna = town.world.person(5, "Анна").await;
    reads(table.http("errands-users-me (first sight)", &anna.get("/api/users/me").await), 1);
    let me = anna.get("/api/users/me").await;
    reads(table.http("errands-users-me", &me), 1);
    let same = unless(anna.get("/api/users/me"), &me).await;
    reads(table.http("errands-users-me", &same), 1);
    let wishes = json!({"categories": ["Сантехника"], "cities": ["Москва"]});
    let saved = anna.put("/api/users/me/preferences", &wishes).await;
    table.http("errands-users-preferences-save", &saved);
    let settings = json!({"enabled": true});
    let saved = anna.put("/api/users/me/notification-settings", &settings).await;
    table.http("errands-users-notifications-save", &saved);
    town.job(table, "errands-subscriptions-index", "one city, one category").await;
    let shown = anna.get("/api/users/me/preferences").await;
    reads(table.http("errands-users-preferences", &shown), 1);
    let shown = anna.get("/api/users/me/notification-settings").await;
    reads(table.http("errands-users-notifications", &shown), 1);
    anna
}

async fn money(table: &mut Table, town: &Town) {
    let payer = &town.executors[0];
    let more = payer.post("/api/balance/recharge", &json!({"amount": 10})).await;
    writes(table.http("errands-balance-recharge", &more), 1, 3);
    let keyed = payer.post("/api/balance/recharge", &json!({"amount": 10})).key("cost").await;
    table.http("errands-balance-recharge (with a key)", &keyed);
    let again = payer.post("/api/balance/recharge", &json!({"amount": 10})).key("cost").await;
    reads(table.http("errands-balance-recharge (the key again)", &again), 1);
    reads(table.http("errands-balance", &payer.get("/api/balance").await), 1);
    let page = payer.get("/api/balance/transactions").await;
    reads(table.http("errands-balance-transactions", &page), 1);
    let same = unless(payer.get("/api/balance/transactions"), &page).await;
    reads(table.http("errands-balance-transactions", &same), 1);
}

async fn posting(table: &mut Table, town: &Town) -> String {
    let client = &town.client;
    let made = client.post("/api/orders", &job("@ivan_123")).await;
    writes(table.http("errands-orders-create", &made), 0, 5);
    let order = made.json()["id"].as_str().unwrap().to_owned();
    town.job(table, "errands-events-relay", "one event").await;
    town.job(table, "errands-notify-fanout", "one subscriber").await;
    town.job(table, "errands-notify-send", "one notice").await;
    let keyed = client.post("/api/orders", &job("@ivan_124")).key("cost").await;
    writes(table.http("errands-orders-create (with a key)", &keyed), 0, 6);
    let again = client.post("/api/orders", &job("@ivan_124")).key("cost").await;
    table.http("errands-orders-create (the key again)", &again);
    let busy = client.post("/api/orders", &job("@Ivan_124")).await;
    table.http("errands-orders-create (contact busy)", &busy);
    let path = format!("/api/orders/{order}");
    let same = client.put(&path, &json!({"contact": "@ivan_123"})).await;
    reads(table.http("errands-orders-update (nothing new)", &same), 1);
    let text = json!({"description": "Течёт кран в ванной, нужен мастер сегодня"});
    writes(
        table.http("errands-orders-update (description)", &client.put(&path, &text).await),
        1,
        1,
    );
    let moved = client.put(&path, &json!({"contact": "@ivan_125"})).await;
    writes(table.http("errands-orders-update (contact)", &moved), 1, 5);
    let spare = client.posts(&job("@ivan_126")).await;
    let deleted = client.delete(&format!("/api/orders/{spare}")).await;
    writes(table.http("errands-orders-delete", &deleted), 1, 5);
    order
}

async fn taking(table: &mut Table, town: &Town, order: &str) {
    for (executor, which) in town.executors.iter().zip(["first", "second", "third"]) {
        let taken = executor.act(order, "take").await;
        writes(table.http(&format!("errands-orders-take ({which})"), &taken), 1, 5);
        town.world.idle().await;
    }
    let again = town.executors[0].act(order, "take").await;
    reads(table.http("errands-orders-take (again)", &again), 2);
    let other = town.taken("@ivan_127", 0).await;
    let keyed = town.executors[0].act(&other, "take").key("cost").await;
    writes(table.http("errands-orders-take (with a key)", &keyed), 1, 6);
    town.world.idle().await;
    let responded = town.client.act(order, "respond").await;
    writes(table.http("errands-orders-respond", &responded), 1, 2);
}

async fn shown(table: &mut Table, town: &Town, order: &str) {
    let path = format!("/api/orders/{order}");
    let (client, executor, world) = (&town.client, &town.executors[0], &town.world);
    for (who, call) in [
        ("anonymous", world.get(&path)),
        ("owner", client.get(&path)),
        ("executor", executor.get(&path)),
    ] {
        let answer = call.clone().await;
        reads(table.http(&format!("errands-orders-get ({who})"), &answer), 1);
        let same = unless(call, &answer).await;
        reads(table.http(&format!("errands-orders-get ({who})"), &same), 1);
    }
    let place = "city=%D0%9C%D0%BE%D1%81%D0%BA%D0%B2%D0%B0";
    let trade = "category=%D0%A1%D0%B0%D0%BD%D1%82%D0%B5%D1%85%D0%BD%D0%B8%D0%BA%D0%B0";
    for (what, query) in [
        ("all", String::new()),
        ("by city", format!("?{place}")),
        ("by category", format!("?{trade}")),
        ("by both", format!("?{place}&{trade}")),
        ("expired", "?status=expired".to_owned()),
    ] {
        let path = format!("/api/orders{query}");
        let first = world.get(&path).await;
        table.http(&format!("errands-orders-list ({what}, cold)"), &first);
        let page = world.get(&path).await;
        reads(table.http(&format!("errands-orders-list ({what})"), &page), 1);
    }
    for (what, person, flag) in [("mine", client, "mine"), ("taken by me", executor, "taken_by_me")]
    {
        let page = person.get(&format!("/api/orders?{flag}=true")).await;
        let cost = table.http(&format!("errands-orders-list ({what})"), &page);
        assert!(cost.sequence <= 2, "{cost:?}");
        reads(cost, 2);
    }
}

/// Ends an order of so many takes.
#[track_caller]
fn ends(cost: Cost, takes: u64) {
    writes(cost, 1, 4 + 3 * takes);
}

/// Ends it and gives money back: the executors are read in one batch besides, and the bound of §10,
/// one read and `4 + 3k` items, is missed by that read and one item.
#[track_caller]
fn refunds(cost: Cost, takes: u64) {
    writes(cost, 2, 5 + 3 * takes);
}

async fn ending(table: &mut Table, town: &Town, order: &str) {
    let completed = town.client.act(order, "complete").await;
    ends(table.http("errands-orders-complete (3 takes)", &completed), 3);
    town.world.idle().await;
    for (n, contact) in [(1, "@ivan_201"), (3, "@ivan_203")] {
        let order = town.taken(contact, n).await;
        let closed = town.client.act(&order, "close").await;
        let what = format!("errands-orders-close ({n} refunds)");
        refunds(table.http(&what, &closed), u64::try_from(n).unwrap());
        town.world.idle().await;
    }
    let order = town.taken("@ivan_204", 3).await;
    town.client.act(&order, "respond").await.is(200);
    let closed = town.client.act(&order, "close").await;
    ends(table.http("errands-orders-close (3 takes, responded)", &closed), 3);
    town.world.idle().await;
}

/// The clock stands half a minute past the full one: deadlines fall between sweeps.
async fn settling(table: &mut Table, town: &Town) {
    town.world.advance(60).await;
    town.taken("@ivan_301", 3).await;
    town.world.advance(900).await;
    refunds(town.job(table, "errands-orders-deadline", "3 refunds").await, 3);
    let order = town.taken("@ivan_302", 1).await;
    town.client.act(&order, "respond").await.is(200);
    town.world.advance(900).await;
    reads(town.job(table, "errands-orders-deadline", "nothing due").await, 1);
    town.client.act(&order, "complete").await.is(200);
    // Taken 16 minutes before the end: the sweep comes before the deadline's message.
    let order = town.client.posts(&job("@ivan_303")).await;
    town.world.advance(45 * 60 + 40).await;
    for executor in &town.executors {
        executor.act(&order, "take").await.is(200);
    }
    town.world.advance(14 * 60 + 50).await;
    town.job(table, "errands-orders-sweep", "one order, 3 refunds").await;
    assert_eq!(town.client.sees(&order).await["status"], "expired");
    town.world.advance(30).await;
    let order = town.client.posts(&job("@ivan_304")).await;
    town.world.advance(3_600).await;
    let late = town.client.put(&format!("/api/orders/{order}"), &json!({})).await;
    table.http("errands-orders-update (settles first)", &late);
    town.world.advance(60).await;
    town.job(table, "errands-orders-sweep", "nothing due").await;
}

async fn reviews(table: &mut Table, town: &Town, order: &str) {
    let [first, second, _] = &town.executors;
    for (name, executor, key) in [
        ("errands-reviews-client", first, None),
        ("errands-reviews-client (with a key)", second, Some("cost")),
    ] {
        let body = json!({"order_id": order, "executor_id": executor.id(), "rating": 5, "comment": "Быстро"});
        let call = town.client.post("/api/reviews/client", &body);
        let (call, more) = match key {
            Some(key) => (call.key(key), 1),
            None => (call, 0),
        };
        writes(table.http(name, &call.await), 1, 4 + more);
        // The first review of the order is the one before all others.
        town.world.advance(1).await;
    }
    let body = json!({"order_id": order, "complaint": "Не отвечал"});
    let told = first.post("/api/reviews/executor", &body).await;
    writes(table.http("errands-reviews-executor", &told), 1, 4);
    for (what, call) in [
        ("all", town.world.get("/api/reviews")),
        ("by rating", town.world.get("/api/reviews?rating=5")),
        ("about me", first.get("/api/reviews?about_me=true")),
        ("by me", town.client.get("/api/reviews?by_me=true")),
        ("by me, by rating", town.client.get("/api/reviews?by_me=true&rating=5")),
    ] {
        reads(table.http(&format!("errands-reviews-list ({what})"), &call.await), 1);
    }
    let path = format!("/api/reviews/check?order_id={order}");
    table.http("errands-reviews-check", &town.client.get(&path).await);
}

async fn paying(table: &mut Table, town: &Town) {
    let payer = &town.executors[0];
    let wish = json!({"amount": 100, "provider": "sandbox"});
    let made = payer.post("/api/balance/create-invoice", &wish).await;
    let cost = table.http("errands-payments-create (sandbox)", &made);
    assert!(cost.requests <= 2 && cost.items <= 3, "{cost:?}");
    let payment = made.json()["payment_id"].as_i64().unwrap();
    let path = format!("/api/balance/payment/{payment}/status");
    reads(table.http("errands-payments-status (pending)", &payer.get(&path).await), 1);
    town.world.advance(30).await;
    town.job(table, "errands-payments-check", "unpaid").await;
    let paid = payer.post(&format!("/api/sandbox/payments/{payment}/pay"), &json!({})).await;
    table.http("errands-payments-sandbox-pay", &paid);
    reads(table.http("errands-payments-status (paid)", &payer.get(&path).await), 2);
    town.world.advance(30).await;
    reads(town.job(table, "errands-payments-check", "already paid").await, 1);
    let lost = payer.invoice(100, "sandbox").await;
    town.world.pay(&lost.to_string(), Webhook::Lost).await;
    town.world.advance(30).await;
    town.job(table, "errands-payments-check", "settles").await;
    // Made half a minute past the full one, it expires between sweeps.
    town.world.advance(30).await;
    payer.invoice(100, "sandbox").await;
    town.world.advance(30 * 60 + 30).await;
    town.job(table, "errands-payments-sweep", "one expires").await;
    town.world.advance(60).await;
    town.job(table, "errands-payments-sweep", "nothing due").await;
    for what in ["with a key", "the key again"] {
        let made = payer.post("/api/balance/create-invoice", &wish).key("cost").await;
        table.http(&format!("errands-payments-create ({what})"), &made);
    }
}

async fn providers(table: &mut Table, town: &Town) {
    let payer = &town.executors[0];
    let mut ids = Vec::new();
    for provider in ["crypto_bot", "telegram_stars"] {
        let wish = json!({"amount": 100, "provider": provider});
        let made = payer.post("/api/balance/create-invoice", &wish).await;
        table.http(&format!("errands-payments-create ({provider})"), &made);
        ids.push(made.json()["payment_id"].as_i64().unwrap());
    }
    let crypto = Crypto::of(&town.world, ids[0]).await;
    table.http("errands-payments-crypto-bot (settles)", &crypto.paid().await);
    table.http("errands-payments-crypto-bot (again)", &crypto.paid().await);
    let ignored = crypto.told(&json!({"update_id": 9, "update_type": "other"})).await;
    reads(table.http("errands-payments-crypto-bot (ignored)", &ignored), 0);
    let stars = Stars::of(payer, ids[1]).await;
    let checkout = stars.checks_out().await;
    reads(table.http("errands-telegram-webhook (pre-checkout)", &checkout), 1);
    table.http("errands-telegram-webhook (paid)", &stars.paid("charge").await);
    table.http("errands-telegram-webhook (refunded)", &stars.refunded("charge").await);
    table.http("errands-telegram-webhook (of no interest)", &says(payer, "привет").await);
}

async fn digests(table: &mut Table, town: &Town) {
    for contact in ["@ivan_401", "@ivan_402", "@ivan_403"] {
        town.client.posts(&job(contact)).await;
        town.world.idle().await;
    }
    town.job(table, "errands-notify-fanout", "one subscriber, cooling").await;
    town.world.advance(600).await;
    town.job(table, "errands-notify-digest", "two orders").await;
    for sweep in ["errands-digest-sweep", "errands-outbox-sweep"] {
        town.world.run(sweep).await;
        town.job(table, sweep, "nothing due").await;
    }
}

/// Those that read by shards, of which random ids choose: before there are any.
async fn books(table: &mut Table, town: &Town) {
    for (job, what) in
        [("errands-payments-reconcile", "no payment"), ("errands-audit", "four people")]
    {
        town.world.run(job).await;
        town.job(table, job, what).await;
    }
}

/// The functions that the table has no line of.
async fn missing(table: &Table, world: &World) -> BTreeSet<String> {
    let all = world.desk_get("functions").await;
    let all = all["functions"].as_array().unwrap().iter();
    let names = all.map(|function| function["name"].as_str().unwrap().to_owned());
    let has = |name: &str| {
        let mut lines = table.text().lines().map(|line| line.strip_prefix(name));
        lines.any(|rest| rest.is_some_and(|rest| rest.starts_with([':', ' '])))
    };
    names.filter(|name| !has(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_price_of_every_function() {
    let world = errands!("CLOCK" => "2026-01-20T12:00:30Z");
    let mut table = Table::new();
    let town = Town::open(&world).await;
    books(&mut table, &town).await;
    system(&mut table, &world).await;
    let _subscriber = users(&mut table, &town).await;
    money(&mut table, &town).await;
    let order = posting(&mut table, &town).await;
    taking(&mut table, &town, &order).await;
    shown(&mut table, &town, &order).await;
    ending(&mut table, &town, &order).await;
    settling(&mut table, &town).await;
    reviews(&mut table, &town, &order).await;
    paying(&mut table, &town).await;
    providers(&mut table, &town).await;
    digests(&mut table, &town).await;
    assert_eq!(missing(&table, &world).await, BTreeSet::new(), "{}", table.text());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("cost_errands", table.text()));
}

/// A read never writes, and the caller's record is one read.
#[tokio::test(flavor = "multi_thread")]
async fn a_signed_in_read_costs_no_write_and_two_reads_at_most() {
    let world = errands!();
    let anna = world.person(1, "Анна").await;
    anna.me().await;
    let order = anna.posts(&job("@anna_1")).await;
    world.idle().await;
    for (function, path) in [
        ("errands-users-me", "/api/users/me".to_owned()),
        ("errands-balance", "/api/balance".to_owned()),
        ("errands-balance-transactions", "/api/balance/transactions".to_owned()),
        ("errands-orders-get", format!("/api/orders/{order}")),
        ("errands-reviews-list", "/api/reviews?about_me=true".to_owned()),
        ("errands-users-preferences", "/api/users/me/preferences".to_owned()),
        ("errands-users-notifications", "/api/users/me/notification-settings".to_owned()),
    ] {
        let own = anna.get(&path).await.is(200).cost().unwrap();
        let runs = world.desk_get(&format!("invocations?function={function}&limit=1")).await;
        let run = &runs["invocations"][0];
        let number = |value: &Value| value.as_u64().unwrap();
        assert_eq!(number(&run["items"]) + number(&run["choke"]["items"]), 0, "{run}");
        let requests = own.requests + number(&run["choke"]["requests"]);
        assert!(requests <= 2, "{path}: {run}");
    }
}
