//! Contributions and aggregates in the table.

use std::collections::BTreeMap;

use shared::clock::Instant;
use shared::lease::Lease;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Entity, Item, Key, Query, Table, Write};

use super::ladder::Ladder;
use super::lists::TOP;
use super::model::{
    CityDelta, CityTotal, Contribution, Difference, SHARDS, Standing, TeamDelta, TeamTotal,
    expiry_partition, leaders_partition,
};
use crate::auth::{Member, member_key};

/// Scores of one bucket.
const BUCKET: i64 = 100;

// ---- what the stream keeps up to date ------------------------------------------------------

/// Brings the ratings up to this version of a member, as of `now`. One read; a write if nothing
/// but the version is new, else a transaction of two to nine items. A publisher's writes carry
/// its fence.
pub(super) async fn apply(
    table: &Table,
    member: &Member,
    now: Instant,
    fence: Option<&Lease>,
) -> Result<()> {
    let key = Contribution::key_of(member.tg_id);
    optimistic(|| async {
        let old: Option<Contribution> = table.get(&key).await?;
        let Some(new) = Contribution::next(old.as_ref(), member, now) else {
            return Ok(Round::Done(()));
        };
        Ok(match replace(table, old.as_ref(), &new, fence).await? {
            true => Round::Done(()),
            false => Round::Stale,
        })
    })
    .await
}

/// Puts a contribution in the place of the one that was read, with the difference that it makes
/// to everything that contributions add up to. One request; `false` when another was there.
pub(super) async fn replace(
    table: &Table,
    old: Option<&Contribution>,
    new: &Contribution,
    fence: Option<&Lease>,
) -> Result<bool> {
    let put = match old {
        None => Write::insert("contribution", new),
        Some(old) => {
            Write::put("contribution", new).when("#revision = :seen").bind(":seen", old.revision)
        }
    };
    let mut writes: Vec<Write> = fence.map(Lease::fence).into_iter().collect();
    writes.push(put);
    writes.extend(changes(&Difference::between(old, new)));
    writes.extend(moves(old.and_then(Contribution::standing), new.standing()));
    let outcome = match (writes.len(), writes.pop()) {
        (1, Some(put)) => table.write(put).await.map(|_| ()),
        (_, last) => {
            writes.extend(last);
            table.transact(writes).await
        }
    };
    match outcome {
        Ok(()) => Ok(true),
        Err(error) => match error.refusal() {
            Ok(refusal) if refusal.has("lease") => Err(overtaken()),
            Ok(_) => Ok(false),
            Err(error) => Err(error.into()),
        },
    }
}

/// The writes that a difference makes to the aggregates. Each makes its item's revision grow, by
/// which whoever recounts notices that it has changed meanwhile.
pub(super) fn changes(difference: &Difference) -> Vec<Write> {
    let mut buckets: BTreeMap<i64, Write> = BTreeMap::new();
    for (score, members) in &difference.scores {
        let number = bucket_of(*score);
        let bucket = buckets.remove(&number).unwrap_or_else(|| {
            Write::update("bucket", bucket_key(number)).set("kind", BUCKET_KIND).add("revision", 1)
        });
        buckets.insert(number, bucket.add(&format!("s{score}"), *members));
    }
    let city = |(key, delta): (&String, &CityDelta)| {
        Write::update("city", CityTotal::key_of(key))
            .set("kind", CityTotal::KIND)
            .set("city_key", key)
            .set("city", &delta.city)
            .add("energies", delta.energies)
            .add("members", delta.members)
            .add("revision", 1)
    };
    let team = |(id, delta): (&String, &TeamDelta)| {
        Write::update("team", TeamTotal::key_of(id))
            .set("kind", TeamTotal::KIND)
            .set("team_id", id)
            .add("energies", delta.energies)
            .add("members", delta.members)
            .add("revision", 1)
    };
    let cities = difference.cities.iter().map(city);
    cities.chain(difference.teams.iter().map(team)).chain(buckets.into_values()).collect()
}

/// The writes that take a member from one standing to another.
fn moves(from: Option<Standing>, to: Option<Standing>) -> Vec<Write> {
    if from == to {
        return Vec::new();
    }
    let leaves = from.map(|from| Write::delete("standing", from.key()));
    leaves.into_iter().chain(to.map(|to| Write::put("standing", &to))).collect()
}

/// The kind of the items that hold how many members have each score.
pub(super) const BUCKET_KIND: &str = "ScoreBucket";

/// The bucket that a score is in.
pub(super) fn bucket_of(score: i64) -> i64 {
    score.div_euclid(BUCKET)
}

pub(super) fn bucket_partition(shard: u64) -> String {
    format!("SCORES#{shard}")
}

pub(super) fn bucket_key(number: i64) -> Key {
    let shard = u64::try_from(number).unwrap_or_default() % SHARDS;
    Key::new(bucket_partition(shard), format!("BUCKET#{number:019}"))
}

// ---- what publishing reads -----------------------------------------------------------------

/// Members whose counted time was over at `by`, by the index, which may lag: who is missed is
/// found by the next run. One query for each shard, and one for each page more.
pub(super) async fn run_out(table: &Table, by: Instant) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for shard in 0..SHARDS {
        let query = Query::global_index("due", ("due_pk", expiry_partition(shard)), "due_at");
        let items = table.query_all(&query.up_to(by.to_string())).await?.items;
        found.extend(items.iter().filter_map(|item| Contribution::tg_id_in(item.text("pk")?)));
    }
    Ok(found)
}

/// Members as they stand, a hundred with each read.
pub(super) async fn members(table: &Table, tg_ids: &[i64]) -> Result<Vec<Member>> {
    let mut found = Vec::new();
    for some in tg_ids.chunks(100) {
        let keys: Vec<_> = some.iter().map(|tg_id| member_key(*tg_id)).collect();
        found.extend(read_all(table.batch(&keys).await?.iter())?);
    }
    Ok(found)
}

/// The sums of all cities. One query for each shard, and one for each megabyte more.
pub(super) async fn city_totals(table: &Table) -> Result<Vec<CityTotal>> {
    let mut found = Vec::new();
    for shard in 0..SHARDS {
        let query = Query::partition(CityTotal::partition(shard));
        found.extend(table.query_all(&query).await?.read::<CityTotal>()?);
    }
    Ok(found)
}

/// The sums of all teams. One query for each shard, and one for each megabyte more.
pub(super) async fn team_totals(table: &Table) -> Result<Vec<TeamTotal>> {
    let mut found = Vec::new();
    for shard in 0..SHARDS {
        let query = Query::partition(TeamTotal::partition(shard));
        found.extend(table.query_all(&query).await?.read::<TeamTotal>()?);
    }
    Ok(found)
}

/// The items that hold how many members have each score. One query for each shard, and one for
/// each megabyte more.
pub(super) async fn buckets(table: &Table) -> Result<Vec<Item>> {
    let mut found = Vec::new();
    for shard in 0..SHARDS {
        found.extend(table.query_all(&Query::partition(bucket_partition(shard))).await?.items);
    }
    Ok(found)
}

/// The scores of such an item, and how many members have each.
pub(super) fn scores_in(bucket: &Item) -> BTreeMap<i64, i64> {
    let score = |name: &String| {
        let score = name.strip_prefix('s').and_then(|score| score.parse().ok())?;
        Some((score, bucket.integer(name)?))
    };
    bucket.0.keys().filter_map(score).collect()
}

/// How many members have each score.
pub(super) async fn ladder(table: &Table) -> Result<Ladder> {
    let mut ladder = Ladder::default();
    for bucket in buckets(table).await? {
        for (score, count) in scores_in(&bucket) {
            ladder.add(score, count);
        }
    }
    Ok(ladder)
}

/// The contributions of the most experienced members. One query for each shard and a read for
/// each hundred.
pub(super) async fn experienced(table: &Table) -> Result<Vec<Contribution>> {
    let mut ranked = Vec::new();
    for shard in 0..SHARDS {
        let limit = u32::try_from(TOP).unwrap_or(u32::MAX);
        let query = Query::partition(Standing::partition(shard)).limit(limit);
        for item in table.query(&query).await?.items {
            ranked.push((item.text("sk").unwrap_or_default().to_owned(), item.read::<Standing>()?));
        }
    }
    ranked.sort_by(|a, b| a.0.cmp(&b.0));
    ranked.truncate(TOP);
    let tg_ids: Vec<i64> = ranked.iter().map(|(_, standing)| standing.tg_id).collect();
    contributions(table, &tg_ids).await
}

/// Contributions as they stand, a hundred with each read.
pub(super) async fn contributions(table: &Table, tg_ids: &[i64]) -> Result<Vec<Contribution>> {
    let mut found = Vec::new();
    for some in tg_ids.chunks(100) {
        let keys: Vec<_> = some.iter().map(|tg_id| Contribution::key_of(*tg_id)).collect();
        found.extend(read_all(table.batch(&keys).await?.iter())?);
    }
    Ok(found)
}

/// The contributions that the index believes to be the best, as they stand. One query for each
/// shard and a read for each hundred.
pub(super) async fn candidates(table: &Table, count: usize) -> Result<Vec<Contribution>> {
    let mut ranked = Vec::new();
    for shard in 0..SHARDS {
        let limit = u32::try_from(count).unwrap_or(u32::MAX);
        let query = Query::global_index("rank", ("rank_pk", leaders_partition(shard)), "rank_sk");
        let page = table.query(&query.limit(limit)).await?;
        ranked.extend(page.items.iter().filter_map(|item| {
            Some((item.text("rank_sk")?.to_owned(), Contribution::tg_id_in(item.text("pk")?)?))
        }));
    }
    ranked.sort();
    ranked.truncate(count);
    let tg_ids: Vec<i64> = ranked.iter().map(|(_, tg_id)| *tg_id).collect();
    contributions(table, &tg_ids).await
}

pub(super) fn read_all<'a, E: Entity>(items: impl Iterator<Item = &'a Item>) -> Result<Vec<E>> {
    Ok(items.map(Item::read).collect::<std::result::Result<_, _>>()?)
}

/// Another holder of the lease works by now.
pub(super) fn overtaken() -> Problem {
    Problem::try_again("another publisher has taken over")
}
