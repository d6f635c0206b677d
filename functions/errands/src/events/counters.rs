//! Public totals: how many orders or reviews stand in each feed, fed exactly once by each event.
//!
//! A counter is spread over shards that stand beside the rows of its feed in the feed's own index,
//! so that the query of a feed's first page meets them; the sum of the shards is the total. The mark
//! `counted` of the event commits with the counters.
//!
//! A client's own total of reviews, which no transaction of theirs has an item left for, is on their
//! record and fed the same way.

use serde::{Deserialize, Serialize};
use shared::ledger::shard;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Table, Write};

use super::model::{CarriedEvent, Event, OrderFacts, OutboxEvent};
use crate::orders::Status;
use crate::users::{User, user_key};

/// Shards of each counter.
pub const COUNTER_SHARDS: u64 = 4;

/// A feed: an index and a partition of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Feed {
    /// Of orders, 1: all of a status; 2: of a city; 3: of a category; 4: of both. Of reviews, 1: all;
    /// 2: of a rating.
    pub index: u8,
    /// The partition of the index.
    pub partition: String,
}

impl Feed {
    /// The four feeds that an order of this status, city and category stands in; none for orders
    /// that nobody may list.
    #[must_use]
    pub fn of(status: Status, city_key: &str, category: &str) -> Vec<Self> {
        if !matches!(status, Status::Active | Status::Expired | Status::Completed) {
            return Vec::new();
        }
        let status = status.name();
        let feed = |index, partition| Self { index, partition };
        vec![
            feed(1, status.to_owned()),
            feed(2, format!("{status}#{city_key}")),
            feed(3, format!("{status}##{category}")),
            feed(4, format!("{status}#{city_key}#{category}")),
        ]
    }

    /// The feed of all reviews, or of those of this rating.
    #[must_use]
    pub fn of_reviews(rating: Option<i64>) -> Self {
        match rating {
            None => Self { index: 1, partition: "reviews".to_owned() },
            Some(rating) => Self { index: 2, partition: format!("reviews#{rating}") },
        }
    }

    /// The name of the index.
    #[must_use]
    pub fn index_name(&self) -> &'static str {
        match self.index {
            1 => "feed_1",
            2 => "feed_2",
            3 => "feed_3",
            _ => "feed_4",
        }
    }

    /// The attribute that holds the partition.
    #[must_use]
    pub fn attribute(&self) -> &'static str {
        match self.index {
            1 => "feed_1_pk",
            2 => "feed_2_pk",
            3 => "feed_3_pk",
            _ => "feed_4_pk",
        }
    }
}

/// One shard of a feed's counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCounter {
    /// Whose counter.
    pub feed: Feed,
    /// Which shard of it.
    pub shard: u64,
    /// Rows that came, less those that went. One shard by itself may be below 0.
    pub count: i64,
}

impl FeedCounter {
    /// Where the shard is.
    #[must_use]
    pub fn key_of(feed: &Feed, shard: u64) -> Key {
        Key::new(format!("COUNTER#{}#{}#{shard}", feed.index, feed.partition), "COUNTER")
    }

    /// Where all shards are.
    #[must_use]
    pub fn keys(feed: &Feed) -> Vec<Key> {
        (0..COUNTER_SHARDS).map(|shard| Self::key_of(feed, shard)).collect()
    }

    /// Changes the shard by `by`, making it where it is not. Any number of them may run at once.
    #[must_use]
    pub fn change(feed: &Feed, shard: u64, by: i64) -> Write {
        let row = Self { feed: feed.clone(), shard, count: by };
        let update = Write::update("counter", row.key())
            .set("kind", Self::KIND)
            .set("feed", feed)
            .set("shard", shard)
            .add("count", by);
        row.index().into_iter().fold(update, |update, (name, value)| update.set(name, value))
    }
}

impl Entity for FeedCounter {
    const KIND: &'static str = "FeedCounter";

    fn key(&self) -> Key {
        Self::key_of(&self.feed, self.shard)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        // `~` sorts behind every instant: a page that begins with the newest meets it first.
        vec![
            (self.feed.attribute(), self.feed.partition.clone()),
            ("feed_at", format!("~{}", self.shard)),
        ]
    }
}

/// By how much an event changes the counter of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterMove {
    /// Whose counter.
    pub feed: Feed,
    /// More or, below 0, fewer.
    pub by: i64,
}

/// What an event changes; at most one move of each feed.
#[must_use]
pub fn moves(event: &Event) -> Vec<CounterMove> {
    let feeds =
        |order: &OrderFacts, status, category: &str| Feed::of(status, &order.city_key, category);
    let (from, to) = match event {
        Event::OrderCreated { order } => {
            (Vec::new(), feeds(order, Status::Active, &order.category))
        }
        Event::OrderMoved { order, from_category } => (
            feeds(order, Status::Active, from_category),
            feeds(order, Status::Active, &order.category),
        ),
        Event::OrderEnded { order, from, to, .. } => {
            (feeds(order, *from, &order.category), feeds(order, *to, &order.category))
        }
        Event::Reviewed { rating, .. } => {
            (Vec::new(), vec![Feed::of_reviews(None), Feed::of_reviews(Some(*rating))])
        }
        Event::OrderTaken { .. } | Event::OrderResponded { .. } | Event::PaymentLate { .. } => {
            (Vec::new(), Vec::new())
        }
    };
    let moved = |feed: &Feed, by| CounterMove { feed: feed.clone(), by };
    let gone = from.iter().filter(|feed| !to.contains(feed)).map(|feed| moved(feed, -1));
    let come = to.iter().filter(|feed| !from.contains(feed)).map(|feed| moved(feed, 1));
    gone.chain(come).collect()
}

/// The writes that count the event `id`, to be committed with its mark.
fn changes(id: &str, event: &Event) -> Vec<Write> {
    let shard = shard(id, COUNTER_SHARDS);
    let moves = moves(event).into_iter();
    let mut changes: Vec<_> =
        moves.map(|moved| FeedCounter::change(&moved.feed, shard, moved.by)).collect();
    if let Event::Reviewed { client_id, rating } = event {
        let given = User::given_attribute(*rating);
        changes.push(Write::update("author", user_key(*client_id)).add(&given, 1));
    }
    changes
}

/// Feeds the counters with the event, unless it has been done. Answers whether the event is still
/// to be published. One transaction, none where there is nothing to count.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn count(table: &Table, row: &OutboxEvent) -> Result<bool> {
    let changes = changes(&row.id, &row.event);
    if changes.is_empty() || row.counted {
        return Ok(true);
    }
    let mark = Write::update("event", row.key())
        .set("counted", true)
        .when("#counted = :not_yet")
        .bind(":not_yet", false);
    match table.transact(std::iter::once(mark).chain(changes).collect()).await {
        Ok(()) => Ok(true),
        // Refused by the row: counted before. Refused by nothing: published and gone.
        Err(error) => Ok(error.refusal()?.old("event").is_some()),
    }
}

/// Takes the event off the row that carries it and feeds the counters with it, unless that has
/// been done. One transaction.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn count_off(table: &Table, carried: &CarriedEvent) -> Result<()> {
    let changes = changes(&carried.id, &carried.event);
    match table.transact(std::iter::once(carried.taken_off()).chain(changes).collect()).await {
        Ok(()) => Ok(()),
        Err(error) => error.refusal().map(|_| ()).map_err(Problem::from),
    }
}
