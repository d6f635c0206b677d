//! Moving the clock, from one due instant to the next.

use std::time::Duration;

use engine::Clock;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::Conductor;
use super::schedules::LONG;
use crate::event::instant;
use crate::out;
use crate::store::{Store, StoreError};

/// Under which key the clock's state is stored.
const KEY: &str = "clock";

/// A change of the clock, as `POST /_local/clock` takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Forward by so many seconds.
    #[serde(default)]
    pub advance_seconds: Option<u64>,
    /// To this instant, which must not have passed.
    #[serde(default)]
    pub set: Option<Timestamp>,
    /// Stands still afterwards, or ticks.
    #[serde(default)]
    pub frozen: Option<bool>,
    /// How schedules catch up; by default `last` beyond an hour, else `all`.
    #[serde(default)]
    pub catch_up: Option<CatchUp>,
}

/// How schedules catch up when the clock is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Every time that fell due.
    All,
    /// Once, at the last time that fell due.
    Last,
}

/// Where the clock stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClockAnswer {
    /// The instant, with three decimals.
    pub now: String,
    /// Does it stand still?
    pub frozen: bool,
}

/// The clock cannot be moved so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// It moves forward only.
    #[error(transparent)]
    Backwards(#[from] engine::clock::Backwards),
    /// Two targets, or one that is out of range.
    #[error("{0}")]
    Unclear(&'static str),
    /// The stack is stopping.
    #[error("the stack is stopping")]
    Stopping,
}

impl ClockAnswer {
    /// Where `clock` stands.
    #[must_use]
    pub fn of(clock: &Clock) -> Self {
        Self { now: instant(clock.now()), frozen: clock.is_frozen() }
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Stored {
    now: Timestamp,
    frozen: bool,
    /// Distance from the machine's clock, while ticking.
    offset_ms: i64,
}

/// The clock as it was left, moved to `at` when that is given.
///
/// # Errors
/// When `at` has passed by the stored clock, or the store fails.
pub fn restore(
    store: &Store,
    at: Option<Timestamp>,
    frozen: Option<bool>,
) -> Result<Clock, RestoreError> {
    let stored: Option<Stored> = store.get(KEY)?;
    let clock = match stored {
        Some(stored) if stored.frozen => Clock::at(stored.now),
        Some(stored) => {
            let offset = SignedDuration::from_millis(stored.offset_ms);
            let now = Timestamp::now().checked_add(offset).unwrap_or(stored.now);
            Clock::ticking_from(now.max(stored.now))
        }
        None => at.map_or_else(Clock::system, Clock::ticking_from),
    };
    if let (Some(at), Some(_)) = (at, stored) {
        clock.set(at)?;
    }
    match frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.resume(),
        None => {}
    }
    save(store, &clock, clock.is_frozen())?;
    Ok(clock)
}

/// The clock cannot be started as asked.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It stands later than it was asked to.
    #[error(transparent)]
    Backwards(#[from] engine::clock::Backwards),
    /// The runner's memory.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn save(store: &Store, clock: &Clock, frozen: bool) -> Result<(), StoreError> {
    let now = clock.now();
    let offset_ms = now.as_millisecond().saturating_sub(Timestamp::now().as_millisecond());
    store.put(KEY, &Stored { now, frozen, offset_ms })
}

pub(super) struct Walk {
    change: Move,
    answer: oneshot::Sender<Result<ClockAnswer, ClockError>>,
    route: Option<Route>,
}

#[derive(Clone, Copy)]
struct Route {
    target: Timestamp,
    frozen_after: bool,
}

impl Walk {
    pub(super) fn new(
        change: Move,
        answer: oneshot::Sender<Result<ClockAnswer, ClockError>>,
    ) -> Self {
        Self { change, answer, route: None }
    }
}

impl Conductor {
    /// One step of the walk in front, taken when everything is quiet. Answers whether there is
    /// something to look at again.
    pub(super) fn step(&mut self) -> bool {
        let Some(mut walk) = self.walks.pop_front() else { return false };
        let clock = self.clock().clone();
        let route = match walk.route.map_or_else(|| self.plan(walk.change), Ok) {
            Ok(route) => route,
            Err(error) => {
                let _ = walk.answer.send(Err(error));
                return true;
            }
        };
        walk.route = Some(route);
        let now = clock.now();
        if now < route.target {
            let next = self.next_due(now).filter(|next| *next < route.target);
            let next = next.unwrap_or(route.target);
            // Somebody else may hold the same clock and have moved it further meanwhile.
            let _ = clock.set(next);
            if next == route.target {
                // Whatever expires by the target is to be gone when the walk ends.
                self.swept_at = Timestamp::MIN;
            }
            self.remember(route.frozen_after);
            self.walks.push_front(walk);
            return true;
        }
        if route.frozen_after {
            clock.freeze();
        } else {
            clock.resume();
        }
        self.remember(route.frozen_after);
        let _ = walk.answer.send(Ok(ClockAnswer::of(&clock)));
        true
    }

    /// Where to, and how schedules take part. The clock stands still on the way, so that every
    /// step happens at its own instant.
    fn plan(&mut self, change: Move) -> Result<Route, ClockError> {
        let clock = self.clock().clone();
        let frozen_after = change.frozen.unwrap_or_else(|| clock.is_frozen());
        let now = clock.now();
        let target = match (change.advance_seconds, change.set) {
            (Some(_), Some(_)) => return Err(ClockError::Unclear("either advance_seconds or set")),
            (Some(seconds), None) => now
                .checked_add(Duration::from_secs(seconds))
                .map_err(|_| ClockError::Unclear("advance_seconds is out of range"))?,
            (None, Some(asked)) if asked < now => {
                return Err(engine::clock::Backwards { now, asked }.into());
            }
            (None, Some(target)) => target,
            (None, None) => now,
        };
        clock.freeze();
        let by_default =
            if target.duration_since(now) > LONG { CatchUp::Last } else { CatchUp::All };
        if change.catch_up.unwrap_or(by_default) == CatchUp::Last {
            for schedule in &mut self.schedules {
                schedule.skip_to_last(target);
            }
        }
        Ok(Route { target, frozen_after })
    }

    fn remember(&self, frozen: bool) {
        if let Err(error) = save(&self.context.store, self.clock(), frozen) {
            out::complain(format_args!("clock: {error}"));
        }
    }
}
