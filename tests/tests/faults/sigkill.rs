//! The real binaries, killed as the kernel kills them, at no instant of their choosing.
//!
//! Needs the binaries: `TAMGA_BINARIES=target/lambda cargo test --test faults sigkill`, after
//! `infra/checks/build`. Without them the test says so and ends.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use crate::bench::Bench;
use crate::invariants::{unsettled, violations};

const ROUNDS: u64 = 24;
const FIRST: i64 = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_lose_nothing_and_double_nothing() {
    let Ok(binaries) = std::env::var("TAMGA_BINARIES") else {
        println!("skipped: TAMGA_BINARIES does not say where the binaries are");
        return;
    };
    let bench = Arc::new(Bench::start_with(|options| options.processes(binaries)).await);
    let mut killed = 0;
    for round in 0..ROUNDS {
        let id = FIRST + i64::try_from(round).unwrap();
        bench.sign_in(id).await;
        let paying = {
            let bench = bench.clone();
            tokio::spawn(async move {
                let attempt = bench.link(id).await;
                assert_eq!(bench.deliver(&attempt).await.status, 200);
            })
        };
        // Somewhere into the link, its settlement, or the message that follows.
        tokio::time::sleep(Duration::from_millis(round % 12 * 2)).await;
        for pid in bench.stack.instances().into_iter().filter_map(|instance| instance.pid) {
            let kill = Command::new("kill").args(["-9", &pid.to_string()]).status();
            killed += u32::from(kill.is_ok_and(|status| status.success()));
        }
        paying.await.expect("the client gets through");
    }
    bench.converge().await;
    let mut wrong = violations(&bench).await;
    wrong.extend(unsettled(&bench).await);
    for round in 0..ROUNDS {
        let member = bench.member(FIRST + i64::try_from(round).unwrap()).await;
        if member["energies"] != 500 {
            wrong.push(format!("round {round}: {} energies", member["energies"]));
        }
    }
    println!("SIGKILL: {ROUNDS} rounds, {killed} processes killed, {} violations", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
