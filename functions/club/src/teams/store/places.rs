//! Places in teams: who has one, who comes, who leads and who goes.

use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Entity, Key, Query, Rows, Table, Write};

use super::{change, find, team_key};
use crate::auth::{self, LastTeam, Member, TeamRole, member_key};
use crate::tags::Tag;
use crate::teams::model::{Membership, Standing, Team, Told};

/// What sort keys of memberships begin with.
const MEMBER: &str = "MEMBER#";

impl Entity for Membership {
    const KIND: &'static str = "Membership";

    fn key(&self) -> Key {
        membership_key(&self.team_id, self.tg_id)
    }
}

/// Where a member's place in a team is.
#[must_use]
pub(in crate::teams) fn membership_key(team_id: &str, tg_id: i64) -> Key {
    Key::new(team_key(team_id).pk, format!("{MEMBER}{tg_id}"))
}

/// A member's place in a team. One read.
pub(in crate::teams) async fn place(
    table: &Table,
    team_id: &str,
    tg_id: i64,
) -> Result<Option<Membership>> {
    Ok(table.get(&membership_key(team_id, tg_id)).await?)
}

/// Requires a place to be as it was read, whatever its role.
fn unchanged(write: Write, place: &Membership) -> Write {
    let write = write.when("#joined_at = :joined_at").bind(":joined_at", place.joined_at);
    match place.seen {
        Some(seen) => write.when("#seen = :seen").bind(":seen", seen),
        None => write.when("attribute_not_exists(#seen)"),
    }
}

/// The write by which a place stands by a word of Telegram's from now on. Nobody is shown it.
/// Refused under `membership` when the place has changed.
pub(in crate::teams) fn noting(place: &Membership, told: Told) -> Write {
    unchanged(Write::update("membership", place.key()).set("seen", told), place)
}

/// All places of a team, the oldest first. One query for each megabyte.
pub(in crate::teams) async fn memberships(table: &Table, team_id: &str) -> Result<Vec<Membership>> {
    let query = Query::partition(team_key(team_id).pk).beginning_with(MEMBER);
    let mut found: Vec<Membership> = table.query_all(&query).await?.read()?;
    found.sort_by_key(|place| (place.joined_at, place.tg_id));
    Ok(found)
}

/// The members with these places, and what is under other keys; a hundred with each read.
pub(in crate::teams) async fn people(
    table: &Table,
    places: &[Membership],
    also: &[Key],
) -> Result<Rows> {
    let members = places.iter().map(|place| member_key(place.tg_id));
    let keys: Vec<Key> = members.chain(also.iter().cloned()).collect();
    Ok(table.batch(&keys).await?)
}

/// The writes that give a member a place: four. Refused under `member` when the member is not as
/// it was read, under `team` when there is no such place any more.
///
/// Those who join at once do not disturb each other: the number of places is a condition, and who
/// takes the last one also takes the team off the list of open ones.
pub(in crate::teams) fn joining(
    team: &Team,
    member: &Member,
    role: TeamRole,
    told: Option<Told>,
    now: Instant,
) -> Vec<Write> {
    let place = Membership { seen: told, ..Membership::new(team, member, role, now) };
    let seat = match role {
        TeamRole::Ambassador => change(team).add("ambassador_count", 1),
        _ => seat(team),
    };
    let seat = if role == TeamRole::Leader { led_by(seat, member) } else { seat };
    vec![
        placed(member, team, role, now),
        Write::insert("membership", &place),
        seat,
        Tag::Teams.raise(),
    ]
}

fn seat(team: &Team) -> Write {
    let last = team.max_members.saturating_sub(1);
    let seat = change(team).add("member_count", 1).bind(":last", last);
    if team.member_count >= last {
        let full = Standing::Full.place(&team.city_key, team.number);
        seat.when("#member_count = :last").set("rank_sk", full)
    } else {
        seat.when("#member_count < :last")
    }
}

fn led_by(team: Write, member: &Member) -> Write {
    team.when("attribute_not_exists(#leader_tg)")
        .set("leader_tg", member.tg_id)
        .set("leader_id", &member.id)
        .set("needs_leader", false)
}

/// The member with a place in a team; nobody waits any more.
pub(in crate::teams) fn placed(
    member: &Member,
    team: &Team,
    role: TeamRole,
    now: Instant,
) -> Write {
    auth::change(member, now)
        .set("team_id", &team.id)
        .set("team_role", role)
        .set("is_team_leader", role == TeamRole::Leader)
        .remove("payer_pk")
        .remove("payer_at")
}

/// What becomes of a place that is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// A payment gives it back.
    Kept,
    /// It is gone.
    Lost,
}

/// A member's place that is to be closed, as it was seen.
#[derive(Clone, Debug)]
pub struct Leaving {
    member: Member,
    /// Absent where the team is not there any more.
    team: Option<Team>,
    role: TeamRole,
    memory: Memory,
    /// Where it matters that it is this very one.
    place: Option<Membership>,
}

impl Leaving {
    /// The place of this member, if there is one. One read.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn of(table: &Table, member: &Member, memory: Memory) -> Result<Option<Self>> {
        let (Some(id), Some(role)) = (&member.team_id, member.team_role) else { return Ok(None) };
        let team = find(table, id).await?;
        Ok(Some(Self { member: member.clone(), team, role, memory, place: None }))
    }

    /// The same, refused under `membership` where the place is not as it was read.
    pub(in crate::teams) fn only(self, place: Option<Membership>) -> Self {
        Self { place, ..self }
    }

    /// The team as it was seen.
    pub(in crate::teams) fn team(&self) -> Option<&Team> {
        self.team.as_ref()
    }

    /// Takes the place from the member, in a change of the member that makes its version greater.
    /// Refused under the change's own name when the member has another place by now.
    #[must_use]
    pub fn on(&self, change: Write) -> Write {
        let change = change
            .set("is_team_leader", false)
            .remove("team_id")
            .remove("team_role")
            .when("#team_id = :seen_team AND #team_role = :seen_role")
            .bind(":seen_team", &self.member.team_id)
            .bind(":seen_role", self.role);
        let last = self.member.team_id.clone().filter(|_| self.memory == Memory::Kept);
        let last = last.map(|team_id| LastTeam { team_id, role: self.role });
        change.set_or_remove("last_team", last)
    }

    /// What else goes with it: the place, the team, the tag. Refused under `membership` or `team`
    /// when they have changed.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        let Some(team) = &self.team else { return Vec::new() };
        let at = membership_key(&team.id, self.member.tg_id);
        let place = Write::delete("membership", at).when("#role = :seen_role");
        let place = match &self.place {
            Some(as_read) => unchanged(place, as_read),
            None => place,
        };
        vec![place.bind(":seen_role", self.role), self.vacated(team), Tag::Teams.raise()]
    }

    fn vacated(&self, team: &Team) -> Write {
        let left = change(team).bind(":none", 0);
        if self.role == TeamRole::Ambassador {
            return left.add("ambassador_count", -1).when("#ambassador_count > :none");
        }
        let left = left.add("member_count", -1).when("#member_count > :none");
        // One who leaves makes a place, however full it was.
        let left = match team.is_active {
            true => left.set("rank_sk", Standing::Open.place(&team.city_key, team.number)),
            false => left,
        };
        if team.leader_tg != Some(self.member.tg_id) {
            // Nobody has become its leader meanwhile, least of all the one who leaves.
            return left
                .when("attribute_not_exists(#leader_tg) OR #leader_tg <> :leaving")
                .bind(":leaving", self.member.tg_id);
        }
        unled(left).when("#leader_tg = :leaving").bind(":leaving", self.member.tg_id)
    }
}

fn unled(team: Write) -> Write {
    team.remove("leader_tg").remove("leader_id").set("needs_leader", true)
}

/// The writes that make one member of a team its leader, and of the one who was, if any, an
/// ordinary member: four or six. Refused under `member`, `leader` or `team` when something has
/// changed meanwhile.
pub(in crate::teams) fn leading(
    team: &Team,
    member: &Member,
    old: Option<&Member>,
    now: Instant,
) -> Vec<Write> {
    let role = |name, tg_id, role: TeamRole| {
        Write::update(name, membership_key(&team.id, tg_id))
            .set("role", role)
            .when("attribute_exists(#pk)")
    };
    let seat = match member.team_role {
        // An ambassador takes a place among the others.
        Some(TeamRole::Ambassador) => seat(team)
            .add("ambassador_count", -1)
            .when("#ambassador_count > :none")
            .bind(":none", 0),
        _ => change(team),
    };
    let seat = match old {
        Some(old) => seat.when("#leader_tg = :old_leader").bind(":old_leader", old.tg_id),
        None => seat.when("attribute_not_exists(#leader_tg)"),
    };
    let seat =
        seat.set("leader_tg", member.tg_id).set("leader_id", &member.id).set("needs_leader", false);
    let mut writes = vec![
        placed(member, team, TeamRole::Leader, now),
        role("membership", member.tg_id, TeamRole::Leader),
        seat,
        Tag::Teams.raise(),
    ];
    if let Some(old) = old {
        let plain = Write::update("leader", member_key(old.tg_id))
            .add("version", 1)
            .set("updated_at", now)
            .set("team_role", TeamRole::Member)
            .set("is_team_leader", false)
            .when("#version = :seen_version")
            .bind(":seen_version", old.version);
        writes.push(plain);
        writes.push(role("old_membership", old.tg_id, TeamRole::Member));
    }
    writes
}
