//! What environments have written that are not heard of any more becomes part of a total.
//!
//! One run adds the counts of such items to the total of their function, and names them there; the
//! next run deletes them. Who reads in between knows by their names that the total has them, and
//! so counts nothing twice and misses nothing, whatever of a run it sees.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::{Counted, PARTITION};
use crate::clock::Instant;
use crate::lease::Lease;
use crate::problem::Result;
use crate::table::{Entity, Key, Query, Table, Write};

/// How long after its last write an item is folded: an environment has begun another one by then
/// ([`super::QUIET`]).
const AFTER: SignedDuration = SignedDuration::from_mins(60);
/// Items of one function that one run folds at most.
const AT_ONCE: usize = 900;
/// Items that one transaction deletes at most, beside the lease.
const DELETED: usize = 90;

/// What the ended environments of a function have counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Total {
    function: String,
    pub(super) since: Instant,
    /// Another one with each change.
    version: u64,
    pub(super) counts: BTreeMap<String, u64>,
    /// The environments whose counts were added last: their items may still be there.
    folded: BTreeSet<String>,
}

impl Entity for Total {
    const KIND: &'static str = "CountersTotal";

    fn key(&self) -> Key {
        Key::new(PARTITION, format!("{}#~total", self.function))
    }
}

/// Everything that was written.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// By function.
    pub(super) totals: BTreeMap<String, Total>,
    environments: Vec<Counted>,
}

impl Stored {
    /// One query for each megabyte.
    pub(super) async fn read(table: &Table) -> Result<Self> {
        let (mut stored, mut cursor) = (Self::default(), None);
        loop {
            let page = table.query(&Query::partition(PARTITION).after(cursor)).await?;
            for item in &page.items {
                if item.text("kind") == Some(Total::KIND) {
                    let total: Total = item.read()?;
                    stored.totals.insert(total.function.clone(), total);
                } else {
                    stored.environments.push(item.read()?);
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(stored);
            }
        }
    }

    /// What no total has yet.
    pub(super) fn open(&self) -> impl Iterator<Item = &Counted> {
        self.environments.iter().filter(|counted| !self.has(counted))
    }

    fn has(&self, counted: &Counted) -> bool {
        let total = self.totals.get(&counted.function);
        total.is_some_and(|total| total.folded.contains(&counted.id))
    }

    /// What totals have and is still there, by function.
    fn left_over(&self) -> BTreeMap<&str, Vec<&Counted>> {
        by_function(self.environments.iter().filter(|counted| self.has(counted)))
    }

    /// What may be folded now, by function: nothing of those with something left over, whose names
    /// are still needed.
    fn over(&self, now: Instant) -> BTreeMap<&str, Vec<&Counted>> {
        let is_over = |counted: &&Counted| now.since(counted.at.unwrap_or(counted.since)) >= AFTER;
        let mut over = by_function(self.open().filter(is_over));
        let left_over = self.left_over();
        over.retain(|function, _| !left_over.contains_key(function));
        over
    }

    /// The total of a function with these added to it.
    fn with(&self, function: &str, ended: &[&Counted]) -> Option<Total> {
        let since = ended.iter().map(|counted| counted.since).min()?;
        let mut total = self.totals.get(function).cloned().unwrap_or_else(|| Total {
            function: function.to_owned(),
            since,
            version: 0,
            counts: BTreeMap::new(),
            folded: BTreeSet::new(),
        });
        total.since = total.since.min(since);
        total.version += 1;
        total.folded = ended.iter().map(|counted| counted.id.clone()).collect();
        for (name, count) in ended.iter().flat_map(|counted| &counted.counts) {
            *total.counts.entry(name.clone()).or_default() += count;
        }
        Some(total)
    }
}

fn by_function<'a>(
    items: impl Iterator<Item = &'a Counted>,
) -> BTreeMap<&'a str, Vec<&'a Counted>> {
    let mut found: BTreeMap<&str, Vec<&Counted>> = BTreeMap::new();
    for counted in items {
        found.entry(&counted.function).or_default().push(counted);
    }
    found
}

/// Adds to the totals what environments have written that are not heard of any more, and deletes
/// what an earlier run has added; one or the other for each function, while `go_on`. One query for
/// each megabyte and one transaction of two items for each function that has something to add; one
/// transaction for each ninety items to delete. Answers how many items were added.
///
/// # Errors
/// When the lease is another run's by now; when the store does not answer.
pub async fn fold(
    table: &Table,
    lease: &Lease,
    now: Instant,
    go_on: impl Fn() -> bool,
) -> Result<usize> {
    let stored = Stored::read(table).await?;
    for ended in stored.left_over().values() {
        for some in ended.chunks(DELETED).take_while(|_| go_on()) {
            let gone = some.iter().map(|counted| Write::delete("counters", counted.key()));
            table.transact(std::iter::once(lease.fence()).chain(gone).collect()).await?;
        }
    }
    let mut folded = 0;
    for (function, mut ended) in stored.over(now) {
        ended.truncate(AT_ONCE);
        let Some(total) = stored.with(function, &ended).filter(|_| go_on()) else { break };
        let write = match total.version {
            1 => Write::insert("total", &total),
            version => {
                Write::put("total", &total).when("#version = :seen").bind(":seen", version - 1)
            }
        };
        table.transact(vec![lease.fence(), write]).await?;
        folded += ended.len();
    }
    Ok(folded)
}
