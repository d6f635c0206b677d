//! What happened in a storm, and what is known to be wrong.

use std::collections::{HashSet, VecDeque};

/// Lines of the diary that are kept.
const DIARY: usize = 200_000;
/// Findings that are kept; more of the same help nobody.
const FINDINGS: usize = 40;

#[derive(Default)]
pub struct Diary {
    pub found: Vec<String>,
    lines: VecDeque<String>,
}

impl Diary {
    pub fn write_down(&mut self, line: String) {
        if self.lines.len() >= DIARY {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub fn finding(&mut self, what: String) {
        if self.found.len() < FINDINGS {
            self.found.push(what);
        }
    }

    /// The last entries about whatever the finding names.
    pub fn about(&self, finding: &str, is_name: impl Fn(&str) -> bool) -> Vec<&str> {
        let words = finding.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
        let names: HashSet<&str> = words.filter(|word| is_name(word)).take(6).collect();
        let named = |line: &&String| names.iter().any(|name| line.contains(name));
        let mut lines: Vec<_> =
            self.lines.iter().rev().filter(named).take(25).map(String::as_str).collect();
        lines.reverse();
        lines
    }

    /// Prints what was found, with what led to it.
    pub fn report(&self, title: &str, seed: u64, is_name: impl Fn(&str) -> bool) {
        for found in self.found.iter().take(10) {
            println!("storm, {title}: {found}");
            for line in self.about(found, &is_name) {
                println!("    {line}");
            }
        }
        if !self.found.is_empty() {
            println!("storm, {title}: again with STORM_SEED={seed}");
        }
    }
}

/// Is it the id of a person or a payment?
pub fn is_id(word: &str) -> bool {
    word.len() >= 10 && word.bytes().all(|byte| byte.is_ascii_digit())
}
