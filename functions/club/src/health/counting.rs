//! What all environments have counted, for administrators.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use serde_json::Number;
use shared::clock::Instant;
use shared::counters::{Cached, Sums};
use shared::function::{Access, Function};
use shared::http::Answer;
use utoipa::ToSchema;

use crate::App;
use crate::wire::{self, success};

/// The classes of the contract's caches.
const CLASSES: [&str; 4] = ["hot", "user", "public", "static"];

/// `GET /api/v1/cache/stats`.
#[must_use]
pub fn cache_stats() -> Function<App> {
    Function::<App>::get("club-cache-stats", "/api/v1/cache/stats")
        .summary("How often answers were kept or known, up to ten seconds ago")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<Stats>()
        .handled_by(get(handle_stats))
}

/// `GET /metrics`.
#[must_use]
pub fn metrics() -> Function<App> {
    Function::<App>::get("club-metrics", "/metrics")
        .summary("Answered requests by route, method and status, up to ten seconds ago")
        .access(Access::Admin)
        .limited(wire::ADMIN)
        .answers::<Metrics>()
        .handled_by(get(handle_metrics))
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Stats {
    /// Answers that an environment had kept.
    hits: u64,
    /// Answers that were made anew.
    misses: u64,
    /// Answers that the caller had.
    hits304: u64,
    /// The part of `hits` and `hits304` in all of them, from 0 to 1; 0 of nothing.
    #[schema(value_type = f64)]
    hit_rate: Number,
    by_class: BTreeMap<String, ClassStats>,
    #[schema(value_type = Option<String>, format = "date-time")]
    since: Option<Instant>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ClassStats {
    hits: u64,
    misses: u64,
    hits304: u64,
    #[schema(value_type = f64)]
    hit_rate: Number,
}

/// A part of a whole with four digits, which no arithmetic of floats has touched.
fn rate(cached: Cached) -> Number {
    let known = cached.hits + cached.hits304;
    let all = (known + cached.misses).max(1);
    let parts = u128::from(known) * 10_000 / u128::from(all);
    let text = format!("{}.{:04}", parts / 10_000, parts % 10_000);
    serde_json::from_str(&text).unwrap_or_else(|_| Number::from(0))
}

async fn handle_stats(State(app): State<App>) -> Answer {
    let sums = Sums::read(&app.platform.table).await?;
    let mut all = Cached::default();
    for cached in sums.caches.values() {
        all.hits += cached.hits;
        all.misses += cached.misses;
        all.hits304 += cached.hits304;
    }
    let class = |name: &str| {
        let cached = sums.caches.get(name).copied().unwrap_or_default();
        let Cached { hits, misses, hits304 } = cached;
        (name.to_owned(), ClassStats { hits, misses, hits304, hit_rate: rate(cached) })
    };
    let Cached { hits, misses, hits304 } = all;
    let by_class = CLASSES.into_iter().map(class).collect();
    success(Stats { hits, misses, hits304, hit_rate: rate(all), by_class, since: sums.since })
}

#[derive(Debug, Serialize, ToSchema)]
struct Metrics {
    requests: Vec<RequestCount>,
    #[schema(value_type = Option<String>, format = "date-time")]
    since: Option<Instant>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RequestCount {
    /// The route's template; `$default` of what no route matches.
    route: String,
    method: String,
    /// The status that was sent.
    status: u16,
    count: u64,
}

async fn handle_metrics(State(app): State<App>) -> Answer {
    let sums = Sums::read(&app.platform.table).await?;
    let count = |(answered, count): (shared::counters::Answered, u64)| RequestCount {
        route: answered.route,
        method: answered.method,
        status: answered.status,
        count,
    };
    success(Metrics { requests: sums.requests.into_iter().map(count).collect(), since: sums.since })
}
