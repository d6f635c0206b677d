//! A change of a balance, and the line of the ledger that says so.

use jiff::SignedDuration;
use shared::clock::Instant;
use shared::ids;
use shared::table::Write;

use super::Kopecks;
use super::entry::{Entry, Kind};
use crate::users::{User, user_key};

/// Why a balance changes.
#[derive(Clone, Debug)]
pub struct Reason {
    /// What it is about.
    pub kind: Kind,
    /// The order, payment or charge: one change for each user, kind and cause.
    pub cause: String,
    /// The order, where there is one.
    pub order_id: Option<String>,
    /// How the money came, where it did.
    pub payment_method: Option<String>,
    /// In English, for the list.
    pub description: Option<String>,
}

/// A balance as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whose.
    pub user_id: i64,
    /// Kopecks.
    pub balance: i64,
    /// When it changed last, by its ledger.
    pub ledger_at: Option<Instant>,
}

impl From<&User> for Account {
    fn from(user: &User) -> Self {
        Self { user_id: user.id, balance: user.balance, ledger_at: user.ledger_at }
    }
}

/// A change of one balance, decided on the record as it was read: whoever comes second is refused
/// and reads anew, so that every line of the ledger knows the balance after it. Clocks of two
/// machines differ, so each line is made later than the one before: the newest line is the last.
#[derive(Clone, Debug)]
pub struct Change {
    seen: i64,
    seen_at: Option<Instant>,
    entry: Entry,
}

impl Change {
    /// Adds `amount`, or takes it where it is below 0. `None` where that leaves less than nothing,
    /// or more than can be counted.
    #[must_use]
    pub fn of(
        account: impl Into<Account>,
        amount: Kopecks,
        reason: Reason,
        now: Instant,
    ) -> Option<Self> {
        let account = account.into();
        let after = account.balance.checked_add(amount.0).filter(|after| *after >= 0)?;
        let later = |last: Instant| last + SignedDuration::from_micros(1);
        let created_at = account.ledger_at.map_or(now, |last| now.max(later(last)));
        let entry = Entry {
            id: ids::successive(created_at),
            user_id: account.user_id,
            entry: reason.kind,
            cause: reason.cause,
            amount: amount.0,
            balance_after: after,
            order_id: reason.order_id,
            payment_method: reason.payment_method,
            description: reason.description,
            created_at,
        };
        Some(Self { seen: account.balance, seen_at: account.ledger_at, entry })
    }

    /// The line of the ledger.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The balance after it.
    #[must_use]
    pub fn after(&self) -> Kopecks {
        Kopecks(self.entry.balance_after)
    }

    /// The write of the balance by itself, refused under `user`.
    #[must_use]
    pub fn balance(&self) -> Write {
        self.on(Write::update("user", user_key(self.entry.user_id)))
    }

    /// Adds the change of the balance to another change of the same user.
    #[must_use]
    pub fn on(&self, write: Write) -> Write {
        let amount = self.entry.amount;
        let total = if amount < 0 { "consumed_total" } else { "earned_total" };
        let write = write
            .set("balance", self.entry.balance_after)
            .set("ledger_at", self.entry.created_at.micros())
            .add(total, amount.saturating_abs())
            .when("#balance = :seen_balance")
            .bind(":seen_balance", self.seen);
        match self.seen_at {
            Some(at) => write.when("#ledger_at = :seen_at").bind(":seen_at", at.micros()),
            None => write.when("attribute_not_exists(#ledger_at)"),
        }
    }

    /// The write of the line, refused under `entry` where the same cause has had its line.
    #[must_use]
    pub fn line(&self) -> Write {
        Write::insert("entry", &self.entry)
    }
}
