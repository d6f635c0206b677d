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
pub(super) const OFTEN: u32 = 20;
/// How old a page that is given again may be.
pub(super) const PERIOD: Duration = Duration::from_secs(1);
/// Pages that are remembered; beyond them all are forgotten.
const PAGES_MAX: usize = 256;

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
    /// The page, if it is hot.
    pub(super) fn get(&self, which: &Which, now: Instant) -> Option<Arc<Found>> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let page = pages.get(which).filter(|page| page.reads >= OFTEN)?;
        // By both clocks: a process may have been frozen, and the calls' clock may be moved.
        let age = now.since(page.at);
        let is_young = age >= SignedDuration::ZERO && age.unsigned_abs() < PERIOD;
        (is_young && page.since.elapsed() < PERIOD).then(|| page.found.clone())
    }

    /// Remembers what was read.
    pub(super) fn keep(&self, which: Which, now: Instant, found: &Arc<Found>) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= PAGES_MAX && !pages.contains_key(&which) {
            pages.clear();
        }
        let (since, found) = (Moment::now(), found.clone());
        let page = pages.entry(which).or_insert_with(|| Page {
            since,
            reads: 0,
            at: now,
            found: found.clone(),
        });
        if page.since.elapsed() >= PERIOD {
            (page.since, page.reads) = (since, 0);
        }
        page.reads = page.reads.saturating_add(1);
        (page.at, page.found) = (now, found);
    }
}
