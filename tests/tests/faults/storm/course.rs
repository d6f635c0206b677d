//! The course of a storm: what all its parts share, whatever it goes over.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::task::JoinHandle;

use super::diary::Diary;
use super::records::SecondReader;
use super::{Toll, sky};
use crate::bench::Bench;

/// What a storm goes over.
pub trait Place: Send + Sync + 'static {
    fn bench(&self) -> &Bench;
    /// How far the clock leaps, in seconds, and how often compared with others.
    fn leaps(&self) -> &'static [(u64, usize)] {
        &sky::LEAPS
    }
}

/// What people know of the place, with the diary of what happens.
pub trait Known: Default + Send + 'static {
    fn diary(&mut self) -> &mut Diary;
}

/// Everything that the parts of a storm share.
pub struct Storm<P, K> {
    pub place: P,
    pub seed: u64,
    pub people: Vec<i64>,
    pub operations: AtomicU64,
    pub reader: SecondReader,
    board: Mutex<K>,
    over: AtomicBool,
    fresh: AtomicI64,
    began: Instant,
}

impl<P: Place, K: Known> Storm<P, K> {
    /// A storm that begins now.
    pub fn begin(place: P, seed: u64, people: Vec<i64>) -> Arc<Self> {
        place.bench().stack.engine().faults().reset_counts();
        // Who measures a pace needs a clock that goes on.
        place.bench().stack.clock().resume();
        Arc::new(Self {
            place,
            seed,
            people,
            operations: AtomicU64::new(0),
            reader: SecondReader::default(),
            board: Mutex::default(),
            over: AtomicBool::new(false),
            fresh: AtomicI64::new(0),
            began: Instant::now(),
        })
    }

    pub fn bench(&self) -> &Bench {
        self.place.bench()
    }

    pub fn board(&self) -> MutexGuard<'_, K> {
        self.board.lock().expect("the board")
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// How long it has been going on.
    pub fn lasted(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn done(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// A number that nobody has drawn yet.
    pub fn fresh(&self) -> i64 {
        self.fresh.fetch_add(1, Ordering::Relaxed)
    }

    pub fn note(&self, line: String) {
        self.note_in(&mut self.board(), line);
    }

    pub fn note_in(&self, board: &mut K, line: String) {
        let (began, now) = (self.began.elapsed().as_millis(), self.bench().stack.clock().now());
        board.diary().write_down(format!("{began:>7} ms, {now}: {line}"));
    }

    pub fn finding(&self, what: String) {
        self.note(format!("FOUND: {what}"));
        self.board().diary().finding(what);
    }

    /// Goes on until it is `enough`, something is found, or one of its parts ends.
    pub async fn go_on(
        self: &Arc<Self>,
        mut parts: Vec<JoinHandle<()>>,
        enough: impl Fn() -> bool,
    ) {
        parts.push(tokio::spawn(sky::rage(self.clone())));
        let is_sound = || self.board().diary().found.is_empty();
        while !enough() && is_sound() && !parts.iter().any(JoinHandle::is_finished) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.over.store(true, Ordering::Relaxed);
        for part in join_all(parts).await {
            part.expect("nobody panics in a storm");
        }
    }

    /// Adds what has come of it to what others came to.
    pub fn count(&self, toll: &mut Toll) {
        toll.operations += self.done();
        toll.struck += self.bench().stack.engine().faults().struck() + self.reader.doubled();
        toll.found.extend(self.board().diary().found.iter().cloned());
    }
}
