//! The real binaries of errands, killed as the kernel kills them: see the club's.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::invariants::{number, of, unsettled, violations};
use super::people::{CLIENT, Job};
use crate::bench::Bench;

const ROUNDS: i64 = 12;
const FIRST: i64 = 6_000;

/// An executor pays for a contact; the client answers it or does not. What is left, in kopecks.
async fn bought(bench: &Bench, executor: i64) -> i64 {
    let round = executor - FIRST;
    let payment = bench.invoice(executor, 5, "sandbox").await;
    let path = format!("/api/sandbox/payments/{payment}/pay");
    bench.again(executor, "POST", &path, &json!({})).await;
    let contact: &'static str = Box::leak(format!("Viber: {round}").into_boxed_str());
    let job = Job { category: "Другое", contact };
    let order = bench.post(&job, &format!("post-{round}")).await;
    bench.take(executor, &order).await;
    let answers = round % 2 == 0;
    bench.act(&order, if answers { "complete" } else { "close" }).await;
    if answers { 300 } else { 500 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_lose_nothing_and_double_nothing() {
    let Ok(binaries) = std::env::var("TAMGA_BINARIES") else {
        println!("skipped: TAMGA_BINARIES does not say where the binaries are");
        return;
    };
    let bench = Bench::of("errands", |options| options.processes(binaries)).await;
    let bench = Arc::new(bench);
    let (mut killed, mut wrong, mut left) = (0, Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let executor = FIRST + round;
        let buying = {
            let bench = bench.clone();
            tokio::spawn(async move { bought(&bench, executor).await })
        };
        // Somewhere into the invoice, the purchase, the end, or what follows.
        for step in 0..3 {
            tokio::time::sleep(Duration::from_millis((round % 6 * 5 + step * 17).unsigned_abs()))
                .await;
            for pid in bench.stack.instances().into_iter().filter_map(|instance| instance.pid) {
                let kill = Command::new("kill").args(["-9", &pid.to_string()]).status();
                killed += u32::from(kill.is_ok_and(|status| status.success()));
            }
        }
        left.push((executor, buying.await.expect("everybody gets through")));
    }
    bench.converge().await;
    wrong.extend(violations(&bench).await);
    wrong.extend(unsettled(&bench).await);
    let items = bench.items().await;
    for (executor, kopecks) in left {
        let user = of(&items, "User").find(|user| number(user, "id") == executor);
        let stored = user.map(|user| number(user, "balance"));
        if stored != Some(kopecks) {
            wrong.push(format!("{executor} has {stored:?} instead of {kopecks}"));
        }
    }
    let orders = of(&items, "Order").filter(|order| number(order, "client_id") == CLIENT).count();
    println!(
        "SIGKILL, errands: {ROUNDS} rounds, {killed} processes killed, {orders} orders, \
         {} violations",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
