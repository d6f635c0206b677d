//! Double entry: accounts, immutable entries, holds.
//!
//! Every movement takes from one account and gives to another, so that the sum of all accounts is
//! always 0. Amounts are whole minor units. An entry's id is the idempotency key of its effect:
//! writing it again is refused by the store, whatever the caller believes.
//!
//! A *holder's* account can never go below 0. It may live inside an item that the service already
//! writes in the same transaction (a member, say), hence [`credit`] and [`debit`] add to an update
//! instead of making one. A *house* account is the other side of many holders' movements; it may
//! be below 0 (what was issued) and is spread over shards, so that no item is written by all. A
//! house account whose balance nobody reads at once need not be written at all: it is, by
//! definition, the negative sum of the entries that name it, and [`audit`] computes it.

use serde::{Deserialize, Serialize};

use crate::clock::Instant;
use crate::table::{Entity, Key, Write};

/// The name of the refusal when a holder has less than is to be taken.
pub const INSUFFICIENT: &str = "balance";

/// Adds a credit to the update of the item that holds the account: `balance` and the cumulative
/// `earned_total` grow by `amount`.
#[must_use]
pub fn credit(update: Write, amount: u32) -> Write {
    update.add("balance", i64::from(amount)).add("earned_total", i64::from(amount))
}

/// Adds a debit to the update of the item that holds the account: `balance` falls, the
/// cumulative `consumed_total` grows, and the whole is refused when the balance is too low.
#[must_use]
pub fn debit(update: Write, amount: u32) -> Write {
    update
        .add("balance", -i64::from(amount))
        .add("consumed_total", i64::from(amount))
        .when("#balance >= :debit")
        .bind(":debit", amount)
}

/// What is left of a lot, first in first out, without touching the lot: income is consumed in
/// the order it came, so a lot that began after `earned_before` units had been earned is consumed
/// as far as `consumed_total` reaches into it.
#[must_use]
pub fn remaining(earned_before: u64, amount: u32, consumed_total: u64) -> u32 {
    let reached = consumed_total.saturating_sub(earned_before);
    amount.saturating_sub(u32::try_from(reached).unwrap_or(u32::MAX))
}

/// An account that is an item of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// Somebody's money: never below 0.
    Holder(String),
    /// The service's own side of many movements, in so many shards.
    House(&'static str, u64),
}

impl Account {
    /// Where the account's balance is, for a movement of this id.
    #[must_use]
    pub fn key(&self, entry_id: &str) -> Key {
        match self {
            Self::Holder(name) => Key::new(format!("ACCOUNT#{name}"), "BALANCE"),
            Self::House(name, shards) => {
                Key::new(format!("ACCOUNT#house:{name}#{}", shard(entry_id, *shards)), "BALANCE")
            }
        }
    }

    /// The account's name in entries.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Holder(name) => name.clone(),
            Self::House(name, _) => format!("house:{name}"),
        }
    }

    fn moved(&self, name: &'static str, entry_id: &str, delta: i64) -> Write {
        let update = Write::update(name, self.key(entry_id)).add("balance", delta);
        match self {
            Self::Holder(_) if delta < 0 => {
                update.when("#balance >= :taken").bind(":taken", delta.saturating_neg())
            }
            _ => update,
        }
    }
}

/// Which of `shards` shards an id falls into; the same for every attempt.
#[must_use]
pub fn shard(id: &str, shards: u64) -> u64 {
    // FNV-1a: spread, not secrecy, is what is wanted here.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % shards.max(1)
}

/// An immutable movement between two accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Idempotency key of the effect.
    pub id: String,
    /// The account taken from.
    pub from: String,
    /// The account given to.
    pub to: String,
    /// Minor units, at least 1.
    pub amount: u32,
    /// When it was made.
    pub at: Instant,
}

impl Entity for Entry {
    const KIND: &'static str = "Entry";

    fn key(&self) -> Key {
        Key::new(format!("ENTRY#{}", self.id), "ENTRY")
    }
}

/// The three writes of a transfer: the entry (refusal `entry` means it was made before), the
/// account taken from (refusal [`INSUFFICIENT`]), the account given to.
#[must_use]
pub fn transfer(id: &str, from: &Account, to: &Account, amount: u32, at: Instant) -> Vec<Write> {
    let (debited, credited) = (from.name(), to.name());
    let entry = Entry { id: id.to_owned(), from: debited, to: credited, amount, at };
    vec![
        Write::insert("entry", &entry),
        from.moved(INSUFFICIENT, id, -i64::from(amount)),
        to.moved("credit", id, i64::from(amount)),
    ]
}

/// The state of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Set aside, undecided.
    Pending,
    /// Given to its destination.
    Posted,
    /// Given back.
    Voided,
}

/// Money set aside until it is known whether it is to move. Resolved at most once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Idempotency key of the effect.
    pub id: String,
    /// Whose money.
    pub holder: String,
    /// Minor units, at least 1.
    pub amount: u32,
    /// Where it stands.
    pub state: HoldState,
    /// When it was made.
    pub at: Instant,
}

impl Entity for Hold {
    const KIND: &'static str = "Hold";

    fn key(&self) -> Key {
        Key::new(format!("HOLD#{}", self.id), "HOLD")
    }
}

impl Hold {
    /// The account in which a holder's held money stands meanwhile.
    fn pot(&self) -> Account {
        Account::Holder(format!("held:{}", self.holder))
    }

    /// The writes that set money aside: the hold (refusal `hold`: it exists) and the movement.
    #[must_use]
    pub fn place(&self) -> Vec<Write> {
        let from = Account::Holder(self.holder.clone());
        let mut writes = vec![Write::insert("hold", self)];
        let id = format!("hold:{}", self.id);
        writes.extend(transfer(&id, &from, &self.pot(), self.amount, self.at));
        writes
    }

    /// The writes that give it to `to`; refusal `hold` means it was resolved before.
    #[must_use]
    pub fn post(&self, to: &Account, at: Instant) -> Vec<Write> {
        self.resolve(HoldState::Posted, "post", to, at)
    }

    /// The writes that give it back; refusal `hold` means it was resolved before.
    #[must_use]
    pub fn void(&self, at: Instant) -> Vec<Write> {
        self.resolve(HoldState::Voided, "void", &Account::Holder(self.holder.clone()), at)
    }

    fn resolve(&self, state: HoldState, verb: &str, to: &Account, at: Instant) -> Vec<Write> {
        let resolved = Write::update("hold", self.key())
            .set("state", state)
            .when("#state = :pending")
            .bind(":pending", HoldState::Pending);
        let mut writes = vec![resolved];
        let id = format!("{verb}:{}", self.id);
        writes.extend(transfer(&id, &self.pot(), to, self.amount, at));
        writes
    }
}

/// What an audit of one holder found wrong. Empty is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Violation {
    /// The balance is not the sum of the entries.
    BalanceIsNotSum {
        /// As stored.
        balance: i64,
        /// As added up.
        sum: i64,
    },
    /// The balance is not what is left of the lots.
    BalanceIsNotLots {
        /// As stored.
        balance: i64,
        /// As added up.
        lots: i64,
    },
    /// The balance is below 0.
    Negative {
        /// As stored.
        balance: i64,
    },
}

/// One line of an account, signed, with the units earned before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Income above 0, expense below.
    pub delta: i64,
    /// The account's `earned_total` before this line.
    pub earned_before: u64,
}

/// Checks a holder's account against its lines: `balance = Σ delta = Σ remaining ≥ 0`.
#[must_use]
pub fn audit(balance: i64, consumed_total: u64, lines: &[Line]) -> Vec<Violation> {
    let sum = lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.delta));
    let lots = lines.iter().filter_map(|line| {
        let amount = u32::try_from(line.delta).ok()?;
        Some(i64::from(remaining(line.earned_before, amount, consumed_total)))
    });
    let lots = lots.fold(0_i64, i64::saturating_add);
    let mut found = Vec::new();
    if balance != sum {
        found.push(Violation::BalanceIsNotSum { balance, sum });
    }
    if balance != lots {
        found.push(Violation::BalanceIsNotLots { balance, lots });
    }
    if balance < 0 {
        found.push(Violation::Negative { balance });
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::table::{Table, testing};

    fn now() -> Instant {
        Instant::from_seconds(1_768_900_000)
    }

    const HOUSE: Account = Account::House("issued", 4);

    fn holder(n: u8) -> Account {
        Account::Holder(format!("h{n}"))
    }

    async fn balance(table: &Table, account: &Account) -> i64 {
        let ids: Vec<String> = (0..64).map(|n| n.to_string()).collect();
        let mut keys: Vec<Key> = ids.iter().map(|id| account.key(id)).collect();
        keys.sort_by(|a, b| a.pk.cmp(&b.pk));
        keys.dedup();
        let rows = table.batch(&keys).await.unwrap();
        rows.iter().filter_map(|item| item.integer("balance")).sum()
    }

    #[tokio::test]
    async fn a_hold_is_resolved_once() {
        let table = testing::table().await;
        let to_holder = transfer("income", &HOUSE, &holder(1), 100, now());
        table.transact(to_holder).await.unwrap();
        let hold = Hold {
            id: "x".to_owned(),
            holder: "h1".to_owned(),
            amount: 60,
            state: HoldState::Pending,
            at: now(),
        };
        table.transact(hold.place()).await.unwrap();
        assert_eq!(balance(&table, &holder(1)).await, 40);
        table.transact(hold.void(now())).await.unwrap();
        for again in [hold.void(now()), hold.post(&HOUSE, now()), hold.place()] {
            let refusal = table.transact(again).await.unwrap_err().refusal().unwrap();
            assert_eq!(refusal.name(), "hold");
        }
        assert_eq!(balance(&table, &holder(1)).await, 100);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Move { id: u8, from: u8, to: u8, amount: u32 },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = (0_u8..12, 0_u8..4, 0_u8..4, 1_u32..200)
            .prop_map(|(id, from, to, amount)| Step::Move { id, from, to, amount });
        proptest::collection::vec(step, 1..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// The store against a model of twenty lines: account 0 is the house.
        #[test]
        fn movements_agree_with_a_model(steps in steps()) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let table = testing::table().await;
                let account = |n: u8| if n == 0 { HOUSE } else { holder(n) };
                let mut model: HashMap<u8, i64> = HashMap::new();
                let mut seen = std::collections::HashSet::new();
                for Step::Move { id, from, to, amount } in steps {
                    if from == to { continue }
                    let writes = transfer(&id.to_string(), &account(from), &account(to), amount, now());
                    let funds = from == 0 || model.get(&from).copied().unwrap_or(0) >= i64::from(amount);
                    let outcome = table.transact(writes).await.map_err(|e| e.refusal().unwrap().name());
                    if seen.contains(&id) {
                        assert_eq!(outcome, Err("entry"));
                    } else if funds {
                        assert_eq!(outcome, Ok(()));
                        seen.insert(id);
                        *model.entry(from).or_default() -= i64::from(amount);
                        *model.entry(to).or_default() += i64::from(amount);
                    } else {
                        assert_eq!(outcome, Err(INSUFFICIENT));
                    }
                }
                let mut total = 0;
                for n in 0..4 {
                    let stored = balance(&table, &account(n)).await;
                    assert_eq!(stored, model.get(&n).copied().unwrap_or(0));
                    total += stored;
                }
                assert_eq!(total, 0);
            });
        }

        /// First in, first out, without touching a lot.
        #[test]
        fn lots_always_add_up(moves in proptest::collection::vec((any::<bool>(), 1_u32..500), 0..60)) {
            let (mut balance, mut earned, mut consumed) = (0_i64, 0_u64, 0_u64);
            let mut lines = Vec::new();
            for (income, amount) in moves {
                let delta = if income { i64::from(amount) } else { -i64::from(amount) };
                if balance + delta < 0 { continue }
                lines.push(Line { delta, earned_before: earned });
                balance += delta;
                if income { earned += u64::from(amount) } else { consumed += u64::from(amount) }
            }
            prop_assert_eq!(audit(balance, consumed, &lines), vec![]);
            let wrong = audit(balance + 1, consumed, &lines);
            prop_assert_eq!(wrong.len(), 2);
        }
    }
}
