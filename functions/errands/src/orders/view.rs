//! An order as people see it.

use serde::Serialize;
use shared::clock::Instant;
use utoipa::ToSchema;

use super::items::{Order, Status, Take};

/// An order, for one viewer at one instant. Its client is in no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderView {
    /// 12 characters.
    pub id: String,
    /// One of the seven.
    pub category: String,
    /// What is to be done.
    pub description: String,
    /// The city as typed.
    pub city: String,
    /// How to reach the client: never in lists, else for the client and those who took the order.
    pub contact: Option<String>,
    /// `telegram`, `phone` or `other`; there when the contact is.
    pub contact_kind: Option<String>,
    /// Start of the timer.
    #[serde(with = "shared::clock::micros")]
    #[schema(value_type = String, format = "date-time")]
    pub created_at: Instant,
    /// Its length.
    pub expires_in_minutes: i64,
    /// Its end.
    #[serde(with = "shared::clock::micros")]
    #[schema(value_type = String, format = "date-time")]
    pub expires_at: Instant,
    /// By when the client has to respond, while that is still awaited.
    #[serde(with = "shared::clock::micros::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub response_deadline_at: Option<Instant>,
    /// What holds at the instant of the answer.
    #[schema(value_type = String)]
    pub status: Status,
    /// In order of taking.
    pub taken_by: Vec<TakeView>,
    /// When the client responded.
    #[serde(with = "shared::clock::micros::option")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub customer_responded_at: Option<Instant>,
    /// Always true.
    pub city_locked: bool,
    /// Stars of the first review.
    pub rating: Option<i64>,
    /// What it says.
    pub review_comment: Option<String>,
}

/// A take, for one viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TakeView {
    /// The executor; 0 unless the viewer is the client or that executor.
    pub executor_id: i64,
    /// When.
    #[serde(with = "shared::clock::micros")]
    #[schema(value_type = String, format = "date-time")]
    pub taken_at: Instant,
}

/// The order as `viewer`, or anybody where there is none, sees it in a list.
#[must_use]
pub fn view(order: &Order, viewer: Option<i64>, now: Instant) -> OrderView {
    let status = order.effective(now);
    let review = order.review.as_ref();
    OrderView {
        id: order.id.clone(),
        category: order.category.clone(),
        description: order.description.clone(),
        city: order.city.clone(),
        contact: None,
        contact_kind: None,
        created_at: order.created_at,
        expires_in_minutes: order.expires_in_minutes,
        expires_at: order.expires_at(),
        response_deadline_at: order.response_at().filter(|_| status == Status::Active),
        status,
        taken_by: order.taken_by.iter().map(|take| take_view(order, take, viewer)).collect(),
        customer_responded_at: order.customer_responded_at,
        city_locked: true,
        rating: review.map(|review| review.rating),
        review_comment: review.and_then(|review| review.comment.clone()),
    }
}

/// The same in an answer about this order alone: with the contact, for those whom it is due.
#[must_use]
pub fn full_view(order: &Order, viewer: Option<i64>, now: Instant) -> OrderView {
    let is_due = viewer.is_some_and(|user| user == order.client_id || order.is_taken_by(user));
    OrderView {
        contact: is_due.then(|| order.contact.clone()),
        contact_kind: is_due.then(|| order.contact_kind.clone()),
        ..view(order, viewer, now)
    }
}

fn take_view(order: &Order, take: &Take, viewer: Option<i64>) -> TakeView {
    let knows = viewer.is_some_and(|user| user == order.client_id || user == take.executor_id);
    TakeView { executor_id: if knows { take.executor_id } else { 0 }, taken_at: take.taken_at }
}
