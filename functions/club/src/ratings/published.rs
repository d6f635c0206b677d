//! What is published: lists, ranks and places of one generation.

use serde::{Deserialize, Serialize};
use shared::clock::{Instant, days};
use shared::lease::Lease;
use shared::problem::{Problem, Result};
use shared::table::{Entity, Key, Table, Write};

use super::ladder::Ladder;
use super::lists::{CityRow, Leader, TeamRow, Veteran};
use super::model::descending;
use super::places;
use super::store::overtaken;

/// How long the ranks of a generation stay: far longer than it takes to notice that no newer one
/// was published.
const RANKS_KEPT_DAYS: u32 = 7;
/// Items of ranks and places of one transaction.
const ITEMS_AT_ONCE: usize = 25;

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
pub(super) struct RankChunk {
    ranks: String,
    pub(super) top: i64,
    pub(super) above: u64,
    pub(super) steps: String,
    published_at: Instant,
}

impl RankChunk {
    /// Where the part that begins with this score is.
    pub(super) fn key_of(ranks: &str, top: i64) -> Key {
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
pub(super) struct PlaceChunk {
    ranks: String,
    of: Of,
    number: u64,
    pub(super) places: String,
    published_at: Instant,
}

impl PlaceChunk {
    /// Where the part of this number is.
    pub(super) fn key_of(ranks: &str, of: Of, number: u64) -> Key {
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

/// Which generation is published. One small read.
pub(super) async fn tag(table: &Table) -> Result<Option<Tag>> {
    Ok(table.get(&Tag::key_of()).await?)
}

/// A published list. One read.
pub(super) async fn list<L: List>(table: &Table) -> Result<Option<L>> {
    Ok(table.get(&L::place()).await?)
}
