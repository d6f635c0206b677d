//! The endpoint of the list of towns.

use axum::routing::get;
use serde::Serialize;
use shared::cache::{CacheClass, Conditional};
use shared::function::{Access, Function};
use shared::http::{Answer, Asked};
use utoipa::ToSchema;

use super::model;
use crate::{App, wire};

/// How long an answer is good, in seconds: a day.
const GOOD_S: u32 = 86_400;
/// The longest text that is searched for, in code points.
const SEARCH_MAX: usize = 100;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![search()]
}

/// `GET /api/cities`.
#[must_use]
pub fn search() -> Function<App> {
    Function::<App>::get("errands-cities", "/api/cities")
        .summary("Towns of Russia whose names hold the text that is searched for")
        .access(Access::Public)
        .limited(wire::ANON)
        .cached(CacheClass::public(GOOD_S))
        .reads(&[("search", "string")])
        .answers::<Towns>()
        .handled_by(get(handle_search))
}

/// Names, in the order of the list.
#[derive(Debug, Serialize, ToSchema)]
struct Towns(Vec<&'static str>);

async fn handle_search(Asked(mut asked): Asked, cached: Conditional) -> Answer {
    let text = asked.text("search", 1, SEARCH_MAX);
    asked.finish()?;
    let body = async { Ok(Towns(model::search(&text.unwrap_or_default()))) };
    cached.answer(&[model::version()], body).await
}
