//! What storms have in common: chance, the weather, requests, and what is written down of them.

pub mod asks;
pub mod course;
pub mod crowd;
pub mod diary;
pub mod dice;
pub mod records;
pub mod sky;

use std::env;
use std::time::Duration;

use crate::bench::Bench;

/// How long the stack may take to come to rest.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How far the clock goes after a storm, step by step, until nothing is left to do.
pub const CALMS: [u64; 9] = [60, 60, 120, 240, 480, 900, 1_800, 3_600, 7_200];

/// What storms came to, one after another.
#[derive(Debug, Default)]
pub struct Toll {
    pub lasted: Duration,
    pub operations: u64,
    pub struck: u64,
    pub calmed: Duration,
    pub found: Vec<String>,
}

impl Toll {
    /// What there is to say of them in one line.
    pub fn line(&self, title: &str, seed: u64) -> String {
        format!(
            "storm, {title}: seed {seed}, {} s, {} operations, {} faults, {} violations, converged \
             in {} s",
            self.lasted.as_secs(),
            self.operations,
            self.struck,
            self.found.len(),
            self.calmed.as_secs()
        )
    }
}

/// A number that the environment may set otherwise.
pub fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Dead letters go back to where they came from. What only tells that a schedule or a stream failed
/// has been read then. Answers what was moved.
pub fn redrive(bench: &Bench) -> Vec<String> {
    let queues = bench.stack.engine().queues();
    let mut notes = Vec::new();
    for queue in queues.depths().expect("depths") {
        if let (Some(dead), true) = (&queue.dead_letter_queue, queue.dead_letters > 0) {
            let moved = queues.redrive(dead).expect("a redrive");
            notes.push(format!("{moved} dead letters of {} go back", queue.name));
        }
    }
    for queue in queues.depths().expect("depths") {
        if queue.name.ends_with("-dead") && queue.visible > 0 {
            notes.push(format!("{} letters of {}", queue.visible, queue.name));
            queues.purge(&queue.name).expect("a purge");
        }
    }
    notes
}
