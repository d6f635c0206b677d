//! A table of what functions cost, in requests and in dollars.
//!
//! The dollars are for a million calls at DynamoDB's on-demand list price in us-east-1 (since
//! November 2024: 0.125 $ per million read units, 0.625 $ per million write units) and 0.40 $ per
//! million requests to SQS, a message sent being one; that it is received and deleted is the
//! consumer's. Time in Lambda, requests to the API and storage are not in it.

use std::fmt::Write as _;

use crate::http::{Answer, Cost};
use crate::{Invocation, World};

/// Millionths of a dollar for a million times a thousandth of a read unit.
const READ: u64 = 125;
/// Millionths of a dollar for a million times a thousandth of a write unit.
const WRITE: u64 = 625;
/// Millionths of a dollar for a million messages.
const MESSAGE: u64 = 400_000;

/// The table while it is written.
#[derive(Debug)]
pub struct Table(String);

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

impl Table {
    /// A table with its head only.
    #[must_use]
    pub fn new() -> Self {
        let mut table = Self(String::new());
        let names =
            ["requests", "in sequence", "items", "read mu", "write mu", "messages", "$/million"];
        table.line("what", &names.map(str::to_owned));
        table
    }

    /// The table as it stands.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    fn line(&mut self, what: &str, cells: &[String; 7]) {
        let [requests, sequence, items, read, write, messages, dollars] = cells;
        write!(self.0, "{what:<58} {requests:>8} {sequence:>11} {items:>5} {read:>7} ")
            .and_then(|()| writeln!(self.0, "{write:>8} {messages:>8} {dollars:>9}"))
            .expect("text is written");
    }

    /// Adds a line.
    pub fn row(&mut self, what: &str, cost: Cost) -> Cost {
        let cells = [
            cost.requests,
            cost.sequence,
            cost.items,
            cost.read_milliunits,
            cost.write_milliunits,
            cost.messages,
        ];
        let [a, b, c, d, e, f] = cells.map(|cell| cell.to_string());
        self.line(what, &[a, b, c, d, e, f, dollars(cost.dollars_micro())]);
        cost
    }

    /// Adds what an answer says it cost.
    #[track_caller]
    pub fn http(&mut self, what: &str, answer: &Answer) -> Cost {
        let cost = answer.cost().unwrap_or_else(|| panic!("no X-Cost: {answer}"));
        self.row(&format!("{what}: {}", answer.status), cost)
    }

    /// Adds the last run of a function.
    pub async fn job(&mut self, world: &World, function: &str, what: &str) -> Cost {
        let runs = world.invocations(function, 1).await;
        let run = runs.first().unwrap_or_else(|| panic!("{function} has not run"));
        assert_eq!(run.outcome, "ok", "{run:?}");
        self.row(&format!("{function} ({what})"), run.cost())
    }

    /// Adds what the last run of a function cost before its handler began: the caller's record and
    /// the limiter.
    pub async fn choke(&mut self, world: &World, function: &str, what: &str) -> Cost {
        let runs = world.desk_get(&format!("invocations?function={function}&limit=1")).await;
        let choke = &runs["invocations"][0]["choke"];
        let number = |name: &str| choke[name].as_u64().unwrap_or_else(|| panic!("{name}: {runs}"));
        let cost = Cost {
            requests: number("requests"),
            sequence: number("sequence"),
            items: number("items"),
            read_milliunits: number("read_milliunits"),
            write_milliunits: number("write_milliunits"),
            messages: number("messages"),
        };
        self.row(&format!("choke point, {what}"), cost)
    }
}

impl Invocation {
    /// Its cost behind the choke point.
    #[must_use]
    pub fn cost(&self) -> Cost {
        Cost {
            requests: self.requests,
            sequence: self.sequence,
            items: self.items,
            read_milliunits: milli(self.read_units),
            write_milliunits: milli(self.write_units),
            messages: self.messages,
        }
    }
}

impl Cost {
    /// The price of a million such calls, in millionths of a dollar.
    #[must_use]
    pub fn dollars_micro(&self) -> u64 {
        self.read_milliunits * READ + self.write_milliunits * WRITE + self.messages * MESSAGE
    }
}

/// Thousandths: three decimals without the point.
fn milli(units: f64) -> u64 {
    format!("{units:.3}").replace('.', "").parse().expect("a number")
}

/// Four decimals, which hold every price exactly.
fn dollars(micro: u64) -> String {
    format!("{}.{:04}", micro / 1_000_000, micro % 1_000_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact() {
        let cost =
            Cost { read_milliunits: 500, write_milliunits: 19_000, messages: 1, ..Cost::default() };
        assert_eq!(dollars(cost.dollars_micro()), "12.3375");
        assert_eq!(milli(0.5), 500);
        assert_eq!(milli(12.0), 12_000);
    }
}
