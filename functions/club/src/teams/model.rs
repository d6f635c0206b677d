//! Teams, places in them and reports of their leaders. No I/O.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ids;

use crate::auth::{Member, TeamRole};
use crate::calendar::week_start;

/// Places of a team unless it was made with another number, the leader's included.
pub const TEAM_MAX_MEMBERS: u32 = 10;

/// A small group of one city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Opaque.
    pub id: String,
    /// How it is called.
    pub name: String,
    /// City as shown.
    pub city: String,
    /// City as compared.
    pub city_key: String,
    /// Unique within the city, from 1.
    pub number: u32,
    /// What those who run the club sort teams by.
    pub metka: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Its chat, if it has one.
    pub tg_chat_id: Option<i64>,
    /// What lets people into the chat.
    pub invite_link: Option<String>,
    /// Members with a place of their own, the leader among them.
    pub member_count: u32,
    /// Members beyond the number of places.
    pub ambassador_count: u32,
    /// Places.
    pub max_members: u32,
    /// Who leads it, by opaque id.
    pub leader_id: Option<String>,
    /// Who leads it, by Telegram id.
    pub leader_tg: Option<i64>,
    /// Has it lost its leader, or never had one?
    pub needs_leader: bool,
    /// Is it there for its members?
    pub is_active: bool,
    /// When Telegram last told of the bot's place in the chat, in epoch seconds: what it told
    /// before is older.
    #[serde(default)]
    pub chat_changed_s: i64,
    /// The update that told so: see [`Told`].
    #[serde(default)]
    pub chat_changed_by: i64,
    /// Grows with every change: the tag `team:<id>`.
    pub version: u64,
    /// When it was made.
    pub created_at: Instant,
}

/// What a team is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Founding {
    /// City as shown.
    pub city: String,
    /// City as compared.
    pub city_key: String,
    /// How it is called; by its number unless given.
    pub name: Option<String>,
    /// See [`Team::metka`].
    pub metka: Option<String>,
    /// See [`Team::description`].
    pub description: Option<String>,
    /// See [`Team::tg_chat_id`].
    pub tg_chat_id: Option<i64>,
    /// See [`Team::invite_link`].
    pub invite_link: Option<String>,
    /// See [`Team::max_members`].
    pub max_members: Option<u32>,
    /// See [`Team::told`].
    pub told: Told,
}

/// A word of Telegram's about a chat. Those that were told later are greater.
///
/// Its clock shows whole seconds; within one the ids of its updates tell, which it counts in turn
/// (<https://core.telegram.org/bots/api#update>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Told {
    /// When it happened, in epoch seconds.
    pub date_s: i64,
    /// The update that told so.
    pub update_id: i64,
}

impl Team {
    /// An empty team without a leader.
    #[must_use]
    pub fn new(founding: Founding, number: u32, now: Instant) -> Self {
        let name = founding.name.unwrap_or_else(|| decade_name(number, &founding.city));
        Self {
            id: ids::uuid(),
            name,
            city: founding.city,
            city_key: founding.city_key,
            number,
            metka: founding.metka,
            description: founding.description,
            tg_chat_id: founding.tg_chat_id,
            invite_link: founding.invite_link,
            member_count: 0,
            ambassador_count: 0,
            max_members: founding.max_members.unwrap_or(TEAM_MAX_MEMBERS),
            leader_id: None,
            leader_tg: None,
            needs_leader: true,
            is_active: true,
            chat_changed_s: founding.told.date_s,
            chat_changed_by: founding.told.update_id,
            version: 1,
            created_at: now,
        }
    }

    /// The same with its first member in it.
    #[must_use]
    pub fn begun_by(self, member: &Member, role: TeamRole) -> Self {
        let leads = role == TeamRole::Leader;
        let ambassador = role == TeamRole::Ambassador;
        Self {
            member_count: u32::from(!ambassador),
            ambassador_count: u32::from(ambassador),
            leader_id: leads.then(|| member.id.clone()),
            leader_tg: leads.then_some(member.tg_id),
            needs_leader: !leads,
            ..self
        }
    }

    /// The last word about the bot in the chat that the team knows.
    #[must_use]
    pub fn told(&self) -> Told {
        Told { date_s: self.chat_changed_s, update_id: self.chat_changed_by }
    }

    /// Are all places taken?
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.member_count >= self.max_members
    }

    /// Can somebody join it as this?
    #[must_use]
    pub fn takes(&self, role: TeamRole) -> bool {
        match role {
            TeamRole::Ambassador => self.is_active,
            TeamRole::Member => self.is_active && !self.is_full(),
            TeamRole::Leader => self.is_active && !self.is_full() && self.leader_tg.is_none(),
        }
    }

    /// How the team is called as a decade, whatever its own name.
    #[must_use]
    pub fn decade_name(&self) -> String {
        decade_name(self.number, &self.city)
    }

    /// Where it stands in the list of all teams.
    #[must_use]
    pub fn place(&self) -> String {
        let standing = match (self.is_active, self.is_full()) {
            (true, false) => Standing::Open,
            (true, true) => Standing::Full,
            (false, _) => Standing::Closed,
        };
        standing.place(&self.city_key, self.number)
    }
}

fn decade_name(number: u32, city: &str) -> String {
    format!("Десятка №{number} {city}")
}

/// What the list of all teams sorts them by first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Active, with a place left.
    Open,
    /// Active, all places taken.
    Full,
    /// Not active.
    Closed,
}

impl Standing {
    /// What the places of such teams begin with.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Open => "OPEN#",
            Self::Full => "FULL#",
            Self::Closed => "CLOSED#",
        }
    }

    /// The place of one of them. No name of a city holds a `#`.
    #[must_use]
    pub fn place(self, city_key: &str, number: u32) -> String {
        format!("{}{city_key}#{number:010}", self.prefix())
    }

    /// What the places of such teams of a city begin with.
    #[must_use]
    pub fn of_city(self, city_key: &str) -> String {
        format!("{}{city_key}#", self.prefix())
    }
}

/// A member's one place in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The team.
    pub team_id: String,
    /// Who, by Telegram id.
    pub tg_id: i64,
    /// Who, by opaque id.
    pub user_id: String,
    /// As what.
    pub role: TeamRole,
    /// Since when.
    pub joined_at: Instant,
    /// The last word of Telegram's that the member is in the chat; none where the place was given
    /// without one.
    #[serde(default)]
    pub seen: Option<Told>,
}

impl Membership {
    /// The place of this member from now on.
    #[must_use]
    pub fn new(team: &Team, member: &Member, role: TeamRole, now: Instant) -> Self {
        Self {
            team_id: team.id.clone(),
            tg_id: member.tg_id,
            user_id: member.id.clone(),
            role,
            joined_at: now,
            seen: None,
        }
    }

    /// Is the place newer than a word about its member in the chat? One that stands by such a word
    /// itself is as old as that, however late it was heard.
    ///
    /// What was told of the very second in which a place was given without one may be of before:
    /// who is not in the chat after all is found by the look into it, while a place that was closed
    /// comes back by nothing.
    #[must_use]
    pub fn outlives(&self, told: Told) -> bool {
        match self.seen {
            Some(seen) => told <= seen,
            None => told.date_s <= self.joined_at.seconds(),
        }
    }
}

/// Does the member wait for a team: with a city, without a team, and a subscription that was not
/// closed? Whether it is paid at this moment is seen when its turn comes.
#[must_use]
pub fn waits(member: &Member) -> bool {
    let open = member.subscription_expires.is_some()
        && member.subscription_expires != member.closed_expiry;
    open && member.city_key.is_some() && member.team_id.is_none()
}

/// What keeps a member from joining a team of the city in the profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoPlace {
    /// Nobody knows the member.
    Unknown,
    /// No city is chosen.
    NoCity,
    /// The subscription is not paid.
    Unpaid,
    /// No team of the city has a place.
    Full(String),
    /// Others were faster, at each team that was tried.
    Outrun,
}

/// What keeps a member from founding a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFounder {
    /// The subscription is not paid, or nobody knows the member.
    Unpaid,
    /// Nobody has let the member lead.
    NotAllowed,
    /// No city is chosen.
    NoCity,
    /// The member leads a team already.
    Leads,
}

/// May this member found a team?
///
/// # Errors
/// Why not.
pub fn may_found(member: Option<&Member>, now: Instant) -> Result<&Member, NoFounder> {
    let member = member.filter(|member| member.is_paid(now)).ok_or(NoFounder::Unpaid)?;
    if !member.can_lead {
        return Err(NoFounder::NotAllowed);
    }
    if member.city_key.is_none() {
        return Err(NoFounder::NoCity);
    }
    if member.is_team_leader || member.team_role == Some(TeamRole::Leader) {
        return Err(NoFounder::Leads);
    }
    Ok(member)
}

/// How a team fares, as its leader says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// Well.
    Green,
    /// There is a problem.
    Red,
}

/// The longest description of a problem, in characters.
pub const PROBLEM_MAX: usize = 1_000;

/// What a leader reports once a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderReport {
    /// The team.
    pub team_id: String,
    /// As shown.
    pub team_name: String,
    /// As shown.
    pub city: String,
    /// As compared.
    pub city_key: String,
    /// When the week began.
    pub week_start: Instant,
    /// ISO year of the week.
    pub year: i16,
    /// ISO number of the week.
    pub week_number: i8,
    /// Who, by opaque id.
    pub leader_id: String,
    /// How the team fares.
    pub status: Light,
    /// What is wrong.
    pub problem: Option<String>,
    /// When it was sent.
    pub created_at: Instant,
}

/// Can reports be sent now: from Friday 00:00 to Sunday 24:00 in Moscow?
#[must_use]
pub fn is_report_time(now: Instant) -> bool {
    now.since(week_start(now)) >= SignedDuration::from_hours(4 * 24)
}
