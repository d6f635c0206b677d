//! Crash points: each function dies before, after, and with a lost answer at its calls to the store
//! and the queues, at all of them or, where it repeats itself, at an even sample; everybody tries
//! again as they would; then everything must hold that always holds, and everything must have come
//! to rest.

use crate::bench::Bench;
use crate::invariants::{unsettled, violations};
use crate::points::{self, MODES, Point, Tried};
use crate::walks::{ANNA, late_webhook, lost_webhook};

/// Runs `walk` once to count calls, then once for each call of each function and each mode.
async fn every_point(
    title: &str,
    walk: impl AsyncFn(&Bench) -> String,
    expected: impl AsyncFn(&Bench, &str) -> Vec<String>,
) {
    let calm = Bench::start().await;
    calm.stack.engine().faults().reset_counts();
    let attempt = walk(&calm).await;
    let counts = calm.calls();
    let wrong = everything(&calm, &attempt, &expected).await;
    assert_eq!(wrong, Vec::<String>::new(), "without a crash");
    let functions = counts.iter().filter(|(_, calls)| *calls > 0);
    let points: Vec<Point> = functions
        .flat_map(|(function, calls)| spread(function, worth_trying(&calm, function, *calls)))
        .collect();
    points::try_all(title, &points, async |point| {
        let bench = Bench::start().await;
        bench.kill(point);
        let attempt = walk(&bench).await;
        let struck = bench.killed();
        Tried { struck, wrong: everything(&bench, &attempt, &expected).await }
    })
    .await;
}

/// The points of one function: at as many calls as are asked for, or two, as every function is
/// killed at every call in the tests beside it, too; each mode at the call after.
fn spread(function: &str, calls: u64) -> Vec<Point> {
    let step = points::step(calls, points::asked().unwrap_or(2));
    let firsts = (0..calls).step_by(usize::try_from(step).unwrap());
    let modes = |first| (0..).zip(MODES).map(move |(n, mode)| (first + n % step, mode));
    let point = |(at, mode)| Point { function: function.to_owned(), at, mode };
    firsts.flat_map(modes).map(point).collect()
}

/// How many of a function's calls to try. A schedule does the same again and again while the walk
/// comes to rest: its first two runs stand for all.
fn worth_trying(calm: &Bench, function: &str, calls: u64) -> u64 {
    let runs = calm.stack.invocations(Some(function), usize::MAX);
    let scheduled = runs.iter().any(|run| run.trigger == "schedule");
    let runs = u64::try_from(runs.len()).unwrap().max(1);
    if scheduled { calls.min(calls.div_ceil(runs) * 2) } else { calls }
}

async fn everything(
    bench: &Bench,
    attempt: &str,
    expected: &impl AsyncFn(&Bench, &str) -> Vec<String>,
) -> Vec<String> {
    let mut wrong = violations(bench).await;
    wrong.extend(unsettled(bench).await);
    wrong.extend(expected(bench, attempt).await);
    wrong
}

/// Paid once: a month, 500 energies, and one congratulation, unless the crash left it unknown.
async fn paid_once(bench: &Bench, attempt: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let member = bench.member(ANNA).await;
    let status = bench.attempt(attempt).await;
    if member["energies"] != 500 || status != "paid" {
        wrong.push(format!("energies {}, attempt {status}", member["energies"]));
    }
    wrong.extend(told(bench, "congrats:", "Оплата прошла").await);
    wrong
}

/// Told once, or not at all where the row says that nobody knows.
async fn told(bench: &Bench, id: &str, text: &str) -> Option<String> {
    let messages = bench.messages(ANNA).await;
    let sent = messages.iter().filter(|message| message.contains(text)).count();
    let rows: Vec<_> = bench
        .items()
        .await
        .into_iter()
        .filter(|item| {
            item.get("kind").is_some_and(|kind| kind == "Outbox")
                && item["id"].as_str().is_some_and(|i| i.starts_with(id))
        })
        .map(|item| item["state"].as_str().unwrap_or_default().to_owned())
        .collect();
    let fine = match rows.as_slice() {
        [state] if state == "sent" => sent == 1,
        [state] if state == "unconfirmed" => sent <= 1,
        _ => false,
    };
    (!fine).then(|| format!("{id} rows {rows:?}, {sent} messages"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_webhook_settles_once_whatever_dies() {
    every_point("lost webhook", lost_webhook, paid_once).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_webhook_settles_once_whatever_dies() {
    every_point("late webhook", late_webhook, async |bench: &Bench, attempt: &str| {
        let mut wrong = paid_once(bench, attempt).await;
        wrong.extend(told(bench, "payment_not_completed:", "Мы не увидели оплату").await);
        wrong
    })
    .await;
}
