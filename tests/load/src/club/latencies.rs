//! How long answers take that are made, kept, or known to the caller: one after another, and over 32
//! connections.

use std::time::{Duration, Instant};

use benches::{Result, line, milliseconds, percentile};

use super::guests::{GUESTS, Guests};
use super::routes::{OPENING, Outcome, Route, etag};
use crate::cost::{Cost, units};
use crate::drive::drive;
use crate::stack::Stack;
use crate::table::{self, Seen};

/// Members who ask one after another: as many answers of each kind.
const ASK: usize = 200;
/// Connections of the throughput.
const CONNECTIONS: usize = 32;
/// How long each figure of it is taken, in seconds.
pub const SECONDS: u64 = 5;

/// Each of some members asks three times: the answer is made, then it is kept, then the caller says
/// to have it.
///
/// # Errors
/// When the stack does not answer, or in another way.
pub async fn one_by_one(stack: &Stack, guests: &Guests) -> Result<()> {
    line("| route | class | X-Cache | requests | read units | bytes | p50 ms | p95 ms |");
    line("|---|---|---|---:|---:|---:|---:|---:|");
    for route in &OPENING {
        let mut latencies: [Vec<Duration>; 3] = Default::default();
        let mut last: [(Cost, usize); 3] = Default::default();
        for n in 0..ASK.min(GUESTS) {
            let mut tag = None;
            for ((expected, took), last) in
                Outcome::ALL.into_iter().zip(&mut latencies).zip(&mut last)
            {
                let mut call = guests.asks(n, route.path);
                if let Some(tag) = tag.filter(|_| expected == Outcome::Known) {
                    call = call.under("if-none-match", tag);
                }
                let sent = Instant::now();
                let answer = stack.send(&call).await?;
                took.push(sent.elapsed());
                if Outcome::of(&answer) != Some(expected) {
                    let expected = expected.name();
                    return Err(format!("{}, {expected}: {answer:?}", route.name).into());
                }
                *last = (Cost::of(&answer), answer.body().len());
                tag = etag(&answer);
            }
        }
        let Route { name, class, .. } = route;
        for ((outcome, mut took), (cost, bytes)) in
            Outcome::ALL.into_iter().zip(latencies).zip(last)
        {
            took.sort_unstable();
            let at = |percent| milliseconds(percentile(&took, percent));
            let (outcome, read) = (outcome.name(), units(cost.read_milliunits));
            let (requests, p50, p95) = (cost.requests, at(50), at(95));
            let cells = format!("{requests} | {read} | {bytes} | {p50} | {p95}");
            line(&format!("| {name} | {class} | {outcome} | {cells} |"));
        }
    }
    Ok(())
}

/// The same with 32 members at once, again and again.
///
/// # Errors
/// When the stack does not answer.
pub async fn at_once(stack: &Stack, guests: &Guests, time: Duration) -> Result<()> {
    table::head();
    let routes = ["balance", "me", "rating of cities", "shop", "courses"];
    for route in OPENING.iter().filter(|route| routes.contains(&route.name)) {
        for outcome in Outcome::ALL {
            // Also keeps the answers anew: those that were made meanwhile have taken their places.
            let mut tags = Vec::new();
            for n in 0..CONNECTIONS {
                let answer = stack.send(&guests.asks(n, route.path)).await?;
                tags.push(etag(&answer).ok_or("no validator")?);
            }
            let mut seen = measured(stack, (guests, route), outcome, &tags, time).await?;
            table::row(
                &format!("{}, {}", route.name, outcome.name()),
                CONNECTIONS,
                &mut seen,
                None,
            );
        }
    }
    Ok(())
}

async fn measured(
    stack: &Stack,
    (guests, route): (&Guests, &'static Route),
    outcome: Outcome,
    tags: &[String],
    time: Duration,
) -> Result<Seen> {
    let (guests, tags) = (guests.clone(), tags.to_vec());
    let call = move |n: usize| match outcome {
        // Asked in another way each time, so that no answer is one that was kept.
        Outcome::Miss => guests.asks(n % CONNECTIONS, format!("{}?load={n}", route.path)),
        Outcome::Hit => guests.asks(n % CONNECTIONS, route.path),
        Outcome::Known => {
            let tag = tags.get(n % CONNECTIONS).cloned().unwrap_or_default();
            guests.asks(n % CONNECTIONS, route.path).under("if-none-match", tag)
        }
    };
    drive(stack, (CONNECTIONS, time), call, move |answer| Outcome::of(answer) == Some(outcome))
        .await
}
