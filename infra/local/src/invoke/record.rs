//! What was invoked, how it ended, what it cost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use shared::meter::Cost;

use super::Failure;
use crate::event::instant;

/// How many invocations are kept.
const CAPACITY: usize = 20_000;

/// One invocation.
#[derive(Clone, Debug, Serialize)]
pub struct Invocation {
    /// The function.
    pub function: String,
    /// Lambda's id of the invocation.
    pub request_id: String,
    /// `http`, `queue`, `stream`, `schedule` or `desk`.
    pub trigger: &'static str,
    /// When it began, by the clock.
    pub at: String,
    /// `ok`, `error`, `timeout` or `throttled`.
    pub outcome: &'static str,
    /// The error's text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in milliseconds of the machine's time.
    pub duration_ms: u64,
    /// Requests to DynamoDB, behind the choke point.
    pub requests: u32,
    /// Requests one after another.
    pub sequence: u32,
    /// Items written.
    pub items: u32,
    /// Read request units.
    pub read_units: f64,
    /// Write request units.
    pub write_units: f64,
    /// Messages sent to queues.
    pub messages: u32,
    /// What the choke point cost.
    pub choke: Cost,
}

/// An invocation that has begun.
pub(super) struct Begun(Invocation);

impl Begun {
    pub(super) fn new(function: &str, trigger: &'static str, id: &str, at: Timestamp) -> Self {
        Self(Invocation {
            function: function.to_owned(),
            request_id: id.to_owned(),
            trigger,
            at: instant(at),
            outcome: "ok",
            error: None,
            duration_ms: 0,
            requests: 0,
            sequence: 0,
            items: 0,
            read_units: 0.0,
            write_units: 0.0,
            messages: 0,
            choke: Cost::default(),
        })
    }

    pub(super) fn through(mut self, choke: Cost) -> Self {
        self.0.choke = choke;
        self
    }

    pub(super) fn ended(
        self,
        result: &Result<Vec<u8>, Failure>,
        took: Duration,
        cost: Cost,
    ) -> Invocation {
        let outcome = match result {
            Ok(_) => "ok",
            Err(Failure::Throttled) => "throttled",
            Err(Failure::TimedOut(_)) => "timeout",
            Err(_) => "error",
        };
        let error = result.as_ref().err().map(ToString::to_string);
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let mut invocation = Invocation { outcome, error, duration_ms, ..self.0 };
        invocation.set_cost(cost);
        invocation
    }
}

impl Invocation {
    fn set_cost(&mut self, cost: Cost) {
        self.requests = cost.requests;
        self.sequence = cost.sequence;
        self.items = cost.items;
        self.read_units = units(cost.read_milliunits);
        self.write_units = units(cost.write_milliunits);
        self.messages = cost.messages;
    }
}

/// Thousandths as a number with a fraction: a millisecond is the thousandth of a second.
fn units(milliunits: u64) -> f64 {
    Duration::from_millis(milliunits).as_secs_f64()
}

/// The bounded list of invocations; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Invocations {
    inner: Arc<Mutex<List>>,
}

#[derive(Debug, Default)]
struct List {
    ended: VecDeque<Invocation>,
    /// Costs that were reported before the invocation was recorded.
    early: VecDeque<(String, Cost)>,
}

impl Invocations {
    fn list(&self) -> MutexGuard<'_, List> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, mut invocation: Invocation) {
        let mut list = self.list();
        if let Some(at) = list.early.iter().position(|(id, _)| *id == invocation.request_id)
            && let Some((_, cost)) = list.early.remove(at)
        {
            invocation.set_cost(cost);
        }
        if list.ended.len() >= CAPACITY {
            list.ended.pop_front();
        }
        list.ended.push_back(invocation);
    }

    /// A process reports by a line in its log what its invocation cost, which may arrive before
    /// or after the answer.
    pub(super) fn set_cost(&self, request_id: &str, cost: Cost) {
        let mut list = self.list();
        match list.ended.iter_mut().rev().find(|ended| ended.request_id == request_id) {
            Some(invocation) => invocation.set_cost(cost),
            None => {
                list.early.push_back((request_id.to_owned(), cost));
                if list.early.len() > 1_000 {
                    list.early.pop_front();
                }
            }
        }
    }

    /// The last invocations, newest first; of one function, or of all.
    #[must_use]
    pub fn last(&self, function: Option<&str>, limit: usize) -> Vec<Invocation> {
        let list = self.list();
        let newest = list.ended.iter().rev();
        let wanted = newest.filter(|one| function.is_none_or(|function| one.function == function));
        wanted.take(limit).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_finds_its_invocation_whichever_comes_first() {
        let log = Invocations::default();
        let cost = Cost { requests: 2, read_milliunits: 500, ..Cost::default() };
        let ended = |id: &str| {
            let begun = Begun::new("f", "http", id, Timestamp::UNIX_EPOCH);
            begun.ended(&Ok(Vec::new()), Duration::ZERO, Cost::default())
        };
        log.set_cost("early", cost);
        log.add(ended("early"));
        log.add(ended("late"));
        log.set_cost("late", cost);
        log.add(ended("none"));
        let last = log.last(Some("f"), 10);
        let requests: Vec<u32> = last.iter().map(|one| one.requests).collect();
        assert_eq!(requests, [0, 2, 2]);
        assert!((last[1].read_units - 0.5).abs() < f64::EPSILON);
        assert!(log.last(Some("g"), 10).is_empty());
    }
}
