//! What contributions add up to, counted anew from the contributions themselves.
//!
//! Nothing stands still meanwhile. What holds a count on to the truth is the revision of every
//! total: whoever changes a contribution changes, in the same transaction, the totals that it
//! belongs to. A total whose revision is after the walk what it was before therefore had none of
//! its contributions changed in between, and what the walk has counted for it is exact.

use std::collections::BTreeMap;

use shared::lease::Lease;
use shared::problem::Result;
use shared::table::{Entity, Item, Table, Write};

use super::model::{CityTotal, Difference, TeamTotal};
use super::store::{self, BUCKET_KIND, bucket_key, bucket_of, overtaken, scores_in};

/// Which total.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Which {
    City(String),
    Team(String),
    /// A bucket of scores.
    Bucket(i64),
}

/// What a total says, or should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Energies and members.
    Sum(i64, i64),
    /// Members by score.
    Scores(BTreeMap<i64, i64>),
}

/// A total as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) says: Says,
    /// How it is shown, of a city.
    name: Option<String>,
    /// `None` of one that is not there.
    pub(super) revision: Option<u64>,
}

/// All totals as they stand.
pub(super) type Totals = BTreeMap<Which, Total>;

/// Reads all totals.
pub(super) async fn totals(table: &Table) -> Result<Totals> {
    let mut found = Totals::new();
    for total in store::city_totals(table).await? {
        let CityTotal { city_key, city, energies, members, revision } = total;
        let says = Says::Sum(energies, members);
        let revision = Some(revision);
        found.insert(Which::City(city_key), Total { says, name: Some(city), revision });
    }
    for total in store::team_totals(table).await? {
        let TeamTotal { team_id, energies, members, revision } = total;
        let says = Says::Sum(energies, members);
        found.insert(Which::Team(team_id), Total { says, name: None, revision: Some(revision) });
    }
    for item in store::buckets(table).await? {
        let Some(number) = number_of(&item) else { continue };
        let revision = item.integer("revision").and_then(|n| u64::try_from(n).ok());
        let mut scores = scores_in(&item);
        scores.retain(|_, members| *members != 0);
        let total = Total { says: Says::Scores(scores), name: None, revision };
        let total = Total { revision: Some(total.revision.unwrap_or_default()), ..total };
        found.insert(Which::Bucket(number), total);
    }
    Ok(found)
}

fn number_of(bucket: &Item) -> Option<i64> {
    bucket.text("sk")?.strip_prefix("BUCKET#")?.parse().ok()
}

/// A total that does not say what was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drift {
    pub(super) which: Which,
    /// What stands.
    found: Total,
    /// What was counted.
    counted: Says,
    /// How a city is shown, by those who live there.
    name: Option<String>,
}

/// Which totals do not say what was counted.
pub(super) fn drifts(totals: &Totals, counted: &Difference) -> Vec<Drift> {
    let mut expected: BTreeMap<Which, (Says, Option<String>)> = BTreeMap::new();
    for (key, delta) in &counted.cities {
        let says = Says::Sum(delta.energies, delta.members);
        expected.insert(Which::City(key.clone()), (says, Some(delta.city.clone())));
    }
    for (id, delta) in &counted.teams {
        let says = Says::Sum(delta.energies, delta.members);
        expected.insert(Which::Team(id.clone()), (says, None));
    }
    for (score, members) in counted.scores.iter().filter(|(_, members)| **members != 0) {
        let bucket = expected.entry(Which::Bucket(bucket_of(*score)));
        let (says, _) = bucket.or_insert_with(|| (Says::Scores(BTreeMap::new()), None));
        if let Says::Scores(scores) = says {
            scores.insert(*score, *members);
        }
    }
    let all: std::collections::BTreeSet<&Which> = totals.keys().chain(expected.keys()).collect();
    let drift = |which: &Which| {
        let (counted, name) = expected.get(which).cloned().unwrap_or_else(|| nothing(which));
        let absent = || Total { says: nothing(which).0, name: None, revision: None };
        let found = totals.get(which).cloned().unwrap_or_else(absent);
        (found.says != counted).then(|| Drift { which: which.clone(), found, counted, name })
    };
    all.into_iter().filter_map(drift).collect()
}

fn nothing(which: &Which) -> (Says, Option<String>) {
    match which {
        Which::City(_) | Which::Team(_) => (Says::Sum(0, 0), None),
        Which::Bucket(_) => (Says::Scores(BTreeMap::new()), None),
    }
}

impl Drift {
    /// Makes the total say what was counted, unless it has changed since it was read. One
    /// transaction; `false` when it has.
    pub(super) async fn repair(&self, table: &Table, lease: &Lease) -> Result<bool> {
        match table.transact(vec![lease.fence(), self.write()]).await {
            Ok(()) => Ok(true),
            Err(error) => match error.refusal() {
                Ok(refusal) if refusal.has("lease") => Err(overtaken()),
                Ok(_) => Ok(false),
                Err(error) => Err(error.into()),
            },
        }
    }

    fn write(&self) -> Write {
        let write = match (&self.which, &self.counted) {
            (Which::City(key), Says::Sum(energies, members)) => {
                let name = self.name.as_ref().or(self.found.name.as_ref()).unwrap_or(key);
                Write::update("total", CityTotal::key_of(key))
                    .set("kind", CityTotal::KIND)
                    .set("city_key", key)
                    .set("city", name)
                    .set("energies", energies)
                    .set("members", members)
            }
            (Which::Team(id), Says::Sum(energies, members)) => {
                Write::update("total", TeamTotal::key_of(id))
                    .set("kind", TeamTotal::KIND)
                    .set("team_id", id)
                    .set("energies", energies)
                    .set("members", members)
            }
            (Which::Bucket(number), Says::Scores(counted)) => self.bucket(*number, counted),
            (Which::Bucket(number), Says::Sum(..)) => self.bucket(*number, &BTreeMap::new()),
            (Which::City(_) | Which::Team(_), Says::Scores(_)) => {
                Write::check("total", CityTotal::key_of("")).when("attribute_exists(#pk)")
            }
        };
        let write = write.add("revision", 1);
        match self.found.revision {
            None => write.when("attribute_not_exists(#pk)"),
            // One that was written before there were revisions.
            Some(0) => {
                write.when("attribute_not_exists(#revision) OR #revision = :seen").bind(":seen", 0)
            }
            Some(seen) => write.when("#revision = :seen").bind(":seen", seen),
        }
    }

    fn bucket(&self, number: i64, counted: &BTreeMap<i64, i64>) -> Write {
        let mut write = Write::update("total", bucket_key(number)).set("kind", BUCKET_KIND);
        for (score, members) in counted {
            write = write.set(&format!("s{score}"), members);
        }
        if let Says::Scores(found) = &self.found.says {
            for score in found.keys().filter(|score| !counted.contains_key(score)) {
                write = write.remove(&format!("s{score}"));
            }
        }
        write
    }
}
