//! Teams and their members as clients see them.

use serde::Serialize;
use shared::clock::Instant;
use shared::problem::Result;
use shared::table::{Key, Rows, Table};
use utoipa::ToSchema;

use super::super::model::{Membership, Team};
use super::super::store;
use crate::auth::{Member, TeamRole, member_key};
use crate::gamification;

/// A team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Team)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TeamView {
    id: String,
    name: String,
    city: String,
    number: u32,
    metka: Option<String>,
    /// The link into the chat of the team's city; `null` for who is not in the team.
    city_chat: Option<String>,
    description: Option<String>,
    member_count: u32,
    /// The same as `memberCount`.
    current_members: u32,
    max_members: u32,
    ambassador_count: u32,
    leader_id: Option<String>,
    is_active: bool,
    is_full: bool,
    #[schema(value_type = String, format = "date-time")]
    created_at: Instant,
    /// `leader`, `member` or `ambassador`: what the caller is in it.
    user_role: Option<&'static str>,
    #[schema(value_type = Option<String>, format = "date-time")]
    joined_at: Option<Instant>,
    /// For its members alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    invite_link: Option<Option<String>>,
}

impl TeamView {
    /// The team as somebody sees it who is not in it.
    pub(super) fn of(team: &Team) -> Self {
        Self {
            id: team.id.clone(),
            name: team.name.clone(),
            city: team.city.clone(),
            number: team.number,
            metka: team.metka.clone(),
            city_chat: None,
            description: team.description.clone(),
            member_count: team.member_count,
            current_members: team.member_count,
            max_members: team.max_members,
            ambassador_count: team.ambassador_count,
            leader_id: team.leader_id.clone(),
            is_active: team.is_active,
            is_full: team.is_full(),
            created_at: team.created_at,
            user_role: None,
            joined_at: None,
            invite_link: None,
        }
    }

    /// The same for one of its members, with the link into the city's chat.
    pub(super) fn to_member(team: &Team, place: &Membership, city_chat: Option<String>) -> Self {
        Self {
            city_chat,
            user_role: Some(role_name(place.role)),
            joined_at: Some(place.joined_at),
            invite_link: Some(team.invite_link.clone()),
            ..Self::of(team)
        }
    }

    /// The same for those who run the club.
    pub(crate) fn to_administrator(team: &Team) -> Self {
        Self { invite_link: Some(team.invite_link.clone()), ..Self::of(team) }
    }
}

/// A team by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OneTeam {
    pub(super) team: TeamView,
}

/// How a role is called.
pub(super) fn role_name(role: TeamRole) -> &'static str {
    match role {
        TeamRole::Leader => "leader",
        TeamRole::Member => "member",
        TeamRole::Ambassador => "ambassador",
    }
}

/// A member of a team.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TeamMember {
    id: String,
    user_id: String,
    team_id: String,
    role: &'static str,
    #[schema(value_type = String, format = "date-time")]
    joined_at: Instant,
    username: Option<String>,
    first_name: String,
    last_name: Option<String>,
    photo_url: Option<String>,
    level: u32,
    energies: i64,
    user: TeamPerson,
}

/// Who it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TeamPerson {
    id: String,
    first_name: String,
    last_name: Option<String>,
    username: Option<String>,
    photo_url: Option<String>,
}

impl TeamMember {
    fn of(place: &Membership, member: &Member) -> Self {
        Self {
            id: format!("{}_{}", place.team_id, place.user_id),
            user_id: member.id.clone(),
            team_id: place.team_id.clone(),
            role: role_name(place.role),
            joined_at: place.joined_at,
            username: member.username.clone(),
            first_name: member.first_name.clone(),
            last_name: member.last_name.clone(),
            photo_url: member.photo_url.clone(),
            level: gamification::level(member.experience),
            energies: member.balance,
            user: TeamPerson {
                id: member.id.clone(),
                first_name: member.first_name.clone(),
                last_name: member.last_name.clone(),
                username: member.username.clone(),
                photo_url: member.photo_url.clone(),
            },
        }
    }
}

/// The members of a team, those who have been in it longest first, and the rows of `also`. One
/// query and one read.
pub(super) async fn members_of(
    table: &Table,
    team_id: &str,
    also: &[Key],
) -> Result<(Vec<TeamMember>, Rows)> {
    let places = store::memberships(table, team_id).await?;
    if places.is_empty() {
        return Ok((Vec::new(), Rows::default()));
    }
    let people = store::people(table, &places, also).await?;
    let mut members = Vec::new();
    for place in &places {
        let member: Option<Member> = people.get(&member_key(place.tg_id))?;
        members.extend(member.map(|member| TeamMember::of(place, &member)));
    }
    Ok((members, people))
}
