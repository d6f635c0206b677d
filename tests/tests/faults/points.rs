//! Crash points: where a process dies, each tried on a stack of its own, some at a time.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Instant;

use engine::CrashMode;
use futures::StreamExt;

use crate::bench::Bench;

/// Dead before a call, dead after it, and dead with its answer lost.
pub const MODES: [CrashMode; 3] = [CrashMode::Before, CrashMode::After, CrashMode::LostAnswer];
/// How many stacks stand at once: each waits more than it works.
const AT_ONCE: usize = 4;

/// A process of `function` dies at its call number `at`.
pub struct Point {
    pub function: String,
    pub at: u64,
    pub mode: CrashMode,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, call {}, {:?}", self.function, self.at, self.mode)
    }
}

/// What came of a point.
pub struct Tried {
    /// How many processes died.
    pub struck: u64,
    /// Everything that does not hold; empty when all is well.
    pub wrong: Vec<String>,
}

/// Each mode at each of these calls.
pub fn each_mode(function: &str, calls: impl IntoIterator<Item = u64>) -> Vec<Point> {
    let point = |at, mode| Point { function: function.to_owned(), at, mode };
    calls.into_iter().flat_map(|at| MODES.map(|mode| point(at, mode))).collect()
}

/// Calls of one function that are to be tried, as far as somebody asks: `CRASH_CALLS`.
pub fn asked() -> Option<u64> {
    std::env::var("CRASH_CALLS").ok().and_then(|calls| calls.parse().ok())
}

/// How far apart, evenly, at most `most` of `calls` lie.
pub fn step(calls: u64, most: u64) -> u64 {
    calls.div_ceil(most).max(1)
}

/// Walks once without a crash, and then once for each call of each of these functions and each mode.
pub async fn at_every_call(
    title: &str,
    functions: &[&str],
    walk: impl AsyncFn(&Bench),
    wrong: impl AsyncFn(&Bench) -> Vec<String>,
) {
    let calm = Bench::start().await;
    calm.stack.engine().faults().reset_counts();
    walk(&calm).await;
    let counts = calm.calls();
    assert_eq!(wrong(&calm).await, Vec::<String>::new(), "without a crash");
    let mut points = Vec::new();
    for (function, calls) in counts.iter().filter(|(name, _)| functions.contains(&name.as_str())) {
        assert!(*calls > 0, "{function} takes no part");
        points.extend(each_mode(function, 0..*calls));
    }
    try_all(title, &points, async |point| {
        let bench = Bench::start().await;
        bench.kill(point);
        walk(&bench).await;
        Tried { struck: bench.killed(), wrong: wrong(&bench).await }
    })
    .await;
}

/// Tries every point, prints how many, and fails where anything was wrong or nothing died.
pub async fn try_all(title: &str, points: &[Point], run: impl AsyncFn(&Point) -> Tried) {
    let began = Instant::now();
    let tried = futures::stream::iter(points).map(async |point| (point, run(point).await));
    let tried: Vec<_> = tried.buffer_unordered(AT_ONCE).collect().await;
    let functions: BTreeSet<&str> = points.iter().map(|point| point.function.as_str()).collect();
    let struck: u64 = tried.iter().map(|(_, tried)| tried.struck).sum();
    let failures: Vec<String> = tried
        .iter()
        .flat_map(|(point, tried)| tried.wrong.iter().map(move |wrong| format!("{point}: {wrong}")))
        .collect();
    println!(
        "crash points, {title}: {} functions, {} points, {struck} struck, {} violations ({:.1} s)",
        functions.len(),
        points.len(),
        failures.len(),
        began.elapsed().as_secs_f32()
    );
    assert!(struck > 0, "nothing died");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
