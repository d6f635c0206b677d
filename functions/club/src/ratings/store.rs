//! Contributions, aggregates and generations in the table.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::lease::Lease;
use shared::problem::{Problem, Result};
use shared::retry::{Round, optimistic};
use shared::table::{Cursor, Entity, Item, Key, Query, Table, Write};

use super::ladder::{Chunk, Ladder};
use super::model::{
    CityDelta, CityRow, CityTotal, Contribution, Difference, Leader, SHARDS, descending,
    expiry_partition, leaders_partition,
};
use crate::auth::{Member, member_key};

/// Scores of one bucket.
const BUCKET: i64 = 100;
/// How long the ranks of a generation stay: far longer than it takes to notice that no newer one
/// was published.
const RANKS_KEPT_DAYS: u32 = 7;
/// Chunks of one transaction.
const CHUNKS_AT_ONCE: usize = 25;

// ---- what the stream keeps up to date ------------------------------------------------------

/// Brings the ratings up to this version of a member, as of `now`. One read; a write if nothing
/// but the version is new, else a transaction of two to five items. A publisher's writes carry
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
        let put = match &old {
            None => Write::insert("contribution", &new),
            Some(old) => Write::put("contribution", &new)
                .when("#revision = :seen")
                .bind(":seen", old.revision),
        };
        let mut writes: Vec<Write> = fence.map(Lease::fence).into_iter().collect();
        writes.push(put);
        writes.extend(changes(&Difference::between(old.as_ref(), &new)));
        let outcome = match (writes.len(), writes.pop()) {
            (1, Some(put)) => table.write(put).await.map(|_| ()),
            (_, last) => {
                writes.extend(last);
                table.transact(writes).await
            }
        };
        match outcome {
            Ok(()) => Ok(Round::Done(())),
            Err(error) => match error.refusal() {
                Ok(refusal) if refusal.has("lease") => Err(overtaken()),
                Ok(_) => Ok(Round::Stale),
                Err(error) => Err(error.into()),
            },
        }
    })
    .await
}

/// The writes that a difference makes to the aggregates.
fn changes(difference: &Difference) -> Vec<Write> {
    let mut buckets: BTreeMap<i64, Write> = BTreeMap::new();
    for (score, members) in &difference.scores {
        let number = score.div_euclid(BUCKET);
        let bucket = buckets.remove(&number).unwrap_or_else(|| {
            Write::update("bucket", bucket_key(number)).set("kind", "ScoreBucket")
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
    };
    difference.cities.iter().map(city).chain(buckets.into_values()).collect()
}

fn bucket_partition(shard: u64) -> String {
    format!("SCORES#{shard}")
}

fn bucket_key(number: i64) -> Key {
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
        let items = all(table, &query.up_to(by.to_string())).await?;
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
        let items = all(table, &Query::partition(CityTotal::partition(shard))).await?;
        found.extend(read_all::<CityTotal>(items.iter())?);
    }
    Ok(found)
}

/// How many members have each score. One query for each shard, and one for each megabyte more.
pub(super) async fn ladder(table: &Table) -> Result<Ladder> {
    let mut ladder = Ladder::default();
    for shard in 0..SHARDS {
        for item in all(table, &Query::partition(bucket_partition(shard))).await? {
            for name in item.0.keys() {
                let score = name.strip_prefix('s').and_then(|score| score.parse().ok());
                if let (Some(score), Some(count)) = (score, item.integer(name)) {
                    ladder.add(score, count);
                }
            }
        }
    }
    Ok(ladder)
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
    let mut found = Vec::new();
    for some in ranked.chunks(100) {
        let keys: Vec<_> = some.iter().map(|(_, tg_id)| Contribution::key_of(*tg_id)).collect();
        found.extend(read_all(table.batch(&keys).await?.iter())?);
    }
    Ok(found)
}

/// Every item of a query, page after page.
async fn all(table: &Table, query: &Query) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = table.query(&query.clone().after(cursor)).await?;
        items.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            return Ok(items);
        }
    }
}

fn read_all<'a, E: Entity>(items: impl Iterator<Item = &'a Item>) -> Result<Vec<E>> {
    Ok(items.map(Item::read).collect::<std::result::Result<_, _>>()?)
}

// ---- what is published ---------------------------------------------------------------------

/// The tag `ratings`: which generation is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tag {
    pub(super) generation: i64,
    pub(super) generated_at: Instant,
}

/// The published cities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CityList {
    #[serde(flatten)]
    pub(super) tag: Tag,
    pub(super) rows: Vec<CityRow>,
}

/// The published leaders, and what it takes to tell anybody's rank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeaderList {
    #[serde(flatten)]
    pub(super) tag: Tag,
    pub(super) rows: Vec<Leader>,
    /// Members in this generation.
    pub(super) total: u64,
    /// The highest score.
    pub(super) top: Option<i64>,
    /// The partition of the ranks.
    pub(super) ranks: String,
}

/// A part of the ranks of one generation.
#[derive(Debug, Serialize, Deserialize)]
struct RankChunk {
    ranks: String,
    top: i64,
    above: u64,
    steps: String,
    published_at: Instant,
}

macro_rules! published {
    ($type:ty, $kind:literal, $pk:literal) => {
        impl $type {
            /// Where it is.
            pub(super) fn key_of() -> Key {
                Key::new($pk, "PUBLISHED")
            }
        }

        impl Entity for $type {
            const KIND: &'static str = $kind;

            fn key(&self) -> Key {
                Self::key_of()
            }
        }
    };
}

published!(Tag, "RatingTag", "RATINGS#TAG");
published!(CityList, "RatingCities", "RATINGS#CITIES");
published!(LeaderList, "RatingLeaders", "RATINGS#LEADERS");

impl Entity for RankChunk {
    const KIND: &'static str = "RatingRanks";

    fn key(&self) -> Key {
        Key::new(&self.ranks, format!("CHUNK#{}", descending(self.top)))
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.published_at + days(RANKS_KEPT_DAYS))
    }
}

/// The partition of the ranks of one attempt to publish: no other attempt writes there, so that
/// what a dead one left behind is never read.
pub(super) fn ranks_partition(generation: i64, lease: &Lease) -> String {
    format!("RANKS#{generation}#{}", lease.token)
}

/// Writes the ranks of a generation that nobody reads yet. One transaction for 25 chunks.
pub(super) async fn put_ranks(
    table: &Table,
    ranks: &str,
    ladder: &Ladder,
    now: Instant,
    lease: &Lease,
) -> Result<()> {
    for some in ladder.chunks().chunks(CHUNKS_AT_ONCE) {
        let mut writes = vec![lease.fence()];
        writes.extend(some.iter().map(|chunk| {
            let chunk = RankChunk {
                ranks: ranks.to_owned(),
                top: chunk.top,
                above: chunk.above,
                steps: chunk.written(),
                published_at: now,
            };
            Write::put("ranks", &chunk)
        }));
        table.transact(writes).await.map_err(fenced)?;
    }
    Ok(())
}

/// Publishes both lists and their generation, unless as new a one is published. One transaction.
pub(super) async fn publish(
    table: &Table,
    cities: &CityList,
    leaders: &LeaderList,
    lease: &Lease,
) -> Result<bool> {
    let newer = |write: Write| {
        write
            .when("attribute_not_exists(#pk) OR #generation < :generation")
            .bind(":generation", cities.tag.generation)
    };
    let writes = vec![
        lease.fence(),
        newer(Write::put("tag", &cities.tag)),
        newer(Write::put("cities", cities)),
        newer(Write::put("leaders", leaders)),
    ];
    match table.transact(writes).await {
        Ok(()) => Ok(true),
        Err(error) => match error.refusal() {
            Ok(refusal) if refusal.has("lease") => Err(overtaken()),
            Ok(_) => Ok(false),
            Err(error) => Err(error.into()),
        },
    }
}

fn fenced(error: shared::table::WriteError) -> Problem {
    match error.refusal() {
        Ok(_) => overtaken(),
        Err(error) => error.into(),
    }
}

fn overtaken() -> Problem {
    Problem::try_again("another publisher has taken over")
}

// ---- what is asked for ---------------------------------------------------------------------

/// Which generation is published. One small read.
pub(super) async fn tag(table: &Table) -> Result<Option<Tag>> {
    Ok(table.get(&Tag::key_of()).await?)
}

/// The published cities. One read.
pub(super) async fn city_list(table: &Table) -> Result<Option<CityList>> {
    Ok(table.get(&CityList::key_of()).await?)
}

/// A member beside a published item. One batch read.
pub(super) async fn beside<E: Entity + DeserializeOwned>(
    table: &Table,
    tg_id: i64,
    published: Key,
) -> Result<(Option<Member>, Option<E>)> {
    let keys = [member_key(tg_id), published];
    let rows = table.batch(&keys).await?;
    let [member_at, published_at] = &keys;
    Ok((rows.get(member_at)?, rows.get(published_at)?))
}

/// 1 + the members of this generation with a greater score. One query.
pub(super) async fn rank(table: &Table, list: &LeaderList, score: i64) -> Result<u64> {
    if list.top.is_none_or(|top| score > top) {
        return Ok(1);
    }
    let last = format!("CHUNK#{}", descending(score));
    let query = Query::partition(&list.ranks).up_to(last).descending().limit(1);
    let page = table.query(&query).await?;
    let chunk = page.read::<RankChunk>()?.into_iter().next();
    let chunk = chunk.ok_or_else(|| Problem::try_again("the ranks of this generation are gone"))?;
    let steps = Chunk::read(&chunk.steps);
    Ok(Chunk { top: chunk.top, above: chunk.above, steps }.rank(score))
}
