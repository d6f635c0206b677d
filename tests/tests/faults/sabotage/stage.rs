//! How a guarantee is dropped, and how those who need it are made to meet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use engine::tamper::{drop_conditions, drop_entries};
use serde_json::{Value, json};

use crate::bench::Bench;

/// How long a writer waits for the others.
const MEETING: Duration = Duration::from_secs(3);
/// How long a writer is held, and how long it may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does a scene have its guarantee?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarantee {
    Kept,
    Dropped,
}

/// What makes a guarantee, on items whose partition key begins with one of these.
#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// Conditions of writes.
    ByConditions(&'static [&'static str]),
    /// Whole entries of transactions.
    ByEntries(&'static [&'static str]),
    /// One entry of a transaction, by what its partition and sort key begin with.
    OfOneEntry(&'static str, &'static str),
}

impl Made {
    fn drop_from(self, operation: &str, body: &mut Value) {
        let one_of = |prefixes: &'static [&'static str]| {
            move |pk: &str| prefixes.iter().any(|prefix| pk.starts_with(prefix))
        };
        match self {
            Self::ByConditions(of) => drop_conditions(operation, body, one_of(of)),
            Self::ByEntries(of) => drop_entries(operation, body, one_of(of)),
            Self::OfOneEntry(pk, sk) => {
                let entries = body.get_mut("TransactItems").and_then(Value::as_array_mut);
                for entry in entries.into_iter().flatten().filter(|entry| is_at(entry, pk, sk)) {
                    let mut alone = json!({ "TransactItems": [entry.take()] });
                    drop_entries(operation, &mut alone, |_| true);
                    *entry = alone["TransactItems"][0].take();
                }
            }
        }
    }
}

/// Does this entry of a transaction write an item whose keys begin so?
fn is_at(entry: &Value, pk: &str, sk: &str) -> bool {
    let write = entry.as_object().and_then(|entry| entry.values().next());
    let at = write.and_then(|write| write.get("Key").or_else(|| write.get("Item")));
    let begins = |name: &str, with: &str| {
        let key = at.and_then(|at| at[name]["S"].as_str());
        key.is_some_and(|key| key.starts_with(with))
    };
    begins("pk", pk) && begins("sk", sk)
}

/// The calls of functions at which somebody is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    /// Of which function; of any when there is none.
    pub function: Option<&'static str>,
    pub operation: &'static str,
    /// What the call mentions.
    pub about: &'static str,
}

impl Spot {
    fn is(&self, caller: &str, operation: &str, body: &Value) -> bool {
        caller.strip_prefix("local-").is_some_and(|name| self.function.is_none_or(|f| f == name))
            && operation == self.operation
            && body.to_string().contains(self.about)
    }
}

/// Waits on a thread that has other tasks to run as well.
fn wait(limit: Duration, done: impl Fn() -> bool) {
    tokio::task::block_in_place(|| {
        let until = Instant::now() + limit;
        while !done() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

fn set(
    bench: &Bench,
    guarantee: Guarantee,
    made: Made,
    spot: Spot,
    arrive: impl Fn() + Send + Sync + 'static,
) {
    bench.stack.engine().tamper().with(move |caller, operation, body| {
        if spot.is(caller, operation, body) {
            arrive();
        }
        if guarantee == Guarantee::Dropped {
            made.drop_from(operation, body);
        }
    });
}

/// From now on whoever comes to the spot waits there until `many` have come.
pub fn meet(bench: &Bench, guarantee: Guarantee, made: Made, spot: Spot, many: usize) {
    let arrived = AtomicUsize::new(0);
    set(bench, guarantee, made, spot, move || {
        arrived.fetch_add(1, Ordering::SeqCst);
        wait(MEETING, || arrived.load(Ordering::SeqCst) >= many);
    });
}

/// Somebody who is held at a spot.
#[derive(Clone, Default)]
pub struct Held {
    came: Arc<AtomicBool>,
    free: Arc<AtomicBool>,
}

/// From now on the first who comes to the spot is held there.
pub fn hold(bench: &Bench, guarantee: Guarantee, made: Made, spot: Spot) -> Held {
    let held = Held::default();
    let Held { came, free } = held.clone();
    set(bench, guarantee, made, spot, move || {
        if !came.swap(true, Ordering::SeqCst) {
            wait(PATIENCE, || free.load(Ordering::SeqCst));
        }
    });
    held
}

impl Held {
    /// Waits until somebody is held.
    pub async fn came(&self) {
        let until = Instant::now() + PATIENCE;
        while !self.came.load(Ordering::SeqCst) {
            assert!(Instant::now() < until, "nobody came");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Lets them go on.
    pub fn free(&self) {
        self.free.store(true, Ordering::SeqCst);
    }
}

/// Everybody acts as they should again.
pub fn clear(bench: &Bench) {
    bench.stack.engine().tamper().stop();
}
