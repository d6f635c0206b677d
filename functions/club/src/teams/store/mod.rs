//! Teams, places in them and reports in the table.
//!
//! The index `rank` lists all teams in one partition, those with a place left first by their sort
//! key. It lags, so that what it says of one team is decided by a condition on the team itself,
//! and what it says of all is believed only when nothing is missing: every change of a team makes
//! its version, and the tag of all teams, one greater, so that the versions of a complete list add
//! up to the tag.

mod places;
mod reports;
mod waiting;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Cursor, Entity, Key, Query, Table, Write};

use super::model::{Standing, Team, Told};
use crate::auth::member_key;
use crate::tags::Tag;

pub use places::{Leaving, Memory};
pub(super) use places::{
    joining, leading, membership_key, memberships, noting, people, place, placed,
};
pub(super) use reports::{reporting, reports};
pub(super) use waiting::queue;
pub use waiting::{queued, waiting};

/// The partition of the list of all teams.
const TEAMS: &str = "TEAMS";

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
    let teams: Vec<Team> = table.query_all(&listed()).await?.read()?;
    let seen: u64 = teams.iter().map(|team| team.version).sum();
    Ok((teams, seen.to_string() == tag))
}

/// Where a team stands in the list, for what comes after it.
pub(super) fn after(team: &Team) -> BTreeMap<String, String> {
    let Key { pk, sk } = team.key();
    let index = team.index().into_iter().map(|(name, value)| (name.to_owned(), value));
    [("pk".to_owned(), pk), ("sk".to_owned(), sk)].into_iter().chain(index).collect()
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
    let query = listed().beginning_with(Standing::Open.prefix());
    Ok(table.query_all(&query).await?.read()?)
}

fn listed() -> Query {
    Query::global_index("rank", ("rank_pk", TEAMS.to_owned()), "rank_sk")
}

/// The beginning of every change of a team: refused under `team` when it is not active, or not
/// inactive, any more.
fn change(team: &Team) -> Write {
    Write::update("team", team_key(&team.id))
        .add("version", 1)
        .when("#is_active = :seen_active")
        .bind(":seen_active", team.is_active)
}

/// Keeps a word of Telegram's about the bot in the chat; refused where a later one was heard.
fn heard(change: Write, told: Told) -> Write {
    change
        .set("chat_changed_s", told.date_s)
        .set("chat_changed_by", told.update_id)
        .when(
            "attribute_not_exists(#chat_changed_s) OR #chat_changed_s < :told_s OR \
             (#chat_changed_s = :told_s AND \
             (attribute_not_exists(#chat_changed_by) OR #chat_changed_by < :told_by))",
        )
        .bind(":told_s", told.date_s)
        .bind(":told_by", told.update_id)
}

/// The writes by which a team that stays as it is knows what was told of the bot in its chat.
/// Refused under `team`.
pub(super) fn hearing(team: &Team, told: Told) -> Vec<Write> {
    vec![heard(change(team), told), Tag::Teams.raise()]
}

/// The writes that end a team: itself, its leader's place as a leader and the tag. The places in
/// it are closed one by one after it. Refused under `team` or `leader`.
pub(super) fn ending(team: &Team, told: Told, now: Instant) -> Vec<Write> {
    let closed = Standing::Closed.place(&team.city_key, team.number);
    let ended = heard(change(team), told).set("is_active", false).set("rank_sk", closed);
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
pub(super) fn reviving(team: &Team, told: Told) -> Vec<Write> {
    let standing = if team.is_full() { Standing::Full } else { Standing::Open };
    let alive = heard(change(team), told)
        .set("is_active", true)
        .set("rank_sk", standing.place(&team.city_key, team.number))
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

/// The write that lets a member found a team, or no more; refused under `member` when there is
/// none.
pub(super) fn allowing(tg_id: i64, can_lead: bool, now: Instant) -> Write {
    Write::update("member", member_key(tg_id))
        .add("version", 1)
        .set("can_lead", can_lead)
        .set("updated_at", now)
        .when("attribute_exists(#pk)")
}
