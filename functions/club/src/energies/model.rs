//! Entries, and what an account has to add up to. No I/O.

use jiff::Span;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::clock::Instant;
use shared::ledger::{self, Line, Violation, shard};
use shared::table::{Entity, Key};

use super::award::{Award, Expense, Kind};
use crate::auth::{Member, member_key};

/// How long energies last, in months of Moscow's calendar.
const TTL_MONTHS: i8 = 6;
/// Partitions of the index of incomes whose time is not over.
pub(super) const DUE_SHARDS: u64 = 4;
/// What the sort keys of entries begin with.
pub(super) const ENTRY: &str = "ENTRY#";

/// One line of a member's ledger. Never changed but for [`EnergyEntry::expired`] and, once it has
/// had its turn, its place among what is to expire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnergyEntry {
    /// Whose.
    pub tg_id: i64,
    /// Idempotency key of the effect.
    pub key: String,
    /// Income above 0, expense below.
    pub delta: i64,
    /// What it came by.
    pub energy_kind: Kind,
    /// Why, as the member reads it.
    pub reason: String,
    /// What else there is to tell.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The member's `earned_total` before this entry.
    pub earned_before: u64,
    /// The member's version that this entry came with: entries of one instant have an order.
    pub version: u64,
    /// When it was made.
    pub created_at: Instant,
    /// Until when an income can be spent.
    pub expires_at: Option<Instant>,
    /// Was the rest of this income taken because its time was over?
    #[serde(default)]
    pub expired: bool,
}

impl Entity for EnergyEntry {
    const KIND: &'static str = "EnergyEntry";

    fn key(&self) -> Key {
        entry_key(self.tg_id, &self.key)
    }

    fn index(&self) -> Vec<(&'static str, String)> {
        let order = format!("{}#{:012}#{:012}", self.created_at, self.version, self.earned_before);
        let mut index = vec![("history_at", order)];
        if let Some(expires) = self.expires_at.filter(|_| !self.expired) {
            index.push(("due_pk", due_partition(shard(&self.tg_id.to_string(), DUE_SHARDS))));
            index.push(("due_at", format!("{expires}#{:012}", self.earned_before)));
        }
        index
    }
}

/// A partition of the index of incomes whose time is not over. All incomes of a member are in one,
/// in the order in which they came: their times never fall, and of equal ones the first is the
/// one before which less was earned.
pub(super) fn due_partition(shard: u64) -> String {
    format!("LOT#{shard}")
}

/// Where the entry under an idempotency key is: beside its member.
pub(super) fn entry_key(tg_id: i64, key: &str) -> Key {
    Key::new(member_key(tg_id).pk, format!("{ENTRY}{key}"))
}

impl EnergyEntry {
    /// The entry of an award, and what is credited.
    pub(super) fn income(member: &Member, award: &Award, now: Instant) -> (Self, u32) {
        let (credited, metadata) = award.credit(member);
        let entry = Self {
            tg_id: member.tg_id,
            key: award.key.clone(),
            delta: i64::from(credited),
            energy_kind: award.kind,
            reason: award.reason.to_string(),
            metadata,
            earned_before: member.earned_total,
            version: member.version + 1,
            created_at: now,
            expires_at: Some(expiry(now, member.energies_expire_at)),
            expired: false,
        };
        (entry, credited)
    }

    /// The entry of an expense.
    pub(super) fn expense(member: &Member, expense: &Expense, now: Instant) -> Self {
        Self {
            tg_id: member.tg_id,
            key: expense.key.clone(),
            delta: -i64::from(expense.amount),
            energy_kind: expense.kind,
            reason: expense.reason.to_string(),
            metadata: expense.metadata.clone(),
            earned_before: member.earned_total,
            version: member.version + 1,
            created_at: now,
            expires_at: None,
            expired: false,
        }
    }

    /// What is left of an income when so much has been consumed in all; `None` for an expense.
    #[must_use]
    pub fn remaining(&self, consumed_total: u64) -> Option<u32> {
        let amount = u32::try_from(self.delta).ok()?;
        Some(ledger::remaining(self.earned_before, amount, consumed_total))
    }

    /// The line that an audit adds up.
    pub(super) fn line(&self) -> Line {
        Line { delta: self.delta, earned_before: self.earned_before }
    }
}

/// What is wrong with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Balance, entries and lots do not agree.
    Ledger(Violation),
    /// `earned_total` is not the sum of all income.
    Earned { stored: u64, sum: u64 },
    /// `consumed_total` is not the sum of all expenses.
    Consumed { stored: u64, sum: u64 },
    /// A lot does not begin where the one before it ends.
    Lots { key: String, earned_before: u64, expected: u64 },
}

/// Checks an account: the member against all entries.
pub(super) fn findings(member: &Member, entries: &[EnergyEntry]) -> Vec<Finding> {
    let lines: Vec<Line> = entries.iter().map(EnergyEntry::line).collect();
    let violations = ledger::audit(member.balance, member.consumed_total, &lines);
    let mut found: Vec<Finding> = violations.into_iter().map(Finding::Ledger).collect();
    let sum = |income: bool| {
        let side = entries.iter().filter(|entry| (entry.delta > 0) == income);
        side.fold(0_u64, |sum, entry| sum.saturating_add(entry.delta.unsigned_abs()))
    };
    let (stored, sum, consumed) = (member.earned_total, sum(true), sum(false));
    if stored != sum {
        found.push(Finding::Earned { stored, sum });
    }
    if member.consumed_total != consumed {
        found.push(Finding::Consumed { stored: member.consumed_total, sum: consumed });
    }
    let mut lots: Vec<_> = entries.iter().filter(|entry| entry.delta > 0).collect();
    lots.sort_by_key(|lot| lot.earned_before);
    let mut expected = 0_u64;
    for lot in lots {
        if lot.earned_before != expected {
            let (key, earned_before) = (lot.key.clone(), lot.earned_before);
            found.push(Finding::Lots { key, earned_before, expected });
        }
        expected = lot.earned_before.saturating_add(lot.delta.unsigned_abs());
    }
    found
}

/// Until when energies of `created` last: six months later on Moscow's calendar, at the same time
/// of day, the day clamped to the month's end, but never before an older lot, whose expiry is
/// `newest`. (A lot of the morning of 31 August would else expire before one of the evening of
/// the 29th: both end on the last of February.)
#[must_use]
pub fn expiry(created: Instant, newest: Option<Instant>) -> Instant {
    let later = created.at_offset(3).checked_add(Span::new().months(TTL_MONTHS));
    let later = later.map_or(created, |later| Instant::from_timestamp(later.timestamp()));
    newest.map_or(later, |newest| later.max(newest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn lots_last_six_months_of_moscow() {
        for (created, expires) in [
            ("2026-02-28T10:00:00Z", "2026-08-28T10:00:00Z"),
            ("2026-03-31T10:00:00Z", "2026-09-30T10:00:00Z"),
            ("2026-08-31T10:00:00Z", "2027-02-28T10:00:00Z"),
            ("2025-08-29T00:00:00Z", "2026-02-28T00:00:00Z"),
            ("2027-08-31T10:00:00Z", "2028-02-29T10:00:00Z"),
            ("2026-08-30T22:00:00Z", "2027-02-27T22:00:00Z"),
        ] {
            assert_eq!(expiry(at(created), None), at(expires), "{created}");
        }
    }

    #[test]
    fn a_lot_never_expires_before_an_older_one() {
        let older = expiry(at("2026-08-29T18:00:00Z"), None);
        let newer = at("2026-08-30T22:00:00Z");
        assert!(expiry(newer, None) < older);
        assert_eq!(expiry(newer, Some(older)), older);
    }

    #[test]
    fn a_leader_earns_twice_and_the_entry_says_so() {
        let now = at("2026-01-31T12:00:00Z");
        let member = Member { earned_total: 40, version: 7, ..Member::new(1, None, None, now) };
        let award = Award::payment("p1");
        let (entry, credited) = EnergyEntry::income(&member, &award, now);
        assert_eq!((credited, entry.delta, entry.metadata.len()), (500, 500, 0));
        assert_eq!((entry.earned_before, entry.reason.as_str()), (40, "Продление подписки"));
        assert_eq!(entry.key().sk, "ENTRY#payment:p1");
        let leader = Member { is_team_leader: true, ..member };
        let (entry, credited) = EnergyEntry::income(&leader, &award, now);
        assert_eq!((credited, entry.delta), (1000, 1000));
        let told =
            serde_json::json!({ "leaderBonus": true, "originalAmount": 500, "multiplier": 2 });
        assert_eq!(Value::Object(entry.metadata), told);
        let (entry, credited) = EnergyEntry::income(&leader, &Award::gift("g1"), now);
        assert_eq!((credited, entry.key.as_str(), entry.metadata.len()), (500, "gift:g1", 0));
        assert_eq!(entry.reason, "Активация подарочной подписки");
    }

    proptest! {
        #[test]
        fn expiries_never_fall(minutes in proptest::collection::vec(0_i64..900_000, 1..80)) {
            let begin = at("2026-01-01T00:00:00Z");
            let mut minutes = minutes;
            minutes.sort_unstable();
            let mut newest = None;
            for minute in minutes {
                let created = begin + jiff::SignedDuration::from_mins(minute);
                let expires = expiry(created, newest);
                prop_assert!(newest.is_none_or(|newest| newest <= expires));
                let months = expires.at_offset(3).date().since(created.at_offset(3).date()).unwrap();
                prop_assert!((181..=184).contains(&months.get_days()) || months.get_days() >= 180);
                newest = Some(expires);
            }
        }
    }
}
