//! The contract's floor: 200 reads and 50 writes a second from 500 people, sent at their time
//! whether or not the ones before were answered.

use std::time::{Duration, Instant};

use benches::{Result, line};
use tokio::task::JoinSet;

use crate::people::People;
use crate::seed::{self, CATEGORIES, CITIES, encoded, job, pick};
use crate::stack::{Call, Stack};
use crate::table::{self, Seen};

/// Requests a second.
const RATE: usize = 250;
/// One request in so many is a write.
const WRITES: usize = 5;
/// How long.
const SECONDS: usize = 60;

const NAMES: [&str; 4] = ["list", "me", "create", "take"];

/// Sends the load and prints what was answered.
///
/// # Errors
/// When the stack does not answer, or refuses a seed.
pub async fn run(stack: &Stack) -> Result<()> {
    let people = People::open_the_app()?;
    seed::people(stack, &people).await?;
    let first = usize::try_from(shared::clock::Instant::now().seconds())?;
    let orders = seed::orders(stack, &people, first, first + RATE * SECONDS / WRITES).await?;
    let (began, mut sent) = (Instant::now(), JoinSet::new());
    for n in 0..RATE * SECONDS {
        let at = began + Duration::from_micros(u64::try_from(n * 1_000_000 / RATE)?);
        tokio::time::sleep_until(at.into()).await;
        let (kind, call) = call(&people, &orders, first + RATE * SECONDS, n);
        let stack = stack.clone();
        sent.spawn(async move {
            let answer = stack.send(&call).await?;
            Result::Ok((kind, at.elapsed(), answer.status().is_success()))
        });
    }
    let mut seen: [Seen; 4] = Default::default();
    while let Some(answer) = sent.join_next().await {
        let (kind, latency, is_success) = answer??;
        if let Some(seen) = seen.get_mut(kind) {
            seen.latencies.push(latency);
            seen.errors += usize::from(!is_success);
        }
    }
    table::head();
    for (name, mut seen) in NAMES.into_iter().zip(seen) {
        seen.elapsed = began.elapsed();
        table::row(name, 0, &mut seen, None);
    }
    line("Latency counts from the instant a request was due.");
    Ok(())
}

/// The request number `n`: of ten, one posts, one takes, two ask who they are, six read lists.
fn call(people: &People, orders: &[(usize, String)], fresh: usize, n: usize) -> (usize, Call) {
    let launch = people.launch(n);
    match n % (2 * WRITES) {
        0 => (2, Call::new("POST", "/api/orders", launch).with(&job(fresh + n))),
        5 => {
            let (job, id) = orders.get(n / (2 * WRITES)).map_or((0, ""), |(n, id)| (*n, id));
            (3, Call::new("POST", format!("/api/orders/{id}/take"), people.launch(job + 1)))
        }
        1 | 6 => (1, Call::new("GET", "/api/users/me", launch)),
        2 => {
            let (city, category) = (encoded(pick(&CITIES, n)), encoded(pick(&CATEGORIES, n)));
            let path = format!("/api/orders?city={city}&category={category}");
            (0, Call::new("GET", path, launch))
        }
        _ => (0, Call::new("GET", "/api/orders", launch)),
    }
}
