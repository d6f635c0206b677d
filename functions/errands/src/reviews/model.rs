//! Who may say what of whom. No I/O, no clock.

use std::ops::RangeInclusive;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::problem::Problem;
use utoipa::ToSchema;

use super::items::{Complaint, Review};
use crate::orders::{FirstReview, Order, Status};

/// The most that is said with a review or a complaint, in code points.
pub const COMMENT_MAX: usize = 500;
/// Stars of a review.
pub const RATINGS: RangeInclusive<i64> = 1..=5;
/// Who wrote a review, where Telegram knows no name.
const NAMELESS: &str = "Клиент";

/// What executors complain of, by the names on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// No answer.
    #[serde(rename = "Не отвечал")]
    Silent,
    /// The order was cancelled.
    #[serde(rename = "Отменил заказ")]
    Cancelled,
    /// Bad behaviour.
    #[serde(rename = "Неадекватное поведение")]
    Behaviour,
    /// What the order said was not true.
    #[serde(rename = "Ложная информация")]
    Untrue,
    /// Anything else.
    #[serde(rename = "Другое")]
    Other,
}

impl Reason {
    /// All of them, in the order that people see.
    pub const ALL: [Self; 5] =
        [Self::Silent, Self::Cancelled, Self::Behaviour, Self::Untrue, Self::Other];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "Не отвечал",
            Self::Cancelled => "Отменил заказ",
            Self::Behaviour => "Неадекватное поведение",
            Self::Untrue => "Ложная информация",
            Self::Other => "Другое",
        }
    }

    /// The reason of exactly this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }

    /// What is said of a name that is none of the five.
    #[must_use]
    pub fn complaint() -> String {
        format!("Complaint must be one of: {}", Self::ALL.map(Self::name).join(", "))
    }
}

/// Why something cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such order, or the caller is not its client.
    NotClient,
    /// The order goes on, or ended in another way.
    NotAllowed,
    /// Nobody has taken it.
    NoExecutor,
    /// That executor has not.
    NotItsExecutor,
    /// The client has said it before.
    Reviewed,
    /// The caller has not taken the order.
    NotTaker,
    /// The executor has said it before.
    Complained,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        use StatusCode as S;
        match refused {
            Refused::NotClient => Self::refused(
                S::NOT_FOUND,
                "review_order_not_found",
                "Order not found or you are not the client",
            ),
            Refused::NotAllowed => Self::refused(
                S::BAD_REQUEST,
                "review_not_allowed",
                "Can only review completed or expired orders",
            ),
            Refused::NoExecutor => {
                Self::refused(S::BAD_REQUEST, "no_executor", "No executor has taken this order")
            }
            Refused::NotItsExecutor => Self::refused(
                S::BAD_REQUEST,
                "executor_not_taker",
                "This executor did not take this order",
            ),
            Refused::Reviewed => Self::refused(
                S::CONFLICT,
                "already_reviewed",
                "Already reviewed this executor for this order",
            ),
            Refused::NotTaker => {
                Self::refused(S::NOT_FOUND, "not_taker", "You did not take this order")
            }
            Refused::Complained => Self::refused(
                S::CONFLICT,
                "already_complained",
                "Already complained about this order",
            ),
        }
    }
}

/// The order and the executor that `caller` may review: `named`, or else the first that took it.
///
/// # Errors
/// Why not.
pub fn can_review(
    order: Option<&Order>,
    caller: i64,
    named: Option<i64>,
    now: Instant,
) -> Result<(&Order, i64), Refused> {
    let order = order.filter(|order| order.client_id == caller).ok_or(Refused::NotClient)?;
    if !matches!(order.effective(now), Status::Completed | Status::Expired) {
        return Err(Refused::NotAllowed);
    }
    let first = order.taken_by.first().ok_or(Refused::NoExecutor)?;
    match named {
        None => Ok((order, first.executor_id)),
        Some(executor) if order.is_taken_by(executor) => Ok((order, executor)),
        Some(_) => Err(Refused::NotItsExecutor),
    }
}

/// The order whose client `caller` may complain of.
///
/// # Errors
/// When the caller has not taken it.
pub fn can_complain(order: Option<&Order>, caller: i64) -> Result<&Order, Refused> {
    order.filter(|order| order.is_taken_by(caller)).ok_or(Refused::NotTaker)
}

/// Does the order show this review before the one that it shows?
#[must_use]
pub fn comes_first(review: &Review, shown: Option<&FirstReview>) -> bool {
    shown.is_none_or(|shown| review.place() < (shown.at, shown.review_id))
}

/// The name that a review is shown under, given its author's first name.
#[must_use]
pub fn author_name(first_name: &str) -> String {
    match first_name.trim() {
        "" => NAMELESS.to_owned(),
        name => name.to_owned(),
    }
}

/// What a caller has said of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Said {
    /// Was it said, and of the executor who was asked about, if any was?
    pub submitted: bool,
    /// `review` or `complaint`.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    /// The executors that the caller has reviewed, first reviewed first.
    pub executor_ids: Vec<i64>,
}

/// What the caller has said: reviews count before a complaint. A complaint is about the order's
/// client: asked about an executor, it counts for the one who made it.
#[must_use]
pub fn said(mut reviews: Vec<Review>, complaint: Option<&Complaint>, asked: Option<i64>) -> Said {
    reviews.sort_by_key(Review::place);
    let executor_ids: Vec<_> = reviews.iter().map(|review| review.executor_id).collect();
    let reviewed = match asked {
        None => !executor_ids.is_empty(),
        Some(executor) => executor_ids.contains(&executor),
    };
    let complained =
        complaint.is_some_and(|complaint| asked.is_none_or(|id| id == complaint.executor_id));
    let kind = match (reviewed, complained) {
        (true, _) => Some("review"),
        (false, true) => Some("complaint"),
        (false, false) => None,
    };
    Said { submitted: kind.is_some(), kind, executor_ids }
}
