//! How members come by places in teams, and give them up.

use http::StatusCode;
use shared::clock::Instant;
use shared::lease::Lease;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Refusal, Table, Write};

use super::model::{NoPlace, Team, Told};
use super::store::{self, Leaving, Memory};
use crate::auth::{self, Member, TeamRole};
use crate::wire::lease_lost;
use crate::{App, texts};

/// Teams of a city that are tried one after another.
const TEAM_JOIN_TRIES: u32 = 3;
/// How often one team is tried whose places go while it is.
const SEAT_TRIES: u32 = 12;

/// What a wish to join came to.
#[derive(Clone, Debug)]
pub(super) enum Joined {
    /// The member is in this team now.
    Now(Team),
    /// The member was in this one before.
    Before(Team),
}

/// What a try at one team came to.
#[derive(Debug)]
pub(super) enum Seat {
    /// The place is the member's.
    Taken(Box<Team>),
    /// The team has none for it any more.
    Gone,
    /// The member is not any more as it was read.
    Stale,
}

/// Which place is closed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    /// Whichever the member has.
    Any,
    /// The one in this team.
    In(&'a str),
    /// The one in this team, if the team has ended.
    Ended(&'a str),
    /// The one in this team, unless it is newer than this word about the member in the chat.
    Before(&'a str, Told),
}

impl Which<'_> {
    fn team_id(&self) -> Option<&str> {
        match self {
            Self::Any => None,
            Self::In(id) | Self::Ended(id) | Self::Before(id, _) => Some(id),
        }
    }

    /// The place as it is to be closed; `None` where it is not the one that is meant.
    async fn meant(self, table: &Table, tg_id: i64, leaving: Leaving) -> Result<Option<Leaving>> {
        match self {
            Self::Ended(_) if leaving.team().is_some_and(|team| team.is_active) => Ok(None),
            Self::Before(id, told) => {
                let place = store::place(table, id, tg_id).await?;
                let stays = place.as_ref().is_some_and(|place| place.outlives(told));
                Ok((!stays).then(|| leaving.only(place)))
            }
            _ => Ok(Some(leaving)),
        }
    }
}

/// Gives a member a place in this team, if it still has one: one transaction of four items, of five
/// under a lease, and one more for each time that others have changed what is left of it.
///
/// # Errors
/// `lease_lost` when another run has taken over; when the store does not answer.
pub(super) async fn take(
    table: &Table,
    team: &Team,
    member: &Member,
    role: TeamRole,
    also: &[Write],
    now: Instant,
) -> Result<Seat> {
    take_by(table, team, member, (role, None), also, now).await
}

/// The same by a word of Telegram's that the member is in the team's chat, if there is one.
///
/// # Errors
/// As [`take`].
pub(super) async fn take_by(
    table: &Table,
    team: &Team,
    member: &Member,
    (role, told): (TeamRole, Option<Told>),
    also: &[Write],
    now: Instant,
) -> Result<Seat> {
    let mut team = team.clone();
    for _ in 0..SEAT_TRIES {
        if !team.takes(role) {
            return Ok(Seat::Gone);
        }
        let mut writes = store::joining(&team, member, role, told, now);
        writes.extend(also.iter().cloned());
        let Err(error) = table.transact(writes).await else {
            return Ok(Seat::Taken(Box::new(team)));
        };
        let refusal = error.refusal()?;
        if refusal.has("lease") {
            return Err(lease_lost());
        }
        if refusal.has("member") || refusal.has("membership") || refusal.has("update") {
            return Ok(Seat::Stale);
        }
        match seen(&refusal)? {
            Some(changed) => team = changed,
            None => return Ok(Seat::Gone),
        }
    }
    Ok(Seat::Gone)
}

/// The team that refused a write, as it stands.
fn seen(refusal: &Refusal) -> Result<Option<Team>> {
    Ok(refusal.old("team").map(shared::table::Item::read).transpose()?)
}

/// Has a member join the first team of the profile's city that has a place. A read, a query and a
/// transaction of four items; for who is in a team, two reads.
///
/// # Errors
/// When the store does not answer; within, why there is no place.
pub(super) async fn join(
    table: &Table,
    tg_id: i64,
    now: Instant,
) -> Result<std::result::Result<Joined, NoPlace>> {
    optimistic(|| async {
        let Some(member) = auth::find(table, tg_id).await? else {
            return Ok(Round::Done(Err(NoPlace::Unknown)));
        };
        if let Some(id) = &member.team_id
            && let Some(team) = store::find(table, id).await?
            && team.is_active
        {
            return Ok(Round::Done(Ok(Joined::Before(team))));
        }
        let Some(city_key) = &member.city_key else {
            return Ok(Round::Done(Err(NoPlace::NoCity)));
        };
        if !member.is_paid(now) {
            return Ok(Round::Done(Err(NoPlace::Unpaid)));
        }
        if let Some(id) = &member.team_id {
            // The team has ended, and this place in it was not closed yet.
            close(table, tg_id, Which::Ended(id), Memory::Lost, now).await?;
            return Ok(Round::Stale);
        }
        in_city(table, &member, city_key, now).await
    })
    .await
}

async fn in_city(
    table: &Table,
    member: &Member,
    city_key: &str,
    now: Instant,
) -> Result<Round<std::result::Result<Joined, NoPlace>>> {
    let teams = store::open(table, city_key, TEAM_JOIN_TRIES).await?;
    let were_all = u32::try_from(teams.len()).is_ok_and(|tried| tried < TEAM_JOIN_TRIES);
    for team in teams {
        match take(table, &team, member, TeamRole::Member, &[], now).await? {
            Seat::Taken(team) => return Ok(Round::Done(Ok(Joined::Now(*team)))),
            Seat::Stale => return Ok(Round::Stale),
            Seat::Gone => {}
        }
    }
    let city = member.city.clone().unwrap_or_default();
    Ok(Round::Done(Err(if were_all { NoPlace::Full(city) } else { NoPlace::Outrun })))
}

/// Closes the place of a member, if there is one and it is meant, once. Two reads, three where a
/// word of Telegram's asks for it, and one transaction of four items. Answers the team as it was.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn close(
    table: &Table,
    tg_id: i64,
    which: Which<'_>,
    memory: Memory,
    now: Instant,
) -> Result<Option<Team>> {
    close_with(table, tg_id, which, memory, &[], now).await
}

/// The same with other writes in its transaction: a lease's fence, an update, a message.
///
/// # Errors
/// `lease_lost` when another run has taken over; when the store does not answer.
pub(super) async fn close_with(
    table: &Table,
    tg_id: i64,
    which: Which<'_>,
    memory: Memory,
    also: &[Write],
    now: Instant,
) -> Result<Option<Team>> {
    optimistic(|| async {
        let Some(member) = auth::find(table, tg_id).await? else { return Ok(Round::Done(None)) };
        if which.team_id().is_some_and(|id| member.team_id.as_deref() != Some(id)) {
            return Ok(Round::Done(None));
        }
        let Some(leaving) = Leaving::of(table, &member, memory).await? else {
            return Ok(Round::Done(None));
        };
        let Some(leaving) = which.meant(table, tg_id, leaving).await? else {
            return Ok(Round::Done(None));
        };
        let alone = Member { team_id: None, team_role: None, ..member.clone() };
        let change = store::queued(auth::change(&member, now), &alone);
        let mut writes = vec![leaving.on(change)];
        writes.extend(leaving.writes());
        writes.extend(also.iter().cloned());
        let Err(error) = table.transact(writes).await else {
            return Ok(Round::Done(leaving.team().cloned()));
        };
        let refusal = error.refusal()?;
        if refusal.has("lease") {
            return Err(lease_lost());
        }
        // An update that had its effect, or a message that was asked for.
        if refusal.has("update") || refusal.has("outbox") {
            return Ok(Round::Done(None));
        }
        Ok(Round::Stale)
    })
    .await
}

/// Gives a member, after a payment, the place back that the end of the subscription has closed: in
/// the same team if it is active with room, the lead of it too where nobody leads it; else a place
/// in the profile's city; else none. One read where there is nothing to give back.
///
/// Answers the team that the member is in by it, now or since an earlier try.
///
/// # Errors
/// When the store does not answer.
pub async fn restore(app: &App, tg_id: i64, now: Instant) -> Result<Option<Team>> {
    let table = &app.platform.table;
    optimistic(|| async {
        let Some(member) = auth::find(table, tg_id).await? else { return Ok(Round::Done(None)) };
        let Some(last) = member.last_team.as_ref().filter(|_| member.is_paid(now)) else {
            return Ok(Round::Done(None));
        };
        if let Some(id) = &member.team_id {
            return Ok(Round::Done(store::find(table, id).await?));
        }
        if let Some(team) = store::find(table, &last.team_id).await? {
            let role = match last.role {
                TeamRole::Leader if !team.takes(TeamRole::Leader) => TeamRole::Member,
                role => role,
            };
            match take(table, &team, &member, role, &[], now).await? {
                Seat::Taken(team) => return Ok(Round::Done(Some(*team))),
                Seat::Stale => return Ok(Round::Stale),
                // Somebody leads it by now.
                Seat::Gone if role == TeamRole::Leader => {
                    return Ok(Round::Stale);
                }
                Seat::Gone => {}
            }
        }
        let Some(city_key) = &member.city_key else { return Ok(Round::Done(None)) };
        Ok(match in_city(table, &member, city_key, now).await? {
            Round::Done(Ok(Joined::Now(team) | Joined::Before(team))) => Round::Done(Some(team)),
            Round::Done(Err(_)) => Round::Done(None),
            Round::Stale => Round::Stale,
        })
    })
    .await
}

/// Gives a member a place in one team, as an administrator wants it. Who has this very place keeps
/// it. Two reads and one transaction of four items.
///
/// # Errors
/// 404 for a team or member that is not there; 409 `already_in_team`, `leader_busy`, `team_full`.
pub(super) async fn admit(
    table: &Table,
    team_id: &str,
    tg_id: i64,
    role: TeamRole,
    now: Instant,
) -> Result<Team> {
    optimistic(|| async {
        let rows = table.batch(&[store::team_key(team_id), auth::member_key(tg_id)]).await?;
        let team: Option<Team> = rows.get(&store::team_key(team_id))?;
        let team = team.filter(|team| team.is_active).ok_or_else(unknown_team)?;
        let member: Option<Member> = rows.get(&auth::member_key(tg_id))?;
        let member = member.ok_or_else(unknown_member)?;
        if let Some(own) = &member.team_id {
            if *own == team.id && member.team_role == Some(role) {
                return Ok(Round::Done(team));
            }
            return Err(match member.team_role {
                Some(TeamRole::Leader) if role == TeamRole::Leader => leader_busy(),
                _ => already_in_team(),
            });
        }
        if role == TeamRole::Leader && team.leader_tg.is_some() {
            return Err(leader_busy());
        }
        match take(table, &team, &member, role, &[], now).await? {
            Seat::Taken(_) => Ok(Round::Done(store::find(table, team_id).await?.unwrap_or(team))),
            Seat::Stale => Ok(Round::Stale),
            Seat::Gone => Err(team_full()),
        }
    })
    .await
}

/// Makes a member of a team its leader. Three reads at most and one transaction of four or six
/// items.
///
/// # Errors
/// 404 for a team or member that is not there; 409 `not_in_team`, `team_full`.
pub(super) async fn lead(table: &Table, team_id: &str, tg_id: i64, now: Instant) -> Result<Team> {
    optimistic(|| async {
        let rows = table.batch(&[store::team_key(team_id), auth::member_key(tg_id)]).await?;
        let team: Option<Team> = rows.get(&store::team_key(team_id))?;
        let team = team.filter(|team| team.is_active).ok_or_else(unknown_team)?;
        let member: Option<Member> = rows.get(&auth::member_key(tg_id))?;
        let member = member.ok_or_else(unknown_member)?;
        if member.team_id.as_ref() != Some(&team.id) {
            return Err(if member.is_team_leader { leader_busy() } else { not_in_team() });
        }
        if team.leader_tg == Some(tg_id) {
            return Ok(Round::Done(team));
        }
        if member.team_role == Some(TeamRole::Ambassador) && team.is_full() {
            return Err(team_full());
        }
        let old = match team.leader_tg {
            Some(leader) => auth::find(table, leader).await?,
            None => None,
        };
        let writes = store::leading(&team, &member, old.as_ref(), now);
        match table.transact(writes).await {
            Ok(()) => Ok(Round::Done(store::find(table, team_id).await?.unwrap_or(team))),
            Err(error) => error.refusal().map(|_| Round::Stale).map_err(Problem::from),
        }
    })
    .await
}

/// What a lease adds to a transaction.
pub(super) fn fenced(lease: &Lease) -> [Write; 1] {
    [lease.fence()]
}

fn conflict(code: &'static str, error: &'static str, text: &'static str) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, error, text)
}

/// There is no such team.
pub(super) fn unknown_team() -> Problem {
    Problem::not_found("Team not found")
}

/// There is no such member.
pub(super) fn unknown_member() -> Problem {
    Problem::not_found("User not found")
}

pub(super) fn leader_busy() -> Problem {
    conflict("leader_busy", "Leader is busy", texts::LEADER_BUSY)
}

pub(super) fn not_in_team() -> Problem {
    conflict("not_in_team", "User is not in a team", texts::NOT_IN_TEAM)
}

fn already_in_team() -> Problem {
    conflict("already_in_team", "User is already in a team", texts::ALREADY_IN_TEAM)
}

fn team_full() -> Problem {
    conflict("team_full", "Team is full", texts::TEAM_FULL)
}
