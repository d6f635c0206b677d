//! The user.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::ledger::shard;
use shared::table::{Entity, Key};

/// Partitions of the index of all users.
pub const REGISTRY_SHARDS: u64 = 8;

/// Where the user with this Telegram id is.
#[must_use]
pub fn user_key(id: i64) -> Key {
    Key::new(format!("USER#{id}"), "USER")
}

/// A person, as Telegram showed them last, with their balance, counters and wishes. Other
/// capabilities change the numbers in their own transactions, by `ADD`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Telegram id.
    pub id: i64,
    /// First name, 64 code points at most.
    pub first_name: String,
    /// Last name.
    pub last_name: Option<String>,
    /// Username without `@`.
    pub username: Option<String>,
    /// Language code.
    pub language: Option<String>,
    /// `auth_date` of the launch data that names and username come from, in epoch seconds.
    pub profile_at: i64,
    /// First sight.
    pub created_at: Instant,
    /// Kopecks. Never below 0, by the condition of every debit.
    #[serde(default)]
    pub balance: i64,
    /// When the balance changed last, by its ledger: every line is later than the one before.
    #[serde(default, with = "shared::clock::micros::option")]
    pub ledger_at: Option<Instant>,
    /// Kopecks ever credited.
    #[serde(default)]
    pub earned_total: i64,
    /// Kopecks ever debited.
    #[serde(default)]
    pub consumed_total: i64,
    /// Own stored-active orders and takes on stored-active orders.
    #[serde(default)]
    pub active_orders: i64,
    /// The same for completed ones.
    #[serde(default)]
    pub completed_orders: i64,
    /// Own orders by stored status.
    #[serde(default)]
    pub own_active: i64,
    #[serde(default)]
    /// Own orders, expired.
    pub own_expired: i64,
    #[serde(default)]
    /// Own orders, deleted.
    pub own_deleted: i64,
    #[serde(default)]
    /// Own orders, closed without response.
    pub own_closed_no_response: i64,
    #[serde(default)]
    /// Own orders, completed.
    pub own_completed: i64,
    #[serde(default)]
    /// Taken orders by stored status: active.
    pub taken_active: i64,
    #[serde(default)]
    /// Taken orders, expired.
    pub taken_expired: i64,
    #[serde(default)]
    /// Taken orders, closed without response.
    pub taken_closed_no_response: i64,
    #[serde(default)]
    /// Taken orders, completed.
    pub taken_completed: i64,
    /// Stars in reviews about the user, added up.
    #[serde(default)]
    pub rating_sum: i64,
    /// Reviews about the user.
    #[serde(default)]
    pub rating_count: i64,
    /// Reviews about the user, of 1.
    #[serde(default)]
    pub rated_1: i64,
    /// Reviews about the user, of 2.
    #[serde(default)]
    pub rated_2: i64,
    /// Reviews about the user, of 3.
    #[serde(default)]
    pub rated_3: i64,
    /// Reviews about the user, of 4.
    #[serde(default)]
    pub rated_4: i64,
    /// Reviews about the user, of 5.
    #[serde(default)]
    pub rated_5: i64,
    /// Reviews by the user, as far as they are counted, of 1.
    #[serde(default)]
    pub given_1: i64,
    /// Reviews by the user, as far as they are counted, of 2.
    #[serde(default)]
    pub given_2: i64,
    /// Reviews by the user, as far as they are counted, of 3.
    #[serde(default)]
    pub given_3: i64,
    /// Reviews by the user, as far as they are counted, of 4.
    #[serde(default)]
    pub given_4: i64,
    /// Reviews by the user, as far as they are counted, of 5.
    #[serde(default)]
    pub given_5: i64,
    /// Complaints about the user as a client.
    #[serde(default)]
    pub complaints: i64,
    /// Categories the user wants to hear of.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Cities the user wants to hear of, as typed.
    #[serde(default)]
    pub cities: Vec<String>,
    /// Does the user want notices of new orders?
    #[serde(default)]
    pub notifications: bool,
    /// Minutes of cool-down between them; the default where absent.
    pub frequency: Option<i64>,
    /// Did Telegram say that the user has blocked the bot?
    #[serde(default)]
    pub bot_blocked: bool,
}

impl User {
    /// How many reviews there are about the user, of any or of this rating.
    #[must_use]
    pub fn rated(&self, rating: Option<i64>) -> i64 {
        let counters = [self.rated_1, self.rated_2, self.rated_3, self.rated_4, self.rated_5];
        rating.map_or(self.rating_count, |rating| of_rating(&counters, rating))
    }

    /// How many reviews by the user are counted, of any or of this rating. They are seconds after
    /// they were written.
    #[must_use]
    pub fn given(&self, rating: Option<i64>) -> i64 {
        let counters = [self.given_1, self.given_2, self.given_3, self.given_4, self.given_5];
        rating.map_or_else(|| counters.iter().sum(), |rating| of_rating(&counters, rating))
    }

    /// The attribute that counts the reviews about a user of this rating.
    #[must_use]
    pub fn rated_attribute(rating: i64) -> String {
        format!("rated_{rating}")
    }

    /// The attribute that counts the reviews by a user of this rating.
    #[must_use]
    pub fn given_attribute(rating: i64) -> String {
        format!("given_{rating}")
    }
}

fn of_rating(counters: &[i64; 5], rating: i64) -> i64 {
    (1..).zip(counters).find(|(stars, _)| *stars == rating).map_or(0, |(_, count)| *count)
}

impl Entity for User {
    const KIND: &'static str = "User";

    fn key(&self) -> Key {
        user_key(self.id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let shard = shard(&self.id.to_string(), REGISTRY_SHARDS);
        vec![("registry_pk", format!("USER#{shard}"))]
    }
}
