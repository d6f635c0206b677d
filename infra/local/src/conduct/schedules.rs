//! Schedules that make functions run, at least once for each time that fell due.
//!
//! A fire is written down before its function runs and crossed out when it has ended, so that a
//! stack that dies in between runs it again.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{Context, Done, Look, WorkError};
use crate::event;
use crate::expression::Expression;
use crate::invoke::Failure;
use crate::store::{Store, StoreError};
use crate::template::ScheduleSpec;

/// When a stack comes back after a longer time than this, each schedule fires once, not for
/// every time it missed.
pub(super) const LONG: SignedDuration = SignedDuration::from_hours(1);
/// Lambda waits a minute before the first retry of an asynchronous invocation, two before the
/// second.
const RETRY_AFTER: SignedDuration = SignedDuration::from_mins(1);

pub(super) struct Scheduler {
    spec: ScheduleSpec,
    expression: Expression,
    key: String,
    state: State,
    running: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Up to here everything has fired.
    fired_until: Timestamp,
    pending: Vec<Fire>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fire {
    id: String,
    /// The time it fired for.
    at: Timestamp,
    /// When it is to run: later than `at` after a failure.
    due: Timestamp,
    attempts: u32,
}

pub(super) struct Outcome {
    id: String,
    answer: Result<Vec<u8>, Failure>,
}

impl Scheduler {
    pub(super) fn new(
        spec: ScheduleSpec,
        expression: Expression,
        store: &Store,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let key = format!("schedule/{}/{}", spec.function, spec.expression);
        let fresh = || State { fired_until: now, pending: Vec::new() };
        let state = store.get(&key)?.unwrap_or_else(fresh);
        Ok(Self { spec, expression, key, state, running: false })
    }

    /// Leaves out all times up to `target` but the last.
    pub(super) fn skip_to_last(&mut self, target: Timestamp) {
        if let Some(last) = self.expression.last(target)
            && let Ok(before) = last.checked_sub(SignedDuration::from_millis(1))
        {
            self.state.fired_until = self.state.fired_until.max(before);
        }
    }

    /// Starts what is due, one run at a time.
    pub(super) fn start(
        &mut self,
        index: usize,
        now: Timestamp,
        context: &Context,
        jobs: &mut JoinSet<Done>,
    ) -> Result<Look, WorkError> {
        self.fire(now, context)?;
        if self.running {
            return Ok(Look::default());
        }
        let due = self.state.pending.iter().filter(|fire| fire.due <= now);
        let Some(fire) = due.min_by_key(|fire| fire.due).cloned() else {
            return Ok(Look::default());
        };
        if !context.invoker.has_room(&self.spec.function) {
            return Ok(Look::STARVED);
        }
        self.running = true;
        let event = event::schedule(&fire.id, &self.spec.function, fire.at);
        let (invoker, function) = (context.invoker.clone(), self.spec.function.clone());
        jobs.spawn(async move {
            let payload = Bytes::from(event.to_string());
            let answer = invoker.invoke(&function, "schedule", payload).await;
            Done::Schedule(index, Outcome { id: fire.id, answer })
        });
        Ok(Look::default())
    }

    fn fire(&mut self, now: Timestamp, context: &Context) -> Result<(), WorkError> {
        if now.duration_since(self.state.fired_until) > LONG {
            self.skip_to_last(now);
        }
        let mut fired = false;
        while let Some(at) = self.expression.next(self.state.fired_until).filter(|at| *at <= now) {
            self.state.fired_until = at;
            let id = uuid::Uuid::new_v4().to_string();
            self.state.pending.push(Fire { id, at, due: at, attempts: 0 });
            fired = true;
        }
        if fired {
            context.store.put(&self.key, &self.state)?;
        }
        Ok(())
    }

    /// The next instant at which there is something to do.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let retries = self.state.pending.iter().map(|fire| fire.due).filter(|due| *due > now);
        let next = self.expression.next(self.state.fired_until);
        retries.chain(next).min()
    }

    pub(super) fn ended(
        &mut self,
        outcome: Outcome,
        now: Timestamp,
        context: &Context,
    ) -> Result<(), WorkError> {
        self.running = false;
        let Some(position) = self.state.pending.iter().position(|fire| fire.id == outcome.id)
        else {
            return Ok(());
        };
        let Some(fire) = self.state.pending.get_mut(position) else { return Ok(()) };
        if let Err(failure) = outcome.answer {
            fire.attempts = fire.attempts.saturating_add(1);
            if fire.attempts <= self.spec.retries {
                let wait = RETRY_AFTER.saturating_mul(i32::try_from(fire.attempts).unwrap_or(1));
                fire.due = now.checked_add(wait).unwrap_or(now);
                return Ok(context.store.put(&self.key, &self.state)?);
            }
            if let Some(queue) = &self.spec.failures {
                let name = &self.spec.function;
                let event = event::schedule(&fire.id, name, fire.at);
                let condition = "RetriesExhausted";
                let error = failure.to_string();
                let letter = event::given_up(name, condition, fire.attempts, &event, &error, now);
                context.engine.queues().send(queue, &letter.to_string(), None)?;
            }
        }
        self.state.pending.remove(position);
        Ok(context.store.put(&self.key, &self.state)?)
    }
}
