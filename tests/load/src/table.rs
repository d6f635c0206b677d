//! Latencies and the table of a run.

use std::time::Duration;

use benches::{line, milliseconds, percentile};

/// What one measurement saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// How long each request took.
    pub latencies: Vec<Duration>,
    /// How long the whole took.
    pub elapsed: Duration,
    /// Answers of another status than was wanted.
    pub errors: usize,
    /// Processor time of the stack, in microseconds.
    pub processor_us: Option<u64>,
}

impl Seen {
    /// Requests a second.
    pub fn per_second(&self) -> u128 {
        let count = u128::try_from(self.latencies.len()).unwrap_or_default();
        count * 1_000_000 / self.elapsed.as_micros().max(1)
    }

    fn cells(&mut self) -> String {
        self.latencies.sort_unstable();
        let at = |percent| milliseconds(percentile(&self.latencies, percent));
        let requests = u64::try_from(self.latencies.len()).unwrap_or_default().max(1);
        let each = self.processor_us.map_or("–".to_owned(), |us| (us / requests).to_string());
        let (per_second, errors) = (self.per_second(), self.errors);
        format!("{per_second} | {} | {} | {} | {each} | {errors}", at(50), at(95), at(99))
    }
}

/// Prints the head.
pub fn head() {
    line(
        "| request | connections | requests/s | p50 ms | p95 ms | p99 ms | stack's CPU µs each | errors | before, requests/s | × |",
    );
    line("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
}

/// Prints a row beside the figure of the system that was there before, in requests a second.
pub fn row(name: &str, connections: usize, seen: &mut Seen, before: Option<u128>) {
    let times = before.map(|before| {
        let tenths = seen.per_second() * 10 / before.max(1);
        format!("{} | {}.{}", before, tenths / 10, tenths % 10)
    });
    let times = times.unwrap_or_else(|| "– | –".to_owned());
    line(&format!("| {name} | {connections} | {} | {times} |", seen.cells()));
}
