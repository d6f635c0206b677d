//! Teams, places in them and reports in the table.
//!
//! The index `rank` lists all teams in one partition, those with a place left first by their sort
//! key. It lags, so that what it says of one team is decided by a condition on the team itself,
//! and what it says of all is believed only when nothing is missing: every change of a team makes
//! its version, and the tag of all teams, one greater, so that the versions of a complete list add
//! up to the tag.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ledger::shard;
use shared::problem::Result;
use shared::table::{Cursor, Entity, Item, Key, Query, Rows, Table, Write};

use super::model::{LeaderReport, Membership, Standing, Team, waits};
use crate::auth::{self, LastTeam, Member, TeamRole, member_key};
use crate::calendar::Week;
use crate::tags::Tag;

/// The partition of the list of all teams.
const TEAMS: &str = "TEAMS";
/// What sort keys of memberships begin with.
const MEMBER: &str = "MEMBER#";
/// Partitions of the list of those who wait for a team.
const WAITING_SHARDS: u64 = 4;

// ---- teams -----------------------------------------------------------------------------------

impl Entity for Team {
    const KIND: &'static str = "Team";

    fn key(&self) -> Key {
        team_key(&self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("rank_pk", TEAMS.to_owned()), ("rank_sk", self.place())]
    }
}

/// Where the team of this id is.
#[must_use]
pub fn team_key(id: &str) -> Key {
    Key::new(format!("TEAM#{id}"), "TEAM")
}

/// The team of this id. One read.
///
/// # Errors
/// When the store does not answer.
pub async fn find(table: &Table, id: &str) -> Result<Option<Team>> {
    Ok(table.get(&team_key(id)).await?)
}

/// Which team a chat is of.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct TeamChat {
    pub(super) chat_id: i64,
    pub(super) team_id: String,
}

impl TeamChat {
    pub(super) fn key_of(chat_id: i64) -> Key {
        Key::new(format!("TEAMCHAT#{chat_id}"), "CHAT")
    }
}

impl Entity for TeamChat {
    const KIND: &'static str = "TeamChat";

    fn key(&self) -> Key {
        Self::key_of(self.chat_id)
    }
}

/// The team whose chat this is, active or not. Two reads; one where it is no team's.
///
/// # Errors
/// When the store does not answer.
pub async fn of_chat(table: &Table, chat_id: i64) -> Result<Option<Team>> {
    let chat: Option<TeamChat> = table.get(&TeamChat::key_of(chat_id)).await?;
    match chat {
        Some(chat) => find(table, &chat.team_id).await,
        None => Ok(None),
    }
}

/// The number of a city's newest team.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Numbers {
    city_key: String,
    last: u32,
}

impl Numbers {
    pub(super) fn key_of(city_key: &str) -> Key {
        Key::new(format!("CITY#{city_key}"), "TEAMS")
    }

    /// The number that comes next in a city, and the write that takes it; refusal `number`.
    pub(super) fn next(seen: Option<&Self>, city_key: &str) -> (u32, Write) {
        let last = seen.map(|numbers| numbers.last);
        let number = last.unwrap_or_default().saturating_add(1);
        let next = Self { city_key: city_key.to_owned(), last: number };
        let write = match last {
            None => Write::insert("number", &next),
            Some(last) => Write::put("number", &next).when("#last = :seen").bind(":seen", last),
        };
        (number, write)
    }
}

impl Entity for Numbers {
    const KIND: &'static str = "TeamNumbers";

    fn key(&self) -> Key {
        Self::key_of(&self.city_key)
    }
}

/// The writes that make a team: its number, itself and its chat; refusals `number`, `chat`.
pub(super) fn making(team: &Team, number: Write) -> Vec<Write> {
    let chat = team
        .tg_chat_id
        .map(|chat_id| Write::insert("chat", &TeamChat { chat_id, team_id: team.id.clone() }));
    let mut writes = vec![number];
    writes.extend(chat);
    writes.push(Write::insert("team", team));
    writes.push(Tag::Teams.raise());
    writes
}

/// Every team there is, by the index, and whether none of their last changes is missing. One
/// query for each megabyte.
pub(super) async fn all(table: &Table, tag: &str) -> Result<(Vec<Team>, bool)> {
    let items = pages(table, &listed()).await?;
    let teams: Vec<Team> = items.iter().map(Item::read).collect::<std::result::Result<_, _>>()?;
    let seen: u64 = teams.iter().map(|team| team.version).sum();
    Ok((teams, seen.to_string() == tag))
}

/// One page of active teams after a place in the list. One query.
pub(super) async fn page(
    table: &Table,
    after: Option<Cursor>,
    limit: u32,
) -> Result<(Vec<Team>, Option<Cursor>)> {
    // `FULL#` and `OPEN#` are all between these two; `CLOSED#` is not.
    let active = listed().at_least(Standing::Full.prefix()).limit(limit).after(after);
    let page = table.query(&active).await?;
    Ok((page.read()?, page.next))
}

/// The first teams of a city with a place left, by number, as the index knows them. One query.
pub(super) async fn open(table: &Table, city_key: &str, limit: u32) -> Result<Vec<Team>> {
    let query = listed().beginning_with(Standing::Open.of_city(city_key)).limit(limit);
    Ok(table.query(&query).await?.read()?)
}

/// All teams with a place left, by city and number. One query for each megabyte.
pub(super) async fn all_open(table: &Table) -> Result<Vec<Team>> {
    let items = pages(table, &listed().beginning_with(Standing::Open.prefix())).await?;
    Ok(items.iter().map(Item::read).collect::<std::result::Result<_, _>>()?)
}

fn listed() -> Query {
    Query::global_index("rank", ("rank_pk", TEAMS.to_owned()), "rank_sk")
}

/// Every item of a query, page after page.
async fn pages(table: &Table, query: &Query) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = table.query(&query.clone().after(cursor)).await?;
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

// ---- places ----------------------------------------------------------------------------------

impl Entity for Membership {
    const KIND: &'static str = "Membership";

    fn key(&self) -> Key {
        membership_key(&self.team_id, self.tg_id)
    }
}

/// Where a member's place in a team is.
#[must_use]
pub(super) fn membership_key(team_id: &str, tg_id: i64) -> Key {
    Key::new(team_key(team_id).pk, format!("{MEMBER}{tg_id}"))
}

/// All places of a team, the oldest first. One query for each megabyte.
pub(super) async fn memberships(table: &Table, team_id: &str) -> Result<Vec<Membership>> {
    let query = Query::partition(team_key(team_id).pk).beginning_with(MEMBER);
    let items = pages(table, &query).await?;
    let mut found: Vec<Membership> =
        items.iter().map(Item::read).collect::<std::result::Result<_, _>>()?;
    found.sort_by_key(|place| (place.joined_at, place.tg_id));
    Ok(found)
}

/// The members with these places, and what is under other keys; a hundred with each read.
pub(super) async fn people(table: &Table, places: &[Membership], also: &[Key]) -> Result<Rows> {
    let members = places.iter().map(|place| member_key(place.tg_id));
    let keys: Vec<Key> = members.chain(also.iter().cloned()).collect();
    Ok(table.batch(&keys).await?)
}

/// The beginning of every change of a team: refused under `team` when it is not active, or not
/// inactive, any more.
fn change(team: &Team) -> Write {
    Write::update("team", team_key(&team.id))
        .add("version", 1)
        .when("#is_active = :seen_active")
        .bind(":seen_active", team.is_active)
}

/// The writes that give a member a place: four. Refused under `member` when the member is not as
/// it was read, under `team` when there is no such place any more.
///
/// Those who join at once do not disturb each other: the number of places is a condition, and who
/// takes the last one also takes the team off the list of open ones.
pub(super) fn joining(team: &Team, member: &Member, role: TeamRole, now: Instant) -> Vec<Write> {
    let seat = match role {
        TeamRole::Ambassador => change(team).add("ambassador_count", 1),
        _ => seat(team),
    };
    let seat = if role == TeamRole::Leader { led_by(seat, member) } else { seat };
    vec![
        placed(member, team, role, now),
        Write::insert("membership", &Membership::new(team, member, role, now)),
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
pub(super) fn placed(member: &Member, team: &Team, role: TeamRole, now: Instant) -> Write {
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
}

impl Leaving {
    /// The place of this member, if there is one. One read.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn of(table: &Table, member: &Member, memory: Memory) -> Result<Option<Self>> {
        let (Some(id), Some(role)) = (&member.team_id, member.team_role) else { return Ok(None) };
        let team = find(table, id).await?;
        Ok(Some(Self { member: member.clone(), team, role, memory }))
    }

    /// The team as it was seen.
    pub(super) fn team(&self) -> Option<&Team> {
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
pub(super) fn leading(
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

/// The writes that end a team: itself, its leader's place as a leader and the tag. The places in
/// it are closed one by one after it. Refused under `team` or `leader`.
pub(super) fn ending(team: &Team, told_s: i64, now: Instant) -> Vec<Write> {
    let closed = Standing::Closed.place(&team.city_key, team.number);
    let ended =
        change(team).set("is_active", false).set("rank_sk", closed).set("chat_changed_s", told_s);
    let ended = match team.leader_tg {
        Some(leader) => ended.when("#leader_tg = :leader").bind(":leader", leader),
        None => ended.when("attribute_not_exists(#leader_tg)"),
    };
    let mut writes = vec![ended, Tag::Teams.raise()];
    if let Some(leader) = team.leader_tg {
        let plain = Write::update("leader", member_key(leader))
            .add("version", 1)
            .set("updated_at", now)
            .set("is_team_leader", false)
            .when("#team_id = :team")
            .bind(":team", &team.id);
        writes.push(plain);
    }
    writes
}

/// The writes that begin a team anew. Refused under `team`.
pub(super) fn reviving(team: &Team, told_s: i64) -> Vec<Write> {
    let standing = if team.is_full() { Standing::Full } else { Standing::Open };
    let alive = change(team)
        .set("is_active", true)
        .set("rank_sk", standing.place(&team.city_key, team.number))
        .set("chat_changed_s", told_s)
        // Whether there is a place left was judged by this.
        .when("#version = :seen_version")
        .bind(":seen_version", team.version);
    vec![alive, Tag::Teams.raise()]
}

/// The writes that give a team another chat. Refused under `chat` when that is a team's.
pub(super) fn moving(team: &Team, from: i64, to: i64) -> Vec<Write> {
    let chat = TeamChat { chat_id: to, team_id: team.id.clone() };
    let moved = change(team)
        .set("tg_chat_id", to)
        .remove("invite_link")
        .when("#tg_chat_id = :from")
        .bind(":from", from);
    let gone = Write::delete("old_chat", TeamChat::key_of(from));
    vec![Write::insert("chat", &chat), gone, moved, Tag::Teams.raise()]
}

/// The writes that give a team the link into its chat. Refused under `team`.
pub(super) fn linking(team: &Team, chat_id: i64, link: &str) -> Vec<Write> {
    let linked =
        change(team).set("invite_link", link).when("#tg_chat_id = :chat").bind(":chat", chat_id);
    vec![linked, Tag::Teams.raise()]
}

// ---- those who wait --------------------------------------------------------------------------

/// Where a member stands among those who wait for a team, if it does: by registration, then id.
#[must_use]
pub fn waiting(member: &Member) -> Vec<(&'static str, String)> {
    match waits(member) {
        true => vec![("payer_pk", waiting_in(member.tg_id)), ("payer_at", turn(member))],
        false => Vec::new(),
    }
}

/// Puts a member where it belongs among those who wait, in a change after which it is `as_is`.
#[must_use]
pub fn queued(change: Write, as_is: &Member) -> Write {
    match waits(as_is) {
        true => change.set("payer_pk", waiting_in(as_is.tg_id)).set("payer_at", turn(as_is)),
        false => change.remove("payer_pk").remove("payer_at"),
    }
}

fn waiting_in(tg_id: i64) -> String {
    waiting_partition(shard(&tg_id.to_string(), WAITING_SHARDS))
}

fn waiting_partition(shard: u64) -> String {
    format!("WAITING#{shard}")
}

fn turn(member: &Member) -> String {
    format!("{}#{}", member.created_at, member.id)
}

/// Everybody who waits for a team, by registration, then id; by the index, which lags. One query
/// for each partition, and one for each megabyte more.
pub(super) async fn queue(table: &Table) -> Result<Vec<Key>> {
    let mut found = Vec::new();
    for shard in 0..WAITING_SHARDS {
        let partition = ("payer_pk", waiting_partition(shard));
        for item in pages(table, &Query::global_index("payer", partition, "payer_at")).await? {
            if let (Some(turn), Some(key)) = (item.text("payer_at"), item.key()) {
                found.push((turn.to_owned(), key));
            }
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(found.into_iter().map(|(_, key)| key).collect())
}

// ---- reports ---------------------------------------------------------------------------------

impl LeaderReport {
    /// Where the report of a team for a week is: among those of all teams.
    pub(super) fn key_of(week: Week, team_id: &str) -> Key {
        Key::new(Self::partition(week), format!("TEAM#{team_id}"))
    }

    fn partition(week: Week) -> String {
        format!("LEADERREPORTS#{:04}-W{:02}", week.year, week.number)
    }
}

impl Entity for LeaderReport {
    const KIND: &'static str = "LeaderReport";

    fn key(&self) -> Key {
        let week = Week { year: self.year, number: self.week_number };
        Self::key_of(week, &self.team_id)
    }
}

/// The writes of a report: refused under `report` when there is one for this week, under `member`
/// when the member is not any more as it was read, so that it may lead no more.
pub(super) fn reporting(report: &LeaderReport, leader: &Member, now: Instant) -> Vec<Write> {
    vec![Write::insert("report", report), auth::change(leader, now)]
}

/// All reports of a week. One query for each megabyte.
pub(super) async fn reports(table: &Table, week: Week) -> Result<Vec<LeaderReport>> {
    let items = pages(table, &Query::partition(LeaderReport::partition(week))).await?;
    Ok(items.iter().map(Item::read).collect::<std::result::Result<_, _>>()?)
}

// ---- founders --------------------------------------------------------------------------------

/// The write that lets a member found a team, or no more; refused under `member` when there is
/// none.
pub(super) fn allowing(tg_id: i64, can_lead: bool, now: Instant) -> Write {
    Write::update("member", member_key(tg_id))
        .add("version", 1)
        .set("can_lead", can_lead)
        .set("updated_at", now)
        .when("attribute_exists(#pk)")
}
