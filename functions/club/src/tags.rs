//! Tags: what an answer depends on, as numbers that only grow.
//!
//! A validator is made of the versions of a route's tags. An action raises its tags inside its own
//! transaction, so that the next read is fresh however long a body was kept.
//!
//! A member's tags (`user`, `gamification`, `shop` of one's own) are the version of the member's
//! item, which every read of the member's own has at hand: an action raises them by changing the
//! member, through [`crate::auth::change`] or [`touch`]. The tag `ratings` is the published
//! generation. Tags that members share are items of their own.

use serde::{Deserialize, Serialize};
use shared::table::{Entity, Key, Rows, StoreError, Write};

use crate::auth::member_key;

/// A tag that members share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// Courses, content, meditations, streams, achievements.
    Content,
    /// The shop's catalogue and stock.
    Shop,
    /// The lists of teams.
    Teams,
    /// One team and its members.
    Team(String),
}

impl Tag {
    /// Where its version is.
    #[must_use]
    pub fn key(&self) -> Key {
        let name = match self {
            Self::Content => "content".to_owned(),
            Self::Shop => "shop".to_owned(),
            Self::Teams => "teams".to_owned(),
            Self::Team(id) => format!("team:{id}"),
        };
        Key::new(format!("TAG#{name}"), "VERSION")
    }

    /// Raises it, within the transaction of the change.
    #[must_use]
    pub fn raise(&self) -> Write {
        Write::update("tag", self.key()).set("kind", Version::KIND).add("version", 1)
    }

    /// Its version among rows that were read with [`Tag::key`]; 0 before the first change.
    ///
    /// # Errors
    /// When the row is not a tag's.
    pub fn version(&self, rows: &Rows) -> Result<String, StoreError> {
        let version: Option<Version> = rows.get(&self.key())?;
        Ok(version.map_or(0, |found| found.version).to_string())
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Version {
    version: u64,
}

impl Entity for Version {
    const KIND: &'static str = "Tag";

    fn key(&self) -> Key {
        // A version does not know its name: tags are raised, never put.
        Key::new("TAG#", "VERSION")
    }
}

/// Raises the tags of a member's own where nothing else of the member changes.
#[must_use]
pub fn touch(tg_id: i64) -> Write {
    Write::update("member", member_key(tg_id)).add("version", 1).when("attribute_exists(#pk)")
}
