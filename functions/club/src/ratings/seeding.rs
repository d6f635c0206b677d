//! What members add to the ratings who are put into a table, many at a time, and not by the club.

use shared::clock::Instant;
use shared::table::Write;

use super::model::{Contribution, Difference};
use super::store;
use crate::auth::Member;

/// What many members add to the ratings, all of them new, as the change stream would leave it: it
/// tells of each of them later, and finds nothing to do.
#[derive(Debug, Default)]
pub struct Seeds(Difference);

impl Seeds {
    /// The items of one more member, as of `now`: they have to be there before the member is.
    pub fn add(&mut self, member: &Member, now: Instant) -> Vec<Write> {
        let contribution = Contribution::after(None, member, now);
        self.0.count(&contribution, 1);
        let standing = contribution.standing().map(|standing| Write::put("standing", &standing));
        std::iter::once(Write::put("contribution", &contribution)).chain(standing).collect()
    }

    /// What all members so far add to the totals. Each of the writes counts, and so must be done
    /// once.
    #[must_use]
    pub fn totals(&self) -> Vec<Write> {
        store::changes(&self.0)
    }
}
