//! The guarantees of errands, each dropped on purpose: see the club's.

use serde_json::{Value, json};

use super::invariants::violations;
use super::people::{CLIENT, EXECUTORS, Job, stars};
use crate::bench::Bench;
use crate::sabotage::stage::{Guarantee, Made, Spot, clear, meet};
use crate::sabotage::{Scene, all_are_missed};

const GUARANTEES: [(&str, Scene); 4] = [
    ("an order's version counts", |g| Box::pin(an_orders_version_counts(g))),
    ("a balance is as it was seen", |g| Box::pin(a_balance_is_as_it_was_seen(g))),
    ("an order ends once", |g| Box::pin(an_order_ends_once(g))),
    ("a payment is paid once", |g| Box::pin(a_payment_is_paid_once(g))),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_guarantee_that_is_dropped_is_missed() {
    all_are_missed("sabotage, errands", &GUARANTEES).await;
}

const JOBS: [Job; 2] = [
    Job { category: "Другое", contact: "@anna_home" },
    Job { category: "Другое", contact: "@anna_work" },
];

/// A call that may be refused.
async fn tries(bench: &Bench, id: i64, path: &str) {
    let launch = bench.launch(id);
    let headers = [("authorization", launch.as_str()), ("content-type", "application/json")];
    bench.outwait("POST", path, &headers, &Value::Null).await;
}

fn spot(function: Option<&'static str>, about: &'static str) -> Spot {
    Spot { function, operation: "TransactWriteItems", about }
}

/// Two executors take one order at once.
async fn an_orders_version_counts(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::errands().await;
    for executor in EXECUTORS {
        bench.recharge(executor, 10, &format!("recharge-{executor}")).await;
    }
    let order = bench.post(&JOBS[0], "post").await;
    let made = Made::ByConditions(&["ORDER#"]);
    meet(&bench, guarantee, made, spot(Some("errands-orders-take"), "ORDER#"), 2);
    let path = format!("/api/orders/{order}/take");
    tokio::join!(tries(&bench, EXECUTORS[0], &path), tries(&bench, EXECUTORS[1], &path));
    clear(&bench);
    violations(&bench).await
}

/// An executor takes two orders at once with money for one.
async fn a_balance_is_as_it_was_seen(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::errands().await;
    let [executor, _] = EXECUTORS;
    bench.recharge(executor, 2, "recharge").await;
    let mut paths = Vec::new();
    for job in &JOBS {
        paths.push(format!("/api/orders/{}/take", bench.post(job, job.contact).await));
    }
    let made = Made::ByConditions(&["USER#"]);
    meet(&bench, guarantee, made, spot(Some("errands-orders-take"), "ORDER#"), 2);
    tokio::join!(tries(&bench, executor, &paths[0]), tries(&bench, executor, &paths[1]));
    clear(&bench);
    violations(&bench).await
}

/// A client completes and closes an order at once.
async fn an_order_ends_once(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::errands().await;
    let [executor, _] = EXECUTORS;
    bench.recharge(executor, 2, "recharge").await;
    let order = bench.post(&JOBS[0], "post").await;
    bench.take(executor, &order).await;
    bench.pass(1).await;
    // The order, the rows of its people and its lock each know how they were seen.
    let made = Made::ByConditions(&["ORDER#", "USER#", "CONTACT#"]);
    meet(&bench, guarantee, made, spot(None, "ORDER#"), 2);
    let ends = ["complete", "close"].map(|end| format!("/api/orders/{order}/{end}"));
    tokio::join!(tries(&bench, CLIENT, &ends[0]), tries(&bench, CLIENT, &ends[1]));
    clear(&bench);
    violations(&bench).await
}

/// Two charges come for one invoice at once.
async fn a_payment_is_paid_once(guarantee: Guarantee) -> Vec<String> {
    let bench = Bench::errands().await;
    let payment = bench.invoice(CLIENT, 60, "telegram_stars").await;
    let made = Made::ByConditions(&["PAYMENT#", "USER#"]);
    meet(&bench, guarantee, made, spot(Some("errands-telegram-webhook"), "PAYMENT#"), 2);
    let charges = [901, 902].map(|number| {
        let mut update = stars(number, CLIENT, "successful_payment", payment, 50);
        let charge = &mut update["message"]["successful_payment"]["telegram_payment_charge_id"];
        *charge = json!(format!("charge{number}"));
        update
    });
    tokio::join!(bench.update(&charges[0]), bench.update(&charges[1]));
    clear(&bench);
    violations(&bench).await
}
