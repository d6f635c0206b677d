//! What orders cost.

use serde_json::json;
use tests::{Cost, Table, job};

use super::{Town, reads, unless, writes};

pub(super) async fn posting(table: &mut Table, town: &Town) -> String {
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
    let mut long = job("@ivan_128");
    long["description"] = json!("я".repeat(1_000));
    let made = client.post("/api/orders", &long).await;
    writes(table.http("errands-orders-create (the longest description)", &made), 0, 5);
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
    let spare = made.json()["id"].as_str().unwrap().to_owned();
    let gone = client.delete(&format!("/api/orders/{spare}")).await;
    writes(table.http("errands-orders-delete (the longest description)", &gone), 1, 5);
    let spare = client.posts(&job("@ivan_126")).await;
    let deleted = client.delete(&format!("/api/orders/{spare}")).await;
    writes(table.http("errands-orders-delete", &deleted), 1, 5);
    order
}

pub(super) async fn taking(table: &mut Table, town: &Town, order: &str) {
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
    // Let it not end in the midst of what follows.
    town.client.act(&other, "complete").await.is(200);
    let responded = town.client.act(order, "respond").await;
    writes(table.http("errands-orders-respond", &responded), 1, 2);
}

pub(super) async fn shown(table: &mut Table, town: &Town, order: &str) {
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

pub(super) async fn ending(table: &mut Table, town: &Town, order: &str) {
    let completed = town.client.act(order, "complete").await;
    ends(table.http("errands-orders-complete (3 takes)", &completed), 3);
    town.world.idle().await;
    for (n, contact) in [(1, "@ivan_201"), (3, "@ivan_203")] {
        let order = town.taken(contact, n).await;
        let closed = town.client.act(&order, "close").await;
        let what = format!("errands-orders-close ({n} refunds)");
        ends(table.http(&what, &closed), u64::try_from(n).unwrap());
        town.world.idle().await;
    }
    let order = town.taken("@ivan_205", 1).await;
    town.executors[0].recharges(1).await;
    let closed = town.client.act(&order, "close").await;
    // What the take says of the balance holds no longer, and a second transaction is what it takes.
    let cost = table.http("errands-orders-close (1 refund, balance moved)", &closed);
    writes(cost, 2, 7);
    town.world.idle().await;
    let order = town.taken("@ivan_204", 3).await;
    town.client.act(&order, "respond").await.is(200);
    let closed = town.client.act(&order, "close").await;
    ends(table.http("errands-orders-close (3 takes, responded)", &closed), 3);
    town.world.idle().await;
}

/// The clock stands half a minute past the full one: deadlines fall between sweeps.
pub(super) async fn settling(table: &mut Table, town: &Town) {
    town.world.advance(60).await;
    town.taken("@ivan_301", 3).await;
    town.world.advance(900).await;
    ends(town.job(table, "errands-orders-deadline", "3 refunds").await, 3);
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
    let swept = town.job(table, "errands-orders-sweep", "one order, 3 refunds").await;
    assert_eq!(town.client.sees(&order).await["status"], "expired");
    town.world.advance(30).await;
    let order = town.client.posts(&job("@ivan_304")).await;
    town.world.advance(3_600).await;
    let late = town.client.put(&format!("/api/orders/{order}"), &json!({})).await;
    table.http("errands-orders-update (settles first)", &late);
    town.world.advance(60).await;
    let idle = town.job(table, "errands-orders-sweep", "nothing due").await;
    reads(idle, 8);
    // One read and one transaction for the one order that was due.
    ends(Cost { requests: swept.requests - 8, sequence: swept.sequence - 8, ..swept }, 3);
}
