//! How many requests were answered, with which status, and how many of them from a cache.
//!
//! Every execution environment counts for itself and writes what it has counted to an item of its
//! own, at most every ten seconds, as absolute numbers: a write that is repeated or lost changes
//! nothing that the next one does not put right, and one that comes late never undoes a newer one.
//! A job adds what environments have written that are not heard of any more to one total for each
//! function ([`fold`]). What a service has counted is the sum of all these items: as many as there
//! are functions, and environments of late. See `docs/adr/021-counters.md`.
//!
//! Counting is on where the setting `COUNTERS` is `on`.

mod folding;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use http::{HeaderMap, Method, StatusCode};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::cache::X_CACHE;
use crate::clock::Instant;
use crate::ids;
use crate::problem::{Problem, chain};
use crate::settings::Environment;
use crate::table::{Entity, Key, Table, Write};

pub use folding::fold;
pub use sums::{Answered, Cached, Sums};

/// How often an environment writes at most.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a write may take.
const LIMIT: Duration = Duration::from_millis(500);
/// How long after its last write an environment begins a new item, and writes to the old one no
/// more. What is folded is older, so that nobody writes to it.
const QUIET: SignedDuration = SignedDuration::from_mins(30);
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
    /// As much of it as may stand in the item.
    sent: BTreeMap<String, u64>,
    /// Is it known that there is an item?
    lodged: bool,
    /// When an answer was last counted, by its call's clock.
    counted: Option<Instant>,
    /// The same when a write was last begun.
    begun: Option<Instant>,
    /// Is there anything that was not written yet?
    dirty: bool,
    /// When a write was last begun: by this process's clock, and by that of the call that began it.
    written: Option<(Stopwatch, Option<Instant>)>,
    /// Does somebody wait to write what nobody else has written by then?
    waits: bool,
}

impl State {
    /// Goes on in another item, with what the old one does not hold.
    fn begin_anew(&mut self) {
        for (name, count) in std::mem::take(&mut self.sent) {
            if let Some(left) = self.counts.get_mut(&name) {
                *left = left.saturating_sub(count);
            }
        }
        self.counts.retain(|_, count| *count > 0);
        self.dirty = !self.counts.is_empty();
        self.id = ids::uuid();
        self.lodged = false;
        self.begun = None;
        self.written = None;
    }
}

/// A write that is due.
#[derive(Debug)]
struct Due {
    counted: Counted,
    /// What may have stood in the item before.
    before: BTreeMap<String, u64>,
    /// See [`State::lodged`].
    lodged: bool,
}

/// What one environment has counted.
#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    function: String,
    id: String,
    since: Instant,
    /// When it was written, by a call's clock.
    #[serde(default)]
    at: Option<Instant>,
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
        if state.begun.is_some_and(|begun| now.since(begun) >= QUIET) {
            state.begin_anew();
        }
        state.since.get_or_insert(now);
        state.counted = Some(now);
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
    /// fails is made up for by the next one; until the first has come through, only calls write,
    /// which wait for it: one that a frozen process ends hours later can make no item anew.
    pub(crate) async fn keep(&self, now: Instant) {
        if let Some(due) = self.due(now) {
            self.write(due).await;
        } else if self.begins_to_wait() {
            let later = self.clone();
            tokio::spawn(async move {
                // Somebody may write meanwhile, from when on the pause is a new one.
                while let Some(rest) = later.rest() {
                    tokio::time::sleep(rest).await;
                }
                let late = later.late();
                if let Some(late) = late {
                    later.write(late).await;
                }
            });
        }
    }

    /// What is to be written now, if it is time.
    fn due(&self, now: Instant) -> Option<Due> {
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
    fn late(&self) -> Option<Due> {
        let mut state = self.lock();
        state.waits = false;
        // Before there is an item only calls write, even where another one was begun meanwhile.
        if !state.dirty || !state.lodged {
            return None;
        }
        // No call began it, so that no call's clock tells how long ago that is.
        state.written = Some((Stopwatch::now(), None));
        self.taken(&mut state)
    }

    fn taken(&self, state: &mut State) -> Option<Due> {
        state.dirty = false;
        state.begun = state.counted;
        let before = std::mem::replace(&mut state.sent, state.counts.clone());
        let counted = Counted {
            function: self.function.to_owned(),
            id: state.id.clone(),
            since: state.since?,
            at: state.begun,
            total: state.counts.values().sum(),
            counts: state.counts.clone(),
        };
        Some(Due { counted, before, lodged: state.lodged })
    }

    fn begins_to_wait(&self) -> bool {
        let mut state = self.lock();
        let begins = state.dirty && state.lodged && !state.waits;
        state.waits |= begins;
        begins
    }

    async fn write(&self, due: Due) {
        let counted = &due.counted;
        // An update, which every role with a limit is allowed.
        let write = Write::update("counters", counted.key())
            .set("kind", Counted::KIND)
            .set("function", &counted.function)
            .set("id", &counted.id)
            .set("since", counted.since)
            .set("at", counted.at)
            .set("total", counted.total)
            .set("counts", &counted.counts)
            // What was folded is gone, and must not come again.
            .when(match due.lodged {
                true => "#total < :total_now",
                false => "attribute_not_exists(#total) OR #total < :total_now",
            })
            .bind(":total_now", counted.total);
        // Nobody's answer waits longer for this.
        let failed = match tokio::time::timeout(LIMIT, self.table.write(write)).await {
            Ok(Ok(_)) => return self.settle(due, true),
            Ok(Err(error)) => match error.refusal() {
                // As much or more is written already, or it was folded.
                Ok(refusal) => return self.settle(due, refusal.old("counters").is_some()),
                Err(error) => chain(&Problem::from(error)),
            },
            Err(_) => "no answer in time".to_owned(),
        };
        self.lock().dirty = true;
        tracing::warn!(error = failed, "counters not written");
    }

    /// Takes note of whether there is an item after a write. Where there was one and is none, it
    /// was folded with what it held before.
    fn settle(&self, due: Due, is_there: bool) {
        let mut state = self.lock();
        if state.id != due.counted.id {
            return;
        }
        state.lodged = is_there;
        if !is_there {
            state.sent = due.before;
            state.begin_anew();
        }
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
