//! The price of every function: requests to DynamoDB, items written, units, dollars (§10).
//!
//! The table is a snapshot: a change in it is a decision. HTTP rows come from the header `X-Cost`,
//! jobs from the desk's list of invocations. Neither holds what the choke point costs, the caller's
//! record and the limiter, which have lines of their own. Prices are those of [`tests::Table`]; what DynamoDB charges for a refused
//! write it does not tell, and it is not in them.

mod money;
mod orders;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::{Answer, Call, Cost, Person, Table, World, errands, job};

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
    let (world, me) = (&town.world, "errands-users-me");
    anna.me().await;
    table.choke(world, me, "first sight").await;
    let renamed = anna.renamed("Аня").await;
    renamed.me().await;
    table.choke(world, me, "another name").await;
    let anna = renamed;
    let me = anna.get("/api/users/me").await;
    reads(table.choke(world, "errands-users-me", "a read").await, 1);
    world.get("/api/orders").await.is(200);
    reads(table.choke(world, "errands-orders-list", "an anonymous read").await, 0);
    reads(table.http("errands-users-me", &me), 1);
    let same = unless(anna.get("/api/users/me"), &me).await;
    reads(table.http("errands-users-me", &same), 1);
    let wishes = json!({"categories": ["Сантехника"], "cities": ["Москва"]});
    let saved = anna.put("/api/users/me/preferences", &wishes).await;
    table.http("errands-users-preferences-save", &saved);
    table.choke(world, "errands-users-preferences-save", "a change").await;
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
    money::money(&mut table, &town).await;
    let order = orders::posting(&mut table, &town).await;
    orders::taking(&mut table, &town, &order).await;
    orders::shown(&mut table, &town, &order).await;
    orders::ending(&mut table, &town, &order).await;
    orders::settling(&mut table, &town).await;
    reviews(&mut table, &town, &order).await;
    money::paying(&mut table, &town).await;
    money::providers(&mut table, &town).await;
    digests(&mut table, &town).await;
    assert_eq!(missing(&table, &world).await, BTreeSet::new(), "{}", table.text());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
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
