//! What can go wrong with a table, told once, in types.

use std::error::Error;

use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};
use aws_sdk_dynamodb::types::CancellationReason;

use super::Item;
use crate::problem::Problem;

/// The table did not do what was asked, and not because of a condition.
///
/// After a lost answer the write may have happened all the same; everything that writes is
/// therefore built so that doing it again is harmless.
#[derive(Clone, Debug, thiserror::Error)]
#[error("store: {0}")]
pub struct StoreError(String);

impl StoreError {
    pub(super) fn from_sdk<E, R>(error: SdkError<E, R>) -> Self
    where
        E: Error + 'static,
        R: std::fmt::Debug,
    {
        Self(DisplayErrorContext(error).to_string())
    }

    pub(super) fn build(error: impl Error) -> Self {
        Self(error.to_string())
    }

    pub(super) fn encoding(error: impl std::fmt::Display) -> Self {
        Self(format!("an item does not encode or decode: {error}"))
    }

    pub(super) fn unprocessed() -> Self {
        Self("requests were left unprocessed".to_owned())
    }

    pub(super) fn not_for_a_batch() -> Self {
        Self("a batch takes puts and deletes without conditions".to_owned())
    }

    pub(super) fn lone_check() -> Self {
        Self("a condition check belongs into a transaction".to_owned())
    }
}

/// Why a write did not happen.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A condition did not hold. Nothing was written.
    #[error("condition of {} refused", .0.name())]
    Refused(Refusal),
    /// Other transactions on the same items kept winning. Nothing was written.
    #[error("lost to other transactions")]
    Conflict,
    /// The table failed; see [`StoreError`] on whether anything was written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WriteError {
    /// The refusal, if it was one; anything else as an error to pass on.
    ///
    /// # Errors
    /// Every other way a write can fail.
    pub fn refusal(self) -> Result<Refusal, Self> {
        match self {
            Self::Refused(refusal) => Ok(refusal),
            other => Err(other),
        }
    }
}

/// The conditions that did not hold, in the order of the writes.
#[derive(Debug)]
pub struct Refusal {
    first: &'static str,
    all: Vec<(&'static str, Option<Item>)>,
}

impl Refusal {
    pub(super) fn single(name: &'static str, old: Option<Item>) -> Self {
        Self { first: name, all: vec![(name, old)] }
    }

    /// `None` when no condition failed.
    pub(super) fn from_reasons(
        names: &[&'static str],
        reasons: &[CancellationReason],
    ) -> Option<Self> {
        let all: Vec<_> = names
            .iter()
            .zip(reasons)
            .filter(|(_, reason)| reason.code() == Some("ConditionalCheckFailed"))
            .map(|(name, reason)| (*name, reason.item.clone().map(Item)))
            .collect();
        all.first().map(|(name, _)| *name).map(|first| Self { first, all })
    }

    /// The name of the first write that was refused.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.first
    }

    /// Was the write `name` refused?
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(refused, _)| *refused == name)
    }

    /// Was no write refused but those called `name`?
    #[must_use]
    pub fn is_only(&self, name: &str) -> bool {
        self.all.iter().all(|(refused, _)| *refused == name)
    }

    /// The items that refused writes, as they stand.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.all.iter().filter_map(|(_, old)| old.as_ref())
    }

    /// The item that refused the write `name`; `None` when there is none, or it was not refused.
    #[must_use]
    pub fn old(&self, name: &str) -> Option<&Item> {
        self.all.iter().find(|(refused, _)| *refused == name).and_then(|(_, old)| old.as_ref())
    }
}

/// Did the transaction fail for nothing but meeting others or being throttled?
pub(super) fn only_conflicts(reasons: &[CancellationReason]) -> bool {
    !reasons.is_empty()
        && reasons.iter().filter_map(|reason| reason.code()).all(|code| {
            matches!(
                code,
                "None"
                    | "TransactionConflict"
                    | "ThrottlingError"
                    | "ProvisionedThroughputExceeded"
            )
        })
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::try_again(error)
    }
}

impl From<WriteError> for Problem {
    /// A refusal that nobody expected means that another writer came first.
    fn from(error: WriteError) -> Self {
        Self::try_again(error)
    }
}
