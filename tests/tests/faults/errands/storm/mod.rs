//! A storm: many people at once, while everything that can fail does, by a seed. Every answer is
//! looked at, and when the wind has dropped everything has to come to rest with all invariants.
//!
//! `STORM_SECONDS` and `STORM_SEED` make it longer and other.

mod acts;
mod board;
mod crowd;
pub mod dice;
mod outside;
mod sky;
mod witness;

use std::env;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures::future::join_all;

use super::invariants::{unsettled, violations};
use super::properties::town::{Person, Town};
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
    /// Records of streams that were handed out twice.
    doubled: AtomicU64,
    fresh: AtomicI64,
    /// Up to which record of the stream its second reader has come.
    read_upto: Mutex<Option<String>>,
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
            doubled: AtomicU64::new(0),
            fresh: AtomicI64::new(0),
            read_upto: Mutex::default(),
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
        board.write_down(format!("{began:>7} ms, {now}: {line}"));
    }

    fn finding(&self, what: String) {
        self.note(format!("FOUND: {what}"));
        self.board().finding(what);
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

    /// Dead letters go back to where they came from. What only tells that a schedule or a stream
    /// failed has been read then.
    fn redrive(&self) {
        let queues = self.town.bench.stack.engine().queues();
        for queue in queues.depths().expect("depths") {
            if let (Some(dead), true) = (&queue.dead_letter_queue, queue.dead_letters > 0) {
                let moved = queues.redrive(dead).expect("a redrive");
                self.note(format!("{moved} dead letters of {} go back", queue.name));
            }
        }
        for queue in queues.depths().expect("depths") {
            if queue.name.ends_with("-dead") && queue.visible > 0 {
                self.note(format!("{} letters of {}", queue.visible, queue.name));
                queues.purge(&queue.name).expect("a purge");
            }
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
        for found in board.found.iter().take(10) {
            println!("storm, errands: {found}");
            for line in board.about(found) {
                println!("    {line}");
            }
        }
        if !board.found.is_empty() {
            println!("storm, errands: again with STORM_SEED={}", self.seed);
        }
    }
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// What storms came to, one after another.
#[derive(Debug, Default)]
struct Toll {
    lasted: Duration,
    operations: u64,
    struck: u64,
    calmed: Duration,
    found: Vec<String>,
}

/// One town, one seed, so long.
async fn gust(seed: u64, lasts: Duration, toll: &mut Toll) {
    let (storm, people) = Storm::gather(seed).await;
    let mut parts =
        vec![tokio::spawn(sky::rage(storm.clone())), tokio::spawn(outside::happen(storm.clone()))];
    for (person, number) in people.into_iter().zip(1..) {
        parts.push(tokio::spawn(crowd::live(storm.clone(), person, number)));
    }
    let is_sound = || storm.board().found.is_empty();
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
    toll.struck += storm.doubled.load(Ordering::Relaxed);
    storm.report();
    toll.found.extend(storm.board().found.iter().cloned());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_to_rest_after_a_storm() {
    let seed = setting("STORM_SEED", SEED);
    let whole = Duration::from_secs(setting("STORM_SECONDS", SECONDS));
    let mut toll = Toll::default();
    for number in seed.. {
        gust(number, GUST.min(whole.saturating_sub(toll.lasted)), &mut toll).await;
        println!(
            "storm, errands: seed {seed}, {} s, {} operations, {} faults, {} violations, converged \
             in {} s",
            toll.lasted.as_secs(),
            toll.operations,
            toll.struck,
            toll.found.len(),
            toll.calmed.as_secs()
        );
        // The last tenths are not worth another town.
        if toll.lasted + Duration::from_secs(1) >= whole || !toll.found.is_empty() {
            break;
        }
    }
    assert!(toll.operations > 0 && toll.struck > 0, "there was no storm");
    assert_eq!(toll.found, Vec::<String>::new(), "seed {seed}");
}
