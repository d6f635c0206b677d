//! Money that was put aside, and what was decided about it.

use serde::{Deserialize, Serialize};
use shared::clock::Instant;
use shared::table::{Entity, Key};
use utoipa::ToSchema;

use crate::payments::providers::Provider;

/// What a person has decided about money that was put aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Nothing yet.
    #[default]
    Open,
    /// It is somebody's payment.
    Assigned,
    /// Nothing is to be done.
    Dismissed,
}

impl Fate {
    /// The partition of the index `due` that holds the rows with this fate, by when they came. They
    /// are few: each is money that somebody has to look at.
    #[must_use]
    pub fn partition(self) -> &'static str {
        match self {
            Self::Open => "UNASSIGNED#open",
            Self::Assigned => "UNASSIGNED#assigned",
            Self::Dismissed => "UNASSIGNED#dismissed",
        }
    }
}

/// Whose payment the money is, as an administrator said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The attempt that was made for it.
    pub attempt_id: String,
    /// Whose, by Telegram id.
    pub tg_id: i64,
    /// The key of the offer that it pays.
    pub offer: String,
    /// The idempotency key of the call, hashed.
    pub key: Option<String>,
    /// When.
    pub at: Instant,
}

/// Why nothing is to be done about money that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// In the administrator's words.
    pub reason: String,
    /// When.
    pub at: Instant,
}

/// Money that matches no attempt or contradicts it, until a person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnassignedPayment {
    /// Who took it.
    pub provider: Provider,
    /// The provider's id.
    pub external_id: String,
    /// The attempt that was named.
    pub attempt_id: String,
    /// How much, as the provider said.
    pub amount: Option<String>,
    /// In which currency, as the provider said.
    pub currency: Option<String>,
    /// Who paid, by Telegram id, where the provider said so.
    pub payer: Option<i64>,
    /// The provider's id of the standing subscription, where it told one.
    pub contract_id: Option<String>,
    /// Does it belong to a standing subscription?
    #[serde(default)]
    pub recurs: bool,
    /// Why it was not settled.
    pub reason: String,
    /// What was decided.
    #[serde(default)]
    pub fate: Fate,
    /// Whose it is; of a row that is open, what was begun and not ended.
    pub assignment: Option<Assignment>,
    /// Why nothing is to be done.
    pub dismissal: Option<Dismissal>,
    /// When its provider first said that some or all of it went back: it can be nobody's any more.
    #[serde(default)]
    pub refunded_at: Option<Instant>,
    /// When it came.
    pub at: Instant,
}

impl UnassignedPayment {
    /// Where the payment with this id of the provider is put aside.
    #[must_use]
    pub fn key_of(provider: Provider, external_id: &str) -> Key {
        Key::new(format!("UNASSIGNED#{}#{external_id}", provider.name()), "UNASSIGNED")
    }

    /// Its id, which is the payment's once it is somebody's.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.provider.name(), self.external_id)
    }
}

impl Entity for UnassignedPayment {
    const KIND: &'static str = "UnassignedPayment";

    fn key(&self) -> Key {
        Self::key_of(self.provider, &self.external_id)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        vec![("due_pk", self.fate.partition().to_owned()), ("due_at", self.at.to_string())]
    }
}
