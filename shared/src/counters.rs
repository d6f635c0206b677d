//! How many requests were answered, with which status, and how many of them from a cache.
//!
//! Every execution environment counts for itself and writes what it has counted to an item of its
//! own, at most every ten seconds, as absolute numbers: a write that is repeated or lost changes
//! nothing that the next one does not put right, and one that comes late never undoes a newer one.
//! What a service has counted is the sum of all these
//! items. See `docs/adr/021-counters.md`.
//!
//! Counting is on where the setting `COUNTERS` is `on`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};

use crate::cache::X_CACHE;
use crate::clock::Instant;
use crate::ids;
use crate::problem::{Problem, Result, chain};
use crate::settings::Environment;
use crate::table::{Entity, Key, Query, Table, Write};

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

/// Requests that were answered alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answered {
    /// The route's template; `$default` of what no route matches.
    pub route: String,
    /// The method.
    pub method: String,
    /// The status that was sent.
    pub status: u16,
}

/// What caches had part in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cached {
    /// Answers that a process had kept.
    pub hits: u64,
    /// Answers that were made anew.
    pub misses: u64,
    /// Answers that the caller had: 304.
    pub hits304: u64,
}

/// The sums of all environments' counters. They only grow, and are complete up to ten seconds ago,
/// but for processes that were frozen or ended within ten seconds of their last write.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    /// When counting began.
    pub since: Option<Instant>,
    /// Requests by route, method and status.
    pub requests: BTreeMap<Answered, u64>,
    /// By the class's name.
    pub caches: BTreeMap<String, Cached>,
}

impl Sums {
    /// Adds up what all environments have written. One query for each megabyte: thousands of
    /// environments.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(table: &Table) -> Result<Self> {
        let mut sums = Self::default();
        let mut cursor = None;
        loop {
            let page = table.query(&Query::partition(PARTITION).after(cursor)).await?;
            for counted in page.read::<Counted>()? {
                sums.add(&counted);
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(sums);
            }
        }
    }

    fn add(&mut self, counted: &Counted) {
        let since = self.since.map_or(counted.since, |since| since.min(counted.since));
        self.since = Some(since);
        for (name, count) in &counted.counts {
            match name.split(' ').collect::<Vec<_>>().as_slice() {
                ["request", method, route, status] => {
                    let Ok(status) = status.parse() else { continue };
                    let (route, method) = ((*route).to_owned(), (*method).to_owned());
                    *self.requests.entry(Answered { route, method, status }).or_default() += count;
                }
                ["cache", class, outcome] => {
                    let cached = self.caches.entry((*class).to_owned()).or_default();
                    match *outcome {
                        "HIT" => cached.hits += count,
                        "HIT-304" => cached.hits304 += count,
                        _ => cached.misses += count,
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::table::testing;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(1_768_900_000 + seconds)
    }

    fn counters(table: &Table, setting: &str) -> Counters {
        let environment = [("COUNTERS".to_owned(), setting.to_owned())].into_iter().collect();
        Counters::new(&environment, table.clone(), "club-test")
    }

    async fn answer(counters: &Counters, status: u16, outcome: Option<&'static str>, now: Instant) {
        let mut headers = HeaderMap::new();
        if let Some(outcome) = outcome {
            headers.insert(X_CACHE, HeaderValue::from_static(outcome));
        }
        let status = StatusCode::from_u16(status).unwrap();
        counters.count(("/a/{id}", &Method::GET), status, (Some("user"), &headers), now);
        counters.keep(now).await;
    }

    fn of(sums: &Sums, status: u16) -> u64 {
        let answered = Answered { route: "/a/{id}".into(), method: "GET".into(), status };
        sums.requests.get(&answered).copied().unwrap_or_default()
    }

    #[tokio::test]
    async fn an_environment_writes_at_once_and_then_every_ten_seconds() {
        let table = testing::table().await;
        let one = counters(&table, "on");
        answer(&one, 200, Some("MISS"), at(0)).await;
        assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 1);
        answer(&one, 200, Some("HIT"), at(1)).await;
        answer(&one, 404, None, at(9)).await;
        assert_eq!(of(&Sums::read(&table).await.unwrap(), 404), 0, "not yet");
        answer(&one, 200, Some("HIT-304"), at(10)).await;
        let sums = Sums::read(&table).await.unwrap();
        assert_eq!((of(&sums, 200), of(&sums, 404), sums.since), (3, 1, Some(at(0))));
        let expected = Cached { hits: 1, misses: 1, hits304: 1 };
        assert_eq!(sums.caches, BTreeMap::from([("user".to_owned(), expected)]));
    }

    #[tokio::test]
    async fn environments_add_up_and_never_shrink() {
        let table = testing::table().await;
        let (one, two) = (counters(&table, "on"), counters(&table, "on"));
        let mut last = 0;
        for n in 0..50 {
            answer(if n % 3 == 0 { &one } else { &two }, 200, None, at(n * 3)).await;
            let sum = of(&Sums::read(&table).await.unwrap(), 200);
            assert!(sum >= last && sum <= u64::try_from(n).unwrap() + 1);
            last = sum;
        }
        answer(&one, 500, None, at(200)).await;
        answer(&two, 500, None, at(200)).await;
        let sums = Sums::read(&table).await.unwrap();
        assert_eq!((of(&sums, 200), of(&sums, 500)), (50, 2));
    }

    #[tokio::test]
    async fn nothing_is_written_where_counting_is_off() {
        let table = testing::table().await;
        let off = counters(&table, "off");
        answer(&off, 200, None, at(0)).await;
        assert!(Sums::read(&table).await.unwrap().requests.is_empty());
    }

    #[tokio::test]
    async fn what_came_within_the_pause_is_written_by_its_end() {
        let table = testing::table().await;
        let one = counters(&table, "on");
        answer(&one, 200, None, at(0)).await;
        assert!(one.late().is_none(), "there is nothing to wait for");
        answer(&one, 200, None, at(1)).await;
        assert!(!one.begins_to_wait(), "one waits already");
        let late = one.late().unwrap();
        one.write(late).await;
        assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 2);
        assert!(one.late().is_none());
    }

    #[tokio::test]
    async fn a_write_that_comes_late_undoes_nothing() {
        let table = testing::table().await;
        let one = counters(&table, "on");
        answer(&one, 200, None, at(0)).await;
        answer(&one, 200, None, at(1)).await;
        let old = one.late().unwrap();
        answer(&one, 200, None, at(2)).await;
        let new = one.late().unwrap();
        one.write(new).await;
        one.write(old).await;
        assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 3);
        assert!(!one.lock().dirty, "there is nothing to make up for");
    }

    #[tokio::test]
    async fn two_writes_are_never_within_the_pause() {
        let table = testing::table().await;
        let one = counters(&table, "on");
        assert!(one.rest().is_none(), "nothing was written");
        answer(&one, 200, None, at(0)).await;
        answer(&one, 200, None, at(1)).await;
        // A call writes while somebody waits, and then that one waits on.
        answer(&one, 200, None, at(10)).await;
        let rest = one.rest().unwrap();
        assert!(rest > PAUSE / 2, "{rest:?}");
        // And whoever writes late is no earlier call.
        answer(&one, 200, None, at(11)).await;
        let late = one.late().unwrap();
        one.write(late).await;
        answer(&one, 200, None, at(20)).await;
        assert_eq!(of(&Sums::read(&table).await.unwrap(), 200), 4, "not yet");
    }

    #[test]
    fn any_word_may_be_a_method() {
        assert_eq!(known(&Method::from_bytes(b"BREW").unwrap()), "OTHER");
        assert_eq!(known(&Method::PATCH), "PATCH");
    }
}
