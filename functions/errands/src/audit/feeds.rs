//! Counters of feeds, set right.
//!
//! A counter is fed by what follows a commit, once. Should it be wrong all the same, the orders say
//! what it has to be, and of reviews the stars of those whom they are about: all of them are counted
//! on the way, and a feed whose counter says something else is counted itself. A counter is set only where two counts in a row agree while
//! nothing is left to be published and nobody moves the counter.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use shared::problem::{Problem, Result};
use shared::retry;
use shared::table::{Entity as _, Key, Query, Table, Write};

use crate::App;
use crate::events::{self, Feed, FeedCounter};
use crate::orders::{Category, Order, Status};
use crate::reviews::RATINGS;
use crate::users::User;

/// How often a counter that seems wrong is compared with its feed.
const READINGS: u32 = 5;
/// Keys that one batch reads.
const BATCH: usize = 100;
/// The statuses that feeds show.
const LISTED: [Status; 3] = [Status::Active, Status::Expired, Status::Completed];

/// A counter that was wrong and is right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Correction {
    /// Whose.
    pub feed: Feed,
    /// What it said.
    pub from: i64,
    /// What it says.
    pub to: i64,
}

/// How many orders and reviews stand in each feed, as they come along.
#[derive(Debug)]
pub(super) struct Tally {
    feeds: BTreeMap<Feed, i64>,
    cities: BTreeSet<String>,
}

impl Tally {
    /// Nothing was counted yet.
    pub(super) fn new() -> Self {
        let feeds = review_feeds().map(|(_, feed)| (feed, 0)).collect();
        Self { feeds, cities: BTreeSet::new() }
    }

    /// Counts the reviews about one user.
    fn add_user(&mut self, user: &User) {
        for (rating, feed) in review_feeds() {
            *self.feeds.entry(feed).or_default() += user.rated(rating);
        }
    }

    /// Counts the reviews about the users at these keys. One read for each 100.
    pub(super) async fn add_users(&mut self, table: &Table, keys: &[Key]) -> Result<()> {
        for batch in keys.chunks(BATCH) {
            for item in table.batch(batch).await?.iter() {
                self.add_user(&item.read()?);
            }
        }
        Ok(())
    }

    /// Counts one order.
    pub(super) fn add(&mut self, order: &Order) {
        // Feeds of the city that nothing stands in any more count, too: as 0.
        if self.cities.insert(order.city_key.clone()) {
            let categories = Category::ALL.map(Category::name);
            for status in LISTED {
                for category in categories {
                    for feed in Feed::of(status, &order.city_key, category) {
                        self.feeds.entry(feed).or_default();
                    }
                }
            }
        }
        for feed in Feed::of(order.status, &order.city_key, &order.category) {
            *self.feeds.entry(feed).or_default() += 1;
        }
    }

    /// Counts the orders at these keys. One read for each 100.
    pub(super) async fn add_orders(&mut self, table: &Table, keys: &[Key]) -> Result<()> {
        for batch in keys.chunks(BATCH) {
            for item in table.batch(batch).await?.iter() {
                self.add(&item.read()?);
            }
        }
        Ok(())
    }

    /// Sets right the counters that say something else.
    pub(super) async fn correct(&self, app: &App) -> Result<Vec<Correction>> {
        let table = &app.platform.table;
        let mut corrections = Vec::new();
        let feeds: Vec<_> = self.feeds.iter().collect();
        for some in feeds.chunks(BATCH / COUNTERS) {
            let keys = some.iter().flat_map(|(feed, _)| FeedCounter::keys(feed));
            let rows = table.batch(&keys.collect::<Vec<_>>()).await?;
            let mut said: BTreeMap<Feed, i64> = BTreeMap::new();
            for item in rows.iter() {
                let shard: FeedCounter = item.read()?;
                *said.entry(shard.feed).or_default() += shard.count;
            }
            for (feed, count) in some {
                if said.get(feed).copied().unwrap_or(0) != **count {
                    corrections.extend(corrected(table, feed).await?);
                }
            }
        }
        Ok(corrections)
    }
}

/// The feeds of reviews, each with its rating if it has one.
fn review_feeds() -> impl Iterator<Item = (Option<i64>, Feed)> {
    let ratings = std::iter::once(None).chain(RATINGS.map(Some));
    ratings.map(|rating| (rating, Feed::of_reviews(rating)))
}

/// Shards of one counter.
const COUNTERS: usize = 4;
const _: () = assert!(events::COUNTER_SHARDS == 4);

/// Sets a counter right if the feed itself says that it is wrong.
async fn corrected(table: &Table, feed: &Feed) -> Result<Option<Correction>> {
    let mut last = None;
    for reading in 1..=READINGS {
        let before = shards(table, feed).await?;
        let count = standing(table, feed).await?;
        let quiet = events::all_counted(table).await? && shards(table, feed).await? == before;
        let said: i64 = before.iter().sum();
        if quiet && said == count {
            return Ok(None);
        }
        let seen = quiet.then_some((before, count));
        if let Some((before, count)) = seen.clone().filter(|_| seen == last) {
            return set(table, feed, &before, count).await;
        }
        last = seen;
        retry::pause(reading).await;
    }
    Ok(None)
}

/// What each shard of a counter says. One read.
async fn shards(table: &Table, feed: &Feed) -> Result<Vec<i64>> {
    let keys = FeedCounter::keys(feed);
    let rows = table.batch(&keys).await?;
    let count = |key| Ok(rows.get::<FeedCounter>(key)?.map_or(0, |shard| shard.count));
    keys.iter().map(count).collect()
}

/// How many orders or reviews the feed itself holds. As many queries as it has pages.
async fn standing(table: &Table, feed: &Feed) -> Result<i64> {
    let partition = (feed.attribute(), feed.partition.clone());
    let query = Query::global_index(feed.index_name(), partition, "feed_at");
    let (mut count, mut cursor) = (0, None);
    loop {
        let page = table.query(&query.clone().after(cursor)).await?;
        let rows = page.items.iter().filter(|item| item.text("kind") != Some(FeedCounter::KIND));
        count += i64::try_from(rows.count()).map_err(Problem::bug)?;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(count),
        }
    }
}

/// Sets the first shard so that all together say `count`, unless it was moved meanwhile.
async fn set(table: &Table, feed: &Feed, seen: &[i64], count: i64) -> Result<Option<Correction>> {
    let (from, first) = (seen.iter().sum::<i64>(), seen.first().copied().unwrap_or(0));
    let write = FeedCounter::change(feed, 0, count - from);
    let write: Write =
        write.when("attribute_not_exists(#count) OR #count = :seen").bind(":seen", first);
    match table.write(write).await {
        Ok(_) => Ok(Some(Correction { feed: feed.clone(), from, to: count })),
        Err(error) => error.refusal().map(|_| None).map_err(Problem::from),
    }
}
