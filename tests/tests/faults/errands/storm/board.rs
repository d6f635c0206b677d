//! What the crowd knows of the town, and what is known to be wrong in it.

use std::collections::{HashMap, HashSet};

use crate::storm::course::Known;
use crate::storm::diary::{Diary, is_id};
use crate::storm::dice::Dice;

/// What is still of interest when somebody chooses an order or a payment.
const RECENT: usize = 60;

/// A payment that somebody was given a link of.
#[derive(Clone, Debug)]
pub struct Paying {
    pub id: i64,
    pub owner: i64,
    pub provider: &'static str,
    pub rubles: i64,
    /// The provider's word that it was paid, once it is: it may come any number of times.
    pub word: Option<String>,
}

#[derive(Default)]
pub struct Board {
    /// Orders with their clients; 0 where only the order was seen.
    pub orders: Vec<(String, i64)>,
    known: HashSet<String>,
    /// Whose a contact is, by its mark.
    owners: HashMap<String, HashSet<i64>>,
    /// Who has bought which order, for certain or perhaps: a lost answer leaves that open.
    bought: HashMap<(i64, String), bool>,
    pub payments: Vec<Paying>,
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
    pub fn posted(&mut self, order: &str, client: i64) {
        if self.known.insert(order.to_owned()) {
            self.orders.push((order.to_owned(), client));
        } else if client != 0
            && let Some(seen) = self.orders.iter_mut().rev().find(|(id, _)| id == order)
        {
            seen.1 = client;
        }
    }

    /// Takes in what became of somebody's take. True where it was refused to who has it for
    /// certain.
    pub fn took(&mut self, person: i64, order: &str, status: u16) -> bool {
        let take = (person, order.to_owned());
        match status {
            200 => {
                self.bought.insert(take, true);
                false
            }
            429 | 503 => {
                self.bought.entry(take).or_insert(false);
                false
            }
            _ => self.bought.remove(&take) == Some(true),
        }
    }

    pub fn owns(&mut self, person: i64, mark: &str) {
        self.owners.entry(mark.to_owned()).or_default().insert(person);
    }

    /// May this person read the contact with this mark in what is said of the order?
    pub fn may_read(&self, person: i64, mark: &str, order: Option<&str>) -> bool {
        let own = self.owners.get(mark).is_some_and(|owners| owners.contains(&person));
        own || order.is_some_and(|order| self.bought.contains_key(&(person, order.to_owned())))
    }

    /// An order that was posted not long ago; one's own more often than not where that matters.
    pub fn order(&self, dice: &mut Dice, own: Option<i64>) -> Option<String> {
        let mine = own.filter(|_| dice.chance(80));
        let wanted = |(_, client): &&(String, i64)| mine.is_none_or(|mine| mine == *client);
        let recent: Vec<_> = self.orders.iter().rev().filter(wanted).take(RECENT).collect();
        if recent.is_empty() {
            return None;
        }
        // The newest are the ones that things happen to.
        let most = if dice.chance(70) { recent.len().min(8) } else { recent.len() };
        Some(recent[dice.below(most)].0.clone())
    }

    pub fn payment(&self, dice: &mut Dice) -> Option<Paying> {
        let recent: Vec<_> = self.payments.iter().rev().take(RECENT).collect();
        if recent.is_empty() { None } else { Some((*dice.pick(&recent)).clone()) }
    }

    /// Is it the id of an order, a person or a payment?
    pub fn is_name(&self, word: &str) -> bool {
        self.known.contains(word) || is_id(word)
    }
}

/// The marks of contacts in a text: `qz` and eight digits, or a number that begins as ours do.
pub fn marks(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let mut found = Vec::new();
    for (start, digits) in [("qz", 8), ("+7955", 7)] {
        for (at, _) in text.match_indices(start) {
            let mark = text.get(at..at + start.len() + digits).unwrap_or_default();
            let tail = mark.get(start.len()..).unwrap_or_default();
            if tail.len() == digits && tail.bytes().all(|byte| byte.is_ascii_digit()) {
                found.push(mark.to_owned());
            }
        }
    }
    found
}

#[test]
fn contacts_are_found_however_they_are_written() {
    assert_eq!(marks(r#"{"contact":"https://t.me/QZ00000012"}"#), ["qz00000012"]);
    assert_eq!(marks("+79550000012, Viber qz00000013"), ["qz00000013", "+79550000012"]);
    assert!(marks("qz1234567 +7955123456 +7956 1234567").is_empty());
}
