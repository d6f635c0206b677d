//! Pages that are asked for often are read from the store seldom.
//!
//! Everybody who opens the app asks for the same few pages. A process that has read one of them
//! [`OFTEN`] times within [`PERIOD`] gives what it read last for the rest of that time, so that the
//! store is asked as often by a crowd as by a few, and a page is never older than [`PERIOD`]: half
//! of what the contract lets public feeds trail a commit by. What holds of each order is judged at
//! the instant of each answer all the same. A page that few ask for is always read anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Moment};

use jiff::SignedDuration;
use shared::clock::Instant;

use super::feed::Found;
use crate::events::Feed;

/// Reads of a page within [`PERIOD`] that make it hot.
const OFTEN: u32 = 20;
/// How old a page that is given again may be.
const PERIOD: Duration = Duration::from_secs(1);
/// Pages that are remembered; beyond them all are forgotten. One may have a megabyte.
const PAGES_MAX: usize = 128;

/// The first pages of feeds that this process has read.
#[derive(Debug, Default)]
pub struct HotPages(Mutex<HashMap<Which, Page>>);

/// A feed and how many of its entries were looked at.
pub(super) type Which = (Feed, usize);

#[derive(Debug)]
struct Page {
    /// When its reads began to be counted, and how many there were since.
    since: Moment,
    reads: u32,
    /// By the clock of the call that read it.
    at: Instant,
    found: Arc<Found>,
}

impl HotPages {
    /// The page, if it is hot: at this moment of the process, at `now` by the clock of the call.
    pub(super) fn get(
        &self,
        which: &Which,
        (moment, now): (Moment, Instant),
    ) -> Option<Arc<Found>> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = pages.get(which).filter(|page| page.reads >= OFTEN)?;
        // By both clocks: a process may have been frozen, and the calls' clock may be moved.
        let age = now.since(page.at);
        let is_young = age >= SignedDuration::ZERO && age.unsigned_abs() < PERIOD;
        (is_young && moment.duration_since(page.since) < PERIOD).then(|| page.found.clone())
    }

    /// Remembers what was read then.
    pub(super) fn keep(&self, which: Which, (moment, now): (Moment, Instant), found: &Arc<Found>) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What is older is never given again; held, it would only fill the process.
        pages.retain(|_, page| moment.duration_since(page.since) < PERIOD);
        if pages.len() >= PAGES_MAX && !pages.contains_key(&which) {
            pages.clear();
        }
        let new = || Page { since: moment, reads: 0, at: now, found: found.clone() };
        let page = pages.entry(which).or_insert_with(new);
        page.reads = page.reads.saturating_add(1);
        (page.at, page.found) = (now, found.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn which(index: u8) -> Which {
        (Feed { index, partition: "active".to_owned() }, 50)
    }

    fn at(milliseconds: i64) -> Instant {
        Instant::from_millis(1_795_348_800_000 + milliseconds)
    }

    #[test]
    fn a_page_is_hot_from_the_last_of_many_reads_to_the_end_of_their_second() {
        let (pages, found, start) =
            (HotPages::default(), Arc::new(Found::default()), Moment::now());
        for n in 0..OFTEN {
            assert!(pages.get(&which(1), (start, at(0))).is_none(), "after {n} reads");
            pages.keep(which(1), (start, at(0)), &found);
        }
        let after = |ms| start + Duration::from_millis(ms);
        assert!(pages.get(&which(1), (after(999), at(999))).is_some());
        assert!(pages.get(&which(2), (start, at(0))).is_none(), "another page");
        assert!(pages.get(&which(1), (after(1_000), at(999))).is_none(), "by its own clock");
        assert!(pages.get(&which(1), (after(999), at(1_000))).is_none(), "by the calls' clock");
        assert!(pages.get(&which(1), (after(1), at(-1))).is_none(), "the clock was set back");
        pages.keep(which(1), (after(1_000), at(1_000)), &found);
        let again = pages.get(&which(1), (after(1_000), at(1_000)));
        assert!(again.is_none(), "reads are counted anew");
    }

    #[test]
    fn no_more_pages_are_remembered_than_there_is_room_for() {
        let (pages, found, start) =
            (HotPages::default(), Arc::new(Found::default()), Moment::now());
        pages.keep(which(2), (start, at(0)), &found);
        pages.keep(which(1), (start + PERIOD, at(1_000)), &found);
        assert_eq!(pages.0.lock().unwrap().len(), 1, "the first is too old to be given");
        for reach in 0..3 * PAGES_MAX {
            pages.keep((which(1).0, reach), (start, at(0)), &found);
            assert!(pages.0.lock().unwrap().len() <= PAGES_MAX);
        }
    }
}
