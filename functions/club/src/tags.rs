//! Tags: what an answer depends on, as numbers that only grow.
//!
//! A validator is made of the versions of a route's tags. An action raises its tags inside its own
//! transaction, so that the next read is fresh however long a body was kept.
//!
//! A member's tags (`user`, `gamification`, `shop` of one's own) are the version of the member's
//! item, which every read of the member's own has at hand: an action raises them by changing the
//! member, through [`crate::auth::change`] or [`touch`]. The tag `ratings` is the published
//! generation. Tags that members share are items of their own.

mod writers;

use serde::{Deserialize, Serialize};
use shared::table::{Entity, Key, Rows, StoreError, Write};

pub use writers::WRITERS;

use crate::auth::member_key;

/// A tag that members share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tag {
    /// Courses, content, meditations, streams, achievements.
    Content,
    /// The shop's catalogue and stock.
    Shop,
    /// The lists of teams. The tag of one team is the version of its item.
    Teams,
    /// How often streams were watched, which their lists show beside their content.
    Views,
}

impl Tag {
    /// Where its version is.
    #[must_use]
    pub fn key(&self) -> Key {
        let name = match self {
            Self::Content => "content",
            Self::Shop => "shop",
            Self::Teams => "teams",
            Self::Views => "views",
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

/// What raises tags. Every change of something that an answer shows is one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// A profile has changed.
    UserUpdate,
    /// A subscription has begun, ended or moved.
    SubscriptionChange,
    /// Energies came or went.
    EnergiesChange,
    /// A team was made.
    TeamCreate,
    /// What is shown of a team has changed.
    TeamUpdate,
    /// Somebody has joined a team.
    TeamMemberAdd,
    /// Somebody has left a team.
    TeamMemberRemove,
    /// A course has changed.
    CourseUpdate,
    /// A day of a course has changed.
    LessonUpdate,
    /// A meditation has changed.
    MeditationUpdate,
    /// Any other content has changed: programmes, videos, streams, achievements.
    ContentUpdate,
    /// Something was bought that there is no end of.
    ShopPurchase,
    /// Something was bought of which there is one less now.
    ShopPurchaseOfStock,
    /// What the shop sells has changed.
    ShopItemUpdate,
    /// Something bought was handed over.
    ShopPurchaseUse,
    /// Experience came.
    XpChange,
    /// An achievement was reached.
    AchievementUnlock,
    /// A generation of ratings was published.
    RatingsPublish,
    /// A gift was paid, taken, given back, or is over.
    Gift,
    /// A member has come further in a course or a programme.
    Progress,
    /// A course was made a favourite, or is none any more.
    FavoriteSet,
    /// A weekly report was written or taken back.
    Report,
    /// A member has meditated.
    MeditationSession,
    /// A member has watched a stream.
    StreamAttend,
}

/// A tag that an action raises, by whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Raised {
    /// `user:<id>` of those whom it is about; so are `gamification:<id>` and `shop:<id>` of their
    /// own, as all three are the version of the member's item.
    User,
    /// `user:<id>` of the giver and the recipient. All that a gift changes of its giver's is the
    /// list of given gifts, which is validated by what it shows: the giver's item stays as it is.
    GiverAndRecipient,
    /// `gamification:<id>`: the same number as [`Raised::User`].
    Gamification,
    /// `shop:<id>` of one's own: the same number as [`Raised::User`].
    OwnShop,
    /// `shop`: the catalogue and its stock.
    Shop,
    /// `content`.
    Content,
    /// `teams`: the lists.
    Teams,
    /// `team:<id>`.
    Team,
    /// How often streams were watched: apart from `content`, which a view leaves as it is.
    Views,
    /// `ratings`: its version is the published generation, so that only publishing raises it, and
    /// what stands in the ratings is seen there with the next generation.
    Ratings,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::UserUpdate,
        Self::SubscriptionChange,
        Self::EnergiesChange,
        Self::TeamCreate,
        Self::TeamUpdate,
        Self::TeamMemberAdd,
        Self::TeamMemberRemove,
        Self::CourseUpdate,
        Self::LessonUpdate,
        Self::MeditationUpdate,
        Self::ContentUpdate,
        Self::ShopPurchase,
        Self::ShopPurchaseOfStock,
        Self::ShopItemUpdate,
        Self::ShopPurchaseUse,
        Self::XpChange,
        Self::AchievementUnlock,
        Self::RatingsPublish,
        Self::Gift,
        Self::Progress,
        Self::FavoriteSet,
        Self::Report,
        Self::MeditationSession,
        Self::StreamAttend,
    ];

    /// The tags that are greater once it is committed. Whoever adds an action has to say so here:
    /// it does not build before that.
    #[must_use]
    pub const fn raises(self) -> &'static [Raised] {
        use Raised::{
            Content, Gamification, GiverAndRecipient, OwnShop, Ratings, Shop, Team, Teams, User,
            Views,
        };
        match self {
            Self::UserUpdate | Self::SubscriptionChange => &[User],
            Self::EnergiesChange => &[User, Ratings],
            Self::TeamCreate | Self::TeamUpdate | Self::TeamMemberAdd | Self::TeamMemberRemove => {
                &[Teams, Team, User, Ratings]
            }
            Self::CourseUpdate
            | Self::LessonUpdate
            | Self::MeditationUpdate
            | Self::ContentUpdate => &[Content],
            Self::ShopPurchase => &[User, OwnShop],
            Self::ShopPurchaseOfStock => &[User, OwnShop, Shop],
            Self::ShopItemUpdate => &[Shop],
            Self::XpChange | Self::AchievementUnlock => &[User, Gamification],
            Self::RatingsPublish => &[Ratings],
            Self::Gift => &[GiverAndRecipient],
            Self::Progress
            | Self::FavoriteSet
            | Self::Report
            | Self::MeditationSession
            | Self::ShopPurchaseUse => &[User],
            Self::StreamAttend => &[User, Views],
        }
    }
}

#[cfg(test)]
#[path = "tags_tests.rs"]
mod tests;
