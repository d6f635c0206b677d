//! What reviews and complaints keep in the table, and where.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::table::{Entity, Key, Write};

use super::model::Reason;
use crate::events::{self, Event, Feed};
use crate::users::user_key;

/// What a client said of one executor of one order. In the client's partition, unique by its key,
/// never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Shown as `id`.
    pub id: i64,
    /// The order.
    pub order_id: String,
    /// Who wrote it.
    pub client_id: i64,
    /// Whom it is about.
    pub executor_id: i64,
    /// The client's first name as it was then.
    pub author_name: String,
    /// 1 to 5.
    pub rating: i64,
    /// What was said.
    pub comment: Option<String>,
    /// The order's category.
    pub category: String,
    /// The order's city.
    pub city: String,
    /// When.
    #[serde(with = "shared::clock::micros")]
    pub created_at: Instant,
}

/// What one caller said about one order: all of it begins so.
#[must_use]
pub fn feedback(order_id: &str) -> String {
    format!("FEEDBACK#{order_id}#")
}

/// What reviews are sorted by, newest last.
#[must_use]
pub fn listed_at(created_at: Instant, id: i64) -> String {
    format!("{}#{id:016}", created_at.micros())
}

impl Review {
    /// Where the review of this executor of this order is.
    #[must_use]
    pub fn key_of(client_id: i64, order_id: &str, executor_id: i64) -> Key {
        let sk = format!("{}REVIEW#{executor_id}", feedback(order_id));
        Key::new(user_key(client_id).pk, sk)
    }

    /// Its place among reviews.
    #[must_use]
    pub fn place(&self) -> (Instant, i64) {
        (self.created_at, self.id)
    }
}

/// Where reviews stand in a global index: its name, its attribute and the partition, of all or of
/// those about one executor, with any or one rating.
#[must_use]
pub fn partition(about: Option<i64>, rating: Option<i64>) -> (&'static str, &'static str, String) {
    match (about, rating) {
        (None, rating) => {
            let feed = Feed::of_reviews(rating);
            (feed.index_name(), feed.attribute(), feed.partition)
        }
        (Some(id), None) => ("feed_3", "feed_3_pk", format!("reviews#about#{id}")),
        (Some(id), Some(rating)) => ("feed_4", "feed_4_pk", format!("reviews#about#{id}#{rating}")),
    }
}

/// What begins the sort keys of a client's own reviews in the indexes `listed` and, for one
/// rating, `filtered`.
#[must_use]
pub fn own(rating: Option<i64>) -> String {
    match rating {
        None => "REVIEW#".to_owned(),
        Some(rating) => format!("REVIEW#{rating}#"),
    }
}

impl Entity for Review {
    const KIND: &'static str = "Review";

    fn key(&self) -> Key {
        Self::key_of(self.client_id, &self.order_id, self.executor_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let at = listed_at(self.created_at, self.id);
        let scopes = [None, Some(self.executor_id)];
        let ratings = [None, Some(self.rating)];
        let mut index: Vec<_> = scopes
            .into_iter()
            .flat_map(|about| ratings.map(|rating| partition(about, rating)))
            .map(|(_, attribute, partition)| (attribute, partition))
            .collect();
        index.push(("listed_at", format!("{}{at}", own(None))));
        index.push(("filtered_at", format!("{}{at}", own(Some(self.rating)))));
        index.push(("feed_at", at));
        index
    }
}

/// What an executor reported of the client of one order. In the executor's partition, unique by
/// its key; shown to operators alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Shown as `complaint_id`.
    pub id: i64,
    /// The order.
    pub order_id: String,
    /// Who complains.
    pub executor_id: i64,
    /// Of whom.
    pub client_id: i64,
    /// Why.
    pub reason: Reason,
    /// What was said.
    pub comment: Option<String>,
    /// When.
    #[serde(with = "shared::clock::micros")]
    pub created_at: Instant,
}

impl Complaint {
    /// Where this executor's complaint about this order is.
    #[must_use]
    pub fn key_of(executor_id: i64, order_id: &str) -> Key {
        Key::new(user_key(executor_id).pk, format!("{}COMPLAINT", feedback(order_id)))
    }
}

impl Entity for Complaint {
    const KIND: &'static str = "Complaint";

    fn key(&self) -> Key {
        Self::key_of(self.executor_id, &self.order_id)
    }
}

/// Makes the id of a review or complaint nobody else's: its milliseconds and random bits alone do
/// not. That of a review carries what follows from the review, until it has followed.
#[derive(Debug, Serialize, Deserialize)]
pub struct GivenId {
    kind_of: String,
    id: i64,
    order_id: String,
}

impl GivenId {
    /// The id of something of this kind, said of an order.
    pub(super) fn of<E: Entity>(id: i64, order_id: &str) -> Self {
        Self { kind_of: E::KIND.to_owned(), id, order_id: order_id.to_owned() }
    }

    /// Where the id of a review is.
    #[must_use]
    pub fn key_of_review(id: i64) -> Key {
        Self::of::<Review>(id, "").key()
    }

    /// The write that gives this review its id and says that it was written. Refused when the id was
    /// given before.
    pub(super) fn saying(review: &Review) -> Write {
        let given = Self::of::<Review>(review.id, &review.order_id);
        let write = Write::update("id", given.key())
            .set("kind", Self::KIND)
            .set("kind_of", given.kind_of)
            .set("id", given.id)
            .set("order_id", given.order_id)
            .when("attribute_not_exists(#pk)");
        let event = Event::Reviewed { client_id: review.client_id, rating: review.rating };
        events::carry(write, &event, review.created_at)
    }
}

impl Entity for GivenId {
    const KIND: &'static str = "GivenId";

    fn key(&self) -> Key {
        Key::new(format!("ID#{}#{}", self.kind_of, self.id), "ID")
    }
}
