//! Endpoints of reviews.

use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::{HeaderName, HeaderValue, Uri, header};
use serde::{Deserialize, Serialize};
use shared::cache::Conditional;
use shared::clock::Now;
use shared::function::{Access, Function};
use shared::http::{Answer, Asked, Body, Fields, ok};
use shared::idempotency::Idempotency;
use shared::problem::Result;
use utoipa::ToSchema;

use super::list::{self as lists, List, Page, Place, Reviews, Whose};
use super::model::{COMMENT_MAX, RATINGS, Reason, Said};
use super::submit::{self, Blame, Praise};
use crate::users::{Caller, User, Visitor};
use crate::{App, wire};

/// What seals cursors.
const CURSOR_SECRET: &str = "CURSOR_SECRET";

const X_NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");
const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![review(), complain(), list(), check()]
}

/// `POST /api/reviews/client`.
#[must_use]
pub fn review() -> Function<App> {
    Function::<App>::post("errands-reviews-client", "/api/reviews/client")
        .summary("A client reviews an executor of an order that was completed or expired")
        .access(Access::User)
        .limited(wire::REVIEW)
        .takes::<NewReview>()
        .answers::<Reviewed>()
        .handled_by(post(handle_review))
}

/// `POST /api/reviews/executor`.
#[must_use]
pub fn complain() -> Function<App> {
    Function::<App>::post("errands-reviews-executor", "/api/reviews/executor")
        .summary("An executor complains of the client of an order")
        .access(Access::User)
        .limited(wire::REVIEW)
        .takes::<NewComplaint>()
        .answers::<Complained>()
        .handled_by(post(handle_complaint))
}

/// `GET /api/reviews`.
#[must_use]
pub fn list() -> Function<App> {
    Function::<App>::get("errands-reviews-list", "/api/reviews")
        .summary("Reviews, newest first: all, about the caller or by the caller")
        .access(Access::Visitor(&["mine", "about_me", "by_me"]))
        .limited(wire::READ)
        .cached(wire::VALIDATED)
        .needs(CURSOR_SECRET)
        .reads(&[
            ("rating", "integer"),
            ("limit", "integer"),
            ("cursor", "string"),
            ("mine", "boolean"),
            ("about_me", "boolean"),
            ("by_me", "boolean"),
        ])
        .answers::<Reviews>()
        .handled_by(get(handle_list))
}

/// `GET /api/reviews/check`.
#[must_use]
pub fn check() -> Function<App> {
    Function::<App>::get("errands-reviews-check", "/api/reviews/check")
        .summary("What the caller has said of an order")
        .access(Access::User)
        .limited(wire::READ)
        .reads(&[("order_id", "string"), ("executor_id", "integer")])
        .answers::<Said>()
        .handled_by(get(handle_check))
}

/// What clients send. Read field by field; this is for the document.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document's alone")]
struct NewReview {
    order_id: String,
    /// Who took the order; the first who did when absent.
    executor_id: Option<i64>,
    /// 1 to 5.
    rating: i64,
    /// Up to 500 characters.
    comment: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Reviewed {
    success: bool,
    review_id: i64,
}

/// What executors send. Read field by field; this is for the document.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "the document's alone")]
struct NewComplaint {
    order_id: String,
    /// One of the five.
    complaint: String,
    /// Up to 500 characters.
    comment: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Complained {
    success: bool,
    complaint_id: i64,
}

async fn handle_review(
    State(app): State<App>,
    Now(now): Now,
    Caller(client): Caller,
    key: Idempotency,
    Body(mut body): Body,
) -> Answer {
    let praise = Praise {
        order_id: body.required_text("order_id", 1, usize::MAX),
        executor_id: body.integer("executor_id", 0..=wire::ID_MAX),
        rating: body.required_integer("rating", RATINGS),
        comment: comment(&mut body),
    };
    body.finish()?;
    submit::review(&app, &client, &praise, &key, now).await
}

async fn handle_complaint(
    State(app): State<App>,
    Now(now): Now,
    Caller(executor): Caller,
    key: Idempotency,
    Body(mut body): Body,
) -> Answer {
    let order_id = body.required_text("order_id", 1, usize::MAX);
    let reason = Reason::parse(&body.required_text("complaint", 0, usize::MAX));
    if reason.is_none() {
        body.complain("complaint", Reason::complaint());
    }
    let comment = comment(&mut body);
    body.finish()?;
    // Without a reason there was a complaint, and this is not reached.
    let blame = Blame { order_id, reason: reason.unwrap_or(Reason::Other), comment };
    submit::complain(&app, &executor, &blame, &key, now).await
}

/// What is said beside; blank is nothing.
fn comment(body: &mut Fields) -> Option<String> {
    body.text("comment", 0, COMMENT_MAX).filter(|comment| !comment.is_empty())
}

async fn handle_check(
    State(app): State<App>,
    Caller(caller): Caller,
    Asked(mut asked): Asked,
) -> Answer {
    let order_id = asked.required_text("order_id", 1, usize::MAX);
    let executor = asked.integer("executor_id", 0..=wire::ID_MAX);
    asked.finish()?;
    ok(&lists::said(&app.platform.table, caller.id, &order_id, executor).await?)
}

/// What is asked of a list.
struct Wanted {
    /// `None`: nothing can be in it.
    list: Option<List>,
    limit: u32,
    after: Option<Place>,
}

impl Wanted {
    fn read(app: &App, mut asked: Fields, visitor: Option<&User>) -> Result<Self> {
        let (default, max) = (wire::LIST_LIMIT_DEFAULT, wire::LIST_LIMIT_MAX);
        let rating = asked.integer("rating", RATINGS);
        let limit = asked.integer("limit", 1..=i64::from(max));
        let mut flag = |name| asked.flag(name).unwrap_or(false);
        let (mine, about, by) = (flag("mine"), flag("about_me"), flag("by_me"));
        let whose = match visitor.map(|user| (user.id, mine || about, by)) {
            None | Some((_, false, false)) => Some(Whose::All),
            Some((id, true, false)) => Some(Whose::About(id)),
            Some((id, false, true)) => Some(Whose::By(id)),
            Some((_, true, true)) => None,
        };
        let list = whose.map(|whose| List { whose, rating });
        let cursor =
            asked.raw("cursor").map(|cursor| cursor.as_str().unwrap_or_default().to_owned());
        let secret = app.platform.secret(CURSOR_SECRET)?;
        let caller = visitor.map(|user| user.id);
        let after = cursor.as_deref().map(|text| list?.open(text, caller, secret));
        if after == Some(None) && !asked.is_refused("rating") {
            asked.complain("cursor", "Invalid cursor");
        }
        asked.finish()?;
        let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(default);
        Ok(Self { list, limit, after: after.flatten() })
    }
}

async fn handle_list(
    State(app): State<App>,
    Visitor(visitor): Visitor,
    Asked(asked): Asked,
    uri: Uri,
    cached: Conditional,
) -> Answer {
    let wanted = Wanted::read(&app, asked, visitor.as_ref())?;
    let page = match wanted.list {
        Some(list) => {
            let (table, reader) = (&app.platform.table, visitor.as_ref());
            list.page(table, wanted.after, wanted.limit, reader).await?
        }
        None => Page::default(),
    };
    let total = page.total.to_string();
    let caller = visitor.map(|user| user.id);
    let secret = app.platform.secret(CURSOR_SECRET)?;
    let cursor = wanted.list.zip(page.next).map(|(list, place)| list.seal(place, caller, secret));
    let beside = [total.as_str(), cursor.as_deref().unwrap_or_default()];
    let mut response = cached.by_body(&page.reviews, &beside)?;
    if let Some(cursor) = &cursor {
        put(&mut response, X_NEXT_CURSOR, cursor);
        put(&mut response, header::LINK, &format!("<{}>; rel=\"next\"", following(&uri, cursor)));
    }
    put(&mut response, X_TOTAL_COUNT, &total);
    Ok(response)
}

/// The same query with another cursor, as a reference to be resolved against the request's address.
fn following(uri: &Uri, cursor: &str) -> String {
    let pairs = uri.query().unwrap_or_default().split('&');
    let mut pairs: Vec<_> = pairs
        .filter(|pair| !pair.is_empty() && *pair != "cursor" && !pair.starts_with("cursor="))
        .collect();
    let cursor = format!("cursor={cursor}");
    pairs.push(&cursor);
    format!("?{}", pairs.join("&"))
}

fn put(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}
