//! The matrix as people read it.

use std::fmt::Write as _;

use super::Outcome;
use super::columns::COLUMNS;
use super::scene::Who;

/// The table while it is written: a row for each action, and for each who looks a character for
/// each column.
pub struct Table(String);

impl Table {
    /// Its legend and its head.
    pub fn new() -> Self {
        let mut text = String::from(
            "F fresh, with another answer; f fresh, with the same answer; x refused now, or no \
             more;\n· same; - refused before and after. The columns:\n",
        );
        for (number, column) in COLUMNS.iter().enumerate() {
            writeln!(text, "{:>4} {}", number + 1, column.route).unwrap();
        }
        for digit in [10, 1] {
            let numbers = (1..=COLUMNS.len()).map(|number| (number / digit % 10).to_string());
            let numbers: String = numbers.collect();
            writeln!(text, "{:<72}{numbers}", "").unwrap();
        }
        Self(text)
    }

    /// Adds a row.
    pub fn row(&mut self, name: &str, outcomes: &[Vec<Outcome>]) {
        for (place, who) in Who::ALL.iter().enumerate() {
            let cells: String = outcomes
                .iter()
                .map(|column| column.get(place).map_or(' ', |one| sign(*one)))
                .collect();
            let name = if place == 0 { name } else { "" };
            writeln!(self.0, "{name:<64}{:<8}{cells}", format!("{who:?}")).unwrap();
        }
    }

    /// The table as it stands.
    pub fn text(&self) -> &str {
        &self.0
    }
}

fn sign(outcome: Outcome) -> char {
    match outcome {
        Outcome::Same => '·',
        Outcome::Fresh => 'F',
        Outcome::Raised => 'f',
        Outcome::Turned => 'x',
        Outcome::Refused => '-',
    }
}
