//! What is published: lists, ranks and places of one generation.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::lease::Lease;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Rows, Table, Write};

use super::ladder::{Chunk, Ladder, chunk_of};
use super::lists::{CityRow, Leader, TeamRow, Veteran};
use super::model::descending;
use super::places;
use super::store::overtaken;
use crate::auth::{Member, member_key};

/// How long the ranks of a generation stay: far longer than it takes to notice that no newer one
/// was published.
const RANKS_KEPT_DAYS: u32 = 7;
/// Items of ranks and places of one transaction.
const ITEMS_AT_ONCE: usize = 25;
/// How often a generation is read anew because another was published in between.
const READINGS: u32 = 3;

/// The tag `ratings`: which generation is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tag {
    pub(super) generation: i64,
    pub(super) generated_at: Instant,
}

/// What it takes to tell anybody's rank and places in a generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Directory {
    #[serde(flatten)]
    pub(super) tag: Tag,
    /// Members in this generation.
    pub(super) total: u64,
    /// The partition of its ranks and places.
    pub(super) ranks: String,
    /// The highest score of each chunk of ranks, from the highest down.
    pub(super) tops: Vec<i64>,
    /// Items with the places of cities.
    pub(super) city_items: u64,
    /// Items with the places of teams.
    pub(super) team_items: u64,
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

/// A published list: one item.
pub(super) trait List: Entity {
    /// What stands in it.
    type Row;

    /// Where it is.
    fn place() -> Key;
    /// Which generation it is of, and its rows.
    fn into_parts(self) -> (Tag, Vec<Self::Row>);
}

macro_rules! list {
    ($(#[$doc:meta])* $type:ident of $row:ty, $kind:literal, $pk:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub(super) struct $type {
            #[serde(flatten)]
            pub(super) tag: Tag,
            pub(super) rows: Vec<$row>,
        }

        published!($type, $kind, $pk);

        impl List for $type {
            type Row = $row;

            fn place() -> Key {
                Self::key_of()
            }

            fn into_parts(self) -> (Tag, Vec<$row>) {
                (self.tag, self.rows)
            }
        }
    };
}

published!(Tag, "RatingTag", "RATINGS#TAG");
published!(Directory, "RatingDirectory", "RATINGS#DIRECTORY");
list!(
    /// The published cities.
    CityList of CityRow, "RatingCities", "RATINGS#CITIES"
);
list!(
    /// The published teams.
    TeamList of TeamRow, "RatingTeams", "RATINGS#TEAMS"
);
list!(
    /// The published leaders.
    LeaderList of Leader, "RatingLeaders", "RATINGS#LEADERS"
);
list!(
    /// The published leaders by experience.
    VeteranList of Veteran, "RatingVeterans", "RATINGS#VETERANS"
);

/// A part of the ranks of one generation.
#[derive(Debug, Serialize, Deserialize)]
struct RankChunk {
    ranks: String,
    top: i64,
    above: u64,
    steps: String,
    published_at: Instant,
}

impl RankChunk {
    fn key_of(ranks: &str, top: i64) -> Key {
        Key::new(ranks, format!("CHUNK#{}", descending(top)))
    }
}

impl Entity for RankChunk {
    const KIND: &'static str = "RatingRanks";

    fn key(&self) -> Key {
        Self::key_of(&self.ranks, self.top)
    }

    fn expires_at(&self) -> Option<Instant> {
        Some(self.published_at + days(RANKS_KEPT_DAYS))
    }
}

/// What has a place beside members' ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Of {
    Cities,
    Teams,
}

/// A part of the places of one generation.
#[derive(Debug, Serialize, Deserialize)]
struct PlaceChunk {
    ranks: String,
    of: Of,
    number: u64,
    places: String,
    published_at: Instant,
}

impl PlaceChunk {
    fn key_of(ranks: &str, of: Of, number: u64) -> Key {
        let name = match of {
            Of::Cities => "CITIES",
            Of::Teams => "TEAMS",
        };
        Key::new(ranks, format!("{name}#{number:06}"))
    }
}

impl Entity for PlaceChunk {
    const KIND: &'static str = "RatingPlaces";

    fn key(&self) -> Key {
        Self::key_of(&self.ranks, self.of, self.number)
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

/// The places of all cities or teams.
pub(super) type Places = Vec<(String, u64)>;

/// Writes the ranks and places of a generation that nobody reads yet, and says how to find them.
/// One transaction for 25 items.
pub(super) async fn put_ranks(
    table: &Table,
    tag: &Tag,
    ladder: &Ladder,
    (cities, teams): (&Places, &Places),
    lease: &Lease,
) -> Result<Directory> {
    let ranks = ranks_partition(tag.generation, lease);
    let chunks = ladder.chunks();
    let mut writes: Vec<Write> = chunks
        .iter()
        .map(|chunk| {
            let chunk = RankChunk {
                ranks: ranks.clone(),
                top: chunk.top,
                above: chunk.above,
                steps: chunk.written(),
                published_at: tag.generated_at,
            };
            Write::put("ranks", &chunk)
        })
        .collect();
    let items = [places::items_for(cities.len()), places::items_for(teams.len())];
    let [city_items, team_items] = items;
    for (of, all, items) in [(Of::Cities, cities, city_items), (Of::Teams, teams, team_items)] {
        let named = all.iter().map(|(name, place)| (name.as_str(), *place));
        for (number, places) in (0..).zip(places::packed(named, items)) {
            let (ranks, published_at) = (ranks.clone(), tag.generated_at);
            let chunk = PlaceChunk { ranks, of, number, places, published_at };
            writes.push(Write::put("places", &chunk));
        }
    }
    for some in writes.chunks(ITEMS_AT_ONCE) {
        let fenced_writes = std::iter::once(lease.fence()).chain(some.iter().cloned());
        table.transact(fenced_writes.collect()).await.map_err(fenced)?;
    }
    Ok(Directory {
        tag: tag.clone(),
        total: ladder.total(),
        ranks,
        tops: chunks.iter().map(|chunk| chunk.top).collect(),
        city_items,
        team_items,
    })
}

/// Everything that is published together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) directory: Directory,
    pub(super) cities: CityList,
    pub(super) teams: TeamList,
    pub(super) leaders: LeaderList,
    pub(super) veterans: VeteranList,
}

/// Publishes all lists and their generation, unless as new a one is published. One transaction.
pub(super) async fn publish(table: &Table, all: &Generation, lease: &Lease) -> Result<bool> {
    let tag = &all.directory.tag;
    let newer = |write: Write| {
        write
            .when("attribute_not_exists(#pk) OR #generation < :generation")
            .bind(":generation", tag.generation)
    };
    let writes = vec![
        lease.fence(),
        newer(Write::put("tag", tag)),
        newer(Write::put("directory", &all.directory)),
        newer(Write::put("cities", &all.cities)),
        newer(Write::put("teams", &all.teams)),
        newer(Write::put("leaders", &all.leaders)),
        newer(Write::put("veterans", &all.veterans)),
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

// ---- what is asked for ---------------------------------------------------------------------

/// Which generation is published. One small read.
pub(super) async fn tag(table: &Table) -> Result<Option<Tag>> {
    Ok(table.get(&Tag::key_of()).await?)
}

/// A published list. One read.
pub(super) async fn list<L: List>(table: &Table) -> Result<Option<L>> {
    Ok(table.get(&L::place()).await?)
}

/// A member, and the directory of the published generation. One batch read.
pub(super) async fn beside(
    table: &Table,
    tg_id: i64,
) -> Result<(Option<Member>, Option<Directory>)> {
    let keys = [member_key(tg_id), Directory::key_of()];
    let rows = table.batch(&keys).await?;
    let [member_at, directory_at] = &keys;
    Ok((rows.get(member_at)?, rows.get(directory_at)?))
}

/// Where somebody stands in a generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// 0 for who is not in the rating.
    pub(super) rank: u64,
    /// The place of the member's city among cities.
    pub(super) city: Option<u64>,
    /// The place of the member's team among teams.
    pub(super) team: Option<u64>,
}

/// What is looked up of a member: the keys are known from the directory, so that everything comes
/// with one read.
#[derive(Debug)]
struct Lookup<'a> {
    directory: &'a Directory,
    member: &'a Member,
    rank: Option<Key>,
    city: Option<Key>,
    team: Option<Key>,
}

impl Directory {
    /// What to read for a member's rank and, if they are wanted, the places.
    fn lookup<'a>(&'a self, member: &'a Member, with_places: bool) -> Lookup<'a> {
        let ranks = self.ranks.as_str();
        let place = |of, name: Option<&String>, items| {
            let number = places::item_of(name?, items)?;
            with_places.then(|| PlaceChunk::key_of(ranks, of, number))
        };
        let top = chunk_of(&self.tops, member.balance).filter(|_| self.counts(member));
        Lookup {
            directory: self,
            member,
            rank: top.map(|top| RankChunk::key_of(ranks, top)),
            city: place(Of::Cities, member.city_key.as_ref(), self.city_items),
            team: place(Of::Teams, member.team_id.as_ref(), self.team_items),
        }
    }

    /// Was the member paid when this generation was made? Not who has paid since.
    pub(super) fn counts(&self, member: &Member) -> bool {
        let made = self.tag.generated_at;
        member.is_paid(made) && member.paid_since.is_none_or(|since| since <= made)
    }
}

impl Lookup<'_> {
    /// What has to be read.
    fn keys(&self) -> Vec<Key> {
        [&self.rank, &self.city, &self.team].into_iter().flatten().cloned().collect()
    }

    /// What was read tells: 1 + the members with a greater score than the member's of now.
    fn found(&self, rows: &Rows) -> Result<Own> {
        let gone = || Problem::try_again("the ranks of this generation are gone");
        let place = |key: &Option<Key>, name: Option<&String>| -> Result<Option<u64>> {
            let (Some(key), Some(name)) = (key, name) else { return Ok(None) };
            let chunk: PlaceChunk = rows.get(key)?.ok_or_else(gone)?;
            Ok(places::place(&chunk.places, name))
        };
        let rank = match &self.rank {
            Some(key) => {
                let chunk: RankChunk = rows.get(key)?.ok_or_else(gone)?;
                let steps = Chunk::read(&chunk.steps);
                Chunk { top: chunk.top, above: chunk.above, steps }.rank(self.member.balance)
            }
            None => u64::from(self.directory.counts(self.member)),
        };
        Ok(Own {
            rank,
            city: place(&self.city, self.member.city_key.as_ref())?,
            team: place(&self.team, self.member.team_id.as_ref())?,
        })
    }
}

/// What belongs to a member in one generation.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) directory: Directory,
    pub(super) own: Own,
    lists: Rows,
}

impl Shown {
    /// One of the lists that were asked for.
    pub(super) fn list<L: List>(&self) -> Result<Vec<L::Row>> {
        let list: Option<L> = self.lists.get(&L::place())?;
        Ok(list.map(|list| list.into_parts().1).unwrap_or_default())
    }
}

/// A member's rank and places with these lists, all of one generation: that of the directory, or
/// of a newer one where another is published meanwhile. One batch read, if there is anything to
/// read.
pub(super) async fn show(
    table: &Table,
    mut directory: Directory,
    member: &Member,
    lists: &[Key],
    with_places: bool,
) -> Result<Shown> {
    for _ in 0..READINGS {
        let lookup = directory.lookup(member, with_places);
        let keys: Vec<Key> = lookup.keys().into_iter().chain(lists.iter().cloned()).collect();
        let rows = match keys.is_empty() {
            true => Rows::default(),
            false => table.batch(&keys).await?,
        };
        let generations = rows.iter().filter_map(|item| item.integer("generation"));
        if generations.into_iter().all(|found| found == directory.tag.generation) {
            let own = lookup.found(&rows)?;
            return Ok(Shown { own, lists: rows, directory });
        }
        let newer = table.get(&Directory::key_of()).await?;
        directory = newer.ok_or_else(|| Problem::try_again("no generation any more"))?;
    }
    Err(Problem::try_again("another generation was published meanwhile"))
}
