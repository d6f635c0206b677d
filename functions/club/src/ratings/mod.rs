//! Ratings: who has earned most, and which city and team.
//!
//! Nothing here is computed when it is asked for. What ratings are made of is kept up to date from
//! the table's change stream, and published by the hour as a *generation*, whole:
//!
//! ```text
//! member changes ─▶ aggregate ─▶ contribution ─┬─▶ city total, team total, place by experience
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
//! one attempt to publish, and packs the places of all cities and teams beside them. The published
//! *directory* says which item holds what, so that any member's rank and places are one read, and
//! exact. Equal scores share a rank: 1 + the number above.
//!
//! **Lists** are one item each: the best cities, teams, members, and the most experienced, a hundred
//! of each, which is the most that is ever shown and keeps the items far below DynamoDB's 400 KB.
//! All of them, the directory and the generation (the tag `ratings`) change in one transaction, each
//! only to a greater generation. The generation is the second of the schedule's time, so that a
//! schedule which fires twice or late publishes once. Whoever reads a list therefore reads one whole
//! generation, and a publisher that dies half-way leaves the last one as it was.
//!
//! **Experience** has no ranks but those of its list. Who has any stands under a key that is the
//! order itself, so that the first hundred are read as they stand.
//!
//! **Teams** are ranked by the average of those who are paid, as an exact fraction. Names come from
//! the teams' own rows when they are published, and teams that are not active are left out then; a
//! team loses its members with its chat, so that only those within the list are looked at.
//!
//! The work of publishing grows with what it publishes (cities, teams, distinct scores, a hundred
//! leaders) and with the members whose paid time has run out, not with the number of members.
//!
//! **Recounting** ([`reconcile`]) is the one walk over all members. It holds every contribution
//! against its member and everything that contributions add up to against them, tells of what
//! differs and repairs it.

mod api;
mod census;
mod jobs;
mod ladder;
mod lists;
mod model;
mod own;
mod places;
mod published;
mod reconciling;
mod seeding;
mod shown;
mod store;
#[cfg(test)]
mod tests;

use shared::clock::Instant;
use shared::function::Function;
use shared::problem::Result;
use shared::table::Table;

pub use api::{cities, leaderboard, teams};
pub use jobs::{aggregate, publish};
pub use own::{all_data, personal, user_position};
pub use reconciling::reconcile;
pub use seeding::Seeds;

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        aggregate(),
        publish(),
        reconcile(),
        cities(),
        teams(),
        personal(),
        user_position(),
        all_data(),
        leaderboard(),
    ]
}

/// When ratings were last published; `None` before the first time. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn last_refresh(table: &Table) -> Result<Option<Instant>> {
    Ok(published::tag(table).await?.map(|tag| tag.generated_at))
}
