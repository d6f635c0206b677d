//! A storm: many people at once, while everything that can fail does, by a seed. Every answer is
//! looked at, and when the wind has dropped everything has to come to rest with all invariants.
//!
//! `STORM_SECONDS` and `STORM_SEED` make it longer and other.

mod acts;
mod board;
mod crowd;
mod outside;
mod witness;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::invariants::{unsettled, violations};
use super::properties::town::{Person, Town};
use crate::bench::Bench;
use crate::storm::course::{self, Place};
use crate::storm::crowd::live;
use crate::storm::dice::Dice;
use crate::storm::{CALMS, PATIENCE, Toll, redrive, setting};
use board::Board;
use crowd::Somebody;

/// How many people there are.
const PEOPLE: usize = 32;
/// How long it lasts unless told otherwise, and from which seed.
const SECONDS: u64 = 10;
const SEED: u64 = 20_260_120;
/// How long it goes on in one town: a table that one can count is worth more than a large one.
const GUST: Duration = Duration::from_secs(60);
/// Messages per second to all chats together: more than Telegram takes, as a storm writes in
/// minutes what a town does in hours. One chat still gets one a second.
const PACE: (&str, &str) = ("TELEGRAM_MSGS_PER_SECOND", "1000");

type Storm = course::Storm<Arc<Town>, Board>;

impl Place for Arc<Town> {
    fn bench(&self) -> &Bench {
        &self.bench
    }
}

impl Storm {
    /// The people before the storm: with some money, and some wishes.
    async fn gather(seed: u64) -> (Arc<Self>, Vec<Person>) {
        let town = Town::open_with(|options| options.set(PACE.0, PACE.1)).await;
        let people = town.people(PEOPLE);
        for person in &people {
            person.recharge(40).await;
        }
        let ids = people.iter().map(|person| person.id).collect();
        (Self::begin(town, seed, ids), people)
    }

    /// Ends the troubles and lets the clock run until nothing is left to do. What was given up is
    /// tried again, as the one on call would do it.
    async fn calm(&self) {
        self.place.heal().await;
        self.place.end_rules().await;
        self.bench().stack.clock().freeze();
        let mut left = Vec::new();
        for seconds in CALMS {
            self.bench().advance(seconds).await;
            self.redrive();
            assert!(self.bench().stack.idle(PATIENCE).await, "the stack comes to rest");
            left = unsettled(self.bench()).await;
            // Telegram failed too often: the contract gives such a notice up.
            left.retain(|what| !what.ends_with(" is dead"));
            if left.is_empty() {
                break;
            }
        }
        for what in left {
            self.finding(format!("never settled: {what}"));
        }
        for wrong in violations(self.bench()).await {
            self.finding(wrong);
        }
        self.read_messages().await;
    }

    fn redrive(&self) {
        for note in redrive(self.bench()) {
            self.note(note);
        }
    }

    /// No message of the bot tells a contact or a description.
    async fn read_messages(&self) {
        for person in &self.people {
            for message in self.bench().messages(*person).await {
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

/// One town, one seed, so long.
async fn gust(seed: u64, lasts: Duration, toll: &mut Toll) {
    let (storm, people) = Storm::gather(seed).await;
    let mut parts = vec![tokio::spawn(outside::happen(storm.clone()))];
    for (person, number) in people.into_iter().zip(1..) {
        let somebody = Somebody { storm: storm.clone(), person };
        parts.push(tokio::spawn(live(somebody, Dice::new(seed, number))));
    }
    storm.go_on(parts, || storm.lasted() >= lasts).await;
    toll.lasted += storm.lasted();
    let calmed = Instant::now();
    storm.calm().await;
    toll.calmed += calmed.elapsed();
    storm.count(toll);
    storm.report();
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
