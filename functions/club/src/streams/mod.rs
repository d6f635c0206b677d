//! Streams: live meetings and their recordings, and who has watched them.
//!
//! *Attending* is one transaction: the attendance, the entry of the ledger, and the member with
//! more energies and whatever else the day brings; the attendance is there once for each member and
//! stream, so that energies come once. It writes nothing that members share. How often a stream was
//! watched is counted by a second transaction after it, which marks the attendance as counted: one
//! that was lost in between is made up for by the member's next call.
//! Whatever is published can be attended, wherever it stands: those who run the club publish it and
//! move its status by hand, often after the event, and the award is one for each stream, so that who
//! says it early earns nothing more by it. `watchedOnline` is the member's own word, and is shown as
//! such.
//! A view raises no tag, so that the counts of a list may be as old as its body; those of one stream
//! are always the newest.
//!
//! All streams stand in one partition, which one query reads; an attendance stands among its
//! member's rows, and in the index `registry` under its stream, which lists who was there.

mod admin;
mod api;
mod attend;
mod model;
mod store;
#[cfg(test)]
mod tests;
mod watched;

use shared::function::Function;

pub use admin::{attendees, create, deleting, replacing, set_status, stats};
pub use api::{list, next, one, upcoming};
pub use attend::{attend, attend_named};
pub use watched::{mine, of_one, totals};

use crate::App;

/// The functions of this capability. Two have the paths of an earlier client besides.
#[must_use]
pub fn functions() -> Vec<Function<App>> {
    vec![
        list(),
        upcoming(),
        next(),
        one(),
        attend(),
        attend_named(),
        mine(),
        totals(),
        of_one(),
        attendees("club-streams-attendees", "/api/streams/{id}/attendees"),
        attendees("club-streams-attendance", "/api/streams/{id}/attendance"),
        stats(),
        create(),
        set_status(),
    ]
}
