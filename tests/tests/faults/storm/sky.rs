//! What goes wrong, drawn from a seed: at the store, at the queues, at the processes, outside; and
//! the clock, which moves on in leaps.

use std::sync::Arc;
use std::time::Duration;

use engine::{CrashMode, CrashPlan, Fault, FaultKind, Target, When};
use serde_json::{Value, json};

use super::course::{Known, Place, Storm};
use super::dice::Dice;
use crate::bench::Bench;

/// How long one kind of weather lasts.
const SPELL: Duration = Duration::from_millis(200);

/// With more messages waiting the clock leaps no more: hours would pass in which this machine could
/// not do the work of minutes, and every sweep would find it undone.
const BACKLOG: u64 = 100;

/// What may go wrong, for which share of the calls. Few messages are doubled, be it by a lost
/// answer: a hint that comes too early is sent again, and so is each of its doubles.
const TROUBLES: [(Target, FaultKind, f64); 16] = [
    (Target::Dynamodb, FaultKind::Throttle, 0.04),
    (Target::Dynamodb, FaultKind::Throttle, 0.4),
    (Target::Dynamodb, FaultKind::Conflict, 0.15),
    (Target::Dynamodb, FaultKind::Error, 0.04),
    (Target::Dynamodb, FaultKind::FailBefore, 0.04),
    (Target::Dynamodb, FaultKind::LostAnswer, 0.04),
    (Target::Dynamodb, FaultKind::Timeout, 0.01),
    (Target::Dynamodb, FaultKind::Partial, 0.3),
    (Target::Dynamodb, FaultKind::IndexLag, 0.4),
    (Target::Sqs, FaultKind::Throttle, 0.3),
    (Target::Sqs, FaultKind::Error, 0.3),
    (Target::Sqs, FaultKind::LostAnswer, 0.05),
    (Target::Sqs, FaultKind::Partial, 0.5),
    (Target::Sqs, FaultKind::MessageLost, 0.3),
    (Target::Sqs, FaultKind::MessageTwice, 0.05),
    (Target::Sqs, FaultKind::MessageLate, 0.5),
];

/// What goes wrong outside.
const OUTSIDE: [(&str, &str, f64); 9] = [
    ("telegram", "throttle", 0.1),
    ("telegram", "error", 0.1),
    ("telegram", "lost_answer", 0.02),
    ("telegram", "delay", 0.1),
    ("provider", "throttle", 0.1),
    ("provider", "error", 0.2),
    ("provider", "lost_answer", 0.1),
    ("provider", "delay", 0.2),
    ("provider", "conflict", 0.1),
];

/// How far the clock leaps, in seconds, and how often compared with others.
pub const LEAPS: [(u64, usize); 6] = [(0, 40), (1, 30), (5, 15), (20, 9), (60, 5), (300, 1)];

/// One kind of weather after another, until the storm is over.
pub async fn rage<P: Place, K: Known>(storm: Arc<Storm<P, K>>) {
    let mut dice = Dice::new(storm.seed, 1_000_000);
    while !storm.is_over() {
        let bench = storm.bench();
        heal(bench).await;
        let mut weather = Vec::new();
        for _ in 0..dice.below(4) {
            weather.push(trouble(bench, &mut dice));
        }
        for _ in 0..dice.below(2) {
            let (target, kind, rate) = *dice.pick(&OUTSIDE);
            let seed = dice.next() >> 12;
            let fault = json!({
                "target": target, "kind": kind, "rate": rate, "seed": seed, "delay_ms": 80,
            });
            bench.desk("POST", "faults", &fault).await;
            weather.push(format!("{target} {kind} {rate}"));
        }
        if dice.chance(60) {
            weather.push(death(bench, &mut dice));
        }
        let mut leap = dice.drawn(storm.place.leaps());
        if waiting(bench) > BACKLOG {
            leap = leap.min(1);
        }
        let now = bench.stack.clock().advance(Duration::from_secs(leap));
        storm.note(format!("weather at {now}: {}", weather.join(", ")));
        tokio::time::sleep(SPELL).await;
    }
}

/// Ends all faults.
pub async fn heal(bench: &Bench) {
    bench.desk("DELETE", "faults", &Value::Null).await;
}

/// Messages that could be worked on now.
fn waiting(bench: &Bench) -> u64 {
    let queues = bench.stack.engine().queues().depths().expect("depths");
    let queues = queues.iter().filter(|queue| queue.dead_letter_queue.is_some());
    queues.map(|queue| queue.visible).sum()
}

fn trouble(bench: &Bench, dice: &mut Dice) -> String {
    let (target, kind, rate) = *dice.pick(&TROUBLES);
    let fault = Fault::new(target, kind).when(When::rate(rate)).seed(dice.next());
    bench.stack.engine().faults().inject(fault);
    format!("{target:?} {kind:?} {rate}")
}

/// A function's process dies at one of its next calls.
fn death(bench: &Bench, dice: &mut Dice) -> String {
    let functions: Vec<_> = bench.stack.wiring().functions.keys().collect();
    let function = *dice.pick(&functions);
    let at = u64::try_from(dice.below(6)).unwrap();
    let mode = *dice.pick(&[CrashMode::Before, CrashMode::After, CrashMode::LostAnswer]);
    let plan = CrashPlan { caller: Some(format!("local-{function}")), at, mode };
    bench.stack.engine().faults().crash(plan);
    format!("{function} dies at {at} {mode:?}")
}
