//! Lists of reviews: one Query page each, with its total.
//!
//! The first page of everybody's reviews meets the shards of their counter on the way, as that of a
//! feed of orders does, and later pages carry the total in their cursor.

use serde::Serialize;
use shared::clock::Instant;
use shared::problem::Result;
use shared::settings::Secret;
use shared::table::{Cursor, Entity as _, Item, Query, Table};
use utoipa::ToSchema;

use super::items::{self, Complaint, Review};
use super::model::{self, Said};
use crate::events::{COUNTER_SHARDS, FeedCounter};
use crate::orders::Order;
use crate::users::{User, user_key};

/// One list of reviews, of any or of one rating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) whose: Whose,
    pub(super) rating: Option<i64>,
}

/// Whose reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    All,
    /// About this executor.
    About(i64),
    /// By this client.
    By(i64),
}

/// A review as everybody sees it: neither contact nor description of its order, and its parties
/// by the author's first name alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReviewView {
    pub(super) id: i64,
    /// The client's first name when it was written.
    author_name: String,
    /// 1 to 5.
    pub(super) rating: i64,
    comment: Option<String>,
    /// The order's category.
    category: String,
    #[serde(with = "shared::clock::micros")]
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    order_id: String,
    /// The order's city.
    city: String,
}

/// Reviews, newest first.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Reviews(pub(super) Vec<ReviewView>);

impl From<Review> for ReviewView {
    fn from(review: Review) -> Self {
        Self {
            id: review.id,
            author_name: review.author_name,
            rating: review.rating,
            comment: review.comment,
            category: review.category,
            created_at: review.created_at,
            order_id: review.order_id,
            city: review.city,
        }
    }
}

/// A page of a list.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) reviews: Reviews,
    /// How many the list has, as far as is known.
    pub(super) total: i64,
    /// What the next page follows; `None` after the last.
    pub(super) next: Option<Place>,
}

/// What `caller` has said of the order `order_id`; asked about one executor, if about any. One
/// request.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn said(
    table: &Table,
    caller: i64,
    order_id: &str,
    asked: Option<i64>,
) -> Result<Said> {
    if !Order::is_id(order_id) {
        return Ok(model::said(Vec::new(), None, asked));
    }
    let query = Query::partition(user_key(caller).pk).beginning_with(items::feedback(order_id));
    let page = table.query(&query).await?;
    let is_review = |item: &&Item| item.text("kind") == Some(Review::KIND);
    let reviews = page.items.iter().filter(is_review).map(Item::read).collect::<Result<_, _>>()?;
    let complaint = page.items.iter().find(|item| item.text("kind") == Some(Complaint::KIND));
    let complaint: Option<Complaint> = complaint.map(Item::read).transpose()?;
    Ok(model::said(reviews, complaint.as_ref(), asked))
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    created_at: Instant,
    id: i64,
    /// How many reviews were shown up to it.
    shown: i64,
    /// How many the list had.
    total: i64,
}

/// Reviews, and the sum of the counters that stand among them.
fn parted(items: &[Item]) -> Result<(Vec<Review>, i64)> {
    let mut reviews = Vec::with_capacity(items.len());
    let mut counted = 0_i64;
    for item in items {
        if item.text("kind") == Some(FeedCounter::KIND) {
            counted = counted.saturating_add(item.integer("count").unwrap_or_default());
        } else {
            reviews.push(item.read()?);
        }
    }
    Ok((reviews, counted))
}

/// A client's own reviews, strongly read, up to the place `last`.
fn own(client: i64, rating: Option<i64>, last: Option<String>) -> Query {
    let (index, sort) = match rating {
        Some(_) => ("filtered", "filtered_at"),
        None => ("listed", "listed_at"),
    };
    let (query, first) = (Query::local_index(index, user_key(client).pk, sort), items::own(rating));
    match last {
        Some(last) => query.between(first.clone(), format!("{first}{last}")),
        None => query.beginning_with(first),
    }
}

impl List {
    /// The page of at most `limit` reviews that follows `after`, newest first. One request.
    /// `reader` is who has the list, if anybody has: their record counts it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn page(
        self,
        table: &Table,
        after: Option<Place>,
        limit: u32,
        reader: Option<&User>,
    ) -> Result<Page> {
        // One more than is shown tells whether there are more.
        let asked = limit.saturating_add(1).saturating_add(self.counters(after));
        let page = table.query(&self.query(after).descending().limit(asked)).await?;
        let (mut reviews, counted) = parted(&page.items)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = page.next.is_some() || reviews.len() > limit;
        reviews.truncate(limit);
        let shown = i64::try_from(reviews.len()).unwrap_or(i64::MAX);
        let shown = after.map_or(0, |place| place.shown).saturating_add(shown);
        let known = match (self.whose, reader) {
            // The first page of these has all of them.
            _ if after.is_none() && !has_more => shown,
            (Whose::About(_), Some(reader)) => reader.rated(self.rating),
            (Whose::By(_), Some(reader)) => reader.given(self.rating),
            _ => after.map_or(counted, |place| place.total),
        };
        let total = known.max(shown.saturating_add(i64::from(has_more)));
        let next = reviews.last().filter(|_| has_more).map(|last| Place {
            created_at: last.created_at,
            id: last.id,
            shown,
            total,
        });
        let reviews = Reviews(reviews.into_iter().map(ReviewView::from).collect());
        Ok(Page { reviews, total, next })
    }

    /// How many counters the query of a page can meet.
    fn counters(self, after: Option<Place>) -> u32 {
        match (self.whose, after) {
            (Whose::All, None) => u32::try_from(COUNTER_SHARDS).unwrap_or_default(),
            _ => 0,
        }
    }

    fn query(self, after: Option<Place>) -> Query {
        // The key to start from would hold the author, whom nobody is shown. Ids are whole numbers:
        // what comes before one ends with the number below it.
        let last = after.map(|place| items::listed_at(place.created_at, place.id - 1));
        let about = match self.whose {
            Whose::All => None,
            Whose::About(executor) => Some(executor),
            Whose::By(client) => return own(client, self.rating, last),
        };
        let (index, attribute, partition) = items::partition(about, self.rating);
        let query = Query::global_index(index, (attribute, partition), "feed_at");
        match last {
            Some(last) => query.up_to(last),
            None => query,
        }
    }

    /// What cursors of this list are bound to, for this caller.
    fn scope(self, caller: Option<i64>) -> [String; 4] {
        let whose = match self.whose {
            Whose::All => "all".to_owned(),
            Whose::About(id) => format!("about {id}"),
            Whose::By(id) => format!("by {id}"),
        };
        let number = |number: Option<i64>| number.map(|n| n.to_string()).unwrap_or_default();
        ["reviews".to_owned(), whose, number(self.rating), number(caller)]
    }

    /// The cursor that leads to what follows `place`.
    pub(super) fn seal(self, place: Place, caller: Option<i64>, secret: &Secret) -> String {
        let kept = [
            ("at", place.created_at.micros()),
            ("id", place.id.to_string()),
            ("shown", place.shown.to_string()),
            ("total", place.total.to_string()),
        ];
        let cursor = Cursor::restore(kept.map(|(name, value)| (name.to_owned(), value)).into());
        cursor.seal(secret, &self.scope(caller).each_ref().map(String::as_str))
    }

    /// Where a cursor of this list and this caller leads; `None` when it is none.
    pub(super) fn open(self, text: &str, caller: Option<i64>, secret: &Secret) -> Option<Place> {
        let scope = self.scope(caller);
        let cursor = Cursor::open(text, secret, &scope.each_ref().map(String::as_str)).ok()?;
        let kept = cursor.stored();
        let number = |name| kept.get(name)?.parse().ok();
        Some(Place {
            created_at: kept.get("at")?.parse().ok()?,
            id: number("id")?,
            shown: number("shown")?,
            total: number("total")?,
        })
    }
}
