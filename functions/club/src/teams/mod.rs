//! Teams: small groups of one city. Members know them as *decades*, ten places each.
//!
//! ```text
//!             bot made administrator of a chat, or an administrator of the club
//!            ─────────────────────────────────────▶ active ◀────────────┐ the same chat again
//!                                                     │                 │
//!                                   bot removed: no leader, places closed one by one
//!                                                     └──────────▶ inactive
//!
//!              joins: count < max            end of the subscription ─▶ remembered:
//!   waiting ──────────────────────▶ member ─┤                           a payment restores it
//!      ▲                             │  ▲   └ leaves, put out, idle: forgotten
//!      └─────────────────────────────┘  └─▶ leader: one for each active team
//! ```
//!
//! A member has one place at most, and the member's item says which ([`crate::auth::Member`]:
//! `team_id`, `team_role`, `is_team_leader`, `last_team`). A place is closed and made in one
//! transaction of the member, the place, the team's counter and the tag of all teams; the number of
//! places is a condition on the counter, so that those who come at once never sit on each other.
//! The team's version is the tag `team:<id>`.
//!
//! Whoever has a city and a subscription and no team *waits*: its item stands in a sparse index by
//! the time of its registration. Every transaction that changes one of the three moves it there or
//! takes it out ([`queued`]); [`distribution`] seats those who wait.

mod api;
mod chats;
mod distribution;
mod founding;
mod jobs;
mod model;
mod places;
mod store;
#[cfg(test)]
mod tests;

use shared::function::Function;

pub(crate) use api::TeamView;
pub use api::{
    admin_all, admin_members, admin_reports, admin_stats, allow, can_create, cities, create,
    decade_join, decade_my, distribute, join, leave, list, members, my, one, replace_leader,
    report, report_status, stats,
};
pub use chats::{hears_of_bot, is_teams, link, moved, people, say_and_leave, stays};
pub use jobs::{cleanup, sync};
pub use model::{Founding, Membership, Team};
pub use places::restore;
pub use store::{Leaving, Memory, find, of_chat, queued, team_key, waiting};

use crate::App;

/// The functions of this capability.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        my(),
        list(),
        stats(),
        one(),
        members(),
        create(),
        join(),
        leave(),
        replace_leader(),
        distribute(),
        decade_my(),
        cities(),
        decade_join(),
        can_create(),
        report(),
        report_status(),
        admin_all(),
        admin_stats(),
        admin_reports(),
        admin_members(),
        allow(),
        sync(),
        cleanup(),
    ]
}
