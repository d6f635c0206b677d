//! What a published generation shows of a member: the rank, the places and the lists beside them.

use shared::problem::{Problem, Result};
use shared::table::{Key, Rows, Table};

use super::ladder::{Chunk, chunk_of};
use super::places;
use super::published::{Directory, List, Of, PlaceChunk, RankChunk};
use crate::auth::Member;

/// How often a generation is read anew because another was published in between.
const READINGS: u32 = 3;

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
