//! Places for all who wait for one.
//!
//! Who has a city, no team and a subscription that was not closed stands in an index, by
//! registration ([`super::waiting`]); whoever gets a place leaves it in the same transaction. So a
//! run that stops, or dies, has nothing to remember: the next one finds those who are left.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant as Stopwatch};

use serde::Serialize;
use shared::clock::Instant;
use shared::lease::Lease;
use shared::problem::Result;
use shared::table::{Key, Table};
use utoipa::ToSchema;

use super::founding;
use super::model::Team;
use super::places::{Seat, fenced, take};
use super::store;
use crate::auth::{Member, TeamRole};

/// The most members that one call gives a place.
pub(super) const DISTRIBUTE_MAX_ASSIGNMENTS: usize = 1_000;
/// How long one call goes on.
pub(super) const DISTRIBUTE_TIME: Duration = Duration::from_secs(20);
/// Members of one read.
const TOGETHER: usize = 100;
/// Open teams of a city that are known at a time.
const KNOWN: u32 = 20;
/// Members who are looked at to tell how many still wait; of more the index is believed.
const COUNTED: usize = 5_000;
/// How often one member is tried.
const TRIES: u32 = 5;

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Distributed {
    /// Teams that were made.
    pub(super) teams_created: usize,
    /// Members who have a place now.
    pub(super) users_assigned: usize,
    /// The same as `usersAssigned`.
    pub(super) users_distributed: usize,
    /// Members who still wait; of many thousands, at most so many.
    pub(super) remaining: usize,
}

/// The limits of one run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) assignments: usize,
    pub(super) time: Duration,
}

/// What a run knows and has done.
struct Run<'a> {
    table: &'a Table,
    lease: &'a Lease,
    now: Instant,
    /// Teams with a place left, by city, the first number first.
    open: HashMap<String, Vec<Team>>,
    done: Distributed,
}

/// Gives a place to those who wait, in their order. One transaction for each, a read for each
/// hundred and a query for each city.
///
/// # Errors
/// `lease_lost` when another run has taken over; when the store does not answer.
pub(super) async fn distribute(
    table: &Table,
    lease: &Lease,
    bounds: Bounds,
    now: Instant,
) -> Result<Distributed> {
    let began = Stopwatch::now();
    let waiting = store::queue(table).await?;
    let (open, done) = (HashMap::new(), Distributed::default());
    let mut run = Run { table, lease, now, open, done };
    for (seen, some) in waiting.chunks(TOGETHER).enumerate() {
        let rows = table.batch(some).await?;
        for (place, key) in some.iter().enumerate() {
            if run.done.users_assigned >= bounds.assignments || began.elapsed() >= bounds.time {
                let left = waiting.get(seen * TOGETHER + place..).unwrap_or_default();
                run.done.remaining += still(table, left, now).await?;
                return Ok(run.done);
            }
            let member: Option<Member> = rows.get(key)?;
            if let Some(member) = member.filter(|member| may_have(member, now)) {
                run.assign(member, key).await?;
            }
        }
    }
    Ok(run.done)
}

/// The index says who waits; whether the subscription is paid at this moment, the member.
fn may_have(member: &Member, now: Instant) -> bool {
    super::model::waits(member) && member.is_paid(now)
}

/// How many of these wait and could have a place: exactly of the first [`COUNTED`], at most of the
/// rest. One read for each hundred.
async fn still(table: &Table, left: &[Key], now: Instant) -> Result<usize> {
    let (counted, rest) = left.split_at(left.len().min(COUNTED));
    let mut count = rest.len();
    for some in counted.chunks(TOGETHER) {
        let rows = table.batch(some).await?;
        for key in some {
            count += usize::from(rows.get::<Member>(key)?.is_some_and(|one| may_have(&one, now)));
        }
    }
    Ok(count)
}

impl Run<'_> {
    /// Gives one member a place.
    async fn assign(&mut self, member: Member, key: &Key) -> Result<()> {
        let mut member = member;
        for _ in 0..TRIES {
            match self.find_place(&member).await? {
                Some(()) => {
                    self.done.users_assigned += 1;
                    self.done.users_distributed += 1;
                    return Ok(());
                }
                None => match self.table.get::<Member>(key).await? {
                    Some(now_is) if may_have(&now_is, self.now) => member = now_is,
                    _ => return Ok(()),
                },
            }
        }
        // Others change this member all the time: the next call's turn.
        self.done.remaining += 1;
        Ok(())
    }

    /// `None` when the member has to be read again.
    async fn find_place(&mut self, member: &Member) -> Result<Option<()>> {
        let Some(city_key) = member.city_key.clone() else { return Ok(None) };
        let fence = fenced(self.lease);
        let mut gone = HashSet::new();
        loop {
            let known = self.open_in(&city_key).await?;
            let Some(team) = known.iter().find(|team| !gone.contains(&team.id)).cloned() else {
                break;
            };
            match take(self.table, &team, member, TeamRole::Member, &fence, self.now).await? {
                Seat::Taken(was) => {
                    self.seated(&city_key, *was);
                    return Ok(Some(()));
                }
                Seat::Stale => return Ok(None),
                Seat::Gone => {
                    self.forget(&city_key, &team.id);
                    gone.insert(team.id);
                }
            }
        }
        let made = founding::begin(self.table, member, &fence, self.now).await?;
        let Some(team) = made else { return Ok(None) };
        self.done.teams_created += 1;
        if !team.is_full() {
            self.open.entry(city_key).or_default().push(team);
        }
        Ok(Some(()))
    }

    /// The open teams of a city, read where none are known.
    async fn open_in(&mut self, city_key: &str) -> Result<&[Team]> {
        let known = self.open.get(city_key).is_some_and(|teams| !teams.is_empty());
        if !known {
            let teams = store::open(self.table, city_key, KNOWN).await?;
            self.open.insert(city_key.to_owned(), teams);
        }
        Ok(self.open.get(city_key).map(Vec::as_slice).unwrap_or_default())
    }

    /// One place of a team is taken.
    fn seated(&mut self, city_key: &str, was: Team) {
        let id = was.id.clone();
        let now_is = Team { member_count: was.member_count + 1, ..was };
        let full = now_is.is_full();
        if let Some(teams) = self.open.get_mut(city_key) {
            if let Some(known) = teams.iter_mut().find(|team| team.id == id) {
                *known = now_is;
            }
            if full {
                teams.retain(|team| team.id != id);
            }
        }
    }

    fn forget(&mut self, city_key: &str, id: &str) {
        if let Some(teams) = self.open.get_mut(city_key) {
            teams.retain(|team| team.id != id);
        }
    }
}
