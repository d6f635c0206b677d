//! The cost meter: what an invocation asked of DynamoDB and SQS, in the units they are paid in.
//!
//! Figures are kept in two columns: what the choke point needs (session, exact limiter) and what
//! the function itself does; the price of an endpoint is the second.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What was asked of the stores. Capacity is in thousandths of a unit, since an eventually
/// consistent read of a small item is half a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Requests to DynamoDB.
    pub requests: u32,
    /// Requests one after another: those that overlap count once.
    pub sequence: u32,
    /// Items written, deleted or checked.
    pub items: u32,
    /// Read request units, in thousandths.
    pub read_milliunits: u64,
    /// Write request units, in thousandths.
    pub write_milliunits: u64,
    /// Messages sent to SQS.
    pub messages: u32,
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            sequence: self.sequence + other.sequence,
            items: self.items + other.items,
            read_milliunits: self.read_milliunits + other.read_milliunits,
            write_milliunits: self.write_milliunits + other.write_milliunits,
            messages: self.messages + other.messages,
        }
    }

    /// US dollars per million such invocations, in millionths of a dollar: on-demand prices of
    /// us-east-1, $0.125 per million read units, $0.625 per million write units, $0.40 per
    /// million SQS requests.
    #[must_use]
    pub fn microdollars_per_million(&self) -> u64 {
        self.read_milliunits * 125
            + self.write_milliunits * 625
            + u64::from(self.messages) * 400_000
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    choke: Cost,
    function: Cost,
    in_function: bool,
    in_flight: u32,
}

/// Collects the costs of one invocation.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Columns>>);

tokio::task_local! {
    static METER: Meter;
}

impl Meter {
    /// Runs `work`, charging what it does to this meter.
    pub async fn watch<F: Future>(&self, work: F) -> F::Output {
        METER.scope(self.clone(), work).await
    }

    /// What the choke point cost so far.
    #[must_use]
    pub fn choke(&self) -> Cost {
        self.with(|columns| columns.choke)
    }

    /// What the function itself cost so far.
    #[must_use]
    pub fn function(&self) -> Cost {
        self.with(|columns| columns.function)
    }

    /// From now on costs are the function's own.
    pub fn enter_function(&self) {
        self.with(|columns| columns.in_function = true);
    }

    /// From now on costs are the choke point's again.
    pub fn leave_function(&self) {
        self.with(|columns| columns.in_function = false);
    }

    fn with<T>(&self, f: impl FnOnce(&mut Columns) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one request to a store turned out to cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Charge {
    pub(crate) items: u32,
    pub(crate) read_milliunits: u64,
    pub(crate) write_milliunits: u64,
}

/// Runs one request to DynamoDB and charges what `price` reads off its result.
pub(crate) async fn request<T>(
    work: impl Future<Output = T>,
    price: impl FnOnce(&T) -> Charge,
) -> T {
    let meter = METER.try_with(Clone::clone).ok();
    if let Some(meter) = &meter {
        meter.with(|columns| {
            let alone = columns.in_flight == 0;
            columns.in_flight += 1;
            let cost = columns.current();
            cost.requests += 1;
            cost.sequence += u32::from(alone);
        });
    }
    let result = work.await;
    if let Some(meter) = &meter {
        let charge = price(&result);
        meter.with(|columns| {
            columns.in_flight = columns.in_flight.saturating_sub(1);
            let cost = columns.current();
            cost.items += charge.items;
            cost.read_milliunits += charge.read_milliunits;
            cost.write_milliunits += charge.write_milliunits;
        });
    }
    result
}

/// Charges `count` messages sent to SQS.
pub(crate) fn messages(count: u32) {
    let _ = METER.try_with(|meter| meter.with(|columns| columns.current().messages += count));
}

/// Charges what `inner` counted to the meter around it, if there is one.
pub(crate) fn absorb(inner: &Meter) {
    let (choke, function) = (inner.choke(), inner.function());
    let _ = METER.try_with(|meter| {
        meter.with(|columns| {
            columns.choke = columns.choke.plus(choke);
            columns.function = columns.function.plus(function);
        });
    });
}

/// Runs `work` as the choke point's own, although the function has begun: what every caller pays
/// alike, such as knowing who calls.
pub async fn as_choke<F: Future>(work: F) -> F::Output {
    let set = |inside: bool| {
        METER.try_with(|meter| {
            meter.with(|columns| std::mem::replace(&mut columns.in_function, inside))
        })
    };
    let before = set(false);
    let result = work.await;
    if let Ok(before) = before {
        let _ = set(before);
    }
    result
}

impl Columns {
    fn current(&mut self) -> &mut Cost {
        if self.in_function { &mut self.function } else { &mut self.choke }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn overlapping_requests_count_once_in_the_sequence() {
        let meter = Meter::default();
        meter.enter_function();
        meter
            .watch(async {
                let slow = || request(tokio::task::yield_now(), |()| Charge::default());
                tokio::join!(slow(), slow());
                slow().await;
            })
            .await;
        assert_eq!((meter.function().requests, meter.function().sequence), (3, 2));
        assert_eq!(meter.choke(), Cost::default());
    }

    #[test]
    fn a_transaction_of_four_items_is_five_dollars_per_million() {
        let cost = Cost { write_milliunits: 8_000, ..Cost::default() };
        assert_eq!(cost.microdollars_per_million(), 5_000_000);
    }
}
