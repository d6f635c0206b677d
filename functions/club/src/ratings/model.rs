//! What a member adds to the ratings, and how lists are ordered. No I/O.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ledger::shard;
use shared::table::{Entity, Key};

use crate::auth::{self, Member};

/// Partitions of each of the indexes and aggregates.
pub(super) const SHARDS: u64 = 4;
/// Rows of a list: the most that is shown.
pub(super) const TOP: usize = 100;

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
    pub(super) username: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: Option<String>,
    pub(super) photo_url: Option<String>,
    pub(super) level: u32,
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
        let new = Self {
            tg_id: member.tg_id,
            id: member.id.clone(),
            member_version: member.version,
            revision: old.map_or(1, |old| old.revision + 1),
            counted: member.is_paid(now),
            until: member.subscription_expires,
            energies: member.balance.max(0),
            city_key: member.city_key.clone(),
            city: member.city.clone(),
            username: member.username.clone(),
            first_name: member.first_name.clone(),
            last_name: member.last_name.clone(),
            photo_url: member.photo_url.clone(),
            level: auth::level(member.experience),
        };
        let replaces = old.is_none_or(|old| {
            let ran_out = old.counted && !new.counted;
            new.member_version > old.member_version
                || (new.member_version == old.member_version && ran_out)
        });
        replaces.then_some(new)
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

/// The difference that one contribution in place of another makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// By city: its name, energies, members.
    pub(super) cities: BTreeMap<String, CityDelta>,
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

impl Difference {
    pub(super) fn between(old: Option<&Contribution>, new: &Contribution) -> Self {
        let mut difference = Self::default();
        for (contribution, sign) in [(old, -1), (Some(new), 1)] {
            let Some(counted) = contribution.filter(|contribution| contribution.counted) else {
                continue;
            };
            *difference.scores.entry(counted.energies).or_default() += sign;
            if let Some(key) = &counted.city_key {
                let delta = difference.cities.entry(key.clone()).or_default();
                delta.city.clone_from(counted.city.as_ref().unwrap_or(key));
                delta.energies += sign * counted.energies;
                delta.members += sign;
            }
        }
        difference.scores.retain(|_, members| *members != 0);
        difference.cities.retain(|_, delta| delta.energies != 0 || delta.members != 0);
        difference
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

/// A city in the published list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CityRow {
    pub(super) rank: u64,
    pub(super) city: String,
    pub(super) energies: i64,
    pub(super) members: i64,
}

/// The best cities: by energies, then by key; equal energies share a rank.
pub(super) fn best_cities(mut totals: Vec<CityTotal>) -> Vec<CityRow> {
    totals.retain(|total| total.members > 0);
    totals.sort_by(|a, b| b.energies.cmp(&a.energies).then_with(|| a.city_key.cmp(&b.city_key)));
    totals.truncate(TOP);
    let ranks = ranks(totals.iter().map(|total| total.energies));
    let row = |(total, rank): (CityTotal, u64)| {
        let CityTotal { city, energies, members, .. } = total;
        CityRow { rank, city, energies, members }
    };
    totals.into_iter().zip(ranks).map(row).collect()
}

/// A member in the published list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Leader {
    pub(super) rank: u64,
    pub(super) id: String,
    pub(super) username: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: Option<String>,
    pub(super) photo_url: Option<String>,
    pub(super) city: Option<String>,
    pub(super) level: u32,
    pub(super) energies: i64,
}

/// The best members: by energies, then by id; equal energies share a rank.
pub(super) fn best_members(mut members: Vec<Contribution>) -> Vec<Leader> {
    members.retain(|member| member.counted);
    members.sort_by(|a, b| b.energies.cmp(&a.energies).then_with(|| a.id.cmp(&b.id)));
    members.truncate(TOP);
    let ranks = ranks(members.iter().map(|member| member.energies));
    members.into_iter().zip(ranks).map(|(member, rank)| Leader::of(member, rank)).collect()
}

impl Leader {
    /// A member's row under a rank.
    pub(super) fn of(member: Contribution, rank: u64) -> Self {
        Self {
            rank,
            id: member.id,
            username: member.username,
            first_name: member.first_name,
            last_name: member.last_name,
            photo_url: member.photo_url,
            city: member.city,
            level: member.level,
            energies: member.energies,
        }
    }
}

/// The ranks of scores that stand from the highest down: 1 + how many are above.
fn ranks(scores: impl Iterator<Item = i64>) -> Vec<u64> {
    let mut last: Option<(i64, u64)> = None;
    let mut place = 0;
    scores
        .map(|score| {
            place += 1;
            let rank = match last {
                Some((above, rank)) if above == score => rank,
                _ => place,
            };
            last = Some((score, rank));
            rank
        })
        .collect()
}

/// The mean of whole numbers, rounded half up.
pub(super) fn mean(sum: i64, count: i64) -> i64 {
    if count <= 0 {
        return 0;
    }
    let (sum, count) = (i128::from(sum), i128::from(count));
    i64::try_from((2 * sum + count).div_euclid(2 * count)).unwrap_or(i64::MAX)
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
    }

    #[test]
    fn scores_sort_from_the_highest_down() {
        let mut texts = [5, 0, i64::MAX, 40, 1_000_000].map(descending);
        texts.sort();
        assert_eq!(texts, [i64::MAX, 1_000_000, 40, 5, 0].map(descending));
    }

    #[test]
    fn means_are_rounded_half_up() {
        assert_eq!(
            [(5, 2), (4, 3), (5, 3), (0, 7), (3, 0)].map(|(s, n)| mean(s, n)),
            [3, 1, 2, 0, 0]
        );
    }
}
