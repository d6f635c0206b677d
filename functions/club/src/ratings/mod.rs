//! Ratings: who has earned most, and which city.
//!
//! Nothing here is computed when it is asked for. What ratings are made of is kept up to date from
//! the table's change stream, and published by the hour as a *generation*, whole:
//!
//! ```text
//! member changes ─▶ aggregate ─▶ contribution ─┬─▶ city total
//!                                (one a member) └─▶ count of members by score
//!                                                        │
//! five past each hour ─▶ publish: paid time that ran out ┤
//!                                                        ▼
//!                      ranks of this generation ─▶ lists + generation, in one transaction
//! ```
//!
//! **Contributions.** A contribution is what one member adds to the ratings as of one version of
//! the member: energies and city, counted only while the subscription is paid. A new version
//! replaces it in one transaction together with the difference it makes to the city's total and
//! to the counts, conditional on the contribution that was read. So a version counts once, an
//! older one never, and duplicates, reordering and replays change nothing.
//!
//! **Paid time that runs out** writes nothing by itself. Counted contributions stand in the index
//! `due` under the instant at which it ends, and publishing applies those members anew first.
//!
//! **Ranks.** How many members have each score is kept in buckets of a hundred scores. Publishing
//! turns them into chunks of "so many above, and then these", in a partition that belongs to this
//! one attempt to publish; any member's rank is one query there, and exact. Equal scores share a
//! rank: 1 + the number of members above.
//!
//! **Lists** are one item each: the best cities and the best members, a hundred of each, which is
//! the most that is ever shown and keeps the items far below DynamoDB's 400 KB. Both and the
//! generation (the tag `ratings`) change in one transaction, each only to a greater generation.
//! The generation is the second of the schedule's time, so that a schedule which fires twice or
//! late publishes once. Whoever reads a list therefore reads one whole generation, and a
//! publisher that dies half-way leaves the last one as it was.
//!
//! The work of publishing grows with what it publishes (cities, distinct scores, a hundred
//! leaders) and with the members whose paid time has run out, not with the number of members. A
//! further rating, such as that of teams, is one more total beside the city's and one more list.

mod api;
mod jobs;
mod ladder;
mod model;
mod store;
#[cfg(test)]
mod tests;

use shared::clock::Instant;
use shared::function::Function;
use shared::problem::Result;
use shared::table::Table;

pub use api::{cities, personal};
pub use jobs::{aggregate, publish};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![aggregate(), publish(), cities(), personal()]
}

/// When ratings were last published; `None` before the first time. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn last_refresh(table: &Table) -> Result<Option<Instant>> {
    Ok(store::tag(table).await?.map(|tag| tag.generated_at))
}
