//! How teams are made.

use http::StatusCode;
use shared::clock::Instant;
use shared::problem::{Problem, Result};
use shared::table::{Key, Rows, Table, Write};

use super::model::{Founding, Membership, Team, Told};
use super::places::{leader_busy, unknown_member};
use super::store::{self, Numbers, TeamChat};
use crate::auth::{self, Member, TeamRole, member_key};
use crate::texts;
use crate::wire::lease_lost;

/// The writes that make a team with its first member in it; refused under `number`, `chat`,
/// `member`. Six at most.
pub(super) fn with_first(
    team: &Team,
    number: Write,
    member: &Member,
    role: TeamRole,
    now: Instant,
) -> Vec<Write> {
    // Who founds a team by its chat is in it by the same word.
    let seen = Some(team.told()).filter(|told| *told != Told::default());
    let place = Membership { seen, ..Membership::new(team, member, role, now) };
    let mut writes =
        vec![store::placed(member, team, role, now), Write::insert("membership", &place)];
    writes.extend(store::making(team, number));
    writes
}

/// What has to be read before a team is made.
pub(super) fn keys(founding: &Founding, leader: Option<i64>) -> Vec<Key> {
    let chat = founding.tg_chat_id.map(TeamChat::key_of);
    let number = Numbers::key_of(&founding.city_key);
    let city = auth::city_at(&founding.city_key);
    [Some(number), Some(city), chat, leader.map(member_key)].into_iter().flatten().collect()
}

/// A team as an administrator wants it, for somebody to lead who is named, and its writes, that
/// which makes a new city's name known among them: eight at most.
///
/// # Errors
/// 404 for a leader who is not there; 409 `chat_taken`, `leader_busy`.
pub(super) fn made(
    rows: &Rows,
    founding: &Founding,
    leader: Option<i64>,
    now: Instant,
) -> Result<(Team, Vec<Write>)> {
    if let Some(chat) = founding.tg_chat_id
        && rows.get::<TeamChat>(&TeamChat::key_of(chat))?.is_some()
    {
        let (status, text) = (StatusCode::CONFLICT, texts::CHAT_TAKEN);
        return Err(Problem::new(status, "chat_taken", "Chat is taken", text));
    }
    let numbers: Option<Numbers> = rows.get(&Numbers::key_of(&founding.city_key))?;
    let (number, taken) = Numbers::next(numbers.as_ref(), &founding.city_key);
    let (city, named) = auth::named_city(rows, &founding.city_key, &founding.city)?;
    let team = Team::new(Founding { city, ..founding.clone() }, number, now);
    let Some(leader) = leader else {
        let mut writes = store::making(&team, taken);
        writes.extend(named);
        return Ok((team, writes));
    };
    let leader: Member = rows.get(&member_key(leader))?.ok_or_else(unknown_member)?;
    if leader.team_id.is_some() {
        return Err(leader_busy());
    }
    let team = team.begun_by(&leader, TeamRole::Leader);
    let mut writes = with_first(&team, taken, &leader, TeamRole::Leader, now);
    writes.extend(named);
    Ok((team, writes))
}

/// Makes a team of a member's city with the member in it. One read and one transaction of six
/// items. `None` when the member is not any more as it was read, or another team of the city was
/// made meanwhile.
///
/// # Errors
/// `lease_lost`; when the store does not answer.
pub(super) async fn begin(
    table: &Table,
    member: &Member,
    also: &[Write],
    now: Instant,
) -> Result<Option<Team>> {
    let (Some(city), Some(city_key)) = (&member.city, &member.city_key) else { return Ok(None) };
    let founding =
        Founding { city: city.clone(), city_key: city_key.clone(), ..Founding::default() };
    let numbers: Option<Numbers> = table.get(&Numbers::key_of(city_key)).await?;
    let (number, taken) = Numbers::next(numbers.as_ref(), city_key);
    let team = Team::new(founding, number, now).begun_by(member, TeamRole::Member);
    let mut writes = with_first(&team, taken, member, TeamRole::Member, now);
    writes.extend(also.iter().cloned());
    let Err(error) = table.transact(writes).await else { return Ok(Some(team)) };
    if error.refusal()?.has("lease") { Err(lease_lost()) } else { Ok(None) }
}

/// A city that an administrator has named: as it is shown where nobody named it before, and how it
/// is compared.
///
/// # Errors
/// 400 for what no city is called.
pub(super) fn city(name: &str) -> Result<(String, String)> {
    if !auth::is_city_name(name) {
        return Err(Problem::invalid("city", "1 to 80 letters, spaces and -.'()"));
    }
    let key = auth::city_key(name);
    let shown = name.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok((shown, key))
}
