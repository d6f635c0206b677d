//! What all environments have counted together.

use std::collections::BTreeMap;

use super::folding::Stored;
use crate::clock::Instant;
use crate::problem::Result;
use crate::table::Table;

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
    /// Adds up what all environments have written. One query for each megabyte: as many items as
    /// there are functions, and environments of the last hour.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn read(table: &Table) -> Result<Self> {
        let stored = Stored::read(table).await?;
        let mut sums = Self::default();
        for total in stored.totals.values() {
            sums.add(total.since, &total.counts);
        }
        for counted in stored.open() {
            sums.add(counted.since, &counted.counts);
        }
        Ok(sums)
    }

    fn add(&mut self, since: Instant, counts: &BTreeMap<String, u64>) {
        self.since = Some(self.since.map_or(since, |earlier| earlier.min(since)));
        for (name, count) in counts {
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
