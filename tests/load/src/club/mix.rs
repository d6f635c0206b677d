//! The club in use: members open the app, again and again, and some of them change something.
//!
//! Each opening asks for what the app shows, with the validators of what the member's browser has
//! kept, and leaves out what that may use unasked. One in five begins with an empty browser. After
//! every other opening something changes, and the balance is asked for once more: five requests in
//! a hundred are writes. Half-way ratings are published.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use benches::{Result, line, milliseconds, percentile};
use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::cache::publish;
use super::guests::{GUESTS, Guests};
use super::routes::{HOT_S, OPENING, Outcome, Route, etag};
use crate::cost::{Cost, units};
use crate::settings;
use crate::stack::Stack;

/// Who opens the app at once.
const CONNECTIONS: usize = 32;
/// How long, in seconds.
const SECONDS: u64 = 60;
/// One in so many openings begins with an empty browser.
const EMPTY: usize = 5;
/// After one in so many something changes.
const CHANGES: usize = 2;
/// How often what the club has counted is looked at, a second apart: it is complete after ten.
const LOOKS: usize = 30;
/// The classes of the routes.
const CLASSES: [&str; 3] = ["hot", "user", "public"];

/// What a member's browser has kept: validators, and when they came.
type Browser = HashMap<&'static str, (String, Instant)>;

/// Answers of one route and outcome.
#[derive(Debug, Default)]
struct Answers {
    latencies: Vec<Duration>,
    cost: Cost,
}

/// What one caller saw.
#[derive(Debug, Default)]
struct Tally {
    answers: BTreeMap<(usize, Outcome), Answers>,
    /// Copies that were used unasked, by route.
    unasked: BTreeMap<usize, u64>,
    writes: u64,
    errors: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (key, answers) in other.answers {
            let all = self.answers.entry(key).or_default();
            all.latencies.extend(answers.latencies);
            all.cost.add(&answers.cost);
        }
        for (route, count) in other.unasked {
            *self.unasked.entry(route).or_default() += count;
        }
        self.writes += other.writes;
        self.errors += other.errors;
    }

    /// How many answers of these routes there were.
    fn count(&self, of: impl Fn(&Route) -> bool, outcome: Outcome) -> u64 {
        let routes = OPENING.iter().enumerate().filter(|(_, route)| of(route));
        let found = routes.filter_map(|(route, _)| self.answers.get(&(route, outcome)));
        found.map(|answers| u64::try_from(answers.latencies.len()).unwrap_or(u64::MAX)).sum()
    }
}

/// Somebody who opens the app for whoever's turn it is.
struct Caller {
    stack: Stack,
    guests: Guests,
    browsers: Arc<Vec<Mutex<Browser>>>,
    tally: Tally,
}

impl Caller {
    fn browser(&self, n: usize) -> Option<MutexGuard<'_, Browser>> {
        let browser = self.browsers.get(n)?;
        Some(browser.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn open(&mut self, opening: usize) -> Result<()> {
        // Everybody's turn comes, in an order of no meaning.
        let n = opening * 7_919 % GUESTS;
        let own_turn = n + opening / GUESTS;
        if own_turn.is_multiple_of(EMPTY) {
            self.browser(n).into_iter().for_each(|mut browser| browser.clear());
        }
        for route in 0..OPENING.len() {
            self.ask(n, route).await?;
        }
        if own_turn.is_multiple_of(CHANGES) {
            let answer = self.stack.send(&self.guests.changes(n, opening / CHANGES)).await?;
            self.tally.writes += 1;
            self.failed(&answer, answer.status().is_success());
            self.ask(n, 1).await?;
        }
        Ok(())
    }

    async fn ask(&mut self, n: usize, number: usize) -> Result<()> {
        let Some(route) = OPENING.get(number) else { return Ok(()) };
        let kept = self.browser(n).and_then(|browser| browser.get(route.path).cloned());
        let unasked = |(_, at): &(String, Instant)| {
            route.class == "hot" && at.elapsed() < Duration::from_secs(HOT_S)
        };
        if kept.as_ref().is_some_and(unasked) {
            *self.tally.unasked.entry(number).or_default() += 1;
            return Ok(());
        }
        let mut call = self.guests.asks(n, route.path);
        if let Some((tag, _)) = kept {
            call = call.under("if-none-match", tag);
        }
        let sent = Instant::now();
        let answer = self.stack.send(&call).await?;
        let took = sent.elapsed();
        let outcome = Outcome::of(&answer);
        self.failed(&answer, outcome.is_some());
        if let Some(outcome) = outcome {
            let answers = self.tally.answers.entry((number, outcome)).or_default();
            answers.latencies.push(took);
            answers.cost.add(&Cost::of(&answer));
        }
        if let (Some(tag), Some(mut browser)) = (etag(&answer), self.browser(n)) {
            browser.insert(route.path, (tag, sent));
        }
        Ok(())
    }

    /// Counts an answer that is not as it should be, and shows the first.
    fn failed(&mut self, answer: &Response<Bytes>, is_good: bool) {
        if !is_good {
            if self.tally.errors == 0 {
                line(&format!("unexpected: {answer:?}"));
            }
            self.tally.errors += 1;
        }
    }
}

/// Measures and prints.
///
/// # Errors
/// When the stack does not answer.
pub async fn run(stack: &Stack, guests: &Guests) -> Result<()> {
    let time = settings::time(SECONDS);
    let before = settled(stack, guests, None).await?;
    let (next, began) = (Arc::new(AtomicUsize::new(1)), Instant::now());
    let browsers = Arc::new((0..GUESTS).map(|_| Mutex::default()).collect::<Vec<_>>());
    let callers = (0..CONNECTIONS).map(|_| {
        let (stack, guests, browsers) = (stack.apart(), guests.clone(), browsers.clone());
        let mut caller = Caller { stack, guests, browsers, tally: Tally::default() };
        let next = next.clone();
        tokio::spawn(async move {
            while began.elapsed() < time {
                caller.open(next.fetch_add(1, Ordering::Relaxed)).await?;
            }
            Result::Ok(caller.tally)
        })
    });
    let callers = callers.collect::<Vec<_>>();
    tokio::time::sleep(time / 2).await;
    publish(stack).await?;
    let mut tally = Tally::default();
    for caller in callers {
        tally.add(caller.await??);
    }
    let elapsed = began.elapsed();
    let after = settled(stack, guests, Some((&before, &tally))).await?;
    print(&tally, elapsed, next.load(Ordering::Relaxed) - 1);
    compare(&tally, &before, &after);
    Ok(())
}

fn print(tally: &Tally, elapsed: Duration, openings: usize) {
    let reads: u64 = Outcome::ALL.map(|outcome| tally.count(|_| true, outcome)).iter().sum();
    let all = reads + tally.writes;
    let per_second = u128::from(all) * 1_000 / elapsed.as_millis().max(1);
    let writes = percent(tally.writes, all);
    line(&format!(
        "{GUESTS} members over {CONNECTIONS} connections: {openings} openings, {all} requests, {per_second} a second, {writes} of them writes; {} errors\n",
        tally.errors
    ));
    line(
        "| route | class | asked | MISS | HIT | HIT-304 | hit rate | unasked | requests each | read units each | MISS p50, p95 ms | HIT p50, p95 ms | HIT-304 p50, p95 ms |",
    );
    line("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (number, route) in OPENING.iter().enumerate() {
        let unasked = tally.unasked.get(&number).copied().unwrap_or_default();
        let (mut cost, mut times) = (Cost::default(), Vec::new());
        for outcome in Outcome::ALL {
            let answers = tally.answers.get(&(number, outcome));
            let mut latencies = answers.map(|all| all.latencies.clone()).unwrap_or_default();
            latencies.sort_unstable();
            let at = |percent| milliseconds(percentile(&latencies, percent));
            times.push(format!("{}, {}", at(50), at(95)));
            answers.into_iter().for_each(|answers| cost.add(&answers.cost));
        }
        let counts = Outcome::ALL.map(|outcome| tally.count(|one| one.path == route.path, outcome));
        let asked = counts.iter().sum::<u64>().max(1);
        let (requests, read) = (units(cost.requests * 1_000 / asked), cost.read_milliunits / asked);
        let (cells, read, times) = (cells(counts), units(read), times.join(" | "));
        let Route { name, class, .. } = route;
        line(&format!(
            "| {name} | {class} | {cells} | {unasked} | {requests} | {read} | {times} |"
        ));
    }
    line("");
}

/// Asked, made, kept, known, and the part that was not made.
fn cells(counts: [u64; 3]) -> String {
    let [misses, hits, known] = counts;
    let asked = misses + hits + known;
    format!("{asked} | {misses} | {hits} | {known} | {}", percent(hits + known, asked))
}

fn percent(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1_000 / u128::from(whole.max(1));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// What the club has counted of a class: made, kept, known.
fn counted(stats: &Value, class: &str) -> [u64; 3] {
    let of = |name: &str| stats.pointer(&format!("/byClass/{class}/{name}"));
    ["misses", "hits", "hits304"].map(|name| of(name).and_then(Value::as_u64).unwrap_or_default())
}

/// What of this was counted between two looks.
fn between(before: &Value, after: &Value, class: &str) -> [u64; 3] {
    let (before, after) = (counted(before, class), counted(after, class));
    let mut grown = after;
    for (grown, before) in grown.iter_mut().zip(before) {
        *grown = grown.saturating_sub(before);
    }
    grown
}

fn seen(tally: &Tally, class: &str) -> [u64; 3] {
    Outcome::ALL.map(|outcome| tally.count(|route| route.class == class, outcome))
}

/// What the club has counted, once it is complete: as much as was seen since, or no more than at the
/// last look.
async fn settled(
    stack: &Stack,
    guests: &Guests,
    expected: Option<(&Value, &Tally)>,
) -> Result<Value> {
    let mut last = Value::Null;
    for look in 0..LOOKS {
        let stats = stack.done(&guests.office("GET", "/api/v1/cache/stats")).await?;
        let agrees = expected.is_some_and(|(before, tally)| {
            CLASSES.iter().all(|class| between(before, &stats, class) == seen(tally, class))
        });
        // Whoever has counted anything writes it within ten seconds.
        let rests = expected.is_none() && look > LOOKS / 2 && last == stats;
        if agrees || rests {
            return Ok(stats);
        }
        last = stats;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Ok(last)
}

fn compare(tally: &Tally, before: &Value, after: &Value) {
    line("| class | by | asked | MISS | HIT | HIT-304 | hit rate |");
    line("|---|---|---:|---:|---:|---:|---:|");
    let mut sums = [[0; 3]; 2];
    for class in CLASSES {
        let both = [seen(tally, class), between(before, after, class)];
        for ((by, counts), sums) in ["X-Cache", "cache/stats"].iter().zip(both).zip(&mut sums) {
            line(&format!("| {class} | {by} | {} |", cells(counts)));
            sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        }
    }
    for (by, sums) in ["X-Cache", "cache/stats"].iter().zip(sums) {
        line(&format!("| all | {by} | {} |", cells(sums)));
    }
}
