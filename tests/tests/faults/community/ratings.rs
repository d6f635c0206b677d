//! The published ratings against all members, one by one.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::bench::Bench;
use crate::invariants::{Item, number, of, text};

/// Rows of a list.
const TOP: usize = 100;
/// What is published together.
const PARTS: [&str; 6] = [
    "RatingTag",
    "RatingDirectory",
    "RatingCities",
    "RatingTeams",
    "RatingLeaders",
    "RatingVeterans",
];

/// A generation is published whole or not at all, with the ranks that it names.
pub fn whole(items: &[Item], found: &mut Vec<String>) {
    let parts = PARTS.map(|kind| of(items, kind).next());
    if parts.iter().all(Option::is_none) {
        return;
    }
    let generations: Vec<Option<(i64, &str)>> = parts
        .iter()
        .map(|part| part.map(|part| (number(part, "generation"), text(part, "generated_at"))))
        .collect();
    if generations.windows(2).any(|pair| pair[0] != pair[1]) {
        found.push(format!("a generation is published by halves: {generations:?}"));
    }
    let Some(directory) = parts[1] else { return };
    let steps = steps(items, directory);
    let total: i64 = steps.values().sum();
    if total != number(directory, "total") {
        found.push(format!("{total} have a rank, of {}", number(directory, "total")));
    }
}

/// How many members have each score by the ranks of a generation.
fn steps(items: &[Item], directory: &Item) -> BTreeMap<i64, i64> {
    let ranks = text(directory, "ranks");
    let mut steps = BTreeMap::new();
    for chunk in of(items, "RatingRanks").filter(|chunk| text(chunk, "pk") == ranks) {
        for step in text(chunk, "steps").split(' ').filter(|step| !step.is_empty()) {
            let (score, members) = step.split_once(':').expect("a score and its members");
            let members: i64 = members.parse().expect("a number");
            *steps.entry(score.parse().expect("a score")).or_default() += members;
        }
    }
    steps
}

/// Everything in which the last generation is not what all members come to. Nothing may have
/// changed since it was made but the clock.
pub async fn unlike(bench: &Bench) -> Vec<String> {
    let items = bench.items().await;
    let mut found = Vec::new();
    let Some(directory) = of(&items, "RatingDirectory").next() else {
        return vec!["no ratings are published".to_owned()];
    };
    let at = text(directory, "generated_at");
    let eligible = |member: &&Item| text(member, "subscription_expires") > at;
    let members: Vec<&Item> = of(&items, "Member").filter(eligible).collect();
    let mut must = |what: &str, stored: Value, due: Value| {
        if stored != due {
            found.push(format!("{what} at {at}: {stored} instead of {due}"));
        }
    };
    must("members", directory["total"].clone(), members.len().into());
    let mut scores: BTreeMap<i64, i64> = BTreeMap::new();
    for member in &members {
        *scores.entry(number(member, "balance")).or_default() += 1;
    }
    must("scores", json!(steps(&items, directory)), json!(scores));
    let rows = |kind: &str, names: &[&str]| {
        let list = of(&items, kind).next().and_then(|list| list["rows"].as_array().cloned());
        let rows = list.unwrap_or_default().into_iter().map(|row| {
            Value::Object(
                names.iter().map(|name| ((*name).to_owned(), row[*name].clone())).collect(),
            )
        });
        Value::Array(rows.collect())
    };
    must(
        "leaders",
        rows("RatingLeaders", &["rank", "id", "energies"]),
        people(&members, "balance", "energies"),
    );
    let veterans: Vec<&Item> =
        members.iter().filter(|member| number(member, "experience") > 0).copied().collect();
    let listed = rows("RatingVeterans", &["rank", "id", "experience"]);
    must("veterans", listed, people(&veterans, "experience", "experience"));
    must(
        "cities",
        rows("RatingCities", &["rank", "city", "energies", "members"]),
        cities(&members),
    );
    let listed = rows("RatingTeams", &["rank", "id", "energies", "members"]);
    must("teams", listed, teams(&items, &members));
    found
}

/// The first hundred with their ranks: 1 + how many are above.
fn ranked<T: Clone>(
    sorted: Vec<T>,
    equal: impl Fn(&T, &T) -> bool,
    row: impl Fn(&T) -> Map<String, Value>,
) -> Value {
    let mut rows = Vec::new();
    let mut rank = 1;
    for (place, one) in sorted.iter().enumerate().take(TOP) {
        if place > 0 && !equal(&sorted[place - 1], one) {
            rank = place + 1;
        }
        let mut row = row(one);
        row.insert("rank".to_owned(), rank.into());
        rows.push(Value::Object(row));
    }
    Value::Array(rows)
}

fn fields(of: Value) -> Map<String, Value> {
    of.as_object().cloned().unwrap_or_default()
}

fn people(members: &[&Item], by: &str, shown: &str) -> Value {
    let mut sorted: Vec<(i64, &str)> =
        members.iter().map(|member| (number(member, by), text(member, "id"))).collect();
    sorted.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ranked(
        sorted,
        |a, b| a.0 == b.0,
        |(score, id)| {
            let mut row = fields(json!({ "id": id }));
            row.insert(shown.to_owned(), (*score).into());
            row
        },
    )
}

/// Energies and members by what of a member names the group.
fn sums<'a>(members: &[&'a Item], name: &str) -> Vec<(&'a str, i64, i64)> {
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for member in members.iter().filter(|member| !text(member, name).is_empty()) {
        let sum = sums.entry(text(member, name)).or_default();
        *sum = (sum.0 + number(member, "balance"), sum.1 + 1);
    }
    sums.into_iter().map(|(name, (energies, members))| (name, energies, members)).collect()
}

fn cities(members: &[&Item]) -> Value {
    let mut sorted = sums(members, "city_key");
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let shown = |key: &str| {
        let of_city = members.iter().find(|member| text(member, "city_key") == key);
        of_city.map(|member| text(member, "city").to_owned())
    };
    ranked(
        sorted,
        |a, b| a.1 == b.1,
        |(key, energies, members)| {
            fields(json!({ "city": shown(key), "energies": energies, "members": members }))
        },
    )
}

fn teams(items: &[Item], members: &[&Item]) -> Value {
    let active = |id: &str| {
        of(items, "Team").any(|team| text(team, "id") == id && team["is_active"] == true)
    };
    let mut sorted = sums(members, "team_id");
    sorted.retain(|(id, _, _)| active(id));
    let average = |a: &(&str, i64, i64), b: &(&str, i64, i64)| -> Ordering {
        (i128::from(b.1) * i128::from(a.2)).cmp(&(i128::from(a.1) * i128::from(b.2)))
    };
    sorted.sort_by(|a, b| average(a, b).then_with(|| a.0.cmp(b.0)));
    ranked(
        sorted,
        |a, b| average(a, b) == Ordering::Equal,
        |(id, energies, members)| {
            fields(json!({ "id": id, "energies": energies, "members": members }))
        },
    )
}
