//! One line of the ledger.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::table::{Entity, Key};

use crate::users::user_key;

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Money came.
    Recharge,
    /// A contact was bought.
    OrderTake,
    /// What a contact cost was given back.
    Refund,
    /// Money went back to where it came from.
    Reversal,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Recharge, Self::OrderTake, Self::Refund, Self::Reversal];

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name on the wire and in keys.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recharge => "recharge",
            Self::OrderTake => "order_take",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
        }
    }
}

/// An immutable signed change of one balance, unique by user, kind and cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Shown as `id`.
    pub id: i64,
    /// Whose balance.
    pub user_id: i64,
    /// What it is about.
    pub entry: Kind,
    /// The order, payment or charge that makes it unique.
    pub cause: String,
    /// Kopecks, below 0 for what was taken.
    pub amount: i64,
    /// Kopecks after it.
    pub balance_after: i64,
    /// The order, where there is one.
    pub order_id: Option<String>,
    /// How the money came, where it did.
    pub payment_method: Option<String>,
    /// In English, for the list.
    pub description: Option<String>,
    /// When.
    #[serde(with = "shared::clock::micros")]
    pub created_at: Instant,
}

impl Entry {
    /// Where the entry of this cause is.
    #[must_use]
    pub fn key_of(user_id: i64, kind: Kind, cause: &str) -> Key {
        Key::new(user_key(user_id).pk, format!("LEDGER#{}#{cause}", kind.name()))
    }
}

impl Entity for Entry {
    const KIND: &'static str = "LedgerEntry";

    fn key(&self) -> Key {
        Self::key_of(self.user_id, self.entry, &self.cause)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let at = format!("{}#{:016}", self.created_at.micros(), self.id);
        vec![
            ("listed_at", format!("LEDGER#{at}")),
            ("filtered_at", format!("LEDGER#{}#{at}", self.entry.name())),
        ]
    }
}
