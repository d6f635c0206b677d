//! A storm: many people at once, while everything that can fail does, by a seed. Every answer is
//! looked at, and when the wind has dropped everything has to come to rest with all invariants.
//!
//! `STORM_SECONDS` and `STORM_SEED` make it longer and other.

mod acts;
mod board;
mod crowd;
mod outside;
mod witness;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::invariants::{unsettled, violations};
use super::properties::town::{Person, Town};
use crate::bench::Bench;
pub use crate::storm::dice;
use crate::storm::records::SecondReader;
use crate::storm::sky::{self, Weather};
use crate::storm::{Toll, redrive, setting};
use board::Board;

/// How many people there are.
const PEOPLE: usize = 32;
/// How long it lasts unless told otherwise, and from which seed.
const SECONDS: u64 = 10;
const SEED: u64 = 20_260_120;
/// How long it goes on in one town: a table that one can count is worth more than a large one.
const GUST: Duration = Duration::from_secs(60);
/// How long the stack may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(120);
/// Messages per second to all chats together: more than Telegram takes, as a storm writes in
/// minutes what a town does in hours. One chat still gets one a second.
const PACE: (&str, &str) = ("TELEGRAM_MSGS_PER_SECOND", "1000");
/// How far the clock goes after the storm, step by step, until nothing is left to do.
const CALMS: [u64; 9] = [60, 60, 120, 240, 480, 900, 1_800, 3_600, 7_200];

/// Everything that the parts of a storm share.
pub struct Storm {
    town: Arc<Town>,
    seed: u64,
    people: Vec<i64>,
    board: Mutex<Board>,
    over: AtomicBool,
    operations: AtomicU64,
    fresh: AtomicI64,
    reader: SecondReader,
    began: Instant,
}

impl Storm {
    /// The people before the storm: with some money, and some wishes.
    async fn gather(seed: u64) -> (Arc<Self>, Vec<Person>) {
        let town = Town::open_with(|options| options.set(PACE.0, PACE.1)).await;
        let people = town.people(PEOPLE);
        for person in &people {
            person.recharge(40).await;
        }
        town.bench.stack.engine().faults().reset_counts();
        // Senders of notices measure their pace by a clock that goes on.
        town.bench.stack.clock().resume();
        let storm = Self {
            seed,
            people: people.iter().map(|person| person.id).collect(),
            board: Mutex::default(),
            over: AtomicBool::new(false),
            operations: AtomicU64::new(0),
            fresh: AtomicI64::new(0),
            reader: SecondReader::default(),
            began: Instant::now(),
            town,
        };
        (Arc::new(storm), people)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().expect("the board")
    }

    /// A number that nobody has drawn yet.
    fn fresh(&self) -> i64 {
        self.fresh.fetch_add(1, Ordering::Relaxed)
    }

    fn note(&self, line: String) {
        self.note_in(&mut self.board(), line);
    }

    fn note_in(&self, board: &mut Board, line: String) {
        let (began, now) = (self.began.elapsed().as_millis(), self.town.now());
        board.diary.write_down(format!("{began:>7} ms, {now}: {line}"));
    }

    fn finding(&self, what: String) {
        self.note(format!("FOUND: {what}"));
        self.board().diary.finding(what);
    }

    /// Ends the troubles and lets the clock run until nothing is left to do. What was given up is
    /// tried again, as the one on call would do it.
    async fn calm(&self) {
        self.town.heal().await;
        self.town.end_rules().await;
        self.town.bench.stack.clock().freeze();
        let mut left = Vec::new();
        for seconds in CALMS {
            self.town.bench.advance(seconds).await;
            self.redrive();
            assert!(self.town.bench.stack.idle(PATIENCE).await, "the stack comes to rest");
            left = unsettled(&self.town.bench).await;
            // Telegram failed too often: the contract gives such a notice up.
            left.retain(|what| !what.ends_with(" is dead"));
            if left.is_empty() {
                break;
            }
        }
        for what in left {
            self.finding(format!("never settled: {what}"));
        }
        for wrong in violations(&self.town.bench).await {
            self.finding(wrong);
        }
        self.read_messages().await;
    }

    fn redrive(&self) {
        for note in redrive(&self.town.bench) {
            self.note(note);
        }
    }

    /// No message of the bot tells a contact or a description.
    async fn read_messages(&self) {
        for person in &self.people {
            for message in self.town.bench.messages(*person).await {
                if !board::marks(&message).is_empty() || message.contains("(wx") {
                    self.finding(format!("a notice to {person}: {message}"));
                }
            }
        }
    }

    /// What was found, with what led to it.
    fn report(&self) {
        let board = self.board();
        board.diary.report("errands", self.seed, |word| board.is_name(word));
    }
}

impl Weather for Storm {
    fn bench(&self) -> &Bench {
        &self.town.bench
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn note(&self, line: String) {
        Self::note(self, line);
    }
}

/// One town, one seed, so long.
async fn gust(seed: u64, lasts: Duration, toll: &mut Toll) {
    let (storm, people) = Storm::gather(seed).await;
    let mut parts =
        vec![tokio::spawn(sky::rage(storm.clone())), tokio::spawn(outside::happen(storm.clone()))];
    for (person, number) in people.into_iter().zip(1..) {
        parts.push(tokio::spawn(crowd::live(storm.clone(), person, number)));
    }
    let is_sound = || storm.board().diary.found.is_empty();
    while storm.began.elapsed() < lasts && is_sound() && !parts.iter().any(|p| p.is_finished()) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    storm.over.store(true, Ordering::Relaxed);
    for part in join_all(parts).await {
        part.expect("nobody panics in a storm");
    }
    toll.lasted += storm.began.elapsed();
    let calmed = Instant::now();
    storm.calm().await;
    toll.calmed += calmed.elapsed();
    toll.operations += storm.operations.load(Ordering::Relaxed);
    toll.struck += storm.town.bench.stack.engine().faults().struck();
    toll.struck += storm.reader.doubled();
    storm.report();
    toll.found.extend(storm.board().diary.found.iter().cloned());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_to_rest_after_a_storm() {
    let seed = setting("STORM_SEED", SEED);
    let whole = Duration::from_secs(setting("STORM_SECONDS", SECONDS));
    let mut toll = Toll::default();
    for number in seed.. {
        gust(number, GUST.min(whole.saturating_sub(toll.lasted)), &mut toll).await;
        println!("{}", toll.line("errands", seed));
        // The last tenths are not worth another town.
        if toll.lasted + Duration::from_secs(1) >= whole || !toll.found.is_empty() {
            break;
        }
    }
    assert!(toll.operations > 0 && toll.struck > 0, "there was no storm");
    assert_eq!(toll.found, Vec::<String>::new(), "seed {seed}");
}
