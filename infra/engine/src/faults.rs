//! Faults that strike calls, repeatably, and crash points for tests.
//!
//! Faults and crash plans see calls to DynamoDB and SQS, not those to DynamoDB Streams (the
//! pollers' side) nor those of the Rust API. Each retry of the SDK is a call of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) mod messages;
pub(crate) mod partial;
mod replies;

use crate::calls::Peek;
use crate::{Call, NoAnswer, Reply, Service};
use messages::Delivery;

/// The service a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// DynamoDB, without its streams.
    Dynamodb,
    /// SQS.
    Sqs,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 400 `ProvisionedThroughputExceededException`; a transaction is cancelled with the reason
    /// `ThrottlingError`; SQS answers `RequestThrottled`. No effect.
    Throttle,
    /// Another writer was faster: a transaction is cancelled with the reason
    /// `TransactionConflict` for its first item, a single write answers
    /// `TransactionConflictException`. Strikes these calls only. No effect.
    Conflict,
    /// The caller waits in vain; no effect.
    Timeout,
    /// The connection breaks before the call arrives; no effect.
    FailBefore,
    /// The call takes effect, then the connection breaks.
    LostAnswer,
    /// 500 `InternalServerError`; no effect.
    Error,
    /// Only the first half of a batch is done; the rest comes back as unprocessed or failed.
    /// Strikes `BatchGetItem`, `BatchWriteItem` and the batches of SQS that have two or more
    /// entries.
    Partial,
    /// A `Query` or `Scan` of a global index finds nothing, as if what was written had not
    /// reached the index yet. Local indexes have no such lag.
    IndexLag,
    /// What is sent to a queue is answered as usual and never arrives. Strikes `SendMessage` and
    /// its batch only, as do the next two.
    MessageLost,
    /// What is sent to a queue arrives twice.
    MessageTwice,
    /// What is sent to a queue arrives up to two minutes late; messages overtake one another.
    MessageLate,
}

/// Which of the calls that match a fault it strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Each.
    Always,
    /// So many in a million, chosen by the seed. See [`When::rate`].
    PerMillion(u32),
    /// Those with these numbers, counted from 0 since the fault was injected.
    Calls(Vec<u64>),
}

impl When {
    /// A share of the calls, 0.0 to 1.0; what lies outside is cut off.
    #[must_use]
    pub fn rate(share: f64) -> Self {
        // A second has a million microseconds: the conversion without arithmetic on floats.
        let share = Duration::try_from_secs_f64(share.clamp(0.0, 1.0)).unwrap_or_default();
        Self::PerMillion(u32::try_from(share.as_micros()).unwrap_or(1_000_000))
    }
}

/// A fault to inject.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which service.
    pub target: Target,
    /// What happens.
    pub kind: FaultKind,
    /// To which calls.
    pub when: When,
    /// Start of the pseudo-random choice; the same seed strikes the same call numbers.
    pub seed: u64,
    /// Only calls of this access key id.
    pub caller: Option<String>,
    /// Only calls of this operation, e.g. `PutItem`.
    pub operation: Option<String>,
}

impl Fault {
    /// A fault that strikes every call of a service.
    #[must_use]
    pub fn new(target: Target, kind: FaultKind) -> Self {
        Self { target, kind, when: When::Always, seed: 0, caller: None, operation: None }
    }

    /// Only some of the calls.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// The start of the pseudo-random choice.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Only this caller.
    #[must_use]
    pub fn caller(mut self, caller: &str) -> Self {
        self.caller = Some(caller.to_owned());
        self
    }

    /// Only this operation.
    #[must_use]
    pub fn operation(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }
}

/// At which side of a call the caller's process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashMode {
    /// The call has no effect and no answer.
    Before,
    /// The call takes effect and is answered; the next one fails.
    After,
    /// The call takes effect; its answer is lost.
    LostAnswer,
}

/// The death of a caller at its n-th call: from there on every call of that caller fails without
/// effect, until [`Faults::clear`]. The SDK does not retry these failures.
#[derive(Clone, Debug)]
pub struct CrashPlan {
    /// Whose calls; `None` = everybody's.
    pub caller: Option<String>,
    /// The number of the call, counted from 0 since the plan was made.
    pub at: u64,
    /// Before, after or in the middle of it.
    pub mode: CrashMode,
}

/// The faults in force; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    inner: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    faults: Vec<Active>,
    crashes: Vec<Crash>,
    seen: HashMap<String, u64>,
    struck: u64,
    revived: u64,
}

#[derive(Debug)]
struct Active {
    fault: Fault,
    matched: u64,
}

#[derive(Debug)]
struct Crash {
    plan: CrashPlan,
    seen: u64,
    dead: bool,
}

pub(crate) enum Decision {
    Proceed,
    Refuse(Reply),
    LoseAnswer(NoAnswer),
    DoPart,
    HideIndex,
    Deliver(Delivery),
}

impl Faults {
    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a fault in force. Of several that strike one call, the first injected wins.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.push(Active { fault, matched: 0 });
    }

    /// Puts a crash point in force.
    pub fn crash(&self, plan: CrashPlan) {
        self.state().crashes.push(Crash { plan, seen: 0, dead: false });
    }

    /// Takes back all faults and crash points; the dead live again. Counters stay.
    pub fn clear(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.crashes.clear();
    }

    /// The caller's process is over and the next one begins: a crash point of its own that has
    /// been reached is spent.
    pub fn revive(&self, caller: &str) {
        let mut state = self.state();
        let before = state.crashes.len();
        state.crashes.retain(|crash| !crash.dead || crash.plan.caller.as_deref() != Some(caller));
        let spent = before.saturating_sub(state.crashes.len());
        state.revived = state.revived.saturating_add(u64::try_from(spent).unwrap_or(u64::MAX));
    }

    /// How many crash points were spent by [`Faults::revive`].
    #[must_use]
    pub fn revived(&self) -> u64 {
        self.state().revived
    }

    /// Whether a crash point has been reached and its caller is still dead.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.state().crashes.iter().any(|crash| crash.dead)
    }

    /// How many calls to DynamoDB and SQS have been seen since the last
    /// [`Faults::reset_counts`]: of one caller, or of all.
    #[must_use]
    pub fn seen(&self, caller: Option<&str>) -> u64 {
        let state = self.state();
        match caller {
            Some(caller) => state.seen.get(caller).copied().unwrap_or(0),
            None => state.seen.values().sum(),
        }
    }

    /// How many calls were struck by faults and crash points since the last
    /// [`Faults::reset_counts`].
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.state().struck
    }

    /// Starts [`Faults::seen`] and [`Faults::struck`] from 0.
    pub fn reset_counts(&self) {
        let mut state = self.state();
        state.seen.clear();
        state.struck = 0;
    }

    pub(crate) fn decide(&self, call: &Call, peek: &Peek) -> Decision {
        if call.service == Service::DynamodbStreams {
            return Decision::Proceed;
        }
        let mut state = self.state();
        match state.seen.get_mut(&call.caller) {
            Some(count) => *count = count.saturating_add(1),
            None => drop(state.seen.insert(call.caller.clone(), 1)),
        }
        let crash = state.crashes.iter_mut().find_map(|crash| crash.decide(call));
        let decision = crash.or_else(|| {
            // Each fault counts the call, also behind one that strikes it first.
            let faults = state.faults.iter_mut();
            let struck = faults.fold(None, |first, active| first.or(active.strikes(call, peek)));
            let (kind, seed) = struck?;
            Some(replies::of(kind, call, peek, seed))
        });
        match decision {
            Some(decision) => {
                state.struck = state.struck.saturating_add(1);
                decision
            }
            None => Decision::Proceed,
        }
    }
}

impl Crash {
    fn decide(&mut self, call: &Call) -> Option<Decision> {
        if self.plan.caller.as_ref().is_some_and(|caller| *caller != call.caller) {
            return None;
        }
        let number = self.seen;
        self.seen = self.seen.saturating_add(1);
        if self.dead {
            return Some(Decision::Refuse(Reply::Silence(NoAnswer::Dead)));
        }
        if number != self.plan.at {
            return None;
        }
        self.dead = true;
        match self.plan.mode {
            CrashMode::Before => Some(Decision::Refuse(Reply::Silence(NoAnswer::Dead))),
            CrashMode::After => None,
            CrashMode::LostAnswer => Some(Decision::LoseAnswer(NoAnswer::Dead)),
        }
    }
}

impl Active {
    /// The fault that strikes the call, with a number of its own for whatever it has to choose.
    fn strikes(&mut self, call: &Call, peek: &Peek) -> Option<(FaultKind, u64)> {
        let Fault { target, kind, when, seed, caller, operation } = &self.fault;
        let service = match target {
            Target::Dynamodb => Service::Dynamodb,
            Target::Sqs => Service::Sqs,
        };
        let matches = call.service == service
            && caller.as_ref().is_none_or(|caller| *caller == call.caller)
            && operation.as_ref().is_none_or(|operation| *operation == call.operation)
            && replies::can_strike(*kind, call, peek);
        if !matches {
            return None;
        }
        let number = self.matched;
        self.matched = self.matched.saturating_add(1);
        let drawn = draw(*seed, number);
        let strikes = match when {
            When::Always => true,
            When::PerMillion(share) => drawn % 1_000_000 < u64::from(*share),
            When::Calls(numbers) => numbers.contains(&number),
        };
        strikes.then_some((*kind, drawn))
    }
}

/// The n-th number of splitmix64, so that the choice depends on the call's number alone.
fn draw(seed: u64, number: u64) -> u64 {
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut z = seed.wrapping_add(STEP.wrapping_mul(number.wrapping_add(1)));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_is_splitmix64_and_keeps_its_rate() {
        // Reference values of splitmix64 with seed 0.
        assert_eq!(draw(0, 0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(draw(0, 1), 0x6e78_9e6a_a1b9_65f4);
        let struck = (0..100_000).filter(|n| draw(7, *n) % 1_000_000 < 100_000).count();
        assert!((9_500..10_500).contains(&struck), "{struck}");
    }

    #[test]
    fn a_rate_is_a_share_in_a_million() {
        assert_eq!(When::rate(0.1), When::PerMillion(100_000));
        assert_eq!(When::rate(7.0), When::PerMillion(1_000_000));
        assert_eq!(When::rate(f64::NAN), When::PerMillion(0));
    }
}
