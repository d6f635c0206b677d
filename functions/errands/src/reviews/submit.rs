//! Reviews and complaints are made once each, with the figures that they move, in one transaction.

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Value, json};
use shared::clock::Instant;
use shared::http::Answer;
use shared::idempotency::Idempotency;
use shared::ids;
use shared::problem::Result;
use shared::retry::{Round, contended};
use shared::table::{Write, WriteError};

use super::items::{Complaint, GivenId, Review};
use super::model::{self, Reason, Refused};
use crate::App;
use crate::orders::{self, FirstReview, Order, order_key};
use crate::users::{User, user_key};

/// How often it is tried while another review of the order comes first.
const TRIES: u32 = 8;
/// The name of the write of the review or complaint itself: refused when it was made before.
const SAID: &str = "said";

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Praise {
    pub(super) order_id: String,
    pub(super) executor_id: Option<i64>,
    pub(super) rating: i64,
    pub(super) comment: Option<String>,
}

/// What an executor says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blame {
    pub(super) order_id: String,
    pub(super) reason: Reason,
    pub(super) comment: Option<String>,
}

/// What is to be committed, and answered then.
struct Saying {
    answer: Value,
    writes: Vec<Write>,
    /// What is told where it was said before.
    again: Refused,
}

/// A client's review of one executor: the review with an id of its own, which carries what follows,
/// the executor's stars, and the order's first review where it is that.
pub(super) async fn review(
    app: &App,
    client: &User,
    praise: &Praise,
    key: &Idempotency,
    now: Instant,
) -> Answer {
    say(app, &praise.order_id, key, now, |order| {
        let (order, executor_id) = model::can_review(order, client.id, praise.executor_id, now)?;
        let review = Review {
            id: ids::numeric(now),
            order_id: order.id.clone(),
            client_id: client.id,
            executor_id,
            author_name: model::author_name(&client.first_name),
            rating: praise.rating,
            comment: praise.comment.clone(),
            category: order.category.clone(),
            city: order.city.clone(),
            created_at: now,
        };
        let stars = Write::update("executor", user_key(executor_id))
            .add("rating_sum", review.rating)
            .add("rating_count", 1)
            .add(&User::rated_attribute(review.rating), 1);
        let mut writes = vec![Write::insert(SAID, &review), stars, GivenId::saying(&review)];
        writes.extend(
            model::comes_first(&review, order.review.as_ref()).then(|| shown(order, &review)),
        );
        let answer = json!({ "success": true, "review_id": review.id });
        Ok(Saying { answer, writes, again: Refused::Reviewed })
    })
    .await
}

/// An executor's complaint about the client of one order: the complaint with an id of its own, and
/// the client's count.
pub(super) async fn complain(
    app: &App,
    executor: &User,
    blame: &Blame,
    key: &Idempotency,
    now: Instant,
) -> Answer {
    say(app, &blame.order_id, key, now, |order| {
        let order = model::can_complain(order, executor.id)?;
        let complaint = Complaint {
            id: ids::numeric(now),
            order_id: order.id.clone(),
            executor_id: executor.id,
            client_id: order.client_id,
            reason: blame.reason,
            comment: blame.comment.clone(),
            created_at: now,
        };
        let counted = Write::update("client", user_key(order.client_id)).add("complaints", 1);
        let answer = json!({ "success": true, "complaint_id": complaint.id });
        let id = Write::insert("id", &GivenId::of::<Complaint>(complaint.id, &order.id));
        let writes = vec![Write::insert(SAID, &complaint), counted, id];
        Ok(Saying { answer, writes, again: Refused::Complained })
    })
    .await
}

/// Reads the order and what the key holds, lets `judge` decide, and commits. One read and one
/// transaction; anew when the order was changed meanwhile, or the id was given before.
async fn say(
    app: &App,
    order_id: &str,
    key: &Idempotency,
    now: Instant,
    judge: impl Fn(Option<&Order>) -> Result<Saying, Refused>,
) -> Answer {
    let judge = &judge;
    contended(TRIES, || async move {
        let (order, stored) = look(app, order_id, key, now).await?;
        if let Some(answer) = stored {
            return Ok(Round::Done(answer));
        }
        let Saying { answer, writes, again } = judge(order.as_ref())?;
        let mut all: Vec<_> =
            key.saving(StatusCode::OK, &answer.to_string(), now).into_iter().collect();
        all.extend(writes);
        let refusal = match app.platform.table.transact(all).await {
            Ok(()) => return Ok(Round::Done(Json(answer).into_response())),
            Err(WriteError::Conflict) => return Ok(Round::Stale),
            Err(error) => error.refusal()?,
        };
        match key.after(&app.platform.table, &refusal, now).await? {
            Round::Stale if refusal.has(SAID) => Err(again.into()),
            round => Ok(round),
        }
    })
    .await
}

/// The order, settled if the clock has ended it, and the answer that is stored under the key.
async fn look(
    app: &App,
    order_id: &str,
    key: &Idempotency,
    now: Instant,
) -> Result<(Option<Order>, Option<Response>)> {
    let order_at = Order::is_id(order_id).then(|| order_key(order_id));
    let keys: Vec<_> = order_at.clone().into_iter().chain(key.key()).collect();
    let rows = match keys.is_empty() {
        true => return Ok((None, None)),
        false => app.platform.table.batch(&keys).await?,
    };
    if let Some(answer) = key.before(&app.platform.table, &rows, now).await? {
        return Ok((None, Some(answer)));
    }
    let order: Option<Order> = order_at.map(|at| rows.get(&at)).transpose()?.flatten();
    if !order.as_ref().is_some_and(|order| order.is_due(now)) {
        return Ok((order, None));
    }
    orders::settle(app, order_id, now).await?;
    Ok((orders::find(&app.platform.table, order_id).await?, None))
}

/// The write that shows this review with its order. Refused when the order was changed meanwhile,
/// perhaps by another review.
fn shown(order: &Order, review: &Review) -> Write {
    let first = FirstReview {
        rating: review.rating,
        comment: review.comment.clone(),
        review_id: review.id,
        at: review.created_at,
    };
    Write::update("order", order_key(&order.id))
        .set("review", first)
        .set("version", order.version + 1)
        .when("#version = :seen")
        .bind(":seen", order.version)
}
