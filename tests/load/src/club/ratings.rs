//! What ratings cost with 1,000, 100,000 and 1,000,000 members: publishing a generation, the lists,
//! a member's own place; and whether the nightly recount finds that everything adds up.

use std::time::{Duration, Instant as Moment};

use benches::{CLUB_BOT, Result, launch_data, line, milliseconds, percentile};
use serde_json::{Value, json};
use shared::clock::Instant;

use super::members;
use crate::cost::{Cost, units};
use crate::stack::{Call, Stack};
use crate::{settings, store};

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
const PUBLISH: &str = "club-ratings-publish";
const RECONCILE: &str = "club-ratings-reconcile";
/// How often ratings are published, and each answer is made, for the time it takes.
const TIMES: usize = 15;
/// The member who asks: in a team, and with a score that others have, too.
const ASKS: usize = 700;

const HOUR_S: i64 = 3_600;
/// Where the clock stands, in seconds after the hour: no schedule is due for three minutes.
const STANDS_S: i64 = 7 * 60;

/// Seeds and prints, size by size.
///
/// # Errors
/// When the store or the stack does not answer, or answers something else than it should.
pub async fn run(stack: &Stack, engine: &str) -> Result<()> {
    let sizes = settings::sizes(&SIZES)?;
    stand_still(stack).await?;
    let (table, born) = (store::table(engine, members::TABLE)?, Instant::now());
    let launch = launch_data(CLUB_BOT, u64::try_from(members::tg_id(ASKS))?)?;
    members::found(&table, born).await?;
    line("| members | what | requests | items written | read units | write units | p50 ms |");
    line("|---:|---|---:|---:|---:|---:|---:|");
    let mut there = 0;
    for size in sizes {
        let began = Moment::now();
        members::seed(&table, there..size, born).await?;
        let seeded = began.elapsed().as_secs();
        stack.rest().await?;
        let streamed = began.elapsed().as_secs();
        line(&format!("| {size} | (seeded in {seeded} s, quiet after {streamed} s) | | | | | |"));
        there = size;
        publish(stack, size).await?;
        reads(stack, size, &launch).await?;
        recount(stack, size).await?;
    }
    Ok(())
}

/// Stops the clock: what schedules do is no part of what is measured.
async fn stand_still(stack: &Stack) -> Result<()> {
    let hour = Instant::now().seconds() / HOUR_S;
    let at = Instant::from_seconds((hour + 1) * HOUR_S + STANDS_S);
    let change = json!({ "set": at.to_string(), "frozen": true, "catch_up": "last" });
    stack.desk("clock", &change).await?;
    Ok(())
}

async fn publish(stack: &Stack, size: usize) -> Result<()> {
    let (mut cost, mut latencies) = (Cost::default(), Vec::new());
    for _ in 0..TIMES {
        // A generation is named by its second.
        stack.desk("clock", &json!({ "advance_seconds": 1 })).await?;
        let sent = Moment::now();
        let done = stack.desk(&format!("functions/{PUBLISH}/invoke"), &json!({})).await?;
        latencies.push(sent.elapsed());
        let members = done.get("members").and_then(Value::as_u64);
        let is_published = done.get("published") == Some(&json!(true));
        if !is_published || members != Some(u64::try_from(size)?) {
            return Err(format!("{size} members, and published was {done}").into());
        }
        cost = Cost::of_invocation(&stack.last_invocation(PUBLISH).await?)?;
    }
    row(size, "publish", &cost, &mut latencies);
    Ok(())
}

async fn reads(stack: &Stack, size: usize, launch: &str) -> Result<()> {
    for (name, path, by) in [
        ("list of cities", "/api/v1/ratings/cities", ""),
        ("list of teams", "/api/v1/ratings/teams", ""),
        ("leaderboard", "/api/v1/gamification/leaderboard?limit=100", launch),
        ("own rank, and the list", "/api/v1/ratings/personal", launch),
        ("own rank and places", "/api/v1/ratings/user-position", launch),
        ("all of it, and the history", "/api/v1/ratings/all-data", launch),
    ] {
        let (mut cost, mut latencies, mut body) = (Cost::default(), Vec::new(), Value::Null);
        for n in 0..TIMES {
            // Asked in another way each time, so that no answer is one that was kept.
            let mark = if path.contains('?') { '&' } else { '?' };
            let call = Call::new("GET", format!("{path}{mark}load={size}-{n}"), by);
            let sent = Moment::now();
            let answer = stack.send(&call).await?;
            latencies.push(sent.elapsed());
            if answer.status() != 200 || answer.headers().get("x-cache").is_none_or(|x| x != "MISS")
            {
                return Err(format!("{name}: {answer:?}").into());
            }
            cost = Cost::of(&answer);
            body = serde_json::from_slice(answer.body())?;
        }
        row(size, name, &cost, &mut latencies);
        agrees(size, &body)?;
    }
    Ok(())
}

/// A rank, where there is one, is one more than the members with a higher score.
fn agrees(size: usize, body: &Value) -> Result<()> {
    let ranks = ["/user/rank", "/position/globalRank", "/data/userPosition/globalRank"];
    let found = ranks.iter().filter_map(|at| body.pointer(at)).find_map(Value::as_u64);
    let score = members::energies(ASKS);
    let expected = 1 + (0..size).filter(|n| members::energies(*n) > score).count();
    match found {
        Some(found) if found != u64::try_from(expected)? => {
            Err(format!("the rank is {expected}, and was told as {found}").into())
        }
        _ => Ok(()),
    }
}

/// The nightly recount. Its price grows with the members, as it is the one walk over all of them.
async fn recount(stack: &Stack, size: usize) -> Result<()> {
    let seen = stack.desk(&format!("functions/{RECONCILE}/invoke"), &json!({})).await?;
    let invocation = stack.last_invocation(RECONCILE).await?;
    let cost = Cost::of_invocation(&invocation)?;
    let took = invocation.get("duration_ms").and_then(Value::as_u64).unwrap_or_default();
    let of = |name: &str| seen.get(name).map(Value::to_string).unwrap_or_default();
    let said = ["members", "late", "drift", "complete"].map(|name| format!("{name} {}", of(name)));
    let name = format!("recount ({})", said.join(", "));
    row(size, &name, &cost, &mut [Duration::from_millis(took)]);
    let expected = json!({ "members": size, "late": 0, "drift": 0, "complete": true });
    match expected.as_object().is_some_and(|all| all.iter().all(|(k, v)| seen.get(k) == Some(v))) {
        true => Ok(()),
        false => Err(format!("the recount saw {seen}").into()),
    }
}

fn row(size: usize, name: &str, cost: &Cost, latencies: &mut [Duration]) {
    latencies.sort_unstable();
    let p50 = milliseconds(percentile(latencies, 50));
    let (read, write) = (units(cost.read_milliunits), units(cost.write_milliunits));
    let Cost { requests, items, .. } = cost;
    line(&format!("| {size} | {name} | {requests} | {items} | {read} | {write} | {p50} |"));
}
