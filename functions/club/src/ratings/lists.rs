//! How the published lists are ordered, and what stands in them. No I/O.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::model::{CityTotal, Contribution, TeamTotal};

/// Rows of a list: the most that is shown.
pub(super) const TOP: usize = 100;

/// A city in the published list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CityRow {
    pub(super) rank: u64,
    pub(super) city: String,
    pub(super) energies: i64,
    pub(super) members: i64,
}

/// All cities with their ranks, the best first: by energies, then by key; equal energies share a
/// rank.
pub(super) fn cities_in_order(mut totals: Vec<CityTotal>) -> Vec<(u64, CityTotal)> {
    totals.retain(|total| total.members > 0);
    totals.sort_by(|a, b| b.energies.cmp(&a.energies).then_with(|| a.city_key.cmp(&b.city_key)));
    let ranks = ranks(totals.iter().map(|total| total.energies));
    ranks.into_iter().zip(totals).collect()
}

impl CityRow {
    /// A city's row under a rank.
    pub(super) fn of((rank, total): &(u64, CityTotal)) -> Self {
        let CityTotal { city, energies, members, .. } = total.clone();
        Self { rank: *rank, city, energies, members }
    }
}

/// A team in the published list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TeamRow {
    pub(super) rank: u64,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) city: Option<String>,
    pub(super) number: Option<u64>,
    pub(super) energies: i64,
    pub(super) members: i64,
}

/// The energies of a team's members on average, as an exact fraction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Average {
    sum: i64,
    count: i64,
}

impl Average {
    pub(super) fn of(total: &TeamTotal) -> Self {
        Self { sum: total.energies, count: total.members.max(1) }
    }
}

impl Ord for Average {
    fn cmp(&self, other: &Self) -> Ordering {
        let cross = |a: &Self, b: &Self| i128::from(a.sum) * i128::from(b.count);
        cross(self, other).cmp(&cross(other, self))
    }
}

impl PartialOrd for Average {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Average {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Average {}

/// Teams with somebody in them, the best first: by the average, then by id.
pub(super) fn teams_in_order(mut totals: Vec<TeamTotal>) -> Vec<TeamTotal> {
    totals.retain(|total| total.members > 0);
    totals.sort_by(|a, b| {
        Average::of(b).cmp(&Average::of(a)).then_with(|| a.team_id.cmp(&b.team_id))
    });
    totals
}

/// The same with their ranks; equal averages share one.
pub(super) fn ranked_teams(ordered: Vec<TeamTotal>) -> Vec<(u64, TeamTotal)> {
    let ranks = ranks(ordered.iter().map(Average::of));
    ranks.into_iter().zip(ordered).collect()
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

/// A member in the published list of experience.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Veteran {
    pub(super) rank: u64,
    pub(super) id: String,
    pub(super) username: Option<String>,
    pub(super) first_name: String,
    pub(super) last_name: Option<String>,
    pub(super) photo_url: Option<String>,
    pub(super) level: u32,
    pub(super) experience: u32,
    pub(super) streak: u32,
}

/// The most experienced members: by experience, then by id; equals share a rank.
pub(super) fn most_experienced(mut members: Vec<Contribution>) -> Vec<Veteran> {
    members.retain(|member| member.standing().is_some());
    members.sort_by(|a, b| b.experience.cmp(&a.experience).then_with(|| a.id.cmp(&b.id)));
    members.truncate(TOP);
    let ranks = ranks(members.iter().map(|member| member.experience));
    let row = |(member, rank): (Contribution, u64)| Veteran {
        rank,
        id: member.id,
        username: member.username,
        first_name: member.first_name,
        last_name: member.last_name,
        photo_url: member.photo_url,
        level: member.level,
        experience: member.experience,
        streak: member.streak,
    };
    members.into_iter().zip(ranks).map(row).collect()
}

/// The ranks of scores that stand from the highest down: 1 + how many are above.
fn ranks<T: PartialEq>(scores: impl Iterator<Item = T>) -> Vec<u64> {
    let mut last: Option<(T, u64)> = None;
    let mut place = 0;
    scores
        .map(|score| {
            place += 1;
            let rank = match &last {
                Some((above, rank)) if *above == score => *rank,
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

    fn team(id: &str, energies: i64, members: i64) -> TeamTotal {
        TeamTotal { team_id: id.to_owned(), energies, members, revision: 1 }
    }

    #[test]
    fn means_are_rounded_half_up() {
        assert_eq!(
            [(5, 2), (4, 3), (5, 3), (0, 7), (3, 0)].map(|(s, n)| mean(s, n)),
            [3, 1, 2, 0, 0]
        );
    }

    #[test]
    fn teams_stand_by_the_exact_fraction() {
        // 33.33… and 33.34: the same once they are rounded, and yet not equal.
        let totals = vec![
            team("c", 100, 3),
            team("b", 1_667, 50),
            team("a", 200, 6),
            team("d", i64::MAX, 2),
            team("e", 9_999, 0),
        ];
        let ranked: Vec<_> = ranked_teams(teams_in_order(totals))
            .into_iter()
            .map(|(rank, total)| (rank, total.team_id))
            .collect();
        let expected = [(1, "d"), (2, "b"), (3, "a"), (3, "c")];
        assert_eq!(ranked, expected.map(|(rank, id)| (rank, id.to_owned())));
    }
}
