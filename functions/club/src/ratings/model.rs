//! What a member adds to the ratings, and what that adds up to. No I/O.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ledger::shard;
use shared::table::{Entity, Key};

use crate::auth::Member;
use crate::gamification;

/// Partitions of each of the indexes and aggregates.
pub(super) const SHARDS: u64 = 4;

/// What one member adds to the ratings, as of one version of the member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contribution {
    pub(super) tg_id: i64,
    /// The member's opaque id.
    pub(super) id: String,
    /// The member's version that this stems from.
    pub(super) member_version: u64,
    /// Grows with every change of this item.
    pub(super) revision: u64,
    /// Is it part of the aggregates?
    pub(super) counted: bool,
    /// When the paid time ends.
    pub(super) until: Option<Instant>,
    /// The score.
    pub(super) energies: i64,
    pub(super) city_key: Option<String>,
    pub(super) city: Option<String>,
    pub(super) team_id: Option<String>,
    pub(super) username: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: Option<String>,
    pub(super) photo_url: Option<String>,
    pub(super) level: u32,
    #[serde(default)]
    pub(super) experience: u32,
    #[serde(default)]
    pub(super) streak: u32,
}

impl Contribution {
    pub(super) fn key_of(tg_id: i64) -> Key {
        Key::new(format!("RATING#{tg_id}"), "CONTRIBUTION")
    }

    /// The Telegram id in the partition key of a contribution.
    pub(super) fn tg_id_in(pk: &str) -> Option<i64> {
        pk.strip_prefix("RATING#")?.parse().ok()
    }

    /// The contribution that takes the place of `old`, if any does: an older version of the
    /// member never does, the same one only when its paid time has run out since.
    pub(super) fn next(old: Option<&Self>, member: &Member, now: Instant) -> Option<Self> {
        let new = Self::after(old, member, now);
        let replaces = old.is_none_or(|old| {
            let ran_out = old.counted && !new.counted;
            new.member_version > old.member_version
                || (new.member_version == old.member_version && ran_out)
        });
        replaces.then_some(new)
    }

    /// What this member contributes at `now`, as the item that follows `old`.
    pub(super) fn after(old: Option<&Self>, member: &Member, now: Instant) -> Self {
        Self {
            tg_id: member.tg_id,
            id: member.id.clone(),
            member_version: member.version,
            revision: old.map_or(1, |old| old.revision + 1),
            counted: member.is_paid(now),
            until: member.subscription_expires,
            energies: member.balance.max(0),
            city_key: member.city_key.clone(),
            city: member.city.clone(),
            team_id: member.team_id.clone(),
            username: member.username.clone(),
            first_name: member.first_name.clone(),
            last_name: member.last_name.clone(),
            photo_url: member.photo_url.clone(),
            level: gamification::level(member.experience),
            experience: member.experience,
            streak: member.streak,
        }
    }

    /// Where the member stands among those with experience, if anywhere.
    pub(super) fn standing(&self) -> Option<Standing> {
        let Self { tg_id, id, experience, .. } = self;
        let stands = self.counted && *experience > 0;
        stands.then(|| Standing { tg_id: *tg_id, id: id.clone(), experience: *experience })
    }
}

impl Entity for Contribution {
    const KIND: &'static str = "Contribution";

    fn key(&self) -> Key {
        Self::key_of(self.tg_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let Some(until) = self.until.filter(|_| self.counted) else { return Vec::new() };
        let shard = shard(&self.tg_id.to_string(), SHARDS);
        vec![
            ("rank_pk", leaders_partition(shard)),
            ("rank_sk", format!("{}#{}", descending(self.energies), self.id)),
            ("due_pk", expiry_partition(shard)),
            ("due_at", until.to_string()),
        ]
    }
}

pub(super) fn leaders_partition(shard: u64) -> String {
    format!("LEADERS#{shard}")
}

pub(super) fn expiry_partition(shard: u64) -> String {
    format!("RATINGEXPIRY#{shard}")
}

/// A score as a text that sorts from the highest down.
pub(super) fn descending(score: i64) -> String {
    format!("{:019}", i64::MAX - score.max(0))
}

/// Where a member stands among those with experience: an item whose key is the order itself, so
/// that the first of them are read as they stand, without an index that may lag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) tg_id: i64,
    /// The member's opaque id.
    pub(super) id: String,
    pub(super) experience: u32,
}

impl Standing {
    pub(super) fn partition(shard: u64) -> String {
        format!("XPLEADERS#{shard}")
    }
}

impl Entity for Standing {
    const KIND: &'static str = "XpStanding";

    fn key(&self) -> Key {
        let partition = Self::partition(shard(&self.tg_id.to_string(), SHARDS));
        Key::new(partition, format!("{}#{}", descending(self.experience.into()), self.id))
    }
}

/// The difference that one contribution in place of another makes; or what many of them make
/// together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// By city: its name, energies, members.
    pub(super) cities: BTreeMap<String, CityDelta>,
    /// By team: energies, members.
    pub(super) teams: BTreeMap<String, TeamDelta>,
    /// By score: members.
    pub(super) scores: BTreeMap<i64, i64>,
}

/// What changes of a city.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CityDelta {
    pub(super) city: String,
    pub(super) energies: i64,
    pub(super) members: i64,
}

/// What changes of a team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TeamDelta {
    pub(super) energies: i64,
    pub(super) members: i64,
}

impl Difference {
    pub(super) fn between(old: Option<&Contribution>, new: &Contribution) -> Self {
        let mut difference = Self::default();
        for (contribution, sign) in [(old, -1), (Some(new), 1)] {
            if let Some(contribution) = contribution {
                difference.count(contribution, sign);
            }
        }
        difference.scores.retain(|_, members| *members != 0);
        difference.cities.retain(|_, delta| delta.energies != 0 || delta.members != 0);
        difference.teams.retain(|_, delta| delta.energies != 0 || delta.members != 0);
        difference
    }

    /// Adds a contribution so many times, if it is counted.
    pub(super) fn count(&mut self, contribution: &Contribution, times: i64) {
        if !contribution.counted {
            return;
        }
        *self.scores.entry(contribution.energies).or_default() += times;
        if let Some(key) = &contribution.city_key {
            let delta = self.cities.entry(key.clone()).or_default();
            delta.city.clone_from(contribution.city.as_ref().unwrap_or(key));
            delta.energies += times * contribution.energies;
            delta.members += times;
        }
        if let Some(team) = &contribution.team_id {
            let delta = self.teams.entry(team.clone()).or_default();
            delta.energies += times * contribution.energies;
            delta.members += times;
        }
    }
}

/// The sums of one city.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CityTotal {
    /// As compared.
    pub(super) city_key: String,
    /// As shown.
    pub(super) city: String,
    pub(super) energies: i64,
    pub(super) members: i64,
    /// Grows with every change of this item.
    #[serde(default)]
    pub(super) revision: u64,
}

impl CityTotal {
    pub(super) fn partition(shard: u64) -> String {
        format!("CITYRATING#{shard}")
    }

    pub(super) fn key_of(city_key: &str) -> Key {
        Key::new(Self::partition(shard(city_key, SHARDS)), format!("CITY#{city_key}"))
    }
}

impl Entity for CityTotal {
    const KIND: &'static str = "CityTotal";

    fn key(&self) -> Key {
        Self::key_of(&self.city_key)
    }
}

/// The sums of one team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TeamTotal {
    pub(super) team_id: String,
    pub(super) energies: i64,
    pub(super) members: i64,
    /// Grows with every change of this item.
    #[serde(default)]
    pub(super) revision: u64,
}

impl TeamTotal {
    pub(super) fn partition(shard: u64) -> String {
        format!("TEAMRATING#{shard}")
    }

    pub(super) fn key_of(team_id: &str) -> Key {
        Key::new(Self::partition(shard(team_id, SHARDS)), format!("TEAM#{team_id}"))
    }
}

impl Entity for TeamTotal {
    const KIND: &'static str = "TeamTotal";

    fn key(&self) -> Key {
        Self::key_of(&self.team_id)
    }
}

/// What a list shows of a team: some fields of its row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListedTeam {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) city: String,
    pub(super) number: u32,
    pub(super) is_active: bool,
}

impl ListedTeam {
    pub(super) fn key_of(id: &str) -> Key {
        Key::new(format!("TEAM#{id}"), "TEAM")
    }
}

impl Entity for ListedTeam {
    const KIND: &'static str = "Team";

    fn key(&self) -> Key {
        Self::key_of(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    fn member(version: u64, balance: i64, city: &str) -> Member {
        let now = at("2026-01-31T12:00:00Z");
        Member {
            version,
            balance,
            city: Some(city.to_owned()),
            city_key: Some(city.to_lowercase()),
            subscription_expires: Some(at("2026-02-28T12:00:00Z")),
            ..Member::new(1, None, None, now)
        }
    }

    #[test]
    fn older_versions_and_duplicates_replace_nothing() {
        let now = at("2026-02-01T00:00:00Z");
        let held = Contribution::next(None, &member(5, 100, "Казань"), now).unwrap();
        assert!(held.counted);
        for version in [1, 4, 5] {
            assert_eq!(Contribution::next(Some(&held), &member(version, 9, "Омск"), now), None);
        }
        let newer = Contribution::next(Some(&held), &member(6, 9, "Омск"), now).unwrap();
        assert_eq!((newer.revision, newer.energies), (2, 9));
        let over = at("2026-02-28T12:00:00Z");
        let ended = Contribution::next(Some(&held), &member(5, 100, "Казань"), over).unwrap();
        assert!(!ended.counted && ended.index().is_empty());
        assert_eq!(Contribution::next(Some(&ended), &member(5, 100, "Казань"), now), None);
    }

    #[test]
    fn a_difference_touches_only_what_changes() {
        let now = at("2026-02-01T00:00:00Z");
        let of = |balance, city| Contribution::next(None, &member(1, balance, city), now).unwrap();
        let old = of(100, "Казань");
        assert_eq!(Difference::between(Some(&old), &old), Difference::default());
        let moved = Difference::between(Some(&old), &of(100, "Омск"));
        assert!(moved.scores.is_empty());
        let delta = |key: &str| (moved.cities[key].energies, moved.cities[key].members);
        assert_eq!((delta("казань"), delta("омск")), ((-100, -1), (100, 1)));
        let grown = Difference::between(Some(&old), &of(150, "Казань"));
        assert_eq!(grown.scores, BTreeMap::from([(100, -1), (150, 1)]));
        assert_eq!((grown.cities["казань"].energies, grown.cities["казань"].members), (50, 0));
        let gone = Difference::between(Some(&old), &Contribution { counted: false, ..old.clone() });
        assert_eq!((gone.scores[&100], gone.cities["казань"].members), (-1, -1));
        let joined = Contribution { team_id: Some("t".to_owned()), ..old.clone() };
        let joins = Difference::between(Some(&old), &joined);
        assert!(joins.scores.is_empty() && joins.cities.is_empty());
        assert_eq!((joins.teams["t"].energies, joins.teams["t"].members), (100, 1));
    }

    #[test]
    fn only_counted_members_with_experience_stand_somewhere() {
        let now = at("2026-02-01T00:00:00Z");
        let none = Contribution::next(None, &member(1, 0, "Омск"), now).unwrap();
        assert_eq!(none.standing(), None);
        let some = Contribution { experience: 70, ..none };
        let more = Contribution { experience: 700, ..some.clone() };
        let sk = |of: &Contribution| of.standing().unwrap().key().sk;
        assert!(sk(&more) < sk(&some), "the most experienced first");
        assert_eq!(Contribution { counted: false, ..some }.standing(), None);
    }

    #[test]
    fn scores_sort_from_the_highest_down() {
        let mut texts = [5, 0, i64::MAX, 40, 1_000_000].map(descending);
        texts.sort();
        assert_eq!(texts, [i64::MAX, 1_000_000, 40, 5, 0].map(descending));
    }
}
