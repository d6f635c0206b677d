//! How many requests were answered, with which status, and how many of them from a cache.
//!
//! Every execution environment counts for itself and writes what it has counted to an item of its
//! own, at most every ten seconds, as absolute numbers: a write that is repeated or lost changes
//! nothing that the next one does not put right, and one that comes late never undoes a newer one.
//! What a service has counted is the sum of all these
//! items. See `docs/adr/021-counters.md`.
//!
//! Counting is on where the setting `COUNTERS` is `on`.

mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::cache::X_CACHE;
use crate::clock::Instant;
use crate::ids;
use crate::problem::{Problem, chain};
use crate::settings::Environment;
use crate::table::{Entity, Key, Table, Write};

pub use sums::{Answered, Cached, Sums};

/// How often an environment writes at most.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a write may take.
const LIMIT: Duration = Duration::from_millis(500);
/// Where all counters of a service are.
const PARTITION: &str = "COUNTERS";

/// The counters of one execution environment. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Counters {
    table: Table,
    function: &'static str,
    is_on: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    id: String,
    since: Option<Instant>,
    counts: BTreeMap<String, u64>,
    /// Is there anything that was not written yet?
    dirty: bool,
    /// When a write was last begun: by this process's clock, and by that of the call that began it.
    written: Option<(Stopwatch, Option<Instant>)>,
    /// Does somebody wait to write what nobody else has written by then?
    waits: bool,
}

/// What one environment has counted.
#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    function: String,
    id: String,
    since: Instant,
    /// All counts together, which tells the newer of two writes.
    #[serde(default)]
    total: u64,
    counts: BTreeMap<String, u64>,
}

impl Counted {
    fn key_of(function: &str, id: &str) -> Key {
        Key::new(PARTITION, format!("{function}#{id}"))
    }
}

impl Entity for Counted {
    const KIND: &'static str = "Counters";

    fn key(&self) -> Key {
        Self::key_of(&self.function, &self.id)
    }
}

impl Counters {
    /// The counters of this process for `function`.
    #[must_use]
    pub fn new(environment: &Environment, table: Table, function: &'static str) -> Self {
        let is_on = environment.get("COUNTERS") == Some("on");
        let state = State { id: ids::uuid(), ..State::default() };
        Self { table, function, is_on, state: Arc::new(Mutex::new(state)) }
    }

    /// Counts an answer: its route's template, the method, the real status, and how the cache of
    /// `class` had part in it.
    pub(crate) fn count(
        &self,
        (route, method): (&str, &Method),
        status: StatusCode,
        (class, headers): (Option<&'static str>, &HeaderMap),
        now: Instant,
    ) {
        if !self.is_on {
            return;
        }
        let mut state = self.lock();
        state.since.get_or_insert(now);
        state.dirty = true;
        let request = format!("request {} {route} {}", known(method), status.as_u16());
        *state.counts.entry(request).or_default() += 1;
        let outcome = headers.get(X_CACHE).and_then(|outcome| outcome.to_str().ok());
        if let (Some(class), Some(outcome)) = (class, outcome) {
            *state.counts.entry(format!("cache {class} {outcome}")).or_default() += 1;
        }
    }

    /// Writes what was counted if the last write is long enough ago; else sees to it that it is
    /// written by then, unless the process is frozen before: then its next call does. A write that
    /// fails is made up for by the next one.
    pub(crate) async fn keep(&self, now: Instant) {
        if let Some(counted) = self.due(now) {
            self.write(counted).await;
        } else if self.begins_to_wait() {
            let later = self.clone();
            tokio::spawn(async move {
                // Somebody may write meanwhile, from when on the pause is a new one.
                while let Some(rest) = later.rest() {
                    tokio::time::sleep(rest).await;
                }
                let counted = later.late();
                if let Some(counted) = counted {
                    later.write(counted).await;
                }
            });
        }
    }

    /// What is to be written now, if it is time.
    fn due(&self, now: Instant) -> Option<Counted> {
        let mut state = self.lock();
        let pause = jiff::SignedDuration::try_from(PAUSE).unwrap_or_default();
        let is_time = state.written.is_none_or(|(written, at)| {
            // By either clock: a frozen process may know of the pause by the call's alone.
            written.elapsed() >= PAUSE || at.is_some_and(|at| now.since(at) >= pause)
        });
        if !state.dirty || !is_time {
            return None;
        }
        state.written = Some((Stopwatch::now(), Some(now)));
        self.taken(&mut state)
    }

    /// What is left of the pause after the last write, if anything is.
    fn rest(&self) -> Option<Duration> {
        let (written, _) = self.lock().written?;
        PAUSE.checked_sub(written.elapsed()).filter(|rest| !rest.is_zero())
    }

    /// What nobody has written while somebody waited.
    fn late(&self) -> Option<Counted> {
        let mut state = self.lock();
        state.waits = false;
        if !state.dirty {
            return None;
        }
        // No call began it, so that no call's clock tells how long ago that is.
        state.written = Some((Stopwatch::now(), None));
        self.taken(&mut state)
    }

    fn taken(&self, state: &mut State) -> Option<Counted> {
        state.dirty = false;
        Some(Counted {
            function: self.function.to_owned(),
            id: state.id.clone(),
            since: state.since?,
            total: state.counts.values().sum(),
            counts: state.counts.clone(),
        })
    }

    fn begins_to_wait(&self) -> bool {
        let mut state = self.lock();
        let begins = state.dirty && !state.waits;
        state.waits |= begins;
        begins
    }

    async fn write(&self, counted: Counted) {
        // An update, which every role with a limit is allowed.
        let write = Write::update("counters", counted.key())
            .set("kind", Counted::KIND)
            .set("function", &counted.function)
            .set("id", &counted.id)
            .set("since", counted.since)
            .set("total", counted.total)
            .set("counts", &counted.counts)
            .when("attribute_not_exists(#total) OR #total < :total_now")
            .bind(":total_now", counted.total);
        // Nobody's answer waits longer for this.
        let failed = match tokio::time::timeout(LIMIT, self.table.write(write)).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => match error.refusal() {
                // As much or more is written already.
                Ok(_) => return,
                Err(error) => chain(&Problem::from(error)),
            },
            Err(_) => "no answer in time".to_owned(),
        };
        self.lock().dirty = true;
        tracing::warn!(error = failed, "counters not written");
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Methods that are counted by name: callers may send any word.
fn known(method: &Method) -> &str {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.as_str(),
        _ => "OTHER",
    }
}
