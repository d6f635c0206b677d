//! What holds of teams and places in them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Books, counts, flag};
use crate::invariants::{Item, number, text};

impl<'a> Books<'a> {
    /// A team counts those who are in it, has a number of its own and stands where it belongs.
    pub(super) fn teams(&self, found: &mut Vec<String>) {
        let mut seats: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
        for place in self.of("Membership") {
            seats.entry(text(place, "team_id")).or_default().push(place);
        }
        let mut numbers: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
        let mut versions = 0;
        for team in self.of("Team") {
            let id = text(team, "id");
            let seats = seats.remove(id).unwrap_or_default();
            self.team(team, &seats, found);
            let city = text(team, "city_key");
            if !numbers.entry(city).or_default().insert(number(team, "number")) {
                found.push(format!("{id} has the number of another team"));
            }
            versions += number(team, "version");
        }
        found.extend(seats.keys().map(|id| format!("places in {id}, which is not there")));
        for (city, numbers) in numbers {
            let last = self.of("TeamNumbers").find(|last| text(last, "city_key") == city);
            let last = last.map(|last| number(last, "last"));
            if last != numbers.last().copied() {
                found.push(format!("numbers of {city} up to {last:?}: {numbers:?}"));
            }
        }
        let tag = self.of("Tag").find(|tag| text(tag, "pk") == "TAG#teams");
        let tag = tag.map_or(0, |tag| number(tag, "version"));
        if tag != versions {
            found.push(format!("the tag of teams is {tag}, their versions come to {versions}"));
        }
        for chat in self.of("TeamChat") {
            let of_team = self.of("Team").find(|team| team.get("id") == chat.get("team_id"));
            if of_team.is_none_or(|team| team.get("tg_chat_id") != chat.get("chat_id")) {
                found.push(format!("the chat {chat:?} is no team's"));
            }
        }
    }

    fn team(&self, team: &Item, seats: &[&Item], found: &mut Vec<String>) {
        let (id, active, max) =
            (text(team, "id"), flag(team, "is_active"), number(team, "max_members"));
        let has_role = |role: &'static str| move |seat: &&&Item| text(seat, "role") == role;
        let beyond = seats.iter().filter(has_role("ambassador")).count();
        let stored = (number(team, "member_count"), number(team, "ambassador_count"));
        let due = (seats.len() - beyond, beyond);
        let counted = [(stored.0, due.0), (stored.1, due.1)];
        if counted.into_iter().any(|(stored, due)| usize::try_from(stored) != Ok(due)) {
            found.push(format!("{id} counts {stored:?} instead of {due:?}"));
        }
        if stored.0 > max {
            found.push(format!("{id} has {} members on {max} places", stored.0));
        }
        let leaders: Vec<_> = seats.iter().filter(has_role("leader")).collect();
        let leader = team.get("leader_tg").filter(|leader| !leader.is_null());
        let leads = leaders.first().and_then(|seat| seat.get("tg_id"));
        if leaders.len() > 1 || leads != leader || flag(team, "needs_leader") == leader.is_some() {
            found.push(format!("{id} is led by {leader:?}, as which {} stand", leaders.len()));
        }
        let standing = match (active, stored.0 >= max) {
            (true, false) => "OPEN",
            (true, true) => "FULL",
            (false, _) => "CLOSED",
        };
        let place = format!("{standing}#{}#{:010}", text(team, "city_key"), number(team, "number"));
        if text(team, "rank_sk") != place {
            found.push(format!("{id} stands at {} instead of {place}", text(team, "rank_sk")));
        }
        let chat = team.get("tg_chat_id").filter(|chat| !chat.is_null());
        let chats = self.of("TeamChat").filter(|known| text(known, "team_id") == id).count();
        if chats != usize::from(chat.is_some()) {
            found.push(format!("{id} has {chats} chats"));
        }
    }

    /// A member knows the one place there is, and waits for one where there is none.
    pub(super) fn members(&self, found: &mut Vec<String>) {
        let mut places = counts(self.of("Membership").map(|place| number(place, "tg_id")));
        for member in self.of("Member") {
            let (pk, team_id) = (text(member, "pk"), text(member, "team_id"));
            let own = places.remove(&number(member, "tg_id")).unwrap_or_default();
            let place = self.of("Membership").find(|place| {
                text(place, "team_id") == team_id && place.get("tg_id") == member.get("tg_id")
            });
            let role = place.map(|place| text(place, "role"));
            let knows = member.get("team_role").and_then(Value::as_str);
            if own != i64::from(!team_id.is_empty()) || role != knows {
                found
                    .push(format!("{pk} is {knows:?} of {team_id:?}, with {own} places, {role:?}"));
            }
            let team = self.of("Team").find(|team| text(team, "id") == team_id);
            let leads = knows == Some("leader") && team.is_some_and(|team| flag(team, "is_active"));
            if flag(member, "is_team_leader") != leads {
                found.push(format!("{pk} is {knows:?} of {team_id}, as a leader: {}", !leads));
            }
            let paid = !text(member, "subscription_expires").is_empty()
                && member.get("subscription_expires") != member.get("closed_expiry");
            let waits = paid && !text(member, "city_key").is_empty() && team_id.is_empty();
            if member.contains_key("payer_pk") != waits {
                found.push(format!("{pk} should wait for a team: {waits}"));
            }
        }
        found.extend(places.keys().map(|tg_id| format!("a place of {tg_id}, who is nobody")));
    }
}
