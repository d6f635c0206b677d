//! What the crowd knows of its club, and what is known to be wrong in it.

use crate::storm::course::Known;
use crate::storm::diary::Diary;
use crate::storm::dice::Dice;

/// What is still of interest when somebody chooses one.
const RECENT: usize = 30;

#[derive(Default)]
pub struct Board {
    pub teams: Vec<String>,
    /// Reports with their authors.
    pub reports: Vec<(i64, String)>,
    pub purchases: Vec<String>,
    /// Attempts to pay with their payers.
    pub attempts: Vec<(i64, String)>,
    /// Secrets of gifts.
    pub tokens: Vec<String>,
    /// Updates of the bot, to be delivered again.
    pub updates: Vec<String>,
    pub diary: Diary,
}

impl Known for Board {
    fn diary(&mut self) -> &mut Diary {
        &mut self.diary
    }
}

impl Board {
    /// Adds what nobody has told of yet.
    pub fn learn<T: PartialEq>(known: &mut Vec<T>, new: T) {
        if !known.contains(&new) {
            known.push(new);
        }
    }
}

/// One of the newest.
pub fn recent<'a, T>(known: &'a [T], dice: &mut Dice) -> Option<&'a T> {
    let newest = &known[known.len().saturating_sub(RECENT)..];
    (!newest.is_empty()).then(|| dice.pick(newest))
}
